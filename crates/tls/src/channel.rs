//! A TLS connection, sans-IO: octets from the transport go in, octets for it come out.

use crate::TlsError;
use crate::alert::Alert;
pub use crate::algorithms::Algorithms;
use crate::flight::Outgoing;
use crate::handshake::{Check, Handshake, Message};
use crate::hash::wipe_stack;
use crate::identity::Identity;
use crate::message;
use crate::record::{ALERT, APPLICATION_DATA, Incoming, Record};
use crate::suite::{DEFAULT_SUITES, Suite};
use crate::verify::{LeafKey, ServerName, Trust};
use core::marker::PhantomData;
use rand_core::CryptoRngCore;
use sealed::Given as _;

/// Receive buffer for records of any server: 2^14 octets of plaintext with all that comes around them. A record's contents are
/// decrypted where they lie, behind five octets of header: fastest where these contents begin with a whole word, that is where a
/// buffer begins at three more than a multiple of four.
pub const LARGE_RECORDS: usize = 5 + (1 << 14) + 256;
/// Receive buffer for servers whose records are limited to 4096 octets: OpenSSL, nginx with it and GnuTLS heed what we ask
/// for in the handshake; others have to be set so (`ssl_buffer_size 4k`).
pub const SMALL_RECORDS: usize = 4400;
/// Send buffer without a client certificate: one HTTP request head fits, with a path and query of 2,048 octets.
pub const SEND: usize = 2816;

/// Handshake messages, and records that carry nothing, in a row without an octet of the application, before they are taken for
/// an attack. In how many records a message comes does not count: a server may send an octet in each.
const IDLE: u8 = 32;
/// Octets of handshake messages in a row without one of the application. A handshake has less than half of it.
const IDLE_OCTETS: usize = 1 << 16;

/// How much is known of the server: the type of a connection says it.
pub trait Level: sealed::Sealed {
    /// What the caller has to give for it.
    type Trust<'a>: sealed::Given<'a>;
}

mod sealed {
    use super::{Algorithms, Trust};

    pub trait Sealed {}
    impl Sealed for super::Verified {}
    impl Sealed for super::Provisional {}

    /// What a certificate is checked against.
    pub trait Given<'a> {
        fn trust(&self) -> Option<&Trust<'a>>;
        fn algorithms(&self) -> Algorithms<'a>;
    }
}

/// The server has proved to be who it has to be.
#[derive(Debug)]
pub enum Verified {}

/// The server has proved that it owns the key it showed, and no more: anybody can do that. For discovery protocols that
/// check what they receive by other means (RFC 8572, section 5.3).
#[derive(Debug)]
pub enum Provisional {}

impl Level for Verified {
    type Trust<'a> = Trust<'a>;
}

impl<'a> sealed::Given<'a> for Trust<'a> {
    fn trust(&self) -> Option<&Trust<'a>> {
        Some(self)
    }

    fn algorithms(&self) -> Algorithms<'a> {
        self.algorithms
    }
}

impl Level for Provisional {
    type Trust<'a> = ProofOnly<'a>;
}

/// Nothing is believed; how the proof of the key is checked.
#[derive(Clone, Copy)]
pub struct ProofOnly<'a>(pub Algorithms<'a>);

impl<'a> sealed::Given<'a> for ProofOnly<'a> {
    fn trust(&self) -> Option<&Trust<'a>> {
        None
    }

    fn algorithms(&self) -> Algorithms<'a> {
        self.0
    }
}

/// Whom to connect to, and what to believe. Wanted until the channel is open.
pub struct Config<'s, 'a, L: Level> {
    /// The server, as the URI names it.
    pub server: ServerName<'s>,
    /// What is trusted.
    pub trust: L::Trust<'a>,
    /// What is offered, the favourite first. [`DEFAULT_SUITES`] unless there is a reason.
    pub suites: &'a [Suite],
    /// Who we are, for servers that ask.
    pub identity: Option<Identity<'a>>,
}

impl<'s, 'a, L: Level> Config<'s, 'a, L> {
    /// Default suites, no identity.
    pub const fn new(server: ServerName<'s>, trust: L::Trust<'a>) -> Self {
        Self {
            server,
            trust,
            suites: DEFAULT_SUITES,
            identity: None,
        }
    }
}

impl<'a, L: Level> Config<'_, 'a, L> {
    fn check(&mut self) -> Check<'_, 'a> {
        Check {
            server: &self.server,
            trust: self.trust.trust(),
            algorithms: self.trust.algorithms(),
            suites: self.suites,
            identity: self.identity.as_mut(),
        }
    }
}

/// A channel whose handshake goes on: what [`Channel::start`] returns. No octet of the application can be read or written by
/// it. Dropped before [`is_open`](Self::is_open), it leaves a channel that has to be started again.
pub struct Connecting<'c, 'b, 's, 'a, L: Level> {
    channel: &'c mut Channel<'b, L>,
    config: &'c mut Config<'s, 'a, L>,
}

impl<L: Level> Connecting<'_, '_, '_, '_, L> {
    /// Takes octets of the server's handshake, up to the end of one record; returns how many. Takes nothing once the
    /// channel is open, and nothing while an answer of ours is [`pending`](Self::pending).
    ///
    /// # Errors
    /// Any; the connection is over then, and an alert for the server may be pending.
    pub fn advance(&mut self, input: &[u8]) -> Result<usize, TlsError> {
        let mut check = self.config.check();
        self.channel.session.receive(input, Some(&mut check))
    }

    /// Whether the handshake is done and the channel usable.
    pub fn is_open(&self) -> bool {
        self.channel.is_open()
    }

    /// Octets for the transport.
    pub fn pending(&self) -> &[u8] {
        self.channel.pending()
    }

    /// The transport has taken `octets`.
    pub fn sent(&mut self, octets: usize) {
        self.channel.sent(octets);
    }

    /// The transport has come to its end.
    ///
    /// # Errors
    /// As [`Channel::end_of_stream`].
    pub fn end_of_stream(&mut self) -> Result<(), TlsError> {
        self.channel.end_of_stream()
    }
}

/// A TLS 1.3 client connection over buffers of the caller's; use it again with [`start`](Self::start).
///
/// ```text
/// start -> pending/sent -> advance ... until is_open
/// open: receive -> plaintext/consume, write -> pending/sent
/// close -> pending/sent
/// ```
pub struct Channel<'b, L: Level> {
    session: Session<'b>,
    level: PhantomData<L>,
}

struct Session<'b> {
    incoming: Incoming<'b>,
    outgoing: Outgoing<'b>,
    handshake: Handshake,
    /// Messages, and records that carried nothing, since the last octet of the application.
    idle: u8,
    /// Octets of handshake messages since then.
    idle_octets: usize,
    /// How it ended.
    failed: Option<TlsError>,
    /// The server has said all it has to say.
    finished: bool,
    /// We have.
    closing: bool,
    /// Level and description of our last alert, until it is in the send buffer.
    last: Option<(u8, Alert)>,
}

impl<'b, L: Level> Channel<'b, L> {
    /// A channel that is not connected. `receive` bounds the records that can be taken ([`LARGE_RECORDS`],
    /// [`SMALL_RECORDS`]), `send` our own messages ([`SEND`], and a client certificate's size more).
    pub fn new(receive: &'b mut [u8], send: &'b mut [u8]) -> Self {
        Self {
            session: Session {
                incoming: Incoming::new(receive),
                outgoing: Outgoing::new(send),
                handshake: Handshake::new(),
                idle: 0,
                idle_octets: 0,
                failed: None,
                finished: false,
                closing: false,
                last: None,
            },
            level: PhantomData,
        }
    }

    /// Gives the buffers to a channel of another level. The connection is forgotten; the new channel is not connected.
    pub fn into_level<M: Level>(mut self) -> Channel<'b, M> {
        self.session.forget();
        Channel {
            session: self.session,
            level: PhantomData,
        }
    }

    /// Begins a connection: forgets the one before, and puts the ClientHello into the send buffer. The handshake is done by
    /// what is returned, which holds the configuration, so that what is checked is what was offered.
    ///
    /// # Errors
    /// [`TlsError::NoEntropy`], [`TlsError::SendBuffer`]; [`TlsError::NotOpen`] when none of the configuration's algorithms
    /// verifies a signature of TLS 1.3.
    pub fn start<'c, 's, 'a>(
        &'c mut self,
        config: &'c mut Config<'s, 'a, L>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Connecting<'c, 'b, 's, 'a, L>, TlsError> {
        self.session.start(&config.check(), rng)?;
        Ok(Connecting {
            channel: self,
            config,
        })
    }

    /// Takes octets from the transport, up to the end of one record; returns how many. Takes nothing while there is
    /// plaintext that was not consumed.
    ///
    /// # Errors
    /// [`TlsError::NotOpen`] before the server has proved itself; any other ends the connection, and an alert for
    /// the server may be pending.
    pub fn receive(&mut self, input: &[u8]) -> Result<usize, TlsError> {
        self.session.receive(input, None)
    }

    /// Whether the handshake is done and the connection usable.
    pub fn is_open(&self) -> bool {
        self.session.handshake.is_open() && self.session.failed.is_none() && !self.session.closing
    }

    /// Whether the server has ended the connection in order (close_notify), after which nothing comes.
    pub fn is_finished(&self) -> bool {
        self.session.finished
    }

    /// The transport has come to its end: in order only after the server's close_notify.
    ///
    /// # Errors
    /// [`TlsError::Truncated`], or what the connection had failed with before.
    pub fn end_of_stream(&mut self) -> Result<(), TlsError> {
        let session = &mut self.session;
        match session.failed {
            Some(error) => Err(error),
            None if session.finished => Ok(()),
            None => {
                session.failed = Some(TlsError::Truncated);
                session.handshake.forget_keys();
                Err(TlsError::Truncated)
            }
        }
    }

    /// Octets of the application, in order, each proven to come from the server.
    pub fn plaintext(&self) -> &[u8] {
        self.session.incoming.plaintext()
    }

    /// `octets` of the plaintext are done with.
    pub fn consume(&mut self, octets: usize) {
        self.session.incoming.consume(octets);
    }

    /// Has octets of the application written in place: `fill` gets the room that there is and says how much of it it used. They
    /// go into as many records as the server's limit asks for. Without room for a KeyUpdate that is owed to the server nothing
    /// is written before [`sent`](Self::sent).
    ///
    /// # Errors
    /// [`TlsError::NotOpen`] before the server has proved itself, or after the end.
    pub fn write_with(
        &mut self,
        fill: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> Result<usize, TlsError> {
        if !self.is_open() {
            return Err(TlsError::NotOpen);
        }
        self.session.write(fill)
    }

    /// Encrypts octets of the application; returns how many found room in the send buffer.
    ///
    /// # Errors
    /// [`TlsError::NotOpen`] before the server has proved itself, or after the end.
    pub fn write(&mut self, data: &[u8]) -> Result<usize, TlsError> {
        self.write_with(&mut |room| {
            let len = room.len().min(data.len());
            if let (Some(to), Some(from)) = (room.get_mut(..len), data.get(..len)) {
                to.copy_from_slice(from);
            }
            len
        })
    }

    /// Octets for the transport.
    pub fn pending(&self) -> &[u8] {
        self.session.outgoing.pending()
    }

    /// The transport has taken `octets`.
    pub fn sent(&mut self, octets: usize) {
        self.session.outgoing.sent(octets);
        // An alert that had no room.
        self.session.speak();
    }

    /// Says that we have no more to say; the alert is then [`pending`](Self::pending), or is as soon as there is room for it in
    /// the send buffer. The keys are wiped behind it, so nothing more is received either.
    pub fn close(&mut self) {
        if self.is_open() {
            self.session.closing = true;
            self.session.tell(1, Alert::CLOSE_NOTIFY);
        }
    }

    /// The key that the server has proved to have, once open.
    pub fn server_key(&self) -> Option<&LeafKey> {
        self.session.handshake.leaf()
    }

    /// The suite in use.
    pub fn suite(&self) -> Option<Suite> {
        self.session.handshake.suite()
    }

    /// Octets of the receive buffer.
    pub fn capacity(&self) -> usize {
        self.session.incoming.capacity()
    }
}

impl Session<'_> {
    /// Forgets the connection.
    fn forget(&mut self) {
        self.incoming.reset();
        self.outgoing.reset();
        self.handshake.forget_keys();
        self.handshake = Handshake::new();
        self.idle = 0;
        self.idle_octets = 0;
        self.failed = None;
        self.finished = false;
        self.closing = false;
        self.last = None;
    }

    #[inline(never)]
    fn start(
        &mut self,
        check: &Check<'_, '_>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), TlsError> {
        self.forget();
        let receive = self.incoming.capacity();
        let started = self
            .handshake
            .start(check, receive, rng, &mut self.outgoing);
        wipe_stack();
        started
    }

    /// With a `check` the handshake goes on, without one the channel has to be open.
    #[inline(never)]
    fn receive(
        &mut self,
        input: &[u8],
        check: Option<&mut Check<'_, '_>>,
    ) -> Result<usize, TlsError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let wait = match (&check, self.handshake.is_open()) {
            (Some(_), false) if !self.handshake.is_idle() => !self.outgoing.pending().is_empty(),
            (Some(_), true) => true,
            (None, true) => self.finished || self.closing || !self.incoming.plaintext().is_empty(),
            _ => return Err(TlsError::NotOpen),
        };
        if wait {
            return Ok(0);
        }
        let result = self.take(input, check);
        if let Err(error) = result {
            self.failed = Some(error);
            // Nothing of a failed connection is to be read.
            self.incoming.reset();
            match error.alert() {
                Some(alert) => self.tell(2, alert),
                None => self.handshake.forget_keys(),
            }
        }
        result
    }

    fn take(&mut self, input: &[u8], check: Option<&mut Check<'_, '_>>) -> Result<usize, TlsError> {
        let (taken, whole) = self.incoming.fill(input, self.handshake.stage())?;
        if !whole {
            return Ok(taken);
        }
        let keys = self.handshake.keys().map(|keys| &mut keys.read);
        match self.incoming.open(keys)? {
            Record::Ignored => self.count(1, 0)?,
            Record::Data => {
                if !self.handshake.is_open() {
                    return Err(TlsError::UnexpectedMessage);
                }
                match self.incoming.plaintext().is_empty() {
                    true => self.count(1, 0)?,
                    false => (self.idle, self.idle_octets) = (0, 0),
                }
            }
            Record::Handshake(octets) => {
                self.count(0, octets)?;
                self.messages(check)?;
            }
            Record::Alert(alert) => {
                self.alert(alert)?;
                if !self.finished {
                    self.count(1, 0)?;
                }
            }
        }
        self.handshake.renew(&mut self.outgoing)?;
        Ok(taken)
    }

    /// Counts what is no octet of the application.
    fn count(&mut self, messages: u8, octets: usize) -> Result<(), TlsError> {
        self.idle = self.idle.saturating_add(messages);
        self.idle_octets = self.idle_octets.saturating_add(octets);
        match self.idle > IDLE || self.idle_octets > IDLE_OCTETS {
            true => Err(TlsError::Flood),
            false => Ok(()),
        }
    }

    /// Handles the messages that are whole.
    fn messages(&mut self, mut check: Option<&mut Check<'_, '_>>) -> Result<(), TlsError> {
        // Ends: each round takes a message, and each but a few kinds at most once.
        let mut done = 0;
        loop {
            let rest = self.incoming.messages().get(done..).unwrap_or_default();
            let Some((kind, whole, body)) = message::next(rest) else {
                break;
            };
            let alone = rest.len() == whole.len();
            let outgoing = &mut self.outgoing;
            match &mut check {
                Some(check) => {
                    let message = Message {
                        kind,
                        whole,
                        body,
                        alone,
                    };
                    self.handshake.handle(message, check, outgoing)?;
                }
                None => self.handshake.handle_open(kind, body, alone)?,
            }
            done = done.saturating_add(whole.len());
            self.count(1, 0)?;
        }
        if done > 0 {
            if check.is_some() && self.handshake.is_open() {
                (self.idle, self.idle_octets) = (0, 0);
            }
            wipe_stack();
        }
        let rest = self.incoming.messages().get(done..).unwrap_or_default();
        if message::announced(rest) > self.incoming.capacity() {
            return Err(TlsError::MessageTooLarge);
        }
        self.incoming.messages_done(done);
        Ok(())
    }

    fn alert(&mut self, alert: Alert) -> Result<(), TlsError> {
        match alert {
            // In the clear it proves nothing, but then there is nothing yet that it could cut short.
            Alert::CLOSE_NOTIFY if self.handshake.is_open() => {
                self.finished = true;
                Ok(())
            }
            // Says that a close_notify follows (section 6.1).
            Alert::USER_CANCELED => Ok(()),
            Alert::PROTOCOL_VERSION if self.handshake.suite().is_none() => Err(TlsError::NoTls13),
            // Some servers look for a key that fits our schemes only after their hello.
            Alert::HANDSHAKE_FAILURE if !self.handshake.is_open() => Err(TlsError::NothingInCommon),
            alert => Err(TlsError::Alert(alert)),
        }
    }

    fn write(&mut self, fill: &mut dyn FnMut(&mut [u8]) -> usize) -> Result<usize, TlsError> {
        if !self.handshake.settle(&mut self.outgoing)? {
            return Ok(0);
        }
        let limit = self.handshake.limit;
        let keys = self.handshake.keys().map(|keys| &mut keys.write);
        self.outgoing.records(APPLICATION_DATA, limit, keys, fill)
    }

    /// Has an alert as our last word.
    fn tell(&mut self, level: u8, alert: Alert) {
        self.last = Some((level, alert));
        self.speak();
    }

    /// Says the last word as soon as there is room for it. Behind it there is nothing to be protected or read: the keys are
    /// wiped.
    fn speak(&mut self) {
        let Some((level, alert)) = self.last else {
            return;
        };
        let keys = self.handshake.keys().map(|keys| &mut keys.write);
        let said = self
            .outgoing
            .records(ALERT, 2, keys, &mut |room| match room {
                [to_level, to_alert, ..] => {
                    (*to_level, *to_alert) = (level, alert.0);
                    2
                }
                _ => 0,
            });
        if said != Ok(0) {
            self.last = None;
            self.handshake.forget_keys();
        }
    }
}

#[cfg(test)]
mod tests;
