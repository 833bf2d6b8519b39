#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod clock;
pub mod command;
mod harmless;
mod inspect;
mod output;
mod pack;
mod packed;
mod publish;
#[cfg(target_os = "linux")]
mod serve;
mod sztp;
mod tree;
mod ztp;
