//! A SHA-256 value.

use core::fmt::{self, Write as _};

/// 32 octets of SHA-256 (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Parses 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return None;
        }
        let mut out = [0; 32];
        for (octet, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *octet = hex_pair(*high, *low)?;
        }
        Some(Self(out))
    }
}

/// The value of two hexadecimal digits, the upper one first.
pub fn hex_pair(high: u8, low: u8) -> Option<u8> {
    Some((nibble(high)? << 4) | nibble(low)?)
}

/// The value of one hexadecimal digit.
pub(crate) fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0 {
            for digit in [octet >> 4, octet & 0xF] {
                f.write_char(char::from(match digit {
                    0..=9 => b'0' + digit,
                    _ => b'a' - 10 + digit,
                }))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_round_trip() {
        let text = "00ff102030405060708090a0b0c0d0e0f0112233445566778899aabbccddeeff";
        assert_eq!(Digest::from_hex(text).unwrap().to_string(), text);
        assert_eq!(
            Digest::from_hex(&text.to_uppercase()),
            Digest::from_hex(text)
        );
        assert_eq!(Digest::from_hex(&text[1..]), None);
        assert_eq!(Digest::from_hex(&text.replace('f', "g")), None);
    }
}
