#![doc = include_str!("../README.md")]
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

/// Types that the configuration, the report and [`BootApp::new`] have in them.
pub use netboot_core::{Digest, Duration, Instant, NetworkConfig};
pub use ocp_recovery::{AgentConfig, RecoveryAgent, RecoveryError, RegisterBus};
