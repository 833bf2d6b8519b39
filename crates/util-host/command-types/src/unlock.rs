//! Debug unlock in production.

use crate::command::{Command, CommandResponse, CommonResponse, Done, answer, fixed, message};
use crate::error::CommandError;
use crate::id::CaliptraCommandId;
use crate::wire::Writer;

/// Caliptra's own code for the token, over which the token's inner checksum runs ("PDUT").
pub const CORE_TOKEN_COMMAND: u32 = 0x5044_5554;

message! {
    /// Asks for a challenge.
    ProdDebugUnlockReqRequest {
        /// Length of the message in words of 4 octets: 2.
        length: u32,
        /// The level, 1 to 8.
        unlock_level: u8,
        /// Zero.
        reserved: [u8; 3],
    }
}
fixed!(
    ProdDebugUnlockReqRequest,
    ProdDebugUnlockReq,
    ProdDebugUnlockReqResponse
);

impl ProdDebugUnlockReqRequest {
    /// A request for a level.
    ///
    /// # Errors
    /// When the level is not from 1 to 8.
    pub const fn new(unlock_level: u8) -> Result<Self, CommandError> {
        if unlock_level == 0 || unlock_level > 8 {
            return Err(CommandError::InvalidRequest(
                "the unlock level goes from 1 to 8",
            ));
        }
        Ok(Self {
            length: 2,
            unlock_level,
            reserved: [0; 3],
        })
    }
}

message! {
    /// A challenge.
    ProdDebugUnlockReqResponse {
        /// What each answer begins with.
        common: CommonResponse,
        /// Length of the message in words of 4 octets.
        length: u32,
        /// Which device it is.
        unique_device_identifier: [u8; 32],
        /// What has to be signed.
        challenge: [u8; 48],
    }
}
answer!(ProdDebugUnlockReqResponse);

/// Answers a challenge. The keys and signatures are in the hardware's order of octets.
#[derive(Clone, Copy, Debug)]
pub struct ProdDebugUnlockTokenRequest<'a> {
    /// Which device it is.
    pub unique_device_identifier: &'a [u8; 32],
    /// The level, 1 to 8.
    pub unlock_level: u8,
    /// The challenge.
    pub challenge: &'a [u8; 48],
    /// P-384 public key.
    pub ecc_public_key: &'a [u8; 96],
    /// ML-DSA-87 public key.
    pub mldsa_public_key: &'a [u8; 2592],
    /// P-384 signature.
    pub ecc_signature: &'a [u8; 96],
    /// ML-DSA-87 signature of 4627 octets and a zero.
    pub mldsa_signature: &'a [u8; 4628],
}

impl ProdDebugUnlockTokenRequest<'_> {
    /// Octets after the mailbox checksum.
    pub const WIRE_SIZE: usize = 4 + 32 + 4 + 48 + 96 + 2592 + 96 + 4628;
}

impl Command for ProdDebugUnlockTokenRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::ProdDebugUnlockToken;
    type Response<'r> = Done;

    /// The mailbox checksum in front is not a part of the payload; the message behind it is.
    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        if self.unlock_level == 0 || self.unlock_level > 8 {
            return Err(CommandError::InvalidRequest(
                "the unlock level goes from 1 to 8",
            ));
        }
        let words =
            u32::try_from(Self::WIRE_SIZE / 4).map_err(|_| CommandError::SerializationError)?;
        out.u32(words)?;
        out.bytes(self.unique_device_identifier)?;
        out.bytes(&[self.unlock_level, 0, 0, 0])?;
        out.bytes(self.challenge)?;
        out.bytes(self.ecc_public_key)?;
        out.bytes(self.mldsa_public_key)?;
        out.bytes(self.ecc_signature)?;
        out.bytes(self.mldsa_signature)
    }

    fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
        Done::from_bytes(response)
    }
}
