//! Stable error numbers.
//!
//! Each crate has small error enums of its own; [`Coded`] maps a value to `module << 16 | number`,
//! which fits a status register and never changes once released. `docs/src/errors.md` lists them all
//! and a test proves that no two are equal.

use crate::Console;

/// The upper half of an error number: which part of the boot failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Module {
    /// [`crate::uri`]
    Uri = 0x0001,
    /// TFTP client
    Tftp = 0x0002,
    /// HTTP client
    Http = 0x0003,
    /// DHCPv4 and DHCPv6 clients
    Dhcp = 0x0004,
    /// The network itself: link, addresses, DNS, TCP
    Network = 0x0005,
    /// OCP recovery driver and agent
    Recovery = 0x0006,
    /// Boot application: policy, resolution, verification
    App = 0x0007,
    /// Table of contents (flash layout)
    Toc = 0x0008,
    /// TLS
    Tls = 0x0009,
    /// Command interface and script
    Ipxe = 0x000A,
    /// The ROM around the library
    Rom = 0x000B,
    /// Boot source of an MCU ROM, and the messages to it
    BootSource = 0x000C,
    /// Verified streaming: packed files and their blocks
    Verity = 0x000D,
    /// Signed messages (CMS)
    Cms = 0x000E,
    /// Secure zero-touch provisioning
    Sztp = 0x000F,
    /// UDP boot protocol
    Ubp = 0x0010,
    /// Bootstore: trust quorum and replicated network configuration
    Bootstore = 0x0014,
}

impl Module {
    /// The error number `number` of this module.
    pub const fn code(self, number: u16) -> u32 {
        ((self as u32) << 16) | number as u32
    }
}

/// Who has to act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The caller used the interface wrongly or its buffers are too small: fix the integration.
    Caller,
    /// What the operator configured (a URI, a script, DHCP options) is wrong.
    Configuration,
    /// The server answered, and its answer was a refusal: look at the server.
    Server,
    /// The peer broke the protocol: look at the peer's implementation, or for an attacker.
    Peer,
    /// Nothing, or not enough, came through: look at cables, switches and addresses.
    Network,
    /// The Caliptra device or its registers.
    Device,
}

impl Blame {
    /// One word for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Blame::Caller => "caller",
            Blame::Configuration => "configuration",
            Blame::Server => "server",
            Blame::Peer => "peer",
            Blame::Network => "network",
            Blame::Device => "device",
        }
    }
}

/// What [`Coded`] asks of an error beside its number: in a build with the feature `texts`, its sentence.
///
/// A `dyn Coded` links the sentence of every error, whether it is written or not: without the feature it has none.
#[cfg(feature = "texts")]
pub use core::fmt::Display as Sentence;

/// What [`Coded`] asks of an error beside its number: nothing in a build without the feature `texts`.
#[cfg(not(feature = "texts"))]
pub trait Sentence {}

#[cfg(not(feature = "texts"))]
impl<E: ?Sized> Sentence for E {}

/// An error with a stable number and a culprit. Implementors also have `Display`, one sentence, which is
/// linked in builds with the feature `texts` only.
pub trait Coded: Sentence {
    /// `module << 16 | number`; never 0, which means success.
    fn code(&self) -> u32;
    /// Whose fault it is.
    fn blame(&self) -> Blame;
    /// Writes the facts of this case as ` key=value` pairs: first those that the sentence has outside of parentheses, in its order,
    /// then others. An error may leave its facts out; then it writes nothing.
    fn facts(&self, _out: &mut dyn Console) {}
}
