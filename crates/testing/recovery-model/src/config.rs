//! The choice of the device: its firmware, the images that it expects, and its faults.

use netboot_core::{Digest, Duration};
use ocp_recovery::CoreVersion;
use sha2::{Digest as _, Sha256};

/// The most images that a device can ask for.
pub const MAX_IMAGES: usize = 4;

/// The firmware whose behaviour the device shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personality {
    /// The device follows i3c-core's `doc/source/axi_recovery_flow.md`: it writes DEV_STATUS before RECOVERY_STATUS, ends
    /// with DEV_STATUS 1 and DEV_REC_STATUS 3, and shows errors as DEV_STATUS 0xF.
    Documented,
    /// The device does as Caliptra ROM 2.1.0 and 2.1.1: it announces fewer capabilities, and shows an error as DEV_STATUS
    /// 0xF without a reason for image 0, and as 0xE with a reason for the images that its run-time firmware verifies.
    Rom2_1_0,
    /// The device does as Caliptra ROM 2.1.2: it shows errors as DEV_STATUS 0xE with a reason.
    Rom2_1_2,
}

/// The value that the device leaves in ACTIVATE_REC_IMG when it clears an activation. Firmware writes 0x01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivationClear {
    /// The field takes the value written, as in the public emulator.
    Emulator,
    /// The field loses the bits written and keeps 0x0E, as in hardware.
    Rtl,
    /// The field becomes 0, as the documents have it.
    Zero,
}

/// An image as the device accepts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedImage {
    /// Size in octets, without padding.
    pub size: u32,
    /// SHA-256 of the image padded with zeros to a multiple of 4 octets. The device hashes words: the digest in a SoC
    /// manifest covers the padding too.
    pub sha256: Digest,
    /// The first 4 octets of image 0, by which the ROM knows a firmware bundle. `None` accepts any.
    pub marker: Option<[u8; 4]>,
}

impl ExpectedImage {
    /// An image of which nothing is known; only [`DeviceConfig::accept_any`] makes a device take one.
    pub const UNKNOWN: Self = Self {
        size: 0,
        sha256: Digest([0; 32]),
        marker: None,
    };

    /// Expects exactly these octets.
    pub fn of(image: &[u8]) -> Self {
        Self {
            size: image.len() as u32,
            sha256: padded_sha256(image),
            marker: image.first_chunk().copied(),
        }
    }
}

/// SHA-256 of `image` padded with zeros to a multiple of 4 octets, as the device hashes it.
pub fn padded_sha256(image: &[u8]) -> Digest {
    let padding = image.len().next_multiple_of(4) - image.len();
    let padding = [0; 3].get(..padding).unwrap_or(&[]).iter();
    let mut hasher = Sha256::new_with_prefix(image);
    padding.for_each(|octet| hasher.update([*octet]));
    Digest(hasher.finalize().into())
}

/// The order in which the device writes its two statuses when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorOrder {
    /// The device keeps the order of its [`Personality`].
    #[default]
    Personality,
    /// The device writes RECOVERY_STATUS, then DEVICE_STATUS.
    RecoveryFirst,
    /// The device writes DEVICE_STATUS, then RECOVERY_STATUS.
    DeviceFirst,
    /// The device writes both at once.
    Together,
    /// The device writes RECOVERY_STATUS only.
    RecoveryOnly,
    /// The device writes DEVICE_STATUS only.
    DeviceOnly,
}

/// A point after which the device does nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// The device never writes PROT_CAP.
    Startup,
    /// The device never asks for the image of this index.
    Asking(u8),
    /// The device stops draining.
    Draining {
        /// Index of the image.
        index: u8,
        /// Octets after which the device stops, at the next burst.
        after: u32,
    },
    /// The device has the whole image of this index and never shows DEV_STATUS 4.
    Pending(u8),
    /// The device never sees the activation of this index.
    Activating(u8),
    /// The device never ends verifying the image of this index.
    Verifying(u8),
}

/// A refusal of an image that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Index of the image.
    pub index: u8,
    /// The reason shown by personalities that show one.
    pub reason: u16,
}

/// A reset of the I3C core and the device that happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetAt {
    /// Index of the image.
    pub index: u8,
    /// Octets of the image after which the reset comes, at the next burst.
    pub after: u32,
}

/// The faults of the device. By default it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The point at which the device hangs.
    pub stuck: Option<Stuck>,
    /// The right image that the device refuses.
    pub refuse: Option<Refusal>,
    /// The order of the two statuses when the device fails.
    pub order: ErrorOrder,
    /// The reset that comes by itself.
    pub reset: Option<ResetAt>,
    /// The capabilities that the device announces in place of its personality's.
    pub prot_cap_2: Option<u32>,
}

/// One step of the device's processor in the model: 1 us, which is slower than any board, so that nothing hides in a gap.
pub const STEP: Duration = Duration::from_micros(1);

/// The device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    /// The generation of the I3C core, which says where the registers are.
    pub core: CoreVersion,
    /// The firmware whose behaviour the device shows.
    pub personality: Personality,
    /// The value that is left when the device clears an activation.
    pub activation_clear: ActivationClear,
    /// The images in the order of their indices; the device asks for the first `count`.
    pub images: [ExpectedImage; MAX_IMAGES],
    /// Number of `images` that the device asks for, 1..=4.
    pub count: u8,
    /// Makes the device accept whatever comes.
    pub accept_any: bool,
    /// Octets that the device drains in a second; 0 means at once.
    pub consume_rate: u32,
    /// Time that the device takes to verify an image.
    pub verify_time: Duration,
    /// Time from reset to PROT_CAP.
    pub startup: Duration,
    /// Time between two register writes of the device; in the trace each is a line of its own.
    pub step: Duration,
    /// Steps ([`STEP`]) between RECOVERY_STATUS and DEVICE_STATUS when run-time firmware refuses an image, which is any
    /// but image 0. Released firmware takes 230 to 250.
    pub error_gap_steps: u32,
    /// The faults of the device.
    pub faults: Faults,
}

impl DeviceConfig {
    /// Makes a healthy device that expects these images, at most [`MAX_IMAGES`].
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

    /// Time between RECOVERY_STATUS and DEVICE_STATUS when run-time firmware refuses an image.
    pub(crate) fn error_gap(&self) -> Duration {
        STEP * self.error_gap_steps
    }
}

impl Default for DeviceConfig {
    /// Makes a device with ROM 2.1.2 on the newer core that drains at once and asks for three images. The caller has to
    /// name the images, or set [`accept_any`](Self::accept_any).
    fn default() -> Self {
        Self {
            core: CoreVersion::V1p5,
            personality: Personality::Rom2_1_2,
            activation_clear: ActivationClear::Emulator,
            images: [ExpectedImage::UNKNOWN; MAX_IMAGES],
            count: 3,
            accept_any: false,
            consume_rate: 0,
            verify_time: Duration::from_millis(1),
            startup: Duration::from_micros(100),
            step: Duration::from_micros(10),
            error_gap_steps: 240,
            faults: Faults::default(),
        }
    }
}
