//! Base64 (RFC 4648, section 4).

/// Gives the digits of `octets` to `put`, one after the other, with `=` at the end where the standard wants it.
pub fn encode(mut octets: impl Iterator<Item = u8>, mut put: impl FnMut(u8)) {
    while let Some(first) = octets.next() {
        let (second, third) = (octets.next(), octets.next());
        let bits = (u32::from(first) << 16)
            | (u32::from(second.unwrap_or(0)) << 8)
            | u32::from(third.unwrap_or(0));
        put(digit(bits >> 18));
        put(digit(bits >> 12));
        put(second.map_or(b'=', |_| digit(bits >> 6)));
        put(third.map_or(b'=', |_| digit(bits)));
    }
}

/// The digit of the lowest six bits.
fn digit(bits: u32) -> u8 {
    match (bits & 0x3F) as u8 {
        value @ 0..=25 => b'A' + value,
        value @ 26..=51 => b'a' + (value - 26),
        value @ 52..=61 => b'0' + (value - 52),
        62 => b'+',
        _ => b'/',
    }
}

/// The reverse of [`encode`], digit by digit.
///
/// Blanks and line ends between the digits are left out, as tools break long texts into lines; so may be the `=` at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoder {
    /// Bits that have not made an octet yet are the lowest ones.
    bits: u32,
    /// Number of these bits: 0, 2, 4 or 6.
    count: u8,
    /// Number of `=` so far.
    padding: u8,
}

impl Decoder {
    /// Begins without a digit.
    pub const fn new() -> Self {
        Self {
            bits: 0,
            count: 0,
            padding: 0,
        }
    }

    /// Takes the next character. Gives an octet when it completes one.
    ///
    /// # Errors
    /// `Err(())` is for a character that is no digit, and for a digit behind `=`.
    #[expect(clippy::result_unit_err, reason = "there is one error")]
    pub fn push(&mut self, character: u8) -> Result<Option<u8>, ()> {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b' ' | b'\t' | b'\r' | b'\n' => return Ok(None),
            b'=' => {
                self.padding = self.padding.saturating_add(1);
                return Ok(None);
            }
            _ => return Err(()),
        };
        if self.padding != 0 {
            return Err(());
        }
        self.bits = (self.bits & 0x3F) << 6 | u32::from(value);
        // Eight of them make an octet: of two digits, of three, and of four.
        if self.count == 0 {
            self.count = 6;
            return Ok(None);
        }
        self.count -= 2;
        Ok(Some((self.bits >> self.count) as u8))
    }

    /// Returns whether the text ends in the right way: no single digit is left over, no bit is lost, and as many `=` as the standard wants, or none.
    pub const fn is_complete(&self) -> bool {
        let padding = match self.count {
            0 => 0,
            4 => 2,
            2 => 1,
            _ => return false,
        };
        let lost = self.bits & ((1 << self.count) - 1);
        lost == 0 && (self.padding == padding || self.padding == 0)
    }
}

/// Decodes the digits in `text` into its front; returns the number of octets, or `None` when the text is no base64.
pub fn decode_in_place(text: &mut [u8]) -> Option<usize> {
    let mut decoder = Decoder::new();
    let mut filled = 0_usize;
    for at in 0..text.len() {
        let character = *text.get(at)?;
        if let Some(octet) = decoder.push(character).ok()? {
            // There are fewer octets than digits.
            *text.get_mut(filled)? = octet;
            filled = filled.saturating_add(1);
        }
    }
    decoder.is_complete().then_some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Option<Vec<u8>> {
        let mut octets = text.as_bytes().to_vec();
        let len = decode_in_place(&mut octets)?;
        octets.truncate(len);
        Some(octets)
    }

    #[test]
    fn what_was_encoded_is_decoded_with_and_without_padding_and_line_ends() {
        for len in 0..70_u8 {
            let octets: Vec<u8> = (0..len).map(|octet| octet.wrapping_mul(151)).collect();
            let mut text = String::new();
            encode(octets.iter().copied(), |digit| text.push(char::from(digit)));
            assert_eq!(decode(&text).as_ref(), Some(&octets));
            assert_eq!(decode(text.trim_end_matches('=')).as_ref(), Some(&octets));
            let lines: String = text.chars().flat_map(|digit| [digit, '\n']).collect();
            assert_eq!(decode(&lines).as_ref(), Some(&octets));
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in [
            "Z",
            "Zg=",
            "Zg===",
            "Zm8==",
            "Zm9v=",
            "Zm9vZ",
            "Zh==",
            "Zm9=",
            "Zg==Zg==",
            "Zg=g",
            "Z-g=",
            "Zm9\0",
            "=",
            "Zm9v\u{e4}",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode("").as_deref(), Some(&b""[..]));
    }

    /// The vectors of RFC 4648, section 10, and two with the digits that letters do not show.
    #[test]
    fn vectors_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("\u{3ff}\u{3ef}", "z7/Prw=="),
            ("~~~", "fn5+"),
        ] {
            let mut out = String::new();
            encode(plain.bytes(), |digit| out.push(char::from(digit)));
            assert_eq!(out, coded);
        }
    }
}
