//! What a console, a progress bar or a trace buffer is told while the boot goes on.

use netboot_core::uri::Uri;
use netboot_core::{Coded, Digest, Instant};
use netboot_ipxe::{NetworkConfig, Protocol};

/// One thing that happened. `index` is the recovery image index.
pub enum Event<'e> {
    /// The interface has an address.
    Configured(&'e NetworkConfig),
    /// The table of contents was read.
    Toc {
        /// Images listed.
        images: u16,
    },
    /// The device asks for an image.
    Requested {
        /// Which.
        index: u8,
    },
    /// A transfer is being opened.
    Fetching {
        /// Of this image.
        index: u8,
        /// From there.
        uri: &'e Uri,
    },
    /// The server has the file, and octets begin to flow.
    Opened {
        /// Of this image.
        index: u8,
        /// Octets.
        size: u64,
        /// What carries it.
        protocol: Protocol,
    },
    /// So much was delivered; said now and then.
    Delivered {
        /// Of this image.
        index: u8,
        /// Octets so far.
        octets: u64,
        /// Octets in all.
        size: u64,
    },
    /// Everything was delivered and is what it has to be.
    Verified {
        /// This image.
        index: u8,
        /// Of what was delivered, if the library hashes.
        sha256: Option<&'e Digest>,
        /// Whether it was compared with an expected digest.
        expected: bool,
    },
    /// The device was told to activate the image.
    Activated {
        /// This image.
        index: u8,
    },
    /// An attempt failed; there may be others.
    AttemptFailed {
        /// At this image; `None` for DHCP and the table of contents.
        index: Option<u8>,
        /// Why.
        error: &'e dyn Coded,
    },
    /// The boot is over.
    Finished {
        /// 0, or the error number.
        status: u32,
    },
}

impl Event<'_> {
    /// The image that it is about.
    pub fn index(&self) -> Option<u8> {
        match *self {
            Event::Requested { index }
            | Event::Fetching { index, .. }
            | Event::Opened { index, .. }
            | Event::Delivered { index, .. }
            | Event::Verified { index, .. }
            | Event::Activated { index } => Some(index),
            Event::AttemptFailed { index, .. } => index,
            Event::Configured(_) | Event::Toc { .. } | Event::Finished { .. } => None,
        }
    }
}

/// Somebody who watches a boot.
pub trait Observer {
    /// Called in order, from the boot's own loop: to be quick.
    fn event(&mut self, now: Instant, event: &Event<'_>);
}

/// Nobody.
impl Observer for () {
    fn event(&mut self, _: Instant, _: &Event<'_>) {}
}

impl<F: FnMut(Instant, &Event<'_>)> Observer for F {
    fn event(&mut self, now: Instant, event: &Event<'_>) {
        self(now, event);
    }
}
