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

#[cfg(test)]
mod tests {
    use super::*;

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
