//! What secure zero-touch provisioning (RFC 8572) needs of a board, and what is known of it afterwards.

use crate::error::AppError;
use netboot_core::Instant;
use netboot_core::uri::Uri;
use netboot_sztp::{Agent, Config, End, Handling, Named, SztpError};
#[cfg(feature = "ldevid")]
use netboot_sztp::{LocalKey, local_certificate};

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

/// What a board remembers of its provisioning while it is off. A board without it is enabled at each boot.
pub trait Store {
    /// Whether bootstrap servers are asked (RFC 8572, section 5.1, step 1). A new board says `true`.
    fn is_enabled(&mut self) -> bool;

    /// Remembers whether bootstrap servers are asked at later boots; returns whether it is stored.
    fn set_enabled(&mut self, enabled: bool) -> bool;

    /// Keeps the certificate that the owner has issued for the board's own key (an LDevID, IEEE 802.1AR), in place of an earlier one; returns whether it is stored. It is a
    /// CMS message that carries the certificate and those above it, or the certificate alone, in DER.
    fn keep_certificate(&mut self, certificate: &[u8]) -> bool {
        let _ = certificate;
        false
    }
}

/// The board's own key, for which the owner issues a certificate.
#[cfg(feature = "ldevid")]
pub(crate) struct Local<'c> {
    pub key: &'c mut dyn LocalKey,
    /// Memory for a configuration.
    pub space: &'c mut [u8],
}

/// What a board needs to be provisioned: place it beside the boot application, and give it to
/// [`BootApp::use_provisioning`](crate::BootApp::use_provisioning).
pub struct Provisioning<'c> {
    pub(crate) agent: Agent<'c, 'c>,
    pub(crate) answers: &'c mut [u8],
    pub(crate) onboarding: Option<&'c mut dyn Onboarding>,
    pub(crate) store: Option<&'c mut dyn Store>,
    #[cfg(feature = "ldevid")]
    pub(crate) local: Option<Local<'c>>,
    /// Whether bootstrap servers are asked, unless nothing else may say what the board runs.
    pub(crate) is_enabled: bool,
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
    /// Whether the server that answered last has proved that it is trusted. `None` before the first answer.
    pub trusted_server: Option<bool>,
    /// Whether the owner has signed what that server sent.
    pub signed: bool,
    /// Number of servers that DHCP named.
    pub named_by_dhcp: u8,
    /// Number of questions that were asked so far.
    pub asked: u32,
    /// Rounds over all servers that failed.
    pub rounds: u32,
    /// The last error of an artifact or a server.
    pub error: Option<SztpError>,
    /// Whether a certificate of the board's own was stored.
    pub certified: bool,
    /// When the first server was looked for.
    pub started: Option<Instant>,
    /// When it ended, well or not.
    pub ended: Option<Instant>,
}

impl Status {
    const fn new() -> Self {
        Self {
            stage: Stage::Idle,
            trusted_server: None,
            signed: false,
            named_by_dhcp: 0,
            asked: 0,
            rounds: 0,
            error: None,
            certified: false,
            started: None,
            ended: None,
        }
    }
}

impl<'c> Provisioning<'c> {
    /// Makes what a board needs. `answers` holds an answer of a server ([`ANSWER`]), `servers` the list of servers ([`SERVERS`]).
    pub fn new(config: Config<'c>, answers: &'c mut [u8], servers: &'c mut [u8]) -> Self {
        Self {
            agent: Agent::new(config, servers),
            answers,
            onboarding: None,
            store: None,
            #[cfg(feature = "ldevid")]
            local: None,
            is_enabled: true,
            is_discovered: false,
            status: Status::new(),
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

    /// Has the owner asked for a certificate for the board's own `key` (RFC 9646), which [`Store::keep_certificate`] keeps. `space` holds the configuration in which it comes: a certificate
    /// and those above it take about 3 KiB there.
    #[cfg(feature = "ldevid")]
    pub fn use_local_key(&mut self, key: &'c mut dyn LocalKey, space: &'c mut [u8]) {
        self.agent.offer_request(key.algorithm());
        self.local = Some(Local { key, space });
    }

    /// Keeps the certificate for the board's own key that is in a configuration; whether it is stored. `Ok(None)`: there is no such key, or the configuration is of another kind.
    #[cfg(feature = "ldevid")]
    pub(crate) fn keep_certificate(
        &mut self,
        configuration: netboot_sztp::Text<'_>,
    ) -> Result<Option<bool>, SztpError> {
        let Some(Local { key, space }) = &mut self.local else {
            return Ok(None);
        };
        let len = configuration.base64(space);
        let Some(octets) = len.and_then(|len| space.get(..len)) else {
            return Ok(None);
        };
        let Some(certificate) = local_certificate(octets, *key)? else {
            return Ok(None);
        };
        let store = self.store.as_mut();
        let kept = store.is_some_and(|store| store.keep_certificate(&certificate));
        self.status.certified |= kept;
        Ok(Some(kept))
    }

    /// Has `store` remember what outlasts a boot.
    pub fn use_store(&mut self, store: &'c mut dyn Store) {
        self.is_enabled = store.is_enabled();
        self.store = Some(store);
    }

    /// Whether bootstrap servers are asked. A board that boots nothing but what they name asks them in any case.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// Says whether bootstrap servers are asked from now on; returns whether that outlasts this boot.
    #[cfg(feature = "script")]
    pub(crate) fn set_enabled(&mut self, enabled: bool) -> bool {
        self.is_enabled = enabled;
        let store = self.store.as_mut();
        store.is_some_and(|store| store.set_enabled(enabled))
    }

    /// Begins anew: servers are looked for, rounds and questions count from zero.
    #[cfg(feature = "script")]
    pub(crate) fn begin(&mut self) {
        self.agent.begin();
        self.is_discovered = false;
        self.status = Status::new();
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
