//! An address of IPv6 that somebody has set by hand, with the routers that were set or that the link tells.

use super::ipv6::ByHand;
use super::station::{Internal, Station};
use super::step::Step;
use crate::board::Board;
use crate::error::NetError;
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::net::{NetworkConfig, is_host_v6};
use netboot_core::{Instant, Platform};
use netboot_ipxe::DhcpGoal;
use netboot_ndp::address::PREFIX_LEN;

impl<B: Board> Station<'_, B> {
    /// Sets IPv6 up by hand. An address of IPv4 that was set by hand before stays; a lease is given up. Where the configuration names no router,
    /// the routers of the link are waited for until it is clear that there are none, 4 s at most.
    ///
    /// # Errors
    /// [`NetError::AddressFamily`] when the station does not speak IPv6, [`NetError::BadAddress`] for an address that is no host's, for one that
    /// is valid on the link only, for a prefix of another length than 64, and for an address that another station uses; [`NetError::Deadline`].
    #[inline(never)]
    pub(crate) fn configure_ipv6(&mut self, config: &NetworkConfig) -> Internal {
        let IpAddr::V6(address) = config.address else {
            return Err(self.fail(NetError::AddressFamily));
        };
        if !self.options.families.has_ipv6() {
            return Err(self.fail(NetError::AddressFamily));
        }
        let usable = is_host_v6(address) && !address.is_unicast_link_local();
        if !usable || config.prefix_len != PREFIX_LEN {
            return Err(self.fail(NetError::BadAddress));
        }
        self.end_lease();
        self.start_ipv6_by_hand(address, config);
        let found = self.run(Instant::FAR_FUTURE, NetError::Deadline, |station, _| {
            if station.ipv6.has_failed() {
                return Err(station.fail(NetError::BadAddress));
            }
            Ok(match station.ipv6.is_set_by_hand() {
                true => Step::Done(()),
                false => Step::WAIT,
            })
        });
        if found.is_err() {
            self.end_ipv6();
        }
        found
    }

    /// Makes an address of IPv6 that is valid on the link, and asks nobody for another one.
    pub(super) fn start_ipv6_alone(&mut self) {
        self.ipv6.hand = Some(ByHand::new());
        self.start_ipv6(DhcpGoal::Address);
    }

    /// Takes this address of IPv6 into use, with what the configuration has around it.
    pub(super) fn start_ipv6_by_hand(&mut self, address: Ipv6Addr, config: &NetworkConfig) {
        let now = self.platform.now();
        self.ipv6.hand = Some(ByHand::set(address, config));
        self.start_ipv6(DhcpGoal::Address);
        self.ipv6.probe(now, address);
    }
}
