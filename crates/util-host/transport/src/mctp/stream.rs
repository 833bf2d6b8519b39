//! MCTP over a byte stream with DSP0253's frames: a serial port, or a TCP or Unix stream that stands for one.

use crate::adapter::MessageChannel;
use crate::error::{TransportError, TransportResult};
use crate::mctp::packet::{BASELINE_UNIT, HEADER_SIZE};
use crate::mctp::requester::Requester;
use crate::mctp::serial::{Decoder, MAX_FRAME, MAX_PACKET, encode};
use crate::mctp::{DEFAULT_CAPACITY, MctpVdmDriver, MctpVdmError};
use caliptra_util_host_command_types::vdm::MESSAGE_TYPE;
use caliptra_util_host_osal::{Clock, Deadline, StdClock};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

/// A stream of octets whose reads end after a time.
pub trait ByteStream: Send + Sync {
    /// Writes all of `octets`.
    ///
    /// # Errors
    /// When the stream is broken.
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Reads what is there, waiting for at most `timeout`.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] or [`ErrorKind::WouldBlock`] when nothing came; others when the stream is broken. No octet
    /// at all is the end of the stream.
    fn read(&mut self, octets: &mut [u8], timeout: Duration) -> io::Result<usize>;
}

impl ByteStream for TcpStream {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        Write::write_all(self, octets)
    }

    fn read(&mut self, octets: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        Read::read(self, octets)
    }
}

#[cfg(unix)]
impl ByteStream for std::os::unix::net::UnixStream {
    fn write_all(&mut self, octets: &[u8]) -> io::Result<()> {
        Write::write_all(self, octets)
    }

    fn read(&mut self, octets: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.set_read_timeout(Some(timeout.max(Duration::from_millis(1))))?;
        Read::read(self, octets)
    }
}

/// Longest time that a serial port may take no octet of those that are written.
#[cfg(unix)]
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A serial port.
#[cfg(unix)]
#[derive(Debug)]
pub struct SerialPort(std::fs::File);

#[cfg(unix)]
impl SerialPort {
    /// Opens a terminal device and makes it raw: no echo, no line discipline, octets as they are.
    ///
    /// The call does not wait for a carrier, and the device does not become the terminal of this process, whose keys could end it.
    ///
    /// # Errors
    /// When the device cannot be opened or is no terminal.
    pub fn open(path: &std::path::Path) -> io::Result<Self> {
        use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
        use std::os::unix::fs::OpenOptionsExt;
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
            .open(path)?;
        let mut settings = tcgetattr(&file)?;
        settings.make_raw();
        settings
            .control_modes
            .insert(ControlModes::CLOCAL | ControlModes::CREAD);
        tcsetattr(&file, OptionalActions::Now, &settings)?;
        Ok(Self(file))
    }

    /// Sets the speed of the line in bits per second. Without this call it is what the device had before.
    ///
    /// # Errors
    /// When the device has no such speed.
    pub fn set_speed(&mut self, bits_per_second: u32) -> io::Result<()> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let mut settings = tcgetattr(&self.0)?;
        settings.set_speed(bits_per_second)?;
        Ok(tcsetattr(&self.0, OptionalActions::Now, &settings)?)
    }

    /// Waits for at most `timeout` until the device can be read or written.
    fn wait(&self, flags: rustix::event::PollFlags, timeout: Duration) -> io::Result<()> {
        use rustix::event::{PollFd, Timespec, poll};
        let mut waiting = [PollFd::new(&self.0, flags)];
        let limit = Timespec::try_from(timeout).map_err(|_| ErrorKind::InvalidInput)?;
        match poll(&mut waiting, Some(&limit))? {
            0 => Err(ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
impl ByteStream for SerialPort {
    fn write_all(&mut self, mut octets: &[u8]) -> io::Result<()> {
        while !octets.is_empty() {
            match Write::write(&mut self.0, octets) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => octets = octets.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(rustix::event::PollFlags::OUT, WRITE_TIMEOUT)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, octets: &mut [u8], timeout: Duration) -> io::Result<usize> {
        self.wait(rustix::event::PollFlags::IN, timeout)?;
        Read::read(&mut self.0, octets)
    }
}

/// Where the stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamAddress {
    /// A TCP server that stands for a serial line.
    Tcp(SocketAddr),
    /// A Unix socket that stands for a serial line.
    #[cfg(unix)]
    Unix(PathBuf),
    /// A serial port.
    #[cfg(unix)]
    Serial(PathBuf),
}

impl StreamAddress {
    fn open(&self, timeout: Duration) -> io::Result<Box<dyn ByteStream>> {
        Ok(match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, timeout)?;
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(timeout))?;
                Box::new(stream)
            }
            #[cfg(unix)]
            Self::Unix(path) => Box::new(std::os::unix::net::UnixStream::connect(path)?),
            #[cfg(unix)]
            Self::Serial(path) => Box::new(SerialPort::open(path)?),
        })
    }
}

/// A driver for MCTP over a byte stream.
pub struct SerialMctp {
    address: StreamAddress,
    stream: Option<Box<dyn ByteStream>>,
    requester: Requester<{ DEFAULT_CAPACITY + 1 }>,
    decoder: Decoder,
    unit: usize,
    connection: Duration,
    command_ms: u32,
    message: Vec<u8>,
    /// The answer did not fit the caller's buffer and waits for a larger one.
    kept: bool,
}

impl fmt::Debug for SerialMctp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SerialMctp")
            .field("address", &self.address)
            .field("requester", &self.requester)
            .finish_non_exhaustive()
    }
}

impl SerialMctp {
    /// A driver with the endpoint number `own` that talks to the endpoint `peer` at `address`.
    pub fn new(address: StreamAddress, own: u8, peer: u8) -> Self {
        Self {
            address,
            stream: None,
            requester: Requester::new(own, peer),
            decoder: Decoder::new(),
            unit: BASELINE_UNIT,
            connection: Duration::from_secs(5),
            command_ms: 5_000,
            message: Vec::with_capacity(DEFAULT_CAPACITY + 1),
            kept: false,
        }
    }

    /// Sets the octets of payload in a packet, which the peer has to take: 64 to 251. The default is 64, which every
    /// endpoint takes.
    #[must_use]
    pub fn with_unit(mut self, unit: usize) -> Self {
        self.unit = unit.clamp(BASELINE_UNIT, MAX_PACKET - HEADER_SIZE);
        self
    }

    /// Gives up the request after a failure, so that its late answer is none to the next.
    fn settle(&mut self, done: Result<(), MctpVdmError>) -> Result<(), MctpVdmError> {
        if let Err(error) = done {
            self.requester.abandon(StdClock.now_ms());
            if error == MctpVdmError::CommunicationError {
                self.stream = None;
            }
        }
        done
    }

    /// Sends `self.message`.
    fn start(&mut self) -> Result<(), MctpVdmError> {
        self.kept = false;
        let stream = self.stream.as_mut().ok_or(MctpVdmError::NotReady)?;
        let begun = self
            .requester
            .begin(StdClock.now_ms(), &self.message, self.unit);
        let mut packets = begun.ok_or(MctpVdmError::NotReady)?;
        let (mut packet, mut frame) = ([0; MAX_PACKET], [0; MAX_FRAME]);
        while let Some(len) = packets.next_packet(&mut packet) {
            let len = encode(packet.get(..len).unwrap_or_default(), &mut frame);
            let frame = len.and_then(|len| frame.get(..len));
            let frame = frame.ok_or(MctpVdmError::BufferOverflow)?;
            stream
                .write_all(frame)
                .map_err(|_| MctpVdmError::CommunicationError)?;
        }
        Ok(())
    }

    /// Waits for the answer.
    fn finish(&mut self, deadline: Deadline) -> Result<(), MctpVdmError> {
        let stream = self.stream.as_mut().ok_or(MctpVdmError::NotReady)?;
        let mut octets = [0; 512];
        loop {
            let left = deadline.left_ms(&StdClock);
            if left == 0 {
                return Err(MctpVdmError::Timeout);
            }
            let read = match stream.read(&mut octets, Duration::from_millis(left)) {
                Ok(0) => return Err(MctpVdmError::CommunicationError),
                Ok(len) => octets.get(..len).unwrap_or_default(),
                Err(error) => match error.kind() {
                    ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => {
                        continue;
                    }
                    _ => return Err(MctpVdmError::CommunicationError),
                },
            };
            let mut complete = false;
            for octet in read {
                if let Some(packet) = self.decoder.push(*octet) {
                    complete |= self.requester.handle(packet).is_some();
                }
            }
            if complete {
                return Ok(());
            }
            if self.requester.take_overflow() {
                return Err(MctpVdmError::BufferOverflow);
            }
        }
    }
}

impl MctpVdmDriver for SerialMctp {
    fn send_request(&mut self, vdm: &[u8]) -> Result<&[u8], MctpVdmError> {
        if vdm.len() > DEFAULT_CAPACITY {
            return Err(MctpVdmError::BufferOverflow);
        }
        self.message.clear();
        self.message.push(MESSAGE_TYPE);
        self.message.extend_from_slice(vdm);
        let deadline = Deadline::after(&StdClock, self.command_ms);
        let done = self.start().and_then(|()| self.finish(deadline));
        self.settle(done)?;
        match self.requester.answer().split_first() {
            Some((&MESSAGE_TYPE, answer)) => Ok(answer),
            _ => Err(MctpVdmError::InvalidMessage),
        }
    }

    fn is_ready(&self) -> bool {
        self.stream.is_some()
    }

    fn connect(&mut self) -> Result<(), MctpVdmError> {
        let opened = self.address.open(self.connection);
        self.stream = Some(opened.map_err(|_| MctpVdmError::CommunicationError)?);
        self.decoder = Decoder::new();
        Ok(())
    }

    fn disconnect(&mut self) -> Result<(), MctpVdmError> {
        self.stream = None;
        Ok(())
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        self.connection = Duration::from_millis(u64::from(connection_ms).max(1));
        self.command_ms = command_ms;
    }
}

/// Messages of any type, for SPDM and PLDM.
impl MessageChannel for SerialMctp {
    fn send_message(&mut self, message: &[u8]) -> TransportResult<()> {
        if message.is_empty() || message.len() > DEFAULT_CAPACITY {
            return Err(MctpVdmError::BufferOverflow.into());
        }
        if self.stream.is_none() {
            self.connect()?;
        }
        self.message.clear();
        self.message.extend_from_slice(message);
        let done = self.start();
        Ok(self.settle(done)?)
    }

    fn receive_message(&mut self, buffer: &mut [u8], timeout_ms: u32) -> TransportResult<usize> {
        let deadline = Deadline::after(&StdClock, timeout_ms);
        if !self.kept {
            let done = self.finish(deadline);
            self.settle(done)?;
        }
        let answer = self.requester.answer();
        let (needed, available) = (answer.len(), buffer.len());
        // An answer that does not fit is kept for a larger buffer.
        self.kept = available < needed;
        let to = buffer.get_mut(..needed);
        to.ok_or(TransportError::BufferTooSmall { needed, available })?
            .copy_from_slice(answer);
        Ok(needed)
    }
}
