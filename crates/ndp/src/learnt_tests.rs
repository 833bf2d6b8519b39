//! Tests of what routers have told, when it ends.

use crate::host::Event;
use crate::host_tests::{OWN, Same, at, ip, on_link, run, tell};
use core::net::IpAddr;
use netboot_core::Duration;
use netboot_core::net::NetworkConfig;

/// Whether a domain and a DNS server are known, and whether the host told of a change since the last look, for each second up to `until`.
fn seconds(domain: u8, server: u8, until: u64) -> Vec<(bool, bool, bool)> {
    let option = |kind: u8, len: u8, lifetime: u8| vec![kind, len, 0, 0, 0, 0, 0, lifetime];
    let domain = [option(31, 2, domain), vec![3, b'l', b'a', b'b', 0, 0, 0, 0]].concat();
    let server = [option(25, 3, server), ip("fd00::53").octets().to_vec()].concat();
    let mut host = on_link();
    tell(&mut host, at(500), "fe80::1", 0, 1800, &[domain, server]);
    let mut seen = Vec::new();
    for second in 0..until {
        let (from, to) = (at(1000 * second + 500), at(1000 * second + 1400));
        let (_, events) = run(&mut host, from, to, Duration::ZERO, &mut Same(0));
        let mut config = NetworkConfig::new(IpAddr::V6(ip(OWN)), 64);
        host.fill(&mut config);
        let changed = events.contains(&Event::Changed);
        seen.push((config.domain == "lab", config.dns.len() == 1, changed));
    }
    seen
}

/// Each fact ends by itself (RFC 8106, sections 5.1 and 5.2), and each end is told.
#[test]
fn what_ends_is_told_whatever_it_is() {
    let first = (true, true, true);
    assert_eq!(
        seconds(1, 2, 4),
        [
            first,
            (false, true, true),
            (false, false, true),
            (false, false, false)
        ]
    );
    assert_eq!(
        seconds(2, 1, 4),
        [
            first,
            (true, false, true),
            (false, false, true),
            (false, false, false)
        ]
    );
    assert_eq!(
        seconds(1, 1, 3),
        [first, (false, false, true), (false, false, false)]
    );
}
