#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod algorithm;
mod attributes;
mod certificates;
mod content;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod message;
pub mod oid;
mod signed_data;
mod signer_info;
mod syntax;
mod verify;

pub use certificates::{Certificates, Iter};
pub use content::{ContentDigest, ContentHasher};
pub use error::{CmsError, Part};
pub use message::{Message, Plain};
pub use netboot_x509::Hash;
pub use signed_data::SignedData;
pub use verify::{Content, Policy, Verified};

/// Octets of a message: one value of DER whose length has two octets.
pub const MAX_MESSAGE: usize = 4 + 0xFFFF;
/// Certificates in a message, and certificates in all that a signature is verified with.
pub const MAX_CERTIFICATES: usize = netboot_x509::MAX_CERTIFICATES;
/// Revocation lists in a message. They are counted and otherwise ignored.
pub const MAX_CRLS: usize = 8;
/// Digest algorithms that a message lists.
pub const MAX_DIGEST_ALGORITHMS: usize = 8;
/// Attributes that are signed, and attributes that are not: as many of each.
pub const MAX_ATTRIBUTES: usize = 16;
/// Octets of all signed attributes. OpenSSL writes 90 to 350.
pub const MAX_SIGNED_ATTRIBUTES: usize = 1024;
