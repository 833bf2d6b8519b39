#![doc = include_str!("../README.md")]
#![allow(non_camel_case_types, reason = "names of C")]

mod adapters;
mod cipher;
mod crypto;
mod curves;
mod custom;
mod device;
mod error;
mod handles;
mod provision;

pub use adapters::*;
pub use cipher::*;
pub use crypto::*;
pub use curves::*;
pub use device::*;
pub use error::*;
pub use handles::*;
pub use provision::*;
