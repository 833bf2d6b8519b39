#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod board;
mod error;
mod fetch;
mod link;
mod network;
mod options;
#[cfg(feature = "phy")]
mod phy;
mod resources;
mod stack;
mod station;
mod transfer;

pub use board::Board;
pub use error::NetError;
#[cfg(feature = "exchange")]
pub use netboot_http::Method;
#[cfg(feature = "exchange")]
pub use netboot_ipxe::Protection;
pub use network::Network;
#[cfg(feature = "ipv6")]
pub use options::Families;
#[cfg(feature = "http")]
pub use options::HttpOptions;
#[cfg(feature = "ubp")]
pub use options::UbpOptions;
pub use options::{ArpProbe, DhcpOptions, NetworkOptions, SlowLimit, TftpOptions};
#[cfg(feature = "phy")]
pub use phy::{PhyDevice, PhyTx};
#[cfg(feature = "parallel")]
pub use resources::Lanes;
pub use resources::{Buffers, Slots};
#[cfg(feature = "https")]
pub use transfer::http::Tls;
#[cfg(feature = "exchange")]
pub use transfer::http::{Answer, ExchangeRequest};
#[cfg(feature = "ubp")]
pub use transfer::ubp::Ubp;

#[cfg(feature = "ipv6")]
pub use netboot_dhcp::v6::Dhcp6Error;
#[cfg(all(feature = "dhcp-options", feature = "ipv6"))]
pub use netboot_dhcp::v6::RawOptions as RawOptions6;
#[cfg(feature = "dhcp-options")]
pub use netboot_dhcp::{RawOptions, Scope};

/// Types that the options, the traits of a board and the errors have in them.
pub use netboot_core::{
    Device, DeviceInfo, Duration, FrameSlot, Instant, NetworkConfig, Platform, Received, TxSlot,
    Uri,
};
pub use netboot_dhcp::{AfterDeclines, DhcpError, Lease, VendorClass};
#[cfg(feature = "http")]
pub use netboot_http::HttpError;
pub use netboot_tftp::{TftpError, Timing as TftpTiming};
/// The TLS client: trust, identity, suites and the sizes of its buffers, for [`Tls::new`].
#[cfg(feature = "https")]
pub use netboot_tls as tls;
#[cfg(feature = "ubp")]
pub use netboot_ubp::{Timing as UbpTiming, UbpError};

/// What a protocol of the integrator's own implements, and what it works with.
///
/// A carrier fetches the URIs of a private scheme, `x-...` ([`Network::use_carrier`]). The test
/// `tests/tests/sim_network/carrier.rs` has one.
pub mod carrier {
    pub use crate::board::Board;
    pub use crate::station::{Failed, Internal, Station, Step, resolve};
    pub use crate::transfer::carrier::{Carrier, Opened, Pumped, Start, Take, Validator};
}
