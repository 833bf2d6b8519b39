//! The client over a real socket, with deadlines.

use crate::memory::{is_over, nothing_leaks, with_config};
use crate::{Got, Setup, Trusting};
use hostile_tls::{Listener, Script};
use netboot_core::{Duration, Instant};
use netboot_tls::connection::Received;
use netboot_tls::{Channel, Config, TlsConnection, TlsError, Transport};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time;

/// The longest that a connection may take.
const LIMIT: Duration = Duration::from_secs(5);

/// A socket that waits a little in each wait.
struct Socket {
    stream: TcpStream,
    began: time::Instant,
    arrived: Vec<u8>,
    ended: bool,
}

impl Socket {
    fn new(stream: TcpStream) -> Self {
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

/// Runs `script` over TCP on loopback.
pub fn run<L: Trusting>(setup: &Setup, script: &Script) -> Got {
    let scripts = vec![script.clone()];
    let listener = Listener::on_loopback(setup.identity.clone(), scripts, 1).unwrap();
    let stream = TcpStream::connect(listener.address()).unwrap();
    let mut socket = Socket::new(stream);
    let (mut receive, mut send) = (vec![0; setup.receive], vec![0; setup.send]);
    let mut channel = Channel::<L>::new(&mut receive, &mut send);
    let mut got = Got {
        opened: false,
        data: Vec::new(),
        result: Ok(()),
        report: Default::default(),
    };
    got.result = with_config(setup, |config| {
        let result = exchange(setup.request, &mut channel, &mut socket, config, &mut got);
        if let Err(error) = result {
            is_over(&mut channel, error);
        }
        result
    });
    drop(socket);
    got.report = listener.wait_reports(1).pop().expect("a report");
    got
}

fn exchange<L: Trusting>(
    request: &[u8],
    channel: &mut Channel<'_, L>,
    socket: &mut Socket,
    config: &mut Config<'_, '_, L>,
    got: &mut Got,
) -> Result<(), TlsError> {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    nothing_leaks(channel);
    let mut connection = TlsConnection::new(channel, socket);
    let late = connection.write(b"secret", Instant::ZERO);
    assert_eq!(late, Err(TlsError::NotOpen));
    connection.connect(config, &mut rng, Instant::ZERO + LIMIT)?;
    got.opened = true;
    connection.write(request, Instant::ZERO + LIMIT)?;
    let mut octets = [0; 1_000];
    loop {
        let len = connection.read(&mut octets, Instant::ZERO + LIMIT)?;
        if len == 0 {
            return connection.close(Instant::ZERO + LIMIT);
        }
        got.data.extend(&octets[..len]);
    }
}
