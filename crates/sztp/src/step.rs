//! The steps that the caller carries out, and how a bootstrapping ends (RFC 8572, section 5.6).

use crate::progress::Progress;

/// A step that the caller carries out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Download the boot image from one of its places, check its hash, and install it.
    BootImage,
    /// Run the script that comes before the configuration.
    PreScript,
    /// Use the configuration, wholly or not at all.
    Configuration,
    /// Run the script that comes behind the configuration.
    PostScript,
}

impl Step {
    /// The name of the step in a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Step::BootImage => "boot-image",
            Step::PreScript => "pre-configuration-script",
            Step::Configuration => "configuration",
            Step::PostScript => "post-configuration-script",
        }
    }

    /// The report of its failure.
    pub(crate) const fn failure(self) -> Progress {
        match self {
            Step::BootImage => Progress::BootImageError,
            Step::PreScript => Progress::PreScriptError,
            Step::Configuration => Progress::ConfigError,
            Step::PostScript => Progress::PostScriptError,
        }
    }
}

/// How a bootstrapping ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The boot image was installed, and the device starts it next. What is left of the onboarding is for that image to do: it bootstraps again.
    Rebooting,
    /// All that the owner demands was done.
    Complete,
}

impl End {
    /// One word for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            End::Rebooting => "rebooting",
            End::Complete => "complete",
        }
    }
}
