//! A channel over a transport that waits: connect, read, write, close, each with a deadline.

use crate::TlsError;
use crate::channel::{Channel, Config, Connecting, Level};
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
        let transport = &mut *self.transport;
        let mut shake = self.channel.start(config, rng)?;
        while !shake.is_open() || !shake.pending().is_empty() {
            step(&mut shake, transport, deadline)?;
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
            step(self.channel, self.transport, deadline)?;
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
            let sent = send(self.channel, self.transport)?;
            if rest.is_empty() && self.channel.pending().is_empty() {
                return Ok(());
            }
            if sent == 0 && written == 0 {
                pause(self.transport, deadline)?;
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
            if send(self.channel, self.transport)? == 0 {
                pause(self.transport, deadline)?;
            }
        }
        Ok(())
    }

    /// Whether octets can be written and may still come.
    pub fn is_open(&self) -> bool {
        self.channel.is_open() && !self.channel.is_finished()
    }
}

/// What octets come in at and go out from: a channel, before it is open and after.
pub(crate) trait End {
    fn take(&mut self, input: &[u8]) -> Result<usize, TlsError>;
    fn pending(&self) -> &[u8];
    fn sent(&mut self, octets: usize);
    fn end_of_stream(&mut self) -> Result<(), TlsError>;
    #[cfg(any(test, feature = "fuzz"))]
    fn is_finished(&self) -> bool;
}

impl<L: Level> End for Channel<'_, L> {
    fn take(&mut self, input: &[u8]) -> Result<usize, TlsError> {
        self.receive(input)
    }

    fn pending(&self) -> &[u8] {
        Channel::pending(self)
    }

    fn sent(&mut self, octets: usize) {
        Channel::sent(self, octets);
    }

    fn end_of_stream(&mut self) -> Result<(), TlsError> {
        Channel::end_of_stream(self)
    }

    #[cfg(any(test, feature = "fuzz"))]
    fn is_finished(&self) -> bool {
        Channel::is_finished(self)
    }
}

impl<L: Level> End for Connecting<'_, '_, '_, '_, L> {
    fn take(&mut self, input: &[u8]) -> Result<usize, TlsError> {
        self.advance(input)
    }

    fn pending(&self) -> &[u8] {
        Connecting::pending(self)
    }

    fn sent(&mut self, octets: usize) {
        Connecting::sent(self, octets);
    }

    fn end_of_stream(&mut self) -> Result<(), TlsError> {
        Connecting::end_of_stream(self)
    }

    #[cfg(any(test, feature = "fuzz"))]
    fn is_finished(&self) -> bool {
        false
    }
}

/// Sends what waits; returns how much of it.
fn send(end: &mut dyn End, transport: &mut dyn Transport) -> Result<usize, TlsError> {
    let sent = transport.send(end.pending())?;
    end.sent(sent);
    Ok(sent)
}

fn pause(transport: &mut dyn Transport, deadline: Instant) -> Result<(), TlsError> {
    if transport.now() >= deadline {
        return Err(TlsError::Deadline);
    }
    transport.wait(deadline)
}

/// Sends what waits and takes what has come; waits when there was neither.
fn step(
    end: &mut dyn End,
    transport: &mut dyn Transport,
    deadline: Instant,
) -> Result<(), TlsError> {
    let sent = send(end, transport)?;
    let mut failed = None;
    let received = transport.receive(&mut |input| {
        // What was taken before the failure no longer matters.
        end.take(input).or_else(|error| {
            failed = Some(error);
            Ok(input.len())
        })
    });
    if let Some(error) = failed {
        // The alert, if the transport takes it.
        let _ = send(end, transport);
        return Err(error);
    }
    match received? {
        Received::End => end.end_of_stream(),
        Received::Octets(0) if sent == 0 => pause(transport, deadline),
        Received::Octets(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
