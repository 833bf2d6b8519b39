//! The body of the fuzz target: messages of any kind, and calls in any order.

use crate::advertisement::Advertisement;
use crate::host::{Config, Host, Kind, Probing, TRANSMIT_MAX};
use crate::neighbor::{self, Neighbor};
use crate::wire::Envelope;
use crate::{address, listener};
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::fuzz::Random;
use netboot_core::net::NetworkConfig;
use netboot_core::{Duration, Instant};

/// Runs a host. Each command is an octet; one that brings a message has its length and its octets behind it.
///
/// # Panics
/// When the host breaks a promise: an address that is used was probed, a moment that is due is used up, and a configuration holds
/// no router without a lifetime.
pub fn host(input: &[u8]) {
    let mut rng = Random(1);
    let mut now = Instant::ZERO;
    let probing = Probing {
        count: 1,
        interval: Duration::from_millis(100),
    };
    let mut host = Host::new(Config {
        mac: [2, 0, 0, 0, 0, 9],
        probing,
        delay: Duration::ZERO,
    });
    host.start(now, &mut rng);
    let mut rest = input;
    while let [command, after @ ..] = rest {
        rest = after;
        match command & 7 {
            0 => {
                now = host
                    .poll_timeout()
                    .min(now + Duration::from_secs(100_000))
                    .max(now)
            }
            1 => now += Duration::from_millis(u64::from(*command) * 8),
            2 => {
                let target = host.tentative().next();
                if let Some(target) = target {
                    host.conflict(now, &mut rng, target, [2; 6]);
                }
            }
            3 => host.probe(
                now,
                Ipv6Addr::from_bits(0xfd00 << 112 | u128::from(*command)),
            ),
            4 => host.query(
                now,
                &mut rng,
                Duration::from_millis(u64::from(*command) * 50),
            ),
            5 => host.withdraw(),
            _ => {
                let [len, after @ ..] = rest else { break };
                let (message, after) = after.split_at(usize::from(*len).min(after.len()));
                rest = after;
                let source = match command >> 3 {
                    31 => Ipv6Addr::UNSPECIFIED,
                    low => address::join(address::LINK_LOCAL, low.into()),
                };
                let envelope = Envelope {
                    source,
                    destination: address::ALL_NODES,
                    hop_limit: if command & 1 == 0 { 255 } else { 1 },
                };
                if let Ok(told) = Advertisement::parse(&envelope, message) {
                    host.handle(now, &told);
                }
                let _ = Neighbor::parse(&envelope, message);
                if let Some(patience) = listener::query(&envelope, message) {
                    host.query(now, &mut rng, patience);
                }
            }
        }
        turn(&mut host, now, &mut rng);
    }
}

/// One turn of a host's loop, with its promises.
fn turn(host: &mut Host, now: Instant, rng: &mut Random) {
    host.handle_timeout(now);
    let mut buffer = [0; TRANSMIT_MAX];
    let mut packets = 0;
    while let Some(len) = host.poll_transmit(now, rng, &mut buffer) {
        assert!((48..=TRANSMIT_MAX).contains(&len));
        packets += 1;
        assert!(packets <= 8, "it sends without an end");
    }
    let mut events = 0;
    while host.poll().is_some() {
        events += 1;
        assert!(events <= 8, "it reports without an end");
    }
    assert!(host.poll_timeout() > now, "what was due is still due");
    for kind in [Kind::LinkLocal, Kind::Autonomous, Kind::Leased] {
        if let Some(address) = host.address(kind) {
            assert!(address::is_host(address));
            assert!(host.tentative().all(|tentative| tentative != address));
        }
    }
    let mut config = NetworkConfig::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 64);
    host.fill(&mut config);
    for route in &config.routes {
        assert!(route.destination.len <= 128);
    }
    let mut packet = [0; neighbor::PACKET];
    assert!(
        neighbor::solicit(
            &mut packet,
            [2; 6],
            Ipv6Addr::UNSPECIFIED,
            Ipv6Addr::LOCALHOST
        ) <= neighbor::PACKET
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_input(input in proptest::collection::vec(any::<u8>(), 0..400)) {
            host(&input);
        }
    }
}
