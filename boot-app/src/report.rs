//! What happened, image by image: for the console, a log, or the firmware that takes over.

use crate::AppError;
use netboot_core::uri::Uri;
use netboot_core::{Coded, Digest, Duration, Instant, quotient};
use netboot_ipxe::{NetworkConfig, Protocol};

/// Images in one report.
pub const MAX_IMAGES: usize = 4;

/// What became of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Never delivered whole, or not what it had to be; not activated.
    NotActivated,
    /// The device was told to activate it, and has not said anything against it.
    Activated,
    /// The device took it and refused it.
    Refused,
}

/// One image.
#[derive(Clone, Debug)]
pub struct ImageReport<N> {
    /// Recovery image index.
    pub index: u8,
    /// Where it came from at last; `None` when there was no source.
    pub uri: Option<Uri>,
    /// What carried it.
    pub protocol: Option<Protocol>,
    /// Octets delivered by the last attempt.
    pub octets: u64,
    /// SHA-256 of them, once all were delivered.
    pub sha256: Option<Digest>,
    /// From the request to the activation.
    pub duration: Duration,
    /// Of the transfer alone.
    pub transfer: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Times that a transfer was taken up again.
    pub resumes: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// The last error at it, if there was one.
    pub error: Option<AppError<N>>,
}

impl<N> ImageReport<N> {
    pub(crate) fn new(index: u8) -> Self {
        Self {
            index,
            uri: None,
            protocol: None,
            octets: 0,
            sha256: None,
            duration: Duration::ZERO,
            transfer: Duration::ZERO,
            retries: 0,
            resumes: 0,
            outcome: Outcome::NotActivated,
            error: None,
        }
    }

    /// Octets per second of the transfer.
    pub fn throughput(&self) -> u64 {
        let octets = self.octets.saturating_mul(1_000_000);
        quotient(octets, self.transfer.as_micros())
    }
}

/// One boot.
#[derive(Clone, Debug)]
pub struct BootReport<N> {
    /// When it began.
    pub started: Instant,
    /// When the interface had an address.
    pub configured: Option<Instant>,
    /// When it ended.
    pub ended: Instant,
    /// The interface's configuration.
    pub config: Option<NetworkConfig>,
    /// The images that the device asked for, in its order.
    pub images: heapless::Vec<ImageReport<N>, MAX_IMAGES>,
    /// What ended the boot, if it did not end well.
    pub error: Option<AppError<N>>,
}

impl<N: Coded> BootReport<N> {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            started: now,
            configured: None,
            ended: now,
            config: None,
            images: heapless::Vec::new(),
            error: None,
        }
    }

    /// 0 when the device booted, else the stable number of the error.
    pub fn status(&self) -> u32 {
        self.error.as_ref().map_or(0, Coded::code)
    }
}
