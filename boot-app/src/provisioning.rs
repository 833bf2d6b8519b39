//! What secure zero-touch provisioning (RFC 8572) needs of a board, and what is known of it afterwards.

use crate::error::AppError;
use netboot_core::uri::Uri;
use netboot_sztp::{Agent, Config, End, Handling, Named, SztpError};

/// Octets of an answer with signed data, small scripts and a small configuration (RFC 8572, section 3): vouchers and certificates are about 6 KiB of it.
pub const ANSWER: usize = 16 * 1024;
/// Octets for names and trust anchors of servers.
pub const SERVERS: usize = 4 * 1024;

/// Carries out what an owner demands beside the boot image. A board whose image does all that has no need for it.
pub trait Onboarding {
    /// Keeps the configuration, wholly or not at all; says whether that was possible. `encoded` is base64, as it came.
    fn configure(&mut self, encoded: netboot_sztp::Text<'_>, handling: Handling) -> bool {
        let _ = (encoded, handling);
        false
    }

    /// Runs the script before the configuration, or with `after` the one behind it; says whether it ended well. `encoded` is base64, as it came.
    fn script(&mut self, encoded: netboot_sztp::Text<'_>, after: bool) -> bool {
        let _ = (encoded, after);
        false
    }
}

/// What a board needs to be provisioned: place it beside the boot application, and give it to
/// [`BootApp::use_provisioning`](crate::BootApp::use_provisioning).
pub struct Provisioning<'c> {
    pub(crate) agent: Agent<'c, 'c>,
    pub(crate) answers: &'c mut [u8],
    pub(crate) onboarding: Option<&'c mut dyn Onboarding>,
    /// Whether the servers that DHCP names were added.
    pub(crate) is_discovered: bool,
    pub(crate) status: Status,
}

/// How far provisioning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun.
    Idle,
    /// Bootstrap servers are asked.
    Asking,
    /// The boot image is being installed.
    Installing,
    /// It has ended well.
    Done(End),
    /// All servers have failed, and the boot went on without them or ended.
    Failed,
}

/// What is known of a provisioning, for whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// How far it is.
    pub stage: Stage,
    /// Whether the server whose demands were carried out has proved that it is trusted; `None` before that.
    pub trusted_server: Option<bool>,
    /// Number of servers that DHCP named.
    pub named_by_dhcp: u8,
    /// Number of questions that were asked so far.
    pub asked: u32,
    /// Rounds over all servers that failed.
    pub rounds: u32,
    /// The last error of an artifact or a server.
    pub error: Option<SztpError>,
}

impl<'c> Provisioning<'c> {
    /// Makes what a board needs. `answers` holds an answer of a server ([`ANSWER`]), `servers` the list of servers ([`SERVERS`]).
    pub fn new(config: Config<'c>, answers: &'c mut [u8], servers: &'c mut [u8]) -> Self {
        Self {
            agent: Agent::new(config, servers),
            answers,
            onboarding: None,
            is_discovered: false,
            status: Status {
                stage: Stage::Idle,
                trusted_server: None,
                named_by_dhcp: 0,
                asked: 0,
                rounds: 0,
                error: None,
            },
        }
    }

    /// Adds a bootstrap server that is asked before those that DHCP names, such as the manufacturer's own (RFC 8572, section 4.4).
    ///
    /// # Errors
    /// [`SztpError::TooManyServers`].
    pub fn add_server(&mut self, uri: &Uri) -> Result<(), SztpError> {
        self.agent.add_server(uri, Named::Configuration)
    }

    /// Has `onboarding` carry out configurations and scripts. Without it a demand for one of them fails.
    pub fn use_onboarding(&mut self, onboarding: &'c mut dyn Onboarding) {
        self.onboarding = Some(onboarding);
    }

    /// What is known so far.
    pub fn status(&self) -> Status {
        self.status
    }
}

impl<N> From<SztpError> for AppError<N> {
    fn from(error: SztpError) -> Self {
        AppError::Provisioning(error)
    }
}
