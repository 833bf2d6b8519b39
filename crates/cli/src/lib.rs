#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod output;
pub mod sztp;
