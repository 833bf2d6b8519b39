//! TFTP packets: RFC 1350 section 5, options by RFC 2347.
//!
//! Written apart from the client's codec on purpose: one misreading of the RFC must not hide in both.

/// Opcodes.
pub mod opcode {
    /// Read request.
    pub const RRQ: u16 = 1;
    /// Write request.
    pub const WRQ: u16 = 2;
    /// Data.
    pub const DATA: u16 = 3;
    /// Acknowledgement.
    pub const ACK: u16 = 4;
    /// Error.
    pub const ERROR: u16 = 5;
    /// Option acknowledgement.
    pub const OACK: u16 = 6;
}

/// Error codes.
pub mod error {
    /// Not defined; see the message.
    pub const OTHER: u16 = 0;
    /// File not found.
    pub const NOT_FOUND: u16 = 1;
    /// Access violation.
    pub const ACCESS: u16 = 2;
    /// Illegal operation.
    pub const ILLEGAL: u16 = 4;
    /// Unknown transfer id.
    pub const UNKNOWN_TID: u16 = 5;
    /// Options refused (RFC 2347).
    pub const OPTIONS: u16 = 8;
}

/// A read or write request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whether it is a write request.
    pub write: bool,
    /// The file's name as it was sent.
    pub name: String,
    /// `octet`, `netascii` or anything, in lower case.
    pub mode: String,
    /// Options in order, names in lower case.
    pub options: Vec<(String, String)>,
}

impl Request {
    /// Reads a request; `None` when it is something else or unreadable.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let write = match read_u16(packet)? {
            opcode::RRQ => false,
            opcode::WRQ => true,
            _ => return None,
        };
        let strings = packet.get(2..)?.strip_suffix(&[0])?;
        let mut strings = strings
            .split(|octet| *octet == 0)
            .map(|string| String::from_utf8_lossy(string).into_owned());
        let name = strings.next().filter(|name| !name.is_empty())?;
        let mode = strings.next()?.to_ascii_lowercase();
        let mut options = Vec::new();
        while let Some(option) = strings.next() {
            options.push((option.to_ascii_lowercase(), strings.next()?));
        }
        Some(Self {
            write,
            name,
            mode,
            options,
        })
    }
}

/// What a client sends within a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Acknowledges a block, and all before it.
    Ack(u16),
    /// Ends the transfer.
    Error(u16, String),
}

impl Answer {
    /// Reads an ACK or ERROR packet.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let (number, rest) = (read_u16(packet.get(2..)?)?, packet.get(4..)?);
        match read_u16(packet)? {
            opcode::ACK if rest.is_empty() => Some(Answer::Ack(number)),
            opcode::ERROR => {
                let text = rest.split(|octet| *octet == 0).next().unwrap_or_default();
                Some(Answer::Error(
                    number,
                    String::from_utf8_lossy(text).into_owned(),
                ))
            }
            _ => None,
        }
    }
}

/// An ERROR packet.
pub fn error(code: u16, text: &str) -> Vec<u8> {
    let mut packet = head(opcode::ERROR, code);
    packet.extend_from_slice(text.as_bytes());
    packet.push(0);
    packet
}

/// An OACK packet.
pub fn oack(options: &[(String, String)]) -> Vec<u8> {
    let mut packet = opcode::OACK.to_be_bytes().to_vec();
    for (name, value) in options {
        for string in [name, value] {
            packet.extend_from_slice(string.as_bytes());
            packet.push(0);
        }
    }
    packet
}

/// A packet's opcode and the number after it.
pub fn head(opcode: u16, number: u16) -> Vec<u8> {
    let mut packet = opcode.to_be_bytes().to_vec();
    packet.extend_from_slice(&number.to_be_bytes());
    packet
}

fn read_u16(packet: &[u8]) -> Option<u16> {
    packet
        .first_chunk()
        .map(|octets| u16::from_be_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests() {
        let request =
            Request::parse(b"\0\x01fw.bin\0OCTET\0BlkSize\x001468\0tsize\x000\0").unwrap();
        assert_eq!(
            (request.name.as_str(), request.mode.as_str()),
            ("fw.bin", "octet")
        );
        assert_eq!(request.options[0], ("blksize".into(), "1468".into()));
        assert_eq!(request.options[1], ("tsize".into(), "0".into()));
        assert!(Request::parse(b"\0\x02fw.bin\0octet\0").unwrap().write);
        for broken in [
            &b""[..],
            b"\0",
            b"\0\x01",
            b"\0\x01\0",
            b"\0\x01fw.bin",
            b"\0\x01fw.bin\0",
            b"\0\x01\0octet\0",
            b"\0\x01fw.bin\0octet",
            b"\0\x01fw.bin\0octet\0blksize\0",
            b"\0\x03fw.bin\0octet\0",
        ] {
            assert_eq!(Request::parse(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn answers_and_own_packets() {
        assert_eq!(Answer::parse(b"\0\x04\x01\x02"), Some(Answer::Ack(0x102)));
        assert_eq!(
            Answer::parse(b"\0\x05\0\x08no\0"),
            Some(Answer::Error(8, "no".into()))
        );
        assert_eq!(
            Answer::parse(b"\0\x05\0\x08"),
            Some(Answer::Error(8, "".into()))
        );
        assert_eq!(Answer::parse(b"\0\x04\x01\x02\0"), None);
        assert_eq!(Answer::parse(b"\0\x04\x01"), None);
        assert_eq!(error(1, "gone"), b"\0\x05\0\x01gone\0");
        assert_eq!(oack(&[("tsize".into(), "7".into())]), b"\0\x06tsize\x007\0");
    }

    proptest! {
        #[test]
        fn any_packet_is_survived(mut packet in proptest::collection::vec(any::<u8>(), 0..60), op in 0_u8..8) {
            let _ = (Request::parse(&packet), Answer::parse(&packet));
            if packet.len() > 1 {
                (packet[0], packet[1]) = (0, op);
                let _ = (Request::parse(&packet), Answer::parse(&packet));
            }
        }
    }
}
