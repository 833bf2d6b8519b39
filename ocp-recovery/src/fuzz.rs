//! A fuzz body: the agent on a bus that answers whatever the input says.
//!
//! Such a device is worse than any real one. Whatever it shows, the agent must not panic, must not write outside its
//! windows, must not write a word to a core that was reset and is out of bypass, must not write registers that it has no
//! business with, must not activate an image that it did not deliver whole, and must not begin an image while the device
//! may hold octets of one that was given up.

use crate::agent::{AgentEvent, AgentState, RecoveryAgent};
use crate::bus::RegisterBus;
use crate::config::AgentConfig;
use crate::error::RecoveryError;
use crate::map::recovery;
use netboot_core::fuzz::Input;
use netboot_core::{AbortReason, Coded, Duration, ImageSink, Instant};

/// Registers that answer from the input. Most answers are plausible, some are arbitrary.
struct HostileBus<'a> {
    input: Input<'a>,
    /// Words written into the FIFO since it last read empty.
    burst: u32,
    /// FIFO_SIZE and MAX_TRANSFER_SIZE as last read.
    geometry: [u32; 2],
    /// Words written into the FIFO since the image size was declared.
    words: u32,
    declared: u32,
    payload_done: bool,
    /// The device may hold octets of an image that was neither activated nor ended by a reset.
    held: bool,
    activations: u32,
    config: u32,
}

impl HostileBus<'_> {
    /// Device and core are reset. What the agent is not told, it has to see.
    fn reset(&mut self) {
        self.burst = 0;
        self.payload_done = false;
        self.held = false;
        self.config = 0;
    }

    fn pick<const N: usize>(&mut self, from: [u32; N]) -> u32 {
        let octet = self.input.octet();
        match from.get(usize::from(octet & 0x0F)) {
            Some(value) => *value,
            // The octet is out of the table, so the answer is arbitrary.
            None if octet >= 0xE0 => u32::from(octet).wrapping_mul(0x0101_0101),
            None => from.first().copied().unwrap_or(0),
        }
    }
}

impl RegisterBus for HostileBus<'_> {
    fn read32(&mut self, offset: u32) -> u32 {
        assert!(!(0x80..0xB4).contains(&offset), "PIOControl touched");
        assert_ne!(offset, 0x100 + recovery::INDIRECT_FIFO_DATA);
        match offset {
            0x40 => 0x100,
            0x100 => 0x0000_20C0,
            0x180 => 0x0000_2012,
            0x200 => 0x0000_40C4,
            0x300 => 0x0000_1AC1,
            0x104 => 0x2050_434F,
            0x108 => 0x5643_4552,
            0x10C => self.pick([0x1AB1_0101, 0x1891_0101, 0]),
            0x130 => self.pick([
                0x0012_0003,
                0x0012_0003,
                0x0012_0004,
                0x0012_0004,
                0x0085_000E,
                0x0012_000F,
                0,
                1,
                0x0012_FF03,
            ]),
            0x140 => self.pick([0x01, 0x01, 0x02, 0x11, 0x22, 0x0D, 0x03]),
            0x13C => self.pick([0, 0x0001_0000, 0x000F_0000]),
            0x150 => {
                let status = self.pick([1, 1, 0, 2]);
                if status & 1 != 0 {
                    self.burst = 0;
                }
                status
            }
            0x15C | 0x160 => {
                let words = self.pick([64, 64, 64, 64, 1, 0, 0xFFFF_FFFF]);
                let [fifo_size, max_transfer] = &mut self.geometry;
                *(if offset == 0x15C {
                    fifo_size
                } else {
                    max_transfer
                }) = words;
                words
            }
            0x30C => self.config,
            _ => 0,
        }
    }

    fn write32(&mut self, offset: u32, value: u32) {
        match offset {
            0x27C => {
                self.burst += 1;
                self.words += 1;
                let [fifo_size, max_transfer] = self.geometry;
                assert!(self.burst <= fifo_size.min(max_transfer), "burst too long");
                assert!(!self.payload_done, "word after PAYLOAD_DONE");
                assert_eq!(self.config & 1, 1, "word to a core that is out of bypass");
                assert!(self.words <= self.declared, "more words than declared");
                self.held |= self.burst == fifo_size.min(max_transfer).min(1024);
            }
            0x14C => {
                assert!(!self.held, "begun although the device holds octets");
                self.words = 0;
                self.declared = value;
            }
            0x20C => assert_eq!(value, 8),
            0x30C => {
                assert_eq!(value & !2, 1, "bypass given up");
                self.payload_done = value & 2 != 0;
                assert!(!self.payload_done || self.words == self.declared);
                self.held |= self.payload_done;
                self.config = value;
            }
            0x310 => match value {
                0x0000_0F00 => {
                    assert!(self.payload_done && self.words == self.declared);
                    self.activations += 1;
                    self.held = false;
                }
                0x0001_0000 => {
                    assert!(!self.held, "octets that the device counts were thrown away");
                    self.words = 0;
                }
                other => panic!("W1C_ACCESS = {other:#x}"),
            },
            other => panic!("wrote {other:#x}"),
        }
    }
}

/// Drives the agent through a sequence of operations, both taken from `data`.
///
/// # Panics
/// When the agent breaks a rule.
pub fn run(data: &[u8]) {
    drive(data);
}

/// Does the work of [`run`] and returns the number of activations and of refusals to begin, so that a test can tell that
/// there are some.
fn drive(data: &[u8]) -> (u32, u32) {
    let (operations, answers) = data.split_at(data.len() / 3);
    let bus = HostileBus {
        input: Input(answers),
        burst: 0,
        geometry: [0; 2],
        words: 0,
        declared: 0,
        payload_done: false,
        held: false,
        activations: 0,
        config: 0,
    };
    let mut now = Instant::ZERO;
    let Ok(mut agent) = RecoveryAgent::new(bus, AgentConfig::default(), now) else {
        return (0, 0);
    };
    let image = [0xA5; 512];
    let mut activated = 0;
    let mut refused = 0;
    for operation in operations {
        let argument = operation >> 3;
        let before = agent.state();
        let result = match operation & 7 {
            0 | 1 => agent.poll(now).map(|event| {
                if event == AgentEvent::Complete {
                    assert_eq!(agent.state(), AgentState::Complete);
                    assert!(activated > 0, "complete without an image");
                }
            }),
            2 => agent.begin(now, u64::from(argument) * 37),
            3 => agent.window(now).and_then(|window| {
                let len = window.min(usize::from(argument) * 9 + 1).min(image.len());
                agent.write(now, &image[..len])
            }),
            4 => agent.end(now),
            5 => agent.poll_ready(now).and_then(|ready| {
                if ready && argument & 1 == 0 {
                    agent.activate(now)?;
                    activated += 1;
                }
                Ok(())
            }),
            6 if argument == 31 => {
                agent.abort(now, AbortReason::Cancelled);
                assert!(!matches!(
                    agent.state(),
                    AgentState::Receiving { .. }
                        | AgentState::Draining { .. }
                        | AgentState::Ready { .. }
                ));
                Ok(())
            }
            6 if argument == 30 => {
                agent.platform_complete();
                Ok(())
            }
            6 if argument == 29 || argument == 27 => {
                let held = agent.bus_mut().held;
                if agent.withdraw(now) {
                    assert!(!held, "withdrawn although the device holds octets");
                } else {
                    assert_eq!(agent.state(), before);
                }
                Ok(())
            }
            6 if argument == 28 => {
                agent.bus_mut().reset();
                agent.device_was_reset(now)
            }
            6 if argument == 26 => {
                agent.bus_mut().reset();
                Ok(())
            }
            6 => {
                agent.write(now, &image[..usize::from(argument)]).ok();
                Ok(())
            }
            _ => {
                now += Duration::from_millis(1 << argument.min(15));
                Ok(())
            }
        };
        if let Err(error) = result {
            assert_ne!(error.code() & 0xFFFF, 0);
            refused += u32::from(matches!(error, RecoveryError::ResetRequired { .. }));
        }
        let reset = operation & 7 == 6 && argument == 28;
        if let AgentState::Stuck { .. } = before {
            let after = agent.state();
            assert!(reset || after == before || after == AgentState::Failed);
        }
        if before == AgentState::Failed && !reset {
            assert_eq!(agent.state(), AgentState::Failed, "failure is final");
            assert!(agent.poll(now).is_err());
        }
        assert_eq!(agent.bus_mut().activations, activated);
    }
    (activated, refused)
}

#[cfg(test)]
mod tests {
    use super::{drive, run};
    use netboot_core::fuzz::Random;

    #[test]
    fn hand_made_and_pseudo_random_inputs() {
        run(&[]);
        run(&[0; 3000]);
        run(&[0xFF; 3000]);
        // A straight transfer of 37 octets, with answers that let it happen.
        let mut straight = vec![0, 0x0A, 0x2B, 0x2B, 4, 5, 0, 0];
        straight.extend([0; 16]);
        // The fourteenth answer is DEV_STATUS 4.
        straight[8 + 13] = 2;
        assert_eq!(drive(&straight), (1, 0));

        let mut random = Random(1);
        let (mut activations, mut refusals) = (0, 0);
        for round in 0..600 {
            let (activated, refused) =
                drive(&(0..round * 4).map(|_| random.octet()).collect::<Vec<u8>>());
            activations += activated;
            refusals += refused;
        }
        assert!(activations > 0, "no input got an image through");
        assert!(
            refusals > 0,
            "no input gave up an image that the device holds"
        );
    }
}
