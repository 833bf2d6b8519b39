//! Text as octets of a setting.

use super::format::in_order;
use super::{Fault, Setting, SettingType, VALUE_LEN};
use heapless::Vec;
use netboot_core::digest::hex_pair;
use netboot_core::uri::{parse_v4, parse_v6};
use netboot_core::{text, uuid};

/// Octets of a value that is being read.
type Octets = Vec<u8, VALUE_LEN>;

/// Reads a value of a type. `None` for an empty one, which does not exist.
///
/// # Errors
/// [`Fault::BadValue`] when the text is none of the type, [`Fault::ValueTooLong`].
pub(super) fn read_value(setting_type: SettingType, text: &str) -> Result<Option<Setting>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let mut octets = Octets::new();
    let fits = match setting_type {
        SettingType::String => octets.extend_from_slice(text.as_bytes()).is_ok(),
        SettingType::UriString => uri_string(text, &mut octets)?,
        SettingType::Ipv4 => {
            let address = parse_v4(text).ok_or(Fault::BadValue)?;
            octets.extend_from_slice(&address.octets()).is_ok()
        }
        SettingType::Ipv6 => {
            let address = parse_v6(text).ok_or(Fault::BadValue)?;
            octets.extend_from_slice(&address.octets()).is_ok()
        }
        SettingType::Hex => hex(text, b":", &mut octets)?,
        SettingType::HexHyp => hex(text, b"-", &mut octets)?,
        SettingType::HexRaw => hex(text, b"", &mut octets)?,
        SettingType::Base64 => base64(text, &mut octets)?,
        SettingType::Uuid | SettingType::Guid => {
            let value = uuid::parse(text).ok_or(Fault::BadValue)?;
            let value = in_order(setting_type, value);
            octets.extend_from_slice(&value).is_ok()
        }
        _ => {
            let value = integer(text).ok_or(Fault::BadValue)?;
            return Ok(Some(number_setting(setting_type, value)));
        }
    };
    if !fits {
        return Err(Fault::ValueTooLong);
    }
    Ok(Setting::new(setting_type, &octets))
}

/// A number as a setting. As in iPXE, bits that the type has no room for are dropped.
pub(super) fn number_setting(setting_type: SettingType, value: i64) -> Setting {
    let octets = value.to_be_bytes();
    let width = setting_type.width().unwrap_or(octets.len());
    let start = octets.len().saturating_sub(width);
    let octets = octets.get(start..).unwrap_or_default();
    // Four octets at the most fit, so the value is there; the other one is never used.
    Setting::new(setting_type, octets).unwrap_or(Setting {
        setting_type,
        octets: Vec::new(),
    })
}

/// Reads a number of at most 32 bits as C does: decimal, hexadecimal behind `0x`, octal behind `0`, with or without a sign.
///
/// `None` for what is no such number, or is below -2^31 or above 2^32 - 1.
pub(super) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        rest => (10, rest),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0i64;
    for digit in digits {
        let digit = char::from(*digit).to_digit(radix)?;
        value = value * i64::from(radix) + i64::from(digit);
        if value > i64::from(u32::MAX) {
            return None;
        }
    }
    match negative {
        false => Some(value),
        true if value <= 1 << 31 => Some(-value),
        true => None,
    }
}

/// Reads octets of two digits each with `between` between them. Returns whether they fit.
fn hex(text: &str, between: &[u8], octets: &mut Octets) -> Result<bool, Fault> {
    let mut rest = text.as_bytes();
    loop {
        let [high, low, after @ ..] = rest else {
            return Err(Fault::BadValue);
        };
        let octet = hex_pair(*high, *low).ok_or(Fault::BadValue)?;
        if octets.push(octet).is_err() {
            return Ok(false);
        }
        if after.is_empty() {
            return Ok(true);
        }
        rest = text::after(after, between).ok_or(Fault::BadValue)?;
    }
}

/// Decodes what is percent-encoded. A percent sign without two digits stands for itself, as in iPXE.
fn uri_string(text: &str, octets: &mut Octets) -> Result<bool, Fault> {
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = match rest {
            [b'%', high, low, after @ ..] => hex_pair(*high, *low).map(|octet| (octet, after)),
            _ => None,
        };
        let (octet, after) = encoded.unwrap_or((*first, after));
        if octets.push(octet).is_err() {
            return Ok(false);
        }
        rest = after;
    }
    Ok(true)
}

/// Reads base64 with its padding. Bits that stand for nothing have to be zero (RFC 4648, section 3.5).
fn base64(text: &str, octets: &mut Octets) -> Result<bool, Fault> {
    let mut rest = text.as_bytes();
    while let [a, b, c, d, after @ ..] = rest {
        rest = after;
        let (padding, c, d) = match (*c, *d) {
            (b'=', b'=') if rest.is_empty() => (2, b'A', b'A'),
            (c, b'=') if rest.is_empty() => (1, c, b'A'),
            (c, d) => (0, c, d),
        };
        let mut bits = 0;
        for digit in [*a, *b, c, d] {
            bits = (bits << 6) | base64_digit(digit).ok_or(Fault::BadValue)?;
        }
        let [_, group @ ..] = bits.to_be_bytes();
        let (kept, dropped) = group.split_at_checked(3 - padding).unwrap_or_default();
        if dropped.iter().any(|octet| *octet != 0) {
            return Err(Fault::BadValue);
        }
        if octets.extend_from_slice(kept).is_err() {
            return Ok(false);
        }
    }
    match rest {
        [] => Ok(true),
        _ => Err(Fault::BadValue),
    }
}

fn base64_digit(digit: u8) -> Option<u32> {
    Some(match digit {
        b'A'..=b'Z' => u32::from(digit - b'A'),
        b'a'..=b'z' => u32::from(digit - b'a') + 26,
        b'0'..=b'9' => u32::from(digit - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::format::{Out, format};
    use super::*;
    use proptest::prelude::*;

    /// The octets as text.
    fn shown(setting_type: SettingType, octets: &[u8]) -> Option<String> {
        let mut to = Vec::<u8, 1024>::new();
        let mut out = Out::new(&mut to);
        let can_be_shown = format(setting_type, octets, &mut out);
        assert!(out.fits());
        can_be_shown.then(|| String::from_utf8(to.to_vec()).unwrap())
    }

    fn types() -> impl Iterator<Item = SettingType> {
        (0..16).map(|index| SettingType::from_index(index).unwrap())
    }

    #[test]
    fn integers_are_read_as_c_reads_them() {
        for (text, value) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("010", Some(8)),
            ("0x1F", Some(31)),
            ("-0x10", Some(-16)),
            ("+7", Some(7)),
            ("4294967295", Some(4_294_967_295)),
            ("4294967296", None),
            ("-2147483648", Some(-2_147_483_648)),
            ("-2147483649", None),
            ("99999999999999999999999", None),
            ("08", None),
            ("0x", None),
            ("", None),
            ("-", None),
            ("12abc", None),
            (" 1", None),
            ("1 ", None),
        ] {
            assert_eq!(integer(text), value, "{text:?}");
        }
    }

    #[test]
    fn base64_has_its_padding_and_no_bits_to_spare() {
        for (text, octets) in [
            ("aGVsbG8=", Some(&b"hello"[..])),
            ("aGVsbG9h", Some(b"helloa")),
            ("aGVsbA==", Some(b"hell")),
            ("aGVsbG8", None),
            ("aGVsbB==", None),
            ("a===", None),
            ("aGV=bG8=", None),
            ("!!!!", None),
            ("aGVsbG8=x", None),
        ] {
            let found = read_value(SettingType::Base64, text);
            let expected = octets.map(|octets| Setting::new(SettingType::Base64, octets));
            assert_eq!(found.ok(), expected, "{text}");
        }
    }

    #[test]
    fn ipv6_addresses_are_short() {
        for text in [
            "::",
            "::1",
            "fe80::1",
            "1::",
            "1:0:2:3:4:5:6:7",
            "1::4:0:0:7:8",
            "1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6::",
            "0:1::",
            "2001:db8::1:0:0:1",
        ] {
            let value = read_value(SettingType::Ipv6, text).unwrap();
            let octets = value.map(|value| value.octets().to_vec());
            let found = octets.and_then(|octets| shown(SettingType::Ipv6, &octets));
            assert_eq!(found.as_deref(), Some(text));
        }
    }

    #[test]
    fn a_value_has_255_octets_at_the_most() {
        let long = "x".repeat(256);
        for of_type in [SettingType::String, SettingType::UriString] {
            assert!(read_value(of_type, &long[..255]).is_ok());
            assert_eq!(read_value(of_type, &long), Err(Fault::ValueTooLong));
        }
        let text = "00".repeat(256);
        assert_eq!(
            read_value(SettingType::HexRaw, &text),
            Err(Fault::ValueTooLong)
        );
        let text = "AAAA".repeat(86);
        assert_eq!(
            read_value(SettingType::Base64, &text),
            Err(Fault::ValueTooLong)
        );
    }

    proptest! {
        /// The standard library's opinion of addresses. It writes some as ones of IPv4, which iPXE does not.
        #[test]
        fn ipv6_is_what_the_standard_library_writes(groups: [u8; 8]) {
            let address = core::net::Ipv6Addr::from(groups.map(|group| u16::from(group & 3) * u16::from(group)));
            prop_assume!(address.to_ipv4().is_none());
            let found = shown(SettingType::Ipv6, &address.octets());
            prop_assert_eq!(found, Some(address.to_string()));
        }

        /// What is shown by a type can be read by it, and gives the same octets.
        #[test]
        fn what_is_shown_can_be_read(octets in prop::collection::vec(any::<u8>(), 1..20)) {
            for of_type in types() {
                if matches!(of_type, SettingType::String) && core::str::from_utf8(&octets).is_err() {
                    continue;
                }
                let width = match of_type {
                    SettingType::Ipv4 => 4,
                    SettingType::Ipv6 | SettingType::Uuid | SettingType::Guid => 16,
                    of_type => of_type.width().unwrap_or(octets.len()),
                };
                let mut octets = octets.clone();
                octets.resize(width, 0xa5);
                let text = shown(of_type, &octets).unwrap();
                let read = read_value(of_type, &text).unwrap();
                prop_assert_eq!(read, Setting::new(of_type, &octets), "{} {}", of_type.as_str(), text);
            }
        }

        /// Nothing that is read is empty, and what has a wrong length is not shown.
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
            for of_type in types() {
                if let Ok(Some(value)) = read_value(of_type, &text) {
                    prop_assert!(!value.octets().is_empty());
                    prop_assert_eq!(value.setting_type(), of_type);
                }
            }
        }
    }
}
