//! What a device reports while it is onboarded (RFC 8572, section 7.3, `progress-type`).

/// The kind of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named as in the standard")]
pub enum Progress {
    BootstrapInitiated,
    ParsingInitiated,
    ParsingWarning,
    ParsingError,
    ParsingComplete,
    BootImageInitiated,
    BootImageWarning,
    BootImageError,
    BootImageMismatch,
    BootImageInstalledRebooting,
    BootImageComplete,
    PreScriptInitiated,
    PreScriptWarning,
    PreScriptError,
    PreScriptComplete,
    ConfigInitiated,
    ConfigWarning,
    ConfigError,
    ConfigComplete,
    PostScriptInitiated,
    PostScriptWarning,
    PostScriptError,
    PostScriptComplete,
    BootstrapWarning,
    BootstrapError,
    BootstrapComplete,
    Informational,
}

impl Progress {
    /// All kinds, in the order of the standard.
    pub const ALL: [Self; 27] = [
        Self::BootstrapInitiated,
        Self::ParsingInitiated,
        Self::ParsingWarning,
        Self::ParsingError,
        Self::ParsingComplete,
        Self::BootImageInitiated,
        Self::BootImageWarning,
        Self::BootImageError,
        Self::BootImageMismatch,
        Self::BootImageInstalledRebooting,
        Self::BootImageComplete,
        Self::PreScriptInitiated,
        Self::PreScriptWarning,
        Self::PreScriptError,
        Self::PreScriptComplete,
        Self::ConfigInitiated,
        Self::ConfigWarning,
        Self::ConfigError,
        Self::ConfigComplete,
        Self::PostScriptInitiated,
        Self::PostScriptWarning,
        Self::PostScriptError,
        Self::PostScriptComplete,
        Self::BootstrapWarning,
        Self::BootstrapError,
        Self::BootstrapComplete,
        Self::Informational,
    ];

    /// The name in the standard.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BootstrapInitiated => "bootstrap-initiated",
            Self::ParsingInitiated => "parsing-initiated",
            Self::ParsingWarning => "parsing-warning",
            Self::ParsingError => "parsing-error",
            Self::ParsingComplete => "parsing-complete",
            Self::BootImageInitiated => "boot-image-initiated",
            Self::BootImageWarning => "boot-image-warning",
            Self::BootImageError => "boot-image-error",
            Self::BootImageMismatch => "boot-image-mismatch",
            Self::BootImageInstalledRebooting => "boot-image-installed-rebooting",
            Self::BootImageComplete => "boot-image-complete",
            Self::PreScriptInitiated => "pre-script-initiated",
            Self::PreScriptWarning => "pre-script-warning",
            Self::PreScriptError => "pre-script-error",
            Self::PreScriptComplete => "pre-script-complete",
            Self::ConfigInitiated => "config-initiated",
            Self::ConfigWarning => "config-warning",
            Self::ConfigError => "config-error",
            Self::ConfigComplete => "config-complete",
            Self::PostScriptInitiated => "post-script-initiated",
            Self::PostScriptWarning => "post-script-warning",
            Self::PostScriptError => "post-script-error",
            Self::PostScriptComplete => "post-script-complete",
            Self::BootstrapWarning => "bootstrap-warning",
            Self::BootstrapError => "bootstrap-error",
            Self::BootstrapComplete => "bootstrap-complete",
            Self::Informational => "informational",
        }
    }

    /// Whether the device has to send it whatever the reporting level is: the beginning, the end, and each error (RFC 8572, sections 5.6 and 7.3).
    pub const fn is_required(self) -> bool {
        self.needs_acceptance()
            || matches!(
                self,
                Self::BootImageInstalledRebooting
                    | Self::ParsingError
                    | Self::BootImageError
                    | Self::PreScriptError
                    | Self::ConfigError
                    | Self::PostScriptError
                    | Self::BootstrapError
            )
    }

    /// Whether the device gives the server up when it does not accept the report (RFC 8572, section 5.6).
    pub const fn needs_acceptance(self) -> bool {
        matches!(self, Self::BootstrapInitiated | Self::BootstrapComplete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_names_are_those_of_the_standard() {
        let names: BTreeSet<_> = Progress::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(names.len(), 27);
        for part in [
            "parsing",
            "pre-script",
            "config",
            "post-script",
            "boot-image",
        ] {
            for end in ["initiated", "warning", "error", "complete"] {
                assert!(
                    names.contains(format!("{part}-{end}").as_str()),
                    "{part}-{end}"
                );
            }
        }
        let errors = names.iter().filter(|name| name.ends_with("-error")).count();
        let required = Progress::ALL.iter().filter(|one| one.is_required()).count();
        assert_eq!((errors, required), (6, 9));
    }
}
