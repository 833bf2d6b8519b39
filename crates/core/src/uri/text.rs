//! Scanning URI text: the productions of RFC 3986 appendix A.

use super::address;
use super::error::UriError;
use crate::digest::nibble;

/// Octets in the longest host name (RFC 1123 section 2.1, RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;

pub(super) fn illegal(at: usize) -> UriError {
    UriError::IllegalCharacter {
        at: u16::try_from(at).unwrap_or(u16::MAX),
    }
}

/// `text` up to the first octet out of `marks`, and the rest with it.
pub(super) fn before<'a>(text: &'a str, marks: &[u8]) -> (&'a str, &'a str) {
    match text.bytes().position(|octet| one_of(octet, marks)) {
        Some(at) => cut(text, at),
        None => (text, ""),
    }
}

/// Not `contains`, which is made for long texts.
fn one_of(octet: u8, marks: &[u8]) -> bool {
    marks.contains(&octet)
}

pub(super) fn cut(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// `scheme ":"` as RFC 3986 section 3.1 has it, and what follows the colon.
pub(super) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = before(text, b":/?");
    let rest = rest.strip_prefix(':')?;
    let mut octets = name.bytes();
    let valid = octets.next()?.is_ascii_alphabetic()
        && octets.all(|octet| octet.is_ascii_alphanumeric() || one_of(octet, b"+-."));
    valid.then_some((name, rest))
}

/// `host [":" port]`; the port is empty when absent.
pub(super) fn split_port(text: &str) -> Result<(&str, &str), UriError> {
    let end = match text.bytes().position(|octet| octet == b']') {
        Some(at) if text.starts_with('[') => at + 1,
        _ => before(text, b":").0.len(),
    };
    let (host, port) = cut(text, end);
    match port.strip_prefix(':') {
        // An IPv6 address without its brackets.
        Some(port) if port.bytes().any(|octet| octet == b':') => Err(UriError::BadAddress),
        Some(port) => Ok((host, port)),
        None if port.is_empty() => Ok((host, "")),
        None => Err(UriError::BadHost),
    }
}

pub(super) fn parse_port(text: &str) -> Result<u16, UriError> {
    let mut port: u16 = 0;
    for octet in text.bytes() {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            return Err(UriError::BadPort);
        }
        port = port
            .checked_mul(10)
            .and_then(|port| port.checked_add(u16::from(digit)))
            .ok_or(UriError::BadPort)?;
    }
    if port == 0 {
        return Err(UriError::BadPort);
    }
    Ok(port)
}

/// RFC 1123 section 2.1 names, dotted quads, bracketed IPv6 addresses without zone.
pub(super) fn check_host(host: &str) -> Result<(), UriError> {
    if host.is_empty() {
        return Err(UriError::NoHost);
    }
    if let Some(rest) = host.strip_prefix('[') {
        let inner = rest.strip_suffix(']').ok_or(UriError::BadAddress)?;
        return address::parse_v6(inner)
            .map(|_| ())
            .ok_or(UriError::BadAddress);
    }
    // One trailing dot says that the name is fully qualified.
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > MAX_NAME {
        return Err(UriError::BadHost);
    }
    let mut rest = name;
    loop {
        let (label, tail) = before(rest, b".");
        let octets = label.as_bytes();
        let valid = (1..=63).contains(&octets.len())
            && octets.first() != Some(&b'-')
            && octets.last() != Some(&b'-')
            && octets
                .iter()
                .all(|octet| octet.is_ascii_alphanumeric() || one_of(*octet, b"-_"));
        if !valid {
            return Err(UriError::BadHost);
        }
        if tail.is_empty() {
            if octets.iter().all(u8::is_ascii_digit) && address::parse_v4(host).is_none() {
                return Err(UriError::BadAddress);
            }
            return Ok(());
        }
        rest = cut(tail, 1).1;
    }
}

/// `unreserved`, percent-encoded octets and what `extra` allows.
pub(super) fn check(component: &str, offset: usize, extra: fn(u8) -> bool) -> Result<(), UriError> {
    let mut octets = component.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        if octet == b'%' {
            let mut digit = || octets.next().and_then(|(_, octet)| nibble(octet));
            if digit().is_none() || digit().is_none() {
                return Err(UriError::BadEncoding);
            }
        } else if !is_unreserved(octet) && !extra(octet) {
            return Err(illegal(offset + at));
        }
    }
    Ok(())
}

/// RFC 3986 section 2.3.
pub(super) fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || one_of(octet, b"-._~")
}

/// RFC 3986 section 2.2.
pub(super) fn is_sub_delim(octet: u8) -> bool {
    one_of(octet, b"!$&'()*+,;=")
}

/// `pchar` and `/` (RFC 3986 section 3.3), percent-encoding aside.
pub(super) fn is_path_octet(octet: u8) -> bool {
    is_unreserved(octet) || is_sub_delim(octet) || one_of(octet, b":@/")
}

/// The lowest four bits as a hexadecimal digit in upper case, as percent-encoding has it (RFC 3986, section 2.1).
pub fn hex_digit(value: u8) -> u8 {
    match value & 0xF {
        value @ 0..=9 => b'0' + value,
        value => b'A' + (value - 10),
    }
}

/// Percent-decodes `text` into `buf` and returns the number of octets.
pub(super) fn decode(text: &str, buf: &mut [u8]) -> Result<usize, UriError> {
    let mut octets = text.bytes();
    let mut length = 0;
    while let Some(octet) = octets.next() {
        let octet = if octet == b'%' {
            let mut digit = || octets.next().and_then(nibble).ok_or(UriError::BadEncoding);
            (digit()? << 4) | digit()?
        } else {
            octet
        };
        if octet.is_ascii_control() {
            return Err(UriError::DecodedControl);
        }
        *buf.get_mut(length).ok_or(UriError::BufferTooSmall)? = octet;
        length += 1;
    }
    Ok(length)
}

pub(super) fn text_of(octets: &[u8]) -> Result<&str, UriError> {
    core::str::from_utf8(octets).map_err(|_| UriError::NotText)
}

/// Removes `;mode=octet` (RFC 3617 section 3).
pub(super) fn strip_mode(path: &str) -> Result<&str, UriError> {
    let Some(at) = path.bytes().rposition(|octet| octet == b';') else {
        return Ok(path);
    };
    let (file, parameter) = cut(path, at);
    let (name, mode) = before(parameter, b"=");
    if !name.eq_ignore_ascii_case(";mode") {
        return Ok(path);
    }
    if !mode.eq_ignore_ascii_case("=octet") {
        return Err(UriError::TransferMode);
    }
    Ok(file)
}
