//! Decides which offer is kept (RFC 8415 section 18.2.9).
//!
//! An offer with boot information beats one without, because the board is here to boot. Among these the server's preference decides, and
//! among equals the first one wins, because its server is the fastest. A server that wants to be chosen at once beats all.

use super::lease::ServerId;
use core::net::Ipv6Addr;

/// The preference with which a server wants to be chosen at once.
pub(crate) const AT_ONCE: u8 = 255;

/// An offer of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub address: Ipv6Addr,
    pub server_id: ServerId,
    /// Where the offer came from.
    pub from: Ipv6Addr,
    /// How good the offer is, by [`rank`].
    pub rank: [u8; 3],
}

impl Offer {
    /// Makes an offer that has nothing in it yet.
    pub fn none() -> Self {
        Self {
            address: Ipv6Addr::UNSPECIFIED,
            server_id: ServerId::new(),
            from: Ipv6Addr::UNSPECIFIED,
            rank: [0; 3],
        }
    }
}

/// How good an offer is: the greater one is taken. `boots` says whether it has boot information.
pub(crate) fn rank(preference: u8, boots: bool) -> [u8; 3] {
    let urgent = preference == AT_ONCE;
    [urgent.into(), boots.into(), preference]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_then_boot_information_then_preference_then_the_first() {
        let from_the_worst = [
            rank(0, false),
            rank(254, false),
            rank(0, true),
            rank(254, true),
            rank(255, false),
            rank(255, true),
        ];
        assert!(from_the_worst.is_sorted_by(|worse, better| worse < better));
    }
}
