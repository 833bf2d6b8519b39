//! The hash over what is delivered.
//!
//! Without the feature `sha256` nothing is hashed in software. That build is for proofs about this crate alone, such as that it has no panic path: the small form of SHA-256 keeps some,
//! which no input reaches.

#[cfg(not(feature = "sha256"))]
pub(crate) use nothing::{Hash, digest, new, update};
#[cfg(feature = "sha256")]
pub(crate) use sha256::{Hash, digest, new, update};

use netboot_core::{Digest, Hasher};

/// SHA-256 of octets that are held; `None` in a build that cannot hash.
// Inlined, so that it shares the library's code with the hash of a delivery.
#[inline(always)]
pub fn sha256(octets: &[u8]) -> Option<Digest> {
    let mut hash = new()?;
    update(&mut hash, octets);
    Some(digest(&hash))
}

/// Computes the hash of a [`Delivery`](crate::Delivery): [`InSoftware`], or a board's accelerator as [`Accelerated`].
pub trait StreamHash {
    /// Begins a message; nothing is hashed unless it is `wanted`. What came of another message is forgotten.
    fn begin(&mut self, wanted: bool);

    /// Begins the message anew, if it is wanted.
    fn restart(&mut self);

    /// Goes on with the next octets of the message.
    fn update(&mut self, octets: &[u8]);

    /// The message has no more octets.
    fn end(&mut self);

    /// SHA-256 of the octets so far. `None` if nothing is hashed, or if it cannot be told before the end.
    fn digest(&self) -> Option<Digest>;
}

/// SHA-256 in software. A build without the feature `sha256` hashes nothing.
#[derive(Clone, Debug)]
pub struct InSoftware(Option<Hash>);

impl InSoftware {
    /// Begins a message.
    #[inline(always)]
    pub fn new() -> Self {
        Self(new())
    }
}

impl Default for InSoftware {
    fn default() -> Self {
        Self::new()
    }
}

// Inlined, so that nothing stands between a delivery and the code that does the work.
impl StreamHash for InSoftware {
    #[inline(always)]
    fn begin(&mut self, wanted: bool) {
        self.0 = new().filter(|_| wanted);
    }

    #[inline(always)]
    fn restart(&mut self) {
        if self.0.is_some() {
            self.0 = new();
        }
    }

    #[inline(always)]
    fn update(&mut self, octets: &[u8]) {
        if let Some(hash) = &mut self.0 {
            update(hash, octets);
        }
    }

    #[inline(always)]
    fn end(&mut self) {}

    #[inline(always)]
    fn digest(&self) -> Option<Digest> {
        self.0.as_ref().map(digest)
    }
}

/// SHA-256 by a board's accelerator.
///
/// An accelerator that cannot tell the digest before the end of a message ([`Hasher::so_far`]) has a consequence: a transfer that broke is taken up again only where the
/// server itself proves that the file is the same.
#[derive(Clone, Debug)]
pub struct Accelerated<H> {
    hasher: H,
    wanted: bool,
    /// The hasher has octets of a message.
    fed: bool,
    /// The digest of the whole message, once it has ended.
    digest: Option<Digest>,
}

impl<H: Hasher> Accelerated<H> {
    /// Begins a message. `hasher` is between two messages.
    pub const fn new(hasher: H) -> Self {
        Self {
            hasher,
            wanted: true,
            fed: false,
            digest: None,
        }
    }
}

impl<H: Hasher> StreamHash for Accelerated<H> {
    fn begin(&mut self, wanted: bool) {
        self.restart();
        self.wanted = wanted;
    }

    fn restart(&mut self) {
        self.digest = None;
        if self.fed {
            self.fed = false;
            self.hasher.finish();
        }
    }

    fn update(&mut self, octets: &[u8]) {
        if self.wanted {
            self.fed = true;
            self.hasher.update(octets);
        }
    }

    fn end(&mut self) {
        if self.wanted {
            self.fed = false;
            self.digest = Some(self.hasher.finish());
        }
    }

    fn digest(&self) -> Option<Digest> {
        match self.digest {
            None if self.wanted => self.hasher.so_far(),
            known => known,
        }
    }
}

/// SHA-256 in software, until a board gives its accelerator.
pub enum Chosen<'h> {
    /// In software.
    Software(InSoftware),
    /// By the accelerator.
    Board(Accelerated<&'h mut dyn Hasher>),
}

impl Default for Chosen<'_> {
    fn default() -> Self {
        Chosen::Software(InSoftware::new())
    }
}

impl StreamHash for Chosen<'_> {
    fn begin(&mut self, wanted: bool) {
        match self {
            Chosen::Software(hash) => hash.begin(wanted),
            Chosen::Board(hash) => hash.begin(wanted),
        }
    }

    fn restart(&mut self) {
        match self {
            Chosen::Software(hash) => hash.restart(),
            Chosen::Board(hash) => hash.restart(),
        }
    }

    fn update(&mut self, octets: &[u8]) {
        match self {
            Chosen::Software(hash) => hash.update(octets),
            Chosen::Board(hash) => hash.update(octets),
        }
    }

    fn end(&mut self) {
        match self {
            Chosen::Software(hash) => hash.end(),
            Chosen::Board(hash) => hash.end(),
        }
    }

    fn digest(&self) -> Option<Digest> {
        match self {
            Chosen::Software(hash) => hash.digest(),
            Chosen::Board(hash) => hash.digest(),
        }
    }
}

#[cfg(feature = "sha256")]
mod sha256 {
    use netboot_core::Digest;
    use netboot_core::hasher::Sha256;

    /// The state of a hash.
    pub(crate) type Hash = Sha256;

    /// Begins a hash; `None` in a build that cannot hash.
    #[inline(always)]
    pub(crate) fn new() -> Option<Hash> {
        Some(Sha256::new())
    }

    /// Goes on with the next octets.
    #[inline(always)]
    pub(crate) fn update(hash: &mut Hash, data: &[u8]) {
        hash.update(data);
    }

    /// The digest of all octets so far.
    #[inline(always)]
    pub(crate) fn digest(hash: &Hash) -> Digest {
        hash.digest()
    }
}

#[cfg(not(feature = "sha256"))]
mod nothing {
    use netboot_core::Digest;

    /// There is no hash.
    #[derive(Clone, Copy, Debug)]
    pub enum Hash {}

    /// Begins nothing.
    pub(crate) const fn new() -> Option<Hash> {
        None
    }

    /// Nobody has a hash to pass here.
    pub(crate) fn update(hash: &mut Hash, _: &[u8]) {
        match *hash {}
    }

    /// Nobody has a hash to pass here.
    pub(crate) fn digest(hash: &Hash) -> Digest {
        match *hash {}
    }
}
