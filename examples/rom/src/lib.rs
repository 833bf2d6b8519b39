//! The driver of a made-up Ethernet MAC: what of this ROM can be tested on the host.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(test)]
extern crate std;

pub mod frames;
pub mod mac;
#[cfg(test)]
mod tests;
