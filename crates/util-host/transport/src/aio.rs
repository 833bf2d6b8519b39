//! The transports as futures, over any runtime: `core::future` only.
//!
//! A runtime gives two things: a [`Datagrams`], which moves whole messages, and a [`Timer`]. The example
//! `tokio.rs` of the crate `caliptra-util-host-commands` does it for tokio in forty lines.
//!
//! A future that is dropped in the middle leaves an answer on its way. The transport notes that, and before the next
//! command it has the channel [renewed](Datagrams::renew), as after a time-out.

use crate::error::{TransportError, TransportResult};
use crate::mailbox;
use crate::mctp;
use caliptra_util_host_command_types::{
    CaliptraCommandId, mailbox as mailbox_wire, vdm, wire::copy_out,
};
use core::fmt;
use core::future::{Future, poll_fn};
use core::task::{Context, Poll};

/// Moves whole messages.
pub trait Datagrams: Send {
    /// Sends a message.
    ///
    /// # Errors
    /// When it cannot be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<TransportResult<()>>;

    /// Receives a message and gives its length in octets.
    ///
    /// # Errors
    /// When the channel is broken.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<TransportResult<usize>>;

    /// Makes sure that no answer that is still on its way is ever received, for example by a new socket with a new port.
    ///
    /// # Errors
    /// When that cannot be done.
    fn renew(&mut self) -> TransportResult<()>;
}

/// A timer.
pub trait Timer: Send {
    /// Starts the timer anew; it ends after `ms` milliseconds.
    fn start(&mut self, ms: u32);

    /// Is ready when the time has passed.
    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()>;
}

/// A way to a device, as futures.
pub trait AsyncTransport: Send {
    /// Carries out a command and writes the answer's payload, from `fips_status` on, into `out`; gives its length.
    ///
    /// # Errors
    /// As for [`Transport::send`](crate::Transport::send) and [`Transport::receive`](crate::Transport::receive), but an
    /// answer that does not fit `out` is lost.
    fn exchange(
        &mut self,
        command_id: u32,
        data: &[u8],
        out: &mut [u8],
        timeout_ms: u32,
    ) -> impl Future<Output = TransportResult<usize>> + Send;

    /// Waits.
    fn pause(&mut self, ms: u32) -> impl Future<Output = ()> + Send;
}

/// Which framing the messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The mailbox behind UDP: the command code and the sealed payload.
    UdpMailbox,
    /// A vendor defined message from the enterprise number on, as `AF_MCTP` carries it.
    MctpVdm,
}

/// A transport over datagrams and a timer. It holds one buffer of `N` octets.
pub struct AsyncDatagram<D, T, const N: usize = { mailbox::DEFAULT_CAPACITY }> {
    channel: D,
    timer: T,
    framing: Framing,
    buffer: [u8; N],
    /// An answer may be on its way.
    open: bool,
}

impl<D, T, const N: usize> fmt::Debug for AsyncDatagram<D, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncDatagram")
            .field("framing", &self.framing)
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}

impl<D: Datagrams, T: Timer> AsyncDatagram<D, T> {
    /// A transport with a buffer for the longest message.
    pub fn new(channel: D, timer: T, framing: Framing) -> Self {
        Self::with_capacity(channel, timer, framing)
    }
}

impl<D: Datagrams, T: Timer, const N: usize> AsyncDatagram<D, T, N> {
    /// A transport with a buffer of `N` octets.
    pub fn with_capacity(channel: D, timer: T, framing: Framing) -> Self {
        Self {
            channel,
            timer,
            framing,
            buffer: [0; N],
            open: false,
        }
    }

    /// Writes the request into the buffer and gives its length.
    fn write(&mut self, id: CaliptraCommandId, data: &[u8]) -> TransportResult<usize> {
        match self.framing {
            Framing::MctpVdm => Ok(vdm::encode(id, data, &mut self.buffer)?),
            Framing::UdpMailbox => {
                let Some((code, rest)) = self.buffer.split_first_chunk_mut::<4>() else {
                    return Err(TransportError::BufferError(
                        "the transport's buffer is too small",
                    ));
                };
                let request = mailbox_wire::encode(id, data, rest)?;
                *code = request.code.to_le_bytes();
                Ok(request.len.saturating_add(4))
            }
        }
    }

    /// Runs one step of the channel until it is done or the time is up.
    async fn step<R>(
        &mut self,
        mut step: impl FnMut(&mut D, &mut [u8; N], &mut Context<'_>) -> Poll<TransportResult<R>>,
    ) -> TransportResult<R> {
        poll_fn(|cx| {
            if let Poll::Ready(result) = step(&mut self.channel, &mut self.buffer, cx) {
                return Poll::Ready(result);
            }
            self.timer
                .poll_elapsed(cx)
                .map(|()| Err(TransportError::Timeout))
        })
        .await
    }

    async fn run(
        &mut self,
        command_id: u32,
        data: &[u8],
        out: &mut [u8],
        timeout_ms: u32,
    ) -> TransportResult<usize> {
        let id = CaliptraCommandId::from_u32(command_id).ok_or(TransportError::NotSupported(
            "the transport does not know the command",
        ))?;
        let len = self.write(id, data)?;
        if self.open {
            self.channel.renew()?;
        }
        self.open = true;
        self.timer.start(timeout_ms);
        self.step(|channel, buffer, cx| {
            channel.poll_send(cx, buffer.get(..len).unwrap_or_default())
        })
        .await?;
        let len = self
            .step(|channel, buffer, cx| channel.poll_receive(cx, buffer))
            .await?;
        // UDP may double an answer: the mailbox has no number by which the second would be known.
        self.open = self.framing == Framing::UdpMailbox;
        let answer = self
            .buffer
            .get(..len)
            .ok_or(TransportError::InvalidMessage)?;
        match self.framing {
            Framing::UdpMailbox => Ok(copy_out(mailbox::open(answer)?, out)?),
            Framing::MctpVdm => mctp::open(id, answer, out),
        }
    }
}

impl<D: Datagrams, T: Timer, const N: usize> AsyncTransport for AsyncDatagram<D, T, N> {
    fn exchange(
        &mut self,
        command_id: u32,
        data: &[u8],
        out: &mut [u8],
        timeout_ms: u32,
    ) -> impl Future<Output = TransportResult<usize>> + Send {
        self.run(command_id, data, out, timeout_ms)
    }

    async fn pause(&mut self, ms: u32) {
        self.timer.start(ms);
        poll_fn(|cx| self.timer.poll_elapsed(cx)).await;
    }
}
