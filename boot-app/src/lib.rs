//! The boot application: what a Caliptra device asks for through its OCP recovery registers, this
//! fetches from the network and delivers.
//!
//! It stands between two crates that do not know each other: a network boot library behind
//! [`netboot_ipxe::IpxeInterface`], and the recovery agent of [`ocp_recovery`].
//!
//! ```text
//! dhcp, or a static address -> [device asks for image i] -> sources of i -> imgfetch -> imgload -> imgexec
//!              ^                    ^     (next source, or again by policy <- any failure)
//!              |                    |                                                |
//!              |                    +-- next request <- activate <- digest and size right
//!              +-- the device is reset by the platform, or the boot ends <- what cannot be mended
//! ```
//!
//! | file | what |
//! |---|---|
//! | `config` | what an integrator may choose |
//! | `app` | the state machine; `app/image` one image, `app/locate` the table of contents, `app/ahead` what is opened early |
//! | `sources/` | recovery image index to places, in the policy's order |
//! | `toc` | the flash-layout header v3 as a table of contents |
//! | `check` | what an image has to be, and a delivery that is looked at |
//! | `policy` | how often and how long to try |
//! | `hooks` | what the platform around the device can do |
//! | `report` | what happened, image by image |
//! | `observer` | what a console or a progress bar is told meanwhile |
//! | `console` | events and report as lines of text |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod app;
mod check;
mod config;
pub mod console;
mod error;
mod hooks;
mod observer;
mod policy;
mod report;
mod sources;
#[cfg(feature = "toc")]
pub mod toc;

pub use app::BootApp;
pub use check::Expected;
pub use config::AppConfig;
pub use error::AppError;
pub use hooks::DeviceControl;
pub use observer::{Event, Observer};
pub use policy::{OnFailure, Policy};
pub use report::{BootReport, ImageReport, MAX_IMAGES, Outcome};
pub use sources::{FileNames, FixedSource, Origin, SourcePolicy};

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
