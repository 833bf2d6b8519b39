//! Sends one HTTPS request over a TCP socket and prints the answer. The server has to lead to the root in a PEM file.
//!
//! `cargo run -p netboot-tls --features p384 --example https_get -- HOST PORT ROOT.pem /PATH`

use netboot_core::{Duration, Instant};
use netboot_tls::channel::{LARGE_RECORDS, SEND};
use netboot_tls::connection::Received;
use netboot_tls::verify::{
    DEFAULT_ALGORITHMS, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy,
};
use netboot_tls::{Channel, Config, TlsConnection, TlsError, Transport, Verified};
use rand_core::OsRng;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::error::Error;
use std::io::{ErrorKind, Read, Write, stdout};
use std::net::TcpStream;
use std::time::{Instant as Clock, SystemTime, UNIX_EPOCH};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, root, path] = words.as_slice() else {
        return Err("usage: https_get HOST PORT ROOT.pem /PATH".into());
    };
    let root = CertificateDer::from_pem_file(root)?;
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &[&root],
            keys: &[],
        },
        time: TimePolicy::Trusted(seconds),
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    let mut config = Config::<Verified>::new(ServerName::from_host(host)?, trust);
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], vec![0; SEND]);
    let mut channel = Channel::new(&mut receive, &mut send);
    let mut socket = Socket::connect(host, port.parse()?)?;
    let deadline = socket.now() + Duration::from_secs(30);

    let mut connection = TlsConnection::new(&mut channel, &mut socket);
    connection.connect(&mut config, &mut OsRng, deadline)?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.write(request.as_bytes(), deadline)?;
    let mut piece = [0; 4096];
    loop {
        // A connection that ends without the server's close_notify is `TlsError::Truncated`.
        let len = connection.read(&mut piece, deadline)?;
        if len == 0 {
            break;
        }
        stdout().write_all(&piece[..len])?;
    }
    connection.close(deadline)?;
    Ok(())
}

/// A TCP connection, what has arrived from it, and a clock.
struct Socket {
    stream: TcpStream,
    started: Clock,
    arrived: Vec<u8>,
    ended: bool,
}

impl Socket {
    fn connect(host: &str, port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect((host, port))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            started: Clock::now(),
            arrived: Vec::new(),
            ended: false,
        })
    }
}

impl Transport for Socket {
    fn send(&mut self, octets: &[u8]) -> Result<usize, TlsError> {
        self.stream.write(octets).or(Err(TlsError::Transport))
    }

    fn receive(
        &mut self,
        take: &mut dyn FnMut(&[u8]) -> Result<usize, TlsError>,
    ) -> Result<Received, TlsError> {
        if self.arrived.is_empty() && self.ended {
            return Ok(Received::End);
        }
        if self.arrived.is_empty() {
            return Ok(Received::Octets(0));
        }
        let taken = take(&self.arrived)?;
        self.arrived.drain(..taken.min(self.arrived.len()));
        Ok(Received::Octets(taken))
    }

    fn wait(&mut self, until: Instant) -> Result<(), TlsError> {
        // A time-out of zero would mean to wait for ever.
        let micros = until.since(self.now()).as_micros().clamp(1, 1_000_000);
        let time = std::time::Duration::from_micros(micros);
        let set = self.stream.set_read_timeout(Some(time));
        set.or(Err(TlsError::Transport))?;
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => self.ended = true,
            Ok(len) => self.arrived.extend(&piece[..len]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Err(TlsError::Transport),
        }
        Ok(())
    }

    fn now(&mut self) -> Instant {
        Instant::from_micros(self.started.elapsed().as_micros() as u64)
    }
}
