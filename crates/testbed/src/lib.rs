//! Runs whole boots on the host: what tests and tools share.
//!
//! - [`plan`]: what is to be booted: images, protocol, device.
//! - [`host`]: the boot application and the network boot library on this machine's processor.
//! - [`sim`]: in a simulated world, in virtual time.
#![forbid(unsafe_code)]

pub mod host;
pub mod plan;
pub mod sim;

pub use plan::{Image, Plan, Protocol};
