//! What fuzz bodies and tests of several crates need: an input that is taken apart, and numbers that are the same in each run.

use rand_core::{CryptoRng, Error, RngCore, impls};

/// The octets of an input that are left. An input that is used up gives zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// Takes the next octet; 0 at the end.
    pub fn octet(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Takes the next octet and tells whether it is odd.
    pub fn flag(&mut self) -> bool {
        self.octet() & 1 != 0
    }

    /// Takes the next `len` octets, or what is left.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(len.min(self.0.len()));
        self.0 = tail;
        head
    }

    /// Whether no octet is left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// SplitMix64, a generator of numbers that look random and are the same for the same seed. Nobody may take them for secrets: it is a
/// [`CryptoRng`] for the sake of fuzz bodies whose subject asks for one.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number's lowest octet.
    pub fn octet(&mut self) -> u8 {
        self.number() as u8
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.number().checked_rem(bound as u64).unwrap_or(0) as usize
    }

    /// Tells "yes" in `percent` of a hundred calls.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.number() % 100 < u64::from(percent)
    }
}

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.number()
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        impls::fill_bytes_via_next(self, octets);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(octets);
        Ok(())
    }
}

impl CryptoRng for Random {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_taken_apart_and_then_gives_zeros() {
        let mut input = Input(&[7, 1, 2, 3]);
        assert_eq!((input.octet(), input.flag()), (7, true));
        assert_eq!(input.take(1), [2]);
        assert!(!input.is_empty());
        assert_eq!(input.take(5), [3]);
        assert_eq!((input.octet(), input.flag()), (0, false));
    }

    /// The first numbers of the reference implementation for seed 1234567.
    #[test]
    fn numbers_are_those_of_splitmix64() {
        let mut random = Random(1_234_567);
        assert_eq!(random.number(), 6_457_827_717_110_365_317);
        assert_eq!(random.number(), 3_203_168_211_198_807_973);
        let ends = (random.below(0), random.percent(0), random.percent(100));
        assert_eq!(ends, (0, false, true));
    }
}
