//! What an arriving packet does to the transfer.

use super::{Client, Event, Phase, STRAY_INTERVAL};
use crate::error::TftpError;
use crate::options::{Asked, Negotiated, OptionError, negotiate};
use crate::packet::{DEFAULT_BLKSIZE, ErrorCode, Packet};
use crate::stats::{count, learn};
use netboot_core::{Duration, Instant};

/// A missing block of which the server was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    /// Distance of the farthest block that was seen beyond the missing one, in blocks. A nearer block means that the server
    /// has gone back, and that the missing block was lost again.
    farthest: u16,
}

/// The least distance that means a block of the past. Smaller distances mean a block of the future.
const HALF_OF_NUMBERS: u16 = 0x8000;

impl Client {
    /// Takes the first answer to the request, which pins the server's transfer id.
    pub(super) fn handle_answer<'d>(
        &mut self,
        now: Instant,
        port: u16,
        packet: Packet<'d>,
    ) -> Result<Event<'d>, TftpError> {
        match packet {
            // This answers a request with options, after the client went over to a request without.
            Packet::Oack(_) if self.superseded > 0 => Ok(self.stray(now, port, packet)),
            Packet::Oack(options) => {
                self.tid = Some(port);
                match negotiate(&self.asked, options) {
                    Ok(agreed) => Ok(self.open(agreed, false)),
                    Err(error) => Err(self.refuse_options(error)),
                }
            }
            Packet::Data { block: 1, payload } => {
                self.tid = Some(port);
                self.check_length(payload.len(), DEFAULT_BLKSIZE)?;
                Ok(self.open(Negotiated::DEFAULT, true))
            }
            Packet::Error { code, message } => {
                if self.asked == Asked::NOTHING && self.superseded > 0 && is_refusal(code) {
                    self.superseded = self.superseded.saturating_sub(1);
                    return Ok(Event::None);
                }
                if self.asked != Asked::NOTHING && is_refusal(code) {
                    // This refusal answers one of the requests sent so far.
                    self.superseded = self.retries;
                    self.asked = Asked::NOTHING;
                    self.progress(now);
                    self.request(now);
                    return Ok(Event::None);
                }
                self.close();
                Err(TftpError::server(code, message))
            }
            // This belongs to an earlier transfer on this port, or it is noise.
            _ => Ok(self.stray(now, port, packet)),
        }
    }

    /// Takes a packet from the pinned transfer id.
    pub(super) fn handle_transfer<'d>(
        &mut self,
        now: Instant,
        packet: Packet<'d>,
    ) -> Result<Event<'d>, TftpError> {
        match (self.phase, packet) {
            // Everything has arrived. An ERROR now is about our ACK and does not matter.
            (Phase::Complete, Packet::Error { .. }) => {
                self.timer = None;
                Ok(Event::None)
            }
            (_, Packet::Error { code, message }) => {
                self.close();
                Err(TftpError::server(code, message))
            }
            (Phase::Receiving, Packet::Data { block, payload }) => self.data(now, block, payload),
            (Phase::Complete, Packet::Data { block, .. }) => {
                count(&mut self.stats.duplicates);
                if block == self.acked && now >= self.acked_at + self.rtt.base_rto() {
                    self.acknowledge_again(now);
                    self.timer = Some(now + self.timing.max_rto);
                }
                Ok(Event::None)
            }
            // The server has not received our ACK 0.
            (Phase::Receiving, Packet::Oack(_)) if self.can_ack && self.expected == 1 => {
                self.duplicate(now);
                Ok(Event::None)
            }
            // The server repeats the block that the caller holds.
            (Phase::Paused { .. }, Packet::Oack(_) | Packet::Data { .. }) => {
                count(&mut self.stats.duplicates);
                Ok(Event::None)
            }
            _ => Ok(self.ignore()),
        }
    }

    /// Takes a block while the client waits for the next one.
    fn data<'d>(
        &mut self,
        now: Instant,
        block: u16,
        payload: &'d [u8],
    ) -> Result<Event<'d>, TftpError> {
        let distance = block.wrapping_sub(self.expected);
        if distance >= HALF_OF_NUMBERS {
            // Only the block right before the next one is a sign that our ACK was lost. Earlier blocks belong
            // to a window that the server repeats as a whole.
            if distance == u16::MAX && self.can_ack && self.unacknowledged() == 0 {
                self.duplicate(now);
            } else {
                count(&mut self.stats.duplicates);
            }
            return Ok(Event::None);
        }
        if distance != 0 {
            // A server never sends beyond the window after the last ACK that it has received.
            if self.unacknowledged().saturating_add(distance) < self.agreed.windowsize {
                self.missing(now, distance);
            } else {
                self.ignore();
            }
            return Ok(Event::None);
        }
        let blksize = self.agreed.blksize;
        let len = self.check_length(payload.len(), blksize)?;
        let last = len < blksize;
        let received = self.offset.saturating_add(u64::from(len));
        match self.agreed.tsize {
            Some(expected) if received > expected || (last && received != expected) => {
                self.abort(ErrorCode::UNDEFINED, "size is not tsize");
                return Err(TftpError::SizeMismatch { expected, received });
            }
            _ => {}
        }
        if let Some(sent_at) = self.sent_at.take() {
            self.rtt.sample(now.since(sent_at));
        }
        self.phase = Phase::Holding { len, last };
        self.timer = None;
        Ok(Event::Data {
            payload,
            offset: self.offset,
            last,
        })
    }

    /// Takes a block from beyond the next one: tells the server once where to go on (RFC 7440 section 4).
    fn missing(&mut self, now: Instant, distance: u16) {
        let gone_back = match self.gap {
            Some(gap) if distance > gap.farthest => {
                self.gap = Some(Gap { farthest: distance });
                return;
            }
            Some(_) => true,
            None => false,
        };
        // A block that arrives sooner than an answer can was sent before the server had our last ACK.
        let settled = self.acked_at + self.rtt.rtt().unwrap_or(Duration::ZERO) / 2;
        if now < settled {
            return;
        }
        if !gone_back {
            learn(&mut self.stats.gaps);
        }
        self.gap = Some(Gap { farthest: distance });
        if self.can_ack {
            self.acknowledge(now, false);
        }
    }

    /// Takes a block that was acknowledged already: the ACK was lost, unless it is still on its way.
    fn duplicate(&mut self, now: Instant) {
        count(&mut self.stats.duplicates);
        if now >= self.acked_at + self.rtt.base_rto() {
            self.acknowledge_again(now);
        }
    }

    fn acknowledge_again(&mut self, now: Instant) {
        self.acknowledge(now, false);
        self.count_retransmission();
    }

    /// Opens the transfer, paused. The time until here does not measure a round trip, because the server had to find the
    /// file.
    fn open<'d>(&mut self, options: Negotiated, again: bool) -> Event<'d> {
        self.sent_at = None;
        self.agreed = options;
        self.phase = Phase::Paused { again };
        self.due = false;
        self.timer = None;
        Event::Opened { options, again }
    }

    fn refuse_options(&mut self, error: OptionError) -> TftpError {
        self.abort(ErrorCode::OPTION_NEGOTIATION, "unacceptable options");
        TftpError::Options(error)
    }

    fn check_length(&mut self, len: usize, blksize: u16) -> Result<u16, TftpError> {
        match u16::try_from(len) {
            Ok(short) if short <= blksize => Ok(short),
            _ => {
                self.abort(ErrorCode::ILLEGAL_OPERATION, "block exceeds blksize");
                Err(TftpError::Oversized { len, blksize })
            }
        }
    }

    /// Takes a packet from a port that is no part of the transfer. The answer is ERROR 5, but never to an ERROR.
    pub(super) fn stray<'d>(&mut self, now: Instant, port: u16, packet: Packet<'_>) -> Event<'d> {
        count(&mut self.stats.stray_tid);
        if !matches!(packet, Packet::Error { .. }) && now >= self.stray_after {
            self.stray = Some(port);
            self.stray_after = now + STRAY_INTERVAL;
        }
        Event::None
    }

    pub(super) fn ignore<'d>(&mut self) -> Event<'d> {
        count(&mut self.stats.ignored);
        Event::None
    }
}

/// Whether a server that knows no options may answer a request with options by this error: ERROR 8 (RFC 2347), or
/// ERROR 0 or 4 from older servers.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::OPTION_NEGOTIATION | ErrorCode::UNDEFINED | ErrorCode::ILLEGAL_OPERATION
    )
}
