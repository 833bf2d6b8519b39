//! What members and learners store: their share, and what goes with it.

use super::error::{PackageFault, TrustQuorumError};
use super::extra::{EncryptedShares, NONCE_LEN, TAG_LEN};
use super::secret::SALT_LEN;
use super::share::{DigestSet, Share};
use super::{
    MEMBERS_MAX, RackSecret, SHARE_LEN, THRESHOLD_MAX, extra, own_share_x, shares_per_member,
    threshold,
};
use crate::{Baseboard, RackUuid};
use core::fmt;
use heapless::Vec;

/// Initial members of a rack, sorted.
pub type Members = Vec<Baseboard, MEMBERS_MAX, u8>;

/// What every holder of a share has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SharePkgCommon {
    /// Rack that the share belongs to.
    pub rack_uuid: RackUuid,
    /// Always 0 in scheme V0.
    pub epoch: u32,
    /// Number of shares that recover the rack secret.
    pub threshold: u8,
    /// The holder's share, in the clear.
    pub share: Share,
    /// Digests of all shares of the rack.
    pub share_digests: DigestSet,
}

impl SharePkgCommon {
    /// Checks what holds for every package: epoch, threshold, and that the share belongs to the rack.
    ///
    /// # Errors
    /// [`TrustQuorumError::BadPackage`] and [`TrustQuorumError::UnknownShare`].
    pub fn check(&self) -> Result<(), TrustQuorumError> {
        if self.epoch != 0 {
            return Err(TrustQuorumError::BadPackage(PackageFault::Epoch));
        }
        if self.threshold == 0 || usize::from(self.threshold) > THRESHOLD_MAX {
            return Err(TrustQuorumError::BadPackage(PackageFault::Threshold));
        }
        self.share_digests.check(&self.share)
    }
}

/// What an initial member stores.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SharePkg {
    /// The member's share, and what goes with every share.
    pub common: SharePkgCommon,
    /// All initial members of the rack, sorted.
    pub initial_membership: Members,
    /// Salt of the key of the extra shares; the same in all packages of a rack.
    pub salt: [u8; SALT_LEN],
    /// Nonce of the extra shares: 11 random octets, then the member's index.
    pub nonce: [u8; NONCE_LEN],
    /// The member's extra shares, encrypted under the rack secret, then the tag.
    pub encrypted_shares: EncryptedShares,
}

impl fmt::Debug for SharePkg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharePkg")
            .field("rack_uuid", &self.common.rack_uuid)
            .field("threshold", &self.common.threshold)
            .field("share", &self.common.share)
            .field("members", &self.initial_membership.len())
            .finish_non_exhaustive()
    }
}

impl SharePkg {
    /// Position of `id` among the initial members.
    pub fn member_index(&self, id: &Baseboard) -> Option<usize> {
        self.initial_membership.binary_search(id).ok()
    }

    /// Number of extra shares that the member can give to learners.
    pub fn extra_shares(&self) -> usize {
        shares_per_member(self.initial_membership.len()).saturating_sub(1)
    }

    /// Checks that the package is whole and meant for `own`, and that `from` may have sent it.
    ///
    /// # Errors
    /// [`TrustQuorumError::BadPackage`] and [`TrustQuorumError::UnknownShare`].
    pub fn check(&self, own: &Baseboard, from: &Baseboard) -> Result<(), TrustQuorumError> {
        let fault = |fault| Err(TrustQuorumError::BadPackage(fault));
        let members = self.initial_membership.len();
        if !self.initial_membership.is_sorted_by(|a, b| a < b) {
            return fault(PackageFault::Membership);
        }
        if usize::from(self.common.threshold) != threshold(members) {
            return fault(PackageFault::Threshold);
        }
        if self.member_index(from).is_none() {
            return fault(PackageFault::FromOutside);
        }
        let Some(index) = self.member_index(own) else {
            return fault(PackageFault::NotForThisBoard);
        };
        if own_share_x(index, members) != Some(self.common.share.x()) {
            return fault(PackageFault::WrongShare);
        }
        let length = self.extra_shares().saturating_mul(SHARE_LEN);
        if self.encrypted_shares.len() != length.saturating_add(TAG_LEN) {
            return fault(PackageFault::ExtraLength);
        }
        self.common.check()
    }

    /// Decrypts the extra share at `index` (from 0) for a learner, and checks that it belongs to the rack.
    ///
    /// # Errors
    /// [`TrustQuorumError::Decryption`] when `secret` is another rack's or there is no such share, and
    /// [`TrustQuorumError::UnknownShare`] when the share is none of the rack's.
    pub fn extra_share(
        &self,
        secret: &RackSecret,
        index: usize,
    ) -> Result<Share, TrustQuorumError> {
        let share = extra::decrypt_one(
            secret,
            &self.common.rack_uuid,
            &self.salt,
            &self.nonce,
            &self.encrypted_shares,
            index,
        )?;
        self.common.share_digests.check(&share)?;
        Ok(share)
    }
}

/// What a board stores that joined later. It can answer for its share and has no extra shares to give.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LearnedSharePkg {
    /// The learned share, and what goes with every share.
    pub common: SharePkgCommon,
}
