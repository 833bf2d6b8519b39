//! TLS 1.3 client for a ROM.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod verify;
