//! The boot application: what a Caliptra device asks for through its OCP recovery registers, this
//! fetches from the network and delivers.
//!
//! It stands between two crates that do not know each other: a network boot library behind
//! [`netboot_ipxe::IpxeInterface`], and the recovery agent of [`ocp_recovery`].
//!
//! ```text
//! dhcp -> [device asks for image i] -> sources of i -> imgfetch -> imgload -> imgexec
//!              ^                          (next source, or again by policy <- any failure)
//!              |                                                     |
//!              +-- next request <- activate <- digest and size right +-> else: abort
//! ```
//!
//! | file | what |
//! |---|---|
//! | `app` | the state machine |
//! | `sources` | recovery image index to URIs |
//! | `toc` | the flash-layout header v3 as a table of contents |
//! | `check` | what an image has to be, and a sink that looks on |
//! | `policy` | how often and how long to try |
//! | `report` | what happened, image by image |
//! | `observer` | what a console or a progress bar is told meanwhile |
//! | `console` | events and report as lines of text |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod app;
mod check;
pub mod console;
mod error;
mod observer;
mod policy;
mod report;
mod sources;
#[cfg(feature = "toc")]
pub mod toc;

pub use app::{AppConfig, BootApp};
pub use check::Expected;
pub use error::AppError;
pub use observer::{Event, Observer};
pub use policy::{OnFailure, Policy};
pub use report::{BootReport, ImageReport, MAX_IMAGES, Outcome};
pub use sources::{DefaultSource, FileNames};
