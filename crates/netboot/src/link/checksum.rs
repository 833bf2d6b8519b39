//! The Internet checksum (RFC 1071) over what arrives, a word at a time.

use zerocopy::FromBytes;

/// Words summed in one round of the loop: the loop itself is paid for once in 16 octets.
const ROUND: usize = 4;

/// Adds one word, and brings the carry round.
#[inline(always)]
fn add(sum: u32, word: u32) -> u32 {
    let (sum, carry) = sum.overflowing_add(word);
    // With a carry the sum is below 2^32 - 1.
    sum.wrapping_add(u32::from(carry))
}

/// Adds the 16-bit words of `data`, in the order of memory; an odd octet at the end gets a zero behind it.
#[inline(never)]
pub(super) fn sum(start: u32, data: &[u8]) -> u32 {
    let mut sum = start;
    let mut rest = data;
    // IP and what it carries begin at any multiple of 2; two octets further they are on a word.
    if rest.as_ptr().align_offset(4) == 2
        && let Some((pair, after)) = rest.split_first_chunk::<2>()
    {
        sum = add(sum, u32::from(u16::from_ne_bytes(*pair)));
        rest = after;
    }
    let words = rest.len() & !3;
    if let Some(Ok(words)) = rest.get(..words).map(<[u32]>::ref_from_bytes) {
        let (rounds, last) = words.as_chunks::<ROUND>();
        for [a, b, c, d] in rounds {
            sum = add(add(add(add(sum, *a), *b), *c), *d);
        }
        sum = last.iter().fold(sum, |sum, word| add(sum, *word));
        rest = rest
            .get(words.len().saturating_mul(4)..)
            .unwrap_or_default();
    }
    let (pairs, odd) = rest.as_chunks::<2>();
    for pair in pairs {
        sum = add(sum, u32::from(u16::from_ne_bytes(*pair)));
    }
    match odd.first() {
        Some(last) => add(sum, u32::from(u16::from_ne_bytes([*last, 0]))),
        None => sum,
    }
}

/// The checksum that makes a sum right, as it stands in memory.
pub(super) fn complement(sum: u32) -> [u8; 2] {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    (!(sum as u16)).to_ne_bytes()
}

/// Whether a sum over everything, the checksum included, is what it has to be.
pub(super) fn is_right(sum: u32) -> bool {
    let sum = (sum & 0xffff) + (sum >> 16);
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071, section 4.1.
    fn plain(data: &[u8]) -> u16 {
        let words = data
            .chunks(2)
            .map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
        let mut sum: u64 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    fn folded(sum: u32) -> u16 {
        let sum = (sum & 0xffff) + (sum >> 16);
        ((sum & 0xffff) + (sum >> 16)) as u16
    }

    #[test]
    fn every_length_and_alignment_gives_the_sum_of_rfc_1071() {
        let mut octets = [0u8; 200];
        for (at, octet) in octets.iter_mut().enumerate() {
            *octet = (at as u8).wrapping_mul(157) ^ 0xa5;
        }
        for from in 0..8 {
            for to in from..octets.len() {
                let data = &octets[from..to];
                assert_eq!(
                    folded(sum(0, data)),
                    plain(data).to_be(),
                    "octets {from} to {to}"
                );
            }
        }
    }

    #[test]
    fn carries_come_round() {
        let ones = [0xffu8; 97];
        assert_eq!(folded(sum(u32::MAX, &ones)), plain(&ones).to_be());
        assert_eq!(folded(add(u32::MAX, u32::MAX)), 0xffff);
    }

    #[test]
    fn right_is_all_ones() {
        assert!(is_right(0xffff) && is_right(0xffff_0000) && is_right(0xffff_ffff));
        assert!(!is_right(0) && !is_right(0xfffe) && !is_right(0x1_ffff));
    }
}
