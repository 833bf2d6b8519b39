//! The mailbox behind UDP, in the framing of the public server.

use super::link::{Chance, Link, LinkCounters};
use super::{SharedDevice, locked};
use crate::MAX_ANSWER;
use crate::device::Device;
use crate::refusal::Refusal;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A server; it ends when it is dropped.
#[derive(Debug)]
pub struct UdpServer {
    address: SocketAddr,
    device: SharedDevice,
    counters: Arc<LinkCounters>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct Worker {
    socket: UdpSocket,
    device: SharedDevice,
    counters: Arc<LinkCounters>,
    link: Link,
    chance: Chance,
    late: Vec<(Instant, SocketAddr, Vec<u8>)>,
}

impl UdpServer {
    /// Starts a server for `device` at `address`, behind a link.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(address: impl ToSocketAddrs, device: Device, link: Link) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        let address = socket.local_addr()?;
        let device = Arc::new(Mutex::new(device));
        let counters = Arc::<LinkCounters>::default();
        let stop = Arc::<AtomicBool>::default();
        let mut worker = Worker {
            socket,
            device: Arc::clone(&device),
            counters: Arc::clone(&counters),
            link,
            chance: Chance::new(link.seed),
            late: vec![],
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("udp-mailbox".into())
            .spawn(move || {
                while !stopped.load(Ordering::SeqCst) {
                    worker.step();
                }
            })?;
        Ok(Self {
            address,
            device,
            counters,
            stop,
            thread: Some(thread),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The device.
    pub fn device(&self) -> SharedDevice {
        Arc::clone(&self.device)
    }

    /// What the link counted.
    pub fn counters(&self) -> &LinkCounters {
        &self.counters
    }

    /// Waits until the server ends, which is never by itself.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for UdpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Worker {
    /// Sends what is due, and takes one request if there is any.
    fn step(&mut self) {
        let now = Instant::now();
        let (due, later) = self.late.drain(..).partition(|(at, ..)| *at <= now);
        self.late = later;
        let due: Vec<(Instant, SocketAddr, Vec<u8>)> = due;
        for (_, to, octets) in due {
            self.send(to, &octets);
        }
        let next = self
            .late
            .iter()
            .map(|(at, ..)| at.saturating_duration_since(now))
            .min();
        let wait = next
            .unwrap_or(Duration::from_millis(20))
            .clamp(Duration::from_millis(1), Duration::from_millis(20));
        let mut request = [0; 65_536];
        if self.socket.set_read_timeout(Some(wait)).is_err() {
            return;
        }
        match self.socket.recv_from(&mut request) {
            Ok((len, from)) => self.request(request.get(..len).unwrap_or_default(), from),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // A port that is gone; the next request has another.
            Err(_) => {}
        }
    }

    fn send(&self, to: SocketAddr, octets: &[u8]) {
        LinkCounters::add(&self.counters.to_host, 1);
        // The host's port may be closed by now.
        let _ = self.socket.send_to(octets, to);
    }

    fn request(&mut self, datagram: &[u8], from: SocketAddr) {
        LinkCounters::add(&self.counters.from_host, 1);
        LinkCounters::add(
            &self.counters.payload_octets,
            datagram.len().saturating_sub(8) as u64,
        );
        if self.chance.happens(self.link.lose_request) {
            return;
        }
        let Some((code, payload)) = datagram.split_first_chunk() else {
            return;
        };
        let mut answer = [0; MAX_ANSWER];
        let exchanged =
            locked(&self.device).exchange(u32::from_le_bytes(*code), payload, &mut answer);
        let (mut octets, delay_ms, copies) = match exchanged {
            Ok(reply) => (
                answer.get(..reply.len).unwrap_or_default().to_vec(),
                reply.delay_ms,
                reply.copies,
            ),
            // The framing has no word for *busy*: the public server does not answer then.
            Err(Refusal::BUSY) => return,
            Err(_) => (vec![0xFF], 0, 1),
        };
        if self.chance.happens(self.link.lose_answer) {
            return;
        }
        if self.chance.happens(self.link.damage) {
            let at = self.chance.below(octets.len() as u32) as usize;
            if let Some(octet) = octets.get_mut(at) {
                *octet ^= 1 << self.chance.below(8);
            }
        }
        let late = self.chance.happens(self.link.late);
        let delay = delay_ms
            + if late {
                self.chance.below(self.link.late_ms)
            } else {
                0
            };
        let copies = copies + u8::from(self.chance.happens(self.link.double));
        for copy in 0..copies {
            // A second copy takes its own time.
            let delay = delay
                + if copy > 0 {
                    self.chance.below(self.link.late_ms)
                } else {
                    0
                };
            match delay {
                0 => self.send(from, &octets),
                delay => {
                    let at = Instant::now() + Duration::from_millis(u64::from(delay));
                    self.late.push((at, from, octets.clone()));
                }
            }
        }
    }
}
