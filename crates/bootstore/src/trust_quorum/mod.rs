//! The rack secret, its shares, and the packages that carry shares to the members.
//!
//! The rack secret is a Curve25519 scalar. Shamir's scheme over the scalar field splits it into
//! [`SHARES`] shares, of which [`threshold`] many give it back. Each initial member of a rack of *n* gets
//! `255 / n` consecutive shares: the first in the clear, the others encrypted under the rack secret, for
//! boards that join later.
//!
//! - [`secret`]: the rack secret, and keys that are derived from it.
//! - [`share`]: one share, and the digests by which a share is recognised.
//! - [`shamir`]: splitting and combining.
//! - [`package`]: what members and learners store.
//! - [`dealer`]: makes the packages of a new rack.
//! - [`extra`]: encryption of the extra shares.

pub mod dealer;
pub mod error;
pub mod extra;
pub mod package;
pub mod secret;
pub mod shamir;
pub mod share;

pub use dealer::Dealer;
pub use error::TrustQuorumError;
pub use package::{LearnedSharePkg, Members, SharePkg, SharePkgCommon};
pub use secret::RackSecret;
pub use share::{DigestSet, Share};

/// Greatest number of initial members of a rack.
pub const MEMBERS_MAX: usize = 32;
/// Number of shares that a rack secret is always split into.
pub const SHARES: usize = 255;
/// Greatest threshold: that of [`MEMBERS_MAX`] members.
pub const THRESHOLD_MAX: usize = MEMBERS_MAX / 2 + 1;
/// Octets of a share: x, then y.
pub const SHARE_LEN: usize = 33;
/// Greatest number of extra shares that one member keeps: those of a rack with one member.
pub const EXTRA_SHARES_MAX: usize = SHARES - 1;
/// Greatest number of octets of a member's encrypted extra shares.
pub const EXTRA_LEN_MAX: usize = EXTRA_SHARES_MAX * SHARE_LEN;

/// Number of shares that recover the secret of a rack of `members` initial members: `n / 2 + 1`.
pub const fn threshold(members: usize) -> usize {
    members / 2 + 1
}

/// Number of shares that each of `members` initial members gets; zero for an empty rack.
pub const fn shares_per_member(members: usize) -> usize {
    match SHARES.checked_div(members) {
        Some(shares) => shares,
        None => 0,
    }
}

/// The x of the share that the initial member at `index` (in sorted order) keeps in the clear.
///
/// Returns `None` when `index` is not below `members`, or there are more members than shares.
pub const fn own_share_x(index: usize, members: usize) -> Option<u8> {
    if index >= members || members > SHARES {
        return None;
    }
    // Below 255, as index < members.
    Some((index * shares_per_member(members)) as u8 + 1)
}

/// The initial member that share `x` was dealt to, and the position among its shares.
///
/// Position 0 is the member's own share; the others are its extra shares. Returns `None` for `x` 0 and
/// for the shares that are left over when 255 is not a multiple of `members`.
pub const fn holder_of(x: u8, members: usize) -> Option<(usize, usize)> {
    let per = shares_per_member(members);
    if x == 0 || per == 0 {
        return None;
    }
    let number = x as usize - 1;
    let index = number / per;
    if index < members {
        Some((index, number % per))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_share_has_at_most_one_holder() {
        for members in 1..=MEMBERS_MAX {
            let per = shares_per_member(members);
            let mut held = 0;
            for x in 0..=255u8 {
                if let Some((index, position)) = holder_of(x, members) {
                    held += 1;
                    assert!(position < per);
                    if position == 0 {
                        assert_eq!(own_share_x(index, members), Some(x));
                    }
                }
            }
            assert_eq!(held, members * per);
        }
        assert_eq!(own_share_x(3, 3), None);
        assert_eq!(holder_of(1, 0), None);
    }

    #[test]
    fn sizes_of_the_reference() {
        let extra = |members| shares_per_member(members) - 1;
        assert_eq!((extra(3), extra(16), extra(32)), (84, 14, 6));
        assert_eq!((threshold(3), threshold(16), threshold(1)), (2, 9, 1));
    }
}
