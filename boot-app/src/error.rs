//! Why a boot, or one attempt at an image, failed.

use crate::sources::policy::Origin;
#[cfg(feature = "toc")]
use crate::toc::TocError;
use core::fmt;
use netboot_core::{Blame, Coded, Console, Digest, Module};
use ocp_recovery::RecoveryError;

/// An error of the boot application; `N` is the network boot library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppError<N> {
    /// The network boot library failed: addresses or transfers.
    Network(N),
    /// The device or its registers failed.
    Recovery(RecoveryError),
    /// The table of contents cannot be used.
    #[cfg(feature = "toc")]
    Toc(TocError),
    /// No script, table, DHCP option or default says where this image is.
    NoSource {
        /// Recovery image index.
        index: u8,
    },
    /// The file is not as long as the image has to be; octets.
    SizeMismatch {
        /// Size that the image has to have.
        expected: u64,
        /// Size that the server's file has.
        found: u64,
    },
    /// The octets delivered do not have the expected SHA-256. The image was not activated.
    DigestMismatch {
        /// Digest of what was delivered.
        found: Digest,
    },
    /// The octets delivered do not have the table's checksum. The image was not activated.
    ChecksumMismatch {
        /// Checksum by the table of contents.
        expected: u32,
        /// Checksum of what was delivered.
        found: u32,
    },
    /// The board requires HTTPS, and the place that this source names has another scheme.
    NotHttps {
        /// The source.
        origin: Origin,
    },
    /// The name of the boot file, or of its server, is longer than what can be kept (DHCP options 66 and 67).
    PointerTooLong,
    /// The name of the boot file, or of its server, is no text: it has control characters in it, or octets that are not UTF-8.
    PointerDamaged,
    /// A boot file is named, and nothing says on which server it is.
    NoServer,
    /// The time for the whole boot is over.
    TotalDeadline,
    /// The device asks for more images than a report has room for.
    TooManyImages,
}

impl<N> AppError<N> {
    /// Whether another source, or another try, may do better as far as this error says. A device that refused an image has
    /// ended its boot; a file of an impossible size never reached it.
    pub(crate) fn retryable(&self) -> bool {
        match self {
            AppError::Recovery(error) => matches!(
                error,
                RecoveryError::RequestWithdrawn { .. } | RecoveryError::SizeUnsupported { .. }
            ),
            AppError::TotalDeadline | AppError::TooManyImages | AppError::NotHttps { .. } => false,
            _ => true,
        }
    }
}

impl<N: fmt::Display> fmt::Display for AppError<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppError::Network(error) => error.fmt(f),
            AppError::Recovery(error) => error.fmt(f),
            #[cfg(feature = "toc")]
            AppError::Toc(error) => error.fmt(f),
            AppError::NoSource { index } => write!(f, "nothing says where image {index} is"),
            AppError::SizeMismatch { expected, found } => {
                write!(f, "file of {found} octets, image of {expected} expected")
            }
            AppError::DigestMismatch { found } => {
                write!(f, "SHA-256 not as expected, not activated; found {found}")
            }
            AppError::ChecksumMismatch { expected, found } => write!(
                f,
                "checksum {found:08x}, table of contents says {expected:08x}; not activated"
            ),
            AppError::NotHttps { origin } => write!(
                f,
                "the place that source {} names is not https, which this board requires",
                origin.as_str()
            ),
            AppError::PointerTooLong => {
                f.write_str("the boot file's name, or its server's, is too long to be kept")
            }
            AppError::PointerDamaged => {
                f.write_str("the boot file's name, or its server's, is damaged: it is no text")
            }
            AppError::NoServer => f.write_str("a boot file is named, but no server for it"),
            AppError::TotalDeadline => f.write_str("the time for the whole boot is over"),
            AppError::TooManyImages => f.write_str("the device asks for too many images"),
        }
    }
}

impl<N: fmt::Debug + fmt::Display> core::error::Error for AppError<N> {}

impl<N: Coded> Coded for AppError<N> {
    fn facts(&self, out: &mut dyn Console) {
        // The smallest build has no room for them.
        if !cfg!(feature = "robust") {
            return;
        }
        match self {
            AppError::Network(error) => error.facts(out),
            AppError::Recovery(error) => error.facts(out),
            AppError::NoSource { index } => out.number("image", u64::from(*index)),
            AppError::SizeMismatch { expected, found } => {
                out.number("found", *found);
                out.number("expected", *expected);
            }
            AppError::DigestMismatch { found } => {
                out.key("found");
                out.octets(&found.0);
            }
            AppError::ChecksumMismatch { expected, found } => {
                out.key("found");
                out.hex(*found);
                out.key("expected");
                out.hex(*expected);
            }
            _ => {}
        }
    }

    fn code(&self) -> u32 {
        Module::App.code(match self {
            AppError::Network(error) => return error.code(),
            AppError::Recovery(error) => return error.code(),
            #[cfg(feature = "toc")]
            AppError::Toc(error) => return error.code(),
            AppError::NoSource { .. } => 1,
            AppError::SizeMismatch { .. } => 2,
            AppError::DigestMismatch { .. } => 3,
            AppError::ChecksumMismatch { .. } => 4,
            AppError::TotalDeadline => 5,
            AppError::TooManyImages => 6,
            AppError::NotHttps { .. } => 7,
            AppError::PointerTooLong => 16,
            AppError::PointerDamaged => 17,
            AppError::NoServer => 18,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            AppError::Network(error) => error.blame(),
            AppError::Recovery(error) => error.blame(),
            #[cfg(feature = "toc")]
            AppError::Toc(error) => error.blame(),
            AppError::NoSource { .. }
            | AppError::NotHttps { .. }
            | AppError::PointerTooLong
            | AppError::PointerDamaged
            | AppError::NoServer => Blame::Configuration,
            AppError::SizeMismatch { .. }
            | AppError::DigestMismatch { .. }
            | AppError::ChecksumMismatch { .. } => Blame::Server,
            AppError::TotalDeadline => Blame::Network,
            AppError::TooManyImages => Blame::Device,
        }
    }
}
