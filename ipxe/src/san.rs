//! Disks in the network: which part of a disk an image is.
//!
//! [`GptReader`] finds a partition in a GUID partition table (UEFI specification 2.10, section 5.3). It is sans-IO: it says which [`Part`] of the
//! disk it needs next, takes the octets in pieces of any size, and ends with the partition's [`Part`]. Its memory is constant, and a
//! hostile disk cannot make it read more than [`MOST_READ`] octets.
//!
//! [`Part`]: crate::Part

mod checksum;
mod entry;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod guid;
mod header;
#[cfg(any(test, feature = "fuzz"))]
pub mod model;
mod reader;
mod selector;

pub use error::GptError;
pub use guid::Guid;
pub use header::MAX_TABLE;
pub use reader::{GptReader, GptStep, MOST_READ};
pub use selector::{LABEL_UNITS, Selector};
