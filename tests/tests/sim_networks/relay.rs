//! A DHCP server in another network, behind a relay (RFC 1542, RFC 3046).

use super::{BOTH, boot, plan};
use e2e::wire::{
    DHCP_OPTIONS, UDP_PAYLOAD, arp, arp_request, dhcp_options, dhcp_tail, is_udp_to, mend,
};
use netboot_core::Duration;
use netsim::{Middle, Side};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use testbed::ethernet::MAC;
use testbed::plan::SERVER;

/// The relay, which is the router of the network too.
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 1);
const RELAY_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0xfe];
/// How the DHCP server calls itself: an address of its own network.
const IDENTIFIER: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 5);
/// Where `giaddr` and the IP addresses stand in a frame.
const GIADDR: std::ops::Range<usize> = UDP_PAYLOAD + 24..UDP_PAYLOAD + 28;
const SOURCE: std::ops::Range<usize> = 26..30;
const DESTINATION: std::ops::Range<usize> = 30..34;

/// What the relay has seen of the station.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Messages to everybody, by their type.
    broadcast: Vec<u8>,
    /// Messages to the server's identifier alone, by their type.
    unicast: Vec<u8>,
}

/// Writes `address` over the value of option 54.
fn identify(frame: &mut [u8], address: Ipv4Addr) {
    for (code, value) in dhcp_options(frame) {
        if code == 54 {
            frame[value].copy_from_slice(&address.octets());
        }
    }
}

/// A relay and router between the station and its DHCP server. `option_82` says whether the relay leaves its own option in the answers, and
/// `routed` whether unicasts to the server's network get through.
fn relay(option_82: bool, routed: bool, seen: Arc<Mutex<Seen>>) -> Middle {
    Box::new(move |_, from, mut frame, out| {
        match from {
            Side::Client if is_udp_to(&frame, 67) => {
                let kind = frame[DHCP_OPTIONS + 2];
                let alone = frame[DESTINATION] == IDENTIFIER.octets();
                let mut seen = seen.lock().unwrap();
                match alone {
                    true => seen.unicast.push(kind),
                    false => seen.broadcast.push(kind),
                }
                if alone {
                    // No host of this network has that address: the frame goes to the router.
                    assert_eq!(frame[..6], RELAY_MAC);
                    if !routed {
                        return;
                    }
                    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
                    frame[DESTINATION].copy_from_slice(&SERVER.octets());
                }
                identify(&mut frame, SERVER);
                mend(&mut frame);
            }
            Side::Server if is_udp_to(&frame, 68) => {
                // What answers a unicast comes from the server itself, by the router.
                let renewal = frame[DESTINATION] != [255; 4];
                identify(&mut frame, IDENTIFIER);
                frame[6..12].copy_from_slice(&RELAY_MAC);
                if renewal {
                    frame[SOURCE].copy_from_slice(&IDENTIFIER.octets());
                } else {
                    frame[SOURCE].copy_from_slice(&RELAY.octets());
                    frame[GIADDR].copy_from_slice(&RELAY.octets());
                }
                mend(&mut frame);
                if option_82 && !renewal {
                    frame = dhcp_tail(frame, &[82, 6, 1, 4, 0, 0, 0, 7, 255]);
                }
            }
            Side::Client => {
                if let Some((own, RELAY)) = arp_request(&frame) {
                    let answer = arp(MAC, 2, (RELAY_MAC, RELAY), (MAC, own));
                    out.push((Side::Server, answer));
                    return;
                }
            }
            Side::Server => {}
        }
        out.push((from, frame));
    })
}

/// Boots behind a relay with leases of 60 s, which is the shortest lease that the client believes. The device takes so few octets that the boot needs several renewals.
fn renewed(protocol: testbed::Protocol, option_82: bool, routed: bool) -> (Seen, Duration) {
    let mut plan = plan(protocol);
    plan.device = "rate 500\n".into();
    let seen = Arc::default();
    let boot = boot(
        &plan,
        |server| {
            server.lease.lease_time = Duration::from_secs(60);
            server.lease.routers = vec![RELAY];
        },
        relay(option_82, routed, Arc::clone(&seen)),
    );
    boot.assert_booted(&plan);
    let seen = seen.lock().unwrap().clone();
    (seen, boot.took())
}

/// DISCOVER and REQUEST go to everybody. Renewals go to the server that option 54 names, by the router and to nobody else.
#[test]
fn a_lease_through_a_relay_is_renewed_by_unicast() {
    for protocol in BOTH {
        for option_82 in [false, true] {
            let (seen, took) = renewed(protocol, option_82, true);
            assert_eq!(seen.broadcast, [1, 3], "{protocol:?}");
            // One for each half of a lease.
            let renewals = took.as_secs() / 30;
            assert!(renewals >= 3, "{took}");
            assert_eq!(seen.unicast, vec![3; renewals as usize], "{protocol:?}");
        }
    }
}

/// Unicasts to the server's network are lost. From T2 on the station asks everybody, and the relay hears it.
#[test]
fn a_server_that_only_the_relay_reaches_renews_after_t2() {
    for protocol in BOTH {
        let (seen, took) = renewed(protocol, true, false);
        assert!(took > Duration::from_secs(60), "{took}");
        assert_eq!(seen.broadcast[..2], [1, 3]);
        assert!(seen.broadcast.len() >= 3, "{seen:?}");
        assert!(
            seen.broadcast[2..].iter().all(|kind| *kind == 3),
            "{seen:?}"
        );
        assert!(!seen.unicast.is_empty());
    }
}
