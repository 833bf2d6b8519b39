//! Devices of every kind, healthy and broken, through the whole boot application.

use e2e::{Boot, Sim};
use image_server::{HttpFault, Rule, TftpFault};
use netboot_app::{AppError, Outcome};
use netboot_core::{Blame, Coded, Duration};
use ocp_recovery::RecoveryError;
use recovery_model::{
    ActivationClear, DeviceConfig, DeviceOutcome, DevicePhase, ErrorOrder, Refusal, ResetAt, Stuck,
};
use testbed::plan::{EndSignal, FILE_NAMES, firmware};
use testbed::{Plan, Protocol};

const BOTH: [Protocol; 2] = [Protocol::Tftp, Protocol::Http];
const PERSONALITIES: [&str; 3] = ["documented", "rom-2.1.0", "rom-2.1.2"];
const CORES: [&str; 2] = ["v1p4", "v1p5"];
const SIZES: [usize; 3] = [20_000, 3_000, 2_001];

const REFUSED: u32 = 0x0006_0015;
const LEFT: u32 = 0x0006_0016;
const NO_CAPABILITIES: u32 = 0x0006_0017;
const NO_REQUEST: u32 = 0x0006_0018;
const NOT_DRAINED: u32 = 0x0006_0019;
const NOT_PENDING: u32 = 0x0006_001A;
const NO_VERDICT: u32 = 0x0006_001B;

fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        settings: "probe off\n".into(),
        ..Plan::default()
    }
}

fn boot(plan: &Plan, change: impl FnOnce(&mut DeviceConfig)) -> Boot {
    Sim::new(plan).device(change).run()
}

#[test]
fn every_personality_on_every_core() {
    for protocol in BOTH {
        for personality in PERSONALITIES {
            for core in CORES {
                for clear in [
                    ActivationClear::Emulator,
                    ActivationClear::Rtl,
                    ActivationClear::Zero,
                ] {
                    let mut plan = plan(protocol);
                    plan.device = format!("personality {personality}\ncore {core}\nrate 1000000\n");
                    let boot = boot(&plan, |device| device.activation_clear = clear);
                    boot.assert_booted(&plan);
                }
            }
        }
    }
}

#[test]
fn sizes_that_are_no_multiples_of_four_or_of_a_burst() {
    for protocol in BOTH {
        for size in [1, 2, 3, 4, 5, 255, 256, 257, 1_467, 1_468, 1_469, 2_936] {
            let mut plan = plan(protocol);
            plan.images = firmware(&[size, size + 1, size + 2]);
            boot(&plan, |_| ()).assert_booted(&plan);
        }
    }
}

/// A device that hangs is noticed by the deadline of that wait, and the boot ends with its name.
#[test]
fn a_device_that_hangs_is_named() {
    let draining = |after| Stuck::Draining { index: 1, after };
    for (protocol, personality) in [
        (Protocol::Tftp, "rom-2.1.2"),
        (Protocol::Http, "rom-2.1.0"),
        (Protocol::Http, "documented"),
    ] {
        {
            for (stuck, code, seconds) in [
                (Stuck::Startup, NO_CAPABILITIES, 30),
                (Stuck::Asking(0), NO_REQUEST, 30),
                (Stuck::Asking(1), NO_VERDICT, 30),
                (Stuck::Asking(2), NO_VERDICT, 30),
                (draining(0), NOT_DRAINED, 12),
                (draining(1_024), NOT_DRAINED, 12),
                (Stuck::Pending(0), NOT_PENDING, 12),
                (Stuck::Pending(2), NOT_PENDING, 12),
                (Stuck::Activating(0), NO_VERDICT, 30),
                (Stuck::Verifying(1), NO_VERDICT, 30),
            ] {
                let mut plan = plan(protocol);
                plan.device = format!("personality {personality}\n");
                let boot = boot(&plan, |device| device.faults.stuck = Some(stuck));
                boot.assert_failed(&plan, code, Blame::Device);
                assert!(
                    boot.took() <= Duration::from_secs(seconds + 5),
                    "{stuck:?}: {}",
                    boot.took()
                );
                assert_eq!(boot.outcome.device, DeviceOutcome::Running);
            }
        }
    }
}

/// A last image that is never verified looks, with released ROMs, like one that boots: the registers do
/// not tell. This is the known limit of the settle rule; the documented device does tell.
#[test]
fn a_last_image_that_is_never_verified() {
    let plan = Plan {
        device: "personality documented\n".into(),
        settings: "probe off\nsettle_ms 40000\n".into(),
        ..plan(Protocol::Tftp)
    };
    let boot = boot(&plan, |device| {
        device.faults.stuck = Some(Stuck::Activating(2))
    });
    boot.assert_failed(&plan, NO_VERDICT, Blame::Device);
}

/// Released ROMs do not show the end of the boot. A platform that sees it ends the boot at once, and only when it is true.
#[test]
fn a_platform_that_knows_the_end_of_the_boot_says_so() {
    let settle = Duration::from_secs(20);
    for protocol in BOTH {
        for personality in ["rom-2.1.0", "rom-2.1.2"] {
            for (end, at_once) in [
                (EndSignal::None, false),
                (EndSignal::True, true),
                (EndSignal::Stale, true),
            ] {
                let plan = Plan {
                    device: format!("personality {personality}\n"),
                    settings: "probe off\nsettle_ms 20000\n".into(),
                    end,
                    ..plan(protocol)
                };
                let boot = boot(&plan, |_| ());
                // A signal that is left from an earlier boot is not asked for before the last image is activated.
                if end != EndSignal::Stale {
                    boot.check(&plan).unwrap();
                }
                assert_eq!(boot.outcome.report.images.len(), 3, "{end:?}");
                assert_eq!(boot.error(), None, "{end:?}");
                assert_eq!(boot.took() < settle, at_once, "{end:?}: {}", boot.took());
            }
        }
    }
}

/// A refusal of the last image is told by the device before its platform could say that the image runs.
#[test]
fn a_platform_that_knows_the_end_does_not_hide_a_refusal() {
    let plan = Plan {
        end: EndSignal::True,
        ..plan(Protocol::Tftp)
    };
    let boot = boot(&plan, |device| {
        device.faults.refuse = Some(Refusal {
            index: 2,
            reason: 0x0C,
        });
    });
    boot.assert_failed(&plan, REFUSED, Blame::Server);
}

/// What a device says against an image is in the report, in the order that it cares to say it.
#[test]
fn a_refusal_is_reported_with_its_reason() {
    let orders = [
        ErrorOrder::Personality,
        ErrorOrder::RecoveryFirst,
        ErrorOrder::DeviceFirst,
        ErrorOrder::Together,
    ];
    for protocol in BOTH {
        for personality in PERSONALITIES {
            for order in orders {
                for index in 0..3 {
                    let mut plan = plan(protocol);
                    plan.device = format!("personality {personality}\n");
                    let boot = boot(&plan, |device| {
                        device.faults.refuse = Some(Refusal {
                            index,
                            reason: 0x83,
                        });
                        device.faults.order = order;
                    });
                    // Only ROMs tell why, and the older one only after image 0. A reason that means a wrong file, or an
                    // authentication error, is the server's fault.
                    let tells = match personality {
                        "rom-2.1.2" => true,
                        "rom-2.1.0" => index > 0,
                        _ => false,
                    };
                    let blame = match personality {
                        "documented" => Blame::Device,
                        _ => Blame::Server,
                    };
                    boot.assert_failed(&plan, REFUSED, blame);
                    let Some(AppError::Recovery(RecoveryError::DeviceRefused {
                        index: refused,
                        reason,
                        ..
                    })) = boot.error()
                    else {
                        panic!("{:?}", boot.error());
                    };
                    assert_eq!(*refused, index, "{}", boot.console);
                    // The default console has the numbers.
                    let pairs = match reason {
                        Some(reason) => format!(
                            " image={index} reason=0x{:08x} device_status=0x0000000",
                            reason.0
                        ),
                        None => format!(" image={index} device_status=0x0000000"),
                    };
                    assert!(boot.console.contains(&pairs), "{}", boot.console);
                    assert!(
                        boot.console.contains(" recovery_status=0x000000"),
                        "{}",
                        boot.console
                    );
                    let told = reason.map(|reason| reason.0);
                    assert_eq!(told, tells.then_some(0x83), "{}", boot.console);
                    let image = boot.outcome.report.images.last().unwrap();
                    assert_eq!((image.index, image.outcome), (index, Outcome::Refused));
                    assert_eq!(boot.outcome.report.images.len(), usize::from(index) + 1);
                }
            }
        }
    }
}

/// A device that shows only one of its two statuses is believed after the grace period.
#[test]
fn half_a_refusal_is_one() {
    for order in [ErrorOrder::RecoveryOnly, ErrorOrder::DeviceOnly] {
        for personality in PERSONALITIES {
            // The documented device gives neither a reason nor an authentication error.
            let blame = match personality {
                "documented" => Blame::Device,
                _ => Blame::Server,
            };
            let mut plan = plan(Protocol::Tftp);
            plan.device = format!("personality {personality}\n");
            let boot = boot(&plan, |device| {
                device.faults.refuse = Some(Refusal {
                    index: 1,
                    reason: 6,
                });
                device.faults.order = order;
            });
            boot.assert_failed(&plan, REFUSED, blame);
        }
    }
}

/// 20,000 octets a second: longer than servers are patient. The boot succeeds all the same.
#[test]
fn a_slow_device_gets_its_image() {
    for protocol in BOTH {
        let plan = Plan {
            images: firmware(&[234_496, 4_000, 333]),
            device: "rate 20000\n".into(),
            ..plan(protocol)
        };
        let boot = boot(&plan, |_| ());
        boot.assert_booted(&plan);
        assert_eq!(boot.attempts_failed(), Vec::<u32>::new());
        let image = &boot.outcome.report.images[0];
        // What the device takes, and little beside it.
        let needed = 234_496 / 20;
        let took = image.transfer.as_millis();
        assert!(
            (needed - 200..needed + needed / 4).contains(&took),
            "{took} ms"
        );
    }
}

/// So slow that each window takes longer than the server waits, with a server that gives up soon.
#[test]
fn a_server_that_gives_up_on_a_slow_device_is_asked_again() {
    let plan = Plan {
        images: firmware(&[60_000, 300, 301]),
        device: "rate 4000\n".into(),
        ..plan(Protocol::Tftp)
    };
    let boot = Sim::new(&plan)
        .server(|server| server.tftp.retries = 2)
        .run();
    boot.assert_booted(&plan);
    assert!(boot.resumes(0) > 0, "{}", boot.console);
}

/// One bit is wrong on the server. With an expected digest the device never hears of an activation;
/// without one it refuses the image itself. Either way the status says so.
#[test]
fn a_wrong_image_is_never_run() {
    for protocol in BOTH {
        for index in 0..3 {
            let mut plan = plan(protocol);
            plan.corrupt = Some(index);
            plan.expect = true;
            let known = boot(&plan, |_| ());
            known.assert_failed(&plan, 0x0007_0003, Blame::Server);
            let record = &known.outcome.images[index];
            assert!(!record.activated && !record.verified);
            // Nothing but a reset of the device can mend that.
            assert_eq!(known.retries(index), 0);
            assert!(known.outcome.report.reset_required);
            let told = known.outcome.report.images.last().unwrap();
            assert_eq!(told.outcome, Outcome::NotActivated);
            assert!(matches!(told.error, Some(AppError::DigestMismatch { .. })));

            plan.expect = false;
            let unknown = boot(&plan, |_| ());
            unknown.assert_failed(&plan, REFUSED, Blame::Server);
            let record = &unknown.outcome.images[index];
            assert!(record.activated && !record.verified);
            assert!(matches!(
                unknown.outcome.device,
                DeviceOutcome::Failed { .. }
            ));
        }
    }
}

/// The device is reset in the middle of an image. It asks for image 0 again; the boot ends, with the
/// name of what happened, rather than give it the rest of another image.
#[test]
fn a_device_reset_on_the_way_is_named() {
    for protocol in BOTH {
        for personality in PERSONALITIES {
            for index in 0..3 {
                let mut plan = plan(protocol);
                plan.device = format!("personality {personality}\nrate 100000\n");
                let boot = boot(&plan, |device| {
                    device.faults.reset = Some(ResetAt { index, after: 512 });
                });
                boot.assert_failed(&plan, LEFT, Blame::Device);
                assert!(boot.took() < Duration::from_secs(60), "{}", boot.console);
            }
        }
    }
}

/// A device that cannot do what the agent needs is told apart from one that does not answer.
#[test]
fn a_device_of_another_kind_is_named() {
    let plan = plan(Protocol::Tftp);
    // No push of a C-image; another major version.
    for (capabilities, code) in [(0x0010_0101, 0x0006_0009), (0x1AB1_0102, 0x0006_0008)] {
        let boot = boot(&plan, |device| {
            device.faults.prot_cap_2 = Some(capabilities)
        });
        boot.assert_failed(&plan, code, Blame::Device);
    }
}

/// A transfer that fails in the middle of an image and is not taken up again, at a device that, like
/// released ROMs, goes on counting words where it was: it must not get a mixture and be told to run it.
#[test]
fn a_device_that_holds_half_an_image_is_not_given_another() {
    for protocol in BOTH {
        let mut plan = plan(protocol);
        plan.expect = true;
        let boot = Sim::new(&plan)
            .server(|server| {
                let tftp = TftpFault::ErrorAfter(8_000, 2, "no".into());
                server
                    .faults
                    .tftp
                    .add(Rule::new(tftp).named(FILE_NAMES[0]).times(1));
                // Not one that a resumption could mend.
                server
                    .faults
                    .http
                    .add(Rule::new(HttpFault::BadChunk).named(FILE_NAMES[0]).times(1));
                server.http.chunk = 8_000;
            })
            .run();
        boot.check(&plan).unwrap();
        for image in &boot.outcome.images {
            assert!(!image.activated || image.verified, "{}", boot.console);
        }
        if let Some(error) = boot.error() {
            assert_eq!(error.blame(), Blame::Device, "{error}");
        }
    }
}

#[test]
fn a_device_is_left_as_it_was_found() {
    // After a boot that failed for the network's sake the device still waits for its image.
    let mut plan = plan(Protocol::Http);
    plan.settings = "probe off\nretry continue\n".into();
    let config = testbed::host::device_config(&plan).unwrap();
    assert_eq!(config.count, 3);
    let boot = Sim::new(&plan)
        .server(|server| server.faults.http.always(HttpFault::ResetAfter(0)))
        .run();
    boot.assert_failed(&plan, 0x0005_000C, Blame::Server);
    assert_eq!(boot.outcome.device, DeviceOutcome::Running);
    assert_eq!(boot.phase, DevicePhase::Awaiting);
}
