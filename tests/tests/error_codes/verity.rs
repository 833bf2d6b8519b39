//! The errors of verified streaming.

use super::Row;
use super::lists::list;
use netboot_verity::VerityError;

pub fn rows() -> Vec<Row> {
    use VerityError as E;
    let mut rows = Vec::new();
    list!(rows, VerityError, "VerityError", |error| error,
        E::NotPacked => E::NotPacked, "NotPacked",
            "Publish the packed file under this name, or tell no verity digest for it.";
        E::Unsupported => E::Unsupported, "Unsupported",
            "Pack the file with a version of the tools that goes with this ROM; copy it in binary mode.";
        E::WrongHead => E::WrongHead, "WrongHead",
            "The file and the digest are of different releases: put both from one build there. If they are not, somebody has changed the file.";
        E::TooLarge { .. } => E::TooLarge { size: 2_000_000 }, "TooLarge",
            "Build the ROM with a verifier of one more level, or publish a smaller file.";
        E::WrongBlock { .. } => E::WrongBlock { number: 34 }, "WrongBlock",
            "The file was damaged or changed after it was packed: copy it there anew. Nothing of the block was used.";
        E::WrongLength { .. } => E::WrongLength { number: 34, found: 1000 }, "WrongLength",
            "The packed file was cut: copy it there anew.";
        E::TooEarly { .. } => E::TooEarly { number: 34 }, "TooEarly",
            "A fault of whoever calls the verifier: report it.";
        E::Repeated { .. } => E::Repeated { number: 34 }, "Repeated",
            "A fault of whoever calls the verifier: report it.";
        E::NoSuchBlock { .. } => E::NoSuchBlock { number: 99 }, "NoSuchBlock",
            "A fault of whoever calls the verifier: report it.";
        E::TooLong => E::TooLong, "TooLong",
            "Something was added to the packed file: copy it there anew.";
    );
    rows
}
