//! Address literals, RFC 3986 section 3.2.2 and RFC 4291 section 2.2.
//!
//! `core`'s own parsers do the same, but carry panic paths into the ROM.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::digest::nibble;

/// Four decimal octets without leading zeros, which some readers take for octal.
pub(super) fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let mut fields = text.as_bytes().split(|octet| *octet == b'.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        *octet = decimal(fields.next()?)?;
    }
    fields.next().is_none().then_some(Ipv4Addr::from(octets))
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

/// Eight groups, one run of which `::` may stand for; the last two may be a dotted quad.
pub(super) fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let (head, tail) = match text.as_bytes().windows(2).position(|pair| pair == b"::") {
        Some(at) => (text.get(..at)?, Some(text.get(at + 2..)?)),
        None => (text, None),
    };
    let (mut groups, head_count) = parse_groups(head, tail.is_none())?;
    match tail {
        None => (head_count == 8).then_some(())?,
        Some(tail) => {
            let (tail_groups, tail_count) = parse_groups(tail, true)?;
            // `::` stands for at least one group.
            let skip = 8usize.checked_sub(tail_count)?;
            if head_count >= skip {
                return None;
            }
            for (to, from) in groups.iter_mut().skip(skip).zip(tail_groups) {
                *to = from;
            }
        }
    }
    Some(Ipv6Addr::from(groups))
}

/// Groups separated by single colons, from the left, and their number.
fn parse_groups(text: &str, quad_allowed: bool) -> Option<([u16; 8], usize)> {
    let mut groups = [0; 8];
    let mut count = 0;
    if text.is_empty() {
        return Some((groups, 0));
    }
    let mut fields = text.as_bytes().split(|octet| *octet == b':').peekable();
    while let Some(field) = fields.next() {
        if quad_allowed && fields.peek().is_none() && field.contains(&b'.') {
            let [a, b, c, d] = parse_v4(core::str::from_utf8(field).ok()?)?.octets();
            *groups.get_mut(count)? = u16::from_be_bytes([a, b]);
            *groups.get_mut(count + 1)? = u16::from_be_bytes([c, d]);
            return Some((groups, count + 2));
        }
        if !(1..=4).contains(&field.len()) {
            return None;
        }
        let mut group = 0;
        for digit in field {
            group = (group << 4) | u16::from(nibble(*digit)?);
        }
        *groups.get_mut(count)? = group;
        count += 1;
    }
    Some((groups, count))
}
