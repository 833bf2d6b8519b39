//! What the tests with a real socket share.

use netboot_core::Instant;
use netboot_tls::connection::Received;
use netboot_tls::{TlsError, Transport};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time;

/// A socket that waits a little in each read.
pub struct Socket {
    stream: TcpStream,
    began: time::Instant,
    arrived: Vec<u8>,
    ended: bool,
}

impl Socket {
    /// Takes a connected stream. Its clock begins now.
    pub fn new(stream: TcpStream) -> Self {
        let wait = time::Duration::from_millis(2);
        stream.set_read_timeout(Some(wait)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            began: time::Instant::now(),
            arrived: Vec::new(),
            ended: false,
        }
    }

    fn fill(&mut self) -> Result<(), TlsError> {
        let mut octets = [0; 4_096];
        match self.stream.read(&mut octets) {
            Ok(0) => self.ended = true,
            Ok(len) => self.arrived.extend(&octets[..len]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Err(TlsError::Transport),
        }
        Ok(())
    }
}

impl Transport for Socket {
    fn send(&mut self, octets: &[u8]) -> Result<usize, TlsError> {
        if octets.is_empty() {
            return Ok(0);
        }
        self.stream.write(octets).or(Err(TlsError::Transport))
    }

    fn receive(
        &mut self,
        take: &mut dyn FnMut(&[u8]) -> Result<usize, TlsError>,
    ) -> Result<Received, TlsError> {
        if self.arrived.is_empty() && !self.ended {
            self.fill()?;
        }
        if self.arrived.is_empty() && self.ended {
            return Ok(Received::End);
        }
        let taken = take(&self.arrived)?;
        self.arrived.drain(..taken);
        Ok(Received::Octets(taken))
    }

    fn wait(&mut self, _: Instant) -> Result<(), TlsError> {
        Ok(())
    }

    fn now(&mut self) -> Instant {
        let micros = self.began.elapsed().as_micros();
        Instant::from_micros(micros as u64)
    }
}
