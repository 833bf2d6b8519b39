//! A number of octets in a second, as an operator types it.

use std::str::FromStr;

/// A rate in octets in a second, 1 at the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

/// What `--rate` takes.
const WANTED: &str = "octets in a second from 1 to 4294967295, such as 500k, 100M or 1.5G";

impl FromStr for Rate {
    type Err = &'static str;

    /// A number, which may have a fraction when one of the units k, M and G stands behind it. The units are powers of 1,000.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = match text.char_indices().next_back() {
            Some((at, 'k' | 'K')) => (text.get(..at), 1_000),
            Some((at, 'm' | 'M')) => (text.get(..at), 1_000_000),
            Some((at, 'g' | 'G')) => (text.get(..at), 1_000_000_000),
            _ => (Some(text), 1),
        };
        let octets = number.and_then(|number| octets(number, unit));
        match octets.and_then(|octets| u32::try_from(octets).ok()) {
            Some(rate) if rate > 0 => Ok(Self(rate)),
            _ => Err(WANTED),
        }
    }
}

/// The octets of a decimal number of this unit. `None` when it is no number, too large, or finer than an octet.
fn octets(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut sum = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut part = unit;
    for digit in fraction.bytes() {
        let value = u64::from(digit.checked_sub(b'0')?);
        if value > 0 && !part.is_multiple_of(10) {
            return None;
        }
        part /= 10;
        sum = sum.checked_add(value.checked_mul(part)?)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_a_thousand() {
        for (text, rate) in [
            ("1", 1),
            ("64000", 64_000),
            ("500k", 500_000),
            ("500K", 500_000),
            ("100M", 100_000_000),
            ("12.5m", 12_500_000),
            ("1.25G", 1_250_000_000),
            ("4294967295", u32::MAX),
            ("0.001k", 1),
        ] {
            assert_eq!(text.parse(), Ok(Rate(rate)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "0",
            "0.0M",
            "M",
            "-1",
            "+1",
            "1.",
            ".5M",
            "1.5",
            "1.0001k",
            "5G",
            "1 M",
            "1MB",
            "10Mi",
            "1e6",
            "99999999999999999999G",
            "é",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(WANTED), "{text}");
        }
    }
}
