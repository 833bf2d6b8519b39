//! Each fault that the simulated server can show, and what the boot makes of it: the right octets at a
//! bounded price, or the error that names the fault and who has to mend it.

mod dhcp;
mod dns;
mod http;
mod resume;
mod tftp;

use e2e::{Boot, Sim};
use image_server::ServerConfig;
use netboot_core::{Blame, Duration, Instant};
use testbed::plan::firmware;
use testbed::{Plan, Protocol};

/// Sizes that make a transfer of some length and two short ones.
const SIZES: [usize; 3] = [100_000, 3_000, 2_001];

/// A boot by `protocol` that gives up at the first error.
fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        settings: "probe off\nretry continue\n".into(),
        ..Plan::default()
    }
}

/// As [`plan`], and what does not have the right SHA-256 is found out before the device sees it.
fn expecting(protocol: Protocol) -> Plan {
    Plan {
        expect: true,
        ..plan(protocol)
    }
}

/// Boots `plan` from a server that `change` has changed.
fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan).server(change).run()
}

/// What a case is to end in.
enum End {
    Booted,
    Failed(u32, Blame),
}

/// A name, a fault, and what it is to end in.
type Case<F> = (&'static str, F, End);

/// Boots `plan` from a server that `change` has changed, and checks the end and the time it took.
#[track_caller]
fn ends(
    what: &str,
    plan: &Plan,
    end: &End,
    seconds: u64,
    change: impl FnOnce(&mut ServerConfig),
) -> Boot {
    let boot = boot(plan, change);
    println!("{what}");
    match *end {
        End::Booted => boot.assert_booted(plan),
        End::Failed(code, blame) => boot.assert_failed(plan, code, blame),
    };
    assert!(
        boot.took() <= Duration::from_secs(seconds),
        "{what}: took {}\n{}",
        boot.took(),
        boot.console
    );
    boot
}

/// Frames that the station sends for a whole boot of `plan` from a good server.
fn frames_of_a_good_boot(plan: &Plan) -> u64 {
    let boot = Sim::new(plan).run();
    boot.assert_booted(plan);
    boot.link.from_client.sent
}

fn seconds(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}
