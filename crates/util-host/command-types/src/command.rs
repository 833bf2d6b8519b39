//! What a command is: a number, a request that encodes itself, and an answer that is decoded.

use crate::error::CommandError;
use crate::id::CaliptraCommandId;
use crate::wire::{Field, Reader, Writer};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A request, with or without borrowed data, and how its answer is read.
pub trait Command {
    /// The command's number inside the host library.
    const ID: CaliptraCommandId;

    /// The answer; it may borrow from the answer's octets.
    type Response<'r>;

    /// Writes the request's payload.
    ///
    /// # Errors
    /// When a field is out of its range, or the buffer too small.
    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError>;

    /// Reads the answer's payload, from `fips_status` on.
    ///
    /// # Errors
    /// When the octets are not an answer to this command.
    fn decode<'r>(&self, response: &'r [u8]) -> Result<Self::Response<'r>, CommandError>;

    /// Checks whether two answers can follow from the same request, that is, whether the request may be sent again when
    /// no answer came.
    fn is_idempotent(&self) -> bool {
        Self::ID.is_idempotent()
    }
}

/// A request of fixed size without borrowed data.
pub trait CommandRequest: IntoBytes + FromBytes + Immutable + Sized {
    /// The answer.
    type Response: CommandResponse;
    /// The command's number.
    const COMMAND_ID: CaliptraCommandId;

    /// Reads the request from its payload, as a device does.
    ///
    /// # Errors
    /// When the length is not that of the request.
    fn from_bytes(data: &[u8]) -> Result<Self, CommandError>;

    /// Writes the request's payload and gives its length in octets.
    ///
    /// # Errors
    /// [`CommandError::BufferTooSmall`] with the length needed.
    fn to_bytes(&self, buffer: &mut [u8]) -> Result<usize, CommandError>;
}

/// An answer that owns its data.
pub trait CommandResponse: Sized {
    /// Reads the answer from its payload, from `fips_status` on.
    ///
    /// # Errors
    /// When the octets are not such an answer.
    fn from_bytes(data: &[u8]) -> Result<Self, CommandError>;
}

/// What each answer begins with.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, IntoBytes, FromBytes, Immutable)]
pub struct CommonResponse {
    /// 0 when the module is in an approved state; `USRD` after a verification over a digest that the caller supplied.
    pub fips_status: u32,
}

impl Field for CommonResponse {
    const SIZE: usize = 4;

    fn put(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.u32(self.fips_status)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, CommandError> {
        let fips_status = from.fips_status()?;
        Ok(Self { fips_status })
    }
}

/// The answer of a command that gives nothing back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// What each answer begins with.
    pub common: CommonResponse,
}

impl CommandResponse for Done {
    fn from_bytes(data: &[u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(data);
        let common = CommonResponse::take(&mut reader)?;
        reader.finish()?;
        Ok(Self { common })
    }
}

/// An answer of `fips_status`, a length and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'r> {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// The data.
    pub data: &'r [u8],
}

impl<'r> Data<'r> {
    /// Reads the answer.
    ///
    /// # Errors
    /// When the length field does not fit the octets.
    pub fn parse(response: &'r [u8]) -> Result<Self, CommandError> {
        let mut reader = Reader::new(response);
        let common = CommonResponse::take(&mut reader)?;
        let data = reader.sized()?;
        reader.finish()?;
        Ok(Self { common, data })
    }
}

/// A request whose payload the caller built, for commands that have no type of their own here: device ownership transfer,
/// or those of a plugin. The answer is the payload as it came, from `fips_status` on.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// The payload, without checksum.
    pub payload: &'a [u8],
}

macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Debug, PartialEq, Eq, zerocopy::IntoBytes, zerocopy::FromBytes, zerocopy::Immutable)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $name {
            /// Octets on the wire.
            pub const WIRE_SIZE: usize = 0 $(+ <$type as $crate::wire::Field>::SIZE)*;

            /// Writes the message's fields.
            ///
            /// # Errors
            /// When the buffer is too small.
            #[allow(unused_variables, reason = "a message may have no field")]
            pub fn put(&self, out: &mut $crate::wire::Writer<'_>) -> Result<(), $crate::error::CommandError> {
                $($crate::wire::Field::put(&self.$field, out)?;)*
                Ok(())
            }

            /// Reads the message's fields.
            ///
            /// # Errors
            /// When there are too few octets, or more than three zeros too many.
            pub fn take(data: &[u8]) -> Result<Self, $crate::error::CommandError> {
                #[allow(unused_mut, reason = "a message may have no field")]
                let mut reader = $crate::wire::Reader::new(data);
                $(let $field = $crate::wire::Field::take(&mut reader)?;)*
                reader.finish()?;
                Ok(Self { $($field,)* })
            }
        }
    };
}

/// A request of fixed size whose answer is of fixed size.
macro_rules! fixed {
    ($request:ident, $id:ident, $response:ident) => {
        impl $crate::command::CommandRequest for $request {
            type Response = $response;
            const COMMAND_ID: $crate::CaliptraCommandId = $crate::CaliptraCommandId::$id;

            fn from_bytes(data: &[u8]) -> Result<Self, $crate::CommandError> {
                Self::take(data)
            }

            fn to_bytes(&self, buffer: &mut [u8]) -> Result<usize, $crate::CommandError> {
                let mut writer = $crate::wire::Writer::new(buffer);
                self.put(&mut writer)?;
                Ok(writer.len())
            }
        }

        impl $crate::command::Command for $request {
            const ID: $crate::CaliptraCommandId = $crate::CaliptraCommandId::$id;
            type Response<'r> = $response;

            fn encode(
                &self,
                out: &mut $crate::wire::Writer<'_>,
            ) -> Result<(), $crate::CommandError> {
                self.put(out)
            }

            fn decode(&self, response: &[u8]) -> Result<$response, $crate::CommandError> {
                <$response as $crate::command::CommandResponse>::from_bytes(response)
            }
        }
    };
}

/// An answer that consists of its fields and nothing else.
macro_rules! answer {
    ($response:ident) => {
        impl $crate::command::CommandResponse for $response {
            fn from_bytes(data: &[u8]) -> Result<Self, $crate::CommandError> {
                Self::take(data)
            }
        }
    };
}

/// A request of fixed size whose answer is a length and data.
macro_rules! fetches {
    ($request:ident, $id:ident) => {
        impl $crate::command::Command for $request {
            const ID: $crate::CaliptraCommandId = $crate::CaliptraCommandId::$id;
            type Response<'r> = $crate::command::Data<'r>;

            fn encode(
                &self,
                out: &mut $crate::wire::Writer<'_>,
            ) -> Result<(), $crate::CommandError> {
                self.put(out)
            }

            fn decode<'r>(
                &self,
                response: &'r [u8],
            ) -> Result<$crate::command::Data<'r>, $crate::CommandError> {
                $crate::command::Data::parse(response)
            }
        }
    };
}

pub(crate) use {answer, fetches, fixed, message};
