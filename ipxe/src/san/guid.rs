//! GUIDs.

use netboot_core::uuid;

/// A GUID as a disk has it: the first three groups of its text have their octets in reverse order (UEFI specification 2.10, appendix A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The GUID that a disk has where there is none.
    pub const ZERO: Guid = Guid([0; 16]);

    /// Reads a GUID such as `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`, in upper or lower case. `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::parse(text).map(|value| Self(uuid::swapped(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_groups_are_little_endian() {
        let expected = Guid([
            0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e,
            0xc9, 0x3b,
        ]);
        for text in [
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
            "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
        ] {
            assert_eq!(Guid::parse(text), Some(expected));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let good = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
        for place in 0..good.len() {
            for other in ["g", "-", "0", "", "é"] {
                let text = format!("{}{other}{}", &good[..place], &good[place + 1..]);
                let is_hyphen = good.as_bytes()[place] == b'-';
                let fits = if is_hyphen {
                    other == "-"
                } else {
                    other == "0"
                };
                assert_eq!(Guid::parse(&text).is_some(), fits, "{text}");
            }
        }
        for text in [
            "",
            "c12a7328f81f11d2ba4b00a0c93ec93b",
            &format!("{good}0"),
            &format!("{{{good}}}"),
        ] {
            assert_eq!(Guid::parse(text), None);
        }
    }
}
