//! One file over several connections (*lanes*): range requests under `If-Range` (RFC 9110, sections 13.1.5 and 14), several deep
//! on each lane (RFC 9112, section 9.3.2).
//!
//! The first request of a file asks for its first stripe alone. A 206 that shows the size of the file and a strong validator
//! lets the other lanes connect; anything else leaves one connection. [`Stripes`] says what is asked of whom. There is one
//! decoder: it reads the front stripe's lane, while the others' answers wait, heads and all, in their receive buffers, and
//! every answer is checked when its turn comes. No octet is copied once more than with one connection.
//!
//! A connection that ends between two answers is made anew and asked again, for a number of times. What breaks in the middle of
//! an answer ends the transfer as it does with one connection; it is then taken up over one.

use super::http::{HttpTransfer, Stepped, decode, write_request};
use super::stream::Peer;
use super::stripes::{DEPTH, LANES, Stripe, Stripes};
use super::{Pumped, Start, Take};
use crate::NetError;
use crate::stack::{Internal, Stack};
use netboot_core::uri::{Scheme, Uri};
use netboot_core::{Device, Duration, Instant, Platform};
use netboot_http::{Expect, HttpError, Method, Outcome, Validator};
use smoltcp::socket::tcp::State as TcpState;

/// Octets of a lane's receive buffer that are kept for the head of an answer, and for the last piece of a window, which a sender
/// leaves empty where less than a segment fits in (RFC 9293, section 3.8.6.2.1): the end of a stripe that has to wait for the
/// window takes another round trip. Of a small buffer it is half.
const ROOM: usize = 2560;
/// Octets that a stripe has if a lane's receive buffer holds so many, though the buffer then holds one stripe and not two.
const SHORT: usize = 16 * 1024;
/// Answers after which a server may end a connection without being thought of as one that always does.
const MANY: u8 = 16;
/// Connections that may end sooner than that, for one image.
const MOST_CUT_SHORT: u8 = 8;
/// How long a request may go without an acknowledgment, if that is longer than two round trips.
const PATIENCE: Duration = Duration::from_millis(200);
/// Answers begun in one call.
const BUDGET: usize = 2 * LANES;

/// How far a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not connected.
    Closed,
    /// Connecting; given up at that instant.
    Connecting(Instant),
    /// Connected.
    Open,
    /// The server does not want it: not tried again for this image.
    Refused,
}

/// One connection.
#[derive(Clone, Copy, Debug)]
struct Lane {
    state: State,
    /// Answers that it has brought, up to [`MANY`].
    answers: u8,
    /// When the last request was sent.
    asked: Instant,
}

impl Lane {
    const fn new(state: State) -> Self {
        Self {
            state,
            answers: 0,
            asked: Instant::ZERO,
        }
    }
}

/// What becomes of the answer to the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Divided {
    /// It is read as it is, with further lanes or without.
    No,
    /// It is of no use: the request has to be made again, for everything.
    AskAgain,
}

/// A file that comes over several lanes.
struct File {
    uri: Uri,
    peer: Peer,
    validator: Validator,
    /// Octets of the whole file.
    total: u64,
    stripes: Stripes,
    lanes: [Lane; LANES],
    /// Lanes that may be used.
    count: u8,
    /// The decoder was made ready for the front stripe.
    ready: bool,
    /// Connections that ended too soon.
    cut_short: u8,
}

/// All connections, and what is known of their use.
pub(super) struct Lanes {
    file: Option<File>,
    /// The stripe that the request under way asks for in place of everything.
    asked: Option<Stripe>,
    /// One connection for the rest of this image.
    pub alone: bool,
    /// Who lately gave no answer that further lanes could build on.
    unfit: Option<Peer>,
}

impl Lanes {
    pub const fn new() -> Self {
        Self {
            file: None,
            asked: None,
            alone: false,
            unfit: None,
        }
    }
}

impl File {
    fn lane(&mut self, lane: u8) -> Option<&mut Lane> {
        self.lanes.get_mut(usize::from(lane))
    }

    fn set(&mut self, lane: u8, state: State) {
        if let Some(entry) = self.lane(lane) {
            *entry = Lane::new(state);
        }
    }

    /// A connection has ended between two answers: what was asked of it will be asked again. `false` when that has happened
    /// too often.
    fn lost(&mut self, lane: u8) -> bool {
        let seasoned = self.lane(lane).is_some_and(|lane| lane.answers >= MANY);
        let wanted = self.stripes.lose(lane);
        self.set(lane, State::Closed);
        if wanted && !seasoned {
            self.cut_short = self.cut_short.saturating_add(1);
        }
        self.cut_short <= MOST_CUT_SHORT
    }

    /// Checks the head of the answer for the front stripe.
    fn check(&self, head: &netboot_http::Head) -> Result<(), NetError> {
        match head.outcome() {
            Outcome::PartialContent => {}
            Outcome::Failed(error) => return Err(error.into()),
            Outcome::Content | Outcome::Redirect => return Err(NetError::PartRefused),
        }
        head.continues(Some(self.total), Some(&self.validator))?;
        let wanted = self.stripes.front().map(|(stripe, _)| stripe.len());
        match head.part_octets() == wanted && head.total.is_some() {
            true => Ok(()),
            false => Err(NetError::PartRefused),
        }
    }
}

impl HttpTransfer {
    /// Whether a file is coming over several lanes.
    #[inline(always)]
    pub(super) fn is_parallel(&self) -> bool {
        self.lanes.file.is_some()
    }

    /// What the first request asks for: the first stripe where there may be more lanes, or what `start` says.
    pub(super) fn first_stripe<'v, D: Device, P: Platform>(
        &mut self,
        stack: &Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'v>,
    ) -> Start<'v> {
        self.lanes.asked = None;
        let allowed = stack.lanes().min(usize::from(stack.options.connections));
        let peer = self.stream.peer();
        let end = start.offset.saturating_add(stripe_octets(stack));
        if self.lanes.alone
            || allowed < 2
            || uri.scheme() != Scheme::Http
            || start.validator.is_some()
            || self.stream.rtt < stack.options.connections_rtt
            || peer.is_none()
            || peer == self.lanes.unfit
            || start.end.is_some_and(|all| all <= end)
        {
            return start;
        }
        self.lanes.asked = Some(Stripe {
            first: start.offset,
            end,
        });
        Start {
            end: Some(end),
            ..start
        }
    }

    /// Looks at the head of the answer to the first request, and divides the rest of the file.
    #[inline(never)]
    pub(super) fn divide<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Divided {
        let Some(mut stripe) = self.lanes.asked.take() else {
            return Divided::No;
        };
        let head = self.response.head();
        let unfit = match (head.outcome(), head.total) {
            (Outcome::PartialContent, Some(total)) => {
                stripe.end = stripe.end.min(total);
                let all = start.end.map_or(total, |end| end.min(total));
                let exact = head.part_octets() == Some(stripe.len());
                if exact && stripe.end >= all {
                    return Divided::No;
                }
                match (&head.validator, self.stream.peer()) {
                    (Some(validator), Some(peer)) if exact && head.keep_alive => {
                        let validator = validator.clone();
                        self.begin(stack, uri, peer, validator, total, stripe, all);
                        return Divided::No;
                    }
                    _ => true,
                }
            }
            (Outcome::PartialContent, None) => true,
            // An empty file has no first octet.
            (Outcome::Failed(HttpError::RangeNotSatisfiable { .. }), _) => false,
            _ => return Divided::No,
        };
        if unfit {
            self.lanes.unfit = self.stream.peer();
        }
        self.lanes.alone = true;
        Divided::AskAgain
    }

    #[expect(clippy::too_many_arguments, reason = "the facts of one file, once")]
    fn begin<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
        peer: Peer,
        validator: Validator,
        total: u64,
        first: Stripe,
        end: u64,
    ) {
        let count = stack.lanes().min(usize::from(stack.options.connections));
        let mut file = File {
            uri: uri.clone(),
            peer,
            validator,
            total,
            stripes: Stripes::new(first, end, stripe_octets(stack)),
            lanes: [Lane::new(State::Closed); LANES],
            count: count as u8,
            // Its head has been read.
            ready: true,
            cut_short: 0,
        };
        file.set(0, State::Open);
        for lane in 1..file.count {
            self.stream.select(stack, lane);
            let socket = stack.tcp();
            let usable = socket.state() == TcpState::Established && !socket.can_recv();
            if usable && self.stream.peer() == Some(peer) {
                file.set(lane, State::Open);
            }
        }
        self.stream.select(stack, 0);
        self.lanes.file = Some(file);
    }

    /// As [`HttpTransfer::pump`], from whichever lane has the next octets.
    #[inline(never)]
    pub(super) fn pump_lanes<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        self.tend(stack, now)?;
        for _ in 0..BUDGET {
            let Some(file) = &mut self.lanes.file else {
                return Err(stack.fail(NetError::StaleHandle));
            };
            let Some((stripe, lane)) = file.stripes.front() else {
                return Ok(Pumped::Complete);
            };
            let Some(lane) = lane else {
                // It has to be asked for again, once there is a connection.
                let limit = *self.waiting.get_or_insert(now) + stack.options.stall_timeout;
                return match now >= limit {
                    true => Err(stack.fail(NetError::Stalled)),
                    false => Ok(Pumped::Nothing(limit)),
                };
            };
            self.stream.select(stack, lane);
            if !file.ready {
                file.ready = true;
                self.response.restart(Expect {
                    method: Method::Get,
                    range_first: Some(stripe.first),
                    keep_alive: true,
                });
                self.waiting = None;
            }
            match self.step(stack, now, max, take) {
                Ok(Stepped::Head) => {
                    let file = self.lanes.file.as_ref();
                    if let Some(Err(error)) = file.map(|file| file.check(self.response.head())) {
                        return Err(stack.fail(error));
                    }
                }
                Ok(Stepped::Taken(octets)) => {
                    if let Some(file) = &mut self.lanes.file {
                        file.stripes.taken(octets as u64);
                    }
                    return Ok(Pumped::Octets(octets));
                }
                Ok(Stepped::Complete) => {
                    self.finish_stripe(stack, lane)?;
                    self.tend(stack, now)?;
                }
                Ok(Stepped::Nothing(until)) => {
                    let Some(overdue) = self.overdue(stack, lane) else {
                        return Ok(Pumped::Nothing(until));
                    };
                    if now < overdue {
                        return Ok(Pumped::Nothing(until.min(overdue)));
                    }
                    if !self.lost(stack, lane) {
                        return Err(stack.fail(NetError::Stalled));
                    }
                    self.tend(stack, now)?;
                }
                Err(failed) => {
                    // No head yet: nothing of the answer was used.
                    let between = self.response.head().status == 0;
                    let ended = stack.error().is_some_and(NetError::is_stale);
                    if !(between && ended && self.lost(stack, lane)) {
                        return Err(failed);
                    }
                    self.tend(stack, now)?;
                }
            }
        }
        Ok(Pumped::Octets(0))
    }

    /// When a request that is not acknowledged on `lane`, the one that is looked at, counts as lost with its connection: smoltcp
    /// would repeat it after a second (RFC 6298, section 2.4), and all others would wait for that.
    fn overdue<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        lane: u8,
    ) -> Option<Instant> {
        let asked = self.lanes.file.as_mut()?.lane(lane)?.asked;
        let patience = PATIENCE.max(self.stream.rtt + self.stream.rtt);
        (stack.tcp().send_queue() > 0).then(|| asked + patience)
    }

    /// The answer on `lane` is over.
    fn finish_stripe<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        lane: u8,
    ) -> Internal {
        let Some(file) = &mut self.lanes.file else {
            return Ok(());
        };
        file.stripes.finish_front();
        file.ready = false;
        if let Some(lane) = file.lane(lane) {
            lane.answers = lane.answers.saturating_add(1).min(MANY);
        }
        if !self.response.head().keep_alive && !self.lost(stack, lane) {
            return Err(stack.fail(HttpError::Closed.into()));
        }
        Ok(())
    }

    /// The connection of `lane` ended between two answers; `false` when that has happened too often.
    fn lost<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>, lane: u8) -> bool {
        self.stream.select(stack, lane);
        self.stream.disconnect(stack);
        let Some(file) = &mut self.lanes.file else {
            return false;
        };
        if file.stripes.front().is_some_and(|(_, of)| of == Some(lane)) {
            file.ready = false;
        }
        file.lost(lane)
    }

    /// Connects lanes that are needed, and asks each for as much as it may be asked for.
    #[inline(never)]
    fn tend<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
    ) -> Internal {
        let Some(file) = &self.lanes.file else {
            return Ok(());
        };
        let mut wanted = file.stripes.wanted();
        let (mut open, mut coming) = (0u8, false);
        if wanted == 0 {
            return Ok(());
        }
        for lane in 0..file.count {
            match self.tend_lane(stack, now, lane, wanted > 0)? {
                State::Open => open |= 1 << lane,
                State::Connecting(_) => {
                    coming = true;
                    wanted = wanted.saturating_sub(1);
                }
                State::Closed | State::Refused => {}
            }
        }
        // A lane that will take its question a little later.
        let mut later = false;
        for _ in 0..LANES * DEPTH {
            let Some(file) = &mut self.lanes.file else {
                break;
            };
            let Some((lane, stripe)) = file.stripes.request(open) else {
                break;
            };
            self.stream.select(stack, lane);
            match self.ask(stack, stripe) {
                Ok(()) => {
                    if let Some(file) = &mut self.lanes.file {
                        file.stripes.sent(lane, stripe);
                        if let Some(lane) = file.lane(lane) {
                            lane.asked = now;
                        }
                    }
                    stack.flush();
                }
                // The question before it was not acknowledged yet.
                Err(NetError::Http(HttpError::RequestTooLong)) if stack.tcp().send_queue() > 0 => {
                    open &= !(1 << lane);
                    later = true;
                }
                Err(error) => return Err(stack.fail(error)),
            }
        }
        let front = self
            .lanes
            .file
            .as_ref()
            .and_then(|file| file.stripes.front());
        match front {
            // Whoever is there has to bring others first.
            Some((_, None)) if !coming && !later => Err(stack.fail(NetError::ConnectionRefused)),
            _ => Ok(()),
        }
    }

    /// One lane's connection; `needed` when a lane that is closed is to connect.
    fn tend_lane<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        lane: u8,
        needed: bool,
    ) -> Internal<State> {
        let Some(file) = &mut self.lanes.file else {
            return Ok(State::Closed);
        };
        let peer = file.peer;
        let is_read = file.stripes.front().is_some_and(|(_, of)| of == Some(lane));
        let was = file.lane(lane).map_or(State::Refused, |lane| lane.state);
        self.stream.select(stack, lane);
        let tcp = stack.tcp().state();
        let is = match was {
            State::Closed if needed => {
                let limit = now + stack.options.connect_timeout;
                match self.stream.start(stack, peer) {
                    Ok(()) => State::Connecting(limit),
                    Err(_) => State::Refused,
                }
            }
            State::Connecting(_) if tcp == TcpState::Established => {
                self.stream.started(peer);
                State::Open
            }
            State::Connecting(limit) if tcp != TcpState::SynSent || now >= limit => {
                self.stream.disconnect(stack);
                State::Refused
            }
            State::Open if tcp != TcpState::Established => {
                // What it brought is read first; how its end is to be taken shows there.
                if is_read || stack.tcp().may_recv() {
                    return Ok(State::Closed);
                }
                if !self.lost(stack, lane) {
                    return Err(stack.fail(HttpError::Closed.into()));
                }
                return Ok(State::Closed);
            }
            same => return Ok(same),
        };
        if let Some(file) = &mut self.lanes.file {
            file.set(lane, is);
        }
        Ok(is)
    }

    /// Sends the request for `stripe` on the lane that is looked at.
    fn ask<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        stripe: Stripe,
    ) -> Result<(), NetError> {
        let Some(file) = &self.lanes.file else {
            return Err(NetError::StaleHandle);
        };
        let start = Start {
            offset: stripe.first,
            end: Some(stripe.end),
            validator: Some(&file.validator),
            total: Some(file.total),
        };
        write_request(&mut self.stream, stack, &file.uri, start, None)
    }

    /// Keeps the connections on which nothing is under way, and cuts the others.
    #[inline(never)]
    pub(super) fn close_lanes<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        // Whoever took the last octet may not have asked what follows it.
        let _ = decode(&mut self.response, &[], 0, &mut |_| 0);
        let Some(mut file) = self.lanes.file.take() else {
            return;
        };
        if let Some((stripe, Some(lane))) = file.stripes.front()
            && file.ready
            && stripe.len() == 0
            && self.response.is_complete()
        {
            file.stripes.finish_front();
            if !self.response.head().keep_alive {
                file.set(lane, State::Closed);
            }
        }
        self.lanes.alone |= !file.stripes.is_complete();
        for lane in 0..file.count {
            self.stream.select(stack, lane);
            let open = file
                .lane(lane)
                .is_some_and(|lane| lane.state == State::Open);
            if !open || file.stripes.load(lane) > 0 || stack.tcp().can_recv() {
                self.stream.disconnect(stack);
            }
        }
        self.stream.select(stack, 0);
    }
}

/// Octets of a stripe. It lies in a lane's receive buffer whole, head and all, while it waits for its turn. A large buffer holds two:
/// with one, a server that spreads a window over a round trip keeps the other lanes full and waiting for that time. With more of
/// them, or shorter ones, requests come late.
fn stripe_octets<D: Device, P: Platform>(stack: &Stack<'_, D, P>) -> u64 {
    let buffer = stack.lane_buffer();
    let all = buffer.saturating_sub(ROOM.min(buffer / 2));
    (all / 2).max(SHORT.min(all)).max(1) as u64
}
