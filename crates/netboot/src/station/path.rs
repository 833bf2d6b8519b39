//! The way to the servers: how long packets may be, and what is tried when it may have changed.

use super::station::{Station, present};
use crate::board::Board;
use crate::error::NetError;
use log::warn;
#[cfg(feature = "http")]
use netboot_core::Duration;
use netboot_core::Platform;
use rand_core::RngCore;

/// Least MTU of a network that carries IPv4 (RFC 791).
const LEAST_MTU: u16 = 576;
/// MTUs that are tried where the path's is not known: that of tunnels in tunnels, with TFTP blocks of 1,024 octets, and the least.
const SHORTER: [u16; 2] = [1056, LEAST_MTU];

impl<B: Board> Station<'_, B> {
    /// Sets the octets of the longest IP packet that the network has told: the least of what the families were told.
    pub(super) fn follow_mtu(&mut self) {
        let told = present(&self.source, &self.lease).and_then(|config| config.mtu);
        #[cfg(feature = "ipv6")]
        let told = match (told, self.ipv6.config().and_then(|config| config.mtu)) {
            (Some(ipv4), Some(ipv6)) => Some(ipv4.min(ipv6)),
            (ipv4, ipv6) => ipv4.or(ipv6),
        };
        self.set_mtu(told);
    }

    /// Sets the octets of the longest IP packet, as the network told it. No network that carries IPv4 takes less than 576 octets
    /// (RFC 791), whatever somebody tells.
    #[inline(never)]
    pub(super) fn set_mtu(&mut self, told: Option<u16>) {
        let mtu = told.map_or(u16::MAX, |mtu| mtu.max(LEAST_MTU));
        let (now, seed) = (self.platform.now(), self.platform.rng().next_u64());
        self.stack.set_mtu(mtu, seed, now);
        self.stack.link.fragments = 0;
        self.shortened = false;
    }

    /// After an error that looks as if the server's packets were longer than the path takes: asks for shorter ones from now on.
    /// `false` when that is no such error, or nothing shorter is left to ask for.
    #[inline(never)]
    pub(crate) fn shorten_packets(&mut self) -> bool {
        let suspect =
            cfg!(feature = "robust") && self.error().is_some_and(NetError::may_be_too_long);
        let now = self.stack.mtu();
        let Some(mtu) = SHORTER.into_iter().find(|mtu| *mtu < now && suspect) else {
            return false;
        };
        warn!("the path may take no long packets: {mtu} octets from now on");
        self.set_mtu(Some(mtu));
        self.shortened = true;
        true
    }

    /// Prepares for a way that may have changed: neighbours are asked for anew, and the next router of the
    /// family that failed is tried.
    pub(crate) fn suspect_path(&mut self) {
        self.stack.link.egress.forget();
        #[cfg(feature = "ipv6")]
        if self.peer_is_ipv6 {
            self.ipv6.suspect_path(&mut self.stack);
            return;
        }
        if let Some(config) = present(&self.source, &self.lease) {
            self.addressing.suspect_path(&mut self.stack, config);
        }
    }

    /// Time for a connection to one address, where one address has `most`. Of a name's many addresses each has little at first, so that a family
    /// that leads nowhere costs little (RFC 8305, section 5), and twice as much in each further round.
    #[cfg(all(feature = "http", feature = "dns", feature = "ipv6"))]
    pub(crate) fn connect_patience(&self, most: Duration) -> Duration {
        match self.options.families.are_both() {
            true => self.names.patience(most),
            false => most,
        }
    }

    /// Time for a connection to one address.
    #[cfg(all(feature = "http", not(all(feature = "dns", feature = "ipv6"))))]
    #[inline(always)]
    pub(crate) fn connect_patience(&self, most: Duration) -> Duration {
        most
    }
}
