//! What a report says of each error: its stable number, its culprit, its facts and its sentence.

use crate::error::{BootSourceError, WaitFor};
use crate::status::Status;
use netboot_core::{Blame, Coded};

fn facts(error: BootSourceError) -> String {
    let mut text = String::new();
    error.facts(&mut text);
    text
}

#[test]
fn numbers_culprits_facts_and_sentences() {
    use Blame::{Caller, Configuration, Device, Peer, Server};
    use BootSourceError as E;
    let waits = [
        WaitFor::Start,
        WaitFor::Ready,
        WaitFor::Metadata,
        WaitFor::Chunk,
        WaitFor::Acknowledgement,
        WaitFor::Finalized,
    ];
    for (error, number, blame, told, sentence) in [
        (
            E::UnknownMessage { kind: 0x0a },
            1,
            Peer,
            "",
            "a message has an unknown type (0x0a)",
        ),
        (
            E::ShortMessage {
                kind: 0x83,
                given: 11,
            },
            2,
            Peer,
            " octets=11",
            "a message has only 11 octets (type 0x83)",
        ),
        (
            E::IdNotOnWire { id: 0x1234 },
            3,
            Caller,
            "",
            "a firmware id has no place in a message and is not mapped (0x00001234)",
        ),
        (E::Busy, 4, Caller, "", "the exchange before has not ended"),
        (
            E::Misuse,
            5,
            Caller,
            "",
            "the calls of the boot source are out of order",
        ),
        (
            E::TooSmall {
                needed: 52,
                given: 51,
            },
            6,
            Caller,
            " given=51 needed=52",
            "a buffer of 51 octets, where 52 are needed",
        ),
        (
            E::SizeUnsupported { size: 1 << 33 },
            7,
            Configuration,
            " octets=8589934592",
            "an image of 8589934592 octets cannot be transferred",
        ),
        (
            E::ChunkSize {
                found: 4095,
                expected: 4096,
            },
            9,
            Peer,
            " found=4095 expected=4096",
            "a chunk of 4095 octets, where 4096 are due",
        ),
        (
            E::ChecksumMismatch,
            10,
            Server,
            "",
            "the image is not the one that the boot source's checksum names",
        ),
        (
            E::Unhashed,
            11,
            Caller,
            "",
            "the boot source names a checksum, and the delivery does not hash",
        ),
        (E::GivenUp, 12, Peer, "", "the MCU ROM gave the image up"),
        (E::Sink, 13, Device, "", "the consumer of the image failed"),
        (
            E::Source(Status::NOT_FOUND),
            0x103,
            Server,
            "",
            "the boot source says: image not found (0x03)",
        ),
        (
            E::Source(Status::UNSPECIFIED),
            0x1ff,
            Server,
            "",
            "the boot source says: unspecified error (0xff)",
        ),
    ] {
        assert_eq!(error.code() & 0xffff, number, "{error:?}");
        assert_eq!(error.code() >> 16, E::Busy.code() >> 16, "{error:?}");
        assert_eq!(error.blame(), blame, "{error:?}");
        assert_eq!(facts(error), told, "{error:?}");
        assert_eq!(error.to_string(), sentence);
    }
    for (number, wait) in (14..).zip(waits) {
        let error = E::Timeout(wait);
        assert_eq!(error.code() & 0xffff, number, "{error:?}");
        assert_eq!((error.blame(), facts(error)), (Peer, String::new()));
    }
    let sentences = waits.map(|wait| E::Timeout(wait).to_string());
    assert_eq!(
        sentences,
        [
            "an answer to InitiateBoot did not come in time",
            "a source that is ready did not come in time",
            "the metadata of an image did not come in time",
            "the next chunk did not come in time",
            "the acknowledgement of a chunk did not come in time",
            "an answer to Finalize did not come in time",
        ]
    );
}
