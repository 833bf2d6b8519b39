//! Why a boot, or one attempt at an image, failed.

use crate::sources::policy::Origin;
#[cfg(feature = "toc")]
use crate::toc::TocError;
#[cfg(feature = "bootstore")]
use bootstore::board_error::BoardError;
use core::fmt;
#[cfg(feature = "verify")]
use netboot_cms::CmsError;
use netboot_core::{Blame, Coded, Console, Digest, Module};
#[cfg(feature = "san")]
use netboot_ipxe::san::GptError;
#[cfg(feature = "script")]
use netboot_ipxe::script::ScriptError;
#[cfg(feature = "sztp")]
use netboot_sztp::SztpError;
#[cfg(feature = "verity")]
use netboot_verity::VerityError;
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
    /// A packed file is not the one that is expected, or no packed file. Nothing of it was delivered.
    #[cfg(feature = "verity")]
    Verity(VerityError),
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
    /// The network has a PXE menu in place of a boot file, and none of its boot services gave one.
    NoService,
    /// The bootstore has no configuration for this board, or a part of it is of no use.
    #[cfg(feature = "bootstore")]
    Bootstore(BoardError),
    /// A script is wrong, or ended itself with a failure.
    #[cfg(feature = "script")]
    Script(ScriptError),
    /// The script came to its end, and the device has not booted.
    #[cfg(feature = "script")]
    ScriptEnded,
    /// Scripts have chained more scripts than there are buffers for.
    #[cfg(feature = "script")]
    ScriptNesting,
    /// A script wants only verified images to be delivered (`imgtrust`), and this image is not verified.
    #[cfg(feature = "script")]
    NotVerified,
    /// A script has said for good which images are trusted (`imgtrust --permanent`), and another command wants to change that.
    #[cfg(feature = "script")]
    TrustLatched,
    /// A command names an image that no script has fetched.
    #[cfg(feature = "script")]
    NoSuchImage,
    /// There is no room for another image of a script, another place of an image, or other arguments.
    #[cfg(feature = "script")]
    ImagesFull,
    /// A command names an interface that is not there.
    #[cfg(feature = "script")]
    NoSuchInterface,
    /// This device does not have what a command of a script asks for.
    #[cfg(feature = "script")]
    NotSupported,
    /// A disk in the network does not have the partition that is wanted.
    #[cfg(feature = "san")]
    Gpt(GptError),
    /// The signature of an image is not believed.
    #[cfg(feature = "verify")]
    Signature(CmsError),
    /// Somebody else has signed the image than the script wants.
    #[cfg(feature = "verify")]
    WrongSigner,
    /// The board does not say who may sign images.
    #[cfg(feature = "verify")]
    NoSigners,
    /// A bootstrap server, or what it sent, is not believed or cannot be used.
    #[cfg(feature = "sztp")]
    Provisioning(SztpError),
    /// A command asks for provisioning, which is disabled on this board.
    #[cfg(all(feature = "script", feature = "sztp"))]
    ProvisioningDisabled,
    /// A command wants to disable provisioning, and nothing else may say what this board runs.
    #[cfg(all(feature = "script", feature = "sztp"))]
    ProvisioningRequired,
    /// The time for the whole boot is over.
    TotalDeadline,
    /// The device asks for more images than a report has room for.
    TooManyImages,
}

impl<N> AppError<N> {
    /// Whether another source, or another try, may do better as far as this error says. A device that refused an image has
    /// ended its boot; a file of an impossible size never reached it; a bus may work again.
    pub(crate) fn retryable(&self) -> bool {
        match self {
            AppError::Recovery(error) => error.may_pass(),
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
            #[cfg(feature = "verity")]
            AppError::Verity(error) => error.fmt(f),
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
            AppError::NoService => f.write_str(
                "a PXE menu in place of a boot file, and none of its boot services gave one",
            ),
            #[cfg(feature = "bootstore")]
            AppError::Bootstore(error) => error.fmt(f),
            #[cfg(feature = "script")]
            AppError::Script(error) => error.fmt(f),
            #[cfg(feature = "script")]
            AppError::ScriptEnded => {
                f.write_str("the script came to its end, and the device has not booted")
            }
            #[cfg(feature = "script")]
            AppError::ScriptNesting => {
                f.write_str("scripts chain more scripts than there is room for")
            }
            #[cfg(feature = "script")]
            AppError::NotVerified => {
                f.write_str("only verified images may be delivered, and this one is not")
            }
            #[cfg(feature = "script")]
            AppError::TrustLatched => f.write_str("imgtrust was made permanent before"),
            #[cfg(feature = "script")]
            AppError::NoSuchImage => f.write_str("no image has this name"),
            #[cfg(feature = "script")]
            AppError::ImagesFull => {
                f.write_str("no room for another image, another place or its arguments")
            }
            #[cfg(feature = "script")]
            AppError::NoSuchInterface => f.write_str("the only interface is net0"),
            #[cfg(feature = "script")]
            AppError::NotSupported => {
                f.write_str("this device does not have what the command asks for")
            }
            #[cfg(feature = "san")]
            AppError::Gpt(error) => error.fmt(f),
            #[cfg(feature = "verify")]
            AppError::Signature(error) => error.fmt(f),
            #[cfg(feature = "verify")]
            AppError::WrongSigner => {
                f.write_str("the image was signed by somebody else than the script wants")
            }
            #[cfg(feature = "verify")]
            AppError::NoSigners => f.write_str("this board does not know who may sign images"),
            #[cfg(feature = "sztp")]
            AppError::Provisioning(error) => error.fmt(f),
            #[cfg(all(feature = "script", feature = "sztp"))]
            AppError::ProvisioningDisabled => {
                f.write_str("provisioning is disabled; ztp enable allows it")
            }
            #[cfg(all(feature = "script", feature = "sztp"))]
            AppError::ProvisioningRequired => f.write_str(
                "this board boots nothing but what a bootstrap server names, so provisioning stays enabled",
            ),
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
            #[cfg(feature = "bootstore")]
            AppError::Bootstore(error) => error.facts(out),
            #[cfg(feature = "script")]
            AppError::Script(error) => out.number("line", error.line.into()),
            #[cfg(feature = "sztp")]
            AppError::Provisioning(error) => error.facts(out),
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
            #[cfg(feature = "verity")]
            AppError::Verity(error) => return error.code(),
            #[cfg(feature = "bootstore")]
            AppError::Bootstore(error) => return error.code(),
            #[cfg(feature = "script")]
            AppError::Script(error) => return error.code(),
            #[cfg(feature = "script")]
            AppError::ScriptEnded => 20,
            #[cfg(feature = "script")]
            AppError::ScriptNesting => 21,
            #[cfg(feature = "script")]
            AppError::NotVerified => 22,
            #[cfg(feature = "script")]
            AppError::TrustLatched => 23,
            #[cfg(feature = "script")]
            AppError::NoSuchImage => 24,
            #[cfg(feature = "script")]
            AppError::ImagesFull => 25,
            #[cfg(feature = "script")]
            AppError::NoSuchInterface => 26,
            #[cfg(feature = "script")]
            AppError::NotSupported => 27,
            #[cfg(feature = "san")]
            AppError::Gpt(error) => return error.code(),
            #[cfg(feature = "verify")]
            AppError::Signature(error) => return error.code(),
            #[cfg(feature = "verify")]
            AppError::WrongSigner => 28,
            #[cfg(feature = "verify")]
            AppError::NoSigners => 29,
            #[cfg(feature = "sztp")]
            AppError::Provisioning(error) => return error.code(),
            #[cfg(all(feature = "script", feature = "sztp"))]
            AppError::ProvisioningDisabled => 30,
            #[cfg(all(feature = "script", feature = "sztp"))]
            AppError::ProvisioningRequired => 31,
            AppError::TotalDeadline => 5,
            AppError::TooManyImages => 6,
            AppError::NotHttps { .. } => 7,
            AppError::PointerTooLong => 16,
            AppError::PointerDamaged => 17,
            AppError::NoServer => 18,
            AppError::NoService => 19,
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
            | AppError::NoServer
            | AppError::NoService => Blame::Configuration,
            #[cfg(feature = "bootstore")]
            AppError::Bootstore(error) => error.blame(),
            #[cfg(feature = "script")]
            AppError::Script(error) => error.blame(),
            #[cfg(feature = "script")]
            AppError::ScriptEnded
            | AppError::ScriptNesting
            | AppError::NotVerified
            | AppError::TrustLatched
            | AppError::NoSuchImage
            | AppError::ImagesFull
            | AppError::NoSuchInterface
            | AppError::NotSupported => Blame::Configuration,
            #[cfg(feature = "san")]
            AppError::Gpt(error) => error.blame(),
            #[cfg(feature = "verify")]
            AppError::Signature(error) => error.blame(),
            #[cfg(feature = "verify")]
            AppError::WrongSigner => Blame::Server,
            #[cfg(feature = "verify")]
            AppError::NoSigners => Blame::Configuration,
            #[cfg(feature = "sztp")]
            AppError::Provisioning(error) => error.blame(),
            #[cfg(all(feature = "script", feature = "sztp"))]
            AppError::ProvisioningDisabled | AppError::ProvisioningRequired => Blame::Configuration,
            AppError::SizeMismatch { .. }
            | AppError::DigestMismatch { .. }
            | AppError::ChecksumMismatch { .. } => Blame::Server,
            #[cfg(feature = "verity")]
            AppError::Verity(error) => error.blame(),
            AppError::TotalDeadline => Blame::Network,
            AppError::TooManyImages => Blame::Device,
        }
    }
}
