//! What the client sends.

use super::{Client, Farewell, Phase};
use crate::endpoint::Endpoint;
use crate::wire::{Get, Name, Open, Report};
use netboot_core::Instant;
use netboot_verity::Hasher;

impl<H: Hasher, const LEVELS: usize> Client<H, LEVELS> {
    /// Whether [`poll_transmit`](Self::poll_transmit) has something to send.
    pub fn is_transmit_due(&self) -> bool {
        self.open_due || self.farewell.is_some() || self.is_get_due()
    }

    fn is_get_due(&self) -> bool {
        self.phase == Phase::Receiving
            && self.hold.is_none()
            && self.cookie.is_some()
            && self.is_block_due()
    }

    /// Writes the next message to send to the start of `buf`, and returns its length and destination.
    ///
    /// Call it until it returns `None`. `buf` needs [`REQUEST_MAX`](crate::wire::REQUEST_MAX) octets. A message that does not fit counts as
    /// lost on the way.
    #[inline(never)]
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut [u8]) -> Option<(usize, Endpoint)> {
        let len = if core::mem::take(&mut self.open_due) {
            self.opens = self.opens.saturating_add(1);
            self.open_sent = (self.opens == 1).then_some(now);
            let known = self.digest.or(self.known.map(|(_, digest)| digest));
            let name = match known.filter(|_| self.path.is_empty()) {
                Some(digest) => Name::Digest(digest),
                None => Name::Path(self.path.as_bytes()),
            };
            let open = Open {
                nonce: self.nonce,
                window: u16::try_from(self.flow.limit()).unwrap_or(u16::MAX),
                rate: self.rate,
                multicast: self.multicast,
                name,
            };
            open.emit(buf)
        } else if let Some(get) = self.next_get(now) {
            get.emit(buf)
        } else {
            let farewell = self.farewell.take()?;
            self.report_of(&farewell).emit(buf)
        };
        Some((len?, self.server))
    }

    fn report_of(&self, farewell: &Farewell) -> Report {
        let millis = farewell.at.since(self.begun_at).as_millis();
        Report {
            cookie: farewell.cookie,
            id: self.id,
            octets: self.offset,
            error: farewell.error,
            millis: u32::try_from(millis).unwrap_or(u32::MAX),
            lost: self.stats.lost,
            repeated: self.stats.repeated,
            wrong: self.stats.wrong,
            state: farewell.state,
        }
    }

    /// The GET that is due.
    fn next_get(&mut self, now: Instant) -> Option<Get> {
        if !self.is_get_due() {
            return None;
        }
        let cookie = self.cookie?;
        let waited = self.window.is_waiting();
        let asked = self.window.ask(self.flow.size(), self.horizon())?;
        if !waited && self.retries == 0 && self.wrong_in_row == 0 {
            self.progress_at = self.progress_at.max(now);
        }
        self.stats.repeated = self.stats.repeated.saturating_add(asked.again);
        if self.timed.is_none() {
            self.timed = asked.timed.map(|order| (order, now));
        }
        self.arm(now);
        Some(Get {
            cookie,
            id: self.id,
            first: asked.first,
            map: asked.map,
            gap: self.gap,
        })
    }
}
