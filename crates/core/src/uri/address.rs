//! Address literals, RFC 3986 section 3.2.2 and RFC 4291 section 2.2.
//!
//! `core`'s own parsers do the same, but carry panic paths into the ROM.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::digest::nibble;

/// Four decimal octets without leading zeros, which some readers take for octal.
pub fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    quad(text.as_bytes()).map(Ipv4Addr::from)
}

fn quad(text: &[u8]) -> Option<[u8; 4]> {
    let mut fields = text.split(|octet| *octet == b'.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        *octet = decimal(fields.next()?)?;
    }
    fields.next().is_none().then_some(octets)
}

fn decimal(digits: &[u8]) -> Option<u8> {
    if digits.is_empty() || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    digits.iter().try_fold(0u8, |value, digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Reads an address of either family.
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    match parse_v4(text) {
        Some(address) => Some(IpAddr::V4(address)),
        None => parse_v6(text).map(IpAddr::V6),
    }
}

/// Eight groups, one run of which `::` may stand for; the last two may be a dotted quad.
///
/// `None` always without the feature `ipv6-literals`: for stations that could do nothing with such an address.
pub fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    if !cfg!(feature = "ipv6-literals") {
        return None;
    }
    let mut groups = [0; 8];
    let mut count = 0;
    // Number of groups before the `::`.
    let mut gap = None;
    let mut rest = text.as_bytes();
    if let [b':', b':', tail @ ..] = rest {
        gap = Some(0);
        rest = tail;
    }
    while !rest.is_empty() {
        let end = rest.iter().position(|octet| *octet == b':');
        let (field, tail) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        if tail.is_empty() && field.contains(&b'.') {
            let [a, b, c, d] = quad(field)?;
            *groups.get_mut(count)? = u16::from_be_bytes([a, b]);
            count += 1;
            *groups.get_mut(count)? = u16::from_be_bytes([c, d]);
        } else {
            *groups.get_mut(count)? = group(field)?;
        }
        count += 1;
        rest = match tail {
            [] => tail,
            [b':', b':', tail @ ..] if gap.is_none() => {
                gap = Some(count);
                tail
            }
            // Neither a second `::` nor a single colon at the end.
            [b':', tail @ ..] if !tail.is_empty() => tail,
            _ => return None,
        };
    }
    // `::` stands for at least one group; those behind it move to the end.
    let missing = 8usize.checked_sub(count)?;
    if gap.is_some() == (missing == 0) {
        return None;
    }
    for at in (gap.unwrap_or(8)..count).rev() {
        *groups.get_mut(at + missing)? = core::mem::take(groups.get_mut(at)?);
    }
    Some(Ipv6Addr::from(groups))
}

/// One to four hexadecimal digits.
fn group(field: &[u8]) -> Option<u16> {
    let mut group = 0;
    for digit in field {
        group = (group << 4) | u16::from(nibble(*digit)?);
    }
    (1..=4).contains(&field.len()).then_some(group)
}
