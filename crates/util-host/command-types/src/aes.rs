//! AES-256 in CBC and CTR. The device keeps no state: the context travels with each command.

use crate::command::{Command, CommonResponse};
use crate::error::CommandError;
use crate::hash::check_data;
use crate::id::CaliptraCommandId;
use crate::key::Cmk;
use crate::wire::{Field, Reader, Writer};

/// Octets of an operation's context.
pub const AES_CONTEXT_SIZE: usize = 156;

/// A mode of AES without authentication.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AesMode {
    /// Cipher block chaining: whole blocks of 16 octets only.
    Cbc = 1,
    /// Counter: any length.
    Ctr = 2,
}

impl AesMode {
    /// The mode of a number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Cbc),
            2 => Some(Self::Ctr),
            _ => None,
        }
    }

    fn check(self, data: &[u8]) -> Result<&[u8], CommandError> {
        if self == Self::Cbc && data.len() % 16 != 0 {
            return Err(CommandError::InvalidRequest(
                "CBC takes whole blocks of 16 octets",
            ));
        }
        not_empty(data)
    }
}

fn not_empty(data: &[u8]) -> Result<&[u8], CommandError> {
    if data.is_empty() {
        return Err(CommandError::InvalidRequest("there has to be data"));
    }
    check_data(data)
}

/// Starts an encryption.
#[derive(Clone, Copy, Debug)]
pub struct AesEncryptInitRequest<'a> {
    /// A key for AES.
    pub cmk: &'a Cmk,
    /// The mode.
    pub mode: AesMode,
    /// The first octets.
    pub plaintext: &'a [u8],
}

/// What starts an encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AesStarted<'r> {
    /// For the next command.
    pub context: [u8; AES_CONTEXT_SIZE],
    /// The initialization vector that the device chose.
    pub iv: [u8; 16],
    /// The ciphertext.
    pub data: &'r [u8],
}

impl Command for AesEncryptInitRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesInit;
    type Response<'r> = AesStarted<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.cmk)?;
        out.u32(self.mode as u32)?;
        out.sized(self.mode.check(self.plaintext)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<AesStarted<'r>, CommandError> {
        let mut reader = Reader::new(response);
        CommonResponse::take(&mut reader)?;
        let (context, iv, data) = (reader.array()?, reader.array()?, reader.sized()?);
        reader.finish()?;
        Ok(AesStarted { context, iv, data })
    }
}

/// Starts a decryption.
#[derive(Clone, Copy, Debug)]
pub struct AesDecryptInitRequest<'a> {
    /// A key for AES.
    pub cmk: &'a Cmk,
    /// The mode.
    pub mode: AesMode,
    /// The initialization vector of the encryption.
    pub iv: &'a [u8; 16],
    /// The first octets.
    pub ciphertext: &'a [u8],
}

/// What continues an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AesContinued<'r> {
    /// For the next command.
    pub context: [u8; AES_CONTEXT_SIZE],
    /// The output.
    pub data: &'r [u8],
}

impl<'r> AesContinued<'r> {
    fn parse(response: &'r [u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(response);
        CommonResponse::take(&mut reader)?;
        let (context, data) = (reader.array()?, reader.sized()?);
        reader.finish()?;
        Ok(Self { context, data })
    }
}

impl Command for AesDecryptInitRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesDecryptInit;
    type Response<'r> = AesContinued<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.cmk)?;
        out.u32(self.mode as u32)?;
        out.bytes(self.iv)?;
        out.sized(self.mode.check(self.ciphertext)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<AesContinued<'r>, CommandError> {
        AesContinued::parse(response)
    }
}

/// Continues an encryption.
#[derive(Clone, Copy, Debug)]
pub struct AesEncryptUpdateRequest<'a> {
    /// The context that the last command gave.
    pub context: &'a [u8; AES_CONTEXT_SIZE],
    /// The next octets.
    pub plaintext: &'a [u8],
}

impl Command for AesEncryptUpdateRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesUpdate;
    type Response<'r> = AesContinued<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.context)?;
        out.sized(not_empty(self.plaintext)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<AesContinued<'r>, CommandError> {
        AesContinued::parse(response)
    }
}

/// Continues a decryption.
#[derive(Clone, Copy, Debug)]
pub struct AesDecryptUpdateRequest<'a> {
    /// The context that the last command gave.
    pub context: &'a [u8; AES_CONTEXT_SIZE],
    /// The next octets.
    pub ciphertext: &'a [u8],
}

impl Command for AesDecryptUpdateRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesDecryptUpdate;
    type Response<'r> = AesContinued<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.context)?;
        out.sized(not_empty(self.ciphertext)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<AesContinued<'r>, CommandError> {
        AesContinued::parse(response)
    }
}
