//! The errors of the UDP boot protocol.

use super::Row;
use super::lists::list;
use netboot_ubp::UbpError;
use netboot_ubp::wire::ErrorCode;

pub fn rows() -> Vec<Row> {
    use UbpError as E;
    let mut rows = Vec::new();
    list!(rows, UbpError, "UbpError", |error| error,
        E::Name => E::Name, "Name",
            "Write a path of at most 255 octets into the URI, or name a digest.";
        E::Parameter => E::Parameter, "Parameter",
            "A fault of whoever makes the request: a window has 1 to 64 blocks.";
        E::Closed => E::Closed, "Closed",
            "A fault of whoever calls the client: report it.";
        E::NoAnswer => E::NoAnswer, "NoAnswer",
            "Start the server, open its UDP port in firewalls, and compare the port with that of the URI.";
        E::Stalled { .. } => E::Stalled { offset: 65_536 }, "Stalled",
            "Look at the link and at the server's log: it answered before.";
        E::Busy => E::Busy, "Busy",
            "Give the server a larger budget, add a second server, or let the boards take the blocks from a group.";
        E::Changed => E::Changed, "Changed",
            "Publish a new release under a new name, and leave the old one there while boards boot.";
        E::WrongBlocks { .. } => E::WrongBlocks { number: 34 }, "WrongBlocks",
            "The server's file was damaged after it was packed, or somebody on the link forges blocks. Nothing of a wrong block was used.";
        E::Server { .. } => E::Server { code: ErrorCode::NOT_FOUND }, "Server(1)",
            "Look into the server's log for the path that was asked for, and at the path in the URI.";
        E::Verity(_) => E::Verity(netboot_verity::VerityError::NotPacked), "Verity", "";
    );
    // The tree's errors have rows of their own.
    rows.retain(|row| !row.advice.is_empty());
    for (code, name, advice) in [
        (
            ErrorCode::REFUSED,
            "UbpError::Server(2)",
            "Look into the server's log: its rules do not let this board have the file.",
        ),
        (
            ErrorCode::FAILED,
            "UbpError::Server(3)",
            "Look into the server's log: it has the file and cannot read it.",
        ),
        (
            ErrorCode::GONE,
            "UbpError::Server(4)",
            "The file was taken away or replaced during the transfer: leave a release there while boards boot.",
        ),
        (
            ErrorCode(99),
            "UbpError::Server(other)",
            "Look into the server's log: it is of a later version than this client.",
        ),
    ] {
        rows.push(Row::of(name, &E::Server { code }, advice));
    }
    rows
}
