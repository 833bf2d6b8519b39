//! OCP recovery commands over I3C over TCP.
//!
//! A write is a block: command, length (16 bits, little endian), data, packet error code. A read is a write of the command, and
//! then a read of length, data and packet error code. The code is the CRC-8 of SMBus over the address octets of both phases and
//! all octets between. Nothing is repeated here: the agent repeats what it may.

use crate::framing::{RESPONSE_HEAD, Request, Response};
use ocp_recovery::BusFault;
use ocp_recovery::command::{Command, pec};
use ocp_recovery::commands::{CommandBus, MAX_DATA};
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Interrupts that may come before an answer.
const MAX_INTERRUPTS: u32 = 64;

/// A bus's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusError {
    /// The server cannot be reached.
    Connect(ErrorKind),
    /// The connection broke.
    Broken(ErrorKind),
    /// The server did not answer in time.
    Timeout,
    /// The transfer failed on the bus; 5: the target did not acknowledge its address.
    Transfer {
        /// TCRI error status.
        status: u8,
    },
    /// The answer is not one to this transfer.
    Framing,
    /// The packet error code is wrong.
    PacketErrorCode {
        /// The command.
        command: u8,
    },
    /// The length that came does not fit the command.
    Length {
        /// The command.
        command: u8,
        /// Octets that came.
        found: usize,
    },
}

impl fmt::Display for BusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(kind) => write!(f, "cannot connect to the I3C server: {kind}"),
            Self::Broken(kind) => write!(f, "the connection to the I3C server broke: {kind}"),
            Self::Timeout => f.write_str("the I3C server did not answer in time"),
            Self::Transfer { status: 5 } => {
                f.write_str("no device acknowledges the address: look at --address")
            }
            Self::Transfer { status } => write!(f, "the I3C transfer failed with status {status}"),
            Self::Framing => f.write_str("the I3C server's answer is not one to the transfer"),
            Self::PacketErrorCode { command } => {
                write!(
                    f,
                    "the answer to command {command} is damaged: its packet error code is wrong"
                )
            }
            Self::Length { command, found } => {
                write!(
                    f,
                    "the answer to command {command} has {found} octets, which the command does not have"
                )
            }
        }
    }
}

impl std::error::Error for BusError {}

/// I3C over TCP.
#[derive(Debug)]
pub struct I3cTcp {
    stream: TcpStream,
    address: u8,
    timeout: Duration,
    transaction: u8,
}

impl I3cTcp {
    /// Connects to a server and speaks to the target at `address`, 7 bits. A transfer may take `timeout`.
    ///
    /// # Errors
    /// [`BusError::Connect`].
    pub fn connect(server: SocketAddr, address: u8, timeout: Duration) -> Result<Self, BusError> {
        let connect = |error: std::io::Error| BusError::Connect(error.kind());
        let stream = TcpStream::connect_timeout(&server, timeout).map_err(connect)?;
        stream.set_nodelay(true).map_err(connect)?;
        stream.set_write_timeout(Some(timeout)).map_err(connect)?;
        Ok(Self {
            stream,
            address,
            timeout,
            transaction: 0,
        })
    }

    fn fill(&mut self, out: &mut [u8], begun: Instant) -> Result<(), BusError> {
        let mut at = 0;
        while at < out.len() {
            let left = self.timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(BusError::Timeout);
            }
            let broken = |error: std::io::Error| BusError::Broken(error.kind());
            self.stream.set_read_timeout(Some(left)).map_err(broken)?;
            match self.stream.read(out.get_mut(at..).unwrap_or_default()) {
                Ok(0) => return Err(BusError::Broken(ErrorKind::UnexpectedEof)),
                Ok(len) => at += len,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
                    kind => return Err(BusError::Broken(kind)),
                },
            }
        }
        Ok(())
    }

    /// One transfer: writes `data`, or reads at most as many octets as `into` holds and gives their number.
    fn transfer(&mut self, data: &[u8], into: Option<&mut [u8]>) -> Result<usize, BusError> {
        self.transaction = (self.transaction + 1) & 0xF;
        let len = into.as_ref().map_or(data.len(), |into| into.len());
        let request = Request {
            address: self.address,
            transaction: self.transaction,
            read: into.is_some(),
            len: u16::try_from(len).map_err(|_| BusError::Framing)?,
        };
        let mut message = request.emit().to_vec();
        message.extend_from_slice(data);
        let broken = |error: std::io::Error| BusError::Broken(error.kind());
        self.stream.write_all(&message).map_err(broken)?;
        let begun = Instant::now();
        for _ in 0..MAX_INTERRUPTS {
            let mut head = [0; RESPONSE_HEAD];
            self.fill(&mut head, begun)?;
            let response = Response::parse(&head);
            let mut body = vec![0; usize::from(response.len)];
            self.fill(&mut body, begun)?;
            if response.interrupt != 0 || response.transaction != self.transaction {
                // An interrupt, or the late end of a transfer that was given up.
                continue;
            }
            if response.error != 0 {
                return Err(BusError::Transfer {
                    status: response.error,
                });
            }
            let Some(into) = into else {
                return Ok(0);
            };
            let to = into.get_mut(..body.len()).ok_or(BusError::Framing)?;
            to.copy_from_slice(&body);
            return Ok(body.len());
        }
        Err(BusError::Framing)
    }
}

impl CommandBus for I3cTcp {
    type Error = BusError;

    fn read(&mut self, command: Command, out: &mut [u8; MAX_DATA]) -> Result<usize, BusError> {
        let code = command.code();
        let damaged = BusError::PacketErrorCode { command: code };
        let write = self.address << 1;
        let first = pec(0, &[write, code]);
        self.transfer(&[code, first], None)?;
        let mut frame = [0; 2 + 4095 + 1];
        let len = self.transfer(&[], Some(&mut frame))?;
        let Some((&check, octets)) = frame.get(..len).and_then(<[u8]>::split_last) else {
            return Err(damaged);
        };
        if pec(pec(0, &[write, code, write | 1]), octets) != check {
            return Err(damaged);
        }
        let Some(([low, high], data)) = octets.split_first_chunk() else {
            return Err(damaged);
        };
        let found = usize::from(u16::from_le_bytes([*low, *high]));
        let wrong = BusError::Length {
            command: code,
            found,
        };
        match out.get_mut(..found) {
            Some(out) if found == data.len() => out.copy_from_slice(data),
            _ => return Err(wrong),
        }
        Ok(found)
    }

    fn write(&mut self, command: Command, data: &[u8]) -> Result<(), BusError> {
        let len = u16::try_from(data.len()).map_err(|_| BusError::Framing)?;
        let [low, high] = len.to_le_bytes();
        let mut frame = vec![self.address << 1, command.code(), low, high];
        frame.extend_from_slice(data);
        frame.push(pec(0, &frame));
        self.transfer(frame.get(1..).unwrap_or_default(), None)
            .map(drop)
    }

    fn max_block(&self) -> usize {
        256
    }

    fn fault(&self, command: Command, error: BusError) -> BusFault {
        match error {
            // MIPI TCRI: the address was not acknowledged.
            BusError::Transfer { status: 5 } => BusFault::NoAcknowledge {
                command,
                address: true,
            },
            BusError::PacketErrorCode { .. } => BusFault::PacketErrorCode { command },
            BusError::Length { found, .. } => BusFault::Length {
                command,
                found: u16::try_from(found).unwrap_or(u16::MAX),
            },
            _ => BusFault::Transfer { command },
        }
    }
}
