//! `netboot pack` against the program `fsverity` and the verifier that devices have.

mod common;

use common::Folder;
use netboot_verity::{Digest, MAX_LEVELS, Reader, Software};
use std::process::Command;

/// Sizes around each edge of a block, of a node and of a level.
const SIZES: [usize; 14] = [
    1,
    1023,
    1024,
    1025,
    2048,
    31 << 10,
    32 << 10,
    (32 << 10) + 1,
    33 << 10,
    100_000,
    (1 << 20) - 1,
    1 << 20,
    (1 << 20) + 1,
    (32 << 20) + 5,
];

/// Whether the program is there. In continuous integration it has to be.
fn is_installed() -> bool {
    if Command::new("fsverity").arg("--version").output().is_ok() {
        return true;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "run `apt-get install fsverity`"
    );
    eprintln!("SKIPPED: fsverity is missing: run `apt-get install fsverity`");
    false
}

/// Takes a packed file apart as a device does.
fn unpack(digest: &str, packed: &[u8]) -> Vec<u8> {
    let digest = Digest::from_hex(digest).unwrap();
    let mut reader = Reader::<_, MAX_LEVELS>::new(Software::default(), digest);
    let mut data = Vec::new();
    let mut rest = packed;
    while !rest.is_empty() {
        let taken = reader.push(rest).unwrap();
        rest = &rest[taken..];
        data.extend_from_slice(reader.data().unwrap_or_default());
    }
    assert!(reader.is_complete());
    data
}

#[test]
fn a_device_takes_the_packed_file_and_fsverity_says_the_digest() {
    let folder = Folder::new();
    let installed = is_installed();
    for size in SIZES {
        let data = common::octets(size);
        folder.put("image.bin", &data);
        let (code, text) = folder.netboot(&["pack", "image.bin", "--compact"]);
        assert_eq!(code, 0, "{text}");
        let digest = text.trim_end();
        let packed = folder.get("image.bin.nbv");
        assert!(unpack(digest, &packed) == data, "{size}");
        if installed {
            let line = ["digest", "--block-size=1024", "--compact", "image.bin"];
            let (code, judged) = folder.run("fsverity", &line);
            assert_eq!((code, judged.trim_end()), (0, digest), "{size}");
        }
        // The library's own packer holds all of the file in memory.
        let tree = netboot_verity::Tree::of(&data);
        let expected = tree.pack(&data).unwrap();
        assert!(packed == expected, "{size}");
        let (code, text) = folder.netboot(&["inspect", "image.bin.nbv"]);
        assert!(
            code == 0
                && text.contains("all blocks are right by this digest")
                && text.contains(&format!("verity digest of that file {digest}")),
            "{text}"
        );
    }
}

#[test]
fn what_was_packed_is_told() {
    let folder = Folder::new();
    folder.put("image.bin", &[1; 100_000]);
    let (code, text) = folder.netboot(&["pack", "image.bin", "-o", "packed"]);
    assert_eq!(code, 0, "{text}");
    let len = folder.get("packed").len();
    for part in [
        format!("packed, {len} octets: packed file"),
        "of image.bin, 100000 octets, 2 levels of hashes".into(),
        "verity digest ".into(),
    ] {
        assert!(text.contains(&part), "{part} is not in\n{text}");
    }
}

#[test]
fn odd_files_are_refused_and_leave_nothing() {
    let folder = Folder::new();
    folder.put("empty", b"");
    folder.put("image", b"image");
    folder.put("packed", &folder.packed(b"image"));
    std::fs::create_dir(folder.path("folder")).unwrap();
    let sparse = std::fs::File::create(folder.path("sparse")).unwrap();
    sparse.set_len((1 << 30) + 1).unwrap();
    let before = folder.names();
    for (line, why) in [
        (&["pack", "nowhere"][..], "cannot read nowhere"),
        (&["pack", "empty"], "empty is empty"),
        (&["pack", "folder"], "folder"),
        (&["pack", "packed"], "packed is packed already"),
        (&["pack", "sparse"], "larger than can be verified here"),
        (
            &["pack", "image", "-o", "image"],
            "one of the files to be read",
        ),
        (&["pack", "image", "-o", "folder"], "is no file"),
        (
            &["pack", "image", "-o", "nowhere/x"],
            "cannot write nowhere/x",
        ),
    ] {
        let (code, text) = folder.netboot(line);
        assert!(code == 1 && text.contains(why), "{line:?}: {text}");
        assert_eq!(folder.names(), before, "{line:?}");
    }
}
