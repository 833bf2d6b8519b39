//! Which blocks are here, on their way, or lost: numbers and bits, no octets.
//!
//! The window begins at the lowest number that was not used yet, and has 64 numbers at the most: a bit in each map. A block is asked for,
//! arrives and is held in a slot of the caller's, is verified, and is used. A node of the tree is used as soon as it is verified, and so
//! needs no slot.
//!
//! Each block that is asked for gets a number in the order of asking. A server sends in that order, so a block that was asked
//! for later and has come shows that one asked for before is lost, as the packet numbers of QUIC do (RFC 9002, section 6.1.1).

/// Number of blocks in the largest window: the bits of a GET.
pub const MOST: u32 = 64;
/// Number of blocks by which one may be overtaken before it counts as lost.
pub(crate) const REORDERING: u32 = 3;

/// The blocks from the first one that was not used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Lowest number that was not used: bit 0 of each map.
    base: u32,
    /// Number of blocks in the file.
    end: u32,
    /// Each number below was asked for.
    asked: u32,
    /// Blocks that have arrived.
    have: u64,
    /// Blocks that have arrived and are right.
    right: u64,
    /// Blocks that are right and are not needed any longer.
    used: u64,
    /// Blocks that have to be asked for again.
    lost: u64,
    /// Blocks that were asked for twice or more.
    repeated: u64,
    /// For each block when it was asked for last, counted in blocks asked for. By number modulo 64.
    orders: [u32; MOST as usize],
    /// For each block where the caller holds it. By number modulo 64.
    slots: [u8; MOST as usize],
    /// The order of the block that is asked for next.
    order: u32,
    /// The latest order that has come.
    newest: u32,
}

/// What one GET asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Number of the first block.
    pub first: u32,
    /// The blocks, as bits from the first one on.
    pub map: u64,
    /// Order of the first block that was never asked for before.
    pub timed: Option<u32>,
    /// Number of blocks that were asked for before.
    pub again: u32,
}

/// The bit at a place; none beyond the last. A processor of 32 bits has no instruction for this nor for the next two, so they are
/// functions.
#[inline(never)]
fn bit_at(at: u32) -> u64 {
    1u64.checked_shl(at).unwrap_or(0)
}

/// The map, moved down.
#[inline(never)]
fn moved(map: u64, count: u32) -> u64 {
    map.checked_shr(count).unwrap_or(0)
}

/// The place of the lowest bit; 64 if there is none.
#[inline(never)]
fn lowest_bit(map: u64) -> u32 {
    map.trailing_zeros()
}

/// The lowest `count` bits.
fn lowest(count: u32) -> u64 {
    bit_at(count).wrapping_sub(1)
}

/// The place of a block in the arrays.
fn place(number: u32) -> usize {
    (number % MOST) as usize
}

impl Window {
    /// A window over a file of `end` blocks, of which none was asked for.
    #[inline(never)]
    pub fn new(end: u32) -> Self {
        Self {
            base: 0,
            end,
            asked: 0,
            have: 0,
            right: 0,
            used: 0,
            lost: 0,
            repeated: 0,
            orders: [0; MOST as usize],
            slots: [0; MOST as usize],
            // So that 0 is before the first.
            order: 1,
            newest: 0,
        }
    }

    /// Lowest number of a block that was not used.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// Whether every block was used.
    pub fn is_complete(&self) -> bool {
        self.base >= self.end
    }

    /// The bit of a block; none if it is not in the window.
    fn bit(&self, number: u32) -> u64 {
        let at = number.checked_sub(self.base);
        at.map_or(0, bit_at)
    }

    /// Whether the block is one of the next `limit` ones and has not come.
    pub fn wants(&self, number: u32, limit: u32) -> bool {
        let bit = self.bit(number) & lowest(limit);
        number < self.end && bit & !self.have != 0
    }

    /// Blocks that were asked for, have not come and do not count as lost, as bits.
    fn on_their_way(&self) -> u64 {
        lowest(self.asked.saturating_sub(self.base)) & !self.have & !self.lost
    }

    /// Whether a block is on its way.
    pub fn is_waiting(&self) -> bool {
        self.on_their_way() != 0
    }

    /// The order in which the block that came now was asked for, if it was asked for once.
    fn order_of(&self, number: u32) -> Option<u32> {
        let once = number < self.asked && self.bit(number) & self.repeated == 0;
        let order = self.orders.get(place(number)).copied();
        order.filter(|_| once)
    }

    /// Notes that a block has come and lies in `slot`. Returns the order of its request, if it was asked for exactly once.
    pub fn hold(&mut self, number: u32, slot: u8, right: bool) -> Option<u32> {
        if let Some(kept) = self.slots.get_mut(place(number)) {
            *kept = slot;
        }
        let bit = self.bit(number);
        if right {
            self.right |= bit;
        }
        self.arrive(number, bit)
    }

    /// Notes that a node has come and was used. Returns the order of its request, if it was asked for exactly once.
    pub fn use_up(&mut self, number: u32) -> Option<u32> {
        let bit = self.bit(number);
        let order = self.arrive(number, bit);
        self.right |= bit;
        self.used |= bit;
        self.advance();
        order
    }

    fn arrive(&mut self, number: u32, bit: u64) -> Option<u32> {
        let order = self.order_of(number).filter(|_| self.have & bit == 0);
        self.have |= bit;
        self.lost &= !bit;
        self.newest = self.newest.max(order.unwrap_or(0));
        order
    }

    /// Where the block is held that has come and was not verified.
    pub fn unverified(&self, number: u32) -> Option<u8> {
        let held = self.bit(number) & self.have & !self.right != 0;
        self.slots.get(place(number)).copied().filter(|_| held)
    }

    /// Notes that a block that is held is right.
    pub fn confirm(&mut self, number: u32) {
        self.right |= self.bit(number) & self.have;
    }

    /// Notes that a block that is held is wrong: it has to be asked for again.
    pub fn reject(&mut self, number: u32) {
        let bit = self.bit(number) & self.have;
        self.have &= !bit;
        if number < self.asked {
            self.lost |= bit;
        }
    }

    /// Where the block is held that comes next, if it is right.
    pub fn ready(&self) -> Option<u8> {
        let ready = self.right & !self.used & 1 != 0;
        let slot = self.slots.get(place(self.base)).copied();
        slot.filter(|_| ready && !self.is_complete())
    }

    /// Notes that the next block was used.
    pub fn consume(&mut self) {
        self.used |= self.right & 1;
        self.advance();
    }

    /// Moves the window, in which nothing is held, to another block of a file that ends before the number `end`.
    pub fn jump(&mut self, to: u32, end: u32) {
        let (order, newest) = (self.order, self.newest);
        *self = Self {
            base: to,
            asked: to,
            order,
            newest,
            ..Self::new(end)
        };
    }

    /// Moves the window behind what was used.
    fn advance(&mut self) {
        let count = lowest_bit(!self.used);
        for map in [
            &mut self.have,
            &mut self.right,
            &mut self.used,
            &mut self.lost,
            &mut self.repeated,
        ] {
            *map = moved(*map, count);
        }
        self.base = self.base.saturating_add(count);
        self.asked = self.asked.max(self.base);
    }

    /// A slot that is held, which is then forgotten.
    pub fn take_slot(&mut self) -> Option<u8> {
        let held = self.have & !self.used;
        let number = self.base.saturating_add(lowest_bit(held));
        let bit = self.bit(number) & held;
        self.used |= bit;
        self.slots.get(place(number)).copied().filter(|_| bit != 0)
    }

    /// Finds what was overtaken by more than three blocks. Returns how many blocks that are, and how many of them were asked for after
    /// the order `since`.
    pub fn find_lost(&mut self, since: u32) -> (u32, u32) {
        let before = self.newest.saturating_sub(REORDERING);
        self.lose(since, before)
    }

    /// Takes everything on its way for lost. Returns the same as [`find_lost`](Self::find_lost).
    pub fn lose_all(&mut self, since: u32) -> (u32, u32) {
        self.lose(since, u32::MAX)
    }

    /// Takes for lost what was asked for before the order `before`.
    fn lose(&mut self, since: u32, before: u32) -> (u32, u32) {
        let (mut all, mut later) = (0u32, 0u32);
        let mut rest = self.on_their_way();
        while rest != 0 {
            let at = lowest_bit(rest);
            rest &= rest.wrapping_sub(1);
            let number = self.base.saturating_add(at);
            let order = self.orders.get(place(number)).copied().unwrap_or(0);
            if order < before {
                self.lost |= self.bit(number);
                all = all.saturating_add(1);
                later = later.saturating_add(u32::from(order > since));
            }
        }
        (all, later)
    }

    /// The order of the block that was asked for last.
    pub fn last_order(&self) -> u32 {
        self.order.saturating_sub(1)
    }

    /// What to ask for now, in a window of `size` blocks and below the number `horizon`: lost ones always, further ones when half of the window is free, when they are
    /// the last, or together with lost ones. Below a horizon that is not the greatest number everything is asked for. The answer is a map from the base on.
    fn due(&self, size: u32, horizon: u32) -> u64 {
        let end = self.end.min(horizon);
        let window = lowest(size) & lowest(end.saturating_sub(self.base));
        let lost = self.lost & window;
        let known = lowest(self.asked.saturating_sub(self.base));
        let fresh = window & !known & !self.have;
        let room = self.base.saturating_add(size).saturating_sub(self.asked);
        let at_end = self.base.saturating_add(size) >= self.end;
        let enough = room.saturating_mul(2) >= size || at_end || lost != 0 || horizon != u32::MAX;
        match enough {
            true => lost | fresh,
            false => lost,
        }
    }

    /// Whether there is something to ask for now.
    pub fn is_due(&self, size: u32, horizon: u32) -> bool {
        self.due(size, horizon) != 0
    }

    /// What to ask for now. It then counts as asked for.
    #[inline(never)]
    pub fn ask(&mut self, size: u32, horizon: u32) -> Option<Asked> {
        let due = self.due(size, horizon);
        if due == 0 {
            return None;
        }
        let first = lowest_bit(due);
        let mut asked = Asked {
            first: self.base.saturating_add(first),
            map: moved(due, first),
            timed: None,
            again: 0,
        };
        let mut rest = due;
        let mut end = self.base;
        while rest != 0 {
            let at = lowest_bit(rest);
            rest &= rest.wrapping_sub(1);
            let number = self.base.saturating_add(at);
            end = number.saturating_add(1);
            if let Some(order) = self.orders.get_mut(place(number)) {
                *order = self.order;
            }
            if number < self.asked {
                self.repeated |= self.bit(number);
                asked.again = asked.again.saturating_add(1);
            } else if asked.timed.is_none() {
                asked.timed = Some(self.order);
            }
            self.order = self.order.saturating_add(1);
        }
        self.lost &= !due;
        // What lies before the last of them and was not asked for now has come unasked.
        self.asked = self.asked.max(end);
        Some(asked)
    }
}
