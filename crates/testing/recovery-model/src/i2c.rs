//! An I2C bus with the device on it, and everything that may happen to a frame on its way.
//!
//! The frames are read here by code of their own, so that a mistake of the driver's cannot hide behind the same mistake.

use crate::commands::CommandTarget;
use crate::model::RecoveryModel;
use core::cell::RefCell;
use embedded_hal::i2c::{
    Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation, SevenBitAddress,
};
use netboot_core::{Duration, Instant};
use ocp_recovery::command::MAX_DATA;
use ocp_recovery::fields::protocol_error;

/// One command that the controller sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Number of commands before it.
    pub number: u32,
    /// The command's code.
    pub code: u8,
    /// Whether it is a read.
    pub read: bool,
    /// Octets of data in a write.
    pub len: usize,
}

/// What happens to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The address is not acknowledged. The device sees nothing.
    NoAddress,
    /// An octet of a write, or the command of a read, is not acknowledged. The device drops the frame.
    NoAcknowledge,
    /// Arbitration is lost in mid-frame. The device drops the frame, and calls the length of a write wrong.
    Arbitration,
    /// The device does what the frame says, and the controller sees a failure.
    Unseen(ErrorKind),
    /// Octet `at` of the frame changes on its way, counted from its end.
    Damage {
        /// Which octet.
        at: u8,
    },
    /// As `Damage`, in a device that takes a block of the FIFO before it looks at the packet error code.
    KeepDamaged {
        /// Which octet.
        at: u8,
    },
    /// The device refuses a write with this protocol error.
    Refuse(u8),
    /// The device acknowledges a write and forgets it.
    Ignore,
    /// The device takes the first half of a block of the FIFO, and shows no error.
    Half,
    /// The answer says this length, with a right packet error code.
    Length(u8),
    /// Nobody drives the bus: an answer of all ones.
    Released,
}

/// A transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(pub ErrorKind);

impl Error for Failed {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// How the frames are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// SMBus: a length of one octet.
    Smbus,
    /// I3C: a length of two octets, and a packet error code behind the command of a read.
    I3c,
}

/// An I2C controller and the device behind it. `F` says what happens to each command, and `C` lets time pass.
#[derive(Debug)]
pub struct ModelI2c<'a, F, C> {
    model: &'a RefCell<RecoveryModel>,
    clock: C,
    now: Instant,
    address: SevenBitAddress,
    frames: Frames,
    faults: F,
    number: u32,
    /// The bus's side of the device.
    pub target: CommandTarget,
    /// Time that one octet takes: 90 us, the 9 bits of an octet at 100 kHz.
    pub octet: Duration,
}

/// Longest frame: code, length, the longest data of a write, packet error code.
const FRAME: usize = 1 + 2 + 4095 + 1;

const DROPPED: Failed = Failed(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data));
const NOBODY: Failed = Failed(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));

impl<'a, F, C> ModelI2c<'a, F, C>
where
    F: FnMut(Attempt) -> Option<Fault>,
    C: FnMut(Duration) -> Instant,
{
    /// Puts `model` at `address`. `clock` lets the time pass that a command takes, and tells the time then.
    pub fn new(
        model: &'a RefCell<RecoveryModel>,
        clock: C,
        address: SevenBitAddress,
        frames: Frames,
        faults: F,
    ) -> Self {
        Self {
            model,
            clock,
            now: Instant::ZERO,
            address,
            frames,
            faults,
            number: 0,
            target: CommandTarget::default(),
            octet: Duration::from_micros(90),
        }
    }

    fn len_octets(&self) -> usize {
        match self.frames {
            Frames::Smbus => 1,
            Frames::I3c => 2,
        }
    }

    fn next_fault(&mut self, code: u8, read: bool, len: usize) -> Option<Fault> {
        let number = self.number;
        self.number = number.wrapping_add(1);
        (self.faults)(Attempt {
            number,
            code,
            read,
            len,
        })
    }

    /// A frame of a write: code, length, data, packet error code.
    fn take_write(&mut self, frame: &mut [u8]) -> Result<(), Failed> {
        let now = self.now;
        let head = 1 + self.len_octets();
        let code = frame.first().copied().unwrap_or(0);
        let fault = self.next_fault(code, false, frame.len().saturating_sub(head + 1));
        let mut keep = false;
        let mut result = Ok(());
        match fault {
            Some(Fault::NoAddress) => return Err(NOBODY),
            Some(Fault::NoAcknowledge) => return Err(DROPPED),
            Some(Fault::Ignore) => return Ok(()),
            Some(Fault::Arbitration) => {
                self.target.fail(protocol_error::LENGTH);
                return Err(Failed(ErrorKind::ArbitrationLoss));
            }
            Some(Fault::Refuse(error)) => {
                self.target.fail(error);
                return Ok(());
            }
            Some(Fault::Unseen(kind)) => result = Err(Failed(kind)),
            Some(Fault::Damage { at }) => damage(frame, at),
            Some(Fault::KeepDamaged { at }) => {
                damage(frame, at);
                keep = true;
            }
            Some(Fault::Half | Fault::Length(_) | Fault::Released) | None => {}
        }
        let Some((check, octets)) = frame.split_last() else {
            return Err(DROPPED);
        };
        let right = crc(&[self.address << 1], octets) == *check;
        let (Some(length), Some(data)) = (octets.get(1..head), octets.get(head..)) else {
            self.target.fail(protocol_error::LENGTH);
            return result;
        };
        let mut model = self.model.borrow_mut();
        if !right {
            if keep && code == 47 {
                self.target.write(&mut model, now, code, data);
            }
            self.target.fail(protocol_error::CRC);
            return result;
        }
        if count(length) != data.len() {
            self.target.fail(protocol_error::LENGTH);
            return result;
        }
        let data = match fault {
            Some(Fault::Half) => data.get(..data.len() / 8 * 4).unwrap_or(data),
            _ => data,
        };
        self.target.write(&mut model, now, code, data);
        result
    }

    /// The two phases of a read. What lies behind the answer reads as all ones.
    fn take_read(&mut self, request: &mut [u8], answer: &mut [u8; 512]) -> Result<(), Failed> {
        let now = self.now;
        let code = request.first().copied().unwrap_or(0);
        let fault = self.next_fault(code, true, 0);
        answer.fill(0xFF);
        match fault {
            Some(Fault::NoAddress) => return Err(NOBODY),
            Some(Fault::NoAcknowledge) => return Err(DROPPED),
            Some(Fault::Arbitration) => return Err(Failed(ErrorKind::ArbitrationLoss)),
            Some(Fault::Released) => return Ok(()),
            _ => {}
        }
        let right = match (self.frames, &*request) {
            (Frames::Smbus, [_]) => true,
            (Frames::I3c, [code, check]) => crc(&[self.address << 1], &[*code]) == *check,
            _ => false,
        };
        if !right {
            self.target.fail(protocol_error::CRC);
            return Err(DROPPED);
        }
        let mut data = [0; MAX_DATA];
        let mut model = self.model.borrow_mut();
        let len = self.target.read(&mut model, now, code, &mut data);
        let mut len = len.ok_or(DROPPED)?;
        if let Some(Fault::Length(other)) = fault {
            len = usize::from(other).min(MAX_DATA);
        }
        let head = self.len_octets();
        let length = (len as u16).to_le_bytes();
        let octets = length.iter().take(head).chain(data.iter().take(len));
        for (to, from) in answer.iter_mut().zip(octets) {
            *to = *from;
        }
        let address = self.address << 1;
        let seed = crc(&[address, code], &[address | 1]);
        let end = head + len;
        let check = crc_on(seed, answer.get(..end).unwrap_or_default());
        if let Some(place) = answer.get_mut(end) {
            *place = check;
        }
        match fault {
            Some(Fault::Damage { at } | Fault::KeepDamaged { at }) => {
                damage(answer.get_mut(..=end).unwrap_or_default(), at);
                Ok(())
            }
            Some(Fault::Unseen(kind)) => Err(Failed(kind)),
            _ => Ok(()),
        }
    }
}

/// Alters the octet that is `at` octets before the end.
fn damage(frame: &mut [u8], at: u8) {
    let len = frame.len().max(1);
    if let Some(octet) = frame.iter_mut().rev().nth(usize::from(at) % len) {
        *octet ^= 0x24;
    }
}

/// A length of one or two octets, little endian.
fn count(octets: &[u8]) -> usize {
    octets
        .iter()
        .rev()
        .fold(0, |count, octet| count << 8 | usize::from(*octet))
}

fn crc(first: &[u8], then: &[u8]) -> u8 {
    crc_on(crc_on(0, first), then)
}

/// CRC-8 by long division: the remainder of each octet times x^8 by x^8 + x^2 + x + 1.
fn crc_on(seed: u8, octets: &[u8]) -> u8 {
    octets.iter().fold(seed, |crc, octet| {
        let mut rest = u16::from(crc ^ octet) << 8;
        for bit in (8..16).rev() {
            if rest & 1 << bit != 0 {
                rest ^= 0x107 << (bit - 8);
            }
        }
        rest as u8
    })
}

impl<F, C> ErrorType for ModelI2c<'_, F, C> {
    type Error = Failed;
}

impl<F, C> I2c<SevenBitAddress> for ModelI2c<'_, F, C>
where
    F: FnMut(Attempt) -> Option<Fault>,
    C: FnMut(Duration) -> Instant,
{
    /// One command. Other sequences than a write, or a write and a read, are no commands, and are not acknowledged.
    fn transaction(
        &mut self,
        address: SevenBitAddress,
        operations: &mut [Operation<'_>],
    ) -> Result<(), Failed> {
        let mut frame = [0; FRAME];
        let (mut written, mut wanted) = (0, 0);
        for operation in &*operations {
            match operation {
                Operation::Write(octets) if wanted == 0 => {
                    for octet in *octets {
                        *frame.get_mut(written).ok_or(DROPPED)? = *octet;
                        written += 1;
                    }
                }
                Operation::Write(_) => return Err(DROPPED),
                Operation::Read(octets) => wanted += octets.len(),
            }
        }
        let octets = u32::try_from(2 + written + wanted).unwrap_or(u32::MAX);
        self.now = (self.clock)(self.octet * octets);
        self.model.borrow_mut().tick(self.now);
        if address != self.address {
            return Err(NOBODY);
        }
        let frame = frame.get_mut(..written).unwrap_or_default();
        if wanted == 0 {
            return self.take_write(frame);
        }
        let mut answer = [0; 512];
        let result = self.take_read(frame, &mut answer);
        let mut octets = answer.into_iter().chain(core::iter::repeat(0xFF));
        for operation in operations {
            if let Operation::Read(into) = operation {
                into.fill_with(|| octets.next().unwrap_or(0xFF));
            }
        }
        result
    }
}
