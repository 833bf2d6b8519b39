//! Which device the model is, what it expects, and how it fails.

use netboot_core::{Digest, Duration};
use ocp_recovery::CoreVersion;
use sha2::{Digest as _, Sha256};

/// Images that a device can ask for.
pub const MAX_IMAGES: usize = 4;

/// Whose behaviour the device shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// i3c-core `doc/source/axi_recovery_flow.md`: DEV_STATUS before RECOVERY_STATUS, ends with
    /// DEV_STATUS 1 and DEV_REC_STATUS 3, errors are DEV_STATUS 0xF.
    Documented,
    /// Caliptra ROM 2.1.0 and 2.1.1: fewer capabilities, errors are DEV_STATUS 0xF with the old reason.
    Rom2_1_0,
    /// Caliptra ROM 2.1.2: errors are DEV_STATUS 0xE with a reason.
    Rom2_1_2,
}

/// What the device leaves in ACTIVATE_REC_IMG when it clears an activation. Firmware writes 0x01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationClear {
    /// As the public emulator: the field takes the value written.
    Emulator,
    /// As hardware: the bits written are cleared, 0x0E is left.
    Rtl,
    /// As the documents have it: 0.
    Zero,
}

/// What the device does when the agent resets the FIFO before the image was activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abandon {
    /// It drops what it has and asks again.
    Restarts,
    /// It goes on counting words, or waiting for the activation, as released Caliptra ROMs do once they
    /// have seen the first burst.
    Holds,
}

/// An image as the device will accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedImage {
    /// Size in octets, without padding.
    pub size: u32,
    /// SHA-256 of exactly `size` octets.
    pub sha256: Digest,
}

impl ExpectedImage {
    /// Expects exactly these octets.
    pub fn of(image: &[u8]) -> Self {
        Self {
            size: image.len() as u32,
            sha256: Digest(Sha256::digest(image).into()),
        }
    }
}

/// In which order the device writes its two statuses when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorOrder {
    /// As the [`Personality`] does for the image in question.
    #[default]
    Personality,
    /// RECOVERY_STATUS, then DEVICE_STATUS.
    RecoveryFirst,
    /// DEVICE_STATUS, then RECOVERY_STATUS.
    DeviceFirst,
    /// Both at once.
    Together,
    /// Only RECOVERY_STATUS.
    RecoveryOnly,
    /// Only DEVICE_STATUS.
    DeviceOnly,
}

/// A point after which the device does nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// It never writes PROT_CAP.
    Startup,
    /// It never asks for the image of this index.
    Asking(u8),
    /// It stops draining.
    Draining {
        /// The image in question.
        index: u8,
        /// Octets after which it stops, at the next burst.
        after: u32,
    },
    /// It has the whole image of this index and never shows DEV_STATUS 4.
    Pending(u8),
    /// It never sees the activation of this index.
    Activating(u8),
    /// It never ends verifying the image of this index.
    Verifying(u8),
}

/// A refusal of an image that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The image in question.
    pub index: u8,
    /// The reason shown by personalities that show one.
    pub reason: u16,
}

/// A reset of the I3C core and the device, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetAt {
    /// The image in question.
    pub index: u8,
    /// Octets of it after which the reset comes, at the next burst.
    pub after: u32,
}

/// What goes wrong. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The device hangs.
    pub stuck: Option<Stuck>,
    /// The device refuses a right image.
    pub refuse: Option<Refusal>,
    /// The order of the two statuses when it fails.
    pub order: ErrorOrder,
    /// Time between the two statuses; zero means [`DeviceConfig::step`].
    pub error_gap: Duration,
    /// The device is reset.
    pub reset: Option<ResetAt>,
    /// The capabilities that the device announces in place of its personality's.
    pub prot_cap_2: Option<u32>,
}

/// The device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    /// Where the registers are.
    pub core: CoreVersion,
    /// How the device behaves.
    pub personality: Personality,
    /// What clearing an activation leaves.
    pub activation_clear: ActivationClear,
    /// What becomes of an image that the agent abandons.
    pub abandon: Abandon,
    /// The images in the order of their indices; the device asks for the first `count`.
    pub images: [ExpectedImage; MAX_IMAGES],
    /// How many of `images` there are, 1..=4.
    pub count: u8,
    /// Accepts whatever comes; digests are then of all words, padding included.
    pub accept_any: bool,
    /// Octets that the device drains in a second; 0 means at once.
    pub consume_rate: u32,
    /// How long it verifies an image.
    pub verify_time: Duration,
    /// From reset to PROT_CAP.
    pub startup: Duration,
    /// Between two register writes of the device; in the trace each is a line of its own.
    pub step: Duration,
    /// What goes wrong.
    pub faults: Faults,
}

impl DeviceConfig {
    /// A healthy device that expects these images, at most [`MAX_IMAGES`].
    pub fn new(core: CoreVersion, personality: Personality, images: &[ExpectedImage]) -> Self {
        let mut config = Self {
            core,
            personality,
            ..Self::default()
        };
        for (to, from) in config.images.iter_mut().zip(images) {
            *to = *from;
        }
        config.count = images.len().clamp(1, MAX_IMAGES) as u8;
        config.activation_clear = match personality {
            Personality::Documented => ActivationClear::Zero,
            Personality::Rom2_1_0 | Personality::Rom2_1_2 => ActivationClear::Emulator,
        };
        config
    }

    /// Index of the last image.
    pub const fn last_index(&self) -> u8 {
        self.count.saturating_sub(1)
    }
}

impl Default for DeviceConfig {
    /// ROM 2.1.2 on the newer core, drains at once and asks for three images, which have yet to be named
    /// (or [`accept_any`](Self::accept_any) set).
    fn default() -> Self {
        Self {
            core: CoreVersion::V1p5,
            personality: Personality::Rom2_1_2,
            activation_clear: ActivationClear::Emulator,
            abandon: Abandon::Restarts,
            images: [ExpectedImage {
                size: 0,
                sha256: Digest([0; 32]),
            }; MAX_IMAGES],
            count: 3,
            accept_any: false,
            consume_rate: 0,
            verify_time: Duration::from_millis(1),
            startup: Duration::from_micros(100),
            step: Duration::from_micros(10),
            faults: Faults::default(),
        }
    }
}
