//! VLAN tags.

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
