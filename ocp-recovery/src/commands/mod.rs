//! The recovery agent over OCP commands, for a device that is reached by I2C, SMBus or I3C.
//!
//! A board that reaches the registers over AXI does not need this module. Elsewhere the commands 34 to 47 of OCP Secure
//! Firmware Recovery 1.1 carry the same octets as blocks. The parts, from the wire to the agent:
//!
//! - [`CommandBus`] reads and writes the data of one command, once. [`I2cBus`] (feature `i2c`) is one; a host library may
//!   have another.
//! - [`CommandRegisters`] makes the agent's register accesses out of commands. It repeats what was damaged, finds out
//!   whether a block arrived, and reads the protocol error after each write.
//! - [`CommandAgent`] is the one [`RecoveryAgent`](crate::RecoveryAgent) over these registers. Its states, events, deadlines
//!   and errors are those of the register transport, so a boot application sees no difference.

mod agent;
mod block;
mod bus;
#[cfg(all(feature = "i2c", any(test, feature = "fuzz")))]
pub mod fuzz;
#[cfg(feature = "i2c")]
mod i2c;
mod registers;
#[cfg(test)]
mod registers_tests;
mod words;

pub use crate::command::MAX_DATA;
pub use crate::fault::BusFault;
pub use agent::CommandAgent;
pub use bus::CommandBus;
#[cfg(feature = "i2c")]
pub use i2c::{Framing, I2cBus};
pub use registers::CommandRegisters;
