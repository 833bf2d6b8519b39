//! The recovery agent over OCP commands. This is the only file that uses `ocp-recovery`'s agent.
//!
//! The agent speaks to registers in the core's AXI bypass mode. [`CommandRegisters`] gives it those registers over a
//! [`CommandBus`]: what a command carries is read and written as a command; what exists on the AXI side only is kept here.

use crate::bus::{BusError, CommandBus};
use netboot_core::{Duration, Instant};
use ocp_recovery::command::Command;
use ocp_recovery::{
    AgentConfig, AgentEvent, ImageSink, RecoveryAgent, RecoveryError, RegisterBus, StatusSnapshot,
};
use std::fmt;

/// Offsets of the newer core's blocks, which the agent finds by the chain of capabilities.
const RECOVERY: u32 = 0x100;
const RECOVERY_END: u32 = 0x168;
const TX_DATA_PORT: u32 = 0x27C;
const REC_INTF_CFG: u32 = 0x30C;
const W1C_ACCESS: u32 = 0x310;
const FIFO_CTRL_1: u32 = 0x14C;
/// PAYLOAD_DONE of REC_INTF_CFG.
const PAYLOAD_DONE: u32 = 2;
/// The chain of capabilities.
const CHAIN: [(u32, u32); 7] = [
    (0x40, 0x100),
    (0x100, 0x20C0),
    (0x180, 0x2012),
    (0x200, 0x40C4),
    (0x300, 0x1AC1),
    (0x368, 0x0202),
    (0x370, 0x0100),
];
/// Octets in one write of the FIFO: what the I3C core takes.
const BLOCK: usize = 256;
/// How often a write that the device found damaged is repeated.
const REPEATS: u32 = 3;
/// Protocol error of a wrong packet error code.
const CRC_ERROR: u8 = 4;

/// The registers that the agent expects, over commands.
#[derive(Debug)]
pub struct CommandRegisters<B> {
    bus: B,
    interface: u32,
    image_words: u32,
    pending: Vec<u8>,
    failed: Option<BusError>,
    /// Writes that were damaged and sent again.
    pub repeats: u64,
}

impl<B: CommandBus> CommandRegisters<B> {
    /// Registers over `bus`.
    pub fn new(bus: B) -> Self {
        Self {
            bus,
            interface: 0,
            image_words: 0,
            pending: Vec::with_capacity(BLOCK),
            failed: None,
            repeats: 0,
        }
    }

    /// The first failure of the bus. After it every register reads 0 and nothing is written.
    pub fn failure(&self) -> Option<BusError> {
        self.failed
    }

    fn note<T>(&mut self, result: Result<T, BusError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.failed.get_or_insert(error);
                None
            }
        }
    }

    fn read_command(&mut self, command: Command, out: &mut [u8; 256]) -> Option<usize> {
        if self.failed.is_some() {
            return None;
        }
        let result = self.bus.read(command, out);
        self.note(result)
    }

    /// Writes a command and asks the device whether it arrived. Reading the status clears the protocol error, so a later look of
    /// the agent's does not see this one.
    fn write_command(&mut self, command: Command, data: &[u8]) {
        for _ in 0..=REPEATS {
            if self.failed.is_some() {
                return;
            }
            let written = self.bus.write(command, data);
            if self.note(written).is_none() {
                return;
            }
            let mut status = [0; 256];
            if self
                .read_command(Command::DeviceStatus, &mut status)
                .is_none()
            {
                return;
            }
            let [_, protocol_error, ..] = status;
            if protocol_error != CRC_ERROR {
                return;
            }
            self.repeats += 1;
        }
        self.failed.get_or_insert(BusError::Refused {
            command: command.code(),
            protocol_error: CRC_ERROR,
        });
    }

    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut block = std::mem::take(&mut self.pending);
        self.write_command(Command::IndirectFifoData, &block);
        block.clear();
        self.pending = block;
    }

    fn fifo_control(&mut self, reset: u8) {
        let [a, b, c, d] = self.image_words.to_le_bytes();
        self.write_command(Command::IndirectFifoCtrl, &[0, reset, a, b, c, d]);
    }
}

impl<B: CommandBus> RegisterBus for CommandRegisters<B> {
    fn read32(&mut self, offset: u32) -> u32 {
        if let Some((_, value)) = CHAIN.iter().find(|(place, _)| *place == offset) {
            return *value;
        }
        if offset == REC_INTF_CFG {
            return self.interface;
        }
        if !(RECOVERY..RECOVERY_END).contains(&offset) {
            return 0;
        }
        self.flush();
        let Some(part) = Command::of_register(offset - RECOVERY) else {
            return 0;
        };
        let mut data = [0; 256];
        if self.read_command(part.command, &mut data).is_none() {
            return 0;
        }
        let mut word = [0; 4];
        let octets = data
            .iter()
            .skip(usize::from(part.first))
            .take(usize::from(part.len));
        for (to, from) in word.iter_mut().zip(octets) {
            *to = *from;
        }
        u32::from_le_bytes(word)
    }

    fn write32(&mut self, offset: u32, value: u32) {
        match offset {
            TX_DATA_PORT => {
                self.pending.extend_from_slice(&value.to_le_bytes());
                if self.pending.len() >= BLOCK {
                    self.flush();
                }
            }
            REC_INTF_CFG => {
                if value & PAYLOAD_DONE != 0 {
                    self.flush();
                }
                self.interface = value;
            }
            FIFO_CTRL_1 => {
                self.image_words = value;
                self.fifo_control(0);
            }
            W1C_ACCESS if value & 0xFF00 == 0x0F00 => {
                // Component 0, the image in the memory window, activate.
                self.write_command(Command::RecoveryCtrl, &[0, 1, 0x0F]);
            }
            W1C_ACCESS if value & 0x00FF_0000 != 0 => {
                self.pending.clear();
                self.fifo_control(1);
            }
            // The transmit queue of the AXI side, which a bus does not have.
            _ => {}
        }
    }
}

/// What the recovery does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The device asks for an image.
    Requested {
        /// Its index.
        index: u8,
        /// Octets of the image that will be sent.
        octets: usize,
    },
    /// A part was sent.
    Sent {
        /// The image's index.
        index: u8,
        /// Octets that were sent.
        sent: usize,
        /// Octets of the image.
        octets: usize,
    },
    /// The image was sent whole, and the device was told to activate it.
    Activated {
        /// The image's index.
        index: u8,
    },
    /// The device runs what it was given.
    Complete,
}

/// A recovery's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoverError {
    /// The bus failed.
    Bus(BusError),
    /// The device failed or refused, or a deadline passed.
    Device {
        /// What the agent says.
        error: RecoveryError,
        /// What the device showed last.
        status: StatusSnapshot,
    },
    /// The device asks for an image that was not given.
    NoImage {
        /// Its index.
        index: u8,
    },
}

impl fmt::Display for RecoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => error.fmt(f),
            Self::Device { error, status } => {
                error.fmt(f)?;
                match status.protocol_error {
                    0 => Ok(()),
                    code => write!(f, "; the device's last protocol error was {code}"),
                }
            }
            Self::NoImage { index } => {
                write!(
                    f,
                    "the device asks for image {index}, and there is no image {index}: give it with --from"
                )
            }
        }
    }
}

impl std::error::Error for RecoverError {}

impl From<BusError> for RecoverError {
    fn from(error: BusError) -> Self {
        Self::Bus(error)
    }
}

/// Settings of a recovery.
#[derive(Clone, Copy, Debug)]
pub struct RecoverOptions {
    /// How long the device may take to ask for an image.
    pub request_timeout: std::time::Duration,
    /// How long the device may take to verify an image.
    pub verify_timeout: std::time::Duration,
    /// How long nothing may change after the last image before the recovery counts as done.
    pub settle: std::time::Duration,
    /// Between two looks at the device.
    pub poll: std::time::Duration,
}

impl Default for RecoverOptions {
    fn default() -> Self {
        let second = std::time::Duration::from_secs(1);
        Self {
            request_timeout: 30 * second,
            verify_timeout: 30 * second,
            settle: 3 * second,
            poll: std::time::Duration::from_millis(5),
        }
    }
}

fn span(duration: std::time::Duration) -> Duration {
    Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// Gives the device the images that it asks for, by their indices, until it runs them.
///
/// # Errors
/// When the bus or the device fails, or the device asks for an image that is not there.
pub fn recover(
    bus: &mut dyn CommandBus,
    images: &[Vec<u8>],
    options: &RecoverOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), RecoverError> {
    let begun = std::time::Instant::now();
    let now =
        || Instant::from_micros(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    let config = AgentConfig {
        last_index: u8::try_from(images.len().saturating_sub(1))
            .unwrap_or(u8::MAX)
            .min(15),
        settle: span(options.settle),
        request_timeout: span(options.request_timeout),
        verify_timeout: span(options.verify_timeout),
        ..AgentConfig::default()
    };
    let mut registers = CommandRegisters::new(bus);
    let made = RecoveryAgent::new(&mut registers, config, now());
    let mut agent = match made {
        Ok(agent) => agent,
        Err(error) => {
            let status = StatusSnapshot::default();
            return Err(registers
                .failure()
                .map_or(RecoverError::Device { error, status }, RecoverError::Bus));
        }
    };
    loop {
        let event = agent.poll(now());
        match checked(&mut agent, event)? {
            AgentEvent::Complete => {
                progress(Progress::Complete);
                return Ok(());
            }
            AgentEvent::ImageRequested { index } => {
                let image = images
                    .get(usize::from(index))
                    .ok_or(RecoverError::NoImage { index })?;
                let octets = image.len();
                progress(Progress::Requested { index, octets });
                deliver(&mut agent, image, index, options, progress, &now)?;
                progress(Progress::Activated { index });
            }
            AgentEvent::Waiting | AgentEvent::Verifying { .. } => std::thread::sleep(options.poll),
        }
    }
}

type Agent<'a, 'b> = RecoveryAgent<&'a mut CommandRegisters<&'b mut dyn CommandBus>>;

/// The agent's result, or the failure of the bus that is behind it.
fn checked<T>(
    agent: &mut Agent<'_, '_>,
    result: Result<T, RecoveryError>,
) -> Result<T, RecoverError> {
    if let Some(error) = agent.bus_mut().failure() {
        return Err(RecoverError::Bus(error));
    }
    let status = agent.status();
    result.map_err(|error| RecoverError::Device { error, status })
}

fn deliver(
    agent: &mut Agent<'_, '_>,
    image: &[u8],
    index: u8,
    options: &RecoverOptions,
    progress: &mut dyn FnMut(Progress),
    now: &dyn Fn() -> Instant,
) -> Result<(), RecoverError> {
    let begun = agent.begin(now(), image.len() as u64);
    checked(agent, begun)?;
    let mut rest = image;
    while !rest.is_empty() {
        let window = agent.window(now());
        let window = checked(agent, window)?;
        if window == 0 {
            std::thread::sleep(options.poll.min(std::time::Duration::from_millis(1)));
            continue;
        }
        let (part, tail) = rest.split_at(window.min(rest.len()));
        let written = agent.write(now(), part);
        checked(agent, written)?;
        rest = tail;
        progress(Progress::Sent {
            index,
            sent: image.len() - rest.len(),
            octets: image.len(),
        });
    }
    let ended = agent.end(now());
    checked(agent, ended)?;
    loop {
        let ready = agent.poll_ready(now());
        if checked(agent, ready)? {
            break;
        }
        std::thread::sleep(options.poll);
    }
    let activated = agent.activate(now());
    checked(agent, activated)
}
