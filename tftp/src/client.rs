//! Fetches one file from a server: request, negotiation, blocks, acknowledgements, timers.
//!
//! The client follows RFC 1350 with the windows of RFC 7440. A careless client fails at these points:
//!
//! - *Sorcerer's apprentice* (RFC 1123 section 4.2.3.1): a duplicate block never multiplies. It is
//!   acknowledged again only when our last ACK is a whole time-out old, which shows that the ACK was lost.
//! - *Transfer id*: the server's port is pinned by its first valid answer. Other ports get ERROR 5,
//!   at most one in 100 ms; other addresses get nothing, and neither harms the transfer.
//! - *Roll-over*: block numbers are 16 bits and go on with 0; offsets are 64 bits.
//! - *Servers without options*: DATA 1 in answer to a request with options means RFC 1350; ERROR 8, 4
//!   or 0 makes the client ask once more without options. That second RRQ may go out from the same
//!   local port: late refusals of the first are counted and do not end it.
//! - *Slow consumer*: nothing is sent and no timer runs while a payload is with the caller or the
//!   transfer is paused, however long. The server may send its window again meanwhile; the copies are
//!   dropped, and the next ACK, sent when the consumer is done or one time-out later, resumes.
//!   How long a pause may last is up to the server: most give up after 5 to 30 s of silence.

#[cfg(test)]
mod api_tests;
#[cfg(test)]
mod clock_tests;
#[cfg(test)]
mod edge_tests;
mod receive;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world_tests;

use crate::error::TftpError;
use crate::options::{Asked, MAX_BLKSIZE, MIN_BLKSIZE, Negotiated};
use crate::packet::{ErrorCode, Packet, SERVER_PORT};
use crate::rto::RttEstimator;
use crate::stats::{Stats, count, learn};
use core::net::IpAddr;
use netboot_core::{Duration, Instant};
use receive::Gap;

/// Octets of the longest file name; DHCP option 67 carries no more either.
pub const FILENAME_MAX: usize = 255;
/// Octets of a buffer that holds every packet that [`Client::poll_transmit`] writes.
pub const TRANSMIT_MAX: usize = 512;

/// Least time between two packets with ERROR 5 to ports that are no part of the transfer.
const STRAY_INTERVAL: Duration = Duration::from_millis(100);

/// An address and a UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub addr: IpAddr,
    /// UDP port.
    pub port: u16,
}

impl Endpoint {
    /// The request port, 69, of the server at `addr`.
    pub const fn server(addr: IpAddr) -> Self {
        Self {
            addr,
            port: SERVER_PORT,
        }
    }
}

/// Says what to ask the server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Name of the file, 1 to [`FILENAME_MAX`] octets without NUL. It is sent as it is, in mode `octet`.
    pub filename: &'a str,
    /// Payload octets of a block, 8 to 65464 (RFC 2348). With 512 the request does not ask. A block that fits one frame
    /// (1468 octets on Ethernet with IPv4) avoids IP fragments.
    pub blksize: u16,
    /// Blocks between two ACKs, from 1 (RFC 7440). With 1 the request does not ask.
    pub windowsize: u16,
    /// Seconds after which the server sends again, from 1 (RFC 2349). With `None` the request does not ask.
    pub timeout: Option<u8>,
    /// Whether to ask for the size of the file (RFC 2349).
    pub tsize: bool,
}

/// Timers of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Time-out before the first round trip was measured.
    pub initial_rto: Duration,
    /// Least time-out of the first repetition after progress. For further repetitions it is 250 ms.
    pub min_rto: Duration,
    /// Greatest time-out, however often it was doubled. A finished client lingers for this time too.
    pub max_rto: Duration,
    /// Number of repetitions without any progress after which the client gives up.
    pub max_retries: u8,
    /// Time without any progress after which the client gives up.
    pub progress_timeout: Duration,
}

impl Default for Timing {
    /// The time-out is 1 s at first. Later it is 5 ms at least, 250 ms after a repetition in vain, and 4 s at most. The client gives up after
    /// 8 repetitions or 10 s without progress.
    fn default() -> Self {
        Self {
            initial_rto: Duration::from_secs(1),
            min_rto: Duration::from_millis(5),
            max_rto: Duration::from_secs(4),
            max_retries: 8,
            progress_timeout: Duration::from_secs(10),
        }
    }
}

/// Tells what a datagram means for the caller of [`Client::handle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'d> {
    /// The caller has nothing to do.
    None,
    /// The server has the file. The transfer is paused until [`Client::start`].
    Opened {
        /// The options that both sides agreed on.
        options: Negotiated,
        /// Set when the answer was DATA 1, because the server knows no options. Present the same datagram again
        /// after [`Client::start`]. If the caller does not keep it, the server will send it again.
        again: bool,
    },
    /// The next octets of the file are here. They are acknowledged after [`Client::data_consumed`]. A datagram that is presented
    /// before that is dropped.
    Data {
        /// The octets, 0 to `blksize` of them.
        payload: &'d [u8],
        /// Offset of the first of them in the file.
        offset: u64,
        /// Whether the file ends here.
        last: bool,
    },
}

/// Says how far the transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The RRQ was sent, and no answer has come yet.
    Requesting,
    /// The server has answered, and the caller has not called [`Client::start`].
    Paused {
        /// Set when the answer was DATA 1.
        again: bool,
    },
    /// The client waits for the next block.
    Receiving,
    /// The caller holds the next block.
    Holding { len: u16, last: bool },
    /// All blocks were consumed. A repeated last block is still acknowledged.
    Complete,
    /// The transfer has failed or was aborted.
    Closed,
}

/// A transfer of one file from a server.
#[derive(Clone, Debug)]
pub struct Client {
    server: Endpoint,
    filename: heapless::String<FILENAME_MAX>,
    asked: Asked,
    timing: Timing,
    phase: Phase,
    agreed: Negotiated,
    /// The server's port, once the server has answered.
    tid: Option<u16>,
    /// Number of requests with options that were sent before the one without. The server may still refuse each of them.
    superseded: u8,

    /// Number, on the wire, of the block after the last one consumed.
    expected: u16,
    /// Number of the block that the server knows we have.
    acked: u16,
    /// Number of octets consumed.
    offset: u64,
    /// Set when there is an OACK or a block to acknowledge. Not set after a start by DATA 1.
    can_ack: bool,
    gap: Option<Gap>,

    /// Set when an RRQ or ACK is waiting to be sent.
    due: bool,
    /// Set when the answer to it measures a round trip: for an ACK that is sent for the first time.
    timed: bool,
    /// When the ACK that measures a round trip was sent.
    sent_at: Option<Instant>,
    /// When the last ACK became due.
    acked_at: Instant,

    rtt: RttEstimator,
    timer: Option<Instant>,
    retries: u8,
    progress_at: Instant,
    /// Address of somebody else who has sent something while the server is asked.
    other: Option<IpAddr>,

    /// Port to which an ERROR 5 is due.
    stray: Option<u16>,
    stray_after: Instant,
    /// The ERROR that is due to the server.
    farewell: Option<(ErrorCode, &'static str)>,
    stats: Stats,
}

impl Client {
    /// Makes a transfer of `request.filename` from `server` (port 69). The RRQ is due at once.
    ///
    /// # Errors
    /// Fails with [`TftpError::Filename`] or [`TftpError::Parameter`] when the request cannot be sent.
    pub fn new(
        server: Endpoint,
        request: &Request<'_>,
        timing: Timing,
        now: Instant,
    ) -> Result<Self, TftpError> {
        let name = request.filename;
        if name.is_empty() || name.as_bytes().contains(&0) {
            return Err(TftpError::Filename);
        }
        let mut filename = heapless::String::new();
        filename.push_str(name).map_err(|_| TftpError::Filename)?;
        if !(MIN_BLKSIZE..=MAX_BLKSIZE).contains(&request.blksize)
            || request.windowsize == 0
            || request.timeout == Some(0)
        {
            return Err(TftpError::Parameter);
        }
        let mut client = Self {
            server,
            filename,
            asked: Asked {
                blksize: request.blksize,
                windowsize: request.windowsize,
                timeout: request.timeout,
                tsize: request.tsize,
            },
            timing,
            phase: Phase::Requesting,
            agreed: Negotiated::DEFAULT,
            tid: None,
            superseded: 0,
            expected: 1,
            acked: 0,
            offset: 0,
            can_ack: false,
            gap: None,
            due: false,
            timed: false,
            sent_at: None,
            acked_at: now,
            rtt: RttEstimator::new(timing.initial_rto, timing.min_rto, timing.max_rto),
            timer: None,
            retries: 0,
            progress_at: now,
            other: None,
            stray: None,
            stray_after: Instant::ZERO,
            farewell: None,
            stats: Stats::default(),
        };
        client.request(now);
        Ok(client)
    }

    /// Ends the pause after [`Event::Opened`]. An ACK 0 is then due, or DATA 1 may be presented again.
    ///
    /// At any other point it does nothing.
    pub fn start(&mut self, now: Instant) {
        let Phase::Paused { again } = self.phase else {
            return;
        };
        self.phase = Phase::Receiving;
        self.progress(now);
        if !again {
            self.can_ack = true;
            self.acknowledge(now, true);
        }
    }

    /// Takes one datagram that arrived on the transfer's local port.
    ///
    /// # Errors
    /// Fails when the transfer has ended. An ERROR to the server may then be due from
    /// [`poll_transmit`](Self::poll_transmit).
    pub fn handle<'d>(
        &mut self,
        now: Instant,
        from: Endpoint,
        datagram: &'d [u8],
    ) -> Result<Event<'d>, TftpError> {
        if self.phase == Phase::Closed {
            return Err(TftpError::Closed);
        }
        if from.addr != self.server.addr {
            count(&mut self.stats.stray_tid);
            // A server with several addresses may answer from another one. It is not believed, but told.
            if self.phase == Phase::Requesting {
                self.other = Some(from.addr);
            }
            return Ok(Event::None);
        }
        let Ok(packet) = Packet::parse(datagram) else {
            return Ok(self.ignore());
        };
        match self.tid {
            None => self.handle_answer(now, from.port, packet),
            Some(tid) if tid == from.port => self.handle_transfer(now, packet),
            Some(_) => Ok(self.stray(now, from.port, packet)),
        }
    }

    /// Says that the caller has taken the payload of the last [`Event::Data`]. Its ACK may be due now.
    ///
    /// Without such a payload it does nothing.
    pub fn data_consumed(&mut self, now: Instant) {
        let Phase::Holding { len, last } = self.phase else {
            return;
        };
        self.offset = self.offset.saturating_add(u64::from(len));
        self.expected = self.expected.wrapping_add(1);
        self.can_ack = true;
        self.gap = None;
        self.phase = Phase::Receiving;
        self.progress(now);
        if last {
            self.phase = Phase::Complete;
            self.acknowledge(now, false);
            self.timer = Some(now + self.timing.max_rto);
        } else if self.unacknowledged() >= self.agreed.windowsize {
            self.acknowledge(now, true);
        }
    }

    /// The server that was asked, with the port of the request.
    pub fn server(&self) -> Endpoint {
        self.server
    }

    /// Whether the last block was consumed. Its ACK may still be due.
    pub fn is_complete(&self) -> bool {
        self.phase == Phase::Complete
    }

    /// Whether the transfer is complete and the server may still repeat its last block, because it missed
    /// our ACK. A caller that can spare the time and the port goes on presenting datagrams until this is over.
    /// Otherwise the server merely logs a time-out (RFC 1350 section 6).
    pub fn lingering(&self) -> bool {
        self.phase == Phase::Complete && (self.due || self.timer.is_some())
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to send.
    pub fn is_transmit_due(&self) -> bool {
        self.due || self.stray.is_some() || self.farewell.is_some()
    }

    /// Writes the next packet to send to the start of `buf`, and returns its length and destination.
    ///
    /// Call it until it returns `None`. `buf` needs [`TRANSMIT_MAX`] octets. A packet that does not fit counts as
    /// lost on the way.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut [u8]) -> Option<(usize, Endpoint)> {
        let addr = self.server.addr;
        if let Some(port) = self.stray.take() {
            let packet = Packet::Error {
                code: ErrorCode::UNKNOWN_TID,
                message: b"unknown transfer id",
            };
            return Some((packet.emit(buf)?, Endpoint { addr, port }));
        }
        if let Some((code, message)) = self.farewell.take() {
            let packet = Packet::Error {
                code,
                message: message.as_bytes(),
            };
            let port = self.tid?;
            return Some((packet.emit(buf)?, Endpoint { addr, port }));
        }
        if !core::mem::take(&mut self.due) {
            return None;
        }
        self.sent_at = self.timed.then_some(now);
        match (self.phase, self.tid) {
            (Phase::Requesting, _) => {
                let options = self.asked.to_options();
                let packet = Packet::Request {
                    write: false,
                    filename: self.filename.as_bytes(),
                    mode: b"octet",
                    options: options.options(),
                };
                Some((packet.emit(buf)?, self.server))
            }
            (Phase::Receiving | Phase::Holding { .. } | Phase::Complete, Some(port)) => {
                let packet = Packet::Ack {
                    block: self.expected.wrapping_sub(1),
                };
                Some((packet.emit(buf)?, Endpoint { addr, port }))
            }
            _ => None,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). `None` while the caller holds a payload, while the
    /// transfer is paused, and after its end.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timer
    }

    /// Does what is due at `now`: sends again or gives up. Early calls do nothing.
    ///
    /// # Errors
    /// Fails with [`TftpError::NoAnswer`] or [`TftpError::Stalled`] when the retries or the time are used up, and with
    /// [`TftpError::Closed`] after an earlier error.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), TftpError> {
        if self.phase == Phase::Closed {
            return Err(TftpError::Closed);
        }
        if self.timer.is_none_or(|timer| now < timer) {
            return Ok(());
        }
        match self.phase {
            Phase::Requesting | Phase::Receiving => {}
            Phase::Paused { .. } | Phase::Holding { .. } | Phase::Complete | Phase::Closed => {
                self.timer = None;
                return Ok(());
            }
        }
        if self.retries >= self.timing.max_retries
            || now.since(self.progress_at) >= self.timing.progress_timeout
        {
            let error = match self.phase {
                Phase::Requesting => match self.other {
                    None => TftpError::NoAnswer,
                    Some(address) => TftpError::OtherAddress { address },
                },
                _ => TftpError::Stalled {
                    offset: self.offset,
                },
            };
            self.abort(ErrorCode::UNDEFINED, "timed out");
            return Err(error);
        }
        self.retries = self.retries.saturating_add(1);
        if self.unacknowledged() > 0 {
            learn(&mut self.stats.gaps);
            // The last ACK was answered in time, and only the end of the window is missing. The time-out is not
            // doubled for this: with a window that never fits the receiver's ring no ACK is ever sent in time
            // for a sample, and the time-out would soon be longer than the server's.
            self.rtt.reset_back_off();
        } else {
            self.rtt.back_off();
        }
        if self.phase == Phase::Requesting {
            self.request(now);
            self.count_retransmission();
        } else if self.can_ack {
            self.acknowledge(now, false);
            self.count_retransmission();
        } else {
            // DATA 1 opened the transfer and was not presented again. The server will repeat it.
            self.arm(now);
        }
        Ok(())
    }

    /// Ends the transfer. An ERROR with `code` and `message` is then due to the server, if it has answered.
    ///
    /// After the last block was consumed, or after an earlier end, it does nothing.
    pub fn abort(&mut self, code: ErrorCode, message: &'static str) {
        if matches!(self.phase, Phase::Complete | Phase::Closed) {
            return;
        }
        if self.tid.is_some() {
            self.farewell = Some((code, message));
        }
        self.close();
    }

    /// The counters so far.
    pub fn stats(&self) -> Stats {
        Stats {
            rtt: self.rtt.rtt(),
            ..self.stats
        }
    }

    /// Tells the windowsize to ask for in the next request. `asked` is the windowsize of this request, and `most` the greatest one
    /// that the caller allows, both in blocks. The answer is half of this transfer's windowsize when half of its windows or more lost
    /// something, and twice `asked` when hardly one did. A receive ring or a queue on the way that does not hold a window loses the
    /// end of each.
    pub fn next_windowsize(&self, asked: u16, most: u16) -> u16 {
        let next = self.stats.next_windowsize(asked, self.agreed.windowsize);
        next.min(most)
    }

    /// Octets of a block and blocks of a window, as agreed with the server (RFC 2348, RFC 7440). 512 and 1 until it has answered.
    pub fn agreed(&self) -> (u16, u16) {
        (self.agreed.blksize, self.agreed.windowsize)
    }

    /// Number of octets consumed so far, from the start of the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.timer = None;
        self.due = false;
    }

    /// Makes the RRQ due.
    fn request(&mut self, now: Instant) {
        self.due = true;
        self.timed = false;
        self.arm(now);
    }

    /// Makes the ACK of the last consumed block due. `timed` is set when the answer to it measures a round trip.
    fn acknowledge(&mut self, now: Instant, timed: bool) {
        if timed {
            learn(&mut self.stats.windows);
        }
        self.due = true;
        self.timed = timed;
        self.sent_at = None;
        self.acked = self.expected.wrapping_sub(1);
        self.acked_at = now;
        self.arm(now);
    }

    /// Sets the retransmission timer, no later than the end of patience.
    fn arm(&mut self, now: Instant) {
        let patience = self.progress_at + self.timing.progress_timeout;
        self.timer = Some((now + self.rtt.rto()).min(patience));
    }

    /// Notes that the peer or the consumer has moved on.
    fn progress(&mut self, now: Instant) {
        self.retries = 0;
        self.progress_at = now;
        self.arm(now);
    }

    /// Number of blocks consumed since the last ACK.
    fn unacknowledged(&self) -> u16 {
        self.expected.wrapping_sub(1).wrapping_sub(self.acked)
    }

    fn count_retransmission(&mut self) {
        count(&mut self.stats.retransmissions);
    }
}
