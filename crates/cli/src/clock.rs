//! The clock of the workstation.

use anyhow::{Context, Result};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since 1970-01-01T00:00:00Z.
///
/// # Errors
/// When the clock says that it is earlier.
pub fn since_1970() -> Result<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.context("the clock is before 1970")
}
