//! What nodes say after they have identified themselves.

use super::cbor::{Reader, Writer};
use super::error::WireError;
use super::package::{read_learned, read_share, read_share_pkg, write_learned, write_share_pkg};
use crate::network_config::NetworkConfig;
use crate::schemes::v0::{Message, RemoteError, Request, Response};
use crate::{RackUuid, RequestId};

/// The content of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator to box the packages with"
)]
pub enum Msg {
    /// The connection is alive.
    Ping,
    /// A message of the trust quorum.
    Fsm(Message),
    /// The sender's network configuration.
    NetworkConfig(NetworkConfig),
}

impl Msg {
    /// Writes the content of the frame and returns its length.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, WireError> {
        match self {
            Self::Ping => encode_ping(buffer),
            Self::Fsm(message) => encode_message(message, buffer),
            Self::NetworkConfig(config) => encode_network_config(config, buffer),
        }
    }

    /// Reads the content of a frame.
    ///
    /// # Errors
    /// [`WireError`]
    pub fn decode(octets: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(octets);
        let msg = match reader.variant()? {
            ("Ping", false) => Self::Ping,
            ("Fsm", true) => Self::Fsm(read_message(&mut reader)?),
            ("NetworkConfig", true) => Self::NetworkConfig(read_network_config(&mut reader)?),
            _ => return Err(reader.unknown_variant()),
        };
        reader.end()?;
        Ok(msg)
    }
}

/// Writes a ping.
pub(crate) fn encode_ping(buffer: &mut [u8]) -> Result<usize, WireError> {
    let mut w = Writer::new(buffer);
    w.str("Ping")?;
    Ok(w.len())
}

/// Writes a network configuration.
pub(crate) fn encode_network_config(
    config: &NetworkConfig,
    buffer: &mut [u8],
) -> Result<usize, WireError> {
    let mut w = Writer::new(buffer);
    w.map(1)?.str("NetworkConfig")?.map(2)?;
    w.str("generation")?.uint(config.generation)?;
    w.str("blob")?.octets(&config.blob)?;
    Ok(w.len())
}

/// Writes a message of the trust quorum.
pub(crate) fn encode_message(message: &Message, buffer: &mut [u8]) -> Result<usize, WireError> {
    let mut w = Writer::new(buffer);
    w.map(1)?.str("Fsm")?.map(1)?;
    match message {
        Message::Request { id, request } => {
            w.str("Req")?.map(2)?.str("id")?.bytes(&id.0)?;
            w.str("type_")?;
            match request {
                Request::Init(pkg) => {
                    w.map(1)?.str("Init")?;
                    write_share_pkg(&mut w, pkg)?;
                }
                Request::GetShare { rack_uuid } => {
                    w.map(1)?.str("GetShare")?.map(1)?;
                    w.str("rack_uuid")?.bytes(&rack_uuid.0)?;
                }
                Request::Learn => {
                    w.str("Learn")?;
                }
            }
        }
        Message::Response {
            request_id,
            response,
        } => {
            w.str("Rsp")?
                .map(2)?
                .str("request_id")?
                .bytes(&request_id.0)?;
            w.str("type_")?;
            write_response(&mut w, response)?;
        }
    }
    Ok(w.len())
}

fn write_response(w: &mut Writer<'_>, response: &Response) -> Result<(), WireError> {
    match response {
        Response::InitAck => {
            w.str("InitAck")?;
        }
        Response::Share(share) => {
            w.map(1)?.str("Share")?.octets(share.expose())?;
        }
        Response::LearnPkg(pkg) => {
            w.map(1)?.str("LearnPkg")?;
            write_learned(w, pkg)?;
        }
        Response::Error(error) => {
            w.map(1)?.str("Error")?;
            match error {
                RemoteError::AlreadyInitialized => w.str("AlreadyInitialized")?,
                RemoteError::NotInitialized => w.str("NotInitialized")?,
                RemoteError::StillLearning => w.str("StillLearning")?,
                RemoteError::CannotSpareAShare => w.str("CannotSpareAShare")?,
                RemoteError::RackUuidMismatch { expected, got } => {
                    w.map(1)?.str("RackUuidMismatch")?.map(2)?;
                    w.str("expected")?.bytes(&expected.0)?;
                    w.str("got")?.bytes(&got.0)?
                }
            };
        }
    }
    Ok(())
}

fn read_message(reader: &mut Reader<'_>) -> Result<Message, WireError> {
    match reader.variant()? {
        ("Req", true) => {
            let (mut id, mut request) = (None, None);
            reader.fields(2, |r, key| match key {
                "id" => {
                    let value = RequestId(r.bytes_exact()?);
                    r.set(&mut id, value)
                }
                "type_" => {
                    r.unset(&request)?;
                    request = Some(read_request(r)?);
                    Ok(())
                }
                _ => Err(r.wrong_fields()),
            })?;
            match (id, request) {
                (Some(id), Some(request)) => Ok(Message::Request { id, request }),
                _ => Err(reader.wrong_fields()),
            }
        }
        ("Rsp", true) => {
            let (mut id, mut response) = (None, None);
            reader.fields(2, |r, key| match key {
                "request_id" => {
                    let value = RequestId(r.bytes_exact()?);
                    r.set(&mut id, value)
                }
                "type_" => {
                    r.unset(&response)?;
                    response = Some(read_response(r)?);
                    Ok(())
                }
                _ => Err(r.wrong_fields()),
            })?;
            match (id, response) {
                (Some(request_id), Some(response)) => Ok(Message::Response {
                    request_id,
                    response,
                }),
                _ => Err(reader.wrong_fields()),
            }
        }
        _ => Err(reader.unknown_variant()),
    }
}

fn read_request(reader: &mut Reader<'_>) -> Result<Request, WireError> {
    match reader.variant()? {
        ("Init", true) => Ok(Request::Init(read_share_pkg(reader)?)),
        ("GetShare", true) => {
            let mut rack_uuid = None;
            reader.fields(1, |r, key| match key {
                "rack_uuid" => {
                    let value = RackUuid(r.bytes_exact()?);
                    r.set(&mut rack_uuid, value)
                }
                _ => Err(r.wrong_fields()),
            })?;
            let rack_uuid = rack_uuid.ok_or_else(|| reader.wrong_fields())?;
            Ok(Request::GetShare { rack_uuid })
        }
        ("Learn", false) => Ok(Request::Learn),
        _ => Err(reader.unknown_variant()),
    }
}

fn read_response(reader: &mut Reader<'_>) -> Result<Response, WireError> {
    match reader.variant()? {
        ("InitAck", false) => Ok(Response::InitAck),
        ("Share", true) => Ok(Response::Share(read_share(reader)?)),
        ("LearnPkg", true) => Ok(Response::LearnPkg(read_learned(reader)?)),
        ("Error", true) => Ok(Response::Error(read_error(reader)?)),
        _ => Err(reader.unknown_variant()),
    }
}

fn read_error(reader: &mut Reader<'_>) -> Result<RemoteError, WireError> {
    match reader.variant()? {
        ("AlreadyInitialized", false) => Ok(RemoteError::AlreadyInitialized),
        ("NotInitialized", false) => Ok(RemoteError::NotInitialized),
        ("StillLearning", false) => Ok(RemoteError::StillLearning),
        ("CannotSpareAShare", false) => Ok(RemoteError::CannotSpareAShare),
        ("RackUuidMismatch", true) => {
            let (mut expected, mut got) = (None, None);
            reader.fields(2, |r, key| {
                let value = RackUuid(r.bytes_exact()?);
                match key {
                    "expected" => r.set(&mut expected, value),
                    "got" => r.set(&mut got, value),
                    _ => Err(r.wrong_fields()),
                }
            })?;
            match (expected, got) {
                (Some(expected), Some(got)) => Ok(RemoteError::RackUuidMismatch { expected, got }),
                _ => Err(reader.wrong_fields()),
            }
        }
        _ => Err(reader.unknown_variant()),
    }
}

fn read_network_config(reader: &mut Reader<'_>) -> Result<NetworkConfig, WireError> {
    let (mut generation, mut blob) = (None, None);
    reader.fields(2, |r, key| match key {
        "generation" => {
            let value = r.u64()?;
            r.set(&mut generation, value)
        }
        "blob" => {
            let value = r.octets_up_to()?;
            r.set(&mut blob, value)
        }
        _ => Err(r.wrong_fields()),
    })?;
    match (generation, blob) {
        (Some(generation), Some(blob)) => Ok(NetworkConfig { generation, blob }),
        _ => Err(reader.wrong_fields()),
    }
}
