//! Error numbers of this crate.
//!
//! Every error of the crate implements [`netboot_core::Coded`]. The upper half of a number is [`MODULE`].

use netboot_core::Module;

/// The upper half of this crate's error numbers.
pub const MODULE: u16 = Module::Bootstore as u16;

/// The whole number of this crate's error `number`.
pub(crate) const fn number(number: u16) -> u32 {
    Module::Bootstore.code(number)
}
