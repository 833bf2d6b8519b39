//! Boots on a platform that oversleeps: what was due while it slept is done when it wakes, and no wait is for ever.

use e2e::Sim;
use image_server::{DhcpFault, HttpFault, TftpFault};
use netboot_core::{Blame, Duration};
use netsim::LinkConfig;
use recovery_model::Stuck;
use test_pki::Pki;
use testbed::plan::firmware;
use testbed::{Https, Plan, Protocol};

/// From the least to longer than most timers of the library.
const OVERSLEEP: [Duration; 4] = [
    Duration::from_micros(1),
    Duration::from_millis(3),
    Duration::from_millis(70),
    Duration::from_millis(500),
];

/// `TftpError::NoAnswer`
const NO_ANSWER: u32 = 0x0002_0004;
/// `NetError::NoResponse`
const NO_RESPONSE: u32 = 0x0005_0019;

fn plan(protocol: Protocol, seed: u64) -> Plan {
    Plan {
        protocol,
        images: firmware(&[20_000, 3_000, 2_001]),
        link: LinkConfig::with_delay(Duration::from_millis(2)),
        settings: "settle_ms 300\n".into(),
        expect: true,
        seed,
        ..Plan::default()
    }
}

#[test]
fn a_boot_succeeds_however_late_the_platform_wakes() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        for oversleep in OVERSLEEP {
            for seed in 1..4 {
                let plan = plan(protocol, seed);
                let boot = Sim::new(&plan).oversleeps(oversleep).run();
                boot.assert_booted(&plan);
            }
        }
    }
}

/// Lost frames are sent again by timers, which are all late.
#[test]
fn a_lossy_link_and_a_late_platform() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        for oversleep in OVERSLEEP {
            let mut plan = plan(protocol, 5);
            plan.link.loss = 0.05;
            let boot = Sim::new(&plan).oversleeps(oversleep).run();
            boot.assert_booted(&plan);
        }
    }
}

/// A server that falls silent is noticed by its time-out, a little later.
#[test]
fn a_silent_server_is_timed_out_by_a_late_platform() {
    for (protocol, code) in [(Protocol::Tftp, NO_ANSWER), (Protocol::Http, NO_RESPONSE)] {
        let mut took = Vec::new();
        for oversleep in OVERSLEEP {
            let mut plan = plan(protocol, 2);
            plan.settings.push_str("retry continue\n");
            let boot = Sim::new(&plan)
                .server(|server| {
                    server.faults.tftp.always(TftpFault::NoAnswer);
                    server.faults.http.always(HttpFault::NeverAnswer);
                })
                .oversleeps(oversleep)
                .run();
            boot.assert_failed(&plan, code, Blame::Network);
            took.push(boot.took());
        }
        let (punctual, late) = (took[0], took[OVERSLEEP.len() - 1]);
        assert!(late >= punctual, "{late}, {punctual}");
        assert!(late < punctual * 2, "{late}, {punctual}");
    }
}

/// The watchdog of a board is fed often enough whatever the boot waits for: nobody, a silent server, a link that is down, a device that takes its time.
#[test]
fn a_watchdog_is_fed_throughout_a_boot() {
    const PERIOD: Duration = Duration::from_secs(1);
    let each = [Protocol::Tftp, Protocol::Http, Protocol::Https];
    for (seed, protocol) in (1..).zip(each) {
        let mut plan = plan(protocol, seed);
        plan.settings += "retry 2\nattempt_ms 20000\n";
        plan.https = (protocol == Protocol::Https).then(|| Https::new(Pki::with_intermediate(3)));
        let good = Sim::new(&plan).watchdog(PERIOD).run();
        good.assert_booted(&plan);
        let slow = Sim::new(&plan).access(Duration::from_micros(300));
        slow.watchdog(PERIOD).run().assert_booted(&plan);
        let mut lossy = plan.clone();
        lossy.link.loss = 0.1;
        Sim::new(&lossy).watchdog(PERIOD).run();
        let silent = Sim::new(&plan).server(|server| {
            server.faults.tftp.always(TftpFault::NoAnswer);
            server.faults.http.always(HttpFault::NeverAnswer);
        });
        assert!(silent.watchdog(PERIOD).run().error().is_some());
        let stuck = Sim::new(&plan).device(|device| device.faults.stuck = Some(Stuck::Asking(1)));
        assert!(stuck.watchdog(PERIOD).run().error().is_some());
        let nobody = Sim::new(&plan).server(|server| server.faults.dhcp.always(DhcpFault::Silent));
        assert!(nobody.watchdog(PERIOD).run().error().is_some());
    }
}
