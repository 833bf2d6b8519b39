//! Fetches one file from a server: OPEN and META, then GET and DATA until all blocks were used.
//!
//! The client asks and a server answers: a server sends nothing on its own, has no timers, and remembers nothing of a client.
//!
//! - *Window*: numbers from the next block to use up to [`Request::window`] further ones are asked for, never more. A caller that takes
//!   nothing thereby stops the server, for as long as it likes.
//! - *Memory*: the client keeps no block. A frame that is [`Event::Kept`] stays with the caller, in the slot that the caller named,
//!   until [`Client::poll`] gives it back.
//! - *Proof*: a block is hashed only if it is in the window and missing, and at most one in each call. Data is handed out when it is verified.
//! - *Loss*: a block that was overtaken by more than three others is asked for again at once. What no other block shows to be lost is
//!   asked for again after 1.25 round trips and jitter.
//! - *Restart*: a server that has forgotten its key does not answer the cookie. After two time-outs the client sends OPEN again.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod deadline_tests;
mod deliver;
#[cfg(any(test, feature = "multicast"))]
mod group;
#[cfg(test)]
mod group_tests;
mod receive;
mod request;
#[cfg(test)]
mod tests;
mod transmit;

use crate::endpoint::Endpoint;
use crate::error::UbpError;
use crate::flow::Flow;
use crate::rtt::Rtt;
use crate::window::{MOST, Window};
use crate::wire::{Group, NAME_MAX};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::{Digest, Duration, Instant, quotient};
use netboot_verity::{BLOCK, Descriptor, Hasher, Verifier};

pub use deliver::{Frames, Output};
#[cfg(any(test, feature = "multicast"))]
pub use group::OWN_SLOT;
pub use request::{Request, Timing};

/// Greatest window, in blocks.
pub const WINDOW_MAX: u8 = MOST as u8;

/// Tells what a datagram means for the caller of [`Client::handle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The caller has nothing to do, and the frame is the caller's again.
    None,
    /// The server has the file. The frame is the caller's again. The transfer is paused until [`Client::start`].
    Opened {
        /// Size of the file in octets.
        size: u64,
        /// Verity digest of the file.
        digest: Digest,
        /// The file's group, if the client wants it and the server has one.
        group: Option<Group>,
    },
    /// The frame has to stay where it is, until [`Client::poll`] gives its slot back.
    Kept,
}

/// Counters of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stats {
    /// Number of blocks that were taken for lost.
    pub lost: u32,
    /// Number of blocks that were asked for again.
    pub repeated: u32,
    /// Number of blocks that were not what they had to be.
    pub wrong: u32,
    /// Number of blocks that were made of PARITY messages.
    #[cfg(any(test, feature = "multicast"))]
    pub recovered: u32,
    /// Number of messages that made no sense, or came from somebody else, or had a block that was not missing.
    pub ignored: u32,
}

/// What a REPORT has beside the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Farewell {
    cookie: u64,
    at: Instant,
    error: u32,
    state: u32,
}

/// Says how far the transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    /// No server has told the file yet.
    Opening,
    /// A server has told the file, and the caller has not called [`Client::start`].
    Paused,
    /// Blocks are asked for.
    Receiving,
    /// All blocks were used.
    Complete,
    /// The transfer has failed or was ended.
    Closed,
}

/// A transfer of one file. Its verifier has memory for `LEVELS` nodes: 2 for files up to 1 MiB, 3 for files up to 32 MiB.
#[derive(Clone, Debug)]
pub struct Client<H, const LEVELS: usize> {
    server: Endpoint,
    path: heapless::String<NAME_MAX>,
    digest: Option<Digest>,
    from: u64,
    rate: u32,
    multicast: bool,
    timing: Timing,
    /// Time from one block to the next that a GET asks for, in µs.
    gap: u16,

    phase: Phase,
    /// Whether the caller has called [`Client::start`].
    started: bool,
    nonce: u64,
    /// What the server gave, once it has answered.
    cookie: Option<u64>,
    /// The file and its digest, once a server has told it.
    known: Option<(Descriptor, Digest)>,
    /// The first four octets of that digest.
    id: u32,
    /// It has no file, and takes no block, until a server has told the file.
    verifier: Verifier<H, LEVELS>,
    /// Set when the transfer was ended for good.
    ended: bool,

    window: Window,
    flow: Flow,
    /// Order of the block that was asked for last when the window was halved. Blocks up to it say nothing about the present window.
    recovery: u32,
    rtt: Rtt,
    /// Order of a block and when it was asked for, for a sample of the round trip.
    timed: Option<(u32, Instant)>,

    /// Set when an OPEN is waiting to be sent.
    open_due: bool,
    /// Number of OPENs that were sent to this server.
    opens: u8,
    /// When the first of them was sent, if it is the only one: the answer is a sample of the round trip.
    open_sent: Option<Instant>,
    /// Nothing is sent before this time, because the server is busy.
    hold: Option<Instant>,
    /// When the server began to be busy, if nothing right has come since.
    busy_since: Option<Instant>,
    /// When what was asked for counts as lost.
    tail: Option<Instant>,
    timer: Option<Instant>,
    /// Number of time-outs since something right has come.
    retries: u8,
    progress_at: Instant,
    /// When the first OPEN became due.
    begun_at: Instant,

    /// Number of wrong blocks since the last right one.
    wrong_in_row: u8,
    /// Set when a wrong block has come since the last time-out.
    wrong_since: bool,
    /// Number of the block that was wrong last.
    wrong_number: u32,
    /// Octets of the file that were used.
    offset: u64,
    /// What the caller adds to a REPORT that is waiting to be sent.
    farewell: Option<Farewell>,
    #[cfg(any(test, feature = "multicast"))]
    riding: group::Riding,
    stats: Stats,
}

impl<H: Hasher, const LEVELS: usize> Client<H, LEVELS> {
    /// Makes a transfer from `server`. The OPEN is due at once. `nonce` is a random number: who does not know it cannot answer in the
    /// server's place.
    ///
    /// # Errors
    /// Fails with [`UbpError::Name`] or [`UbpError::Parameter`] when the request cannot be sent.
    pub fn new(
        hasher: H,
        server: Endpoint,
        request: &Request<'_>,
        timing: Timing,
        nonce: u64,
        now: Instant,
    ) -> Result<Self, UbpError> {
        let mut client = Self::idle(hasher);
        client.restart(server, request, timing, nonce, now)?;
        Ok(client)
    }

    /// Makes a client without a transfer, for [`restart`](Self::restart).
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub fn idle(hasher: H) -> Self {
        let timing = Timing::default();
        Self {
            server: Endpoint::server(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            path: heapless::String::new(),
            digest: None,
            from: 0,
            rate: 0,
            multicast: false,
            timing,
            gap: 0,
            phase: Phase::Closed,
            started: false,
            nonce: 0,
            cookie: None,
            known: None,
            id: 0,
            verifier: Verifier::idle(hasher),
            ended: true,
            window: Window::new(0),
            flow: Flow::new(1),
            recovery: 0,
            rtt: rtt(&timing),
            timed: None,
            open_due: false,
            opens: 0,
            open_sent: None,
            hold: None,
            busy_since: None,
            tail: None,
            timer: None,
            retries: 0,
            progress_at: Instant::ZERO,
            begun_at: Instant::ZERO,
            wrong_in_row: 0,
            wrong_since: false,
            wrong_number: 0,
            offset: 0,
            farewell: None,
            #[cfg(any(test, feature = "multicast"))]
            riding: group::Riding::new(),
            stats: Stats::default(),
        }
    }

    /// Begins another transfer in place of an earlier one, of which the caller holds no frame any more: see [`give_up`](Self::give_up). The parameters and the
    /// errors are those of [`new`](Self::new).
    ///
    /// # Errors
    /// As for `new`. The client has no transfer then.
    #[inline(never)]
    pub fn restart(
        &mut self,
        server: Endpoint,
        request: &Request<'_>,
        timing: Timing,
        nonce: u64,
        now: Instant,
    ) -> Result<(), UbpError> {
        self.close();
        self.ended = true;
        self.path.clear();
        let fits = self.path.push_str(request.path).is_ok();
        if !fits || (request.path.is_empty() && request.digest.is_none()) {
            return Err(UbpError::Name);
        }
        if !(1..=WINDOW_MAX).contains(&request.window) {
            return Err(UbpError::Parameter);
        }
        self.digest = request.digest;
        self.from = request.offset;
        self.rate = request.rate;
        self.multicast = request.multicast;
        self.timing = timing;
        self.gap = gap(request.rate);
        self.started = false;
        self.known = None;
        self.id = 0;
        self.ended = false;
        self.window = Window::new(0);
        self.flow = Flow::new(request.window);
        self.recovery = 0;
        self.begun_at = now;
        self.wrong_since = false;
        self.wrong_number = 0;
        self.offset = 0;
        self.farewell = None;
        #[cfg(any(test, feature = "multicast"))]
        {
            self.riding = group::Riding::new();
        }
        self.stats = Stats::default();
        self.meet(now, server, nonce);
        Ok(())
    }

    /// Turns to a server of which nothing is known. An OPEN to it is due.
    fn meet(&mut self, now: Instant, server: Endpoint, nonce: u64) {
        self.server = server;
        self.nonce = nonce;
        self.cookie = None;
        self.phase = Phase::Opening;
        self.flow = Flow::new(u8::try_from(self.flow.limit()).unwrap_or(1));
        self.rtt = rtt(&self.timing);
        self.window.lose_all(0);
        self.timed = None;
        self.opens = 0;
        self.open_sent = None;
        self.hold = None;
        self.busy_since = None;
        self.wrong_in_row = 0;
        self.retries = 0;
        self.progress_at = now;
        self.open(now);
    }

    /// Goes on with another server, or again with the same one: an OPEN to it is due. What was verified stays so, and blocks that the caller
    /// holds are not asked for again. Use it after a failure; after completion, or after [`give_up`](Self::give_up), it does nothing.
    ///
    /// # Errors
    /// Fails with [`UbpError::Name`] when `path` is too long, or is empty and no digest is known.
    pub fn try_server(
        &mut self,
        now: Instant,
        server: Endpoint,
        path: &str,
        nonce: u64,
    ) -> Result<(), UbpError> {
        if self.phase == Phase::Complete || self.ended {
            return Ok(());
        }
        if path.is_empty() && self.digest.is_none() && self.known.is_none() {
            return Err(UbpError::Name);
        }
        self.path.clear();
        self.path.push_str(path).map_err(|_| UbpError::Name)?;
        self.meet(now, server, nonce);
        Ok(())
    }

    /// Offset in the file of the first octet that comes, once the server has told the file: that of a block, and not behind
    /// [`Request::offset`].
    pub fn first(&self) -> u64 {
        let size = self.known.map_or(0, |(descriptor, _)| descriptor.size);
        let offset = self.from.min(size.saturating_sub(1));
        offset.saturating_sub(offset % BLOCK as u64)
    }

    /// Ends the pause after [`Event::Opened`]: blocks are asked for from now on. At any other point it does nothing.
    pub fn start(&mut self, now: Instant) {
        if self.phase == Phase::Paused {
            self.started = true;
            self.receive(now);
        }
    }

    /// Asks for blocks from now on.
    fn receive(&mut self, now: Instant) {
        self.phase = Phase::Receiving;
        self.progress_at = now;
        self.arm(now);
        self.finish();
    }

    /// Ends the transfer if all blocks were used.
    fn finish(&mut self) {
        if self.window.is_complete() {
            self.phase = Phase::Complete;
            self.tail = None;
            self.timer = None;
            self.open_due = false;
        }
    }

    /// Ends the transfer for good. Each call gives one slot back in which the caller holds a frame, until there is none.
    pub fn give_up(&mut self) -> Option<u8> {
        if self.phase != Phase::Complete {
            self.close();
        }
        self.ended = true;
        let slot = self.window.take_slot();
        #[cfg(any(test, feature = "multicast"))]
        if slot == Some(OWN_SLOT) {
            return self.window.take_slot();
        }
        slot
    }

    /// Makes a REPORT due: how the transfer ended, for whoever watches the server. `error` is 0 if all is well; `state` is the state of
    /// the device. The REPORT is sent once, and only to a server that has answered.
    pub fn report(&mut self, now: Instant, error: u32, state: u32) {
        self.farewell = self.cookie.map(|cookie| Farewell {
            cookie,
            at: now,
            error,
            state,
        });
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). `None` while the client waits for nothing.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }

    /// Does what is due at `now`: sends again or gives up. Early calls do nothing.
    ///
    /// # Errors
    /// Fails when the server was silent, wrong or busy for too long, and with [`UbpError::Closed`] after an earlier error.
    #[inline(never)]
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), UbpError> {
        if self.phase == Phase::Closed {
            return Err(UbpError::Closed);
        }
        if self.timer.is_none_or(|timer| now < timer) {
            return Ok(());
        }
        self.timer = None;
        if self.hold.take().is_some() {
            // The time that the server asked for is over.
            if self.phase == Phase::Opening {
                self.open(now);
            }
            self.arm(now);
            return Ok(());
        }
        #[cfg(any(test, feature = "multicast"))]
        if self.phase == Phase::Receiving {
            if self.fell_silent(now) {
                self.arm(now);
                return Ok(());
            }
            if self.tail.is_none_or(|tail| now < tail) {
                self.set_timer();
                return Ok(());
            }
        }
        if now.since(self.progress_at) >= self.timing.progress_timeout {
            let error = match self.phase {
                _ if self.wrong_in_row > 0 => self.wrong_blocks(),
                _ if self.cookie.is_none() => UbpError::NoAnswer,
                _ => UbpError::Stalled {
                    offset: self.offset,
                },
            };
            return Err(self.fail(error));
        }
        match self.phase {
            Phase::Opening => {
                self.rtt.back_off();
                self.open(now);
            }
            Phase::Receiving => {
                // A server whose blocks are wrong does answer.
                if !core::mem::take(&mut self.wrong_since) {
                    self.rtt.back_off();
                }
                self.retries = self.retries.saturating_add(1);
                if self.retries >= 2 {
                    self.open_due = true;
                }
                let lost = self.window.lose_all(self.recovery);
                self.count_lost(lost);
                self.arm(now);
            }
            Phase::Paused | Phase::Complete | Phase::Closed => {}
        }
        Ok(())
    }

    /// The server that is asked, or that has answered.
    pub fn server(&self) -> Endpoint {
        self.server
    }

    /// Whether all blocks were used.
    pub fn is_complete(&self) -> bool {
        self.phase == Phase::Complete
    }

    /// Number of octets of the file that were used.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Number of the first block that was not used, in the order of the packed file: all before it were.
    pub fn next_number(&self) -> u32 {
        self.window.base()
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Smoothed round-trip time, once there is one.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    /// Number of blocks that are asked for at once. It shrinks when many of them are lost.
    pub fn window(&self) -> u32 {
        self.flow.size()
    }

    /// Makes an OPEN due.
    fn open(&mut self, now: Instant) {
        self.open_due = true;
        self.arm(now);
    }

    /// Sets the timer for what is waited for, no later than the end of patience.
    #[inline(never)]
    fn arm(&mut self, now: Instant) {
        let waits = match self.phase {
            Phase::Opening => true,
            Phase::Receiving => self.window.is_waiting() || self.is_block_due(),
            _ => false,
        };
        let wait = self.rtt.timeout() + Duration::from_micros(self.gap.into());
        let patience = self.progress_at + self.timing.progress_timeout;
        self.tail = waits.then(|| (now + wait).min(patience));
        self.set_timer();
    }

    /// Sets the timer to whatever comes first.
    fn set_timer(&mut self) {
        self.timer = match self.phase {
            Phase::Opening | Phase::Receiving => self.hold.or(self.tail),
            Phase::Paused | Phase::Complete | Phase::Closed => None,
        };
        #[cfg(any(test, feature = "multicast"))]
        if let Some(deadline) = self.riding.deadline()
            && self.hold.is_none()
            && self.phase == Phase::Receiving
        {
            self.timer = Some(self.tail.map_or(deadline, |tail| tail.min(deadline)));
        }
    }

    /// Whether a block is to be asked for.
    fn is_block_due(&self) -> bool {
        self.window.is_due(self.flow.size(), self.horizon())
    }

    /// The number from which on blocks come without being asked for.
    #[cfg(any(test, feature = "multicast"))]
    fn horizon(&self) -> u32 {
        self.riding.horizon(self.window.base(), self.flow.limit())
    }

    /// The number from which on blocks come without being asked for.
    #[cfg(not(any(test, feature = "multicast")))]
    fn horizon(&self) -> u32 {
        u32::MAX
    }

    /// Notes how many blocks were lost, and how many of them say something about the present window.
    fn count_lost(&mut self, (all, later): (u32, u32)) {
        self.stats.lost = self.stats.lost.saturating_add(all);
        if later > 0 && self.flow.lost(later) {
            self.recovery = self.window.last_order();
        }
    }

    fn wrong_blocks(&self) -> UbpError {
        UbpError::WrongBlocks {
            number: self.wrong_number,
        }
    }

    /// Ends the transfer by an error.
    #[inline(never)]
    fn fail(&mut self, error: UbpError) -> UbpError {
        self.close();
        error
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.tail = None;
        self.timer = None;
        self.open_due = false;
    }
}

fn rtt(timing: &Timing) -> Rtt {
    Rtt::new(
        timing.initial_timeout,
        timing.min_timeout,
        timing.max_timeout,
    )
}

/// The time in µs that a block takes at `rate` octets in a second; 0 for the rate 0.
fn gap(rate: u32) -> u16 {
    let micros = quotient(BLOCK as u64 * 1_000_000, rate.into());
    u16::try_from(micros).unwrap_or(u16::MAX)
}
