//! Makes the packages of a new rack.

use super::error::TrustQuorumError;
use super::extra::{EncryptedShares, NONCE_LEN};
use super::package::{Members, SharePkg, SharePkgCommon};
use super::secret::SALT_LEN;
use super::shamir::Polynomial;
use super::share::DigestSet;
use super::{MEMBERS_MAX, RackSecret, SHARES, extra, own_share_x, shares_per_member, threshold};
use crate::{Baseboard, RackUuid};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroize;

/// Knows the secret of a new rack and deals its packages, one at a time and always the same.
///
/// It lives in the coordinator's memory until all members have their packages, and is never stored. It
/// takes about 10 KiB, and a package that it makes as much again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dealer {
    polynomial: Polynomial,
    rack_uuid: RackUuid,
    members: Members,
    salt: [u8; SALT_LEN],
    nonce: [u8; NONCE_LEN],
    digests: DigestSet,
}

impl Dealer {
    /// Draws the secret of a rack with these members, which the function sorts.
    ///
    /// # Errors
    /// [`TrustQuorumError::NoMembers`], [`TrustQuorumError::TooManyMembers`] above [`MEMBERS_MAX`], and
    /// [`TrustQuorumError::DuplicateMember`].
    pub fn new(
        rack_uuid: RackUuid,
        members: &[Baseboard],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, TrustQuorumError> {
        if members.is_empty() {
            return Err(TrustQuorumError::NoMembers);
        }
        let too_many = TrustQuorumError::TooManyMembers {
            members: members.len(),
        };
        if members.len() > MEMBERS_MAX {
            return Err(too_many);
        }
        let mut members = Members::try_from(members).map_err(|_| too_many)?;
        members.sort_unstable();
        if !members.is_sorted_by(|a, b| a < b) {
            return Err(TrustQuorumError::DuplicateMember);
        }
        let secret = RackSecret::random(rng);
        let polynomial = Polynomial::random(&secret, threshold(members.len()), rng)?;
        let mut digests = [[0; 32]; SHARES];
        for (digest, x) in digests.iter_mut().zip(1..=u8::MAX) {
            *digest = polynomial.share(x)?.digest();
        }
        let (mut salt, mut nonce) = ([0; SALT_LEN], [0; NONCE_LEN]);
        rng.fill_bytes(&mut salt);
        rng.fill_bytes(&mut nonce);
        Ok(Self {
            polynomial,
            rack_uuid,
            members,
            salt,
            nonce,
            digests: DigestSet::new(digests),
        })
    }

    /// The initial members, sorted.
    pub const fn members(&self) -> &Members {
        &self.members
    }

    /// The secret of the new rack.
    pub fn secret(&self) -> RackSecret {
        self.polynomial.secret()
    }

    /// The package of the member at `index` in sorted order.
    ///
    /// # Errors
    /// [`TrustQuorumError::ZeroX`] when there is no member at `index`.
    pub fn package(&self, index: usize) -> Result<SharePkg, TrustQuorumError> {
        let members = self.members.len();
        let x = own_share_x(index, members).ok_or(TrustQuorumError::ZeroX)?;
        let mut nonce = self.nonce;
        if let Some(last) = nonce.last_mut() {
            // Members are at most 32.
            *last = index as u8;
        }
        let mut extras = EncryptedShares::new();
        for step in 1..shares_per_member(members) {
            // At most 255, as the member's shares are among the 255.
            let share = self.polynomial.share(x.saturating_add(step as u8))?;
            if extras.extend_from_slice(share.expose()).is_err() {
                extras.as_mut_slice().zeroize();
                return Err(TrustQuorumError::Buffer {
                    need: extra::ENCRYPTED_MAX,
                });
            }
        }
        extra::encrypt(
            &self.secret(),
            &self.rack_uuid,
            &self.salt,
            &nonce,
            &mut extras,
        )?;
        Ok(SharePkg {
            common: SharePkgCommon {
                rack_uuid: self.rack_uuid,
                epoch: 0,
                // At most 17.
                threshold: threshold(members) as u8,
                share: self.polynomial.share(x)?,
                share_digests: self.digests.clone(),
            },
            initial_membership: self.members.clone(),
            salt: self.salt,
            nonce,
            encrypted_shares: extras,
        })
    }
}
