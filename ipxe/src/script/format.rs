//! Octets of a setting as text.

use super::SettingType;
use core::fmt;
use core::net::Ipv6Addr;
use heapless::VecView;
use netboot_core::uri::hex_digit;
use netboot_core::{Console, base64, uuid};

/// Where text is put together. What does not fit is dropped, and remembered.
pub(super) struct Out<'a> {
    to: &'a mut VecView<u8>,
    full: bool,
}

impl<'a> Out<'a> {
    /// Appends to `to`.
    pub fn new(to: &'a mut VecView<u8>) -> Self {
        Self { to, full: false }
    }

    /// Whether everything had room.
    pub const fn fits(&self) -> bool {
        !self.full
    }

    fn push(&mut self, octets: &[u8]) {
        self.full |= self.to.extend_from_slice(octets).is_err();
    }

    /// Writes `octets` with two hexadecimal digits each, and `between` between them.
    fn hex(&mut self, octets: &[u8], between: &str) {
        for (place, octet) in octets.iter().enumerate() {
            if place > 0 {
                self.push(between.as_bytes());
            }
            self.console().octets(core::slice::from_ref(octet));
        }
    }

    fn console(&mut self) -> &mut dyn Console {
        self
    }
}

impl fmt::Write for Out<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// Writes the octets of a setting by a type. Returns whether they can be shown by it: an address has four octets, for example.
pub(super) fn format(setting_type: SettingType, octets: &[u8], out: &mut Out<'_>) -> bool {
    match setting_type {
        SettingType::String => out.push(octets),
        SettingType::UriString => uri_string(octets, out),
        SettingType::Ipv4 => {
            let Some(address) = octets.first_chunk::<4>() else {
                return false;
            };
            out.console().ipv4(*address);
        }
        SettingType::Ipv6 => {
            let Ok(address) = <&[u8; 16]>::try_from(octets) else {
                return false;
            };
            out.console().ip(Ipv6Addr::from(*address).into());
        }
        SettingType::Int8 | SettingType::Int16 | SettingType::Int32 => {
            let Some(value) = number(octets, true) else {
                return false;
            };
            if value < 0 {
                out.push(b"-");
            }
            out.console().decimal(value.unsigned_abs());
        }
        SettingType::Uint8 | SettingType::Uint16 | SettingType::Uint32 => {
            let Some(value) = number(octets, false) else {
                return false;
            };
            out.push(b"0x");
            out.console().digits(value.unsigned_abs(), 16, 1);
        }
        SettingType::Hex => out.hex(octets, ":"),
        SettingType::HexHyp => out.hex(octets, "-"),
        SettingType::HexRaw => out.hex(octets, ""),
        SettingType::Base64 => base64::encode(octets.iter().copied(), |digit| out.push(&[digit])),
        SettingType::Uuid | SettingType::Guid => {
            let Ok(value) = <[u8; 16]>::try_from(octets) else {
                return false;
            };
            write_uuid(in_order(setting_type, value), out);
        }
    }
    true
}

/// The number in at most four octets, the highest first. `None` for more octets.
pub(super) fn number(octets: &[u8], signed: bool) -> Option<i64> {
    if octets.len() > 4 {
        return None;
    }
    let negative = signed && *octets.first()? & 0x80 != 0;
    let start = if negative { -1 } else { 0 };
    let append = |value: i64, octet: &u8| (value << 8) | i64::from(*octet);
    Some(octets.iter().fold(start, append))
}

/// Percent-encodes what iPXE does: all that is no printable ASCII, and `%`, `/`, `#`, `:`, `?`, `@`, `=` and `&`.
fn uri_string(octets: &[u8], out: &mut Out<'_>) {
    for octet in octets {
        match octet {
            0x21..=0x7e if !b"%/#:?@=&".contains(octet) => out.push(&[*octet]),
            _ => out.push(&[b'%', hex_digit(octet >> 4), hex_digit(*octet)]),
        }
    }
}

/// The octets of a UUID between a setting of this type and its text: those of a GUID have another order than the text.
pub(super) const fn in_order(setting_type: SettingType, value: [u8; 16]) -> [u8; 16] {
    match setting_type {
        SettingType::Guid => uuid::swapped(value),
        _ => value,
    }
}

fn write_uuid(value: [u8; 16], out: &mut Out<'_>) {
    for (place, octet) in value.iter().enumerate() {
        if uuid::GROUPS.contains(&place) {
            out.push(b"-");
        }
        out.hex(core::slice::from_ref(octet), "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_that_was_dropped_is_remembered() {
        let mut to: heapless::Vec<u8, 4> = heapless::Vec::new();
        let mut out = Out::new(&mut to);
        out.push(b"ab");
        assert!(out.fits());
        out.push(b"cde");
        assert!(!out.fits());
        // The next one has room, and the text is not whole all the same.
        out.push(b"f");
        assert!(!out.fits());
        assert_eq!(to, b"abf");
    }
}
