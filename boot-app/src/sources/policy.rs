//! The order of the sources, and what a candidate has to be.

use netboot_core::Duration;
use netboot_core::uri::{Scheme, Uri};

/// Where a candidate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// [`AppConfig::fixed`](crate::AppConfig::fixed): what the integrator or the operator has fixed.
    Static,
    /// A table of contents at the place that the network names.
    Toc,
    /// The file names beside the boot file that the network names. A station with a static address has such a place too, if its
    /// configuration names one.
    Dhcp,
    /// [`AppConfig::defaults`](crate::AppConfig::defaults): what is there to fall back on.
    Default,
    /// A script, be it the board's own or the boot file.
    #[cfg(feature = "script")]
    Script = 4,
    /// The boot servers of the bootstore's network configuration, which the board's own ledger or a node has. Its place in the order also says
    /// whether the bootstore or DHCP is asked first for an address; where neither [`Dhcp`](Self::Dhcp) nor [`Toc`](Self::Toc) nor a bootstrap server is listed,
    /// DHCP is not asked at all.
    #[cfg(feature = "bootstore")]
    Bootstore = 5,
    /// A bootstrap server (RFC 8572). It is asked before all other sources, wherever it stands in the order: what an owner says goes before what DHCP
    /// says. Where it stands alone, a board boots nothing else.
    #[cfg(feature = "sztp")]
    Sztp = 6,
}

impl Origin {
    /// One word for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Origin::Static => "static",
            Origin::Toc => "toc",
            Origin::Dhcp => "dhcp",
            Origin::Default => "default",
            #[cfg(feature = "script")]
            Origin::Script => "script",
            #[cfg(feature = "bootstore")]
            Origin::Bootstore => "bootstore",
            #[cfg(feature = "sztp")]
            Origin::Sztp => "sztp",
        }
    }
}

/// Which sources are used, in which order, and what they have to be.
#[derive(Clone, Copy, Debug)]
pub struct SourcePolicy<'c> {
    /// The sources in the order in which they are tried. A source that is not listed is never used.
    pub order: &'c [Origin],
    /// Whether every image, and the table of contents, must come by HTTPS. Whatever the network says, a place with another scheme
    /// is then refused, and so is a redirect to one.
    pub require_https: bool,
    /// Number of places of one image that are tried in one round; more are of no use after so many failures.
    pub attempts: u8,
    /// The protocols by which a server is asked, the preferred one first, when the network names a server and a file but no protocol (options 66 and 67
    /// without a URI). Empty for TFTP, which such options mean (RFC 2132). A build without the feature `negotiate` makes no use of it.
    pub protocols: &'c [Scheme],
    /// Time that a server has for its answer to such a question.
    pub probe_time: Duration,
}

impl SourcePolicy<'_> {
    /// Whether images may come from places that the network names.
    #[cfg(feature = "negotiate")]
    pub(crate) fn uses_network(&self) -> bool {
        let mut order = self.order.iter();
        order.any(|origin| matches!(origin, Origin::Toc | Origin::Dhcp))
    }

    /// Whether an image may come from `uri`.
    pub(crate) fn allows(&self, uri: &Uri) -> bool {
        !self.require_https || uri.scheme() == Scheme::Https
    }
}

/// The order of the sources unless the integrator says otherwise.
const ORDER: &[Origin] = &[
    #[cfg(feature = "sztp")]
    Origin::Sztp,
    Origin::Static,
    #[cfg(feature = "script")]
    Origin::Script,
    Origin::Toc,
    Origin::Dhcp,
    #[cfg(feature = "bootstore")]
    Origin::Bootstore,
    Origin::Default,
];

impl Default for SourcePolicy<'_> {
    fn default() -> Self {
        Self {
            order: ORDER,
            require_https: false,
            attempts: 3,
            protocols: &[],
            probe_time: Duration::from_secs(2),
        }
    }
}
