//! Requests out, the answer's decoder in.
//!
//! The body is looked at where TCP put it, or where TLS decrypted it. What the sink does not take stays in the receive buffer,
//! and TCP's window tells the server to wait.

use super::connection::Connection;
use crate::board::Board;
use crate::error::NetError;
use crate::options::HttpOptions;
use crate::station::{Internal, Station, Step};
use crate::transfer::carrier::{Start, Take};
use netboot_core::Instant;
use netboot_core::uri::{LONG_TARGETS, MAX_URI, Uri};
use netboot_http::{Event, Expect, HttpError, Method, RangeFrom, Request, Response};

/// Octets of the longest response head, or of its fields that matter: a long `Location` and some short ones.
const HEAD: usize = if LONG_TARGETS { 2560 } else { 2048 };
/// Steps of the decoder in one call.
const BUDGET: usize = 64;

/// What a step of the decoder brought.
pub(super) enum Stepped {
    /// The head of the answer is there.
    Head,
    /// This many octets of the body were taken.
    Taken(usize),
    /// The answer is over.
    Complete,
    /// Nothing is there; the server counts as dead at this instant.
    Nothing(Instant),
}

/// The decoder of one answer after the other.
pub(super) struct Reader {
    pub response: Response<HEAD>,
    /// Since when nothing has come although it would be taken.
    pub waiting: Option<Instant>,
    /// Set once an octet of the answer has come.
    heard: bool,
}

impl Reader {
    pub fn new() -> Self {
        Self {
            response: Response::new(Expect {
                method: Method::Get,
                range_first: None,
                keep_alive: true,
            }),
            waiting: None,
            heard: false,
        }
    }

    /// Makes the decoder ready for the next answer.
    pub fn restart(&mut self, expect: Expect) {
        self.response.restart(expect);
        self.waiting = None;
        self.heard = false;
    }

    /// Waits for the head of the answer.
    pub fn await_head<B: Board>(
        &mut self,
        connection: &mut Connection<'_>,
        station: &mut Station<'_, B>,
        options: &HttpOptions,
    ) -> Internal {
        let limit = Instant::FAR_FUTURE;
        station.run(limit, NetError::Stalled, |station, now| {
            match self.step(connection, station, options, now, 0, &mut |_| 0)? {
                Stepped::Head => Ok(Step::Done(())),
                Stepped::Nothing(until) => Ok(Step::Again(until)),
                Stepped::Taken(_) | Stepped::Complete => {
                    Err(station.fail(HttpError::BadHead.into()))
                }
            }
        })
    }

    /// Lets the decoder see what has arrived, until it has something to tell.
    #[inline(never)]
    pub fn step<B: Board>(
        &mut self,
        connection: &mut Connection<'_>,
        station: &mut Station<'_, B>,
        options: &HttpOptions,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Stepped> {
        for _ in 0..BUDGET {
            if self.response.is_complete() {
                return Ok(Stepped::Complete);
            }
            let response = &mut self.response;
            let mut decoded = Ok(None);
            let looked = connection.look(station, &mut |input| {
                let (used, result) = decode(response, input, max, take);
                decoded = result;
                used
            });
            match looked {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(station.fail(error)),
            }
            self.waiting = None;
            self.heard = true;
            match decoded {
                Ok(Some(stepped)) => return Ok(stepped),
                Ok(None) => {}
                Err(error) => return Err(station.fail(error.into())),
            }
        }
        // A body that ended with the last octet received needs no further one to be complete.
        match self.settle() {
            Ok(Some(stepped)) => return Ok(stepped),
            Ok(None) => {}
            Err(error) => return Err(station.fail(error.into())),
        }
        match connection.ended(station) {
            Ok(false) => {}
            Ok(true) => {
                return match self.response.end_of_stream() {
                    Ok(()) => Ok(Stepped::Complete),
                    Err(error) => Err(station.fail(error.into())),
                };
            }
            Err(error) => return Err(station.fail(error)),
        }
        let since = *self.waiting.get_or_insert(now);
        let limit = match station.stack.link.fragments {
            // A server that was given all that time once is not given it again with shorter packets.
            0 if !self.heard && !station.shortened => since + options.first_octet_timeout,
            _ => since + options.stall_timeout,
        };
        if now >= limit {
            let error = match (station.stack.link.fragments, self.heard) {
                (0, true) => NetError::Stalled,
                (0, false) => NetError::NoResponse,
                (count, _) => NetError::Fragmented { count },
            };
            return Err(station.fail(error));
        }
        Ok(Stepped::Nothing(limit))
    }

    /// Lets the decoder find out whether the answer is over. Whoever took the last octet may not have asked.
    pub fn settle(&mut self) -> Decoded {
        decode(&mut self.response, &[], 0, &mut |_| 0).1
    }
}

/// What a request asks for.
#[derive(Clone, Copy)]
pub(super) struct Get<'g> {
    /// The server, and who asks.
    pub uri: &'g Uri,
    /// Path and query.
    pub target: &'g str,
    /// Which octets.
    pub start: Start<'g>,
}

/// Writes a request for octets of a file into the connection's buffer, and makes the decoder of its answer ready.
#[cfg_attr(feature = "parallel", inline(never))]
#[cfg_attr(not(feature = "parallel"), inline(always))]
pub(super) fn write_get<B: Board>(
    connection: &mut Connection<'_>,
    station: &mut Station<'_, B>,
    options: &HttpOptions,
    Get { uri, target, start }: Get<'_>,
    reader: Option<&mut Reader>,
) -> Result<(), NetError> {
    let range = (start.offset > 0 || start.end.is_some()).then_some(RangeFrom {
        first: start.offset,
        last: start.end.and_then(|end| end.checked_sub(1)),
        if_range: start.validator,
    });
    let request = Request {
        range,
        user_agent: options.user_agent,
        keep_alive: true,
        target,
        ..Request::get(uri)
    };
    write(connection, station, uri, request, &mut &[][..], reader)
}

/// Writes the head of a request, with the credentials of `uri`, and as much of `content` behind it as there is room for; the rest stays there.
pub(super) fn write<B: Board>(
    connection: &mut Connection<'_>,
    station: &mut Station<'_, B>,
    uri: &Uri,
    request: Request<'_>,
    content: &mut &[u8],
    reader: Option<&mut Reader>,
) -> Result<(), NetError> {
    let mut secret = [0; MAX_URI];
    let request = Request {
        credentials: uri.credentials(&mut secret)?,
        ..request
    };
    if let Some(reader) = reader {
        reader.restart(request.expect());
    }
    let mut encoded = Ok(());
    connection.send(station, &mut |buffer| {
        let written = request.encode(buffer);
        encoded = written.map(|_| ());
        let head = written.unwrap_or(0);
        let taken = match head {
            0 => 0,
            _ => take(buffer.get_mut(head..).unwrap_or_default(), content),
        };
        head.saturating_add(taken)
    })?;
    Ok(encoded?)
}

/// Puts as much of `content` into `room` as fits; returns its number of octets. The rest stays in `content`.
pub(super) fn take(room: &mut [u8], content: &mut &[u8]) -> usize {
    let taken = room.len().min(content.len());
    for (to, from) in room.iter_mut().zip(content.iter()) {
        *to = *from;
    }
    *content = content.get(taken..).unwrap_or_default();
    taken
}

type Decoded = Result<Option<Stepped>, HttpError>;

/// Looks once at the receive buffer; returns how many octets of it are used up.
#[inline(never)]
fn decode(
    response: &mut Response<HEAD>,
    input: &[u8],
    max: usize,
    take: Take<'_>,
) -> (usize, Decoded) {
    let step = match response.handle(input) {
        Ok(step) => step,
        Err(error) => return (0, Err(error)),
    };
    match step.event {
        Event::NeedInput => (step.consumed, Ok(None)),
        Event::Head => (step.consumed, Ok(Some(Stepped::Head))),
        Event::Complete => (step.consumed, Ok(Some(Stepped::Complete))),
        // Whoever opened the transfer has seen by the status which of them this is; `exchange` wants both.
        Event::Body(body) | Event::OtherBody(body) => {
            let offered = body.get(..max).unwrap_or(body);
            let taken = if offered.is_empty() { 0 } else { take(offered) };
            response.body_taken(taken);
            (
                step.consumed.saturating_add(taken),
                Ok(Some(Stepped::Taken(taken))),
            )
        }
    }
}
