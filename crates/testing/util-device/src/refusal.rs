//! How the device declines.

/// Why the device declines: a completion code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub u32);

impl Refusal {
    /// A parameter is not valid.
    pub const PARAMETER: Self = Self(0x02);
    /// The request's length is wrong.
    pub const LENGTH: Self = Self(0x03);
    /// The operation failed.
    pub const FAILED: Self = Self(0x05);
    /// The device does not have the command.
    pub const UNSUPPORTED: Self = Self(0x07);
    /// The device is not ready.
    pub const NOT_READY: Self = Self(0x08);
    /// The mailbox is in use.
    pub const BUSY: Self = Self(0xC0);
    /// The answer does not fit.
    pub const BUFFER: Self = Self(0xC1);
}
