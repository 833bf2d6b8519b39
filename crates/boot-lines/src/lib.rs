//! Reads the console of a network boot.
//!
//! - [`lines`]: reads one line.
//! - [`transcript`]: collects all lines of a boot.
//! - [`sentences`]: says what an error number means.
#![forbid(unsafe_code)]

pub mod lines;
pub mod sentences;
pub mod transcript;

pub use lines::{BadLine, Failure, Said};
pub use transcript::Transcript;

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
