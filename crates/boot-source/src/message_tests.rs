//! The octets of each message, by hand.

use super::*;
use proptest::prelude::*;

fn samples() -> Vec<(Message<'static>, Vec<u8>)> {
    let mut metadata = vec![0x82, 0, 0, 0, 0x04, 0x03, 0x02, 0x01];
    metadata.extend([0xAB; 32]);
    metadata.extend([7, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    vec![
        (
            Message::Initiate {
                version: 1,
                flags: BootFlags(3),
                specific: b"net0",
            },
            b"\x01\0\0\0\x01\0\0\0\x03\0\0\0net0".to_vec(),
        ),
        (
            Message::Initiated {
                status: Status::IN_PROGRESS,
            },
            vec![0x81, 1, 0, 0],
        ),
        (Message::MetadataRequest { id: 2 }, vec![0x02, 2, 0, 0]),
        (
            Message::Metadata {
                status: Status::SUCCESS,
                size: 0x0102_0304,
                checksum: [0xAB; 32],
                version: 7,
                flags: 2,
            },
            metadata,
        ),
        (
            Message::Download { id: 1 },
            vec![0x03, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
        (
            Message::Chunk {
                status: Status::SUCCESS,
                sequence: 0x0201,
                offset: 0x1000,
                data: b"abc",
            },
            b"\x83\0\x01\x02\0\x10\0\0\x03\0\0\0abc".to_vec(),
        ),
        (
            Message::Ack {
                id: 1,
                sequence: 0xFFFE,
                flags: ack::READY | ack::ERROR,
            },
            vec![0x04, 1, 0xFE, 0xFF, 0, 0, 0, 0, 3, 0, 0, 0],
        ),
        (
            Message::Finalize {
                status: Status::NOT_FOUND,
                error: 0x0302,
            },
            vec![0x05, 3, 2, 3, 0, 0, 0, 0],
        ),
        (
            Message::Finalized {
                status: Status::SUCCESS,
                cleanup: Cleanup(3),
            },
            vec![0x85, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0],
        ),
    ]
}

#[test]
fn octets_of_each_message() {
    for (message, octets) in samples() {
        let mut out = [0xEE; 80];
        assert_eq!(message.emit(&mut out), Some(octets.len()), "{message:?}");
        assert_eq!(&out[..octets.len()], octets, "{message:?}");
        assert_eq!(Message::parse(&octets), Ok(message));
        assert_eq!(octets[0], message.kind());
        assert_eq!(message.emit(&mut out[..octets.len() - 1]), None);
        assert!(octets.len() <= MIN_MESSAGE);
    }
}

#[test]
fn a_short_message_is_refused_by_its_type() {
    for (message, octets) in samples() {
        // Parameters of a source may have any length.
        let fixed = match message {
            Message::Initiate { .. } => 12,
            _ => octets.len(),
        };
        for given in 1..fixed {
            let found = Message::parse(&octets[..given]);
            let kind = octets[0];
            assert_eq!(
                found,
                Err(BootSourceError::ShortMessage { kind, given }),
                "{message:?}"
            );
        }
    }
    assert_eq!(
        Message::parse(&[]),
        Err(BootSourceError::UnknownMessage { kind: 0 })
    );
    for kind in [0x06, 0x7F, 0x80, 0x84, 0x86, 0xFF] {
        let octets = [kind; 64];
        assert_eq!(
            Message::parse(&octets),
            Err(BootSourceError::UnknownMessage { kind })
        );
    }
}

#[test]
fn an_error_may_be_as_short_as_its_head() {
    let error = Status::NOT_FOUND;
    assert!(matches!(
        Message::parse(&[0x82, 3, 0, 0]),
        Ok(Message::Metadata { status, .. }) if status == error
    ));
    assert!(matches!(
        Message::parse(&[0x83, 3, 0, 0]),
        Ok(Message::Chunk { status, .. }) if status == error
    ));
}

#[test]
fn reserved_octets_and_octets_behind_are_ignored() {
    for (message, octets) in samples() {
        let reserved: &[usize] = match message {
            Message::Initiate { .. } => &[1, 2, 3],
            Message::Initiated { .. } | Message::MetadataRequest { .. } => &[2, 3],
            Message::Metadata { .. } => &[2, 3, 48, 49, 50, 51],
            Message::Download { .. } => &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
            Message::Chunk { .. } => &[],
            Message::Ack { .. } | Message::Finalize { .. } => &[4, 5, 6, 7],
            Message::Finalized { .. } => &[2, 3, 8, 9, 10, 11],
        };
        let mut dirty = octets.clone();
        for place in reserved {
            assert_eq!(octets[*place], 0);
            dirty[*place] = 0x5A;
        }
        if !matches!(message, Message::Initiate { .. }) {
            dirty.extend([1, 2, 3]);
        }
        assert_eq!(Message::parse(&dirty), Ok(message));
    }
    assert!(BootFlags(4).has_reserved() && BootFlags(1 << 31).has_reserved());
    assert!(!BootFlags(3).has_reserved());
}

proptest! {
    #[test]
    fn what_parses_is_emitted_again(octets in prop::collection::vec(any::<u8>(), 0..120), kind: u8) {
        let mut octets = octets;
        if let Some(first) = octets.first_mut() {
            *first = kind & 0x87;
        }
        if let Ok(message) = Message::parse(&octets) {
            let mut out = [0; 160];
            let len = message.emit(&mut out).unwrap();
            prop_assert_eq!(Message::parse(&out[..len]), Ok(message));
        }
    }
}

/// The longest message but a chunk is the answer with metadata: 4 + 4 + 32 + 4 + 4 + 4 octets.
#[test]
fn a_buffer_holds_each_message() {
    for (chunk_size, octets) in [
        (0, 52),
        (1, 52),
        (40, 52),
        (41, 53),
        (4096, 4108),
        (usize::MAX, usize::MAX),
    ] {
        assert_eq!(message_len(chunk_size), octets, "{chunk_size}");
    }
    let metadata = Message::Metadata {
        status: Status::SUCCESS,
        size: 1,
        checksum: [0; 32],
        version: 0,
        flags: 0,
    };
    assert_eq!(metadata.emit(&mut [0; MIN_MESSAGE]), Some(MIN_MESSAGE));
}
