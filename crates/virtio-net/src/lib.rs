#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]

mod device;
mod pool;
mod transport;

pub use device::{Buffers, Stats, VirtioNet, VirtioNetError};
