//! A fuzz body: the agent over I2C, on a bus whose every answer the input says.
//!
//! Whatever the device answers, the agent must not panic and must end each call after a bounded number of transfers. It must
//! send well-formed frames, only commands that it has business with, no block longer than the framing carries, and an
//! activation only after its caller asked for one.

use crate::agent::AgentState;
use crate::command::{Command, pec};
use crate::commands::{CommandAgent, Framing, I2cBus};
use crate::config::AgentConfig;
use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};
use netboot_core::fuzz::Input;
use netboot_core::{AbortReason, Coded, Duration, ImageSink, Instant};

const ADDRESS: u8 = 0x50;
/// More transfers than any call of the agent makes: each command of a call in each of its tries.
const BUDGET: u32 = 300;

/// A bus that answers from the input. Most answers are plausible, some are arbitrary.
struct HostileI2c<'a> {
    input: Input<'a>,
    i3c: bool,
    /// Transfers since the last call of the agent.
    transfers: u32,
    /// Words that the last INDIRECT_FIFO_CTRL declared.
    declared: u32,
    /// Words of blocks since then.
    taken: u32,
    /// Set while the caller's activation may be on its way.
    may_activate: bool,
    activations: u32,
    blocks: u32,
}

#[derive(Debug)]
struct Failed(ErrorKind);

impl Error for Failed {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl ErrorType for HostileI2c<'_> {
    type Error = Failed;
}

impl HostileI2c<'_> {
    /// The fate of a transfer: mostly well.
    fn fate(&mut self) -> Result<u8, Failed> {
        match self.input.octet() {
            0xF8 => Err(Failed(ErrorKind::ArbitrationLoss)),
            0xF9 => Err(Failed(ErrorKind::Bus)),
            0xFA => Err(Failed(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data))),
            0xFB => Err(Failed(ErrorKind::NoAcknowledge(
                NoAcknowledgeSource::Address,
            ))),
            other => Ok(other),
        }
    }

    /// Checks a frame that the agent writes.
    fn check(&mut self, frame: &[u8]) {
        let (check, octets) = frame.split_last().expect("a frame");
        assert_eq!(pec(pec(0, &[ADDRESS << 1]), octets), *check);
        let (len, data) = match (self.i3c, octets) {
            (false, [_, len, data @ ..]) => (usize::from(*len), data),
            (true, [_, low, high, data @ ..]) => {
                (usize::from(u16::from_le_bytes([*low, *high])), data)
            }
            _ => panic!("a short frame"),
        };
        assert_eq!(len, data.len());
        let command = Command::from_code(octets[0]).expect("a command");
        let (shortest, longest) = command.lengths();
        assert!((shortest..=longest).contains(&(len as u16)));
        match (command, data) {
            (Command::IndirectFifoCtrl, [0, 1, a, b, c, d]) => {
                self.declared = u32::from_le_bytes([*a, *b, *c, *d]);
                self.taken = 0;
                assert_ne!(self.declared, 0);
            }
            (Command::IndirectFifoData, data) => {
                assert!(data.len() <= if self.i3c { 256 } else { 252 });
                assert_eq!(data.len() % 4, 0);
                assert!(data.len() as u32 / 4 <= self.declared);
                self.taken = self.taken.saturating_add(data.len() as u32 / 4);
                self.blocks += 1;
            }
            (Command::RecoveryCtrl, [0, 1, 0]) => {}
            (Command::RecoveryCtrl, [0, 1, 0x0F]) => {
                assert!(self.may_activate);
                self.activations += 1;
            }
            other => panic!("wrote {other:x?}"),
        }
    }

    /// An answer: what an honest device would say, unless the input wants otherwise.
    fn answer(&mut self, request: &[u8]) -> Result<Vec512, Failed> {
        let command = Command::from_code(request[0]).expect("a command");
        let fate = self.fate()?;
        let mut answer = Vec512([0; 512]);
        let (mut len, _) = command.lengths();
        if fate >= 0xE0 {
            len = u16::from(self.input.octet());
        }
        let head = if self.i3c { 2 } else { 1 };
        let out = &mut answer.0;
        out[..2].copy_from_slice(&len.to_le_bytes());
        let honest = fate < 0xC0;
        let pick = |truth: u8, from: &[u8]| match honest {
            true => truth,
            false => from[usize::from(fate) % from.len()],
        };
        let pending = self.declared != 0 && self.taken >= self.declared;
        let index = (self.taken % 64) as u8;
        let activate = if self.activations > 0 { 0x0F } else { 0 };
        let declared = self.declared.to_le_bytes();
        let data = &mut out[head..];
        match command {
            Command::ProtCap => data[..12].copy_from_slice(b"OCP RECV\x01\x01\xB1\x1A"),
            Command::DeviceStatus => {
                data[0] = pick(if pending { 4 } else { 3 }, &[3, 4, 0, 0xE]);
                data[1] = pick(0, &[0, 0, 0, 4, 3, 1]);
            }
            Command::RecoveryStatus => data[0] = pick(1, &[2, 0x11, 0x22, 0x0D]),
            Command::RecoveryCtrl => data[2] = pick(activate, &[0, 1, 0x0F]),
            Command::IndirectFifoCtrl if !honest && fate % 4 == 3 => {}
            Command::IndirectFifoCtrl => data[2..6].copy_from_slice(&declared),
            Command::IndirectFifoStatus => {
                data[0] = pick(1, &[1, 0, 2]);
                data[4] = pick(index, &[0, 63, 1, 64, 32, 4]);
                data[12] = pick(64, &[64, 64, 4, 0]);
                data[16] = 64;
            }
            _ => {}
        }
        if fate >= 0xF0 {
            data[usize::from(fate & 7)] = self.input.octet();
        }
        let end = head + usize::from(len).min(500);
        let seed = pec(0, &[ADDRESS << 1, request[0], ADDRESS << 1 | 1]);
        out[end] = pec(seed, &out[..end]) ^ u8::from(fate == 0xF7);
        Ok(answer)
    }
}

/// Octets of the longest answer, and more.
struct Vec512([u8; 512]);

impl I2c for HostileI2c<'_> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), Failed> {
        assert_eq!(address, ADDRESS);
        self.transfers += 1;
        assert!(self.transfers < BUDGET, "a call without an end");
        let mut frame = [0; 300];
        let mut len = 0;
        let mut read = false;
        for operation in &*operations {
            match operation {
                Operation::Write(octets) => {
                    assert!(!read);
                    frame[len..len + octets.len()].copy_from_slice(octets);
                    len += octets.len();
                }
                Operation::Read(_) => read = true,
            }
        }
        let frame = &frame[..len];
        if !read {
            self.check(frame);
            return self.fate().map(|_| ());
        }
        assert_eq!(len, if self.i3c { 2 } else { 1 });
        let answer = self.answer(frame)?;
        let mut octets = answer.0.into_iter();
        for operation in operations {
            if let Operation::Read(into) = operation {
                into.fill_with(|| octets.next().unwrap_or(0xFF));
            }
        }
        Ok(())
    }
}

/// Drives the agent through a sequence of operations; operations and answers are taken from `data`.
///
/// # Panics
/// When the agent breaks a rule.
pub fn run(data: &[u8]) {
    drive(data);
}

/// Does the work of [`run`] and returns the number of blocks and of activations that were sent, so that a test can tell that
/// there are some.
fn drive(data: &[u8]) -> (u32, u32) {
    let (operations, answers) = data.split_at(data.len() / 4);
    let i3c = data.len() % 2 == 1;
    let i2c = HostileI2c {
        input: Input(answers),
        i3c,
        transfers: 0,
        declared: 0,
        taken: 0,
        may_activate: false,
        activations: 0,
        blocks: 0,
    };
    let framing = if i3c { Framing::I3c } else { Framing::Smbus };
    let bus = I2cBus::new(i2c, ADDRESS, framing);
    let mut now = Instant::ZERO;
    let made = CommandAgent::over_commands(bus, AgentConfig::default(), now);
    let mut agent = made.expect("nothing was read yet");
    let image = [0x5A; 512];
    for operation in operations {
        let argument = usize::from(operation >> 3);
        let before = agent.state();
        let hostile = agent.bus_mut().bus_mut().i2c_mut();
        hostile.transfers = 0;
        hostile.may_activate = matches!(before, AgentState::Verifying { .. });
        let result = match operation & 7 {
            0 => agent.poll(now).map(|_| ()),
            1 => agent.begin(now, argument as u64 * 37),
            2 | 3 => agent.window(now).and_then(|window| {
                let len = window.min(argument * 9 + 1);
                agent.write(now, &image[..len])
            }),
            4 => agent.end(now),
            5 => agent.poll_ready(now).and_then(|ready| {
                if !ready {
                    return Ok(());
                }
                agent.bus_mut().bus_mut().i2c_mut().may_activate = true;
                agent.activate(now)
            }),
            6 => {
                match argument {
                    31 => agent.abort(now, AbortReason::Cancelled),
                    30 => agent.device_was_reset(now).expect("it reads nothing"),
                    _ => _ = agent.withdraw(now),
                }
                Ok(())
            }
            _ => {
                now += Duration::from_millis(1 << argument.min(13));
                Ok(())
            }
        };
        if let Err(error) = result {
            assert_ne!(error.code() & 0xFFFF, 0);
        }
    }
    let hostile = agent.bus_mut().bus_mut().i2c_mut();
    (hostile.blocks, hostile.activations)
}

#[cfg(test)]
mod tests {
    use super::{drive, run};
    use netboot_core::fuzz::Random;

    #[test]
    fn hand_made_and_pseudo_random_inputs() {
        run(&[]);
        run(&[0xFF; 3001]);
        // A straight transfer of 185 octets in both framings.
        let mut straight = vec![0, 0x29, 0x7A, 0xFB, 4, 5, 5];
        for odd in [0, 1] {
            straight.resize(7 * 4 + odd, 0);
            assert_eq!(drive(&straight), (1, 1));
        }
        let mut random = Random(1);
        let (mut blocks, mut activations) = (0, 0);
        for round in 0..600 {
            // Half of the inputs have operations in an order that leads on.
            let mut data: Vec<u8> = (0..round * 8).map(|_| random.octet()).collect();
            if round % 2 == 0 {
                let quarter = data.len() / 4;
                let order = [0, 0x29, 0x3A, 0xFA, 0xFB, 4, 5, 5, 0, 0x27];
                for (at, operation) in data[..quarter].iter_mut().enumerate() {
                    *operation = order[at % order.len()];
                }
                for answer in &mut data[quarter..] {
                    *answer &= if random.octet() < 250 { 0x3F } else { 0xFF };
                }
            }
            let (sent, activated) = drive(&data);
            blocks += sent;
            activations += activated;
        }
        assert!(blocks > 100, "{blocks} blocks");
        assert!(activations > 0, "no image got through");
    }
}
