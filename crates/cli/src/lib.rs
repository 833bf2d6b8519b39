#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod command;
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
