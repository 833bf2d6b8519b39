//! The server at work: one thread that never waits for a client.

use super::bursts::Bursts;
use super::catalogue::Catalogue;
use super::counters::Counters;
use super::http::{Http, Page};
use super::lines::Lines;
use super::renewal::Renewal;
use anyhow::{Context, Result};
use netboot_core::{Duration, Instant};
use netboot_ubp::Endpoint;
use netboot_ubp::server::{Bucket, Reply, Server};
use netboot_ubp::wire::{Answer, DATA_MAX, Report, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;

/// Number of messages that are taken, and of blocks that are sent, before it is looked what else there is.
const BATCH: usize = 64;
/// Octets of the receive buffer. No message of a client is so long.
const MESSAGE: usize = 2048;

/// All that the server has.
pub struct Station<'o> {
    socket: UdpSocket,
    server: Server,
    catalogue: Catalogue,
    bursts: Bursts,
    counters: Counters,
    http: Option<Http>,
    renewal: Renewal,
    began: std::time::Instant,
    block: [u8; DATA_MAX],
    /// A block that the system had no room for: its length, and for whom it is.
    kept: Option<(SocketAddr, usize)>,
    /// What the operator reads.
    lines: Lines<'o>,
}

impl<'o> Station<'o> {
    /// Makes the server. `budget` is in octets in a second.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(
        socket: UdpSocket,
        catalogue: Catalogue,
        budget: Option<u32>,
        http: Option<Http>,
        lines: Lines<'o>,
    ) -> Result<Self> {
        // A twentieth of a second at once, and one GET at the least.
        let bucket = |rate: u32| Bucket::new(rate, (rate / 20).max(1 << 16), Instant::ZERO);
        let key = Renewal::key().context("the system has no random numbers")?;
        Ok(Self {
            socket,
            server: Server::new(key, budget.map(bucket)),
            catalogue,
            bursts: Bursts::default(),
            counters: Counters::default(),
            http,
            renewal: Renewal::new(Instant::ZERO),
            began: std::time::Instant::now(),
            block: [0; DATA_MAX],
            kept: None,
            lines,
        })
    }

    /// Serves until `stop` ends.
    ///
    /// # Errors
    /// When the system does not let it wait.
    pub fn run(mut self, stop: &UnixStream) -> Result<()> {
        loop {
            let is_more = self.receive() | self.send() | self.catalogue.work();
            let now = self.now();
            if let Some(key) = self.renewal.poll(now) {
                self.server.renew(key);
            }
            if let Some(http) = &mut self.http {
                let (counters, catalogue, bursts) = (&self.counters, &self.catalogue, &self.bursts);
                http.serve(now, &|page| answer(page, counters, catalogue, bursts));
            }
            if self.wait(is_more, stop)? {
                return Ok(());
            }
        }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Waits until there is something to do; whether it is to end.
    fn wait(&self, is_more: bool, stop: &UnixStream) -> Result<bool> {
        let mut flags = PollFlags::IN;
        flags.set(PollFlags::OUT, self.kept.is_some());
        let mut fds = vec![
            PollFd::new(stop, PollFlags::IN),
            PollFd::new(&self.socket, flags),
        ];
        let mut times = vec![self.renewal.poll_timeout()];
        if let Some(http) = &self.http {
            http.poll(&mut fds);
            times.extend(http.poll_timeout());
        }
        // A block that waits for room in the socket is ahead of all others.
        if self.kept.is_none() {
            times.extend(self.bursts.poll_timeout());
        }
        let now = self.now();
        let next = times.into_iter().min().unwrap_or(now);
        let wait = match is_more {
            true => Duration::ZERO,
            false => next.since(now),
        };
        let micros = wait.as_micros();
        let timeout = Timespec {
            tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
            tv_nsec: (micros % 1_000_000 * 1_000) as _,
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) => Ok(fds.first().is_some_and(|fd| !fd.revents().is_empty())),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error).context("cannot wait for messages"),
        }
    }

    /// Takes messages; whether there may be more.
    fn receive(&mut self) -> bool {
        let mut message = [0; MESSAGE];
        for _ in 0..BATCH {
            match self.socket.recv_from(&mut message) {
                Ok((len, from)) => self.take(from, message.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                // An error that somebody's network has sent.
                Err(_) => {}
            }
        }
        true
    }

    /// Takes a message.
    fn take(&mut self, from: SocketAddr, message: &[u8]) {
        // Nobody can answer to port 0.
        if from.port() == 0 {
            return;
        }
        let now = self.now();
        self.catalogue.set_now(now);
        let mut buf = [0; DATA_MAX];
        let client = Endpoint {
            addr: from.ip(),
            port: from.port(),
        };
        let reply = self
            .server
            .handle(now, client, message, &self.catalogue, &mut buf);
        self.counters.came(message, reply != Reply::None);
        match reply {
            Reply::None => {}
            Reply::Send(_) if self.catalogue.is_pending() => self.counters.later(),
            Reply::Send(len) => {
                let answer = buf.get(..len).unwrap_or_default();
                self.refusal(now, from, message, answer);
                match self.socket.send_to(answer, from) {
                    Ok(_) => self.counters.sent(answer),
                    Err(_) => self.counters.unsent(),
                }
            }
            Reply::Burst(burst) => {
                if !self.bursts.add(from, burst) {
                    self.counters.dropped();
                }
            }
            Reply::Report(report) => self.report(from, &report),
        }
    }

    /// Sends the blocks that are due; whether there may be more.
    fn send(&mut self) -> bool {
        for _ in 0..BATCH {
            let now = self.now();
            let next = self.kept.take();
            let next = next.or_else(|| {
                self.bursts
                    .poll_transmit(now, &self.catalogue, &mut self.block)
            });
            let Some((to, len)) = next else {
                return false;
            };
            let message = self.block.get(..len).unwrap_or_default();
            match self.socket.send_to(message, to) {
                Ok(_) => self.counters.sent(message),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.kept = next;
                    return false;
                }
                Err(_) => self.counters.unsent(),
            }
        }
        true
    }

    /// Tells how a transfer ended.
    fn report(&mut self, from: SocketAddr, report: &Report) {
        self.counters.ended(report.error);
        let name = self.catalogue.shown(report.id);
        let name = name.unwrap_or_else(|| format!("a file that is gone ({:08x})", report.id));
        self.lines.report(from, &name, report);
    }

    /// Tells that a client did not get a file.
    fn refusal(&mut self, now: Instant, from: SocketAddr, message: &[u8], answer: &[u8]) {
        if let Some(Request::Open(open)) = Request::parse(message)
            && let Some(Answer::Error { code, .. }) = Answer::parse(answer)
        {
            self.lines.refusal(now, from, &open.name, code);
        }
    }
}

/// The page that is asked for.
fn answer(
    page: Page,
    counters: &Counters,
    catalogue: &Catalogue,
    bursts: &Bursts,
) -> (&'static str, String) {
    match page {
        Page::Metrics => ("200 OK", counters.text(catalogue.files(), bursts.len())),
        Page::Health if catalogue.webroot().is_there() => ("200 OK", "ok\n".into()),
        Page::Health => (
            "503 Service Unavailable",
            "the folder is not there\n".into(),
        ),
    }
}
