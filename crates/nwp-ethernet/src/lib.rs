#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]

mod device;
pub mod registers;

pub use device::{Buffers, FRAME_MAX, NoAddress, NwpEthernet, Stats, Tx};
pub use registers::{Mmio, QUEUE, Registers};
