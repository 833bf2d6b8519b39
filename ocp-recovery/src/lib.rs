#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod agent;
pub mod bus;
pub mod command;
#[cfg(test)]
mod command_tests;
#[cfg(feature = "commands")]
pub mod commands;
pub mod config;
pub mod driver;
pub mod error;
#[cfg(test)]
mod error_tests;
pub mod fault;
pub mod fields;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod layout;
#[cfg(test)]
mod layout_tests;
pub mod map;
pub mod mmio;
mod offsets;
pub mod reason;
mod sink;
mod transfer;

pub use agent::{AgentEvent, AgentState, ProtocolError, RecoveryAgent, StatusSnapshot};
pub use bus::RegisterBus;
#[cfg(feature = "commands")]
pub use commands::CommandAgent;
pub use config::AgentConfig;
pub use driver::RecoveryDriver;
pub use error::{RecoveryError, WaitFor};
pub use fault::BusFault;
pub use map::{CoreVersion, RegisterMap};
pub use mmio::MmioBus;
pub use netboot_core::{AbortReason, Duration, ImageSink, Instant};
pub use reason::Reason;
