//! TLS 1.3 client for a ROM (RFC 8446): sans-IO, no allocator, no clock.
//!
//! - [`channel`]: the client itself. `Channel<Verified>` has proved who the server is, `Channel<Provisional>`
//!   only that it owns the key it showed; they are different types, so that nothing is fed from the wrong one.
//! - [`connection`]: the same over a transport that waits, with a deadline for each call.
//! - [`verify`]: whether a certificate chain leads to what is trusted.
//! - [`identity`]: who we are, for servers that ask (mutual TLS).
//! - [`alert`], [`error`]: what went wrong, and whose fault it is.
//!
//! One key exchange (P-256 ECDHE), two suites (TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256; with the feature
//! `aes-256-gcm` also TLS_AES_256_GCM_SHA384), no resumption, no early data, no renegotiation: what is not there cannot be attacked.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(not(any(
    feature = "aes-gcm",
    feature = "aes-256-gcm",
    feature = "chacha20poly1305"
)))]
compile_error!(
    "a TLS client without a cipher suite: enable chacha20poly1305, aes-gcm or aes-256-gcm"
);

pub mod alert;
pub mod channel;
pub mod connection;
pub mod error;
mod flight;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod handshake;
mod hash;
mod hello;
pub mod identity;
mod message;
mod record;
mod schedule;
pub mod suite;
mod wire;

pub use alert::Alert;
pub use channel::{Channel, Config, Connecting, Level, ProofOnly, Provisional, Verified};
pub use connection::{TlsConnection, Transport};
pub use error::TlsError;
pub use identity::{Identity, Signer};
/// Path validation, which is the crate `netboot-x509`.
pub use netboot_x509 as verify;
pub use suite::Suite;

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
