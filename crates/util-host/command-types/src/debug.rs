//! Debugging: echo, status, and the log.

use crate::command::{
    Command, CommandResponse, CommonResponse, Data, Done, answer, fixed, message,
};
use crate::error::CommandError;
use crate::hash::check_data;
use crate::id::CaliptraCommandId;
use crate::wire::{Field, Reader, Writer};

/// Asks for what is sent.
#[derive(Clone, Copy, Debug)]
pub struct DebugEchoRequest<'a> {
    /// What comes back.
    pub data: &'a [u8],
}

impl Command for DebugEchoRequest<'_> {
    const ID: CaliptraCommandId = CaliptraCommandId::DebugEcho;
    type Response<'r> = Data<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        out.sized(check_data(self.data)?)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<Data<'r>, CommandError> {
        let echo = Data::parse(response)?;
        if echo.data != self.data {
            return Err(CommandError::InvalidResponse(
                "the echo is not what was sent",
            ));
        }
        Ok(echo)
    }
}

message! {
    /// Asks for the device's status.
    DebugGetStatusRequest {}
}
fixed!(
    DebugGetStatusRequest,
    DebugGetStatus,
    DebugGetStatusResponse
);

message! {
    /// The device's status.
    DebugGetStatusResponse {
        /// What each answer begins with.
        common: CommonResponse,
        /// Bits that the transport's owner defines.
        status: u32,
    }
}
answer!(DebugGetStatusResponse);

message! {
    /// Drains a part of the log.
    DebugGetLogRequest {}
}

/// A part of the log: whole defmt frames, encoded as rzCOBS, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPart<'r> {
    /// What each answer begins with.
    pub common: CommonResponse,
    /// Whether there is more.
    pub more: bool,
    /// The frames.
    pub data: &'r [u8],
}

impl Command for DebugGetLogRequest {
    const ID: CaliptraCommandId = CaliptraCommandId::DebugGetLog;
    type Response<'r> = LogPart<'r>;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        self.put(out)
    }

    fn decode<'r>(&self, response: &'r [u8]) -> Result<LogPart<'r>, CommandError> {
        let mut reader = Reader::new(response);
        let common = CommonResponse::take(&mut reader)?;
        let body = reader.sized()?;
        reader.finish()?;
        let mut body = Reader::new(body);
        let more = match body.u32()? {
            0 => false,
            1 => true,
            _ => {
                return Err(CommandError::InvalidResponse(
                    "more_data is neither 0 nor 1",
                ));
            }
        };
        let data = body.rest();
        Ok(LogPart { common, more, data })
    }
}

message! {
    /// Clears the log.
    DebugClearLogRequest {}
}

impl Command for DebugClearLogRequest {
    const ID: CaliptraCommandId = CaliptraCommandId::DebugClearLog;
    type Response<'r> = Done;

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), CommandError> {
        self.put(out)
    }

    fn decode(&self, response: &[u8]) -> Result<Done, CommandError> {
        Done::from_bytes(response)
    }
}
