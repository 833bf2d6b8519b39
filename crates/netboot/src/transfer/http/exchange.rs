//! One HTTP request with its whole answer: for what is asked and told, not downloaded.
//!
//! Zero-touch provisioning posts its reports and asks for its bootstrap data this way (RFC 8572, section 5.3), and a server can
//! be asked what it offers before a transfer begins. The answer is read into a buffer of the caller's; its length is bounded by it.

use super::connection::Peer;
#[cfg(feature = "https")]
use super::connection::Security;
use super::download::Http;
use super::reader::{Stepped, take, write};
#[cfg(feature = "https")]
use super::tls::fingerprint;
use crate::board::Board;
use crate::error::NetError;
use crate::station::{Internal, Station, Step, resolve};
use heapless::String;
use netboot_core::uri::{MAX_URI, Uri};
use netboot_http::{Content, HttpError, MAX_MEDIA_TYPE, Method, Request};
use netboot_ipxe::Protection;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeRequest<'r> {
    /// GET, HEAD or POST.
    pub method: Method,
    /// Whom to ask, and for what. Credentials in it are sent (RFC 7617).
    pub uri: &'r Uri,
    /// Media types that the answer may have; any when empty.
    pub accept: &'r str,
    /// Media type of the content, for POST.
    pub media_type: &'r str,
    /// The content, for POST.
    pub body: &'r [u8],
    /// What the server has to prove, for `https`.
    pub protection: Protection<'r>,
}

/// The answer to a request, whatever its status.
#[derive(Debug)]
pub struct Answer<'b> {
    /// Status code, 200 to 999.
    pub status: u16,
    /// `Content-Type` in lower case, parameters included; empty when absent.
    pub media_type: String<MAX_MEDIA_TYPE>,
    /// `Location`, for the caller to follow or not; empty when absent.
    pub location: String<MAX_URI>,
    /// Seconds to wait before asking again, when the server told.
    pub retry_after: Option<u32>,
    /// The content, at the start of the caller's buffer. Empty in answer to HEAD.
    pub body: &'b [u8],
}

impl Http<'_> {
    /// Sends `request` and reads its answer. The caller has closed the transfer that was open.
    #[inline(never)]
    pub fn exchange<'b, B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        request: &ExchangeRequest<'_>,
        buffer: &'b mut [u8],
    ) -> Internal<Answer<'b>> {
        let uri = request.uri;
        if !self.connections.first.supports(uri) {
            return Err(station.fail(NetError::Unsupported));
        }
        let peer = self.peer(station, request)?;
        self.finish(station);
        let mut head = Err(None);
        // What was not sent of the content when the answer began. The server would take the next request for it.
        let mut unsent: &[u8] = &[];
        if self.connections.first.serves(station, peer, uri) {
            head = self.ask(station, request, &mut unsent).map_err(Some);
            // Content that was sent may have had its effect already, so only the caller may send it again (RFC 9110, section 9.2.2).
            let given_up = self.was_given_up(station, head.is_ok());
            if given_up && request.method != Method::Post {
                head = Err(None);
            }
        }
        if let Err(None) = head {
            let port = self.connections.free_port(station);
            let first = &mut self.connections.first;
            let anchor = match request.protection {
                Protection::Anchored(anchor) => Some(anchor),
                _ => None,
            };
            first.connect_by(station, peer, port, uri, &self.options, anchor)?;
            head = self.ask(station, request, &mut unsent).map_err(Some);
        }
        let read = match head {
            Ok(()) => self.read(station, buffer),
            Err(Some(failed)) => Err(failed),
            Err(None) => Err(station.fail(NetError::Internal)),
        };
        let octets = match read {
            Ok(octets) => octets,
            Err(failed) => {
                self.connections.first.disconnect(station);
                return Err(failed);
            }
        };
        let location = self.reader.response.location();
        let head = self.reader.response.head();
        let answer = Answer {
            status: head.status,
            media_type: head.media_type.clone(),
            location: location.try_into().unwrap_or_default(),
            retry_after: head.retry_after,
            body: buffer.get(..octets).unwrap_or_default(),
        };
        self.finish(station);
        if !unsent.is_empty() {
            self.connections.first.disconnect(station);
        }
        Ok(answer)
    }

    fn peer<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        request: &ExchangeRequest<'_>,
    ) -> Internal<Peer> {
        let address = resolve(station, request.uri)?;
        let peer = Peer::of(request.uri, address);
        #[cfg(feature = "https")]
        if peer.security == Security::Verified {
            let security = match request.protection {
                Protection::Verified => Security::Verified,
                Protection::Anchored(anchor) => Security::Anchored(fingerprint(anchor)),
                Protection::Provisional => Security::Provisional,
            };
            return Ok(Peer { security, ..peer });
        }
        Ok(peer)
    }

    /// Sends the request and waits for the head of its answer. `unsent` is then the part of the content that the server did not wait for.
    fn ask<'r, B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        request: &ExchangeRequest<'r>,
        unsent: &mut &'r [u8],
    ) -> Internal {
        *unsent = match request.method {
            Method::Post => request.body,
            _ => &[],
        };
        let content = (request.method == Method::Post).then_some(Content {
            media_type: request.media_type,
            len: request.body.len() as u64,
        });
        let head = Request {
            method: request.method,
            accept: request.accept,
            content,
            user_agent: self.options.user_agent,
            keep_alive: true,
            ..Request::get(request.uri)
        };
        let (reader, first) = (&mut self.reader, &mut self.connections.first);
        write(first, station, request.uri, head, unsent, Some(reader))
            .map_err(|error| station.fail(error))?;
        station.flush();
        if self.send_content(station, unsent)? {
            return Ok(());
        }
        let first = &mut self.connections.first;
        self.reader.await_head(first, station, &self.options)
    }

    /// Sends what is left of the content piece by piece, each when the one before it was acknowledged. A server may answer before it has all of
    /// it; `true` when the head of such an answer came, and the rest is not sent.
    fn send_content<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        rest: &mut &[u8],
    ) -> Internal<bool> {
        let Self {
            reader,
            connections,
            options,
            ..
        } = self;
        let first = &mut connections.first;
        while !rest.is_empty() {
            let limit = station.now() + options.stall_timeout;
            let early = station.run(limit, NetError::Stalled, |station, now| {
                if let Stepped::Head = reader.step(first, station, options, now, 0, &mut |_| 0)? {
                    return Ok(Step::Done(true));
                }
                // The server owes nothing yet.
                reader.waiting = None;
                if !first.is_flushed(station) {
                    return Ok(Step::WAIT);
                }
                let mut used = 0;
                let sent = first.send(station, &mut |room| {
                    used = take(room, rest);
                    used
                });
                sent.map_err(|error| station.fail(error))?;
                station.flush();
                Ok(match used {
                    0 => Step::WAIT,
                    _ => Step::Done(false),
                })
            })?;
            if early {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the content of the answer to the front of `buffer`; returns its length in octets.
    fn read<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        buffer: &mut [u8],
    ) -> Internal<usize> {
        let Self {
            reader,
            connections,
            options,
            ..
        } = self;
        let first = &mut connections.first;
        let mut filled = 0usize;
        let mut overflow = false;
        loop {
            let now = station.service();
            if now >= station.deadline {
                return Err(station.fail(NetError::Deadline));
            }
            let mut take = |chunk: &[u8]| {
                let room = buffer.get_mut(filled..).unwrap_or_default();
                overflow |= chunk.len() > room.len();
                for (to, from) in room.iter_mut().zip(chunk) {
                    *to = *from;
                }
                filled = filled.saturating_add(chunk.len());
                chunk.len()
            };
            let stepped = reader.step(first, station, options, now, usize::MAX, &mut take)?;
            if overflow {
                return Err(station.fail(NetError::AnswerTooLong));
            }
            match stepped {
                Stepped::Complete => return Ok(filled),
                Stepped::Nothing(until) => station.idle(now, until),
                Stepped::Taken(_) => {}
                Stepped::Head => return Err(station.fail(HttpError::BadHead.into())),
            }
        }
    }
}
