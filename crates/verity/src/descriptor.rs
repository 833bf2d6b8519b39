//! The descriptor of a file, whose hash is the file's digest, and the head of a packed file.

use crate::error::VerityError;
use crate::layout::BLOCK;
use netboot_core::{Digest, Hasher};

/// Octets of the descriptor.
const DESCRIPTOR: usize = 256;
/// Octets of the head of a packed file. It is as long as a block, so that block `n` begins at octet `1024 * (n + 1)`.
pub const HEAD: usize = BLOCK;

/// How a packed file begins. The octets around the letters show a transfer that changes the ends of lines, as with PNG.
const MAGIC: [u8; 8] = *b"\x89NBV\r\n\x1a\n";
/// The version of the head, in little endian behind the magic.
const VERSION: u32 = 1;
/// Offset of the descriptor in the head.
const AT: usize = 256;

/// What a file's digest is the hash of: its size and the hash of its top node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Octets of the file.
    pub size: u64,
    /// Hash of the tree's top node; that of the block in a file of one block, and zeros in an empty file.
    pub root: Digest,
}

impl Descriptor {
    /// The descriptor as it is hashed: `struct fsverity_descriptor` of the Linux kernel, without a salt and without a signature.
    pub fn octets(&self) -> [u8; DESCRIPTOR] {
        let mut out = [0; DESCRIPTOR];
        // Version 1, SHA-256, blocks of 2^10 octets.
        put(&mut out, 0, &[1, 1, 10]);
        put(&mut out, 8, &self.size.to_le_bytes());
        put(&mut out, 16, &self.root.0);
        out
    }

    /// The digest of the file: what `fsverity digest --block-size=1024` prints.
    pub fn digest<H: Hasher>(&self, hasher: &mut H) -> Digest {
        hasher.update(&self.octets());
        hasher.finish()
    }
}

/// The head of a packed file: the magic, the version of the head, zeros, the descriptor from octet 256 on, and zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The descriptor of the file.
    pub descriptor: Descriptor,
}

impl Head {
    /// The octets of the head.
    pub fn octets(&self) -> [u8; HEAD] {
        let mut out = [0; HEAD];
        put(&mut out, 0, &MAGIC);
        put(&mut out, 8, &VERSION.to_le_bytes());
        put(&mut out, AT, &self.descriptor.octets());
        out
    }

    /// Whether a file that begins with these octets, eight of them or more, is packed.
    pub fn is_packed(first: &[u8]) -> bool {
        first.starts_with(&MAGIC)
    }

    /// Reads the head.
    ///
    /// # Errors
    /// [`VerityError::NotPacked`] when it is none, [`VerityError::Unsupported`] when it is one of another version, or when it says anything that it
    /// need not say.
    #[inline(never)]
    pub fn read(octets: &[u8; HEAD]) -> Result<Self, VerityError> {
        if !Self::is_packed(octets) {
            return Err(VerityError::NotPacked);
        }
        let mut size = [0; 8];
        let mut root = Digest([0; 32]);
        copy(&mut size, octets, AT + 8);
        copy(&mut root.0, octets, AT + 16);
        let size = u64::from_le_bytes(size);
        let head = Self {
            descriptor: Descriptor { size, root },
        };
        match head.octets() == *octets {
            true => Ok(head),
            false => Err(VerityError::Unsupported),
        }
    }
}

/// Writes `octets` at `at`.
fn put(out: &mut [u8], at: usize, octets: &[u8]) {
    for (to, from) in out.iter_mut().skip(at).zip(octets) {
        *to = *from;
    }
}

/// Reads what stands at `at`.
fn copy(out: &mut [u8], octets: &[u8], at: usize) {
    put(out, 0, octets.get(at..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_reads_back() {
        let head = Head {
            descriptor: Descriptor {
                size: 0x0102_0304_0506,
                root: Digest([0xab; 32]),
            },
        };
        let octets = head.octets();
        assert_eq!(Head::read(&octets), Ok(head));
        assert!(Head::is_packed(&octets[..8]) && !Head::is_packed(&octets[..7]));
    }

    #[test]
    fn every_octet_of_the_head_counts() {
        let head = Head {
            descriptor: Descriptor {
                size: 9,
                root: Digest([1; 32]),
            },
        };
        for at in 0..HEAD {
            let mut octets = head.octets();
            octets[at] ^= 0x20;
            let read = Head::read(&octets);
            let expected = match at {
                0..8 => Err(VerityError::NotPacked),
                // Size and root may be anything here: the digest of the descriptor tells.
                264..304 => continue,
                _ => Err(VerityError::Unsupported),
            };
            assert_eq!(read, expected, "{at}");
        }
    }
}
