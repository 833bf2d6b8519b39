//! TLS between HTTP and TCP: one channel, its buffers, and what it believes.

use crate::NetError;
use crate::stack::{Internal, Stack, Step};
use netboot_core::uri::{Host, Uri};
use netboot_core::{Device, Platform};
use netboot_tls::suite::DEFAULT_SUITES;
use netboot_tls::verify::{ServerName, Trust};
use netboot_tls::{Channel, Config, Identity, Suite, TlsError, Verified};
use sha2::{Digest as _, Sha256};
use smoltcp::socket::tcp;

/// Records looked at in one call.
const BUDGET: usize = 16;

/// What a [`Network`](crate::Network) needs for `https`: place it in a static and hand it to
/// [`Network::use_tls`](crate::Network::use_tls).
///
/// Only a verified channel is ever made: what an image comes over has proved who it is.
pub struct Tls<'a> {
    channel: Channel<'a, Verified>,
    trust: Trust<'a>,
    suites: &'a [Suite],
    identity: Option<Identity<'a>>,
    /// SHA-256 of the host that the channel was verified for.
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
            channel: Channel::new(receive, send),
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

    /// Whether the channel is open, and verified for the host of `uri`.
    pub(crate) fn serves(&self, uri: &Uri) -> bool {
        self.channel.is_open() && !self.channel.is_finished() && self.host == fingerprint(uri)
    }

    /// The server has said all it has to say (close_notify).
    pub(crate) fn is_finished(&self) -> bool {
        self.channel.is_finished()
    }

    /// The TCP connection ended.
    pub(crate) fn end_of_stream(&mut self) -> Result<(), TlsError> {
        self.channel.end_of_stream()
    }

    /// Shows plaintext to `show`, which says how much of it is used up; `false` when nothing is there.
    #[inline(never)]
    pub(crate) fn look(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        show: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<bool, NetError> {
        for _ in 0..BUDGET {
            self.push(socket);
            let plain = self.channel.plaintext();
            if !plain.is_empty() {
                let used = show(plain);
                self.channel.consume(used);
                return Ok(true);
            }
            if self.channel.is_finished() || !socket.can_recv() {
                break;
            }
            let channel = &mut self.channel;
            feed(socket, &mut |input| channel.receive(input)).inspect_err(|_| {
                // The server is told why.
                self.push(socket);
            })?;
        }
        Ok(false)
    }

    /// Has a request written, and sends as much of it as there is room for.
    pub(crate) fn send(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        fill: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> Result<(), NetError> {
        self.channel.write_with(fill)?;
        self.push(socket);
        Ok(())
    }

    /// Says goodbye, if the channel is open.
    pub(crate) fn close(&mut self, socket: &mut tcp::Socket<'_>) {
        self.channel.close();
        self.push(socket);
    }

    /// Gives the socket what it has room for.
    fn push(&mut self, socket: &mut tcp::Socket<'_>) {
        // A socket that cannot send is noticed by who reads from it.
        if let Ok(sent) = socket.send_slice(self.channel.pending()) {
            self.channel.sent(sent);
        }
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

fn fingerprint(uri: &Uri) -> [u8; 32] {
    Sha256::digest(uri.authority().as_bytes()).into()
}

/// The name or address that the server's certificate has to have.
fn server_name(uri: &Uri) -> Result<ServerName<'_>, TlsError> {
    Ok(match uri.host() {
        Host::Name(name) => ServerName::from_host(name)?,
        Host::V4(address) => ServerName::Ip(address.into()),
        Host::V6(address) => ServerName::Ip(address.into()),
    })
}

/// Does the handshake on the TCP connection, for the host of `uri`.
#[inline(never)]
pub(crate) fn handshake<'a, D: Device, P: Platform>(
    stack: &mut Stack<'a, D, P>,
    uri: &Uri,
) -> Internal {
    let Some(tls) = stack.tls.take() else {
        return Err(stack.fail(NetError::Unsupported));
    };
    let result = match server_name(uri) {
        Ok(server) => shake(stack, tls, server),
        Err(error) => Err(stack.fail(error.into())),
    };
    if result.is_ok() {
        tls.host = fingerprint(uri);
    }
    stack.tls = Some(tls);
    result
}

fn shake<'a, D: Device, P: Platform>(
    stack: &mut Stack<'a, D, P>,
    tls: &mut Tls<'a>,
    server: ServerName<'_>,
) -> Internal {
    let mut config = Config {
        server,
        trust: tls.trust,
        suites: tls.suites,
        identity: tls.identity.take(),
    };
    let started = match stack.platform.secret_rng() {
        Some(rng) => tls.channel.start(&config, rng),
        None => Err(TlsError::NoEntropy),
    };
    let result = match started {
        Ok(()) => exchange(stack, tls, &mut config),
        Err(error) => Err(stack.fail(error.into())),
    };
    tls.identity = config.identity;
    result
}

#[inline(never)]
fn exchange<'a, D: Device, P: Platform>(
    stack: &mut Stack<'a, D, P>,
    tls: &mut Tls<'a>,
    config: &mut Config<'_, '_, Verified>,
) -> Internal {
    let limit = stack.platform.now() + stack.options.tls_timeout;
    let late = TlsError::Deadline.into();
    stack.run(limit, late, |stack, now| {
        let socket = stack.tcp();
        tls.push(socket);
        // Up to a whole flight: each turn takes at least an octet of what has arrived.
        for _ in 0..BUDGET {
            if !socket.can_recv() || tls.channel.is_open() {
                break;
            }
            let channel = &mut tls.channel;
            let fed = feed(socket, &mut |input| channel.advance(input, config));
            tls.push(socket);
            if let Err(error) = fed {
                stack.flush();
                return Err(stack.fail(error));
            }
        }
        if tls.channel.is_open() && tls.channel.pending().is_empty() {
            return Ok(Step::Done(()));
        }
        if !socket.may_recv() {
            // Between the ServerHello and the end a server that dislikes us may just go.
            return Err(stack.fail(NetError::ConnectionReset));
        }
        Ok(match socket.can_recv() {
            true => Step::Again(now),
            false => Step::WAIT,
        })
    })
}
