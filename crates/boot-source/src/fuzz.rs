//! A fuzz body: each end against another one that sends whatever the input says.
//!
//! The requester must take the octets of an image in order and never more than its size, must send well-formed messages only, and
//! must not ask for anything that its caller did not. The responder must never send octets that were not written, nor past the
//! size, nor another chunk before the last one was acknowledged.

use crate::config::{RequesterConfig, ResponderConfig, SharedConfig};
use crate::error::BootSourceError;
use crate::id::FirmwareId;
use crate::message::{BootFlags, Message, ack};
use crate::requester::{Event, Requester};
use crate::responder::{Request, Responder};
use crate::status::Status;
use netboot_core::fuzz::Input;
use netboot_core::{AbortReason, Duration, ImageSink, Instant};

const CHUNK: u32 = 8;

/// A message: often one that fits what goes on, otherwise any octets.
fn message(input: &mut Input<'_>, out: &mut [u8; 64], sequence: u16, offset: u32) -> usize {
    let kind = input.octet();
    let choice = input.octet();
    let status = if choice & 0xF0 == 0xF0 {
        Status(input.octet())
    } else {
        Status::SUCCESS
    };
    let data = [0xA5; 16];
    let message = match kind % 12 {
        0 => Message::Initiated { status },
        1 => Message::Metadata {
            status,
            size: u32::from(choice),
            checksum: [choice & 1; 32],
            version: 0,
            flags: 0,
        },
        2..=4 => Message::Chunk {
            status,
            sequence: sequence.wrapping_add(u16::from(choice >> 6)),
            offset: offset.wrapping_add(u32::from(choice >> 4 & 3)),
            data: data.get(..usize::from(choice & 0xF)).unwrap_or(&[]),
        },
        5 => Message::Finalized {
            status,
            cleanup: Default::default(),
        },
        6 => Message::Initiate {
            version: u32::from(choice != 0x77),
            flags: BootFlags(u32::from(choice & 3)),
            specific: &[],
        },
        7 => Message::MetadataRequest { id: choice & 3 },
        8 => Message::Download { id: choice & 3 },
        9 => Message::Ack {
            id: choice & 3,
            sequence: sequence.wrapping_add(u16::from(choice >> 6)),
            flags: match choice >> 2 & 7 {
                0 => ack::ERROR,
                1 => 0,
                _ => ack::READY,
            },
        },
        10 => Message::Finalize { status, error: 0 },
        _ => {
            let len = usize::from(choice & 63);
            for octet in out.iter_mut().take(len) {
                *octet = input.octet();
            }
            return len;
        }
    };
    message.emit(out).unwrap_or(0)
}

/// Drives both ends; operations and messages are taken from `data`.
///
/// # Panics
/// When an end breaks a rule.
pub fn run(data: &[u8]) {
    drive(data);
}

/// Does the work of [`run`] and returns how many images the requester got whole and how many chunks the responder sent, so that a
/// test can tell that there are some.
fn drive(data: &[u8]) -> (u32, u32) {
    let (first, second) = data.split_at(data.len() / 2);
    (requester(Input(first)), responder(Input(second)))
}

fn requester(mut input: Input<'_>) -> u32 {
    let mut requester = Requester::new(RequesterConfig {
        shared: SharedConfig::new(CHUNK),
        linger: Duration::from_millis(u64::from(input.octet() & 3)),
        ..RequesterConfig::default()
    });
    let mut now = Instant::ZERO;
    let mut complete = 0;
    // The size of the image that is downloaded, what came of it, and the octets that wait to be accepted.
    let (mut size, mut taken, mut held) = (0, 0, 0);
    let mut sequence = 0u16;
    while !input.is_empty() {
        let operation = input.octet();
        let argument = u32::from(operation >> 3);
        match operation & 7 {
            0 => {
                requester.initiate(now, BootFlags(argument & 3));
                (taken, held) = (0, 0);
            }
            1 => _ = requester.metadata(now, FirmwareId(argument)),
            2 => {
                if requester
                    .download(now, FirmwareId(argument), argument)
                    .is_ok()
                {
                    (size, taken, held) = (argument, 0, 0);
                }
            }
            3 if argument == 31 => {
                requester.finalize(now, Status::SUCCESS, 0);
                held = 0;
            }
            3 if argument == 30 => {
                requester.abort(now);
                held = 0;
            }
            3 => requester.hold(now),
            4 => {
                let whole = requester.accept(now);
                taken += held;
                held = 0;
                if whole {
                    assert_eq!(taken, size, "complete before its end");
                    complete += 1;
                }
            }
            5 | 6 => {
                let mut message = [0; 64];
                let len = self::message(&mut input, &mut message, sequence, taken);
                match requester.handle(now, &message[..len]) {
                    Ok(Event::Chunk { data }) => {
                        assert_eq!(held, 0, "a chunk before the last one was accepted");
                        assert_eq!(requester.position(), taken);
                        held = data.len() as u32;
                        assert!(held == CHUNK || taken + held == size);
                        assert!(taken + held <= size);
                        let Ok(Message::Chunk {
                            sequence: found, ..
                        }) = Message::parse(&message[..len])
                        else {
                            panic!("octets without a chunk");
                        };
                        sequence = found.wrapping_add(1);
                    }
                    Ok(_) => {}
                    // What is no message ends nothing.
                    Err(
                        BootSourceError::UnknownMessage { .. }
                        | BootSourceError::ShortMessage { .. },
                    ) => {}
                    Err(_) => held = 0,
                }
            }
            _ => now += Duration::from_millis(1 << argument.min(16)),
        }
        if requester.poll(now).is_err() {
            held = 0;
        }
        let mut out = [0; 64];
        let mut sent = 0;
        while let Some(len) = requester.poll_transmit(now, &mut out) {
            let kind = Message::parse(&out[..len]).expect("a message").kind();
            assert!((1..=5).contains(&kind));
            sent += 1;
            assert!(sent < 4, "messages without an end");
        }
    }
    complete
}

fn responder(mut input: Input<'_>) -> u32 {
    let mut buffer = [0; CHUNK as usize];
    let config = ResponderConfig {
        shared: SharedConfig::new(CHUNK),
        ..ResponderConfig::default()
    };
    let mut responder = Responder::new(config, &mut buffer).expect("room for a chunk");
    let mut now = Instant::ZERO;
    let mut chunks = 0;
    let (mut size, mut written) = (0u32, 0u32);
    let mut last: Option<(u16, u32)> = None;
    while !input.is_empty() {
        let operation = input.octet();
        let argument = u32::from(operation >> 3);
        match operation & 7 {
            0 if responder.begin(now, u64::from(argument)).is_ok() => {
                (size, written, last) = (argument, 0, None);
            }
            0 => {}
            1 | 2 => {
                if let Ok(window) = responder.window(now) {
                    assert!(window <= CHUNK as usize && window as u32 <= size - written);
                    // Each octet says where it belongs.
                    let part = (written..size).map(|at| at as u8);
                    let mut octets = [0; CHUNK as usize];
                    let len = window.min(argument as usize);
                    for (to, from) in octets.iter_mut().zip(part).take(len) {
                        *to = from;
                    }
                    assert!(responder.write(now, &octets[..len]).is_ok());
                    written += len as u32;
                }
            }
            3 => _ = responder.end(now),
            4 if argument == 31 => responder.abort(now, AbortReason::Cancelled),
            4 if argument == 30 => _ = responder.withdraw(now).then(|| written = 0),
            4 => _ = responder.poll_ready(now).map(|_| responder.activate(now)),
            5 | 6 => {
                let mut message = [0; 64];
                let (sequence, _) = last.unwrap_or((0, 0));
                let len = self::message(&mut input, &mut message, sequence, written);
                match responder.handle(now, &message[..len]) {
                    Ok(Some(Request::Initiate { .. })) => {
                        responder.answer_initiate(Status::SUCCESS);
                    }
                    Ok(Some(Request::Metadata { .. })) => {
                        responder.answer_metadata(Err(Status(argument as u8)));
                    }
                    Ok(Some(Request::Download { .. })) if argument == 0 => {
                        responder.refuse(Status::NOT_FOUND);
                    }
                    Ok(Some(Request::Finalize { .. })) => {
                        responder.answer_finalize(Status::SUCCESS, Default::default());
                    }
                    _ => {}
                }
            }
            _ => now += Duration::from_millis(1 << argument.min(16)),
        }
        let mut out = [0; 64];
        let mut sent = 0;
        while let Some(len) = responder.poll_transmit(now, &mut out) {
            sent += 1;
            assert!(sent < 4, "messages without an end");
            if let Ok(Message::Chunk {
                status: Status::SUCCESS,
                sequence,
                offset,
                data,
            }) = Message::parse(&out[..len])
            {
                chunks += 1;
                assert!(
                    offset + data.len() as u32 <= written,
                    "octets that were not written"
                );
                for (at, octet) in (offset..).zip(data) {
                    assert_eq!(*octet, at as u8);
                }
                if let Some((before, at)) = last {
                    let repeated = sequence == before && offset == at;
                    let next = sequence == before.wrapping_add(1) && offset >= at;
                    assert!(
                        repeated || next,
                        "{sequence} {offset} after {before} {at}: {responder:?}"
                    );
                }
                last = Some((sequence, offset));
            }
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::{drive, run};
    use netboot_core::fuzz::Random;

    #[test]
    fn hand_made_and_pseudo_random_inputs() {
        run(&[]);
        run(&[0xFF; 3_000]);
        let mut random = Random(1);
        let (mut images, mut chunks) = (0, 0);
        for round in 0..800 {
            let mut data: Vec<u8> = (0..round * 6).map(|_| random.octet()).collect();
            if round % 2 == 0 {
                // Operations in an order that leads on, with noise: the two halves are for the two ends.
                let half = data.len() / 2;
                let left = [0, 5, 0, 0, 1, 5, 1, 40, 0x42, 5, 2, 8, 4, 4];
                let right = [5, 6, 0, 5, 7, 0, 13, 8, 0, 0x48, 0x39, 0x39, 5, 9, 0x0C, 3];
                for (at, place) in data.iter_mut().enumerate() {
                    let order: &[u8] = if at < half { &left } else { &right };
                    if random.octet() < 250 {
                        let at = if at < half { at } else { at - half };
                        *place = order[at % order.len()];
                    }
                }
            }
            let (whole, sent) = drive(&data);
            images += whole;
            chunks += sent;
        }
        assert!(images > 0, "no image came whole");
        assert!(chunks > 100, "{chunks} chunks");
    }
}
