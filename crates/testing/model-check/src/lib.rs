//! Model checking of the state machines that ship: client, server and a network, in every order in which things can happen.
//!
//! A simulation tries some of the ways that a conversation can take. Here the checker takes all of them, for a conversation that is
//! small enough: each datagram is delivered, lost, doubled, overtaken or forged, and each timer fires in time or too early, with a
//! limit for the number of faults. The client is the code of the crate, not a model of it.
//!
//! The models are tests: `tests/tftp` has a file of six blocks in windows of three, `tests/dhcp` one or two servers and a lease from its
//! beginning to its end. What they share is here: when two states are the same, and a network
//! that makes mistakes.
#![forbid(unsafe_code)]

mod key;
mod way;

pub use key::key;
pub use way::{Mishap, Way};
