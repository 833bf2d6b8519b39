//! The steps of an onboarding and their reports, in their order (RFC 8572, section 5.6).

use crate::conveyed::Onboarding;
use crate::progress::Progress;
use crate::request::About;
use crate::step::{End, Step};

/// What the owner demands, and how much of it the server wants to hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    /// Set for an image that does not run yet.
    pub image: bool,
    /// Set for an image that runs already.
    pub running: bool,
    pub pre_script: bool,
    pub configuration: bool,
    pub post_script: bool,
    pub verbose: bool,
}

impl Demands {
    pub fn of(onboarding: &Onboarding<'_>, about: &About<'_>, verbose: bool) -> Self {
        let running = onboarding.boot_image.map(|image| {
            let name = image.os_name.is_some_and(|name| name.is(about.os_name));
            name && image
                .os_version
                .is_some_and(|version| version.is(about.os_version))
        });
        Self {
            image: running == Some(false),
            running: running == Some(true),
            pre_script: onboarding.pre_configuration_script.is_some(),
            configuration: onboarding.configuration.is_some(),
            post_script: onboarding.post_configuration_script.is_some(),
            verbose,
        }
    }
}

/// When an entry of the plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    Image,
    Running,
    PreScript,
    Configuration,
    PostScript,
}

impl Need {
    pub fn is_met(self, demands: Demands) -> bool {
        match self {
            Need::Nothing => true,
            Need::Image => demands.image,
            Need::Running => demands.running,
            Need::PreScript => demands.pre_script,
            Need::Configuration => demands.configuration,
            Need::PostScript => demands.post_script,
        }
    }
}

/// An entry of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Report(Progress),
    Do(Step),
    End(End),
}

/// All entries. An image that the device has to install ends the plan: the steps behind it are those of the image that was installed.
pub(crate) const PLAN: &[(Need, Stage)] = &[
    (Need::Nothing, Stage::Report(Progress::BootstrapInitiated)),
    (Need::Nothing, Stage::Report(Progress::ParsingComplete)),
    (Need::Image, Stage::Report(Progress::BootImageMismatch)),
    (Need::Image, Stage::Report(Progress::BootImageInitiated)),
    (Need::Image, Stage::Do(Step::BootImage)),
    (
        Need::Image,
        Stage::Report(Progress::BootImageInstalledRebooting),
    ),
    (Need::Image, Stage::End(End::Rebooting)),
    (Need::Running, Stage::Report(Progress::BootImageComplete)),
    (Need::PreScript, Stage::Report(Progress::PreScriptInitiated)),
    (Need::PreScript, Stage::Do(Step::PreScript)),
    (Need::PreScript, Stage::Report(Progress::PreScriptComplete)),
    (
        Need::Configuration,
        Stage::Report(Progress::ConfigInitiated),
    ),
    (Need::Configuration, Stage::Do(Step::Configuration)),
    (Need::Configuration, Stage::Report(Progress::ConfigComplete)),
    (
        Need::PostScript,
        Stage::Report(Progress::PostScriptInitiated),
    ),
    (Need::PostScript, Stage::Do(Step::PostScript)),
    (
        Need::PostScript,
        Stage::Report(Progress::PostScriptComplete),
    ),
    (Need::Nothing, Stage::Report(Progress::BootstrapComplete)),
    (Need::Nothing, Stage::End(End::Complete)),
];
