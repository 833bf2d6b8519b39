#![doc = include_str!("../README.md")]
#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![forbid(unsafe_code)]

mod aio;
mod config;
mod error;
mod retry;
mod session;
#[cfg(feature = "std")]
mod shared;
#[cfg(feature = "std")]
mod sync;

pub use aio::AsyncSession;
pub use config::{SessionConfig, SessionInfo, SessionState, SessionStatistics};
pub use error::{SessionError, SessionResult};
pub use session::CaliptraSession;
#[cfg(feature = "std")]
pub use shared::{KeepAlive, SharedSession};
