//! TLS between HTTP and TCP: one channel, its buffers, and what it believes.

use crate::board::Board;
use crate::error::NetError;
use crate::stack::SocketHandle;
use crate::station::{Internal, Station, Step};
use netboot_core::uri::{Host, Uri};
use netboot_core::{Instant, Platform};
use netboot_tls::suite::DEFAULT_SUITES;
use netboot_tls::verify::{ServerName, Trust, TrustPolicy};
use netboot_tls::{Channel, Config, Identity, Level, Suite, TlsError, Verified};
#[cfg(feature = "exchange")]
use netboot_tls::{ProofOnly, Provisional};
use sha2::{Digest as _, Sha256};
use smoltcp::socket::tcp;

/// Number of records looked at in one call.
const BUDGET: usize = 16;

/// A channel of either level, over the same buffers.
enum AnyChannel<'a> {
    Verified(Channel<'a, Verified>),
    #[cfg(feature = "exchange")]
    Provisional(Channel<'a, Provisional>),
}

/// Calls a method that channels of both levels have.
macro_rules! either {
    ($channel:expr, $name:ident => $call:expr) => {
        match $channel {
            AnyChannel::Verified($name) => $call,
            #[cfg(feature = "exchange")]
            AnyChannel::Provisional($name) => $call,
        }
    };
}

/// What a [`Network`](crate::Network) needs for `https`: place it in a static and hand it to
/// [`Network::use_tls`](crate::Network::use_tls).
///
/// Images come over verified channels only: the server has proved who it is. With the feature `exchange` single requests may also
/// go over a provisional one.
pub struct Tls<'a> {
    channel: AnyChannel<'a>,
    trust: Trust<'a>,
    suites: &'a [Suite],
    identity: Option<Identity<'a>>,
    /// SHA-256 of the host that the channel leads to.
    host: [u8; 32],
}

impl<'a> Tls<'a> {
    /// `receive` bounds the records that servers may send ([`LARGE_RECORDS`](netboot_tls::channel::LARGE_RECORDS),
    /// [`SMALL_RECORDS`](netboot_tls::channel::SMALL_RECORDS)), `send` takes one request
    /// ([`SEND`](netboot_tls::channel::SEND)) and, with an `identity`, its certificates.
    pub fn new(
        receive: &'a mut [u8],
        send: &'a mut [u8],
        trust: Trust<'a>,
        identity: Option<Identity<'a>>,
    ) -> Self {
        Self {
            channel: AnyChannel::Verified(Channel::new(receive, send)),
            trust,
            suites: DEFAULT_SUITES,
            identity,
            host: [0; 32],
        }
    }

    /// Offers other suites, the favourite first.
    pub fn set_suites(&mut self, suites: &'a [Suite]) {
        self.suites = suites;
    }

    /// Whether the channel is open and leads to the host of `uri`.
    pub(super) fn serves(&self, uri: &Uri) -> bool {
        self.is_open() && !self.is_finished() && self.host == fingerprint_of(uri)
    }

    /// Whether the server has said all it has to say (close_notify).
    pub(super) fn is_finished(&self) -> bool {
        either!(&self.channel, channel => channel.is_finished())
    }

    fn is_open(&self) -> bool {
        either!(&self.channel, channel => channel.is_open())
    }

    /// Whether octets wait for room in the socket.
    #[cfg(feature = "exchange")]
    pub(super) fn has_pending(&self) -> bool {
        either!(&self.channel, channel => !channel.pending().is_empty())
    }

    /// Makes the channel one of the other level, if it is not of this one already. The connection is then forgotten.
    #[cfg(feature = "exchange")]
    pub(super) fn set_provisional(&mut self, provisional: bool) {
        let empty = || AnyChannel::Verified(Channel::new(&mut [], &mut []));
        self.channel = match core::mem::replace(&mut self.channel, empty()) {
            AnyChannel::Verified(channel) if provisional => {
                AnyChannel::Provisional(channel.into_level())
            }
            AnyChannel::Provisional(channel) if !provisional => {
                AnyChannel::Verified(channel.into_level())
            }
            same => same,
        };
    }

    /// Notes that the TCP connection ended.
    pub(super) fn end_of_stream(&mut self) -> Result<(), TlsError> {
        either!(&mut self.channel, channel => channel.end_of_stream())
    }

    /// Shows plaintext to `show`, which says how much of it is used up; `false` when nothing is there.
    #[inline(never)]
    pub(super) fn look(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        show: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<bool, NetError> {
        for _ in 0..BUDGET {
            self.push(socket);
            let shown = either!(&mut self.channel, channel => {
                let plain = channel.plaintext();
                let some = !plain.is_empty();
                if some {
                    let used = show(plain);
                    channel.consume(used);
                }
                some
            });
            if shown {
                return Ok(true);
            }
            if self.is_finished() || !socket.can_recv() {
                break;
            }
            let channel = &mut self.channel;
            feed(
                socket,
                &mut |input| either!(&mut *channel, channel => channel.receive(input)),
            )
            .inspect_err(|_| {
                // The server is told why.
                self.push(socket);
            })?;
        }
        Ok(false)
    }

    /// Has octets written by `fill`, and sends as much of it as there is room for.
    pub(super) fn send(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        fill: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> Result<(), NetError> {
        either!(&mut self.channel, channel => channel.write_with(fill))?;
        self.push(socket);
        Ok(())
    }

    /// Says goodbye, if the channel is open.
    pub(super) fn close(&mut self, socket: &mut tcp::Socket<'_>) {
        either!(&mut self.channel, channel => channel.close());
        self.push(socket);
    }

    /// Gives the socket what it has room for.
    fn push(&mut self, socket: &mut tcp::Socket<'_>) {
        either!(&mut self.channel, channel => channel.sent(give(socket, channel.pending())));
    }
}

/// Hands the socket's next octets to `take`.
fn feed(
    socket: &mut tcp::Socket<'_>,
    take: &mut dyn FnMut(&[u8]) -> Result<usize, TlsError>,
) -> Result<(), NetError> {
    let taken = socket.recv(|input| match take(input) {
        Ok(taken) => (taken, Ok(())),
        Err(error) => (0, Err(error)),
    });
    match taken {
        Ok(result) => Ok(result?),
        Err(_) => Err(NetError::ConnectionReset),
    }
}

/// SHA-256 of what a connection depends on.
pub(super) fn fingerprint(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

fn fingerprint_of(uri: &Uri) -> [u8; 32] {
    fingerprint(uri.authority().as_bytes())
}

/// The name or address that the server's certificate has to have.
fn server_name(uri: &Uri) -> Result<ServerName<'_>, TlsError> {
    Ok(match uri.host() {
        Host::Name(name) => ServerName::from_host(name)?,
        Host::V4(address) => ServerName::Ip(address.into()),
        Host::V6(address) => ServerName::Ip(address.into()),
    })
}

/// Does the handshake on the TCP connection, for the host of `uri`. With an `anchor` in DER no other root is trusted.
#[inline(never)]
pub(super) fn handshake<B: Board>(
    station: &mut Station<'_, B>,
    tls: &mut Tls<'_>,
    socket: SocketHandle,
    uri: &Uri,
    limit: Instant,
    anchor: Option<&[u8]>,
) -> Internal {
    let server = match server_name(uri) {
        Ok(server) => server,
        Err(error) => return Err(station.fail(error.into())),
    };
    let mut trust = tls.trust;
    if let Some(anchor) = anchor {
        trust.policy = TrustPolicy::Learnt(anchor);
    }
    let suites = tls.suites;
    let identity = tls.identity.as_mut().map(Identity::reborrow);
    let result = match &mut tls.channel {
        AnyChannel::Verified(channel) => {
            let config = Config {
                suites,
                identity,
                ..Config::new(server, trust)
            };
            exchange(station, channel, socket, config, limit)
        }
        #[cfg(feature = "exchange")]
        AnyChannel::Provisional(channel) => {
            let config = Config {
                suites,
                identity,
                ..Config::new(server, ProofOnly(trust.algorithms))
            };
            exchange(station, channel, socket, config, limit)
        }
    };
    if result.is_ok() {
        tls.host = fingerprint_of(uri);
    }
    result
}

#[inline(never)]
fn exchange<B: Board, L: Level>(
    station: &mut Station<'_, B>,
    channel: &mut Channel<'_, L>,
    handle: SocketHandle,
    mut config: Config<'_, '_, L>,
    limit: Instant,
) -> Internal {
    let started = match station.platform().secret_rng() {
        Some(rng) => channel.start(&mut config, rng),
        None => Err(TlsError::NoEntropy),
    };
    let mut shake = started.map_err(|error| station.fail(error.into()))?;
    let late = TlsError::Deadline.into();
    station.run(limit, late, |station, now| {
        let socket = station.stack.tcp(handle);
        shake.sent(give(socket, shake.pending()));
        // Up to a whole flight: each turn takes at least an octet of what has arrived.
        for _ in 0..BUDGET {
            if !socket.can_recv() || shake.is_open() {
                break;
            }
            let fed = feed(socket, &mut |input| shake.advance(input));
            shake.sent(give(socket, shake.pending()));
            if let Err(error) = fed {
                station.flush();
                return Err(station.fail(error));
            }
        }
        if shake.is_open() && shake.pending().is_empty() {
            return Ok(Step::Done(()));
        }
        if !socket.may_recv() {
            // Between the ServerHello and the end a server that dislikes us may just go.
            return Err(station.fail(NetError::ConnectionReset));
        }
        Ok(match socket.can_recv() {
            true => Step::Again(now),
            false => Step::WAIT,
        })
    })
}

/// Gives the socket what it has room for; returns how many octets of `pending` that are.
fn give(socket: &mut tcp::Socket<'_>, pending: &[u8]) -> usize {
    // A socket that cannot send is noticed by whoever reads from it.
    socket.send_slice(pending).unwrap_or(0)
}
