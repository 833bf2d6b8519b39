//! The command layer between a boot application and a network boot library, after iPXE's commands.
//!
//! A boot application says *what* to do in words that operators know (`dhcp`, `imgfetch`, `imgload`,
//! `imgexec`, `chain`); a library that implements [`IpxeInterface`] knows *how*. This crate names no
//! protocol beyond a URI's scheme and no network stack. The script engine will live here too.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod delivery;
mod hash;
mod image;
mod interface;

pub use delivery::{Deliver, Delivery, SinkFailed};
pub use image::{ImageHandle, LoadedImage, NAME_LEN, Part};
pub use interface::{DhcpGoal, ExecError, IpxeInterface};
pub use netboot_core::net::{NetworkConfig, Route};
pub use netboot_core::uri::{Host, Scheme, Uri, UriError};

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
