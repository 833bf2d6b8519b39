#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![forbid(unsafe_code)]

pub mod api;
mod error;

pub use caliptra_util_host_command_types as types;
pub use error::{CaliptraApiError, CaliptraResult};
