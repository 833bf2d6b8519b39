//! The emulated Caliptra side: the recovery registers of the I3C core and a device behind them.
//!
//! Host tests and the QEMU ROM use the same model; in the ROM a trap handler feeds it with the loads and stores of the
//! driver under test. The model is strict where hardware is: registers have their exact access types, a word written into
//! a full FIFO is lost, and a write that would hang the AXI bus is latched as a [`Stall`].
//!
//! The device asks for images, drains, verifies and activates them as released Caliptra ROMs do or as the documents say
//! ([`Personality`]). Like those ROMs it never begins an image anew: once it drained a burst it goes on showing its request
//! and counting words, whatever is reset in the FIFO, so a second transfer is taken as the continuation of the first. Only
//! [`RecoveryModel::reset`] brings it back to the start. The device can be made to fail in many ways ([`Faults`]).
//!
//! Time moves only by the `now` of the calls, which must not go back. The model takes constant memory and allocates
//! nothing.
//!
//! - [`config`]: the choice of the device, of its images and faults.
//! - [`model`]: the model itself; `registers`, `fifo` and `device` are its parts.
//! - [`commands`]: the device as OCP commands see it, for buses that carry those.
//! - [`bus`]: a [`RegisterBus`](ocp_recovery::RegisterBus) around a shared model, for tests.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod access;
mod behaviour;
pub mod bus;
pub mod commands;
pub mod config;
mod device;
mod fifo;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
#[cfg(feature = "i2c")]
pub mod i2c;
#[cfg(feature = "versions")]
mod manifest;
pub mod model;
mod outcome;
mod registers;

pub use bus::ModelBus;
pub use commands::CommandTarget;
pub use config::{
    ActivationClear, DeviceConfig, ErrorOrder, ExpectedImage, Faults, MAX_IMAGES, Personality,
    Refusal, ResetAt, STEP, Stuck, padded_sha256,
};
#[cfg(feature = "versions")]
pub use manifest::BundleVersion;
pub use model::RecoveryModel;
pub use ocp_recovery::CoreVersion;
pub use outcome::{DeviceOutcome, DevicePhase, ImageRecord, Progress, Stall, StallKind, Tally};

/// The example of the README, so that it compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
