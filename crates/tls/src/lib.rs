#![doc = include_str!("../README.md")]
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
mod algorithms;
pub mod channel;
pub mod connection;
pub mod error;
mod flight;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod handshake;
mod hash;
mod hello;
#[cfg(test)]
mod honest;
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
pub use netboot_core::{Duration, Instant};
/// Path validation, which is the crate `netboot-x509`.
pub use netboot_x509 as verify;
pub use suite::Suite;
