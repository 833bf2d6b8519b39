//! A mailbox behind UDP, as the public emulator's server has it.
//!
//! A datagram is the command code, little endian, and the payload; the reply is the answer, or the one octet 0xFF. There is
//! no number that ties a reply to its command, so each command has a socket, and by that a port, of its own. The last few
//! sockets are kept open without being read: while they are, the system gives their ports to nobody, and a reply that was
//! late or came twice has no way to a later command.

use crate::mailbox::{DEFAULT_CAPACITY, MailboxDriver, MailboxError};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// The port of the public server.
pub const DEFAULT_PORT: u16 = 62222;

/// Sockets that are kept so that their ports are not used again at once.
const KEPT: usize = 8;

/// A driver that sends commands as datagrams.
#[derive(Debug)]
pub struct UdpMailbox {
    server: SocketAddr,
    timeout: Duration,
    connected: bool,
    kept: [Option<UdpSocket>; KEPT],
    next: usize,
    request: Box<[u8]>,
    reply: Box<[u8]>,
}

impl UdpMailbox {
    /// A driver for the server at `server`. A command may take `timeout` until another time is set.
    pub fn new(server: SocketAddr, timeout: Duration) -> Self {
        Self {
            server,
            timeout,
            connected: false,
            kept: [const { None }; KEPT],
            next: 0,
            request: vec![0; DEFAULT_CAPACITY + 8].into_boxed_slice(),
            reply: vec![0; 65_536].into_boxed_slice(),
        }
    }

    fn socket(&mut self) -> Result<&UdpSocket, MailboxError> {
        let any: SocketAddr = match self.server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        // The new socket is made before the oldest goes, so it cannot get its port.
        let socket = UdpSocket::bind(any)
            .and_then(|socket| socket.connect(self.server).map(|()| socket))
            .map_err(|_| MailboxError::CommunicationError)?;
        self.next = (self.next + 1) % KEPT;
        let place = self.kept.get_mut(self.next).ok_or(MailboxError::NotReady)?;
        Ok(place.insert(socket))
    }
}

impl MailboxDriver for UdpMailbox {
    fn send_command(&mut self, external_cmd: u32, payload: &[u8]) -> Result<&[u8], MailboxError> {
        if !self.connected {
            return Err(MailboxError::NotReady);
        }
        let timeout = self.timeout;
        let len = payload.len() + 4;
        let to = self
            .request
            .get_mut(..len)
            .ok_or(MailboxError::BufferOverflow)?;
        let (code, rest) = to.split_at_mut(4);
        code.copy_from_slice(&external_cmd.to_le_bytes());
        rest.copy_from_slice(payload);
        let request = std::mem::take(&mut self.request);
        let sent = self
            .socket()
            .map(|socket| socket.send(request.get(..len).unwrap_or_default()));
        self.request = request;
        sent?.map_err(|_| MailboxError::CommunicationError)?;
        let socket = self
            .kept
            .get(self.next)
            .and_then(Option::as_ref)
            .ok_or(MailboxError::NotReady)?;
        let begun = Instant::now();
        loop {
            let left = timeout.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(MailboxError::Timeout);
            }
            socket
                .set_read_timeout(Some(left))
                .map_err(|_| MailboxError::CommunicationError)?;
            match socket.recv(&mut self.reply) {
                Ok(len) => return self.reply.get(..len).ok_or(MailboxError::BufferOverflow),
                Err(error) => match error.kind() {
                    ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                    _ => return Err(MailboxError::CommunicationError),
                },
            }
        }
    }

    fn is_ready(&self) -> bool {
        self.connected
    }

    fn connect(&mut self) -> Result<(), MailboxError> {
        // UDP has no connection; that a socket can be made is all that can be said.
        self.socket()?;
        self.connected = true;
        Ok(())
    }

    fn disconnect(&mut self) -> Result<(), MailboxError> {
        self.connected = false;
        self.kept = [const { None }; KEPT];
        Ok(())
    }

    fn set_timeouts(&mut self, _connection_ms: u32, command_ms: u32) {
        self.timeout = Duration::from_millis(u64::from(command_ms));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_reply_is_not_taken_for_the_next() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut driver = UdpMailbox::new(server.local_addr().unwrap(), Duration::from_millis(50));
        driver.connect().unwrap();
        assert_eq!(driver.send_command(1, b"one"), Err(MailboxError::Timeout));
        let mut buffer = [0; 64];
        let (len, first) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], b"\x01\0\0\0one");
        let answering = std::thread::spawn(move || {
            let (_, second) = server.recv_from(&mut buffer).unwrap();
            assert_ne!(first, second);
            server.send_to(b"late", first).unwrap();
            server.send_to(b"right", second).unwrap();
            server.send_to(b"twice", second).unwrap();
            let (_, third) = server.recv_from(&mut buffer).unwrap();
            server.send_to(b"third", third).unwrap();
        });
        driver.set_timeouts(0, 5_000);
        assert_eq!(driver.send_command(2, b"two"), Ok(&b"right"[..]));
        assert_eq!(driver.send_command(3, b"three"), Ok(&b"third"[..]));
        answering.join().unwrap();
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let mut driver = UdpMailbox::new((Ipv4Addr::LOCALHOST, 9).into(), Duration::from_millis(1));
        assert_eq!(driver.send_command(1, b""), Err(MailboxError::NotReady));
        driver.connect().unwrap();
        let long = vec![0; 70_000];
        assert_eq!(
            driver.send_command(1, &long),
            Err(MailboxError::BufferOverflow)
        );
    }
}
