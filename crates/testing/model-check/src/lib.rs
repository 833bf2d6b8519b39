//! Model checking of the state machines that ship: client, server and a network, in every order in which things can happen.
//!
//! A simulation tries some of the ways that a conversation can take. Here the checker takes all of them, for a conversation that is
//! small enough: each datagram is delivered, lost, doubled, overtaken or forged, and each timer fires in time or too early, with a
//! limit for the number of faults. The client is the code of the crate, not a model of it.
//!
//! The models are tests: `tests/tftp` has a file of six blocks in windows of three, `tests/dhcp` and `tests/dhcp6` one or two servers
//! and a lease from its beginning to its end. `tests/boot_source` has both ends of the boot source and two images, with a consumer that
//! has no room, and with an image that is given up. `tests/ubp` has both ends of the UDP boot protocol. This library has what the models share: the check itself, when two states are the
//! same, a network that makes mistakes, and random numbers that count.
#![forbid(unsafe_code)]

mod check;
mod counter;
mod key;
mod way;

pub use check::check;
pub use counter::Counter;
pub use key::key;
pub use way::{Mishap, Way};
