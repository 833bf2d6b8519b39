#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod inspect;
mod output;
pub mod pack;
mod packed;
pub mod publish;
pub mod sztp;
mod tree;
