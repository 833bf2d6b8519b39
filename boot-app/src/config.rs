//! What an integrator may choose.

use crate::check::Expected;
use crate::policy::Policy;
use crate::sources::fixed::FixedSource;
use crate::sources::network::FileNames;
use crate::sources::policy::SourcePolicy;
use netboot_core::Duration;
use netboot_ipxe::NetworkConfig;

/// The choices of an integrator, borrowed for the time of a boot.
#[derive(Clone, Copy, Debug)]
pub struct AppConfig<'c> {
    /// How often and how long to try.
    pub policy: Policy,
    /// Which sources are used, in which order, and what they have to be.
    pub sources: SourcePolicy<'c>,
    /// The station's address, with routes and servers, in place of DHCP. `None` asks DHCP, and so does a build
    /// without the feature `board`.
    pub address: Option<&'c NetworkConfig>,
    /// File names for each recovery image index, beside the boot file that the network names.
    pub names: FileNames<'c>,
    /// Places that the integrator or the operator has fixed ([`Origin::Static`](crate::Origin::Static)).
    pub fixed: &'c [FixedSource<'c>],
    /// Places to fall back on ([`Origin::Default`](crate::Origin::Default)).
    pub defaults: &'c [FixedSource<'c>],
    /// What images have to be, by recovery image index, as far as it is known.
    pub expected: &'c [(u8, Expected)],
    /// How the bootstore is used.
    #[cfg(feature = "bootstore")]
    pub bootstore: crate::sources::bootstore::BootstoreConfig<'c>,
    /// Time between two looks at the device while there is nothing to do but wait for it.
    pub poll: Duration,
}

impl Default for AppConfig<'_> {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            sources: SourcePolicy::default(),
            address: None,
            names: FileNames::default(),
            fixed: &[],
            defaults: &[],
            expected: &[],
            #[cfg(feature = "bootstore")]
            bootstore: crate::sources::bootstore::BootstoreConfig::default(),
            poll: Duration::from_micros(500),
        }
    }
}
