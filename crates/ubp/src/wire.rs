//! The messages, as octets: one codec for clients and servers.
//!
//! [`Request`] is what a client sends, [`Answer`] what a server sends. `parse` accepts each message of the specification and nothing
//! else; numbers are in network order. Fields that are reserved are written as zeros, and a reader ignores them.

mod answer;
mod field;
mod request;
#[cfg(test)]
mod tests;

pub use answer::{Answer, ErrorCode, Group, Meta};
pub use field::{DATA_HEAD, DATA_MAX, PARITY_MOST};
pub use request::{Get, NAME_MAX, Name, OPEN, Open, REQUEST_MAX, Report, Request};
