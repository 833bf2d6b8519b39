//! A small certification authority for tests (X.509: RFC 5280).
//!
//! Everything is made from a seed when it is asked for: the P-256 keys, the serial numbers and the
//! signatures (RFC 6979), so the same seed gives the same octets. The keys of other kinds are fixed.
//! [`Pki::flawed`] makes chains that a client has to refuse.
//!
//! ```
//! use test_pki::{Flaw, Pki};
//!
//! let pki = Pki::new(7);
//! let server = pki.server(&["images.example", "10.0.0.1"]).unwrap();
//! let expired = pki.flawed(&["images.example"], Flaw::Expired).unwrap();
//! assert_eq!(server.chain.len(), 1);
//! assert_ne!(server.spki_sha256(), expired.spki_sha256());
//! ```
#![forbid(unsafe_code)]

mod authority;
mod cms;
mod flaw;
mod identity;
mod key;
mod pki;
mod purpose;
pub mod sztp;

pub use cms::sign;
pub use flaw::Flaw;
pub use identity::{Identity, pem_of};
pub use key::KeyKind;
pub use pki::Pki;
pub use purpose::{Usage, Validity};
