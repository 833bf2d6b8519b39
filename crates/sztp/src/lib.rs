#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod agent;
mod answer;
mod conveyed;
#[cfg(feature = "csr")]
mod csr;
pub mod dhcp;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod json;
#[cfg(test)]
mod json_tests;
#[cfg(feature = "csr")]
mod keystore;
mod ownership;
mod plan;
mod progress;
mod request;
mod servers;
mod step;
mod syntax;
mod time;
mod voucher;

pub use agent::{Action, Agent, Config, Exchange, Proof, Verdict};
pub use answer::{Artifacts, Ownership};
pub use conveyed::{BootImage, BootstrapServer, Conveyed, Handling, Onboarding, Redirect};
#[cfg(feature = "csr")]
pub use csr::{Csr, KeyAlgorithm, LocalKey, MAX_CSR, MAX_POINT, MAX_SIGNATURE, Wanted};
pub use error::{Artifact, Field, SztpError};
pub use json::{Chars, MAX_DEPTH, Text};
#[cfg(feature = "csr")]
pub use keystore::{LocalCertificate, MAX_LOCAL_CERTIFICATE, local_certificate};
pub use ownership::{Credentials, Judged, judge};
pub use progress::Progress;
pub use request::{ASK_PATH, About, Body, MAX_REQUEST, MEDIA_TYPE, REPORT_PATH};
pub use servers::Named;
pub use step::{End, Step};
pub use voucher::{Assertion, Voucher};

/// Octets of the nonce that is sent with a question: RFC 8572, section 7.3, allows 16 to 32.
pub const NONCE: usize = 16;
/// Servers that one redirect may name.
pub const MAX_REDIRECTS: u8 = 8;
/// Redirects that may follow each other (RFC 8572, section 5.5, wants a bound of at least ten).
pub const MAX_DEPTH_OF_REDIRECTS: u8 = 10;
/// Servers that wait to be asked at one time.
pub const MAX_SERVERS: usize = 24;
/// Servers that are asked in one round.
pub const MAX_ASKED: u8 = 32;
/// Places that a boot image may have.
pub const MAX_IMAGE_PLACES: u8 = 8;
/// Octets of the certificate that a voucher pins.
pub const MAX_PINNED: usize = 2048;
/// Octets of the nonce and of the issuer in a voucher.
pub const MAX_IDENTIFIER: usize = 256;
