//! The messages, as octets: one codec for clients and servers.
//!
//! [`Request`] is what a client sends, [`Answer`] what a server sends. `parse` accepts each message of the specification and nothing
//! else; numbers are in network order. Fields that are reserved are written as zeros, and a reader ignores them.

use netboot_core::Digest;

mod answer;
mod field;
mod request;
#[cfg(test)]
mod tests;

pub use answer::{Answer, ErrorCode, Group, Meta};
pub use field::{DATA_HEAD, DATA_MAX, PARITY_MOST};
pub use request::{Get, NAME_MAX, Name, OPEN, Open, REQUEST_MAX, Report, Request};

/// What a GET and its answers call a file: the first four octets of its verity digest.
pub fn file_id(digest: &Digest) -> u32 {
    let [a, b, c, d, ..] = digest.0;
    u32::from_be_bytes([a, b, c, d])
}
