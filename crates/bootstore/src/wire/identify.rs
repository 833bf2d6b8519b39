//! The first frame of a connection: who a node is, and where it listens.

use super::cbor::{Reader, Writer};
use super::error::WireError;
use crate::{Baseboard, BaseboardKind};
use core::net::{Ipv6Addr, SocketAddrV6};

/// Who a node is, and where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identify {
    /// The node's board.
    pub id: Baseboard,
    /// The address at which the node accepts connections. Flow label and scope are not sent.
    pub addr: SocketAddrV6,
}

impl Identify {
    /// Writes the content of the frame and returns its length.
    ///
    /// # Errors
    /// [`WireError::Buffer`]
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, WireError> {
        let mut writer = Writer::new(buffer);
        writer.map(2)?.str("id")?;
        write_baseboard(&mut writer, &self.id)?;
        writer.str("addr")?.array(2)?;
        writer
            .octets(&self.addr.ip().octets())?
            .uint(self.addr.port().into())?;
        Ok(writer.len())
    }

    /// Reads the content of the frame.
    ///
    /// # Errors
    /// [`WireError`]
    pub fn decode(octets: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(octets);
        let (mut id, mut addr) = (None, None);
        reader.fields(2, |r, key| match key {
            "id" => {
                let value = read_baseboard(r)?;
                r.set(&mut id, value)
            }
            "addr" => {
                r.array_of(2)?;
                let ip = Ipv6Addr::from(r.octets::<16>()?);
                let value = SocketAddrV6::new(ip, r.u16()?, 0, 0);
                r.set(&mut addr, value)
            }
            _ => Err(r.wrong_fields()),
        })?;
        let (Some(id), Some(addr)) = (id, addr) else {
            return Err(reader.wrong_fields());
        };
        reader.end()?;
        Ok(Self { id, addr })
    }
}

pub(crate) fn write_baseboard(writer: &mut Writer<'_>, id: &Baseboard) -> Result<(), WireError> {
    let kind = match id.kind {
        BaseboardKind::Gimlet => "gimlet",
        BaseboardKind::Pc => "pc",
    };
    writer.map(3)?.str("type")?.str(kind)?;
    writer.str("identifier")?.str(&id.identifier)?;
    writer.str("model")?.str(&id.model)?;
    Ok(())
}

pub(crate) fn read_baseboard(reader: &mut Reader<'_>) -> Result<Baseboard, WireError> {
    let (mut kind, mut identifier, mut model) = (None, None, None);
    reader.fields(3, |r, key| match key {
        "type" => {
            let value = match r.str()? {
                "pc" => BaseboardKind::Pc,
                "gimlet" => BaseboardKind::Gimlet,
                _ => return Err(r.unknown_variant()),
            };
            r.set(&mut kind, value)
        }
        "identifier" => {
            let value = r.str()?;
            r.set(&mut identifier, value)
        }
        "model" => {
            let value = r.str()?;
            r.set(&mut model, value)
        }
        _ => Err(r.wrong_fields()),
    })?;
    let (Some(kind), Some(identifier), Some(model)) = (kind, identifier, model) else {
        return Err(reader.wrong_fields());
    };
    Baseboard::new(kind, identifier, model).ok_or_else(|| reader.out_of_bounds())
}
