//! Whole boots of a board that reaches its Caliptra over I2C: the boot application and the network are those of any other board.

use e2e::Sim;
use netboot_app::Outcome;
use netboot_core::{Coded, Duration};
use ocp_recovery::ProtocolError;
use ocp_recovery::command::Command;
use ocp_recovery::commands::Framing;
use recovery_model::i2c::{Attempt, Fault};
use recovery_model::{DeviceOutcome, ResetAt};
use testbed::plan::firmware;
use testbed::{Plan, Protocol};

const FRAMINGS: [Framing; 2] = [Framing::Smbus, Framing::I3c];
const SIZES: [usize; 3] = [20_000, 3_000, 2_001];

const NOT_ACKNOWLEDGED: u32 = 0x0006_001D;
const REFUSED_COMMAND: u32 = 0x0006_0022;
const IN_DOUBT: u32 = 0x0006_0024;

fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        images: firmware(&SIZES),
        settings: "probe off\n".into(),
        ..Plan::default()
    }
}

#[test]
fn three_images_by_each_protocol_and_framing() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        for framing in FRAMINGS {
            let plan = plan(protocol);
            let boot = Sim::new(&plan).over_i2c(framing, |_| None).run();
            boot.assert_booted(&plan);
            assert_eq!(boot.outcome.report.protocol_error, None);
            // 25 kB at 100 kHz take more than two seconds.
            let images = &boot.outcome.report.images;
            assert!(images[0].transfer > Duration::from_millis(1_800));
        }
    }
}

#[test]
fn a_noisy_bus_is_outlived_and_its_last_error_told() {
    let plan = plan(Protocol::Tftp);
    let mut blocks = 0;
    let boot = Sim::new(&plan)
        .over_i2c(Framing::Smbus, move |attempt: Attempt| {
            blocks += u32::from(attempt.code == 47);
            match (attempt.code, blocks % 3) {
                (47, 0) => Some(Fault::Damage { at: 2 }),
                _ if attempt.number % 11 == 7 => Some(Fault::NoAddress),
                _ => None,
            }
        })
        .run();
    boot.assert_booted(&plan);
    let last = boot.outcome.report.protocol_error;
    let command = Command::IndirectFifoData.code();
    assert_eq!(last, Some(ProtocolError { command, code: 4 }));
    assert!(
        boot.console
            .contains(" last_protocol_error=4 last_command=47"),
        "{}",
        boot.console
    );
}

#[test]
fn a_bus_that_is_away_for_a_while_does_not_end_the_boot() {
    let plan = plan(Protocol::Http);
    let boot = Sim::new(&plan)
        .over_i2c(Framing::Smbus, |attempt: Attempt| {
            (200..300)
                .contains(&attempt.number)
                .then_some(Fault::NoAddress)
        })
        .run();
    boot.assert_booted(&plan);
}

#[test]
fn a_bus_that_fails_for_good_is_named_in_the_report() {
    for (fault, status) in [
        (Fault::NoAddress, NOT_ACKNOWLEDGED),
        (Fault::Refuse(2), REFUSED_COMMAND),
        (Fault::Half, IN_DOUBT),
    ] {
        let mut plan = plan(Protocol::Tftp);
        plan.settings += "total_ms 120000\n";
        let boot = Sim::new(&plan)
            .over_i2c(Framing::Smbus, move |attempt: Attempt| {
                let data = attempt.code == 47 || fault == Fault::NoAddress;
                (attempt.number >= 100 && data).then_some(fault)
            })
            .run();
        let report = &boot.outcome.report;
        assert_eq!(report.status(), status, "{fault:?}\n{}", boot.console);
        assert_eq!(report.error.map(|error| error.code()), Some(status));
        assert_eq!(report.images[0].outcome, Outcome::NotActivated);
        assert_eq!(boot.outcome.tally.activations, 0);
        assert!(report.reset_required);
    }
}

#[test]
fn a_device_that_was_reset_is_given_all_images_anew() {
    for framing in FRAMINGS {
        let mut plan = plan(Protocol::Tftp);
        plan.can_reset = true;
        let boot = Sim::new(&plan)
            .device(|device| {
                device.faults.reset = Some(ResetAt {
                    index: 1,
                    after: 1_000,
                });
            })
            .over_i2c(framing, |_| None)
            .run();
        boot.assert_booted(&plan);
        assert_eq!(boot.outcome.report.device_resets, 1);
        assert_eq!(boot.outcome.device, DeviceOutcome::Booted);
    }
}

/// Somebody on the network and a bus with a device of its own: neither makes the other go away.
#[test]
fn an_attacked_board_still_reaches_its_device_over_i2c() {
    let plan = plan(Protocol::Tftp);
    let nobody = e2e::hostile::Attack {
        seed: 1,
        rewritten: 0,
        injected: 0,
    };
    let commands = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = commands.clone();
    let boot = Sim::new(&plan)
        .attacked(nobody)
        .over_i2c(Framing::Smbus, move |attempt: Attempt| {
            seen.set(attempt.number);
            None
        })
        .run();
    boot.assert_booted(&plan);
    assert!(commands.get() > 1_000, "{}", commands.get());
}
