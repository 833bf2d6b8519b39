//! Readers of octets: whatever is read can be written, and comes back the same.

use super::Input;
use crate::board::{self, Client, DATAGRAM_LEN};
use crate::early::EarlyNetConfig;
use crate::ledger::{Journal, Ledger, Slot};
use crate::persist::{self, NETWORK_MAX, STATE_MAX};
use crate::seal::Sealer;
use crate::trust_quorum::RackSecret;
use crate::wire::framing::{Deframer, content_length};
use crate::wire::{FRAME_MAX, HELLO_LEN, Hello, Identify, Msg};
use crate::{Baseboard, NetworkConfig, RackUuid};
use netboot_core::{Duration, Instant};

/// Runs one input. Its first octet selects a reader.
///
/// # Panics
/// When an invariant does not hold.
pub fn octets(data: &[u8]) {
    let mut input = Input(data);
    match input.octet() % 9 {
        0 => message(input.0),
        1 => identity(input.0),
        2 => early(input.0),
        3 => state(input.0),
        4 => network(input.0),
        5 => frames(input),
        6 => exchange(input),
        7 => ledger(input),
        _ => sealed(input.0),
    }
}

fn message(octets: &[u8]) {
    if let Ok(msg) = Msg::decode(octets) {
        let mut buffer = [0; FRAME_MAX];
        let len = msg.encode(&mut buffer).expect("what was read fits");
        let again = Msg::decode(buffer.get(..len).unwrap_or(&[]));
        assert_eq!(again, Ok(msg));
    }
    if let Some(hello) = octets.first_chunk::<HELLO_LEN>() {
        let own = Hello {
            scheme: crate::schemes::Scheme::V1,
        };
        if own.check(hello).is_ok() {
            assert_eq!(own.to_bytes().first_chunk::<8>(), hello.first_chunk::<8>());
        }
    }
}

fn identity(octets: &[u8]) {
    if let Ok(identity) = Identify::decode(octets) {
        let mut buffer = [0; crate::wire::HANDSHAKE_FRAME_MAX];
        let len = identity.encode(&mut buffer).expect("what was read fits");
        let again = Identify::decode(buffer.get(..len).unwrap_or(&[]));
        assert_eq!(again, Ok(identity));
    }
}

fn early(octets: &[u8]) {
    if let Ok(config) = EarlyNetConfig::decode(octets) {
        let mut buffer = [0; 4096];
        // A list of long texts may be more than a configuration may have.
        if let Ok(len) = config.encode(&mut buffer) {
            let again = EarlyNetConfig::decode(buffer.get(..len).unwrap_or(&[]));
            assert_eq!(again, Ok(config));
        }
    }
}

fn state(octets: &[u8]) {
    let own = Baseboard::pc("000", "0").expect("it is short");
    if let Ok(state) = persist::decode_state(&own, octets) {
        let mut buffer = [0; STATE_MAX];
        let len = persist::encode_state(&state, &mut buffer).expect("what was read fits");
        let again = persist::decode_state(&own, buffer.get(..len).unwrap_or(&[]));
        assert_eq!(again, Ok(state));
    }
}

fn network(octets: &[u8]) {
    if let Ok(config) = persist::decode_network(octets) {
        let mut buffer = [0; NETWORK_MAX];
        let len = persist::encode_network(&config, &mut buffer).expect("what was read fits");
        let again = persist::decode_network(buffer.get(..len).unwrap_or(&[]));
        assert_eq!(again, Ok(config));
    }
}

/// The stream is read in pieces, and no piece is without an effect.
fn frames(mut input: Input<'_>) {
    let mut buffer = [0; 64];
    let room = usize::from(input.octet() % 60) + 4;
    let limit = usize::from(input.octet());
    let mut deframer = Deframer::new(buffer.get_mut(..room).unwrap_or(&mut []));
    while !input.is_empty() {
        let len = usize::from(input.octet() % 16) + 1;
        let mut piece = input.take(len);
        loop {
            let taken = deframer.push(piece);
            piece = piece.get(taken..).unwrap_or(&[]);
            match deframer.next_frame(limit) {
                Ok(Some(frame)) => {
                    let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
                    assert!(content_length(len.to_be_bytes(), limit).is_ok());
                }
                Ok(None) if piece.is_empty() => break,
                Ok(None) => assert!(taken > 0, "no progress"),
                Err(_) => return,
            }
        }
    }
}

/// A board's client among noise ends in time, and nodes never answer with more than they were asked with.
fn exchange(mut input: Input<'_>) {
    let mut now = Instant::ZERO;
    let mut client = Client::new(now, [7; 16], u64::from(input.octet() % 4));
    let generation = u64::from(input.octet() % 4);
    let mut scratch = EarlyNetConfig {
        generation,
        ..EarlyNetConfig::default()
    };
    let mut blob = [0; 16];
    let config = match scratch.encode(&mut blob) {
        Ok(len) => NetworkConfig::new(generation, blob.get(..len).unwrap_or(&[])),
        Err(_) => NetworkConfig::new(generation, input.take(3)),
    };
    let (mut query, mut reply) = ([0; DATAGRAM_LEN], [0; DATAGRAM_LEN]);
    for _ in 0..64 {
        if let Some(len) = client.poll_transmit(now, &mut query) {
            assert_eq!(len, DATAGRAM_LEN);
            if input.octet() & 1 == 1
                && let Some(len) = board::answer(config.as_ref(), &query, &mut reply)
            {
                assert!(len <= DATAGRAM_LEN);
                let noise = usize::from(input.octet());
                if let Some(octet) = reply.get_mut(noise).filter(|_| noise > 127) {
                    *octet ^= 1;
                }
                let _ = client.handle(now, reply.get(..len).unwrap_or(&[]), &mut scratch);
            }
        }
        let len = usize::from(input.octet());
        let _ = client.handle(now, input.take(len), &mut scratch);
        if client.poll(now).is_some() {
            assert!(now <= Instant::from_millis(15_500));
            return;
        }
        now = client.poll_timeout().max(now + Duration::from_millis(1));
    }
    panic!("an exchange without an end");
}

struct Slots<'a>([&'a [u8]; 2]);

impl Ledger for Slots<'_> {
    type Error = core::convert::Infallible;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let [a, b] = self.0;
        let octets = match slot {
            Slot::A => a,
            Slot::B => b,
        };
        let count = octets.len().min(buffer.len());
        if let (Some(place), Some(octets)) = (buffer.get_mut(..count), octets.get(..count)) {
            place.copy_from_slice(octets);
        }
        Ok(count)
    }

    fn write(&mut self, _: Slot, _: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn ledger(mut input: Input<'_>) {
    let len = usize::from(input.octet());
    let slots = Slots([input.take(len), input.0]);
    let mut buffer = [0; 512];
    if let Ok((mut journal, _)) = Journal::open(slots, *b"FUZZ", &mut buffer) {
        let before = journal.generation();
        let stored = journal.store(&mut [0; 64], |_| Ok(3));
        assert!(stored.is_ok());
        assert!(journal.generation() > before || before == u64::MAX);
    }
}

fn sealed(octets: &[u8]) {
    let secret = RackSecret::from_bytes([1; 32].map(|octet: u8| octet & 0x0f));
    let secret = secret.expect("it is canonical");
    let sealer = Sealer::new(&secret, RackUuid([1; 16]));
    let mut buffer = [0; 256];
    let len = octets.len().min(buffer.len());
    if let (Some(place), Some(octets)) = (buffer.get_mut(..len), octets.get(..len)) {
        place.copy_from_slice(octets);
        assert!(sealer.open("fuzz", place).is_err(), "a forgery");
    }
}
