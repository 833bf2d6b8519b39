//! The client over a real socket, with deadlines.

use crate::common::Socket;
use crate::memory::{is_over, nothing_leaks, with_config};
use crate::{Got, Setup, Trusting};
use hostile_tls::{Listener, Script};
use netboot_core::{Duration, Instant};
use netboot_tls::{Channel, Config, TlsConnection, TlsError};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use std::net::TcpStream;

/// The longest that a connection may take.
const LIMIT: Duration = Duration::from_secs(5);

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
