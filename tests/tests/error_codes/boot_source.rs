//! The errors between an MCU ROM and its boot source.

use crate::Row;
use crate::lists::list;
use netboot_boot_source::{BootSourceError, Status, WaitFor};

/// Codes of the protocol, and what to do about them.
const STATUSES: [(Status, &str, &str); 15] = [
    (
        Status::INVALID_MESSAGE_TYPE,
        "InvalidMessageType",
        "The two ROMs do not speak the same protocol: compare their versions.",
    ),
    (
        Status::INVALID_FIRMWARE_ID,
        "InvalidFirmwareId",
        "Give both sides the same map of firmware ids.",
    ),
    (
        Status::NOT_FOUND,
        "NotFound",
        "Put the image where the source looks for it; its own log says where that is.",
    ),
    (
        Status::CHECKSUM_MISMATCH,
        "ChecksumMismatch",
        "The source found another image than it should have: put the right one there.",
    ),
    (
        Status::TRANSFER_TIMEOUT,
        "TransferTimeout",
        "Nothing, or not enough, came from the source's own network: look at its log.",
    ),
    (
        Status::SOURCE_NOT_READY,
        "SourceNotReady",
        "The source is not ready: ask it by InitiateBoot and wait until it is. If it was ready before, it has started anew: look at its log.",
    ),
    (
        Status::INVALID_PARAMETERS,
        "InvalidParameters",
        "The source does not know the protocol's version, a flag or a parameter: compare the two sides.",
    ),
    (
        Status::CORRUPTED_DATA,
        "CorruptedData",
        "The source's server sends what it must not, or less than the image: look at the server.",
    ),
    (
        Status::INSUFFICIENT_SPACE,
        "InsufficientSpace",
        "The image is larger than the protocol can say: 4 GiB.",
    ),
    (
        Status::CHECKSUM_VERIFICATION_FAILED,
        "ChecksumVerificationFailed",
        "The source could not verify the image: look at its log.",
    ),
    (
        Status::FLASH_WRITE_FAILED,
        "FlashWriteFailed",
        "The source could not write the image to flash: look at the flash and at the source's log. Without flash write-back in InitiateBoot it does not write.",
    ),
    (
        Status::STAGING_NOT_AVAILABLE,
        "StagingNotAvailable",
        "Do not ask for flash write-back, or give it staging memory.",
    ),
    (
        Status::COMMIT_FAILED,
        "CommitFailed",
        "The active partition is marked invalid: look at the flash.",
    ),
    (
        Status::FLASH_VERIFICATION_FAILED,
        "FlashVerificationFailed",
        "The flash does not hold what was written: look at it.",
    ),
    (
        Status::UNSPECIFIED,
        "Unspecified",
        "The source failed for a reason of its own: look at its log.",
    ),
];

pub fn rows() -> Vec<Row> {
    use BootSourceError as E;
    let mut rows = Vec::new();
    let rows_of = &mut rows;
    list!(rows_of, BootSourceError, "BootSourceError", core::convert::identity,
        E::UnknownMessage { .. } => E::UnknownMessage { kind: 0x7F }, "UnknownMessage",
            "The two ROMs do not speak the same protocol, or something else writes into the mailbox.";
        E::ShortMessage { .. } => E::ShortMessage { kind: 0x82, given: 8 }, "ShortMessage",
            "The mailbox cuts messages short, or the other side's messages are others.";
        E::IdNotOnWire { .. } => E::IdNotOnWire { id: 0x1000_0000 }, "IdNotOnWire",
            "Name an octet for the id in the map of firmware ids, the same on both sides.";
        E::Busy => E::Busy, "Busy",
            "A defect of the caller: one exchange at a time, and after an error begin with InitiateBoot.";
        E::Misuse => E::Misuse, "Misuse",
            "A defect of the caller: see the order of the calls.";
        E::TooSmall { .. } => E::TooSmall { needed: 4_108, given: 4_096 }, "TooSmall",
            "Give the buffer, or the mailbox, room for a chunk and its header of 12 octets, or make the chunks smaller.";
        E::SizeUnsupported { .. } => E::SizeUnsupported { size: 0 }, "SizeUnsupported",
            "The file on the server is empty, or larger than 4 GiB: put the right one there.";
        E::ChunkSize { .. } => E::ChunkSize { found: 1_024, expected: 4_096 }, "ChunkSize",
            "Give both sides the same CHUNK_SIZE.";
        E::ChecksumMismatch => E::ChecksumMismatch, "ChecksumMismatch",
            "The image was not activated: compare the file with the digest that the source was told.";
        E::Unhashed => E::Unhashed, "Unhashed",
            "Build the delivery with the feature `sha256`, or name no checksum.";
        E::GivenUp => E::GivenUp, "GivenUp",
            "The MCU ROM's own status says why.";
        E::Sink => E::Sink, "Sink",
            "The consumer's own error says why.";
        E::Timeout(_) => E::Timeout(WaitFor::Start), "Timeout(Start)",
            "Nobody answers in the mailbox: see that the other processor runs.";
        E::Source(_) => E::Source(Status::SUCCESS), "Source", "";
    );
    list!(rows_of, WaitFor, "BootSourceError", E::Timeout,
        WaitFor::Start => WaitFor::Start, "first", "";
        WaitFor::Ready => WaitFor::Ready, "Timeout(Ready)",
            "The source gets no address, or does not find its server: look at its log.";
        WaitFor::Metadata => WaitFor::Metadata, "Timeout(Metadata)",
            "The source does not get at the image: look at its log.";
        WaitFor::Chunk => WaitFor::Chunk, "Timeout(Chunk)",
            "The source stopped in the middle of an image: look at its log, and at `answer_timeout`.";
        WaitFor::Acknowledgement => WaitFor::Acknowledgement, "Timeout(Acknowledgement)",
            "The MCU ROM stopped taking the image: look at its status, and at `ack_timeout`.";
        WaitFor::Finalized => WaitFor::Finalized, "Timeout(Finalized)",
            "The boot is over all the same; the source did not say that it ended its work.";
    );
    rows.retain(|row| !row.advice.is_empty());
    for (status, name, advice) in STATUSES {
        rows.push(Row::of(
            &format!("BootSourceError::Source({name})"),
            &E::Source(status),
            advice,
        ));
    }
    rows
}
