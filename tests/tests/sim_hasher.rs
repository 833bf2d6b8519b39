//! A board's accelerator computes the hash of each image as it is delivered.

use e2e::{Boot, Sim};
use image_server::{HttpFault, Rule, TftpFault};
use netboot_core::Coded;
use std::sync::atomic::Ordering::Relaxed;
use testbed::plan::{Accelerator, FILE_NAMES, firmware};
use testbed::{Plan, Protocol};

const SIZES: [usize; 3] = [20_000, 3_000, 2_001];
/// Octets after which the first source of image 0 breaks. The device has used some of them.
const BREAK: u64 = 8_000;
const CONTENT_CHANGED: u32 = 0x0005_0013;

fn plan(protocol: Protocol, early: bool) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        expect: true,
        settings: "probe off\nretry 1\nsettle_ms 20\n".into(),
        accelerator: Some(Accelerator::new(early)),
        ..Plan::default()
    }
}

/// Octets that the accelerator was given.
fn octets(plan: &Plan) -> u64 {
    let accelerator = plan.accelerator.as_ref().unwrap();
    accelerator.octets.load(Relaxed)
}

fn all() -> u64 {
    SIZES.iter().sum::<usize>() as u64
}

/// A boot in which the transfer of image 0 breaks once.
fn broken(plan: &Plan) -> Boot {
    let name = FILE_NAMES[0];
    let boot = Sim::new(plan).server(|server| {
        let error = TftpFault::ErrorAfter(BREAK, 0, "broken".into());
        let rule = Rule::new(error).named(name).times(1);
        server.faults.tftp.add(rule);
        let close = HttpFault::CloseAfter(BREAK);
        let rule = Rule::new(close).named(name).times(1);
        server.faults.http.add(rule);
    });
    let boot = boot.run();
    assert!(boot.faults.http.hits() + boot.faults.tftp.hits() > 0);
    boot
}

#[test]
fn the_accelerator_sees_each_octet_once() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        for early in [false, true] {
            let plan = plan(protocol, early);
            Sim::new(&plan).run().assert_booted(&plan);
            assert_eq!(octets(&plan), all());
        }
    }
}

/// By TFTP the octets come again, and are hashed in software to be compared.
#[test]
fn a_broken_transfer_goes_on_where_it_was() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let plan = plan(protocol, true);
        broken(&plan).assert_booted(&plan);
        assert_eq!(octets(&plan), all());
    }
}

/// An accelerator that tells nothing before the end: a server that proves the file by its validator does as well, others are refused.
#[test]
fn what_cannot_be_compared_is_refused() {
    let http = plan(Protocol::Http, false);
    broken(&http).assert_booted(&http);
    assert_eq!(octets(&http), all());
    let tftp = plan(Protocol::Tftp, false);
    let boot = broken(&tftp);
    let error = boot.error().map(|error| error.code());
    assert_eq!(error, Some(CONTENT_CHANGED), "{}", boot.console);
    assert!(octets(&tftp) < SIZES[0] as u64);
}
