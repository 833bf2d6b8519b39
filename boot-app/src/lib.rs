#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod app;
mod check;
mod config;
pub mod console;
mod error;
mod hooks;
#[cfg(feature = "sztp")]
mod measure;
mod observer;
mod packed;
mod policy;
#[cfg(feature = "sztp")]
pub mod provisioning;
mod report;
#[cfg(feature = "script")]
mod script;
mod sources;
#[cfg(feature = "syslog")]
mod syslog;
#[cfg(feature = "toc")]
pub mod toc;
#[cfg(feature = "trace")]
pub mod trace;

pub use app::BootApp;
pub use check::Expected;
pub use config::AppConfig;
pub use error::AppError;
pub use hooks::DeviceControl;
/// The console of a person, for [`Scripts::new`].
#[cfg(feature = "script")]
pub use netboot_ipxe::terminal::Terminal;
pub use observer::{Event, Observer};
pub use policy::{OnFailure, Policy};
pub use report::{BootReport, ImageReport, MAX_IMAGES, Outcome};
#[cfg(feature = "script")]
pub use script::{DEFAULT_SCRIPT, Facts, MAX_DEPTH, ScriptSpace, Scripts};
#[cfg(feature = "bootstore")]
pub use sources::{BootstoreConfig, Teller};
pub use sources::{FileNames, FixedSource, Origin, SourcePolicy};

/// Types that the configuration, the report and [`BootApp::new`] have in them.
pub use netboot_core::{Digest, Duration, Instant, NetworkConfig};
pub use ocp_recovery::{AgentConfig, RecoveryAgent, RecoveryError, RegisterBus};
