#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod board;
pub mod board_error;
pub mod early;
pub mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod id;
pub mod ledger;
pub mod network_config;
pub mod node;
pub mod persist;
pub mod schemes;
pub mod seal;
pub mod stored;
pub mod trust_quorum;
pub mod wire;

pub use id::{Baseboard, BaseboardKind, RackUuid, RequestId};
pub use network_config::NetworkConfig;
