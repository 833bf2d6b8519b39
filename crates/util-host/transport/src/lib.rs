#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![deny(unsafe_code)]

pub mod adapter;
pub mod aio;
mod error;
pub mod framed;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod mailbox;
pub mod mctp;
mod traits;
#[cfg(all(feature = "std", unix))]
pub mod uri;

pub use error::{DeviceFailure, TransportError, TransportResult};
pub use mailbox::{Mailbox, MailboxDriver, MailboxError};
pub use mctp::{MctpVdm, MctpVdmDriver, MctpVdmError};
pub use traits::{Transport, TransportConfig};

#[cfg(feature = "std")]
pub use mailbox::udp::UdpMailbox;
#[cfg(all(feature = "std", target_os = "linux"))]
pub use mctp::linux::LinuxMctp;
#[cfg(feature = "std")]
pub use mctp::stream::SerialMctp;
