//! The agent over I2C against the model: whole boots, every fault of the bus and of the device, and random ones.

mod common;

use common::wire::{FRAMINGS, agent, device, images};
use common::{CORES, PERSONALITIES, World, expecting};
use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use netboot_core::{AbortReason, Duration, ImageSink, Instant};
use ocp_recovery::command::Command;
use ocp_recovery::commands::{BusFault, Framing};
use ocp_recovery::{AgentConfig, AgentEvent, AgentState, ProtocolError, RecoveryError};
use proptest::prelude::*;
use recovery_model::i2c::{Attempt, Fault};
use recovery_model::{DeviceConfig, DeviceOutcome, ExpectedImage};

/// Boots in both framings under the same faults.
fn boots<F: FnMut(Attempt) -> Option<Fault>>(
    config: &DeviceConfig,
    faults: impl Fn() -> F,
    mut check: impl FnMut(&World, Result<Vec<u8>, RecoveryError>, u32, Framing),
) {
    for framing in FRAMINGS {
        let world = World::new(*config);
        let mut agent = agent(&world, framing, faults());
        let result = world.boot(&mut agent, &images());
        let repeats = agent.bus_mut().repeats();
        world.assert_no_violation();
        only_published(&world);
        check(&world, result, repeats, framing);
    }
}

/// No image was activated but with the octets that were published.
fn only_published(world: &World) {
    let model = world.model.borrow();
    for (record, image) in model.images().iter().zip(images()) {
        if record.activated {
            assert_eq!(record.sha256, Some(ExpectedImage::of(&image).sha256));
        }
    }
}

fn booted(world: &World, result: Result<Vec<u8>, RecoveryError>) {
    assert_eq!(result, Ok(vec![0, 1, 2]));
    assert_eq!(world.model.borrow().outcome(), DeviceOutcome::Booted);
}

#[test]
fn every_device_boots_in_either_framing() {
    for core in CORES {
        for personality in PERSONALITIES {
            let config = expecting(core, personality, &images());
            boots(
                &config,
                || |_: Attempt| None,
                |world, result, repeats, _| {
                    booted(world, result);
                    assert_eq!(repeats, 0);
                },
            );
        }
    }
}

#[test]
fn blocks_are_as_long_as_the_framing_allows_and_fill_the_fifo() {
    for (framing, expected) in [
        (
            Framing::Smbus,
            vec![252, 4, 252, 4, 252, 4, 252, 4, 252, 4, 4],
        ),
        (Framing::I3c, vec![256, 256, 256, 256, 256, 4]),
    ] {
        let images = images();
        let world = World::new(device(&images));
        let mut blocks = vec![];
        let mut agent = agent(&world, framing, |attempt: Attempt| {
            if attempt.code == 47 {
                blocks.push(attempt.len);
            }
            None
        });
        for image in &images[..2] {
            world.next_event(&mut agent).unwrap();
            // Pieces that are no multiples of words.
            world.deliver(&mut agent, image, || 13).unwrap();
            agent.activate(world.now()).unwrap();
        }
        drop(agent);
        assert_eq!(blocks, expected);
    }
}

/// Lets every `nth` command suffer what `fault` says.
fn every(nth: u32, fault: Fault) -> impl FnMut(Attempt) -> Option<Fault> {
    move |attempt| (attempt.number % nth == nth - 1).then_some(fault)
}

#[test]
fn what_passes_is_outlived() {
    let passing = [
        Fault::NoAddress,
        Fault::NoAcknowledge,
        Fault::Arbitration,
        Fault::Unseen(ErrorKind::Bus),
        Fault::Unseen(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data)),
        Fault::Damage { at: 0 },
        Fault::Damage { at: 1 },
        Fault::Damage { at: 9 },
        Fault::Length(0),
        Fault::Length(1),
        Fault::Length(200),
        Fault::Released,
    ];
    for fault in passing {
        for nth in [3, 7] {
            boots(
                &device(&images()),
                || every(nth, fault),
                |world, result, repeats, framing| {
                    let name = format!("{fault:?} {nth} {framing:?}");
                    if matches!((fault, framing), (Fault::Unseen(_), Framing::I3c)) {
                        // A block as long as the FIFO leaves no trace once it was drained.
                        use RecoveryError::*;
                        let told = [
                            Ok(vec![0, 1, 2]),
                            Err(Bus(BusFault::InDoubt { sent: 64, taken: 0 })),
                        ];
                        let left = matches!(result, Err(DeviceLeft { .. }));
                        assert!(told.contains(&result) || left, "{name}: {result:?}");
                        return;
                    }
                    assert_eq!(result, Ok(vec![0, 1, 2]), "{name}");
                    assert_eq!(world.model.borrow().outcome(), DeviceOutcome::Booted);
                    // An answer of another length is read again by the bus itself.
                    let relearnt = matches!(fault, Fault::Length(_) | Fault::Released);
                    assert!(repeats > 0 || relearnt, "{name}");
                },
            );
        }
    }
}

#[test]
fn what_does_not_pass_is_named_within_the_deadline() {
    use BusFault::*;
    let status = Command::DeviceStatus;
    let cases = [
        (
            Fault::NoAddress,
            NoAcknowledge {
                command: status,
                address: true,
            },
        ),
        (
            Fault::NoAcknowledge,
            NoAcknowledge {
                command: status,
                address: false,
            },
        ),
        (Fault::Arbitration, ArbitrationLost { command: status }),
        (
            Fault::Unseen(ErrorKind::Overrun),
            Transfer { command: status },
        ),
        (Fault::Damage { at: 0 }, PacketErrorCode { command: status }),
        (
            Fault::Length(6),
            Length {
                command: status,
                found: 6,
            },
        ),
        (Fault::Released, PacketErrorCode { command: status }),
    ];
    for (fault, named) in cases {
        boots(
            &device(&images()),
            || every(1, fault),
            |world, result, _, framing| {
                assert_eq!(result, Err(RecoveryError::Bus(named)), "{framing:?}");
                let taken = world.now().since(Instant::ZERO);
                let config = AgentConfig::default();
                // A device that starts up does not acknowledge its address yet.
                let timeout = match fault {
                    Fault::NoAddress => config.request_timeout,
                    _ => config.bus_timeout,
                };
                let most = timeout + Duration::from_millis(300);
                assert!(taken >= timeout && taken < most, "{fault:?} {taken}");
            },
        );
    }
}

/// The bus fails for good at each command of a boot in turn: the error is named, and comes at the bus's deadline.
#[test]
fn a_device_that_falls_silent_at_any_command_is_named() {
    let mut number = 0;
    let mut failed = 0;
    loop {
        let images = images();
        let world = World::new(device(&images));
        let first = number;
        let at = std::cell::Cell::new(None);
        let mut agent = agent(&world, Framing::Smbus, |attempt: Attempt| {
            if attempt.number < first {
                return None;
            }
            at.set(at.get().or(Some(world.now())));
            Some(Fault::NoAddress)
        });
        let result = world.boot(&mut agent, &images);
        only_published(&world);
        let Some(silent) = at.get() else {
            assert!(result.is_ok());
            break;
        };
        let Err(RecoveryError::Bus(BusFault::NoAcknowledge { address: true, .. })) = result else {
            panic!("{number}: {result:?}");
        };
        let taken = world.now().since(silent);
        let most = match agent.state() {
            AgentState::Capabilities => 30_200,
            _ => 2_200,
        };
        assert!(taken < Duration::from_millis(most), "{number}: {taken}");
        failed += 1;
        number += 1 + number / 8;
    }
    assert!(failed > 20, "{failed}");
}

/// A command of `code` suffers `fault`, the first `times` times.
fn at_command(code: u8, mut times: u32, fault: Fault) -> impl FnMut(Attempt) -> Option<Fault> {
    move |attempt| {
        if attempt.code != code || attempt.read || times == 0 {
            return None;
        }
        times -= 1;
        Some(fault)
    }
}

#[test]
fn a_protocol_error_is_named_with_its_command() {
    for command in [
        Command::RecoveryCtrl,
        Command::IndirectFifoCtrl,
        Command::IndirectFifoData,
    ] {
        for protocol_error in [1, 2, 3, 0xFF] {
            let faults = || at_command(command.code(), 100, Fault::Refuse(protocol_error));
            boots(&device(&images()), faults, |_, result, _, _| {
                let named = BusFault::Refused {
                    command,
                    protocol_error,
                };
                assert_eq!(result, Err(RecoveryError::Bus(named)));
            });
        }
        let faults = || at_command(command.code(), u32::MAX, Fault::Damage { at: 1 });
        boots(&device(&images()), faults, |_, result, _, _| {
            let named = BusFault::PacketErrorCode { command };
            assert_eq!(result, Err(RecoveryError::Bus(named)));
        });
        let faults = || at_command(command.code(), u32::MAX, Fault::Ignore);
        boots(&device(&images()), faults, |world, result, _, framing| {
            match (command, framing) {
                // A selection that is forgotten harms nobody, an activation that is forgotten is seen.
                (Command::RecoveryCtrl | Command::IndirectFifoCtrl, _)
                | (Command::IndirectFifoData, Framing::Smbus) => {
                    let named = BusFault::NotTaken { command };
                    assert_eq!(result, Err(RecoveryError::Bus(named)));
                }
                // The indices of the FIFO come round with such a block: it is missed at the end of the image.
                _ => assert!(
                    matches!(result, Err(RecoveryError::Timeout { .. })),
                    "{result:?}"
                ),
            }
            assert_eq!(world.model.borrow().tally().activations, 0);
        });
    }
}

#[test]
fn a_protocol_error_that_passed_is_in_the_status() {
    let images = images();
    let world = World::new(device(&images));
    let faults = at_command(47, 1, Fault::Damage { at: 1 });
    let mut agent = agent(&world, Framing::Smbus, faults);
    world.next_event(&mut agent).unwrap();
    agent.begin(world.now(), 1_024).unwrap();
    world.write(&mut agent, &images[0], || 256).unwrap();
    let command = Command::IndirectFifoData.code();
    let seen = Some(ProtocolError { command, code: 4 });
    assert_eq!(agent.status().protocol_error, seen);
    agent.end(world.now()).unwrap();
    while !agent.poll_ready(world.now()).unwrap() {
        world.idle();
    }
    agent.activate(world.now()).unwrap();
    world.next_event(&mut agent).unwrap();
    assert_eq!(agent.status().protocol_error, seen);
    agent.begin(world.now(), 257).unwrap();
    assert_eq!(agent.status().protocol_error, None);
}

#[test]
fn octets_in_doubt_are_never_activated() {
    for fault in [Fault::KeepDamaged { at: 7 }, Fault::Half] {
        let faults = || at_command(47, 1, fault);
        boots(&device(&images()), faults, |world, result, _, framing| {
            match (result, framing) {
                (Err(RecoveryError::Bus(BusFault::InDoubt { sent, taken })), _) => {
                    assert!(taken <= sent);
                }
                // The device holds all words, one block of them wrong, before the agent has sent them all.
                (Err(RecoveryError::DeviceLeft { index: 0, .. }), Framing::I3c) => {}
                (result, _) => panic!("{fault:?} {framing:?}: {result:?}"),
            }
            assert_eq!(world.model.borrow().tally().activations, 0);
        });
    }
}

#[test]
fn doubt_lasts_until_the_device_is_reset() {
    let images = images();
    let world = World::new(device(&images));
    let mut agent = agent(&world, Framing::Smbus, at_command(47, 1, Fault::Half));
    let doubt = world.boot(&mut agent, &images).unwrap_err();
    let half = BusFault::InDoubt {
        sent: 63,
        taken: 31,
    };
    assert_eq!(doubt, RecoveryError::Bus(half));
    for _ in 0..3 {
        world.pass(Duration::from_secs(1));
        assert_eq!(agent.poll(world.now()), Err(doubt));
        assert_eq!(agent.window(world.now()), Err(doubt));
    }
    agent.abort(world.now(), AbortReason::Cancelled);
    assert_eq!(agent.state(), AgentState::Stuck { index: 0 });
    world.reset_device(&mut agent);
    assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
}

#[test]
fn a_device_that_was_reset_in_mid_image_is_noticed_before_the_next_block() {
    for framing in FRAMINGS {
        for written in [100, 256, 700, 1_024] {
            let images = images();
            let world = World::new(device(&images));
            let mut agent = agent(&world, framing, |_| None);
            world.next_event(&mut agent).unwrap();
            agent.begin(world.now(), 1_024).unwrap();
            world
                .write(&mut agent, &images[0][..written], || 64)
                .unwrap();
            if written == 1_024 {
                agent.end(world.now()).unwrap();
            }
            world.model.borrow_mut().reset();
            // The device asks for the same image again, as if nothing had been.
            world.pass(Duration::from_millis(10));
            let result = match written {
                1_024 => agent.poll_ready(world.now()).map(|_| ()),
                _ => world.write(&mut agent, &images[0][written..], || 64),
            };
            assert!(
                matches!(result, Err(RecoveryError::DeviceLeft { index: 0, .. })),
                "{result:?}"
            );
            assert_eq!(world.model.borrow().progress().received, 0);
            agent.device_was_reset(world.now()).unwrap();
            assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
        }
    }
}

#[test]
fn nothing_is_used_before_a_burst_went_out() {
    let images = images();
    let world = World::new(device(&images));
    let mut agent = agent(&world, Framing::Smbus, |_| None);
    world.next_event(&mut agent).unwrap();
    agent.begin(world.now(), 4_000).unwrap();
    world.write(&mut agent, &[0xEE; 255], || 255).unwrap();
    assert!(agent.withdraw(world.now()));
    world.deliver(&mut agent, &images[0], || 1_000).unwrap();
    assert!(!agent.withdraw(world.now()));
    agent.activate(world.now()).unwrap();
    only_published(&world);
    assert_eq!(world.model.borrow().tally().activations, 1);
}

#[test]
fn a_status_with_vendor_octets_is_read_twice_once() {
    let images = images();
    let world = World::new(device(&images));
    let mut agent = agent(&world, Framing::Smbus, |_| None);
    for octets in [3, 248, 0] {
        agent.bus_mut().bus_mut().i2c_mut().target.vendor_octets = octets;
        agent.poll(world.now()).unwrap();
    }
    agent.bus_mut().bus_mut().i2c_mut().target.vendor_octets = 248;
    assert_eq!(world.boot(&mut agent, &images), Ok(vec![0, 1, 2]));
}

#[test]
fn a_device_that_fails_is_told_with_its_reason() {
    let mut config = device(&images());
    config.faults.refuse = Some(recovery_model::Refusal {
        index: 1,
        reason: 6,
    });
    boots(
        &config,
        || |_: Attempt| None,
        |_, result, _, _| {
            let Err(RecoveryError::DeviceRefused {
                index: 1, reason, ..
            }) = result
            else {
                panic!("{result:?}");
            };
            assert_eq!(reason.map(|reason| reason.0), Some(6));
        },
    );
}

#[test]
fn a_bus_is_given_up_at_its_deadline_and_not_before() {
    let us = Duration::from_micros(1);
    for (fault, deadline) in [
        (Fault::NoAddress, Instant::from_millis(30_000)),
        (Fault::NoAcknowledge, Instant::from_millis(2_000)),
    ] {
        let world = World::new(device(&images()));
        let mut agent = agent(&world, Framing::Smbus, every(1, fault));
        assert_eq!(agent.poll(Instant::ZERO), Ok(AgentEvent::Waiting));
        assert_eq!(agent.poll_timeout(), Some(deadline));
        assert_eq!(agent.poll(deadline - us), Ok(AgentEvent::Waiting));
        for late in [Duration::ZERO, us] {
            let result = agent.poll(deadline + late);
            assert!(matches!(result, Err(RecoveryError::Bus(_))), "{result:?}");
        }
    }
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::NoAddress),
        3 => Just(Fault::NoAcknowledge),
        3 => Just(Fault::Arbitration),
        3 => Just(Fault::Unseen(ErrorKind::Bus)),
        3 => (0u8..=255).prop_map(|at| Fault::Damage { at }),
        1 => (0u8..=255).prop_map(Fault::Refuse),
        1 => Just(Fault::Ignore),
        1 => Just(Fault::Half),
        2 => (0u8..=255).prop_map(Fault::Length),
        2 => Just(Fault::Released),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens on the bus, the device activates exactly the published octets, or the agent names an error in time.
    #[test]
    fn published_octets_or_a_named_error(
        script in prop::collection::vec((1u32..40, 1u32..5, any_fault()), 0..30),
        i3c: bool,
        rate in prop_oneof![Just(0u32), 20_000u32..2_000_000],
    ) {
        let mut config = device(&images());
        config.consume_rate = rate;
        let world = World::new(config);
        let mut script = script.into_iter();
        let mut present = script.next();
        let faults = |_: Attempt| {
            let (wait, times, fault) = present.as_mut()?;
            if *wait > 0 {
                *wait -= 1;
                return None;
            }
            let fault = *fault;
            *times -= 1;
            if *times == 0 {
                present = script.next();
            }
            Some(fault)
        };
        let framing = if i3c { Framing::I3c } else { Framing::Smbus };
        let mut agent = agent(&world, framing, faults);
        let result = world.boot(&mut agent, &images());
        only_published(&world);
        prop_assert_eq!(world.model.borrow().stall(), None);
        match result {
            Ok(asked) => {
                prop_assert_eq!(asked, vec![0, 1, 2]);
                prop_assert_eq!(world.model.borrow().outcome(), DeviceOutcome::Booted);
            }
            Err(_) => prop_assert!(world.now() < Instant::from_millis(120_000)),
        }
    }
}
