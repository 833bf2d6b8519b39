//! Keys of the cryptographic mailbox, message authentication codes and random numbers.
//!
//! A key lives outside of the device as a CMK: 128 octets that only the device can open.

use crate::command::{
    Command, CommandResponse, CommonResponse, Data, Done, answer, fetches, fixed, message,
};
use crate::error::CommandError;
use crate::hash::{HashAlgorithm, check_data};
use crate::id::CaliptraCommandId;
use crate::wire::Writer;

/// Octets of an encrypted key.
pub const CMK_SIZE: usize = 128;

/// A key that only the device can open.
pub type Cmk = [u8; CMK_SIZE];

/// What a key may be used for.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyUsage {
    /// Message authentication codes and key derivation; 48 or 64 octets.
    Hmac = 1,
    /// AES; 32 octets.
    Aes = 3,
    /// ECDSA with P-384; a seed of 48 octets.
    Ecdsa = 4,
    /// ML-DSA-87; a seed of 32 octets.
    Mldsa = 5,
}

impl KeyUsage {
    /// The usage of a number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Hmac),
            3 => Some(Self::Aes),
            4 => Some(Self::Ecdsa),
            5 => Some(Self::Mldsa),
            _ => None,
        }
    }

    /// Whether a key for this usage may have `size` octets.
    pub const fn allows(self, size: usize) -> bool {
        match self {
            Self::Hmac => size == 48 || size == 64,
            Self::Aes | Self::Mldsa => size == 32,
            Self::Ecdsa => size == 48,
        }
    }
}

message! {
    /// An answer that is a key.
    KeyResponse {
        /// What each answer begins with.
        common: CommonResponse,
        /// The key.
        cmk: Cmk,
    }
}
answer!(KeyResponse);

/// Imports a key.
#[derive(Clone, Copy, Debug)]
pub struct ImportRequest<'a> {
    /// What the key is for.
    pub usage: KeyUsage,
    /// The key.
    pub key: &'a [u8],
}

impl Command for ImportRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::Import;
    type Response<'r> = KeyResponse;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        if !self.usage.allows(self.key.len()) {
            return Err(CommandError::InvalidRequest(
                "the key's length does not fit its usage",
            ));
        }
        out.u32(self.usage as u32)?;
        out.sized(self.key)
    }

    fn decode(&self, response: &[u8]) -> Result<KeyResponse, CommandError> {
        KeyResponse::from_bytes(response)
    }
}

message! {
    /// Deletes a key.
    DeleteRequest {
        /// The key.
        cmk: Cmk,
    }
}

impl Command for DeleteRequest {
    const ID: CaliptraCommandId = CaliptraCommandId::Delete;
    type Response<'r> = Done;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        self.put(out)
    }

    fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
        Done::from_bytes(response)
    }
}

/// Computes a message authentication code, RFC 2104.
#[derive(Clone, Copy, Debug)]
pub struct HmacRequest<'a> {
    /// A key for [`KeyUsage::Hmac`].
    pub cmk: &'a Cmk,
    /// The hash.
    pub algorithm: HashAlgorithm,
    /// The message.
    pub data: &'a [u8],
}

impl Command for HmacRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::Hmac;
    type Response<'r> = Data<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.cmk)?;
        out.u32(self.algorithm as u32)?;
        out.sized(check_data(self.data)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<Data<'r>, CommandError> {
        Data::parse(response)
    }
}

/// Derives a key, SP 800-108 in counter mode.
#[derive(Clone, Copy, Debug)]
pub struct HmacKdfCounterRequest<'a> {
    /// A key for [`KeyUsage::Hmac`].
    pub cmk: &'a Cmk,
    /// The hash.
    pub algorithm: HashAlgorithm,
    /// What the derived key is for.
    pub usage: KeyUsage,
    /// Octets of the derived key.
    pub key_size: u32,
    /// The label.
    pub label: &'a [u8],
}

impl Command for HmacKdfCounterRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::HmacKdfCounter;
    type Response<'r> = KeyResponse;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        if !self
            .usage
            .allows(usize::try_from(self.key_size).unwrap_or(usize::MAX))
        {
            return Err(CommandError::InvalidRequest(
                "the key's length does not fit its usage",
            ));
        }
        out.bytes(self.cmk)?;
        out.u32(self.algorithm as u32)?;
        out.u32(self.usage as u32)?;
        out.u32(self.key_size)?;
        out.sized(check_data(self.label)?)
    }

    fn decode(&self, response: &[u8]) -> Result<KeyResponse, CommandError> {
        KeyResponse::from_bytes(response)
    }
}

message! {
    /// Asks for random octets.
    RandomGenerateRequest {
        /// How many, at most [`MAX_CRYPTO_DATA`](crate::MAX_CRYPTO_DATA).
        size: u32,
    }
}
fetches!(RandomGenerateRequest, RandomGenerate);

/// Adds entropy to the device's random number generator.
#[derive(Clone, Copy, Debug)]
pub struct RandomStirRequest<'a> {
    /// The entropy.
    pub data: &'a [u8],
}

impl Command for RandomStirRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::RandomStir;
    type Response<'r> = Done;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.sized(check_data(self.data)?)
    }

    fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
        Done::from_bytes(response)
    }
}

message! {
    /// Asks for the public key of a device key.
    EcdsaPublicKeyRequest {
        /// A key for [`KeyUsage::Ecdsa`].
        cmk: Cmk,
    }
}
fixed!(
    EcdsaPublicKeyRequest,
    EcdsaPublicKey,
    EcdsaPublicKeyResponse
);

/// A public key on P-384.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, zerocopy::FromBytes, zerocopy::Immutable)]
pub struct EcdsaPublicKeyResponse {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// X coordinate, big endian.
    pub x: [u8; 48],
    /// Y coordinate, big endian.
    pub y: [u8; 48],
}

impl CommandResponse for EcdsaPublicKeyResponse {
    fn from_bytes(data: &[u8]) -> Result<Self, CommandError> {
        let mut reader = crate::wire::Reader::new(data);
        let common = <CommonResponse as crate::wire::Field>::take(&mut reader)?;
        let (x, y) = (reader.array()?, reader.array()?);
        reader.finish()?;
        Ok(Self { common, x, y })
    }
}
