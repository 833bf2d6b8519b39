//! The body of the fuzz target: calls in any order, with any answers.

use crate::RecordType;
use crate::name::Name;
use crate::resolver::{Outcome, Resolver, Timing};
use crate::{PORT, TRANSMIT_MAX};
use core::net::{IpAddr, Ipv4Addr};
use heapless::Vec;
use netboot_core::fuzz::Random;
use netboot_core::{Duration, Instant};

/// Octets of the longest message: a query and what a command adds to it.
const MESSAGE_MAX: usize = TRANSMIT_MAX + 255;

/// Runs a resolver. Each command is an octet: the kind of the call, and for an answer its length and octets, with the head of the
/// query put before them where the second octet asks for that.
///
/// # Panics
/// When the resolver breaks a promise: it ends by its deadline, and an outcome has addresses.
pub fn resolver(input: &[u8]) {
    let search = ["lab.example", "example"];
    let servers = [10, 11, 12].map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
    let mut rng = Random(1);
    let mut now = Instant::ZERO;
    let mut resolver = Resolver::new();
    resolver.start(
        now,
        &mut rng,
        "images",
        &search,
        RecordType::A,
        &servers,
        Timing::default(),
    );
    let mut query = [0; TRANSMIT_MAX];
    let mut sent = None;
    let mut rest = input;
    while let [command, after @ ..] = rest {
        rest = after;
        match command & 3 {
            0 => {
                if let Some(transmit) = resolver.poll_transmit(now, &mut query) {
                    assert!(transmit.len <= TRANSMIT_MAX);
                    sent = Some(transmit);
                }
            }
            1 => {
                now = resolver.poll_timeout().unwrap_or(now).max(now);
                resolver.handle_timeout(now, &mut rng, &search);
            }
            2 => now += Duration::from_millis(u64::from(*command) * 8),
            _ => {
                let [len, after @ ..] = rest else { break };
                let (octets, after) = after.split_at(usize::from(*len).min(after.len()));
                rest = after;
                let Some(transmit) = sent else { continue };
                let mut message = Vec::<u8, MESSAGE_MAX>::new();
                let _ = message.extend_from_slice(&query[..transmit.len]);
                if command & 4 == 0 {
                    // The question comes back, with the number of records and the records from the input.
                    message[2] = 0x81;
                    message[7] = command >> 3;
                }
                // A command takes 255 octets at the most, so there is room for all.
                let _ = message.extend_from_slice(octets);
                let from = (transmit.server, PORT);
                let _ = resolver.handle(now, &mut rng, from, transmit.port, &message);
                let mut name = Name::new();
                let _ = name.read(&message, usize::from(*len));
            }
        }
        if resolver.poll() == Some(Outcome::Found) {
            assert!(!resolver.addresses().is_empty());
        }
    }
    for _ in 0..200 {
        if resolver.poll().is_some() {
            break;
        }
        resolver.poll_transmit(now, &mut query);
        now = resolver.poll_timeout().map_or(now, |at| at.max(now));
        resolver.handle_timeout(now, &mut rng, &search);
    }
    assert!(resolver.poll().is_some(), "it never ends");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_input(input in proptest::collection::vec(any::<u8>(), 0..300)) {
            resolver(&input);
        }
    }
}
