#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![forbid(unsafe_code)]

mod attest;
mod cells;
mod checksum;
mod config;
mod crypto;
mod device;
mod evidence;
mod fault;
mod input;
mod line;
mod mailbox;
mod mctp;
mod refusal;
#[cfg(feature = "std")]
pub mod server;

pub use config::{DeviceConfig, Text, mcu_rom_capability};
pub use device::{Counters, Device};
pub use fault::{Fault, Reply};
pub use line::SerialLine;
pub use mailbox::MailboxModel;
pub use mctp::MctpEndpoint;
pub use refusal::Refusal;

/// Octets that hold every answer.
pub const MAX_ANSWER: usize = 12 * 1024 + 64;
