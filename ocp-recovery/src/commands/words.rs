//! Words of an answer, and the indices of the FIFO in them.

use crate::command::MAX_DATA;

/// The data of one answer.
pub(crate) type Data = [u8; MAX_DATA];

/// The word of four octets from `first`; octets that are not there read as 0.
pub(crate) fn word(data: &Data, first: usize) -> u32 {
    let octets = data.get(first..).and_then(<[u8]>::first_chunk);
    u32::from_le_bytes(octets.copied().unwrap_or_default())
}

/// By how many words an index moved in a FIFO of `size` words.
pub(crate) fn distance(from: u32, to: u32, size: u32) -> u32 {
    let place = |index: u32| index.checked_rem(size).unwrap_or(0);
    let (from, to) = (place(from), place(to));
    match to.checked_sub(from) {
        Some(distance) => distance,
        None => to.saturating_add(size).saturating_sub(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_little_endian_and_end_with_the_data() {
        let mut data = [0; MAX_DATA];
        data[..5].copy_from_slice(&[1, 2, 3, 4, 5]);
        data[MAX_DATA - 4..].copy_from_slice(&[6, 7, 8, 9]);
        assert_eq!(word(&data, 0), 0x0403_0201);
        assert_eq!(word(&data, 1), 0x0504_0302);
        assert_eq!(word(&data, MAX_DATA - 4), 0x0908_0706);
        assert_eq!(word(&data, MAX_DATA - 3), 0);
        assert_eq!(word(&data, usize::MAX), 0);
    }

    /// An index goes from the last word of the FIFO to the first.
    #[test]
    fn an_index_moves_round_the_fifo() {
        for (from, to, size, words) in [
            (0, 0, 8, 0),
            (3, 5, 8, 2),
            (0, 7, 8, 7),
            (7, 0, 8, 1),
            (6, 1, 8, 3),
            (5, 4, 8, 7),
            // Indices that the FIFO has not.
            (9, 1, 8, 0),
            (1, 12, 8, 3),
            (3, 5, 0, 0),
            (0, u32::MAX, u32::MAX, 0),
        ] {
            assert_eq!(distance(from, to, size), words, "{from} {to} {size}");
        }
    }
}
