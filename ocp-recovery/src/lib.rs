//! OCP Secure Firmware Recovery (v1.1): registers, driver and recovery agent.
//!
//! The *agent* (this side) provides images; the *device* (a Caliptra subsystem) asks for them by index,
//! drains them from a FIFO and is told to activate them. Both meet in the registers of the I3C core,
//! here in its AXI bypass mode (i3c-core `doc/source/axi_recovery_flow.md`).
//!
//! - [`bus`]: how registers are reached; [`mmio`]: the bus of a real SoC, the only `unsafe` of the crate.
//! - [`map`]: where the registers are; found by the extended-capability walk, for both core generations.
//! - [`fields`]: what their bits mean. [`reason`]: names of the recovery reason codes.
//! - [`command`], [`layout`]: the OCP commands and their octets, for SMBus or I3C transports.
//! - [`driver`]: one method for each thing that may be done to the registers, and no others.
//! - [`agent`]: the state machine, an [`ImageSink`] with a deadline on each wait.
//! - [`error`]: what can go wrong, with stable numbers.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod agent;
pub mod bus;
pub mod command;
#[cfg(test)]
mod command_tests;
pub mod config;
pub mod driver;
pub mod error;
#[cfg(test)]
mod error_tests;
pub mod fields;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod layout;
#[cfg(test)]
mod layout_tests;
pub mod map;
pub mod mmio;
pub mod reason;
mod sink;
mod transfer;

pub use agent::{AgentEvent, AgentState, RecoveryAgent, StatusSnapshot};
pub use bus::RegisterBus;
pub use config::AgentConfig;
pub use driver::RecoveryDriver;
pub use error::{RecoveryError, WaitFor};
pub use map::{CoreVersion, RegisterMap};
pub use mmio::MmioBus;
pub use netboot_core::{AbortReason, ImageSink};
pub use reason::Reason;

/// The examples of the README, so that they compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
