//! The hash of a cipher suite, and what TLS makes of it: HMAC, HKDF, the transcript (RFC 8446, sections 4.4.1 and 7.1).

use core::hint::black_box;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
#[cfg(feature = "aes-256-gcm")]
use sha2::Sha384;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Octets of the longest hash value, and of the longest secret.
pub(crate) const MAX_HASH: usize = if cfg!(feature = "aes-256-gcm") {
    48
} else {
    32
};
/// A secret of the schedule, as long as a hash value; wiped when dropped.
pub(crate) type Secret = Zeroizing<[u8; MAX_HASH]>;
/// A hash value, zeros behind it if it is shorter.
pub(crate) type Hash = [u8; MAX_HASH];

/// Octets of stack that [`wipe_stack`] overwrites.
const STACK: usize = 4096;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashKind {
    #[cfg_attr(
        not(any(feature = "aes-gcm", feature = "chacha20poly1305")),
        allow(dead_code, reason = "no suite of the build has it")
    )]
    Sha256,
    #[cfg(feature = "aes-256-gcm")]
    Sha384,
}

/// Does the same with the type of either hash function.
macro_rules! of_kind {
    ($kind:expr, $hash:ident => $do:expr) => {
        match $kind {
            HashKind::Sha256 => {
                type $hash = Sha256;
                $do
            }
            #[cfg(feature = "aes-256-gcm")]
            HashKind::Sha384 => {
                type $hash = Sha384;
                $do
            }
        }
    };
}

impl HashKind {
    /// Octets of a hash value.
    pub const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            #[cfg(feature = "aes-256-gcm")]
            Self::Sha384 => 48,
        }
    }

    /// As much of `octets` as a hash value has.
    pub fn cut(self, octets: &[u8; MAX_HASH]) -> &[u8] {
        octets.get(..self.len()).unwrap_or(octets)
    }

    /// The hash of no octets.
    pub fn of_nothing(self) -> Hash {
        of_kind!(self, H => padded(&H::digest(b"")))
    }

    /// HKDF-Extract; neither `salt` nor `input` are longer than a hash value.
    #[inline(never)]
    pub fn extract(self, salt: &Secret, input: &[u8]) -> Secret {
        of_kind!(self, H => {
            let (mut key, _) = Hkdf::<H>::extract(Some(self.cut(salt)), input);
            let secret = Zeroizing::new(padded(&key));
            key.as_mut_slice().zeroize();
            secret
        })
    }

    /// HKDF-Expand; `output` is no longer than a hash value.
    #[inline(never)]
    pub fn expand(self, secret: &Secret, info: &[&[u8]], output: &mut [u8]) {
        let expanded = of_kind!(self, H => match Hkdf::<H>::from_prk(self.cut(secret)) {
            Ok(hkdf) => hkdf.expand_multi_info(info, output).is_ok(),
            Err(_) => false,
        });
        // A PRK of one hash value and an output of no more than that are always right.
        debug_assert!(expanded);
    }

    /// HMAC of `data`.
    #[inline(never)]
    pub fn mac(self, key: &Secret, data: &[u8]) -> Hash {
        of_kind!(self, H => match <Hmac<H> as Mac>::new_from_slice(self.cut(key)) {
            Ok(mac) => padded(&mac.chain_update(data).finalize().into_bytes()),
            Err(_) => [0; MAX_HASH],
        })
    }

    /// Whether `tag` is the HMAC of `data`; takes the same time whatever differs.
    #[inline(never)]
    pub fn check_mac(self, key: &Secret, data: &[u8], tag: &[u8]) -> bool {
        of_kind!(self, H => match <Hmac<H> as Mac>::new_from_slice(self.cut(key)) {
            Ok(mac) => mac.chain_update(data).verify_slice(tag).is_ok(),
            Err(_) => false,
        })
    }
}

/// A hash value in the room of the longest.
fn padded(value: &[u8]) -> Hash {
    let mut hash = [0; MAX_HASH];
    for (to, from) in hash.iter_mut().zip(value) {
        *to = *from;
    }
    hash
}

/// The hash over all handshake messages. By which function is known when the server has chosen the suite.
#[derive(Clone)]
pub(crate) struct Transcript {
    sha256: Sha256,
    #[cfg(feature = "aes-256-gcm")]
    sha384: Sha384,
}

impl Transcript {
    pub fn new() -> Self {
        Self {
            sha256: Sha256::new(),
            #[cfg(feature = "aes-256-gcm")]
            sha384: Sha384::new(),
        }
    }

    pub fn update(&mut self, octets: &[u8]) {
        self.sha256.update(octets);
        #[cfg(feature = "aes-256-gcm")]
        self.sha384.update(octets);
    }

    /// The value so far.
    pub fn hash(&self, kind: HashKind) -> Hash {
        match kind {
            HashKind::Sha256 => padded(&self.sha256.clone().finalize()),
            #[cfg(feature = "aes-256-gcm")]
            HashKind::Sha384 => padded(&self.sha384.clone().finalize()),
        }
    }

    /// After a HelloRetryRequest the first hello counts as a message of its hash (section 4.4.1).
    pub fn fold(&mut self, kind: HashKind) {
        /// message_hash
        const MESSAGE_HASH: u8 = 254;
        let hash = self.hash(kind);
        *self = Self::new();
        self.update(&[MESSAGE_HASH, 0, 0, kind.len() as u8]);
        self.update(kind.cut(&hash));
    }
}

/// Overwrites the stack below the caller, where what it called has left copies of secrets: states of HMAC and of ciphers,
/// scalars. Types that are wiped when they are dropped do not reach what the compiler has moved.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut octets = [0_u8; STACK];
    octets.zeroize();
    black_box(&octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8446, section 4.4.1: a message of the type 254 with the hash of the first hello stands for it.
    #[test]
    fn a_first_hello_counts_as_its_hash() {
        let mut transcript = Transcript::new();
        transcript.update(b"first hello");
        transcript.fold(HashKind::Sha256);
        transcript.update(b"request");
        let first = Sha256::digest(b"first hello");
        let all = [&[254, 0, 0, 32][..], &first, b"request"].concat();
        let hash = transcript.hash(HashKind::Sha256);
        assert_eq!(HashKind::Sha256.cut(&hash), &Sha256::digest(all)[..]);
    }

    #[test]
    #[cfg(feature = "aes-256-gcm")]
    fn the_longer_hash() {
        let mut transcript = Transcript::new();
        transcript.update(b"first hello");
        let hash = transcript.hash(HashKind::Sha384);
        assert_eq!(hash[..], Sha384::digest(b"first hello")[..]);
        assert_eq!(HashKind::Sha384.cut(&hash), &hash[..]);
        assert_eq!(HashKind::Sha384.of_nothing()[..], Sha384::digest(b"")[..]);
    }
}
