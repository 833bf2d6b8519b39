//! The HTTP carrier: one file after the other, over one connection where the server allows.

use super::connection::{Connection, Peer};
use super::connections::Connections;
#[cfg(feature = "parallel")]
use super::lanes::{Divided, Lanes, Line};
use super::reader::{Get, Reader, Stepped, write_get};
use crate::board::Board;
use crate::error::NetError;
use crate::options::HttpOptions;
use crate::station::{Internal, Station, resolve};
use crate::transfer::carrier::{Carrier, Opened, Pumped, Start, Take, Validator};
use netboot_core::Instant;
use netboot_core::uri::{Target, Uri};
use netboot_http::{Outcome, Redirects};
#[cfg(feature = "negotiate")]
use netboot_ipxe::ServerInfo;

/// Status of an answer to a request that did not come in time.
const REQUEST_TIMEOUT: u16 = 408;

/// The HTTP carrier, for `http` and, with a TLS channel, `https`.
pub(crate) struct Http<'a> {
    pub(super) reader: Reader,
    pub(super) connections: Connections<'a>,
    pub(super) options: HttpOptions,
    /// Path and query of the place that a redirection has led to, when its URI has no room for them.
    target: Target,
    /// Whether files may come from servers that have proved nothing.
    #[cfg(all(feature = "https", feature = "exchange"))]
    pub(super) any_server: bool,
    /// What is known of the use of several connections.
    #[cfg(feature = "parallel")]
    lanes: Lanes,
}

impl<'a> Http<'a> {
    /// Makes the carrier with its first connection.
    pub fn new(first: Connection<'a>, options: HttpOptions) -> Self {
        Self {
            reader: Reader::new(),
            connections: Connections::new(first),
            options,
            target: Target::new(),
            #[cfg(all(feature = "https", feature = "exchange"))]
            any_server: false,
            #[cfg(feature = "parallel")]
            lanes: Lanes::new(),
        }
    }

    /// Says whether files may come from `https` servers that have proved nothing.
    #[cfg(all(feature = "https", feature = "exchange"))]
    pub fn accept_any_server(&mut self, yes: bool) {
        self.any_server = yes;
    }

    /// Makes `https` possible.
    #[cfg(feature = "https")]
    pub fn use_tls(&mut self, tls: &'a mut super::Tls<'a>) {
        self.connections.first.tls = Some(tls);
    }

    /// Whether there is room for a further connection.
    #[cfg(feature = "parallel")]
    pub fn has_room(&self) -> bool {
        !self.connections.is_full()
    }

    /// Adds a connection.
    #[cfg(feature = "parallel")]
    pub fn add(&mut self, connection: Connection<'a>) {
        self.connections.add(connection);
    }

    /// Forgets what stood against several connections with the last image.
    #[cfg(feature = "parallel")]
    pub fn next_image(&mut self) {
        self.lanes.next_image();
    }

    /// Cuts every connection.
    pub fn disconnect<B: Board>(&mut self, station: &mut Station<'_, B>) {
        self.connections.first.disconnect(station);
        #[cfg(feature = "parallel")]
        self.connections.disconnect_more(station);
    }

    /// What the lanes work with.
    #[cfg(feature = "parallel")]
    fn line(&mut self) -> (&mut Lanes, Line<'_, 'a>) {
        let line = Line {
            connections: &mut self.connections,
            reader: &mut self.reader,
            options: &self.options,
        };
        (&mut self.lanes, line)
    }

    /// Sends one request and waits for the head of its answer.
    #[inline(never)]
    fn request_head<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Internal {
        let peer = Peer::of(uri, resolve(station, uri)?);
        #[cfg(all(feature = "https", feature = "exchange"))]
        let peer = match self.any_server {
            true => peer.unproven(),
            false => peer,
        };
        self.finish(station);
        if self.connections.first.serves(station, peer, uri) {
            let result = self.request(station, uri, start);
            if !self.was_given_up(station, result.is_ok()) {
                return result;
            }
        }
        let port = self.connections.free_port(station);
        let first = &mut self.connections.first;
        first.connect(station, peer, port, uri, &self.options)?;
        self.request(station, uri, start)
    }

    /// Whether the server had given the connection up before it saw the request. It may close an idle connection at any moment (RFC 9112,
    /// section 9.5), and may say so with status 408 (RFC 9110, section 15.5.9). `answered` says that the head of an answer is there.
    pub(super) fn was_given_up<B: Board>(&self, station: &Station<'_, B>, answered: bool) -> bool {
        match answered {
            true => self.reader.response.head().status == REQUEST_TIMEOUT,
            false => station.error().is_some_and(NetError::is_stale),
        }
    }

    #[inline(never)]
    fn request<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &Uri,
        start: Start<'_>,
    ) -> Internal {
        #[cfg(feature = "parallel")]
        let start = match self.target.is_empty() {
            true => {
                let (lanes, line) = self.line();
                lanes.first_stripe(&line, station, uri, start)
            }
            // The stripes know of short places only.
            false => start,
        };
        let (reader, first) = (&mut self.reader, &mut self.connections.first);
        let what = Get {
            uri,
            target: self.target.of(uri),
            start,
        };
        write_get(first, station, &self.options, what, Some(reader))
            .map_err(|error| station.fail(error))?;
        station.flush();
        #[cfg(feature = "parallel")]
        let begun = station.now();
        let result = self.reader.await_head(first, station, &self.options);
        #[cfg(feature = "parallel")]
        {
            // The SYN may have waited for a hardware address.
            let took = station.now().since(begun);
            first.rtt = first.rtt.min(took);
        }
        result
    }

    /// Keeps the connection when the answer was read to the end, else cuts it.
    pub(super) fn finish<B: Board>(&mut self, station: &mut Station<'_, B>) {
        #[cfg(feature = "parallel")]
        if self.lanes.is_active() {
            let (lanes, mut line) = self.line();
            return lanes.close(&mut line, station);
        }
        // After an error nothing is reused.
        let _ = self.reader.settle();
        if !self.reader.response.can_reuse() {
            self.connections.first.disconnect(station);
        }
    }
}

impl<B: Board> Carrier<B> for Http<'_> {
    #[inline(never)]
    fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Internal<Opened> {
        let mut redirects = Redirects::new(self.options.redirects);
        self.target.clear();
        // The request goes there. `uri` keeps the last place that is short enough for it, so a transfer that is taken up again begins
        // with that one.
        let mut place = uri.clone();
        // The hop limit of `Redirects` ends this; nothing is asked again more than once.
        loop {
            if !self.connections.first.supports(&place) {
                return Err(station.fail(NetError::Unsupported));
            }
            let result = self.request_head(station, &place, start);
            if result.is_err() {
                self.connections.first.disconnect(station);
            }
            result?;
            #[cfg(feature = "parallel")]
            {
                let (lanes, mut line) = self.line();
                if lanes.divide(&mut line, station, &place, start) == Divided::AskAgain {
                    self.finish(station);
                    continue;
                }
            }
            let head = self.reader.response.head();
            match head.outcome() {
                outcome @ (Outcome::Content | Outcome::PartialContent) => {
                    let opened = Opened {
                        total: head.total,
                        first: head.first,
                    };
                    // Nothing but the server's word says that `If-Range` was looked at.
                    let same = match outcome {
                        Outcome::PartialContent => head.continues(start.total, start.validator),
                        _ => Ok(()),
                    };
                    if let Err(error) = same {
                        self.finish(station);
                        return Err(station.fail(error.into()));
                    }
                    return Ok(opened);
                }
                Outcome::Redirect => {
                    let (status, location) = (head.status, self.reader.response.location());
                    let next = redirects.follow_long(&place, status, location, &mut self.target);
                    // The body of a redirect is not worth waiting for.
                    self.finish(station);
                    place = next.map_err(|error| station.fail(error.into()))?;
                    if self.target.is_empty() {
                        *uri = place.clone();
                    }
                }
                Outcome::Failed(error) => {
                    self.finish(station);
                    return Err(station.fail(error.into()));
                }
            }
        }
    }

    fn pump(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        #[cfg(feature = "parallel")]
        if self.lanes.is_active() {
            let (lanes, mut line) = self.line();
            return lanes.pump(&mut line, station, now, max, take);
        }
        let first = &mut self.connections.first;
        let stepped = self
            .reader
            .step(first, station, &self.options, now, max, take)?;
        match stepped {
            Stepped::Taken(octets) => Ok(Pumped::Octets(octets)),
            Stepped::Complete => Ok(Pumped::Complete),
            Stepped::Head => Ok(Pumped::Octets(0)),
            Stepped::Nothing(until) => Ok(Pumped::Nothing(until)),
        }
    }

    fn validator(&self) -> Option<&Validator> {
        self.reader.response.head().validator.as_ref()
    }

    #[cfg(feature = "negotiate")]
    fn offer(&self, info: &mut ServerInfo) {
        let head = self.reader.response.head();
        info.ranges = head.accept_ranges;
        info.keep_alive = head.keep_alive;
    }

    fn close(&mut self, station: &mut Station<'_, B>) {
        self.finish(station);
    }
}
