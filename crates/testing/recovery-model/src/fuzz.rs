//! A fuzz body: the real agent against the model, both driven by the input.
//!
//! The input chooses the device (generation, personality, speed, faults) and a sequence of operations, among them resets of
//! device and core of which nobody tells the agent. Whatever they are, the agent must not panic, hang the bus or lose a word, and the device must accept only the right octets. Nothing may be
//! activated that the caller did not ask to activate, and no octet of an image that was given up may be part of it.

use crate::bus::ModelBus;
use crate::config::{
    ActivationClear, DeviceConfig, ErrorOrder, ExpectedImage, Faults, Personality, Refusal,
    ResetAt, Stuck,
};
use crate::model::RecoveryModel;
use crate::outcome::DeviceOutcome;
use core::cell::{Cell, RefCell};
use netboot_core::fuzz::Input;
use netboot_core::{AbortReason, Digest, Duration, ImageSink, Instant};
use ocp_recovery::map::CoreVersion;
use ocp_recovery::{AgentConfig, AgentEvent, AgentState, RecoveryAgent};
use sha2::{Digest as _, Sha256};

/// Sizes of the three right images in octets.
const SIZES: [usize; 3] = [257, 1021, 512];

/// Makes the octets of the right images; image `index` starts at octet `index`.
fn octets() -> [u8; 1100] {
    let mut octets = [0; 1100];
    let mut state = 1u32;
    for octet in &mut octets {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *octet = (state >> 24) as u8;
    }
    octets
}

fn device(input: &mut Input<'_>, images: &[ExpectedImage]) -> DeviceConfig {
    let core = if input.flag() {
        CoreVersion::V1p4
    } else {
        CoreVersion::V1p5
    };
    let personality = match input.octet() & 3 {
        0 => Personality::Documented,
        1 => Personality::Rom2_1_0,
        _ => Personality::Rom2_1_2,
    };
    let mut config = DeviceConfig::new(core, personality, images);
    if input.flag() {
        config.activation_clear = ActivationClear::Rtl;
    }
    // Between none and a thousand steps.
    config.error_gap_steps = u32::from(input.octet()) * 4;
    config.consume_rate = u32::from(input.octet()) << 14;
    let index = input.octet() & 3;
    let number = input.octet();
    let after = u32::from(number) * 4;
    config.faults = match input.octet() & 0x1F {
        0 => Faults {
            stuck: Some(match number & 7 {
                0 => Stuck::Startup,
                1 => Stuck::Asking(index),
                2 => Stuck::Pending(index),
                3 => Stuck::Activating(index),
                4 => Stuck::Verifying(index),
                _ => Stuck::Draining { index, after },
            }),
            ..Faults::default()
        },
        1 => Faults {
            refuse: Some(Refusal {
                index,
                reason: u16::from(number),
            }),
            order: if number & 1 != 0 {
                ErrorOrder::DeviceFirst
            } else {
                ErrorOrder::RecoveryFirst
            },
            ..Faults::default()
        },
        2 => Faults {
            reset: Some(ResetAt { index, after }),
            ..Faults::default()
        },
        _ => Faults::default(),
    };
    config
}

/// Drives agent and model through a sequence of operations, all taken from `data`.
///
/// # Panics
/// When an invariant does not hold.
pub fn run(data: &[u8]) {
    drive(data);
}

/// SHA-256 of the octets that went through `written`, `count` of them, padded to a multiple of 4.
fn padded(mut written: Sha256, count: usize) -> Digest {
    for _ in count..count.next_multiple_of(4) {
        written.update([0]);
    }
    Digest(written.finalize().into())
}

/// Does the work of [`run`] and returns whether the boot got to its end, so that a test can tell that some do.
fn drive(data: &[u8]) -> bool {
    let octets = octets();
    let right = |index: usize| &octets[index..index + SIZES[index]];
    let images = [0, 1, 2].map(|index| ExpectedImage::of(right(index)));
    let mut input = Input(data);
    let config = device(&mut input, &images);
    // The model knows no deadline; a device that stays silent fails by the agent's.
    let silent = matches!(
        config.faults.stuck,
        Some(Stuck::Verifying(_) | Stuck::Activating(_))
    );
    let model = RefCell::new(RecoveryModel::new(config, Instant::ZERO));
    let clock = Cell::new(Instant::ZERO);
    let bus = ModelBus::new(&model, &clock);
    let mut agent = match RecoveryAgent::new(bus, AgentConfig::default(), clock.get()) {
        Ok(agent) => agent,
        Err(error) => panic!("{error}"),
    };

    let mut written = 0;
    // The octets of the image since it was begun, and the digest that each image had when it was activated.
    let mut log = Sha256::new();
    let mut given = [Digest([0; 32]); 3];
    let mut wrong = false;
    let mut activated = [false; 3];
    let mut completed = false;
    // The device was reset after the end of its boot, and nobody told the agent.
    let mut unaware = false;
    while !input.is_empty() {
        let operation = input.octet();
        let argument = usize::from(operation >> 3);
        let now = clock.get();
        let index = usize::from(agent.state().index().unwrap_or(0));
        let failed_before = agent.state() == AgentState::Failed;
        match operation & 7 {
            0 => match agent.poll(now) {
                Ok(AgentEvent::Complete) => {
                    completed = true;
                    let model = model.borrow();
                    assert!(silent || unaware || model.outcome() == DeviceOutcome::Booted);
                }
                Ok(AgentEvent::ImageRequested { index }) => {
                    assert!(index < 3);
                    assert_eq!(agent.state(), AgentState::Requested { index });
                }
                Ok(_) => {}
                Err(_) => assert_ne!(agent.state(), AgentState::Complete),
            },
            1 if index < 3 => {
                // Mostly the right size.
                let size = SIZES[index] + if argument == 31 { 1 } else { 0 };
                if agent.begin(now, size as u64).is_ok() {
                    written = 0;
                    log = Sha256::new();
                    wrong = argument == 31;
                }
            }
            2 | 3 if index < 3 => {
                if let Ok(window) = agent.window(now) {
                    let len = window.min(argument * 11 + 1);
                    let tamper = operation == 0xFA;
                    let mut chunk = [0; 512];
                    let source = octets.get(index + written..index + written + len);
                    let chunk = &mut chunk[..len];
                    chunk.copy_from_slice(source.unwrap_or(&[]));
                    if let Some(first) = chunk.first_mut()
                        && tamper
                    {
                        *first ^= 0x80;
                        wrong = true;
                    }
                    assert!(agent.write(now, chunk).is_ok());
                    log.update(chunk);
                    written += len;
                }
            }
            4 => {
                let _ = agent.end(now);
            }
            5 => {
                if agent.poll_ready(now) == Ok(true) && (argument & 3 != 0) {
                    assert!(agent.activate(now).is_ok());
                    activated[index] = true;
                    given[index] = padded(log.clone(), written);
                }
            }
            6 if argument == 31 => agent.abort(now, AbortReason::Cancelled),
            6 if argument == 30 || argument == 29 => {
                let before = agent.state();
                if !agent.withdraw(now) {
                    assert_eq!(agent.state(), before);
                }
            }
            6 if argument == 28 => {
                model.borrow_mut().reset();
                assert!(agent.device_was_reset(now).is_ok());
                activated = [false; 3];
                completed = false;
            }
            6 if argument == 27 => {
                model.borrow_mut().reset();
                activated = [false; 3];
                unaware |= agent.state() == AgentState::Complete;
            }
            6 if argument == 26 => {
                // Between two calls that belong together.
                let window = agent.window(now).unwrap_or(0).min(512);
                model.borrow_mut().reset();
                activated = [false; 3];
                unaware |= agent.state() == AgentState::Complete;
                assert!(window == 0 || agent.write(now, &octets[..window]).is_err());
            }
            6 => {
                let next = model.borrow().next_event();
                clock.set(next.unwrap_or(now).max(now));
            }
            _ => clock.set(now + Duration::from_micros(1 << argument)),
        }
        let model = model.borrow();
        assert_eq!(model.stall(), None);
        if failed_before && operation != 28 << 3 | 6 {
            assert_eq!(agent.state(), AgentState::Failed);
        }
        for (index, record) in model.images().iter().enumerate() {
            assert_eq!(record.dropped_words, 0);
            let asked = activated.get(index).copied().unwrap_or(false);
            assert!(asked || !record.activated, "activated behind our back");
            if record.activated {
                assert_eq!(record.sha256, Some(given[index]), "a mixture");
            }
            if record.verified {
                assert_eq!(record.sha256, Some(images[index].sha256));
            }
        }
        // A wrong image that is complete is seen as one.
        if wrong && let AgentState::Verifying { index } = agent.state() {
            let record = model.images()[usize::from(index)];
            assert!(!record.verified);
        }
    }
    completed
}

#[cfg(test)]
mod tests {
    use super::{drive, run};
    use netboot_core::fuzz::Random;

    /// Makes the input of a boot without hindrance: operations in a sensible order, over and over.
    fn straight(device: [u8; 8]) -> Vec<u8> {
        let mut data = device.to_vec();
        for _ in 0..400 {
            data.extend([0, 6, 1, 0x7A, 0x3B, 4, 6, 0x0D, 6]);
        }
        // Past the settle time.
        data.extend([0, 22 << 3 | 7, 0]);
        data
    }

    #[test]
    fn hand_made_and_pseudo_random_inputs() {
        run(&[]);
        run(&[0xFF; 2000]);
        for personality in 0..3 {
            for core in 0..2 {
                for rate in [0, 200] {
                    let device = [core, personality, 0, 0, rate, 0, 0, 0x1F];
                    assert!(drive(&straight(device)), "{device:?}");
                }
            }
        }

        let mut random = Random(1);
        for round in 0..500 {
            // Devices of all kinds under sensible operations, and random operations.
            let device: [u8; 8] = core::array::from_fn(|_| random.octet());
            let mut sensible = straight(device);
            for _ in 0..round % 7 {
                let at = usize::from(random.octet()) * 14 % sensible.len();
                sensible[at] = random.octet();
            }
            run(&sensible);
            run(&(0..round * 4).map(|_| random.octet()).collect::<Vec<u8>>());
        }
    }
}
