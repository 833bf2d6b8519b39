//! Commands over I2C: SMBus block transfers, or the frames of I3C.
//!
//! A write is one transfer: command, length, data, packet error code. A read is a write of the command, a repeated start,
//! and a read of length, data and packet error code. The code is the CRC-8 of SMBus (3.1, section 6.4) over the address
//! octets of both phases and all octets between; see [`pec`].
//!
//! | | [`Framing::Smbus`] | [`Framing::I3c`] |
//! |---|---|---|
//! | length | one octet, at most 255 | two octets, little endian |
//! | write phase of a read | the command | the command and its packet error code |
//! | longest block of the FIFO | 252 octets, so that it holds whole words | 256 octets, the FIFO of the I3C core |
//!
//! The Caliptra I3C core has the frames of I3C and no others (i3c-core `recovery_flow.md`).

use crate::command::{Command, MAX_DATA, pec};
use crate::commands::bus::CommandBus;
use crate::fault::BusFault;
use embedded_hal::i2c::{
    Error as _, ErrorKind, I2c, NoAcknowledgeSource, Operation, SevenBitAddress,
};

/// How a command's length and packet error code are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// SMBus block write and block read with packet error code.
    #[default]
    Smbus,
    /// The frames of OCP recovery over I3C, for an I3C controller behind the traits of I2C.
    I3c,
}

/// A device at an address of an I2C bus.
///
/// One command is one `transaction` of `I`. The driver behind `I` has to end it by itself when a device holds the clock:
/// nobody else can.
#[derive(Debug)]
pub struct I2cBus<I> {
    i2c: I,
    /// The address in the upper seven bits, as in a write's first octet.
    write: u8,
    framing: Framing,
    /// Length of DEVICE_STATUS as last seen, vendor octets included.
    status_len: usize,
}

impl<I: I2c<SevenBitAddress>> I2cBus<I> {
    /// Makes a bus to the device at `address`, 0x08..=0x77. Higher bits of `address` are ignored.
    pub const fn new(i2c: I, address: SevenBitAddress, framing: Framing) -> Self {
        Self {
            i2c,
            write: address << 1,
            framing,
            status_len: Command::DeviceStatus.lengths().0 as usize,
        }
    }

    /// The controller.
    pub fn i2c_mut(&mut self) -> &mut I {
        &mut self.i2c
    }

    /// Gives the controller back.
    pub fn release(self) -> I {
        self.i2c
    }

    fn transaction(
        &mut self,
        command: Command,
        operations: &mut [Operation<'_>],
    ) -> Result<(), BusFault> {
        let Err(error) = self.i2c.transaction(self.write >> 1, operations) else {
            return Ok(());
        };
        Err(match error.kind() {
            ErrorKind::NoAcknowledge(source) => BusFault::NoAcknowledge {
                command,
                address: source == NoAcknowledgeSource::Address,
            },
            ErrorKind::ArbitrationLoss => BusFault::ArbitrationLost { command },
            _ => BusFault::Transfer { command },
        })
    }

    /// Reads an answer of `expected` octets. Returns the length that it says, and whether the packet error code is right;
    /// `None` in place of the latter when the code lies behind the octets that were read.
    fn answer(
        &mut self,
        command: Command,
        out: &mut [u8; MAX_DATA],
        expected: usize,
    ) -> Result<(usize, Option<bool>), BusFault> {
        let code = command.code();
        let request = [code, pec(0, &[self.write, code])];
        let (mut length, mut check) = ([0; 2], [0]);
        let (request, len_octets) = match self.framing {
            Framing::Smbus => (request.get(..1).unwrap_or_default(), 1),
            Framing::I3c => (request.as_slice(), 2),
        };
        let body = out.get_mut(..expected).unwrap_or_default();
        let head = length.get_mut(..len_octets).unwrap_or_default();
        let mut operations = [
            Operation::Write(request),
            Operation::Read(head),
            Operation::Read(body),
            Operation::Read(&mut check),
        ];
        self.transaction(command, &mut operations)?;
        let found = usize::from(u16::from_le_bytes(length));
        let seed = pec(0, &[self.write, code, self.write | 1]);
        let seed = pec(seed, length.get(..len_octets).unwrap_or_default());
        let code = match found {
            _ if found == expected => Some(check[0]),
            _ => out
                .get(..expected)
                .and_then(|read| read.get(found))
                .copied(),
        };
        let data = out.get(..found).unwrap_or_default();
        Ok((found, code.map(|code| pec(seed, data) == code)))
    }
}

impl<I: I2c<SevenBitAddress>> CommandBus for I2cBus<I> {
    type Error = BusFault;

    /// Only the answer tells its own length, and a controller needs the length before it reads. So an answer of another length than
    /// expected is read again. The length of DEVICE_STATUS is kept, so that its vendor octets cost a second read only once.
    fn read(&mut self, command: Command, out: &mut [u8; MAX_DATA]) -> Result<usize, BusFault> {
        let mut expected = match command {
            Command::DeviceStatus => self.status_len,
            _ => usize::from(command.lengths().0),
        };
        let damaged = Err(BusFault::PacketErrorCode { command });
        for _ in 0..2 {
            let (found, right) = self.answer(command, out, expected)?;
            match right {
                Some(true) => {
                    if command == Command::DeviceStatus {
                        self.status_len = found;
                    }
                    return Ok(found);
                }
                None if found <= MAX_DATA => expected = found,
                _ => return damaged,
            }
        }
        damaged
    }

    fn write(&mut self, command: Command, data: &[u8]) -> Result<(), BusFault> {
        let code = command.code();
        let Ok(len) = u16::try_from(data.len()) else {
            return Err(BusFault::Transfer { command });
        };
        let [low, high] = len.to_le_bytes();
        let head = [self.write, code, low, high];
        let head = match self.framing {
            Framing::Smbus => head.get(..3).unwrap_or_default(),
            Framing::I3c => head.as_slice(),
        };
        let check = [pec(pec(0, head), data)];
        let mut operations = [
            Operation::Write(head.get(1..).unwrap_or_default()),
            Operation::Write(data),
            Operation::Write(&check),
        ];
        self.transaction(command, &mut operations)
    }

    fn max_block(&self) -> usize {
        match self.framing {
            Framing::Smbus => 252,
            Framing::I3c => 256,
        }
    }

    fn fault(&self, _command: Command, error: BusFault) -> BusFault {
        error
    }
}
