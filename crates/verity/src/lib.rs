#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "alloc"))]
extern crate alloc;

mod block_digest;
mod descriptor;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod layout;
mod reader;
#[cfg(any(test, feature = "alloc"))]
mod tree;
mod verifier;

pub use block_digest::block_digest;
pub use descriptor::{Descriptor, HEAD, Head};
pub use error::VerityError;
pub use layout::{BLOCK, FANOUT, Layout, MAX_LEVELS, Place};
#[cfg(any(test, feature = "sha2"))]
pub use netboot_core::hasher::Software;
pub use netboot_core::{Digest, Hasher};
pub use reader::Reader;
#[cfg(any(test, feature = "alloc"))]
pub use tree::Tree;
pub use verifier::{Verified, Verifier};
