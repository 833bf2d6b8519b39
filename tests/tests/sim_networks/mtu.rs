//! Paths that take smaller packets than the link.

use super::{BOTH, boot, plan};
use e2e::wire::{fragments, from_server, ip_len};
use netboot_core::{Blame, Duration};
use netsim::{Middle, Side};
use testbed::Protocol;

/// What is longer than `mtu` octets is lost, in either direction.
fn hole(mtu: usize) -> Middle {
    Box::new(move |_, from, frame, out| {
        if ip_len(&frame) <= mtu {
            out.push((from, frame));
        }
    })
}

#[test]
fn the_mtu_that_dhcp_tells_is_heeded() {
    for protocol in BOTH {
        for mtu in [1_400u16, 1_280, 576] {
            let plan = plan(protocol);
            let boot = boot(
                &plan,
                |server| server.lease.options = vec![(26, mtu.to_be_bytes().to_vec())],
                hole(mtu.into()),
            );
            boot.assert_booted(&plan);
            assert!(
                boot.took() < Duration::from_secs(5),
                "{mtu}: {}",
                boot.took()
            );
        }
    }
}

/// Nobody tells the MTU: smaller blocks are asked for when the server accepts and then no block comes.
#[test]
fn tftp_asks_for_smaller_blocks_where_large_ones_do_not_come() {
    for mtu in [1_400, 1_100, 576] {
        let plan = plan(Protocol::Tftp);
        let boot = boot(&plan, |_| (), hole(mtu));
        boot.assert_booted(&plan);
        assert!(
            boot.took() < Duration::from_secs(40),
            "{mtu}: {}",
            boot.took()
        );
        let plan = self::plan(Protocol::Tftp);
        let cut = from_server(move |_, frame| fragments(&frame, mtu));
        super::boot(&plan, |_| (), cut).assert_booted(&plan);
    }
}

/// TCP's handshake gets through and nothing else: the next connection offers shorter segments.
#[test]
fn http_asks_for_shorter_segments_where_long_ones_do_not_come() {
    for mtu in [1_400, 1_100, 576] {
        let plan = plan(Protocol::Http);
        let boot = super::boot(&plan, |_| (), hole(mtu));
        boot.assert_booted(&plan);
        assert!(
            boot.took() < Duration::from_secs(130),
            "{mtu}: {}",
            boot.took()
        );
        let cut = from_server(move |_, frame| fragments(&frame, mtu));
        let boot = super::boot(&plan, |_| (), cut);
        boot.assert_booted(&plan);
        assert!(
            boot.took() < Duration::from_secs(25),
            "{mtu}: {}",
            boot.took()
        );
    }
}

/// No network may take as little as this.
#[test]
fn a_black_hole_for_everything_is_told_as_one() {
    let plan = plan(Protocol::Http);
    let boot = boot(&plan, |_| (), hole(500));
    boot.assert_failed(&plan, 0x0005_0019, Blame::Network);
    assert!(boot.error().unwrap().to_string().contains("MTU"));
    let cut = from_server(|_, frame| fragments(&frame, 500));
    let boot = super::boot(&plan, |_| (), cut);
    boot.assert_failed(&plan, 0x0005_001a, Blame::Network);
    assert!(boot.error().unwrap().to_string().contains("fragments"));
}

/// A server that is silent for another reason is not said to be behind a small MTU.
#[test]
fn a_server_that_stalls_later_is_no_black_hole() {
    let plan = plan(Protocol::Http);
    let mut octets = 0;
    let middle: Middle = Box::new(move |_, from, frame, out| {
        if from == Side::Server {
            octets += frame.len();
        }
        if octets < 30_000 {
            out.push((from, frame));
        }
    });
    let boot = boot(&plan, |_| (), middle);
    boot.assert_failed(&plan, 0x0005_000a, Blame::Network);
}
