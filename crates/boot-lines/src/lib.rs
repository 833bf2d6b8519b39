#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod lines;
pub mod sentences;
pub mod transcript;

pub use lines::ztp;
pub use lines::{BadLine, Failure, Said};
pub use transcript::Transcript;
