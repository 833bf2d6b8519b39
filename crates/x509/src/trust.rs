//! What the client believes before the network speaks: anchors, pins, time, algorithms.

use rustls_pki_types::SignatureVerificationAlgorithm;

/// The time against which certificates are checked, in seconds since 1970-01-01T00:00:00Z.
///
/// A ROM has no clock. Never fill this from NTP or from the `Date` of a server that is not verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePolicy {
    /// Nothing is known. The latest `notBefore` in the presented chain is taken for the time: what is refused is a
    /// chain whose certificates were never valid together.
    None,
    /// It is this late at least: when the image was built, or the latest time seen in verified data. Certificates
    /// that ended before are refused; the clock is taken to be the later of this and the latest `notBefore` in the
    /// presented chain, so none is refused as not yet valid.
    Floor(u64),
    /// It is this time.
    Trusted(u64),
}

/// Which servers are believed.
#[derive(Clone, Copy, Debug)]
pub enum TrustPolicy<'a> {
    /// What the image was built with. With neither roots nor keys every server is refused.
    Pinned {
        /// Certificates in DER, each the end of a path. At most [`MAX_ROOTS`](super::MAX_ROOTS). A server that
        /// presents one of them as its own is known by it, like by a key.
        roots: &'a [&'a [u8]],
        /// SHA-256 of a `SubjectPublicKeyInfo` (tag and length included, as in RFC 7469 section 2.4).
        ///
        /// The key of the server: its certificate has to have the name, the usages and the validity, but nobody has
        /// to have signed it. The key of a CA: the server has to present the CA's certificate, and the path up to it
        /// has to verify. Whoever holds a pinned key can make certificates for any name.
        keys: &'a [[u8; 32]],
    },
    /// One certificate in DER that was learnt at run time from a verified source: an anchor like a root of
    /// [`TrustPolicy::Pinned`].
    Learnt(&'a [u8]),
}

/// All that a server's certificates are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// Which servers are believed.
    pub policy: TrustPolicy<'a>,
    /// What is known of the time.
    pub time: TimePolicy,
    /// How signatures are verified: [`DEFAULT_ALGORITHMS`](super::DEFAULT_ALGORITHMS) in software, or the
    /// platform's own. At most [`MAX_ALGORITHMS`](super::MAX_ALGORITHMS).
    pub algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    /// CAs that may stand between the server's certificate and an anchor: [`MAX_DEPTH`](super::MAX_DEPTH) at most,
    /// fewer where the owner's hierarchy is known.
    pub max_depth: u8,
}

impl<'a> TrustPolicy<'a> {
    /// Anchors and pinned keys.
    pub(super) fn parts<'p>(&'p self) -> (&'p [&'a [u8]], &'a [[u8; 32]]) {
        match self {
            TrustPolicy::Pinned { roots, keys } => (roots, keys),
            TrustPolicy::Learnt(anchor) => (core::slice::from_ref(anchor), &[]),
        }
    }
}

impl TimePolicy {
    /// The time to take, when the latest `notBefore` of the presented chain is this.
    pub(super) fn resolve(self, latest_not_before: u64) -> u64 {
        match self {
            TimePolicy::None => latest_not_before,
            TimePolicy::Floor(floor) => floor.max(latest_not_before),
            TimePolicy::Trusted(time) => time,
        }
    }

    /// Whether it is known how late it is at most, so that an anchor can be not yet valid.
    pub(super) fn is_trusted(self) -> bool {
        matches!(self, TimePolicy::Trusted(_))
    }
}
