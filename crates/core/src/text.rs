//! Texts that the network tells: only what can be printed is believed.

use heapless::string::StringView;

/// Gives the text in `octets` up to its first NUL. `None` when it is empty, is not UTF-8 or has control characters in it.
pub fn printable(octets: &[u8]) -> Option<&str> {
    let end = octets.iter().position(|octet| *octet == 0);
    let text = core::str::from_utf8(octets.get(..end.unwrap_or(octets.len()))?).ok()?;
    let printable = !text.is_empty() && text.bytes().all(|octet| octet >= b' ' && octet != 0x7f);
    printable.then_some(text)
}

/// The octets that follow `prefix`, as `slice::strip_prefix` gives them. A build for size may leave that method as a call with a panic in it; this
/// function has none.
pub fn after<'o>(octets: &'o [u8], prefix: &[u8]) -> Option<&'o [u8]> {
    let (start, rest) = octets.split_at_checked(prefix.len())?;
    (start == prefix).then_some(rest)
}

/// Reads the first domain name of a list into `to`: labels with their lengths, and an empty one at the end (RFC 1035, section 3.1). Pointers are
/// not followed. `to` is empty when the name is damaged or does not fit.
#[inline(never)]
pub fn read_domain(mut octets: &[u8], to: &mut StringView) {
    to.clear();
    while let [len @ 1..=63, rest @ ..] = octets {
        let Some((label, rest)) = rest.split_at_checked(usize::from(*len)) else {
            break;
        };
        let dot = if to.is_empty() { "" } else { "." };
        let pushed = printable(label)
            .is_some_and(|label| to.push_str(dot).and_then(|()| to.push_str(label)).is_ok());
        if !pushed {
            break;
        }
        if let [0, ..] = rest {
            return;
        }
        octets = rest;
    }
    to.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use heapless::String;

    #[test]
    fn only_what_can_be_printed_is_text() {
        assert_eq!(printable(b"boot.img\0\0\0"), Some("boot.img"));
        assert_eq!(printable("é".as_bytes()), Some("é"));
        for bad in [&b""[..], b"\0boot", b"a\nb", b"\xff", b"a\x7f"] {
            assert_eq!(printable(bad), None);
        }
    }

    #[test]
    fn what_follows_a_prefix() {
        assert_eq!(after(b"#!ipxe", b"#!"), Some(&b"ipxe"[..]));
        assert_eq!(after(b"#!", b"#!"), Some(&b""[..]));
        assert_eq!(after(b"ipxe", b""), Some(&b"ipxe"[..]));
        for (octets, prefix) in [(&b"#"[..], &b"#!"[..]), (b"##", b"#!"), (b"", b"#")] {
            assert_eq!(after(octets, prefix), None);
        }
    }

    #[test]
    fn the_first_domain_of_a_list() {
        for (octets, expected) in [
            (&b"\x03lab\x07example\0\x05other\0"[..], "lab.example"),
            (b"\x03lab\0", "lab"),
            (b"\x03lab", ""),
            (b"\x03la", ""),
            (b"\0", ""),
            (b"", ""),
            (b"\xc0\x00", ""),
            (b"\x03l\nb\0", ""),
            (b"\x08toolong1\x08toolong2\0", ""),
        ] {
            let mut to: String<16> = "before".try_into().unwrap();
            read_domain(octets, &mut to);
            assert_eq!(to, expected, "{octets:?}");
        }
    }
}
