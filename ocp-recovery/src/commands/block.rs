//! The octets of a burst that wait for their way to the device.

/// Octets of the longest burst: 64 words, the FIFO of the I3C core.
pub(crate) const BURST: usize = 256;

/// One burst of the FIFO: octets that the agent has written and the device does not hold yet.
#[derive(Debug)]
pub(crate) struct Burst {
    octets: [u8; BURST],
    /// Number of octets that the agent has written.
    len: usize,
    /// Number of octets that the device is known to hold.
    sent: usize,
    /// Set when the burst is whole, or is the last one, and has to go to the device.
    pub(crate) leaving: bool,
}

impl Burst {
    pub(crate) const EMPTY: Self = Self {
        octets: [0; BURST],
        len: 0,
        sent: 0,
        leaving: false,
    };

    /// Forgets the octets.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.sent = 0;
        self.leaving = false;
    }

    /// Adds octets. What does not fit is dropped; the agent never writes more than a burst.
    pub(crate) fn push(&mut self, octets: &[u8]) {
        let room = self.octets.get_mut(self.len..).unwrap_or_default();
        for (to, from) in room.iter_mut().zip(octets) {
            *to = *from;
            self.len = self.len.saturating_add(1);
        }
    }

    /// Number of octets that the agent has written.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The next block of at most `most` octets; empty when the device holds all.
    pub(crate) fn next(&self, most: usize) -> &[u8] {
        let rest = self.octets.get(self.sent..self.len).unwrap_or_default();
        rest.get(..most).unwrap_or(rest)
    }

    /// Notes that the device holds `octets` more of the burst, and clears the burst when that was all.
    pub(crate) fn taken(&mut self, octets: usize) {
        self.sent = self.sent.saturating_add(octets);
        if self.sent >= self.len {
            self.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_leaves_in_blocks_and_is_empty_then() {
        let mut burst = Burst::EMPTY;
        let octets: Vec<u8> = (0..=255).collect();
        burst.push(&octets[..100]);
        burst.push(&octets[100..]);
        burst.push(&[7, 7]);
        burst.leaving = true;
        assert_eq!(burst.len(), 256);
        assert_eq!(burst.next(252), &octets[..252]);
        burst.taken(252);
        assert_eq!(burst.next(252), &octets[252..]);
        assert!(burst.leaving);
        burst.taken(4);
        assert_eq!((burst.len(), burst.leaving), (0, false));
        assert_eq!(burst.next(252), &[]);
    }
}
