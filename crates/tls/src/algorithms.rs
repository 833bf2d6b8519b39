//! The signature algorithms that a client verifies with.

use rustls_pki_types::SignatureVerificationAlgorithm;

/// Signature algorithms: in software, or a platform's own.
pub type Algorithms<'a> = &'a [&'a dyn SignatureVerificationAlgorithm];
