//! What nodes send to each other, in octets.
//!
//! A connection starts with 16 octets of [`Hello`] from each side. Then come frames: four octets
//! of length in network order, and one CBOR item (RFC 8949). The first frame of each side is
//! [`Identify`], all others are [`Msg`].
//!
//! The items have the shape that serde gives the types of the first implementation: structures are maps
//! with text keys, enumerations are texts or maps with one entry, octets are arrays of integers, and UUIDs
//! are byte strings. A reader takes the keys of a map in any order, and refuses unknown keys, keys that
//! come twice, and anything of indefinite length.
//!
//! - [`hello`], [`identify`]: the start of a connection.
//! - [`framing`]: lengths, with their bounds.
//! - [`message`]: what is said afterwards.
//! - [`cbor`]: reading and writing with errors of this crate.

pub mod cbor;
pub mod error;
pub mod framing;
pub mod hello;
pub mod identify;
pub mod message;
mod package;

pub use error::WireError;
pub use framing::{FRAME_MAX, HANDSHAKE_FRAME_MAX, LENGTH_LEN};
pub use hello::{HELLO_LEN, Hello};
pub use identify::Identify;
pub use message::Msg;
