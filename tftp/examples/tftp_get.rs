//! Downloads a file by TFTP: the sans-IO client over a UDP socket and the clock of the operating system.
//!
//! `cargo run -p netboot-tftp --example tftp_get -- ADDRESS[:PORT] FILE [OUTPUT]`; without OUTPUT only the size is shown.

use netboot_core::Instant;
use netboot_tftp::client::TRANSMIT_MAX;
use netboot_tftp::{Client, Endpoint, Event, Request, Timing};
use std::error::Error;
use std::fs::File;
use std::io::{ErrorKind, Write, sink};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant as Clock};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (server, name, output) = match words.as_slice() {
        [server, name] => (server, name, None),
        [server, name, output] => (server, name, Some(output)),
        _ => return Err("usage: tftp_get ADDRESS[:PORT] FILE [OUTPUT]".into()),
    };
    let server = server
        .parse::<SocketAddr>()
        .or_else(|_| server.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 69)))?;
    let mut to: Box<dyn Write> = match output {
        Some(path) => Box::new(File::create(path)?),
        None => Box::new(sink()),
    };
    let octets = get(server, name, &mut to)?;
    println!("{octets} octets");
    Ok(())
}

/// Downloads `name` from `server` into `to` and returns its size in octets.
fn get(server: SocketAddr, name: &str, to: &mut dyn Write) -> Result<u64, Box<dyn Error>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => "0.0.0.0:0".parse()?,
        SocketAddr::V6(_) => "[::]:0".parse()?,
    };
    let socket = UdpSocket::bind(any)?;
    let started = Clock::now();
    let now = || Instant::from_micros(started.elapsed().as_micros() as u64);
    let request = Request {
        filename: name,
        blksize: 1428,
        windowsize: 16,
        timeout: None,
        tsize: true,
    };
    let endpoint = Endpoint {
        addr: server.ip(),
        port: server.port(),
    };
    let mut client = Client::new(endpoint, &request, Timing::default(), now())?;
    let (mut out, mut frame) = ([0; TRANSMIT_MAX], [0; 2048]);
    loop {
        // 1. Send everything that is due.
        while let Some((len, to)) = client.poll_transmit(now(), &mut out) {
            socket.send_to(&out[..len], (to.addr, to.port))?;
        }
        // 2. Stop when the last acknowledgement is on its way. A ROM with time to spare would linger.
        if client.is_complete() {
            return Ok(client.offset());
        }
        // 3. Sleep until a datagram arrives or the timer passes.
        let wait = client.poll_timeout().map(|at| at.since(now()).as_micros());
        let wait = Duration::from_micros(wait.unwrap_or(1_000_000).max(1));
        socket.set_read_timeout(Some(wait))?;
        match socket.recv_from(&mut frame) {
            Ok((len, from)) => {
                let from = Endpoint {
                    addr: from.ip(),
                    port: from.port(),
                };
                take(&mut client, from, &frame[..len], now(), to)?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        // 4. Do what the timer asks for. An early call does nothing.
        client.handle_timeout(now())?;
    }
}

/// Hands one datagram to the client, and what it carries to `to`.
fn take(
    client: &mut Client,
    from: Endpoint,
    datagram: &[u8],
    now: Instant,
    to: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    match client.handle(now, from, datagram)? {
        Event::None => {}
        Event::Opened { options, again } => {
            println!(
                "opened: blocks of {} octets, {} in a window, size {:?}",
                options.blksize, options.windowsize, options.tsize
            );
            client.start(now);
            if again {
                return take(client, from, datagram, now, to);
            }
        }
        Event::Data { payload, .. } => {
            to.write_all(payload)?;
            client.data_consumed(now);
        }
    }
    Ok(())
}
