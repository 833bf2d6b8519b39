//! The types by which the octets of a setting are read and written.
//!
//! The names are iPXE's (<https://ipxe.org/cfg>, "Setting types").

/// How the octets of a setting become text, and text becomes octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SettingType {
    /// The text itself.
    String,
    /// The text with the octets percent-encoded that have a meaning in a URI.
    UriString,
    /// Four octets in decimal: `10.0.2.15`.
    Ipv4,
    /// Sixteen octets as RFC 5952 has them: `fe80::1`.
    Ipv6,
    /// A signed number of 8 bits, in decimal.
    Int8,
    /// A signed number of 16 bits, in decimal.
    Int16,
    /// A signed number of 32 bits, in decimal.
    Int32,
    /// An unsigned number of 8 bits, in hexadecimal: `0xff`.
    Uint8,
    /// An unsigned number of 16 bits, in hexadecimal.
    Uint16,
    /// An unsigned number of 32 bits, in hexadecimal.
    Uint32,
    /// Octets in hexadecimal with colons: `01:02`.
    Hex,
    /// Octets in hexadecimal with hyphens: `01-02`.
    HexHyp,
    /// Octets in hexadecimal: `0102`.
    HexRaw,
    /// Octets in base64 (RFC 4648, section 4), padded.
    Base64,
    /// Sixteen octets as a UUID (RFC 9562), in the order of the text.
    Uuid,
    /// Sixteen octets as a UUID whose first three fields are in little endian, as firmware stores it.
    Guid,
}

use SettingType as T;

/// The types in the order of their declaration, with their names.
const NAMES: [(&str, SettingType); 16] = [
    ("string", T::String),
    ("uristring", T::UriString),
    ("ipv4", T::Ipv4),
    ("ipv6", T::Ipv6),
    ("int8", T::Int8),
    ("int16", T::Int16),
    ("int32", T::Int32),
    ("uint8", T::Uint8),
    ("uint16", T::Uint16),
    ("uint32", T::Uint32),
    ("hex", T::Hex),
    ("hexhyp", T::HexHyp),
    ("hexraw", T::HexRaw),
    ("base64", T::Base64),
    ("uuid", T::Uuid),
    ("guid", T::Guid),
];

impl SettingType {
    /// Name of the type in a script: what follows the colon of `${name:type}`.
    pub fn as_str(self) -> &'static str {
        let found = NAMES.iter().find(|(_, of_name)| *of_name == self);
        found.map_or("string", |(name, _)| name)
    }

    /// The type with this name.
    pub fn parse(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(of_type, _)| *of_type == name);
        found.map(|(_, found)| *found)
    }

    /// The type whose place in the declaration this is.
    pub(super) fn from_index(index: u8) -> Option<Self> {
        NAMES.get(usize::from(index)).map(|(_, found)| *found)
    }

    /// Octets of a number of this type. `None` for what is no number.
    pub const fn width(self) -> Option<usize> {
        match self {
            T::Int8 | T::Uint8 => Some(1),
            T::Int16 | T::Uint16 => Some(2),
            T::Int32 | T::Uint32 => Some(4),
            _ => None,
        }
    }

    /// Whether the type is a number that may be negative.
    pub const fn is_signed(self) -> bool {
        matches!(self, T::Int8 | T::Int16 | T::Int32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_places_lead_back_to_the_type() {
        for (name, of_name) in NAMES {
            assert_eq!(SettingType::parse(name), Some(of_name));
            assert_eq!(of_name.as_str(), name);
            assert_eq!(SettingType::from_index(of_name as u8), Some(of_name));
        }
        assert_eq!(SettingType::parse("int64"), None);
        assert_eq!(SettingType::from_index(16), None);
    }
}
