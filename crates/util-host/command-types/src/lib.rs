#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod aes;
pub mod asymmetric;
pub mod attestation;
pub mod certificate;
pub mod command;
pub mod debug;
pub mod device_info;
pub mod error;
pub mod fuse;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod gcm;
pub mod hash;
pub mod id;
pub mod key;
pub mod mailbox;
pub mod unlock;
pub mod vdm;
pub mod wire;

pub use aes::*;
pub use asymmetric::*;
pub use attestation::*;
pub use certificate::*;
pub use command::{Command, CommandRequest, CommandResponse, CommonResponse, Data, Done, Raw};
pub use debug::*;
pub use device_info::*;
pub use error::{CommandError, CompletionCode};
pub use fuse::*;
pub use gcm::*;
pub use hash::*;
pub use id::CaliptraCommandId;
pub use key::*;
pub use mailbox::checksum;
pub use unlock::*;
pub use wire::{Reader, Writer};

/// The traits of zerocopy that requests and answers of fixed size have.
pub mod zerocopy_traits {
    pub use zerocopy::{FromBytes, Immutable, IntoBytes};
}

/// Octets that hold the payload of every request of the contract. The largest request is the verification of an ML-DSA
/// signature with 8,860 octets.
pub const MAX_REQUEST_SIZE: usize = 9 * 1024;

/// Octets that hold the payload of every answer of the contract: a certificate of 12 KiB and its header.
pub const MAX_RESPONSE_SIZE: usize = 12 * 1024 + 64;
