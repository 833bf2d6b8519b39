//! VLAN tags, ports that open late, and headers with options.

use super::{BOTH, boot, plan, wire};
use e2e::wire::{from_server, is_udp_to, tagged, untagged};
use netboot_core::{Blame, Duration};
use netsim::Side;

/// Blade chassis and virtual switches tag frames that are in no VLAN, to give them a priority.
#[test]
fn frames_that_carry_a_priority_only_are_untagged() {
    for protocol in BOTH {
        let plan = plan(protocol);
        for tag in [0, 0x6000, 0xE000] {
            let all = from_server(move |_, frame| vec![tagged(&frame, tag)]);
            boot(&plan, |_| (), all).assert_booted(&plan);
            let dhcp = from_server(move |_, frame| {
                vec![match is_udp_to(&frame, 68) {
                    true => tagged(&frame, tag),
                    false => frame,
                }]
            });
            boot(&plan, |_| (), dhcp).assert_booted(&plan);
        }
    }
}

#[test]
fn frames_of_a_vlan_are_not_for_a_station_without_one() {
    let mut plan = plan(BOTH[0]);
    plan.settings += "dhcp_ms 5000\n";
    let other = from_server(|_, frame| vec![tagged(&frame, 5)]);
    let boot = boot(&plan, |_| (), other);
    boot.assert_failed(&plan, 0x0004_0002, Blame::Network);
    assert!(boot.took() < Duration::from_secs(10));
}

/// The other end of the cable is a trunk: what has no tag of ours is not for us, and what we send has it.
#[test]
fn a_station_in_a_vlan_of_its_own() {
    for protocol in BOTH {
        let mut plan = plan(protocol);
        plan.settings += "vlan 42\n";
        let trunk = Box::new(|_, from, frame: Vec<u8>, out: &mut Vec<(Side, Vec<u8>)>| {
            let passed = match from {
                Side::Server => Some(tagged(&frame, 42)),
                Side::Client => untagged(&frame)
                    .filter(|(tag, _)| *tag == 42)
                    .map(|(_, frame)| frame),
            };
            out.extend(passed.map(|frame| (from, frame)));
        });
        boot(&plan, |_| (), trunk).assert_booted(&plan);
        // On a port without tags nobody hears it.
        plan.settings += "dhcp_ms 5000\n";
        let boot = boot(&plan, |_| (), wire());
        boot.assert_failed(&plan, 0x0004_0002, Blame::Network);
    }
}

/// Spanning tree keeps the switch's port closed after the link is up. The station goes on asking, and boots soon after the port opens.
#[test]
fn a_switch_port_that_opens_late() {
    use netboot_core::Instant;
    use testbed::Plan;
    for seed in 1..=4 {
        // Seconds until the port opens, and until the boot has ended at the latest: questions are up to 20 s apart, and DHCP has 60 s in one attempt.
        for (closed, ended) in [(30, 55), (50, 72), (58, 72)] {
            let plan = Plan {
                settings: String::new(),
                seed,
                ..plan(BOTH[seed as usize % 2])
            };
            let opens = Instant::ZERO + Duration::from_secs(closed);
            let middle = Box::new(move |now, from, frame, out: &mut Vec<_>| {
                if now >= opens {
                    out.push((from, frame));
                }
            });
            let boot = boot(&plan, |_| (), middle);
            boot.assert_booted(&plan);
            let took = boot.took();
            assert!(took < Duration::from_secs(ended), "{closed} s: {took}");
            // A port that opens in time costs no attempt, and another one costs one.
            let failed = boot.attempts_failed();
            let most: &[u32] = if closed == 30 { &[] } else { &[0x0004_0002] };
            assert!(
                failed.is_empty() || failed == most,
                "{closed} s: {failed:x?}"
            );
        }
    }
}

/// DHCP gets through, and then the port is closed for a while: a loop was found, or the port joined another group of links.
#[test]
fn a_switch_port_that_closes_behind_dhcp() {
    use netboot_core::Instant;
    use testbed::Plan;
    for protocol in BOTH {
        for seconds in [3, 15, 30] {
            let plan = Plan {
                settings: "probe off\n".into(),
                ..plan(protocol)
            };
            let mut opens = None;
            let middle = Box::new(
                move |now: Instant, from, frame: Vec<u8>, out: &mut Vec<_>| {
                    if opens.is_none() || opens.is_some_and(|at| now >= at) {
                        let ack = frame.get(282..285) == Some(&[53, 1, 5]) && is_udp_to(&frame, 68);
                        if ack && opens.is_none() {
                            opens = Some(now + Duration::from_secs(seconds));
                        }
                        out.push((from, frame));
                    }
                },
            );
            let boot = boot(&plan, |_| (), middle);
            boot.assert_booted(&plan);
            let took = boot.took();
            assert!(
                took < Duration::from_secs(seconds + 15),
                "{seconds} s: {took}"
            );
        }
    }
}

/// Some routers and load balancers put options into every header. Four NOPs change nothing of what a header says.
#[test]
fn headers_with_options_that_say_nothing() {
    use e2e::segment::{with_ip_options, with_tcp_options};
    const NOPS: [u8; 4] = [1; 4];
    for protocol in BOTH {
        for with_options in [with_ip_options, with_tcp_options] {
            let plan = plan(protocol);
            // The server's packets are shorter by the options, so that they fit into a frame.
            let shorter = |server: &mut image_server::ServerConfig| {
                server.lease.options = vec![(26, 1_496u16.to_be_bytes().to_vec())];
            };
            let middle = from_server(move |_, frame| vec![with_options(&frame, &NOPS)]);
            boot(&plan, shorter, middle).assert_booted(&plan);
        }
    }
}
