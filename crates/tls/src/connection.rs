//! A channel over a transport that waits: connect, read, write, close, each with a deadline.

use crate::TlsError;
use crate::channel::{Channel, Config, Level};
use netboot_core::Instant;
use rand_core::CryptoRngCore;

/// A stream of octets, and the time.
pub trait Transport {
    /// Hands over octets; returns how many were taken, none when there is no room now.
    ///
    /// # Errors
    /// [`TlsError::Transport`] when the connection is gone.
    fn send(&mut self, octets: &[u8]) -> Result<usize, TlsError>;

    /// Shows what has arrived to `take`, which returns how much of it is used up. Nothing is shown when nothing is there.
    ///
    /// # Errors
    /// [`TlsError::Transport`] when the connection was reset, or those of `take`.
    fn receive(
        &mut self,
        take: &mut dyn FnMut(&[u8]) -> Result<usize, TlsError>,
    ) -> Result<Received, TlsError>;

    /// Nothing can be done before something arrives, leaves, or `until` comes: the network is polled here.
    ///
    /// # Errors
    /// Whatever ends the wait for good.
    fn wait(&mut self, until: Instant) -> Result<(), TlsError>;

    /// The time now.
    fn now(&mut self) -> Instant;
}

/// What a look at the transport brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many octets were used up; none when nothing is there.
    Octets(usize),
    /// The peer will send no more.
    End,
}

/// Gives a channel what has arrived; returns how much it took.
pub(crate) type Take<'t, 'b, L> =
    &'t mut dyn FnMut(&mut Channel<'b, L>, &[u8]) -> Result<usize, TlsError>;

/// A [`Channel`] and the transport below it, for as long as both are at hand. Dropping it changes nothing.
pub struct TlsConnection<'c, 'b, L: Level, T: Transport> {
    channel: &'c mut Channel<'b, L>,
    transport: &'c mut T,
}

impl<'c, 'b, L: Level, T: Transport> TlsConnection<'c, 'b, L, T> {
    /// Puts the two together.
    pub fn new(channel: &'c mut Channel<'b, L>, transport: &'c mut T) -> Self {
        Self { channel, transport }
    }

    /// Does the handshake over a transport that is connected.
    ///
    /// # Errors
    /// Any; the server has been told then, if that was possible.
    pub fn connect(
        &mut self,
        config: &mut Config<'_, '_, L>,
        rng: &mut dyn CryptoRngCore,
        deadline: Instant,
    ) -> Result<(), TlsError> {
        self.channel.start(config, rng)?;
        while !self.channel.is_open() || !self.channel.pending().is_empty() {
            self.step(deadline, &mut |channel, input| {
                channel.advance(input, config)
            })?;
        }
        Ok(())
    }

    /// Waits for octets of the application; returns how many, 0 at the server's close_notify.
    ///
    /// # Errors
    /// [`TlsError::Truncated`] when the connection ends without one; any other.
    pub fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, TlsError> {
        while self.channel.plaintext().is_empty() {
            if self.channel.is_finished() || buffer.is_empty() {
                return Ok(0);
            }
            self.step(deadline, &mut |channel, input| channel.receive(input))?;
        }
        let plain = self.channel.plaintext();
        let len = plain.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), plain.get(..len)) {
            to.copy_from_slice(from);
        }
        self.channel.consume(len);
        Ok(len)
    }

    /// Sends all of `data`.
    ///
    /// # Errors
    /// [`TlsError::NotOpen`] before [`connect`](Self::connect); any other.
    pub fn write(&mut self, data: &[u8], deadline: Instant) -> Result<(), TlsError> {
        let mut rest = data;
        loop {
            let written = self.channel.write(rest)?;
            rest = rest.get(written..).unwrap_or_default();
            let sent = self.send()?;
            if rest.is_empty() && self.channel.pending().is_empty() {
                return Ok(());
            }
            if sent == 0 && written == 0 {
                self.pause(deadline)?;
            }
        }
    }

    /// Sends close_notify. What the server still says is not waited for.
    ///
    /// # Errors
    /// [`TlsError::Deadline`], [`TlsError::Transport`].
    pub fn close(&mut self, deadline: Instant) -> Result<(), TlsError> {
        self.channel.close();
        while !self.channel.pending().is_empty() {
            if self.send()? == 0 {
                self.pause(deadline)?;
            }
        }
        Ok(())
    }

    /// Whether octets can be written and may still come.
    pub fn is_open(&self) -> bool {
        self.channel.is_open() && !self.channel.is_finished()
    }

    fn send(&mut self) -> Result<usize, TlsError> {
        let sent = self.transport.send(self.channel.pending())?;
        self.channel.sent(sent);
        Ok(sent)
    }

    fn pause(&mut self, deadline: Instant) -> Result<(), TlsError> {
        if self.transport.now() >= deadline {
            return Err(TlsError::Deadline);
        }
        self.transport.wait(deadline)
    }

    /// Sends what waits and takes what has come; waits when there was neither.
    fn step(&mut self, deadline: Instant, take: Take<'_, 'b, L>) -> Result<(), TlsError> {
        let sent = self.send()?;
        let channel = &mut *self.channel;
        let mut failed = None;
        let received = self.transport.receive(&mut |input| {
            // What was taken before the failure no longer matters.
            take(channel, input).or_else(|error| {
                failed = Some(error);
                Ok(input.len())
            })
        });
        if let Some(error) = failed {
            // The alert, if the transport takes it.
            let _ = self.send();
            return Err(error);
        }
        match received? {
            Received::End => self.channel.end_of_stream(),
            Received::Octets(0) if sent == 0 => self.pause(deadline),
            Received::Octets(_) => Ok(()),
        }
    }
}
