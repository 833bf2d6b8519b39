//! Content that is hashed while it comes, and is held nowhere.

use netboot_x509::der::SET;
use sha2::{Digest, Sha256};

/// Octets at the start of the content that are remembered: a tag, and the longest length of DER for what has fewer than 4 GiB.
const HEAD: usize = 6;

/// Hashes detached content piece by piece with SHA-256, and sees whether it could be taken for signed attributes.
#[derive(Clone, Debug, Default)]
pub struct ContentHasher {
    hash: Sha256,
    head: [u8; HEAD],
    len: u64,
}

impl ContentHasher {
    /// Begins without any content.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next octets of the content.
    pub fn update(&mut self, octets: &[u8]) {
        let at = usize::try_from(self.len).unwrap_or(usize::MAX);
        for (to, from) in self.head.iter_mut().skip(at).zip(octets) {
            *to = *from;
        }
        self.len = self.len.saturating_add(octets.len() as u64);
        self.hash.update(octets);
    }

    /// What is known of the content once all of it was taken.
    pub fn finish(self) -> ContentDigest {
        ContentDigest {
            sha256: self.hash.finalize().into(),
            is_set: is_set(self.head, self.len),
        }
    }
}

/// What is known of content that went by, for [`Content::Hashed`](crate::Content::Hashed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest {
    pub(crate) sha256: [u8; 32],
    /// Whether the content is one `SET`, as signed attributes are.
    pub(crate) is_set: bool,
}

impl ContentDigest {
    /// SHA-256 of the content.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }
}

/// Whether content of `len` octets that begins with `head` is one `SET` (X.690, section 8.1.3). A length that is written longer than it has to be counts, too.
fn is_set(head: [u8; HEAD], len: u64) -> bool {
    let [tag, first, long @ ..] = head;
    let (before, content) = match first {
        0..=0x7F => (2, u64::from(first)),
        0x81..=0x84 => {
            let octets = usize::from(first & 0xF);
            let number = long.iter().take(octets);
            let number = number.fold(0, |number, octet| (number << 8) | u64::from(*octet));
            (2 + octets as u64, number)
        }
        _ => return false,
    };
    tag == SET && before + content == len
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(content: &[u8], piece: usize) -> ContentDigest {
        let mut hasher = ContentHasher::new();
        content.chunks(piece).for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    #[test]
    fn the_pieces_do_not_matter() {
        let content: Vec<u8> = (0..=255).collect();
        let whole = digest(&content, content.len());
        assert_eq!(whole.sha256()[..], Sha256::digest(&content)[..]);
        for piece in [1, 2, 5, 6, 7, 255] {
            assert_eq!(digest(&content, piece), whole);
        }
    }

    #[test]
    fn content_that_is_one_set_is_told() {
        let short = [&[SET, 3][..], &[0; 3]].concat();
        let long = [&[SET, 0x81, 0x80][..], &[0; 0x80]].concat();
        let longer = [&[SET, 0x82, 1, 0][..], &[0; 0x100]].concat();
        let padded = [&[SET, 0x84, 0, 0, 0, 3][..], &[0; 3]].concat();
        for set in [&[SET, 0][..], &short, &long, &longer, &padded] {
            for piece in [1, 3, set.len()] {
                assert!(digest(set, piece).is_set, "{set:x?}");
            }
            let more = [set, &[0]].concat();
            assert!(!digest(&more, 4).is_set, "an octet behind {set:x?}");
            let other = [&[0x30], &set[1..]].concat();
            assert!(!digest(&other, 4).is_set, "another tag on {set:x?}");
        }
        let less = &long[..long.len() - 1];
        assert!(!digest(less, 4).is_set, "an octet is missing");
        for other in [&[][..], &[SET], &[SET, 0x80], &[SET, 0x85, 0, 0, 0, 0, 0]] {
            assert!(!digest(other, 1).is_set, "{other:x?}");
        }
    }
}
