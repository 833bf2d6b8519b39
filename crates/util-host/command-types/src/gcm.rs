//! AES-256-GCM. The device keeps no state: the context travels with each command.

use crate::command::{Command, CommonResponse};
use crate::error::CommandError;
use crate::hash::{check_data, status_and};
use crate::id::CaliptraCommandId;
use crate::key::Cmk;
use crate::wire::{Field, Reader, Writer};

/// Octets of an operation's context.
pub const AES_GCM_CONTEXT_SIZE: usize = 128;
/// Octets that one command may give back beyond those that went in.
pub const GCM_OVERHANG: usize = 16;

type Context = [u8; AES_GCM_CONTEXT_SIZE];

/// Starts an encryption.
#[derive(Clone, Copy, Debug)]
pub struct AesGcmEncryptInitRequest<'a> {
    /// A key for AES.
    pub cmk: &'a Cmk,
    /// Additional data that is authenticated and not encrypted.
    pub aad: &'a [u8],
}

/// What starts an encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcmStarted {
    /// For the next command.
    pub context: Context,
    /// The initialization vector that the device chose.
    pub iv: [u8; 12],
}

impl Command for AesGcmEncryptInitRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesGcmEncryptInit;
    type Response<'r> = GcmStarted;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.u32(0)?;
        out.bytes(self.cmk)?;
        out.sized(check_data(self.aad)?)
    }

    fn decode(&self, response: &[u8]) -> Result<GcmStarted, CommandError> {
        let mut reader = Reader::new(response);
        CommonResponse::take(&mut reader)?;
        let (context, iv) = (reader.array()?, reader.array()?);
        reader.finish()?;
        Ok(GcmStarted { context, iv })
    }
}

/// Starts a decryption.
#[derive(Clone, Copy, Debug)]
pub struct AesGcmDecryptInitRequest<'a> {
    /// A key for AES.
    pub cmk: &'a Cmk,
    /// The initialization vector of the encryption.
    pub iv: &'a [u8; 12],
    /// The additional data of the encryption.
    pub aad: &'a [u8],
}

impl Command for AesGcmDecryptInitRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesGcmDecryptInit;
    type Response<'r> = Context;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.u32(0)?;
        out.bytes(self.cmk)?;
        out.bytes(self.iv)?;
        out.sized(check_data(self.aad)?)
    }

    fn decode(&self, response: &[u8]) -> Result<Context, CommandError> {
        status_and(response)
    }
}

/// What continues an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcmContinued<'r> {
    /// For the next command.
    pub context: Context,
    /// The output: whole blocks, so up to 15 octets may come with a later command.
    pub data: &'r [u8],
}

impl<'r> GcmContinued<'r> {
    fn parse(response: &'r [u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(response);
        CommonResponse::take(&mut reader)?;
        let (context, data) = (reader.array()?, reader.sized()?);
        reader.finish()?;
        Ok(Self { context, data })
    }
}

macro_rules! update {
    ($(#[$doc:meta])* $name:ident, $id:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<'a> {
            /// The context that the last command gave.
            pub context: &'a Context,
            /// The next octets; at least one.
            pub data: &'a [u8],
        }

        impl Command for $name<'_> {
            const ID: CaliptraCommandId = CaliptraCommandId::$id;
            type Response<'r> = GcmContinued<'r>;

            fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
                if self.data.is_empty() {
                    return Err(CommandError::InvalidRequest("there has to be data"));
                }
                out.bytes(self.context)?;
                out.sized(check_data(self.data)?)
            }

            fn decode<'r>(&self, response: &'r [u8]) -> Result<GcmContinued<'r>, CommandError> {
                GcmContinued::parse(response)
            }
        }
    };
}
update!(
    /// Continues an encryption.
    AesGcmEncryptUpdateRequest,
    AesGcmEncryptUpdate
);
update!(
    /// Continues a decryption. What it gives is not yet authenticated.
    AesGcmDecryptUpdateRequest,
    AesGcmDecryptUpdate
);

/// Ends an encryption.
#[derive(Clone, Copy, Debug)]
pub struct AesGcmEncryptFinalRequest<'a> {
    /// The context that the last command gave.
    pub context: &'a Context,
    /// The last octets; may be none.
    pub data: &'a [u8],
}

/// What ends an encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcmSealed<'r> {
    /// The authentication tag.
    pub tag: [u8; 16],
    /// The last ciphertext.
    pub data: &'r [u8],
}

impl Command for AesGcmEncryptFinalRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesGcmEncryptFinal;
    type Response<'r> = GcmSealed<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.context)?;
        out.sized(check_data(self.data)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<GcmSealed<'r>, CommandError> {
        let mut reader = Reader::new(response);
        CommonResponse::take(&mut reader)?;
        let (tag, data) = (reader.array()?, reader.sized()?);
        reader.finish()?;
        Ok(GcmSealed { tag, data })
    }
}

/// Ends a decryption.
#[derive(Clone, Copy, Debug)]
pub struct AesGcmDecryptFinalRequest<'a> {
    /// The context that the last command gave.
    pub context: &'a Context,
    /// The authentication tag.
    pub tag: &'a [u8; 16],
    /// The last octets; may be none.
    pub data: &'a [u8],
}

/// What ends a decryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcmOpened<'r> {
    /// Whether the tag was right. If not, nothing that the operation gave may be used.
    pub authentic: bool,
    /// The last plaintext.
    pub data: &'r [u8],
}

impl Command for AesGcmDecryptFinalRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::AesGcmDecryptFinal;
    type Response<'r> = GcmOpened<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.bytes(self.context)?;
        out.u32(16)?;
        out.bytes(self.tag)?;
        out.sized(check_data(self.data)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<GcmOpened<'r>, CommandError> {
        let mut reader = Reader::new(response);
        CommonResponse::take(&mut reader)?;
        let authentic = match reader.u32()? {
            0 => false,
            1 => true,
            _ => {
                return Err(CommandError::InvalidResponse(
                    "its tag field is neither 0 nor 1",
                ));
            }
        };
        let data = reader.sized()?;
        reader.finish()?;
        Ok(GcmOpened { authentic, data })
    }
}
