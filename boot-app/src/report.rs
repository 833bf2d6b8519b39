//! What happened, image by image: for the console, a log, or the firmware that takes over.

use crate::AppError;
use netboot_core::uri::Uri;
use netboot_core::{Coded, Digest, Duration, Instant, quotient};
use ocp_recovery::ProtocolError;

/// Greatest number of images in one report.
pub const MAX_IMAGES: usize = 4;

/// What became of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The image was never delivered whole, or was not what it had to be. It was not activated.
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
    /// Where the image came from at last; `None` when there was no source. The scheme says what carried it.
    pub uri: Option<Uri>,
    /// Octets delivered, from whichever sources.
    pub octets: u64,
    /// SHA-256 of these octets, once all were delivered.
    pub sha256: Option<Digest>,
    /// Verity digest of an image that came as a packed file, once all of it was delivered. SHA-256 is computed beside it only where it is compared, or where the verity digest
    /// was not known.
    #[cfg(feature = "verity")]
    pub verity: Option<Digest>,
    /// Time from the request to the activation.
    pub duration: Duration,
    /// Time from the first octet to the last, pauses between two sources included.
    pub transfer: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Number of times that a transfer was taken up again.
    pub resumes: u32,
    /// What became of the image.
    pub outcome: Outcome,
    /// The last error at the image, if there was one.
    pub error: Option<AppError<N>>,
}

impl<N> ImageReport<N> {
    pub(crate) fn new(index: u8) -> Self {
        Self {
            index,
            uri: None,
            octets: 0,
            sha256: None,
            #[cfg(feature = "verity")]
            verity: None,
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
    /// Number of times that the device was reset and the boot begun anew.
    pub device_resets: u8,
    /// Set when the boot ended with a device that holds part of an image: it has to be reset.
    pub reset_required: bool,
    /// The last protocol error (DEVICE_STATUS octet 1) that the device showed since the last image was begun, and its command.
    pub protocol_error: Option<ProtocolError>,
    /// What the server of the boot file offered, when it was asked which protocol it speaks.
    #[cfg(feature = "negotiate")]
    pub server: Option<netboot_ipxe::ServerInfo>,
    /// The images that the device asked for since its last reset, in its order.
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
            device_resets: 0,
            reset_required: false,
            protocol_error: None,
            #[cfg(feature = "negotiate")]
            server: None,
            images: heapless::Vec::new(),
            error: None,
        }
    }

    /// 0 when the device booted, else the stable number of the error.
    pub fn status(&self) -> u32 {
        self.error.as_ref().map_or(0, Coded::code)
    }
}
