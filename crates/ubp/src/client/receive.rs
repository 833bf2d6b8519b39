//! What comes from the server.

use super::{Client, Event, Phase};
use crate::endpoint::Endpoint;
use crate::error::UbpError;
use crate::wire::{self, Answer, Meta};
use netboot_core::{Digest, Duration, Instant};
use netboot_verity::{Hasher, Verified, VerityError};

/// Number of wrong blocks in a row that is borne with the smallest window.
const WRONG_MIN: u32 = 8;
/// Least time in ms for which the client is silent after BUSY.
const RETRY_MIN: u32 = 10;
/// Greatest time in ms for which the client is silent after BUSY.
const RETRY_MAX: u32 = 60_000;

impl<H: Hasher, const LEVELS: usize> Client<H, LEVELS> {
    /// Takes one datagram that arrived on the transfer's local port, in a frame that lies in the caller's `slot`.
    ///
    /// After each call, ask [`poll`](Self::poll) and then [`poll_transmit`](Self::poll_transmit).
    ///
    /// # Errors
    /// Fails when the transfer has ended. The frame is then the caller's again.
    pub fn handle(
        &mut self,
        now: Instant,
        from: Endpoint,
        datagram: &[u8],
        slot: u8,
    ) -> Result<Event, UbpError> {
        if self.phase == Phase::Closed {
            return Err(UbpError::Closed);
        }
        let answer = Answer::parse(datagram);
        // An answer to OPEN proves itself by the nonce: a server may answer from another address than that which was asked.
        if let Some(Answer::Meta(meta)) = answer {
            return self.meta(now, from, &meta);
        }
        if from.addr == self.server.addr {
            match answer {
                Some(Answer::Data { id, number, block }) if u32::from(id) == self.id >> 16 => {
                    return self.data(now, number, block, slot, false);
                }
                Some(Answer::Busy { token, retry }) if self.is_ours(token) => {
                    return self.busy(now, retry);
                }
                Some(Answer::Error { token, code }) if self.is_ours(token) => {
                    return Err(self.fail(UbpError::Server { code }));
                }
                _ => {}
            }
        }
        Ok(self.ignore())
    }

    pub(super) fn ignore(&mut self) -> Event {
        self.stats.ignored = self.stats.ignored.saturating_add(1);
        Event::None
    }

    /// Whether a server that has got a message of ours can know the token, and its answer is of any use.
    fn is_ours(&self, token: u64) -> bool {
        let waits = matches!(self.phase, Phase::Opening | Phase::Receiving);
        waits && (token == self.nonce || self.cookie == Some(token))
    }

    #[inline(never)]
    fn meta(&mut self, now: Instant, from: Endpoint, meta: &Meta) -> Result<Event, UbpError> {
        let waits = matches!(self.phase, Phase::Opening | Phase::Receiving);
        if meta.nonce != self.nonce || !waits {
            return Ok(self.ignore());
        }
        let digest = self.know(meta)?;
        if let Some(at) = self.open_sent.take() {
            self.rtt.sample(now.since(at));
        }
        self.server = from;
        self.open_due = false;
        self.hold = None;
        if self.cookie.replace(meta.cookie) != Some(meta.cookie) {
            // No GET with an earlier cookie is answered any more.
            self.window.lose_all(0);
            self.timed = None;
            self.rtt.reset_back_off();
        }
        if self.phase == Phase::Receiving {
            self.arm(now);
            return Ok(Event::None);
        }
        if self.started {
            self.receive(now);
            return Ok(Event::None);
        }
        self.phase = Phase::Paused;
        self.tail = None;
        self.timer = None;
        Ok(Event::Opened {
            size: meta.descriptor.size,
            digest,
            group: meta.group,
        })
    }

    /// Makes the verifier of the file, or compares the file with that of the verifier. Returns the file's digest.
    fn know(&mut self, meta: &Meta) -> Result<Digest, UbpError> {
        let descriptor = &meta.descriptor;
        if let Some((known, digest)) = &self.known {
            return match known == descriptor {
                true => Ok(*digest),
                false => Err(self.fail(UbpError::Changed)),
            };
        }
        let digest = self.verifier.digest_of(descriptor);
        let begun = match self.digest.is_none_or(|expected| expected == digest) {
            true => self.verifier.begin(&digest, descriptor),
            false => Err(VerityError::WrongHead),
        };
        // The next server may have the right file.
        begun.map_err(|error| self.fail(UbpError::Verity(error)))?;
        self.verifier.seek(self.from);
        self.known = Some((*descriptor, digest));
        self.id = wire::file_id(&digest);
        self.follow();
        Ok(digest)
    }

    /// Puts the window where the verifier is, if the next number is not the one behind the last: at the beginning, and behind each node above the first
    /// data block. Nothing else is asked for until these nodes are here, so nothing is held.
    fn follow(&mut self) {
        let next = self.verifier.next();
        let end = match self.verifier.is_seeking() {
            true => next.saturating_add(1),
            false => self.verifier.layout().blocks(),
        };
        self.window.jump(next, end);
    }

    fn busy(&mut self, now: Instant, retry: u32) -> Result<Event, UbpError> {
        let since = *self.busy_since.get_or_insert(now);
        if now.since(since) >= self.timing.busy_timeout {
            return Err(self.fail(UbpError::Busy));
        }
        // Boards that were refused together do not come back together.
        let wait = Duration::from_millis(retry.clamp(RETRY_MIN, RETRY_MAX).into());
        let wait = wait + (wait / 2).portion(self.nonce as u32);
        let until = now + wait;
        self.open_due = false;
        self.hold = Some(until);
        self.set_timer();
        self.progress_at = until;
        // The server will not send what it was asked for.
        self.window.lose_all(0);
        self.timed = None;
        Ok(Event::None)
    }

    /// Takes a block, which came unasked if it is one of a group.
    #[inline(never)]
    pub(super) fn data(
        &mut self,
        now: Instant,
        number: u32,
        block: &[u8],
        slot: u8,
        group: bool,
    ) -> Result<Event, UbpError> {
        let wanted = self.phase == Phase::Receiving && self.window.wants(number, self.flow.limit());
        if !wanted {
            return Ok(self.ignore());
        }
        let verifier = &mut self.verifier;
        let seeks = verifier.is_seeking();
        let layout = verifier.layout();
        let right_length = layout.place(number).map(|place| layout.len(place)) == Some(block.len());
        let verified = match verifier.is_wanted(number) {
            true => verifier.verify(number, block).map(Some),
            false if right_length => Ok(None),
            false => Err(VerityError::WrongBlock { number }),
        };
        let (event, order) = match verified {
            Err(_) => {
                self.wrong(number);
                return match self.is_fed_up() {
                    true => Err(self.fail(self.wrong_blocks())),
                    false => Ok(Event::None),
                };
            }
            Ok(Some(Verified::Node)) => {
                let order = self.window.use_up(number);
                if seeks {
                    self.follow();
                }
                (Event::None, order)
            }
            Ok(right) => (Event::Kept, self.window.hold(number, slot, right.is_some())),
        };
        #[cfg(any(test, feature = "multicast"))]
        self.riding.add(number, block);
        if verified != Ok(None) {
            self.right();
        }
        self.progress_at = now;
        if let (Some(order), Some((timed, at))) = (order, self.timed)
            && order >= timed
        {
            if order == timed {
                self.rtt.sample(now.since(at));
            }
            self.timed = None;
        }
        self.flow.arrived();
        let lost = self.window.find_lost(self.recovery);
        self.count_lost(lost);
        // What the group brings says nothing about what was asked for.
        if !group || !self.window.is_waiting() {
            self.arm(now);
        }
        Ok(event)
    }

    /// Notes that a block was right: the server is there, and is what it says.
    pub(super) fn right(&mut self) {
        self.wrong_in_row = 0;
        self.retries = 0;
        self.busy_since = None;
        self.rtt.reset_back_off();
    }

    /// Notes that a block was wrong.
    pub(super) fn wrong(&mut self, number: u32) {
        self.stats.wrong = self.stats.wrong.saturating_add(1);
        self.wrong_in_row = self.wrong_in_row.saturating_add(1);
        self.wrong_since = true;
        self.wrong_number = number;
    }

    /// Whether more wrong blocks came in a row than the window has, and than a small window would have.
    pub(super) fn is_fed_up(&self) -> bool {
        u32::from(self.wrong_in_row) > self.flow.limit().max(WRONG_MIN)
    }
}
