//! One file over several connections (*lanes*): range requests under `If-Range` (RFC 9110, sections 13.1.5 and 14), several deep
//! on each lane (RFC 9112, section 9.3.2).
//!
//! The first request for a file asks for its first stripe alone. A 206 that shows the size of the file and a strong validator
//! lets the other lanes connect; after anything else the file comes over one connection. [`Stripes`] says what is asked of whom.
//! There is one decoder: it reads the front stripe's lane, while the others' answers wait, heads and all, in their receive
//! buffers, and every answer is checked when its turn comes. No octet is copied once more than with one connection.
//!
//! A connection that ends between two answers is made anew and asked again, for a number of times. What breaks in the middle of
//! an answer ends the transfer as it does with one connection; the transfer is then taken up over one.

use super::connection::Peer;
use super::connections::Connections;
use super::reader::{Get, Reader, Stepped, write_get};
use super::stripes::{DEPTH, LANES, Stripe, Stripes};
use crate::board::Board;
use crate::error::NetError;
use crate::options::HttpOptions;
use crate::station::{Internal, Station};
use crate::transfer::carrier::{Pumped, Start, Take, Validator};
use netboot_core::uri::{Scheme, Uri};
use netboot_core::{Duration, Instant};
use netboot_http::{Expect, HttpError, Method, Outcome};
use smoltcp::socket::tcp::State as TcpState;

/// What the lanes work with.
pub(super) struct Line<'l, 'a> {
    pub connections: &'l mut Connections<'a>,
    pub reader: &'l mut Reader,
    pub options: &'l HttpOptions,
}

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
    /// The lane is not connected.
    Closed,
    /// The lane connects; it is given up at that instant.
    Connecting(Instant),
    /// The lane is connected.
    Open,
    /// The server does not want the lane. It is not tried again for this image.
    Refused,
}

/// One connection.
#[derive(Clone, Copy, Debug)]
struct Lane {
    state: State,
    /// Number of answers that the connection has brought, up to [`MANY`].
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
    /// The answer is read as it is, with further lanes or without.
    No,
    /// The answer is of no use: the request has to be made again, for everything.
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
    /// Number of lanes that may be used.
    count: u8,
    /// Set when the decoder was made ready for the front stripe.
    ready: bool,
    /// Number of connections that ended too soon.
    cut_short: u8,
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

    /// Notes that a connection has ended between two answers: what was asked of it will be asked again. `false` when that has
    /// happened too often.
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

/// What is known of the use of several connections.
pub(super) struct Lanes {
    /// The file that comes over several lanes; `None` while one connection is enough.
    file: Option<File>,
    /// The stripe that the request under way asks for in place of everything.
    asked: Option<Stripe>,
    /// Set when one connection has to do for the rest of this image.
    alone: bool,
    /// The peer that lately gave no answer that further lanes could build on.
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

    /// Whether a file is coming over several lanes.
    #[inline(always)]
    pub fn is_active(&self) -> bool {
        self.file.is_some()
    }

    /// Forgets what stood against several connections with the last image.
    pub fn next_image(&mut self) {
        self.alone = false;
    }

    /// Says what the first request asks for: the first stripe where there may be more lanes, or what `start` says.
    pub fn first_stripe<'v, B: Board>(
        &mut self,
        line: &Line<'_, '_>,
        station: &Station<'_, B>,
        uri: &Uri,
        start: Start<'v>,
    ) -> Start<'v> {
        self.asked = None;
        let allowed = line
            .connections
            .len()
            .min(usize::from(line.options.connections));
        let first = &line.connections.first;
        let peer = first.peer();
        let end = start
            .offset
            .saturating_add(stripe_octets(line.connections, station));
        if self.alone
            || allowed < 2
            || uri.scheme() != Scheme::Http
            || start.validator.is_some()
            || first.rtt < line.options.connections_rtt
            || peer.is_none()
            || peer == self.unfit
            || start.end.is_some_and(|all| all <= end)
        {
            return start;
        }
        self.asked = Some(Stripe {
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
    pub fn divide<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Divided {
        let Some(mut stripe) = self.asked.take() else {
            return Divided::No;
        };
        let head = line.reader.response.head();
        let peer = line.connections.first.peer();
        let unfit = match (head.outcome(), head.total) {
            (Outcome::PartialContent, Some(total)) => {
                stripe.end = stripe.end.min(total);
                let end = start.end.map_or(total, |end| end.min(total));
                let exact = head.part_octets() == Some(stripe.len());
                if exact && stripe.end >= end {
                    return Divided::No;
                }
                match (&head.validator, peer) {
                    (Some(validator), Some(peer)) if exact && head.keep_alive => {
                        let validator = validator.clone();
                        self.begin(line, station, uri, peer, validator, total, stripe, end);
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
            self.unfit = peer;
        }
        self.alone = true;
        Divided::AskAgain
    }

    #[expect(clippy::too_many_arguments, reason = "the facts of one file, once")]
    fn begin<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        uri: &Uri,
        peer: Peer,
        validator: Validator,
        total: u64,
        first: Stripe,
        end: u64,
    ) {
        let count = line
            .connections
            .len()
            .min(usize::from(line.options.connections));
        let mut file = File {
            uri: uri.clone(),
            peer,
            validator,
            total,
            stripes: Stripes::new(first, end, stripe_octets(line.connections, station)),
            lanes: [Lane::new(State::Closed); LANES],
            count: count as u8,
            // Its head has been read.
            ready: true,
            cut_short: 0,
        };
        file.set(0, State::Open);
        for lane in 1..file.count {
            let connection = line.connections.lane(lane);
            let socket = connection.socket(station);
            let usable = socket.state() == TcpState::Established && !socket.can_recv();
            if usable && connection.peer() == Some(peer) {
                file.set(lane, State::Open);
            }
        }
        self.file = Some(file);
    }

    /// Hands octets on, from whichever lane has the next ones.
    #[inline(never)]
    pub fn pump<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        self.tend(line, station, now)?;
        for _ in 0..BUDGET {
            let Some(file) = &mut self.file else {
                return Err(station.fail(NetError::Internal));
            };
            let Some((stripe, lane)) = file.stripes.front() else {
                return Ok(Pumped::Complete);
            };
            let Some(lane) = lane else {
                // The stripe has to be asked for again, once there is a connection.
                let since = *line.reader.waiting.get_or_insert(now);
                let limit = since + line.options.stall_timeout;
                return match now >= limit {
                    true => Err(station.fail(NetError::Stalled)),
                    false => Ok(Pumped::Nothing(limit)),
                };
            };
            if !file.ready {
                file.ready = true;
                line.reader.restart(Expect {
                    method: Method::Get,
                    range_first: Some(stripe.first),
                    keep_alive: true,
                });
            }
            let connection = line.connections.lane(lane);
            let stepped = line
                .reader
                .step(connection, station, line.options, now, max, take);
            match stepped {
                Ok(Stepped::Head) => {
                    let file = self.file.as_ref();
                    let checked = file.map(|file| file.check(line.reader.response.head()));
                    if let Some(Err(error)) = checked {
                        return Err(station.fail(error));
                    }
                }
                Ok(Stepped::Taken(octets)) => {
                    if let Some(file) = &mut self.file {
                        file.stripes.taken(octets as u64);
                    }
                    return Ok(Pumped::Octets(octets));
                }
                Ok(Stepped::Complete) => {
                    self.finish_stripe(line, station, lane)?;
                    self.tend(line, station, now)?;
                }
                Ok(Stepped::Nothing(until)) => {
                    let Some(overdue) = self.overdue(line, station, lane) else {
                        return Ok(Pumped::Nothing(until));
                    };
                    if now < overdue {
                        return Ok(Pumped::Nothing(until.min(overdue)));
                    }
                    if !self.lost(line, station, lane) {
                        return Err(station.fail(NetError::Stalled));
                    }
                    self.tend(line, station, now)?;
                }
                Err(failed) => {
                    // No head yet: nothing of the answer was used.
                    let between = line.reader.response.head().status == 0;
                    let ended = station.error().is_some_and(NetError::is_stale);
                    if !(between && ended && self.lost(line, station, lane)) {
                        return Err(failed);
                    }
                    self.tend(line, station, now)?;
                }
            }
        }
        Ok(Pumped::Octets(0))
    }

    /// When a request that is not acknowledged on `lane` counts as lost with its connection: smoltcp would repeat it after a
    /// second (RFC 6298, section 2.4), and all others would wait for that.
    fn overdue<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        lane: u8,
    ) -> Option<Instant> {
        let asked = self.file.as_mut()?.lane(lane)?.asked;
        let rtt = line.connections.first.rtt;
        let patience = PATIENCE.max(rtt + rtt);
        let socket = line.connections.lane(lane).socket(station);
        (socket.send_queue() > 0).then(|| asked + patience)
    }

    /// Notes that the answer on `lane` is over.
    fn finish_stripe<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        lane: u8,
    ) -> Internal {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.stripes.finish_front();
        file.ready = false;
        if let Some(lane) = file.lane(lane) {
            lane.answers = lane.answers.saturating_add(1).min(MANY);
        }
        if !line.reader.response.head().keep_alive && !self.lost(line, station, lane) {
            return Err(station.fail(HttpError::Closed.into()));
        }
        Ok(())
    }

    /// Notes that the connection of `lane` ended between two answers; `false` when that has happened too often.
    fn lost<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        lane: u8,
    ) -> bool {
        line.connections.lane(lane).disconnect(station);
        let Some(file) = &mut self.file else {
            return false;
        };
        if file.stripes.front().is_some_and(|(_, of)| of == Some(lane)) {
            file.ready = false;
        }
        file.lost(lane)
    }

    /// Connects lanes that are needed, and asks each for as much as it may be asked for.
    #[inline(never)]
    fn tend<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        now: Instant,
    ) -> Internal {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let mut wanted = file.stripes.wanted();
        let (mut open, mut coming) = (0u8, false);
        if wanted == 0 {
            return Ok(());
        }
        for lane in 0..file.count {
            match self.tend_lane(line, station, now, lane, wanted > 0)? {
                State::Open => open |= 1 << lane,
                State::Connecting(_) => {
                    coming = true;
                    wanted = wanted.saturating_sub(1);
                }
                State::Closed | State::Refused => {}
            }
        }
        // Set when a lane will take its question a little later.
        let mut later = false;
        for _ in 0..LANES * DEPTH {
            let Some(file) = &mut self.file else {
                break;
            };
            let Some((lane, stripe)) = file.stripes.request(open) else {
                break;
            };
            let start = Start {
                offset: stripe.first,
                end: Some(stripe.end),
                validator: Some(&file.validator),
                total: Some(file.total),
                #[cfg(feature = "ubp")]
                digest: None,
            };
            let connection = line.connections.lane(lane);
            let (uri, target) = (&file.uri, file.uri.target());
            let what = Get { uri, target, start };
            match write_get(connection, station, line.options, what, None) {
                Ok(()) => {
                    file.stripes.sent(lane, stripe);
                    if let Some(lane) = file.lane(lane) {
                        lane.asked = now;
                    }
                    station.flush();
                }
                // The question before it was not acknowledged yet.
                Err(NetError::Http(HttpError::RequestTooLong))
                    if connection.socket(station).send_queue() > 0 =>
                {
                    open &= !(1 << lane);
                    later = true;
                }
                Err(error) => return Err(station.fail(error)),
            }
        }
        let front = self.file.as_ref().and_then(|file| file.stripes.front());
        match front {
            // Whoever is there has to bring others first.
            Some((_, None)) if !coming && !later => Err(station.fail(NetError::ConnectionRefused)),
            _ => Ok(()),
        }
    }

    /// Looks after one lane's connection; a lane that is closed connects when it is `needed`.
    fn tend_lane<B: Board>(
        &mut self,
        line: &mut Line<'_, '_>,
        station: &mut Station<'_, B>,
        now: Instant,
        lane: u8,
        needed: bool,
    ) -> Internal<State> {
        let Some(file) = &mut self.file else {
            return Ok(State::Closed);
        };
        let peer = file.peer;
        let is_read = file.stripes.front().is_some_and(|(_, of)| of == Some(lane));
        let was = file.lane(lane).map_or(State::Refused, |lane| lane.state);
        let tcp = line.connections.lane(lane).socket(station).state();
        let is = match was {
            State::Closed if needed => {
                let limit = now + line.options.connect_timeout;
                let port = line.connections.free_port(station);
                let connection = line.connections.lane(lane);
                match connection.start(station, peer, port, line.options) {
                    Ok(()) => State::Connecting(limit),
                    Err(_) => State::Refused,
                }
            }
            State::Connecting(_) if tcp == TcpState::Established => {
                line.connections.lane(lane).started(peer);
                State::Open
            }
            State::Connecting(limit) if tcp != TcpState::SynSent || now >= limit => {
                line.connections.lane(lane).disconnect(station);
                State::Refused
            }
            State::Open if tcp != TcpState::Established => {
                // What it brought is read first; how its end counts shows there.
                if is_read || line.connections.lane(lane).socket(station).may_recv() {
                    return Ok(State::Closed);
                }
                if !self.lost(line, station, lane) {
                    return Err(station.fail(HttpError::Closed.into()));
                }
                return Ok(State::Closed);
            }
            same => return Ok(same),
        };
        if let Some(file) = &mut self.file {
            file.set(lane, is);
        }
        Ok(is)
    }

    /// Keeps the connections on which nothing is under way, and cuts the others.
    #[inline(never)]
    pub fn close<B: Board>(&mut self, line: &mut Line<'_, '_>, station: &mut Station<'_, B>) {
        let _ = line.reader.settle();
        let Some(mut file) = self.file.take() else {
            return;
        };
        if let Some((stripe, Some(lane))) = file.stripes.front()
            && file.ready
            && stripe.len() == 0
            && line.reader.response.is_complete()
        {
            file.stripes.finish_front();
            if !line.reader.response.head().keep_alive {
                file.set(lane, State::Closed);
            }
        }
        self.alone |= !file.stripes.is_complete();
        for lane in 0..file.count {
            let connection = line.connections.lane(lane);
            let open = file
                .lane(lane)
                .is_some_and(|lane| lane.state == State::Open);
            if !open || file.stripes.load(lane) > 0 || connection.socket(station).can_recv() {
                connection.disconnect(station);
            }
        }
    }
}

/// Octets of a stripe. A stripe lies in a lane's receive buffer whole, head and all, while it waits for its turn. A large buffer
/// holds two: with one, a server that spreads a window over a round trip keeps the other lanes full and waiting for that time.
/// With more of them, or shorter ones, requests come late.
fn stripe_octets<B: Board>(connections: &Connections<'_>, station: &Station<'_, B>) -> u64 {
    let buffer = connections.smallest_buffer(station);
    let all = buffer.saturating_sub(ROOM.min(buffer / 2));
    (all / 2).max(SHORT.min(all)).max(1) as u64
}
