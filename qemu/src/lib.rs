//! The parts of the ROM that touch no hardware: the instruction decoder of the trap-and-emulate
//! window, the settings that come as text, and the sizes of the buffers.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "bench")]
pub mod bench_settings;
#[cfg(feature = "bootstore")]
pub mod bootstore_settings;
pub mod decode;
pub mod device_settings;
pub mod settings;
pub mod sizes;
#[cfg(feature = "settings")]
pub mod source_settings;
/// What the build script reads: here for its tests.
#[cfg(test)]
#[path = "../build/trust.rs"]
mod trust;
#[cfg(test)]
mod trust_tests;
