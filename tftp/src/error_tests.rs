//! What a report says of each error: its stable number and its culprit.

use crate::error::{ServerMessage, samples};
use crate::packet::ErrorCode;
use netboot_core::{Blame, Coded};

#[test]
fn numbers_and_culprits() {
    use Blame::{Caller, Configuration, Network, Peer, Server};
    let expected = [
        (1, Configuration),
        (2, Caller),
        (3, Caller),
        (4, Network),
        (8, Server),
        (5, Network),
        (6, Peer),
        (7, Server),
        // Options.
        (16, Peer),
        (17, Peer),
        (18, Peer),
        (19, Peer),
        (20, Peer),
        (21, Peer),
        (22, Peer),
        // The server's own codes 0 to 8, and 9, which RFC 1350 does not know.
        (32, Server),
        (33, Configuration),
        (34, Configuration),
        (35, Server),
        (36, Server),
        (37, Server),
        (38, Server),
        (39, Server),
        (40, Server),
        (47, Server),
    ];
    assert_eq!(samples().len(), expected.len());
    for (error, (number, blame)) in samples().into_iter().zip(expected) {
        assert_eq!(error.code(), 0x0002_0000 + number, "{error:?}");
        assert_eq!(error.blame(), blame, "{error:?}");
    }
}

#[test]
fn a_sentence_names_the_address_that_answered() {
    let sentences: Vec<_> = samples().iter().map(ToString::to_string).collect();
    assert!(sentences.contains(
        &"TFTP server did not answer from the address that was asked; 10.0.0.2 did".into()
    ));
    assert!(sentences.contains(&"the TFTP server announced 1 octets but sent 2".into()));
    assert!(sentences.iter().all(|sentence| sentence.contains("TFTP")));
}

/// RFC 1350 (appendix) and RFC 2347.
#[test]
fn the_words_for_the_servers_codes() {
    let words = [
        "error without a code",
        "file not found",
        "access violation",
        "disk full",
        "illegal operation",
        "unknown transfer id",
        "file already exists",
        "no such user",
        "option negotiation failed",
        "unknown error code",
        "unknown error code",
    ];
    for (code, words) in (0..).zip(words) {
        assert_eq!(ErrorCode(code).as_str(), words);
        assert_eq!(
            format!("{:?}", ErrorCode(code)),
            format!("{code} ({words})")
        );
    }
    assert_eq!(ErrorCode(u16::MAX).as_str(), "unknown error code");
}

#[test]
fn a_servers_message_in_every_form() {
    let message = ServerMessage::from("no \u{7}entry");
    assert_eq!(message.as_str(), "no entry");
    assert_eq!(message.to_string(), "no entry");
    assert_eq!(format!("{message:?}"), "\"no entry\"");
    assert_eq!(ServerMessage::from("").as_str(), "");
}
