//! Places that have served a wrong image come after all others.
//!
//! A place with a wrong or damaged image answers as fast as any other, so the order of the sources alone would lead there again in every round, and after
//! every reset of the device. It is not left out: the image may be mended there, and there may be no other place.

use crate::report::MAX_IMAGES;

/// Number of places of each image that can be told apart. Places behind them are never put last.
const PLACES: u32 = u16::BITS;

/// The places that have served a wrong image, for each image. They outlive a reset of the device.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Penalties {
    /// A bit for each place of an image, in the order of the sources.
    places: [u16; MAX_IMAGES],
    /// The image and the place of the present attempt.
    present: (u8, u16),
}

impl Penalties {
    /// Notes that the place that `round` has come to is tried for image `index`.
    pub fn attempt(&mut self, index: u8, round: &Round) {
        self.present = (index, round.bit);
    }

    /// Puts the place of the present attempt behind all others, from the next round on.
    pub fn give(&mut self) {
        let (index, bit) = self.present;
        if let Some(places) = self.places.get_mut(usize::from(index)) {
            *places |= bit;
        }
    }
}

/// One round over the places of an image: first those that have served nothing wrong, then the others.
pub(crate) struct Round {
    bad: u16,
    last: bool,
    nth: u32,
    bit: u16,
}

impl Round {
    /// Begins a round over the places of image `index`.
    pub fn new(penalties: &Penalties, index: u8) -> Self {
        let bad = penalties.places.get(usize::from(index));
        Self {
            bad: bad.copied().unwrap_or(0),
            last: false,
            nth: 0,
            bit: 0,
        }
    }

    /// Goes on to the next place. Says whether it has its turn now.
    pub fn takes(&mut self) -> bool {
        self.bit = match self.nth < PLACES {
            true => 1 << self.nth,
            false => 0,
        };
        self.nth = self.nth.saturating_add(1);
        (self.bad & self.bit != 0) == self.last
    }

    /// After the last place: whether the list has to be gone through once more, for the places that come last.
    pub fn turn(&mut self) -> bool {
        let again = self.bad != 0 && !self.last;
        self.last = true;
        self.nth = 0;
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of one round, of so many.
    fn order(penalties: &Penalties, index: u8, places: usize) -> Vec<usize> {
        let mut round = Round::new(penalties, index);
        let mut order = Vec::new();
        loop {
            order.extend((0..places).filter(|_| round.takes()));
            if !round.turn() {
                return order;
            }
        }
    }

    /// Gives a penalty to the place with this number.
    fn penalize(penalties: &mut Penalties, index: u8, nth: usize) {
        let mut round = Round::new(penalties, index);
        for _ in 0..=nth {
            round.takes();
        }
        penalties.attempt(index, &round);
        penalties.give();
    }

    #[test]
    fn without_a_penalty_each_place_has_its_turn_once() {
        assert_eq!(order(&Penalties::default(), 0, 3), [0, 1, 2]);
    }

    #[test]
    fn a_place_with_a_wrong_image_comes_last_for_that_image_alone() {
        let mut penalties = Penalties::default();
        penalize(&mut penalties, 1, 0);
        assert_eq!(order(&penalties, 1, 3), [1, 2, 0]);
        assert_eq!(order(&penalties, 0, 3), [0, 1, 2]);
        penalize(&mut penalties, 1, 2);
        assert_eq!(order(&penalties, 1, 3), [1, 0, 2]);
        penalize(&mut penalties, 1, 1);
        assert_eq!(order(&penalties, 1, 3), [0, 1, 2]);
    }

    #[test]
    fn places_and_images_beyond_the_last_bit_have_their_turn_all_the_same() {
        let mut penalties = Penalties::default();
        penalize(&mut penalties, 0, 20);
        penalize(&mut penalties, 200, 0);
        assert_eq!(order(&penalties, 0, 40), (0..40).collect::<Vec<_>>());
        assert_eq!(order(&penalties, 200, 2), [0, 1]);
    }
}
