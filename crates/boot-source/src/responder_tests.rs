//! What the source takes for a request, and what for the acknowledgement of its chunk.

use crate::config::{ResponderConfig, SharedConfig};
use crate::error::BootSourceError;
use crate::id::FirmwareId;
use crate::message::{Message, ack};
use crate::responder::{Request, Responder};
use netboot_core::{AbortReason, ImageSink, Instant};

const NOW: Instant = Instant::from_millis(1_000);

fn responder(buffer: &mut [u8; 8]) -> Responder<'static, &mut [u8; 8]> {
    let config = ResponderConfig {
        shared: SharedConfig::new(8),
        ..ResponderConfig::default()
    };
    Responder::new(config, buffer).unwrap()
}

fn tell(responder: &mut Responder<'_, &mut [u8; 8]>, message: Message<'_>) -> Option<Request> {
    let mut octets = [0; 64];
    let len = message.emit(&mut octets).unwrap();
    responder.handle(NOW, &octets[..len]).unwrap()
}

/// A request of a type that nobody knows is answered with that type, and *invalid message type*. What is no request has no answer, so
/// that two ends never answer each other without end.
#[test]
fn an_unknown_request_is_answered_and_an_unknown_answer_is_not() {
    for (kind, answer) in [
        (0x06, Some([0x86, 0x01])),
        (0x7f, Some([0xff, 0x01])),
        (0x86, None),
        (0xff, None),
        (0x00, None),
    ] {
        let mut buffer = [0; 8];
        let mut responder = responder(&mut buffer);
        let unknown = Err(BootSourceError::UnknownMessage { kind });
        assert_eq!(responder.handle(NOW, &[kind, 0, 0, 0]), unknown);
        let mut out = [0; 64];
        let sent = responder.poll_transmit(NOW, &mut out);
        assert_eq!(sent.map(|_| [out[0], out[1]]), answer, "{kind:#x}");
        assert_eq!(responder.poll_transmit(NOW, &mut out), None);
    }
}

/// Metadata may be asked for twice, when its answer got lost.
#[test]
fn an_image_is_wanted_however_often_it_was_asked_for() {
    for (times, wanted) in [(0, false), (1, true), (2, true), (3, true)] {
        let mut buffer = [0; 8];
        let mut responder = responder(&mut buffer);
        for _ in 0..times {
            tell(&mut responder, Message::MetadataRequest { id: 33 });
        }
        let request = tell(&mut responder, Message::Download { id: 33 });
        let id = FirmwareId(33);
        assert_eq!(request, wanted.then_some(Request::Download { id }));
    }
}

/// Only the acknowledgement of this chunk, of this image, makes room for the next one.
#[test]
fn the_acknowledgement_of_another_chunk_does_not_count() {
    for (id, sequence, window) in [
        (33, 0, 8),
        (34, 0, 0),
        (1, 0, 0),
        (33, 1, 0),
        (33, 0xffff, 0),
    ] {
        let mut buffer = [0; 8];
        let mut responder = responder(&mut buffer);
        tell(&mut responder, Message::MetadataRequest { id: 33 });
        tell(&mut responder, Message::Download { id: 33 });
        responder.begin(NOW, 20).unwrap();
        responder.write(NOW, &[1; 8]).unwrap();
        let mut out = [0; 64];
        while responder.poll_transmit(NOW, &mut out).is_some() {}
        assert_eq!(responder.window(NOW), Ok(0));
        let flags = ack::READY;
        tell(
            &mut responder,
            Message::Ack {
                id,
                sequence,
                flags,
            },
        );
        assert_eq!(responder.window(NOW), Ok(window), "{id} {sequence}");
    }
}

fn acknowledge(responder: &mut Responder<'_, &mut [u8; 8]>, sequence: u16) {
    let mut out = [0; 64];
    while responder.poll_transmit(NOW, &mut out).is_some() {}
    let (id, flags) = (33, ack::READY);
    tell(
        responder,
        Message::Ack {
            id,
            sequence,
            flags,
        },
    );
}

/// An image may be taken back while no octet of it was sent. It begins anew then, also with another size.
#[test]
fn what_was_sent_is_not_taken_back() {
    let mut buffer = [0; 8];
    let mut responder = responder(&mut buffer);
    assert!(responder.withdraw(NOW), "nothing was begun");
    tell(&mut responder, Message::MetadataRequest { id: 33 });
    tell(&mut responder, Message::Download { id: 33 });
    responder.begin(NOW, 20).unwrap();
    assert!(responder.withdraw(NOW), "nothing was written");
    responder.begin(NOW, 20).unwrap();
    responder.write(NOW, &[1; 7]).unwrap();
    assert!(responder.withdraw(NOW), "no chunk is whole");
    responder.begin(NOW, 12).unwrap();
    assert_eq!(responder.window(NOW), Ok(8));
    responder.write(NOW, &[1; 8]).unwrap();
    assert!(!responder.withdraw(NOW), "a chunk is on its way");
    acknowledge(&mut responder, 0);
    assert!(!responder.withdraw(NOW), "a chunk has arrived");
    assert_eq!(responder.window(NOW), Ok(4));
}

/// The image ends with the acknowledgement of its last chunk, once.
#[test]
fn an_image_is_activated_when_all_of_it_has_arrived() {
    let mut buffer = [0; 8];
    let mut responder = responder(&mut buffer);
    let misuse = Err(BootSourceError::Misuse);
    assert_eq!(responder.activate(NOW), misuse);
    tell(&mut responder, Message::MetadataRequest { id: 33 });
    tell(&mut responder, Message::Download { id: 33 });
    assert_eq!(responder.activate(NOW), misuse);
    responder.begin(NOW, 5).unwrap();
    responder.write(NOW, &[1; 5]).unwrap();
    responder.end(NOW).unwrap();
    assert_eq!(responder.poll_ready(NOW), Ok(false));
    assert_eq!(responder.activate(NOW), misuse);
    acknowledge(&mut responder, 0);
    assert_eq!(responder.poll_ready(NOW), Ok(true));
    assert_eq!(responder.activate(NOW), Ok(()));
    assert_eq!(responder.activate(NOW), misuse);
}

/// The MCU ROM is told of an image that does not come to its end, when it waits for one.
#[test]
fn an_aborted_image_is_told() {
    let reason = AbortReason::TransferFailed;
    let mut out = [0; 64];
    for begun in [false, true] {
        let mut buffer = [0; 8];
        let mut responder = responder(&mut buffer);
        responder.abort(NOW, reason);
        assert_eq!(responder.poll_transmit(NOW, &mut out), None);
        tell(&mut responder, Message::MetadataRequest { id: 33 });
        tell(&mut responder, Message::Download { id: 33 });
        if begun {
            responder.begin(NOW, 20).unwrap();
        }
        responder.abort(NOW, reason);
        assert!(responder.poll_transmit(NOW, &mut out).is_some());
        // A chunk with the status *unspecified error*.
        assert_eq!(out[..2], [0x83, 0xff]);
    }
}
