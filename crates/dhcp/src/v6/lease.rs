//! The lease: an address, its times, and all that came with it.

use super::boot::{self, BootParams};
use super::config::DUID_MAX;
use super::ia::{Address, IdentityAssociation, Times, span};
use super::options::{Options, code};
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::net::{ConfigOrigin, NetworkConfig};
use netboot_core::{Duration, Instant};

/// The DUID of a server (option 2).
pub type ServerId = heapless::Vec<u8, DUID_MAX>;

/// Length of the prefix of a leased address. The message says nothing of the link's network, which the router advertisement tells.
const PREFIX_LEN: u8 = 128;
/// Time until information without an address is asked for again, unless the server says otherwise, in seconds (IRT_DEFAULT).
const REFRESH_DEFAULT: u32 = 86_400;
/// Least such time that counts, in seconds (IRT_MINIMUM).
const REFRESH_MINIMUM: u32 = 600;

/// Takes over an identifier whose length the client has checked.
#[inline(never)]
pub(crate) fn copy_id(to: &mut ServerId, id: &[u8]) {
    to.clear();
    let _ = to.extend_from_slice(id);
}

/// A lease and its parameters, or the parameters alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The client's address, the one that `config` has too. `None` after a stateless exchange: `config` then has `::`.
    pub address: Option<Ipv6Addr>,
    /// The identifier of the server.
    pub server_id: ServerId,
    /// Everything else that the server said of the network. It names no router and no prefix, which only router advertisements do.
    pub config: NetworkConfig,
    /// Parameters for the boot file.
    pub boot_params: BootParams,
    /// Time from [`obtained`](Self::obtained) for which new connections may use the address. [`Duration::MAX`] means for ever.
    pub preferred_lifetime: Duration,
    /// Time from [`obtained`](Self::obtained) for which the address may be used. [`Duration::MAX`] means for ever.
    pub valid_lifetime: Duration,
    /// Time from [`obtained`](Self::obtained) to the renewal (T1), or to the next Information-request.
    pub t1: Duration,
    /// Time from [`obtained`](Self::obtained) until any server is asked (T2).
    pub t2: Duration,
    /// When the client first sent the message that the server replied to.
    pub obtained: Instant,
}

impl Lease {
    /// Makes a lease that has nothing in it yet.
    fn empty() -> Self {
        Self {
            address: None,
            server_id: ServerId::new(),
            config: NetworkConfig::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), PREFIX_LEN),
            boot_params: BootParams::default(),
            preferred_lifetime: Duration::MAX,
            valid_lifetime: Duration::MAX,
            t1: Duration::MAX,
            t2: Duration::MAX,
            obtained: Instant::ZERO,
        }
    }

    /// Reads a Reply from `from` in place, with the address that was chosen of the association in it, if there is one. Boot information in the lease
    /// remains when the message has none.
    #[inline(never)]
    pub(crate) fn read(
        lease: &mut Option<Self>,
        options: &Options<'_>,
        given: Option<(&IdentityAssociation<'_>, &Address)>,
        from: Ipv6Addr,
        obtained: Instant,
    ) {
        let lease = lease.get_or_insert_with(Self::empty);
        let config = &mut lease.config;
        lease.obtained = obtained;
        lease.address = given.map(|(_, address)| address.address);
        let times = match given {
            Some((association, address)) => association.times(address),
            None => {
                let refresh = options.long(code::REFRESH_TIME);
                let refresh = span(refresh.unwrap_or(REFRESH_DEFAULT).max(REFRESH_MINIMUM));
                Times {
                    preferred: Duration::MAX,
                    valid: Duration::MAX,
                    t1: refresh,
                    t2: Duration::MAX,
                }
            }
        };
        lease.preferred_lifetime = times.preferred;
        lease.valid_lifetime = times.valid;
        lease.t1 = times.t1;
        lease.t2 = times.t2;
        config.address = IpAddr::V6(lease.address.unwrap_or(Ipv6Addr::UNSPECIFIED));
        config.lease_time = Some(times.valid).filter(|time| *time != Duration::MAX);
        config.origin = ConfigOrigin::Dhcp(IpAddr::V6(from));
        let id = options.find(code::SERVER_ID).unwrap_or_default();
        copy_id(&mut lease.server_id, id);
        options.read_dns(&mut config.dns);
        options.read_ntp(&mut config.ntp);
        let domains = options.find(code::DOMAIN_SEARCH).unwrap_or_default();
        netboot_core::text::read_domain(domains, &mut config.search);
        if !config.boot.is_known() || boot::is_known_in(options) {
            boot::read(&mut config.boot, &mut lease.boot_params, options, from);
        }
    }

    /// When the lease ends, unless it is renewed.
    pub fn expires_at(&self) -> Instant {
        self.obtained + self.valid_lifetime
    }

    /// When the server of the lease is asked for more time.
    pub(crate) fn renew_at(&self) -> Instant {
        self.obtained + self.t1
    }

    /// When any server is asked for more time.
    pub(crate) fn rebind_at(&self) -> Instant {
        self.obtained + self.t2
    }
}
