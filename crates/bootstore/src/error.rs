//! Error numbers of this crate.
//!
//! Every error of the crate implements [`netboot_core::Coded`]. The upper half of a number is [`MODULE`].

/// The upper half of this crate's error numbers.
///
/// It stands here and not in `netboot_core::Module`, as no boot ends with such an error yet.
pub const MODULE: u16 = 0x0014;

/// The whole number of this crate's error `number`.
pub(crate) const fn number(number: u16) -> u32 {
    ((MODULE as u32) << 16) | number as u32
}
