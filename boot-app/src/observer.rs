//! What a console, a progress bar or a trace buffer is told while the boot goes on.

use crate::sources::policy::Origin;
use netboot_core::uri::Uri;
use netboot_core::{Coded, Digest, Instant};
use netboot_ipxe::NetworkConfig;

/// One thing that happened.
pub enum Event<'e> {
    /// The interface has an address.
    Configured(&'e NetworkConfig),
    /// The bootstore has a network configuration, and the boot uses it.
    #[cfg(feature = "bootstore")]
    Bootstore {
        /// Its generation.
        generation: u64,
        /// Who told it.
        teller: crate::sources::Teller,
        /// Number of boot servers that it names.
        servers: u8,
        /// Whether the board may use secure zero-touch provisioning (RFC 8572).
        sztp: bool,
    },
    /// A server has answered the question which protocol it speaks.
    #[cfg(feature = "negotiate")]
    Server {
        /// The file that it was asked for.
        uri: &'e Uri,
        /// What it offers.
        server: &'e netboot_ipxe::ServerInfo,
    },
    /// The boot file is being looked into.
    BootFile {
        /// Where from.
        uri: &'e Uri,
    },
    /// A script was read, and runs.
    #[cfg(feature = "script")]
    Script {
        /// Where it really is, after redirects.
        uri: &'e Uri,
        /// Its octets.
        octets: u64,
    },
    /// A script failed. Where one of its commands failed, an [`AttemptFailed`](Event::AttemptFailed) with that error may follow.
    #[cfg(feature = "script")]
    ScriptFailed {
        /// What is wrong, and in which line.
        error: &'e netboot_ipxe::script::ScriptError,
    },
    /// DHCP names bootstrap servers.
    #[cfg(feature = "sztp")]
    BootstrapServers {
        /// How the option was written, and how many servers are in it.
        found: netboot_sztp::dhcp::Found,
    },
    /// A bootstrap server is being asked what the board has to run.
    #[cfg(feature = "sztp")]
    Bootstrap {
        /// Where.
        uri: &'e Uri,
        /// What it has to prove.
        proof: netboot_sztp::Proof<'e>,
    },
    /// A bootstrap server has named others.
    #[cfg(feature = "sztp")]
    Redirected {
        /// How many.
        servers: u8,
    },
    /// A bootstrap server has said what the board has to run, and the board believes it.
    #[cfg(feature = "sztp")]
    Onboarding {
        /// Whether the server itself has proved that it is trusted. If not, the owner's signature has.
        trusted: bool,
    },
    /// All that the owner demands was done.
    #[cfg(feature = "sztp")]
    Provisioned {
        /// How it ended.
        end: netboot_sztp::End,
    },
    /// The table of contents was read.
    Toc {
        /// Number of images listed.
        images: u16,
    },
    /// The device asks for an image.
    Requested {
        /// Recovery image index.
        index: u8,
    },
    /// A transfer is being opened.
    Fetching {
        /// Recovery image index.
        index: u8,
        /// Where from.
        uri: &'e Uri,
        /// The source that names this place.
        origin: Origin,
    },
    /// The server has the file, and octets begin to flow.
    Opened {
        /// Recovery image index.
        index: u8,
        /// Size of the image in octets.
        size: u64,
        /// Where it really is, after redirects.
        uri: &'e Uri,
    },
    /// Some of the image was delivered; said now and then.
    Delivered {
        /// Recovery image index.
        index: u8,
        /// Octets delivered so far.
        octets: u64,
        /// Octets of the image.
        size: u64,
    },
    /// Everything was delivered and is what it has to be.
    Verified {
        /// Recovery image index.
        index: u8,
        /// SHA-256 of what was delivered, if it was computed.
        sha256: Option<&'e Digest>,
        /// Verity digest of the image, if it came as a packed file.
        #[cfg(feature = "verity")]
        verity: Option<&'e Digest>,
        /// Whether it was compared with an expected digest.
        expected: bool,
    },
    /// The device was told to activate the image.
    Activated {
        /// Recovery image index.
        index: u8,
    },
    /// An attempt failed; there may be others.
    AttemptFailed {
        /// Recovery image index; `None` for addresses and the table of contents.
        index: Option<u8>,
        /// Why the attempt failed.
        error: &'e dyn Coded,
    },
    /// The device holds part of an image that cannot be finished. It takes no other one until it is reset.
    ResetRequired {
        /// Recovery image index.
        index: u8,
    },
    /// The platform has reset the device, and the boot begins anew.
    DeviceReset,
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
            | Event::ResetRequired { index }
            | Event::Activated { index } => Some(index),
            Event::AttemptFailed { index, .. } => index,
            #[cfg(feature = "bootstore")]
            Event::Bootstore { .. } => None,
            #[cfg(feature = "negotiate")]
            Event::Server { .. } => None,
            #[cfg(feature = "script")]
            Event::Script { .. } | Event::ScriptFailed { .. } => None,
            #[cfg(feature = "sztp")]
            Event::BootstrapServers { .. }
            | Event::Bootstrap { .. }
            | Event::Redirected { .. }
            | Event::Onboarding { .. }
            | Event::Provisioned { .. } => None,
            Event::Configured(_)
            | Event::BootFile { .. }
            | Event::Toc { .. }
            | Event::DeviceReset
            | Event::Finished { .. } => None,
        }
    }
}

/// Somebody who watches a boot.
pub trait Observer {
    /// Takes note of an event. The boot's own loop waits meanwhile, so this has to be quick.
    fn event(&mut self, now: Instant, event: &Event<'_>);
}

/// Nobody watches.
impl Observer for () {
    fn event(&mut self, _: Instant, _: &Event<'_>) {}
}

impl<F: FnMut(Instant, &Event<'_>)> Observer for F {
    fn event(&mut self, now: Instant, event: &Event<'_>) {
        self(now, event);
    }
}
