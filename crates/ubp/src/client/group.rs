//! Blocks from a multicast group: what the group brings is not asked for.
//!
//! A client is *in step* while the number that the group sends next is no more than a window away from its own. It then asks only for blocks that the group has passed, and if the
//! group has PARITY messages, only for those whose run of 16 the group has passed. Otherwise, and when the group falls silent, it asks as if there were no group.

use super::{Client, Event, Phase};
use crate::error::UbpError;
use crate::window::REORDERING;
use crate::wire::{Answer, DATA_MAX, Group, PARITY_MOST};
use netboot_core::{Duration, Instant, quotient};
use netboot_verity::{BLOCK, Hasher, Verified};

/// The slot of a block that the client has made of a PARITY message. Its octets are those of [`Client::recovered`].
pub const OWN_SLOT: u8 = u8::MAX;

/// Least time after which a group counts as silent.
const SILENCE: Duration = Duration::from_millis(50);
/// Greatest time after which a group counts as silent, in µs.
const SILENCE_MAX: u64 = 2_000_000;
/// Number of blocks that may be missing in a row before a slow group counts as silent.
const SILENT_BLOCKS: u64 = 8;

/// What the client knows of the group.
#[derive(Clone)]
pub(super) struct Riding {
    /// When the group was heard last. `None` if the caller has not joined it, or if it has fallen silent.
    heard: Option<Instant>,
    /// Time after which it counts as silent.
    silence: Duration,
    /// Number that the group sends next.
    position: u32,
    /// Whether the group has PARITY messages.
    parity: bool,
    /// Number of the first block of the run that is summed up.
    run: u32,
    /// The blocks of the run that are in the sum, a bit for each.
    have: u16,
    sum: [u8; BLOCK],
    /// Number of the block that was made of a PARITY message and is not used yet.
    own: Option<u32>,
    octets: [u8; BLOCK],
}

impl core::fmt::Debug for Riding {
    /// Without the octets.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Riding")
            .field("heard", &self.heard)
            .field("position", &self.position)
            .field("run", &self.run)
            .field("have", &self.have)
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Riding {
    pub(super) fn new() -> Self {
        Self {
            heard: None,
            silence: SILENCE,
            position: 0,
            parity: false,
            run: u32::MAX,
            have: 0,
            sum: [0; BLOCK],
            own: None,
            octets: [0; BLOCK],
        }
    }

    /// Adds a block that has come to the sum of its run.
    #[inline(never)]
    pub(super) fn add(&mut self, number: u32, block: &[u8]) {
        if self.heard.is_none() {
            return;
        }
        let (run, bit) = place(number);
        if run != self.run {
            self.run = run;
            self.have = 0;
            self.sum = [0; BLOCK];
        }
        self.have ^= bit;
        add(&mut self.sum, block);
    }

    /// Notes that a block in the sum was wrong: the sum is worth nothing.
    pub(super) fn spoil(&mut self, number: u32) {
        if place(number).0 == self.run {
            self.run = u32::MAX;
        }
    }

    /// Notes that the client's own block was used.
    pub(super) fn used(&mut self) {
        self.own = None;
    }

    /// The only block of a run that is missing.
    fn missing(&self, first: u32, count: u8) -> Option<u32> {
        let all = 1u32.checked_shl(count.into())?.wrapping_sub(1);
        let missing = all & !u32::from(self.have);
        let one = first == self.run && missing.is_power_of_two();
        one.then(|| first.saturating_add(missing.trailing_zeros()))
    }

    /// When the group counts as silent.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.heard.map(|heard| heard + self.silence)
    }

    /// The number from which on the group brings the blocks; the greatest number if it brings none soon.
    pub(super) fn horizon(&self, base: u32, limit: u32) -> u32 {
        if self.heard.is_none() || self.position.abs_diff(base) > limit {
            return u32::MAX;
        }
        let passed = self.position.saturating_sub(REORDERING);
        match self.parity {
            true => place(passed).0,
            false => passed,
        }
    }
}

/// The run of a block, and its bit in it.
fn place(number: u32) -> (u32, u16) {
    let at = number % u32::from(PARITY_MOST);
    (number.saturating_sub(at), 1 << at)
}

/// Adds octets without carry.
fn add(sum: &mut [u8; BLOCK], octets: &[u8]) {
    for (to, from) in sum.iter_mut().zip(octets) {
        *to ^= *from;
    }
}

impl<H: Hasher, const LEVELS: usize> Client<H, LEVELS> {
    /// Says that the caller has joined the group, whose datagrams it gives to [`handle_group`](Self::handle_group) from now on. Call it before
    /// [`start`](Self::start), so that nothing is asked for that the group brings. With the feature `multicast` the caller's slots are 0 to 254.
    pub fn join(&mut self, now: Instant, group: &Group) {
        let micros = quotient(
            DATA_MAX as u64 * 1_000_000 * SILENT_BLOCKS,
            group.rate.into(),
        );
        let silence = Duration::from_micros(micros.min(SILENCE_MAX));
        self.riding.silence = silence.max(SILENCE);
        self.riding.heard = Some(now);
        self.riding.position = self.window.base();
        self.set_timer();
    }

    /// Takes one datagram that was sent to the group, in a frame that lies in the caller's `slot`. What holds for [`handle`](Self::handle) holds here.
    ///
    /// # Errors
    /// Fails when the transfer has ended.
    pub fn handle_group(
        &mut self,
        now: Instant,
        datagram: &[u8],
        slot: u8,
    ) -> Result<Event, UbpError> {
        if self.phase == Phase::Closed {
            return Err(UbpError::Closed);
        }
        let own = self.id >> 16;
        let event = match Answer::parse(datagram) {
            Some(Answer::Data { id, number, block }) if u32::from(id) == own => {
                self.riding.heard = Some(now);
                self.riding.position = number.saturating_add(1);
                self.data(now, number, block, slot, true)
            }
            Some(Answer::Parity {
                id,
                first,
                count,
                sum,
            }) if u32::from(id) == own => {
                self.riding.heard = Some(now);
                self.riding.parity = true;
                self.riding.position = first.saturating_add(count.into());
                self.parity(now, first, count, sum)
            }
            _ => Ok(self.ignore()),
        };
        self.set_timer();
        event
    }

    /// The block that was made of a PARITY message. [`Output::Data`](super::Output::Data) with [`OWN_SLOT`] says how much of it is data.
    pub fn recovered(&self) -> &[u8] {
        &self.riding.octets
    }

    fn parity(
        &mut self,
        now: Instant,
        first: u32,
        count: u8,
        sum: &[u8; BLOCK],
    ) -> Result<Event, UbpError> {
        let receiving = self.phase == Phase::Receiving;
        let missing = self.riding.missing(first, count).filter(|_| receiving);
        let Some(number) = missing.filter(|number| self.window.wants(*number, self.flow.limit()))
        else {
            return Ok(Event::None);
        };
        let verifier = &mut self.verifier;
        if self.riding.own.is_some() || !verifier.is_wanted(number) {
            return Ok(Event::None);
        }
        let mut octets = *sum;
        add(&mut octets, &self.riding.sum);
        let layout = verifier.layout();
        let len = layout.place(number).map_or(0, |place| layout.len(place));
        let verified = verifier.verify(number, octets.get(..len).unwrap_or_default());
        match verified {
            Ok(Verified::Node) => {
                self.window.use_up(number);
            }
            Ok(Verified::Data { .. }) => {
                self.riding.octets = octets;
                self.riding.own = Some(number);
                self.window.hold(number, OWN_SLOT, true);
            }
            Err(_) => {
                self.wrong(number);
                return match self.is_fed_up() {
                    true => Err(self.fail(self.wrong_blocks())),
                    false => Ok(Event::None),
                };
            }
        }
        self.riding.add(number, &octets);
        self.stats.recovered = self.stats.recovered.saturating_add(1);
        self.right();
        self.progress_at = now;
        self.arm(now);
        Ok(Event::None)
    }

    /// Tells whether the group has fallen silent. From then on everything is asked for.
    pub(super) fn fell_silent(&mut self, now: Instant) -> bool {
        let silent = self
            .riding
            .deadline()
            .is_some_and(|deadline| now >= deadline);
        if silent {
            self.riding.heard = None;
            self.progress_at = self.progress_at.max(now);
        }
        silent
    }
}
