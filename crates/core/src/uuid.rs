//! UUIDs in their text form, and the order of their octets.

use crate::digest::hex_pair;

/// Numbers of octets before each hyphen of the text form.
pub const GROUPS: [usize; 4] = [4, 6, 8, 10];

/// Reads a UUID such as `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`, in upper or lower case, into its octets in the order of the text (RFC 9562,
/// section 4). `None` for any other text.
pub fn parse(text: &str) -> Option<[u8; 16]> {
    let mut value = [0; 16];
    let mut rest = text.as_bytes();
    for (place, octet) in value.iter_mut().enumerate() {
        if GROUPS.contains(&place) {
            let [b'-', after @ ..] = rest else {
                return None;
            };
            rest = after;
        }
        let [high, low, after @ ..] = rest else {
            return None;
        };
        *octet = hex_pair(*high, *low)?;
        rest = after;
    }
    rest.is_empty().then_some(value)
}

/// The octets of a UUID with the first three groups turned round: from the order of the text to that of SMBIOS tables and disks, and back (UEFI specification
/// 2.10, appendix A).
pub const fn swapped(value: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_read_in_either_case() {
        let value = [
            0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e,
            0xc9, 0x3b,
        ];
        let text = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
        assert_eq!(parse(text), Some(value));
        assert_eq!(parse(&text.to_uppercase()), Some(value));
        assert_eq!(
            swapped(value)[..8],
            [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11]
        );
        assert_eq!(swapped(swapped(value)), value);
    }

    #[test]
    fn another_text_is_none() {
        let good = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
        for text in [
            "",
            "c12a7328f81f11d2ba4b00a0c93ec93b",
            &format!("{good}0"),
            &format!("{{{good}}}"),
            &good.replace('-', ""),
            &good.replacen('-', "0", 1),
            &good.replacen('a', "-", 1),
            &good.replacen('a', "+", 1),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
