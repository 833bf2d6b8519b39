//! The indirect FIFO and the gate in front of it, as in i3c-core v1p5 (`recovery_handler.sv`).
//!
//! The gate opens when the FIFO is empty. It closes as soon as the FIFO is not empty and either full or
//! *payload available*. A word that meets a closed gate is lost when the FIFO is full, and stalls the bus
//! for good when it is not.

/// Number of words that the FIFO holds: FIFO_SIZE and MAX_TRANSFER_SIZE.
pub(crate) const FIFO_WORDS: u32 = 64;

/// The fate of a word that was written to the FIFO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Push {
    /// The FIFO took the word.
    Accepted,
    /// The write was acknowledged, and the word is lost.
    Dropped,
    /// The write is never acknowledged.
    Stalled,
}

#[derive(Clone, Debug)]
pub(crate) struct Fifo {
    words: [[u8; 4]; FIFO_WORDS as usize],
    /// Number of words in the FIFO.
    len: u32,
    pub(crate) write_index: u32,
    pub(crate) read_index: u32,
    /// Set while the gate is open.
    allow_write: bool,
    /// Set while *payload available* holds until the FIFO is empty.
    latched: bool,
    /// *Payload available* as the device sees it.
    pub(crate) payload_available: bool,
}

impl Fifo {
    pub(crate) const fn new() -> Self {
        Self {
            words: [[0; 4]; FIFO_WORDS as usize],
            len: 0,
            write_index: 0,
            read_index: 0,
            allow_write: true,
            latched: false,
            payload_available: false,
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.len >= FIFO_WORDS
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// Takes a word from the agent. [`settle`](Self::settle) must follow.
    pub(crate) fn push(&mut self, word: u32) -> Push {
        if !self.allow_write {
            return if self.is_full() {
                Push::Dropped
            } else {
                Push::Stalled
            };
        }
        let Some(slot) = self.words.get_mut(self.len as usize) else {
            return Push::Dropped;
        };
        *slot = word.to_le_bytes();
        self.len += 1;
        self.write_index = (self.write_index + 1) & (FIFO_WORDS - 1);
        Push::Accepted
    }

    /// The octets of the first `count` words, in order.
    pub(crate) fn front(&self, count: u32) -> &[u8] {
        let count = count.min(self.len) as usize;
        self.words.get(..count).unwrap_or(&[]).as_flattened()
    }

    /// Takes the first `count` words away. [`settle`](Self::settle) must follow.
    pub(crate) fn remove(&mut self, count: u32) {
        let count = count.min(self.len);
        self.len -= count;
        self.read_index = (self.read_index + count) & (FIFO_WORDS - 1);
        if self.len != 0 {
            // A device that wanted less than there is; no driver that keeps the rules gets here.
            for to in 0..self.len as usize {
                let from = self.words.get(to + count as usize).copied();
                if let (Some(slot), Some(word)) = (self.words.get_mut(to), from) {
                    *slot = word;
                }
            }
        }
    }

    /// Empties it and resets both indices. [`settle`](Self::settle) must follow.
    pub(crate) fn reset(&mut self) {
        self.len = 0;
        self.write_index = 0;
        self.read_index = 0;
    }

    /// Evaluates the hardware's equations after a change, and returns PAYLOAD_DONE as the hardware leaves it.
    pub(crate) fn settle(&mut self, payload_done: bool, activated: bool) -> bool {
        let empty = self.is_empty();
        let full = self.is_full();
        let level = full || payload_done || activated;
        self.latched = !empty && (self.latched || level);
        self.payload_available = level || self.latched;
        self.allow_write = empty || (self.allow_write && !full && !self.payload_available);
        payload_done && !full && (empty || !activated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(fifo: &mut Fifo, words: u32) {
        for word in 0..words {
            assert_eq!(fifo.push(word), Push::Accepted);
            fifo.settle(false, false);
        }
    }

    #[test]
    fn a_full_fifo_loses_words_and_opens_only_when_empty() {
        let mut fifo = Fifo::new();
        fifo.settle(false, false);
        fill(&mut fifo, 64);
        assert!(fifo.is_full() && fifo.payload_available);
        assert_eq!(fifo.push(0), Push::Dropped);
        fifo.remove(1);
        fifo.settle(false, false);
        assert!(fifo.payload_available, "until it is empty");
        // Room again, but the gate is shut: this is the write that hangs the bus.
        assert_eq!(fifo.push(0), Push::Stalled);
        fifo.remove(63);
        fifo.settle(false, false);
        assert!(!fifo.payload_available);
        assert_eq!(fifo.push(0), Push::Accepted);
    }

    #[test]
    fn the_second_word_stalls_when_the_payload_was_done_or_active() {
        for (done, active) in [(true, false), (false, true)] {
            let mut fifo = Fifo::new();
            fifo.settle(done, active);
            assert_eq!(fifo.push(0), Push::Accepted);
            fifo.settle(done, active);
            assert_eq!(fifo.push(0), Push::Stalled);
        }
    }

    #[test]
    fn hardware_clears_payload_done() {
        let mut fifo = Fifo::new();
        assert!(fifo.settle(true, false));
        assert!(fifo.settle(true, true));
        fill(&mut fifo, 1);
        assert!(fifo.settle(true, false));
        assert!(!fifo.settle(true, true));
        let mut fifo = Fifo::new();
        fifo.settle(false, false);
        fill(&mut fifo, 64);
        assert!(!fifo.settle(true, false));
        assert!(fifo.payload_available);
    }

    #[test]
    fn words_come_out_in_order() {
        let mut fifo = Fifo::new();
        fifo.settle(false, false);
        fill(&mut fifo, 5);
        assert_eq!(fifo.front(2), [0, 0, 0, 0, 1, 0, 0, 0]);
        fifo.remove(2);
        assert_eq!(fifo.front(9), [2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!((fifo.write_index, fifo.read_index), (5, 2));
        fifo.reset();
        assert_eq!((fifo.len(), fifo.write_index, fifo.read_index), (0, 0, 0));
    }
}
