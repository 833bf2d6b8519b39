//! What a file holds.

use std::hash::Hasher;
use std::sync::Arc;

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These octets.
    Bytes(Arc<[u8]>),
    /// Octets that look random, made as they are read, so that a huge file needs no memory.
    Pattern {
        /// Length in octets.
        size: u64,
        /// Files with different seeds differ everywhere.
        seed: u64,
    },
}

impl Content {
    /// Length in octets.
    pub fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Pattern { size, .. } => *size,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` with what is at `offset`, as far as the file goes, and says how much that was.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> usize {
        let left = self.len().saturating_sub(offset);
        let length = usize::try_from(left).map_or(out.len(), |left| out.len().min(left));
        let out = &mut out[..length];
        match self {
            Content::Bytes(bytes) => {
                // `left` is at most the length of the slice, so the offset fits.
                let start = offset as usize;
                if length > 0 {
                    out.copy_from_slice(&bytes[start..start + length]);
                }
            }
            Content::Pattern { seed, .. } => pattern(*seed, offset, out),
        }
        length
    }

    /// All of it.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = vec![0; usize::try_from(self.len()).unwrap_or(usize::MAX)];
        self.read(0, &mut out);
        out
    }

    /// A number that differs, but for bad luck, when the content does: for entity tags.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        match self {
            Content::Bytes(bytes) => hasher.write(bytes),
            Content::Pattern { size, seed } => {
                hasher.write_u64(*size);
                hasher.write_u64(*seed);
            }
        }
        hasher.finish()
    }
}

impl From<Vec<u8>> for Content {
    fn from(value: Vec<u8>) -> Self {
        Content::Bytes(value.into())
    }
}

impl From<&[u8]> for Content {
    fn from(value: &[u8]) -> Self {
        Content::Bytes(value.into())
    }
}

impl From<&str> for Content {
    fn from(value: &str) -> Self {
        Content::Bytes(value.as_bytes().into())
    }
}

/// Word `index` of the pattern: SplitMix64, which gives any word without those before it.
fn word(seed: u64, index: u64) -> [u8; 8] {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)).to_le_bytes()
}

fn pattern(seed: u64, offset: u64, out: &mut [u8]) {
    let mut index = offset / 8;
    let skip = (offset % 8) as usize;
    let (head, rest) = out.split_at_mut(out.len().min((8 - skip) % 8));
    if !head.is_empty() {
        head.copy_from_slice(&word(seed, index)[skip..skip + head.len()]);
        index += 1;
    }
    let mut words = rest.chunks_exact_mut(8);
    for chunk in &mut words {
        chunk.copy_from_slice(&word(seed, index));
        index += 1;
    }
    let tail = words.into_remainder();
    let length = tail.len();
    tail.copy_from_slice(&word(seed, index)[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_piece_of_a_pattern_is_a_piece_of_the_whole(
            size in 0_u64..100, offset in 0_u64..120, length in 0_usize..120, seed in any::<u64>(),
        ) {
            let content = Content::Pattern { size, seed };
            let whole = content.to_vec();
            let mut piece = vec![0; length];
            let got = content.read(offset, &mut piece);
            let from = (offset as usize).min(whole.len());
            let to = (from + length).min(whole.len());
            prop_assert_eq!(&piece[..got], &whole[from..to]);
            let bytes = Content::from(whole);
            let mut same = vec![0; length];
            prop_assert_eq!(bytes.read(offset, &mut same), got);
            prop_assert_eq!(same, piece);
        }
    }

    #[test]
    fn fingerprints_and_seeds_differ() {
        let a = Content::Pattern { size: 64, seed: 1 };
        let b = Content::Pattern { size: 64, seed: 2 };
        assert_ne!(a.to_vec(), b.to_vec());
        assert_ne!(a.fingerprint(), b.fingerprint());
        assert_ne!(
            Content::from("fw 1").fingerprint(),
            Content::from("fw 2").fingerprint()
        );
        assert!(Content::from("").is_empty());
    }

    #[test]
    fn far_offsets_of_huge_files_are_readable() {
        let huge = Content::Pattern {
            size: u64::MAX,
            seed: 9,
        };
        let mut out = [0; 16];
        assert_eq!(huge.read(u64::MAX - 3, &mut out), 3);
        assert_eq!(huge.read(1 << 40, &mut out), 16);
    }
}
