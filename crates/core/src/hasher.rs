//! SHA-256, by whatever computes it: the board's accelerator, or software.

use crate::Digest;

/// Computes SHA-256 (FIPS 180-4) of octets that come in pieces. A board whose accelerator does so implements it.
pub trait Hasher {
    /// Goes on with the next octets of the message.
    fn update(&mut self, octets: &[u8]);

    /// Ends the message and gives its digest. The next octets begin another message.
    fn finish(&mut self) -> Digest;

    /// The digest of the octets so far. The message goes on. `None` from an accelerator that cannot tell before the end, which is the default.
    fn so_far(&self) -> Option<Digest> {
        None
    }
}

impl<H: Hasher + ?Sized> Hasher for &mut H {
    fn update(&mut self, octets: &[u8]) {
        (**self).update(octets);
    }

    fn finish(&mut self) -> Digest {
        (**self).finish()
    }

    fn so_far(&self) -> Option<Digest> {
        (**self).so_far()
    }
}

#[cfg(any(feature = "sha256", feature = "fast-sha256"))]
pub use software::{Sha256, Software};

#[cfg(any(feature = "sha256", feature = "fast-sha256"))]
mod software {
    use super::Hasher;
    use crate::Digest;

    #[cfg(feature = "fast-sha256")]
    type Message = netboot_sha256::Sha256;
    #[cfg(not(feature = "fast-sha256"))]
    type Message = sha2::Sha256;

    /// A message on its way through SHA-256 in software. With the feature `fast-sha256` it is compiled for speed, otherwise it is what the crate `sha2` has.
    // Inlined, so that nothing stands between its users and the code that does the work.
    #[derive(Clone, Debug)]
    pub struct Sha256(Message);

    impl Default for Sha256 {
        #[inline]
        fn default() -> Self {
            Self::new()
        }
    }

    impl Sha256 {
        /// Begins a message.
        #[inline]
        pub fn new() -> Self {
            #[cfg(feature = "fast-sha256")]
            return Self(netboot_sha256::Sha256::new());
            #[cfg(not(feature = "fast-sha256"))]
            Self(sha2::Digest::new())
        }

        /// Goes on with the next octets of the message.
        #[inline]
        pub fn update(&mut self, octets: &[u8]) {
            #[cfg(feature = "fast-sha256")]
            self.0.update(octets);
            #[cfg(not(feature = "fast-sha256"))]
            sha2::Digest::update(&mut self.0, octets);
        }

        /// The digest of the octets so far. The message may go on.
        #[inline]
        pub fn digest(&self) -> Digest {
            #[cfg(feature = "fast-sha256")]
            return Digest(self.0.digest());
            #[cfg(not(feature = "fast-sha256"))]
            Digest(sha2::Digest::finalize(self.0.clone()).into())
        }

        /// The digest of the message.
        #[inline]
        pub fn finish(self) -> Digest {
            #[cfg(feature = "fast-sha256")]
            return Digest(self.0.digest());
            #[cfg(not(feature = "fast-sha256"))]
            Digest(sha2::Digest::finalize(self.0).into())
        }
    }

    /// SHA-256 in software.
    #[derive(Clone, Debug, Default)]
    pub struct Software(
        /// The message that was begun; `None` between two messages.
        Option<Sha256>,
    );

    impl Software {
        /// Makes a hasher, which may lie in a static.
        pub const fn new() -> Self {
            Self(None)
        }
    }

    // Inlined, so that this crate has no code of the library that a ROM has elsewhere already.
    impl Hasher for Software {
        #[inline]
        fn update(&mut self, octets: &[u8]) {
            self.0.get_or_insert_with(Sha256::new).update(octets);
        }

        #[inline]
        fn finish(&mut self) -> Digest {
            self.0.take().unwrap_or_default().finish()
        }

        #[inline]
        fn so_far(&self) -> Option<Digest> {
            Some(match &self.0 {
                Some(message) => message.digest(),
                None => Sha256::new().finish(),
            })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use proptest::prelude::*;
        use sha2::Digest as _;

        fn expected(message: &[u8]) -> Digest {
            Digest(sha2::Sha256::digest(message).into())
        }

        #[test]
        fn a_message_ends_and_the_next_one_begins() {
            let mut hasher = Software::new();
            assert_eq!(hasher.so_far(), Some(expected(b"")));
            hasher.update(b"one");
            assert_eq!(hasher.so_far(), Some(expected(b"one")));
            assert_eq!(hasher.finish(), expected(b"one"));
            assert_eq!(hasher.finish(), expected(b""));
            let borrowed: &mut dyn Hasher = &mut hasher;
            let mut borrowed = borrowed;
            Hasher::update(&mut borrowed, b"two");
            assert_eq!(Hasher::so_far(&borrowed), Some(expected(b"two")));
            assert_eq!(Hasher::finish(&mut borrowed), expected(b"two"));
        }

        proptest! {
            #[test]
            fn both_forms_give_what_the_standard_says(
                pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8)
            ) {
                let mut hash = Sha256::new();
                for piece in &pieces {
                    hash.update(piece);
                }
                prop_assert_eq!(hash.digest(), expected(&pieces.concat()));
            }
        }
    }
}
