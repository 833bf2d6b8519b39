//! What a client offers: ClientHello (RFC 8446, section 4.1.2).

use crate::wire::{Reader, extension};

/// A ClientHello, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// random
    pub random: Vec<u8>,
    /// legacy_session_id
    pub session_id: Vec<u8>,
    /// Cipher suites in the client's order.
    pub suites: Vec<u16>,
    /// legacy_compression_methods
    pub compression: Vec<u8>,
    /// Extensions by type, in order.
    pub extensions: Vec<(u16, Vec<u8>)>,
    /// The name in server_name.
    pub server_name: Option<String>,
    /// supported_versions
    pub versions: Vec<u16>,
    /// supported_groups
    pub groups: Vec<u16>,
    /// signature_algorithms
    pub signature_schemes: Vec<u16>,
    /// key_share: groups and shares.
    pub shares: Vec<(u16, Vec<u8>)>,
}

impl ClientHello {
    /// Reads the body of the message; `None` when it is none.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let _legacy_version = reader.number(2)?;
        let mut hello = Self {
            random: reader.take(32)?.to_vec(),
            session_id: reader.vector(1)?.to_vec(),
            suites: reader.numbers(2)?,
            compression: reader.vector(1)?.to_vec(),
            ..Self::default()
        };
        let mut list = Reader(reader.vector(2)?);
        while !list.0.is_empty() {
            let number = list.number(2)? as u16;
            let content = list.vector(2)?;
            hello.extensions.push((number, content.to_vec()));
            hello.extension(number, Reader(content))?;
        }
        reader.0.is_empty().then_some(hello)
    }

    fn extension(&mut self, number: u16, mut content: Reader<'_>) -> Option<()> {
        match number {
            extension::SERVER_NAME => {
                let mut list = Reader(content.vector(2)?);
                let _host_name = list.number(1)?;
                self.server_name = Some(String::from_utf8(list.vector(2)?.to_vec()).ok()?);
            }
            extension::SUPPORTED_VERSIONS => self.versions = content.numbers(1)?,
            extension::SUPPORTED_GROUPS => self.groups = content.numbers(2)?,
            extension::SIGNATURE_ALGORITHMS => self.signature_schemes = content.numbers(2)?,
            extension::KEY_SHARE => {
                let mut list = Reader(content.vector(2)?);
                while !list.0.is_empty() {
                    let group = list.number(2)? as u16;
                    self.shares.push((group, list.vector(2)?.to_vec()));
                }
            }
            _ => {}
        }
        Some(())
    }

    /// The share of this group.
    pub fn share(&self, group: u16) -> Option<&[u8]> {
        let found = self.shares.iter().find(|(known, _)| *known == group);
        found.map(|(_, share)| share.as_slice())
    }
}
