//! Which part of a file comes over which connection: a pure state machine, without sockets and time.
//!
//! A file is cut into stripes of one length. Each open connection (*lane*) has up to [`DEPTH`] of them asked of it, and answers
//! in the order of the questions (RFC 9112, section 9.3.2), so that it always has something to send. The stripes are read in
//! the file's order; what the other lanes bring meanwhile waits in their receive buffers. Stripes are dealt round robin among the
//! lanes that are open, and the transfer waits for the lane whose stripe comes next: a lane that had several in a row would bring
//! them one after the other, and go on getting them so. A lane that comes late, or never, takes none from the others.
//!
//! When a lane is lost its stripes have to be asked for again, by a lane that has none of later ones before them: otherwise the
//! answers would wait for each other.

use heapless::Deque;

/// Greatest number of lanes.
pub(crate) const LANES: usize = 4;
/// Stripes asked of one lane at a time: those that come or wait in its buffer, and as many after them, so that it has a window's
/// worth to send when they are taken.
pub(super) const DEPTH: usize = 4;
/// Greatest number of stripes that are under way at a time.
const MOST: usize = LANES * DEPTH;

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stripe {
    /// Offset of the first octet that was not taken.
    pub first: u64,
    /// Offset behind the last octet.
    pub end: u64,
}

impl Stripe {
    /// Number of octets that were not taken.
    pub fn len(self) -> u64 {
        self.end.saturating_sub(self.first)
    }
}

/// A stripe, and the lane that was asked for it.
struct Asked {
    stripe: Stripe,
    /// `None` when the stripe has to be asked for again.
    lane: Option<u8>,
}

/// A file on its way.
pub(super) struct Stripes {
    /// The stripes that are under way, in the file's order. The first one is being read.
    asked: Deque<Asked, MOST>,
    /// Offset of the first octet that belongs to no stripe yet.
    next: u64,
    /// Offset behind the last octet that is wanted.
    end: u64,
    /// Octets of a stripe.
    len: u64,
    /// The lane that was dealt the last stripe.
    turn: u8,
}

impl Stripes {
    /// Cuts the octets up to `end` into stripes of `len` octets. Lane 0 was asked for the first one already.
    pub fn new(first: Stripe, end: u64, len: u64) -> Self {
        let mut asked = Deque::new();
        let stripe = first;
        // There is room for one.
        let _ = asked.push_back(Asked {
            stripe,
            lane: Some(0),
        });
        Self {
            asked,
            next: first.end,
            end,
            len: len.max(1),
            turn: 0,
        }
    }

    /// The stripe that is read now, and its lane; `None` when all were read.
    pub fn front(&self) -> Option<(Stripe, Option<u8>)> {
        let asked = self.asked.front()?;
        Some((asked.stripe, asked.lane))
    }

    /// Says that so many octets of the front stripe were taken.
    pub fn taken(&mut self, octets: u64) {
        if let Some(asked) = self.asked.front_mut() {
            asked.stripe.first = asked.stripe.first.saturating_add(octets);
        }
    }

    /// Says that the answer for the front stripe is over.
    pub fn finish_front(&mut self) {
        let _ = self.asked.pop_front();
    }

    /// Whether everything came.
    pub fn is_complete(&self) -> bool {
        self.asked.is_empty() && self.next >= self.end
    }

    /// Stripes that no lane was asked for, and that might be now.
    pub fn wanted(&self) -> usize {
        let lost = self.asked.iter().filter(|asked| asked.lane.is_none());
        let room = MOST.saturating_sub(self.asked.len());
        let rest = self.end.saturating_sub(self.next).div_ceil(self.len);
        lost.count()
            .saturating_add(usize::try_from(rest).unwrap_or(usize::MAX).min(room))
    }

    /// Stripes asked of `lane`.
    pub fn load(&self, lane: u8) -> usize {
        let of = self.asked.iter().filter(|asked| asked.lane == Some(lane));
        of.count()
    }

    /// The next request: what is to be asked of whom, among the lanes whose bits are set in `open`.
    pub fn request(&self, open: u8) -> Option<(u8, Stripe)> {
        let fits = |lane: u8| open & (1 << lane) != 0 && self.load(lane) < DEPTH;
        if let Some(lost) = self.asked.iter().find(|asked| asked.lane.is_none()) {
            let stripe = lost.stripe;
            let behind = |lane: u8| {
                let mut of = self.asked.iter().rev();
                of.find(|asked| asked.lane == Some(lane))
                    .is_some_and(|last| last.stripe.first > stripe.first)
            };
            let lanes = (0..LANES as u8).filter(|lane| fits(*lane) && !behind(*lane));
            let lane = lanes.min_by_key(|lane| self.load(*lane))?;
            return Some((lane, stripe));
        }
        if self.next >= self.end || self.asked.is_full() {
            return None;
        }
        // Whoever is next in turn, though another may have less to do.
        let after = (0..LANES as u8).filter(|lane| *lane > self.turn);
        let mut lanes = after.chain(0..LANES as u8);
        let lane = lanes.find(|lane| open & (1 << lane) != 0)?;
        let stripe = Stripe {
            first: self.next,
            end: self.next.saturating_add(self.len).min(self.end),
        };
        fits(lane).then_some((lane, stripe))
    }

    /// Says that the request was sent.
    pub fn sent(&mut self, lane: u8, stripe: Stripe) {
        let is_lost = |asked: &&mut Asked| asked.lane.is_none() && asked.stripe == stripe;
        if let Some(asked) = self.asked.iter_mut().find(is_lost) {
            asked.lane = Some(lane);
            return;
        }
        let asked = Asked {
            stripe,
            lane: Some(lane),
        };
        if self.asked.push_back(asked).is_ok() {
            self.next = stripe.end;
            self.turn = lane;
        }
    }

    /// Says that `lane` will answer nothing of what it was asked; whether there was anything.
    pub fn lose(&mut self, lane: u8) -> bool {
        let mut any = false;
        for asked in &mut self.asked {
            if asked.lane == Some(lane) {
                asked.lane = None;
                any = true;
            }
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    const ALL: u8 = 0b1111;

    fn stripes(end: u64, len: u64) -> Stripes {
        Stripes::new(Stripe { first: 0, end: len }, end, len)
    }

    /// Asks for all that may be asked for; the lanes, in order.
    fn ask(stripes: &mut Stripes, open: u8) -> Vec<(u8, u64)> {
        std::iter::from_fn(|| {
            let (lane, stripe) = stripes.request(open)?;
            stripes.sent(lane, stripe);
            Some((lane, stripe.first))
        })
        .collect()
    }

    fn read_front(stripes: &mut Stripes) {
        let (stripe, _) = stripes.front().unwrap();
        stripes.taken(stripe.len());
        stripes.finish_front();
    }

    #[test]
    fn equal_lanes_take_turns() {
        let mut stripes = stripes(1_000, 10);
        let asked = ask(&mut stripes, ALL);
        let lanes: Vec<_> = asked.iter().map(|(lane, _)| *lane).collect();
        let turns: Vec<_> = (1..MOST).map(|turn| (turn % LANES) as u8).collect();
        assert_eq!(lanes, turns);
        assert_eq!(stripes.load(0), DEPTH);
        for turn in 0..20 {
            let (stripe, lane) = stripes.front().unwrap();
            assert_eq!((stripe.first, lane), (turn * 10, Some((turn % 4) as u8)));
            read_front(&mut stripes);
            // Who is done gets the next one.
            assert_eq!(
                ask(&mut stripes, ALL),
                [((turn % 4) as u8, (turn + MOST as u64) * 10)]
            );
        }
    }

    #[test]
    fn a_lane_that_comes_late_is_not_waited_for() {
        let mut stripes = stripes(1_000, 10);
        assert_eq!(ask(&mut stripes, 0b0001), [(0, 10), (0, 20), (0, 30)]);
        assert_eq!(stripes.wanted(), MOST - DEPTH);
        // From now on they take turns, and lane 0 has enough to do.
        assert_eq!(ask(&mut stripes, 0b0101), [(2, 40)]);
        for first in [50, 70, 90] {
            read_front(&mut stripes);
            assert_eq!(ask(&mut stripes, 0b0101), [(0, first), (2, first + 10)]);
        }
        assert_eq!((stripes.load(0), stripes.load(2)), (DEPTH, DEPTH));
    }

    #[test]
    fn the_last_stripe_is_what_is_left() {
        let mut stripes = stripes(25, 10);
        assert_eq!(ask(&mut stripes, ALL), [(1, 10), (2, 20)]);
        assert_eq!(stripes.wanted(), 0);
        read_front(&mut stripes);
        read_front(&mut stripes);
        let last = Stripe { first: 20, end: 25 };
        assert_eq!(stripes.front(), Some((last, Some(2))));
        assert!(!stripes.is_complete());
        read_front(&mut stripes);
        assert!(stripes.is_complete() && stripes.front().is_none());
    }

    #[test]
    fn lost_stripes_are_asked_for_before_others_and_never_behind_later_ones() {
        let mut stripes = stripes(1_000, 10);
        ask(&mut stripes, 0b0111);
        // Lane 1 had every third.
        assert!(stripes.lose(1) && !stripes.lose(1));
        assert_eq!(stripes.wanted(), DEPTH + MOST - 3 * DEPTH);
        // Lanes 0 and 2 have later ones than stripe 1.
        assert_eq!(ask(&mut stripes, 0b0101), []);
        assert_eq!(ask(&mut stripes, 0b0111)[..2], [(1, 10), (1, 40)]);
    }

    /// A lane of the model: the stripes that it will answer, in the order of the questions.
    type Lane = VecDeque<Stripe>;

    proptest! {
        /// Whatever lanes come, go and come back: each octet is read once and in order, no lane has more than it may, each lane
        /// is read in the order in which it was asked, and it ends as soon as all lanes stay.
        #[test]
        fn all_octets_are_read_once_and_in_order(
            end in 1u64..600, len in 1u64..40, first in 0u64..20,
            steps in prop::collection::vec((0u8..4, 0u8..4, 0u64..50), 0..120),
        ) {
            let end = first + end;
            let front = Stripe { first, end: (first + len).min(end) };
            let mut stripes = Stripes::new(front, end, len);
            let mut lanes: [Lane; LANES] = Default::default();
            lanes[0].push_back(front);
            let mut open = 1u8;
            let mut read = first;
            let calm = std::iter::repeat_n((4u8, 0u8, 50u64), 4 * 700);
            for (act, lane, octets) in steps.into_iter().chain(calm) {
                match act {
                    0 => {
                        open &= !(1 << lane);
                        prop_assert_eq!(stripes.lose(lane), !lanes[usize::from(lane)].is_empty());
                        lanes[usize::from(lane)].clear();
                    }
                    1 => open |= 1 << lane,
                    4 => open = ALL,
                    _ => {}
                }
                while let Some((lane, stripe)) = stripes.request(open) {
                    prop_assert!(open & (1 << lane) != 0 && stripe.len() > 0);
                    stripes.sent(lane, stripe);
                    let of = &mut lanes[usize::from(lane)];
                    prop_assert!(of.back().is_none_or(|last| last.end <= stripe.first));
                    of.push_back(stripe);
                    prop_assert!(of.len() <= DEPTH && stripes.load(lane) == of.len());
                }
                let Some((stripe, Some(lane))) = stripes.front() else { continue };
                let of = &mut lanes[usize::from(lane)];
                prop_assert_eq!(stripe.first, read);
                prop_assert_eq!(of.front().map(|stripe| stripe.end), Some(stripe.end));
                let taken = octets.min(stripe.len());
                stripes.taken(taken);
                read += taken;
                if taken == stripe.len() {
                    of.pop_front();
                    stripes.finish_front();
                }
            }
            prop_assert_eq!(read, end);
            prop_assert!(stripes.is_complete());
        }
    }
}
