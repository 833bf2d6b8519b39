#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod model;

pub use model::{EthernetModel, FRAME_MIN, ModelRegisters, Tally};
