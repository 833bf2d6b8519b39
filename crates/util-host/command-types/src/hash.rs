//! SHA-2, in one command after the other. The device keeps no state: the context travels with each command.

use crate::command::{Command, CommonResponse, Data};
use crate::error::CommandError;
use crate::id::CaliptraCommandId;
use crate::wire::{Field, Reader, Writer};

/// Octets of a hash's context.
pub const SHA_CONTEXT_SIZE: usize = 200;
/// Most octets of data in one command.
pub const MAX_CRYPTO_DATA: usize = 4096;

/// A hash algorithm.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-384.
    Sha384 = 1,
    /// SHA-512.
    Sha512 = 2,
}

impl HashAlgorithm {
    /// The algorithm of a number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Sha384),
            2 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Octets of a digest.
    pub const fn digest_size(self) -> usize {
        match self {
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// Checks that `data` fits one command.
pub(crate) fn check_data(data: &[u8]) -> Result<&[u8], CommandError> {
    if data.len() > MAX_CRYPTO_DATA {
        return Err(CommandError::InvalidRequest(
            "one command takes at most 4096 octets of data",
        ));
    }
    Ok(data)
}

/// Reads `fips_status` and an array, and nothing else.
pub(crate) fn status_and<const N: usize>(response: &[u8]) -> Result<[u8; N], CommandError> {
    let mut reader = Reader::new(response);
    CommonResponse::take(&mut reader)?;
    let array = reader.array()?;
    reader.finish()?;
    Ok(array)
}

/// Starts a hash.
#[derive(Clone, Copy, Debug)]
pub struct HashInitRequest<'a> {
    /// The algorithm.
    pub algorithm: HashAlgorithm,
    /// The first octets, at most [`MAX_CRYPTO_DATA`].
    pub data: &'a [u8],
}

impl Command for HashInitRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::HashInit;
    type Response<'r> = [u8; SHA_CONTEXT_SIZE];

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.u32(self.algorithm as u32)?;
        out.sized(check_data(self.data)?)
    }

    fn decode(&self, response: &[u8]) -> Result<[u8; SHA_CONTEXT_SIZE], CommandError> {
        status_and(response)
    }
}

/// Continues a hash.
#[derive(Clone, Copy, Debug)]
pub struct HashUpdateRequest<'a> {
    /// The context that the last command gave.
    pub context: &'a [u8; SHA_CONTEXT_SIZE],
    /// The next octets, at most [`MAX_CRYPTO_DATA`].
    pub data: &'a [u8],
}

impl Command for HashUpdateRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::HashUpdate;
    type Response<'r> = [u8; SHA_CONTEXT_SIZE];

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.context)?;
        out.sized(check_data(self.data)?)
    }

    fn decode(&self, response: &[u8]) -> Result<[u8; SHA_CONTEXT_SIZE], CommandError> {
        status_and(response)
    }
}

/// Ends a hash.
#[derive(Clone, Copy, Debug)]
pub struct HashFinalizeRequest<'a> {
    /// The context that the last command gave.
    pub context: &'a [u8; SHA_CONTEXT_SIZE],
    /// The last octets, at most [`MAX_CRYPTO_DATA`]; may be none.
    pub data: &'a [u8],
}

impl Command for HashFinalizeRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::HashFinalize;
    type Response<'r> = Data<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.context)?;
        out.sized(check_data(self.data)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<Data<'r>, CommandError> {
        Data::parse(response)
    }
}
