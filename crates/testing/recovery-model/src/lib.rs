//! The emulated Caliptra side: the recovery registers of the I3C core and a device behind them.
//!
//! One model for host tests and for the QEMU ROM, where a trap handler feeds it with the loads and stores
//! of the driver under test. It is strict where hardware is: registers have their exact access types, a
//! word written into a full FIFO is lost, and a write that would hang the AXI bus is latched as a
//! [`Stall`]. The device asks for images, drains, verifies and activates them as released Caliptra ROMs
//! do or as the documents say ([`Personality`]), and can be made to fail in many ways ([`Faults`]).
//!
//! Time moves only by the `now` of the calls, which must not go back. Constant memory, no allocation.
//!
//! - [`config`]: which device this is, what it expects, how it fails.
//! - [`model`]: the model itself; `registers`, `fifo` and `device` are its parts.
//! - [`bus`]: a [`RegisterBus`](ocp_recovery::RegisterBus) around a shared model, for tests.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod bus;
pub mod config;
mod device;
mod fifo;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod model;
mod registers;

pub use bus::ModelBus;
pub use config::{
    Abandon, ActivationClear, DeviceConfig, ErrorOrder, ExpectedImage, Faults, MAX_IMAGES,
    Personality, Refusal, ResetAt, Stuck,
};
pub use model::{
    DeviceOutcome, DevicePhase, ImageRecord, Progress, RecoveryModel, Stall, StallKind,
};
pub use ocp_recovery::CoreVersion;
