//! ECDSA and ECDH on P-384.

use crate::command::{Command, CommandResponse, CommonResponse, Done, answer, fixed, message};
use crate::error::CommandError;
use crate::hash::check_data;
use crate::id::CaliptraCommandId;
use crate::key::{Cmk, KeyResponse, KeyUsage};
use crate::mailbox::FIPS_USER_DIGEST;
use crate::wire::{Reader, Writer};

/// Octets of the context of a Diffie-Hellman exchange.
pub const ECDH_CONTEXT_SIZE: usize = 76;

/// Signs the SHA-384 of a message.
#[derive(Clone, Copy, Debug)]
pub struct EcdsaSignRequest<'a> {
    /// A key for ECDSA.
    pub cmk: &'a Cmk,
    /// The message.
    pub message: &'a [u8],
}

message! {
    /// A signature, as two numbers of 48 octets, big endian.
    EcdsaSignResponse {
        /// What each answer begins with.
        common: CommonResponse,
        /// R.
        r: [u8; 48],
        /// S.
        s: [u8; 48],
    }
}
answer!(EcdsaSignResponse);

impl Command for EcdsaSignRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::EcdsaSign;
    type Response<'r> = EcdsaSignResponse;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.cmk)?;
        out.sized(check_data(self.message)?)
    }

    fn decode(&self, response: &[u8]) -> Result<EcdsaSignResponse, CommandError> {
        EcdsaSignResponse::from_bytes(response)
    }
}

/// Verifies a signature over the SHA-384 of a message. The device answers with success only if it is right.
#[derive(Clone, Copy, Debug)]
pub struct EcdsaVerifyRequest<'a> {
    /// A key for ECDSA.
    pub cmk: &'a Cmk,
    /// R.
    pub r: &'a [u8; 48],
    /// S.
    pub s: &'a [u8; 48],
    /// The message.
    pub message: &'a [u8],
}

impl Command for EcdsaVerifyRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::EcdsaVerify;
    type Response<'r> = Done;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.cmk)?;
        out.bytes(self.r)?;
        out.bytes(self.s)?;
        out.sized(check_data(self.message)?)
    }

    fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
        Done::from_bytes(response)
    }
}

message! {
    /// Verifies a signature over a digest with a public key. The device answers with success only if it is right, and with
    /// the `fips_status` "USRD", as it did not compute the digest.
    EcdsaVerifyDigestRequest {
        /// X coordinate of the public key.
        x: [u8; 48],
        /// Y coordinate of the public key.
        y: [u8; 48],
        /// R.
        r: [u8; 48],
        /// S.
        s: [u8; 48],
        /// The SHA-384.
        digest: [u8; 48],
    }
}

impl Command for EcdsaVerifyDigestRequest {
    const ID: CaliptraCommandId = CaliptraCommandId::EcdsaVerifyDigest;
    type Response<'r> = Done;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        self.put(out)
    }

    fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
        let mut reader = Reader::new(response);
        let fips_status = reader.u32()?;
        reader.finish()?;
        match fips_status {
            0 | FIPS_USER_DIGEST => Ok(Done {
                common: CommonResponse { fips_status },
            }),
            status => Err(CommandError::Fips { status }),
        }
    }
}

message! {
    /// First half of a Diffie-Hellman exchange.
    EcdhGenerateRequest {}
}
fixed!(EcdhGenerateRequest, EcdhDerive, EcdhGenerateResponse);

message! {
    /// The device's public point, and what it needs for the second half.
    EcdhGenerateResponse {
        /// What each answer begins with.
        common: CommonResponse,
        /// For the second half.
        context: [u8; ECDH_CONTEXT_SIZE],
        /// X and Y coordinate of the public point.
        exchange_data: [u8; 96],
    }
}
answer!(EcdhGenerateResponse);

/// Second half of a Diffie-Hellman exchange.
#[derive(Clone, Copy, Debug)]
pub struct EcdhFinishRequest<'a> {
    /// What the first half gave.
    pub context: &'a [u8; ECDH_CONTEXT_SIZE],
    /// What the shared secret is for.
    pub usage: KeyUsage,
    /// X and Y coordinate of the other side's public point.
    pub exchange_data: &'a [u8; 96],
}

impl Command for EcdhFinishRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::EcdhFinish;
    type Response<'r> = KeyResponse;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.context)?;
        out.u32(self.usage as u32)?;
        out.bytes(self.exchange_data)
    }

    fn decode(&self, response: &[u8]) -> Result<KeyResponse, CommandError> {
        KeyResponse::from_bytes(response)
    }
}
