//! How many blocks may be on their way: half as many after much loss (RFC 8085, section 3.1.1), slowly more while nothing is lost.

/// The part of the window that is in use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Greatest number of blocks, 1 to 64.
    limit: u8,
    /// Number of blocks that may be asked for and not yet used.
    size: u8,
    /// Number of blocks that have come since the last judgement.
    arrived: u8,
    /// Number of blocks lost since then.
    lost: u8,
}

/// Losses that are not more than this never make the window smaller.
const FEW: u8 = 1;

impl Flow {
    /// Begins with the whole window of `limit` blocks.
    pub fn new(limit: u8) -> Self {
        Self {
            limit,
            size: limit,
            arrived: 0,
            lost: 0,
        }
    }

    /// Greatest number of blocks: what the caller can hold.
    pub fn limit(&self) -> u32 {
        self.limit.into()
    }

    /// Number of blocks that may be asked for and not yet used.
    pub fn size(&self) -> u32 {
        self.size.into()
    }

    /// Notes that a block has come. After a whole window without a loss the window grows by an eighth of its limit.
    pub fn arrived(&mut self) {
        self.arrived = self.arrived.saturating_add(1);
        if self.arrived < self.size {
            return;
        }
        if self.lost == 0 {
            let more = (self.limit / 8).max(1);
            self.size = self.size.saturating_add(more).min(self.limit);
        }
        self.arrived = 0;
        self.lost = 0;
    }

    /// Notes that so many blocks were lost. Tells whether the window was halved, because more than a quarter of it was lost.
    pub fn lost(&mut self, count: u32) -> bool {
        self.lost = self
            .lost
            .saturating_add(u8::try_from(count).unwrap_or(u8::MAX));
        let much = self.lost > self.size / 4 && self.lost > FEW;
        if much {
            self.size = (self.size / 2).max(1);
            self.arrived = 0;
            self.lost = 0;
        }
        much
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_quarter_halves() {
        let mut flow = Flow::new(32);
        assert!(!flow.lost(8));
        assert!(flow.lost(1));
        assert_eq!((flow.size(), flow.limit()), (16, 32));
        assert!(!flow.lost(4));
        assert!(flow.lost(200));
        assert_eq!(flow.size(), 8);
        for _ in 0..9 {
            flow.lost(64);
        }
        assert_eq!(flow.size(), 1);
    }

    #[test]
    fn one_lost_block_is_never_much() {
        let mut flow = Flow::new(3);
        assert!(!flow.lost(1));
        assert!(flow.lost(1));
        assert_eq!(flow.size(), 1);
        assert!(!flow.lost(1));
    }

    #[test]
    fn a_window_without_loss_grows() {
        let arrive = |flow: &mut Flow, count| (0..count).for_each(|_| flow.arrived());
        let mut flow = Flow::new(32);
        flow.lost(9);
        arrive(&mut flow, 15);
        assert_eq!(flow.size(), 16);
        arrive(&mut flow, 1);
        assert_eq!(flow.size(), 20);
        flow.lost(1);
        arrive(&mut flow, 20);
        assert_eq!(flow.size(), 20, "something was lost");
        arrive(&mut flow, 200);
        assert_eq!(flow.size(), 32);
        let mut small = Flow::new(2);
        small.lost(2);
        arrive(&mut small, 1);
        assert_eq!(small.size(), 2);
    }
}
