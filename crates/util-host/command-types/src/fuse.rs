//! Fuses, and commands that need an authorization.

use crate::command::{Command, CommandResponse, CommonResponse, Done, answer, fixed, message};
use crate::error::CommandError;
use crate::id::CaliptraCommandId;
use crate::wire::{Field, Reader, Writer};

message! {
    /// Reads a fuse.
    FuseReadRequest {
        /// Partition.
        partition: u32,
        /// Entry of the partition.
        entry: u32,
    }
}

/// The value of a fuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FuseValue<'r> {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// How many bits are valid.
    pub bits: u32,
    /// The bits, rounded up to whole octets.
    pub data: &'r [u8],
}

impl Command for FuseReadRequest {
    const ID: CaliptraCommandId = CaliptraCommandId::FuseRead;
    type Response<'r> = FuseValue<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        self.put(out)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<FuseValue<'r>, CommandError> {
        let mut reader = Reader::new(response);
        let common = CommonResponse::take(&mut reader)?;
        let bits = reader.u32()?;
        let octets = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
        let data = reader.bytes(octets)?;
        reader.finish()?;
        Ok(FuseValue { common, bits, data })
    }
}

macro_rules! done {
    ($name:ident, $id:ident) => {
        impl Command for $name {
            const ID: CaliptraCommandId = CaliptraCommandId::$id;
            type Response<'r> = Done;

            fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
                self.put(out)
            }

            fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
                Done::from_bytes(response)
            }
        }
    };
}

message! {
    /// Writes bits of a fuse word. A fuse goes from 0 to 1 only.
    FuseWriteRequest {
        /// Address in words.
        word_addr: u32,
        /// The word.
        data: u32,
        /// The bits of it to write.
        mask: u32,
    }
}
done!(FuseWriteRequest, FuseWrite);

message! {
    /// Locks a partition. It takes full effect with the next reset.
    FuseLockRequest {
        /// Partition.
        partition: u32,
    }
}
done!(FuseLockRequest, FuseLock);

message! {
    /// Asks for a challenge that authorizes one command.
    GetAuthCmdChallengeRequest {
        /// Zero.
        flags: u32,
        /// Zero.
        reserved: u32,
    }
}
fixed!(
    GetAuthCmdChallengeRequest,
    GetAuthCmdChallenge,
    GetAuthCmdChallengeResponse
);

message! {
    /// A challenge for one use.
    GetAuthCmdChallengeResponse {
        /// What each answer begins with.
        common: CommonResponse,
        /// Zero.
        reserved: u32,
        /// What has to be signed.
        challenge: [u8; 48],
    }
}
answer!(GetAuthCmdChallengeResponse);

/// A command that provisions something, with the authorization that the device's policy asks for.
#[derive(Clone, Copy, Debug)]
pub struct ProvisionRequest<'a> {
    /// What to provision.
    pub what: Provision<'a>,
    /// The authorization that follows the command's fields; empty where the mailbox's own boundary is the authorization.
    pub authorization: &'a [u8],
}

/// What can be provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provision<'a> {
    /// The hash of the vendor's public keys.
    VendorPkHash {
        /// The slot.
        slot: u32,
        /// The hash.
        hash: &'a [u8; 48],
    },
    /// The hash of the owner's public keys.
    OwnerPkHash {
        /// The hash.
        hash: &'a [u8; 48],
    },
    /// Field entropy of a partition.
    FieldEntropy {
        /// The partition.
        partition: u32,
    },
    /// The least security version of a target.
    MinSvn {
        /// 0 Caliptra's runtime, 1 the SoC manifest.
        target: u32,
        /// The version, 1 to 128.
        svn: u32,
    },
    /// The revocation of a vendor's public key.
    RevokeVendorPubKey {
        /// The slot.
        slot: u32,
        /// 0 ECDSA P-384, 1 LMS, 2 ML-DSA-87.
        key_type: u32,
        /// The key.
        key_index: u32,
    },
    /// The revocation of a hash of the vendor's public keys.
    RevokeVendorPkHash {
        /// The slot.
        slot: u32,
    },
}

impl Provision<'_> {
    /// The command that provisions it.
    pub const fn id(&self) -> CaliptraCommandId {
        match self {
            Self::VendorPkHash { .. } => CaliptraCommandId::ProvisionVendorPkHash,
            Self::OwnerPkHash { .. } => CaliptraCommandId::ProvisionOwnerPkHash,
            Self::FieldEntropy { .. } => CaliptraCommandId::FeProg,
            Self::MinSvn { .. } => CaliptraCommandId::FuseIncreaseMinSvn,
            Self::RevokeVendorPubKey { .. } => CaliptraCommandId::FuseRevokeVendorPubKey,
            Self::RevokeVendorPkHash { .. } => CaliptraCommandId::FuseRevokeVendorPkHash,
        }
    }
}

impl ProvisionRequest<'_> {
    /// Writes the payload of the command [`Provision::id`].
    ///
    /// # Errors
    /// When a field is out of its range or the buffer too small.
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        match self.what {
            Provision::VendorPkHash { slot, hash } => {
                out.u32(slot)?;
                out.bytes(hash)?;
            }
            Provision::OwnerPkHash { hash } => out.bytes(hash)?,
            Provision::FieldEntropy { partition } => out.u32(partition)?,
            Provision::MinSvn { target, svn } => {
                if !(1..=128).contains(&svn) {
                    return Err(CommandError::InvalidRequest(
                        "a security version goes from 1 to 128",
                    ));
                }
                out.u32(0)?;
                out.u32(target)?;
                out.u32(svn)?;
            }
            Provision::RevokeVendorPubKey {
                slot,
                key_type,
                key_index,
            } => {
                out.u32(0)?;
                out.u32(slot)?;
                out.u32(key_type)?;
                out.u32(key_index)?;
            }
            Provision::RevokeVendorPkHash { slot } => out.u32(slot)?,
        }
        out.bytes(self.authorization)
    }
}
