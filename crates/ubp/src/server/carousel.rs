//! Sends all blocks of a file to a group, in order and again from the start, while somebody wants them.

use super::{Object, Store};
use crate::wire::{Answer, DATA_MAX, PARITY_MOST};
use netboot_core::{Duration, Instant};
use netboot_verity::{BLOCK, Layout};

/// The blocks of one file, in turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carousel {
    id: u32,
    /// Number of blocks in a turn.
    blocks: u32,
    /// Number of the next block.
    next: u32,
    /// Number of blocks to send before it stops.
    left: u32,
    /// Whether each run of up to 16 blocks is followed by its sum.
    parity: bool,
    sum: [u8; BLOCK],
    /// Number of blocks in the sum.
    count: u8,
    /// Time that a message takes at the group's rate.
    gap: Duration,
    /// When the next message is due.
    at: Instant,
}

impl Carousel {
    /// A carousel that stands still. `rate` is in octets in a second, 1 at the least.
    pub fn new(object: &Object, rate: u32, parity: bool) -> Self {
        let layout = Layout::new(object.descriptor.size);
        Self {
            id: object.id(),
            blocks: layout.map_or(0, |layout| layout.blocks()),
            next: 0,
            left: 0,
            parity,
            sum: [0; BLOCK],
            count: 0,
            gap: Duration::from_micros(DATA_MAX as u64 * 1_000_000 / u64::from(rate.max(1))),
            at: Instant::ZERO,
        }
    }

    /// Notes that a client has been told of the group: a whole turn is sent from now on. A carousel that stood still begins at number 0 after `delay`, in which others
    /// may join.
    pub fn join(&mut self, now: Instant, delay: Duration) {
        if self.left == 0 && self.count == 0 {
            self.next = 0;
            self.at = now + delay;
        }
        self.left = self.blocks;
    }

    /// When the next message is due; `None` while it stands still.
    pub fn poll_timeout(&self) -> Option<Instant> {
        (self.left > 0 || self.count > 0).then_some(self.at)
    }

    /// Writes the next message for the group to `buf`, which needs [`DATA_MAX`] octets, and returns its length. When a block cannot be read, the carousel stops.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        store: &dyn Store,
        buf: &mut [u8],
    ) -> Option<usize> {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return None;
        }
        // A server that was late does not send faster than the group's rate for long.
        self.at = (self.at + self.gap).max(now);
        let id = (self.id >> 16) as u16;
        let run_ends = self.next.is_multiple_of(PARITY_MOST.into()) || self.left == 0;
        if self.count > 0 && run_ends {
            let parity = Answer::Parity {
                id,
                first: self.before(self.count),
                count: self.count,
                sum: &self.sum,
            };
            let message = parity.emit(buf);
            self.count = 0;
            self.sum = [0; BLOCK];
            // A sum of one block is the block: there is none, and the next block follows.
            if message.is_some() || self.left == 0 {
                return message;
            }
        }
        let number = self.next;
        let mut block = [0; BLOCK];
        let len = store.block(self.id, number, &mut block);
        let Some(octets) = len.and_then(|len| block.get(..len)) else {
            self.left = 0;
            self.count = 0;
            return None;
        };
        if self.parity {
            for (to, from) in self.sum.iter_mut().zip(octets) {
                *to ^= *from;
            }
            self.count = self.count.saturating_add(1);
        }
        self.left = self.left.saturating_sub(1);
        self.next = match number.saturating_add(1) {
            end if end >= self.blocks => 0,
            next => next,
        };
        let block = octets;
        Answer::Data { id, number, block }.emit(buf)
    }

    /// The number of the block that was sent so many blocks ago.
    fn before(&self, count: u8) -> u32 {
        let next = match self.next {
            0 => self.blocks,
            next => next,
        };
        next.saturating_sub(count.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{OneFile, pattern};

    /// What the carousel sends until it stands still, and when: numbers, and the first and the count of each sum.
    fn sent(
        carousel: &mut Carousel,
        file: &OneFile,
        most: usize,
    ) -> (Vec<(u32, Option<u8>)>, Vec<u64>) {
        let (mut messages, mut times) = (Vec::new(), Vec::new());
        let mut buf = [0; DATA_MAX];
        while let Some(at) = carousel.poll_timeout().filter(|_| messages.len() < most) {
            if at > Instant::ZERO {
                let before = Instant::from_micros(at.as_micros() - 1);
                assert_eq!(carousel.poll_transmit(before, file, &mut buf), None);
            }
            let Some(len) = carousel.poll_transmit(at, file, &mut buf) else {
                continue;
            };
            times.push(at.as_micros());
            match Answer::parse(&buf[..len]) {
                Some(Answer::Data { number, block, .. }) => {
                    assert_eq!(block, file.blocks[number as usize]);
                    messages.push((number, None));
                }
                Some(Answer::Parity {
                    first, count, sum, ..
                }) => {
                    let mut expected = [0; BLOCK];
                    for block in &file.blocks[first as usize..][..usize::from(count)] {
                        for (to, from) in expected.iter_mut().zip(block) {
                            *to ^= from;
                        }
                    }
                    assert_eq!(*sum, expected);
                    messages.push((first, Some(count)));
                }
                other => panic!("{other:?}"),
            }
        }
        (messages, times)
    }

    /// 17 blocks of data and a node: 18 numbers.
    fn file() -> OneFile {
        OneFile::new(pattern(17 * 1024 - 5))
    }

    #[test]
    fn a_turn_has_each_block_once_at_the_groups_rate() {
        let file = file();
        let mut carousel = Carousel::new(&file.object, 1_032_000, false);
        assert_eq!(carousel.poll_timeout(), None);
        carousel.join(Instant::from_micros(5), Duration::from_micros(300));
        let (messages, times) = sent(&mut carousel, &file, usize::MAX);
        let expected: Vec<_> = (0..18).map(|number| (number, None)).collect();
        assert_eq!(messages, expected);
        let expected: Vec<_> = (0..18).map(|at| 305 + 1000 * at).collect();
        assert_eq!(times, expected);
    }

    #[test]
    fn each_run_of_sixteen_has_its_sum() {
        let file = file();
        let mut carousel = Carousel::new(&file.object, 0, true);
        carousel.join(Instant::ZERO, Duration::ZERO);
        let (messages, _) = sent(&mut carousel, &file, usize::MAX);
        let mut expected: Vec<_> = (0..16).map(|number| (number, None)).collect();
        expected.extend([(0, Some(16)), (16, None), (17, None), (16, Some(2))]);
        assert_eq!(messages, expected);
        // A run of one block has none.
        let file = OneFile::new(pattern(16 * 1024));
        let mut carousel = Carousel::new(&file.object, 0, true);
        carousel.join(Instant::ZERO, Duration::ZERO);
        let (messages, _) = sent(&mut carousel, &file, usize::MAX);
        assert_eq!(messages.len(), 18);
        assert_eq!(messages[16..], [(0, Some(16)), (16, None)]);
    }

    #[test]
    fn who_comes_late_gets_a_whole_turn() {
        let file = file();
        let mut carousel = Carousel::new(&file.object, 0, true);
        carousel.join(Instant::ZERO, Duration::ZERO);
        assert_eq!(sent(&mut carousel, &file, 5).0.len(), 5);
        carousel.join(Instant::ZERO, Duration::ZERO);
        let (messages, _) = sent(&mut carousel, &file, usize::MAX);
        let numbers: Vec<_> = messages.iter().filter(|one| one.1.is_none()).collect();
        assert_eq!(numbers.len(), 18);
        assert_eq!((numbers[0].0, numbers[17].0), (5, 4));
        // The last run is cut, and its sum says so.
        assert_eq!(messages.last(), Some(&(0, Some(5))));
        assert!(messages.contains(&(16, Some(2))));
    }

    #[test]
    fn a_file_that_cannot_be_read_stops_it() {
        let mut file = file();
        let mut carousel = Carousel::new(&file.object, 0, true);
        carousel.join(Instant::ZERO, Duration::ZERO);
        file.blocks.truncate(3);
        assert_eq!(sent(&mut carousel, &file, usize::MAX).0.len(), 3);
        assert_eq!(carousel.poll_timeout(), None);
    }
}
