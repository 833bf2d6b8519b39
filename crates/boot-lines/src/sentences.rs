//! Finds the sentence that belongs to an error number.
//!
//! A ROM without texts prints the number alone. The sentences come from the book's table of error codes,
//! `docs/src/errors.md`, which is part of this crate as a link. A test of the workspace proves that the table is what
//! the code says.
//!
//! The sentences of the table have the facts of an example. This module masks numbers, addresses and digests with an
//! ellipsis and leaves out everything in parentheses (the words of a server, the name of a register).

/// The table in Markdown. In the repository `errors.md` is a symbolic link into the book; in a published package it is a
/// file.
const TABLE: &str = include_str!("errors.md");

/// Stands for a fact of the example.
const MASK: &str = "\u{2026}";

/// The sentence of a number that the table does not have.
const UNKNOWN: &str = "an error that the table lacks";

/// Returns the sentence of the error number `code`, or `an error that the table lacks`.
pub fn of(code: u32) -> String {
    let start = format!("| `{code:#010x}` |");
    let row = TABLE.lines().find_map(|line| line.strip_prefix(&start));
    let text = row.and_then(|row| row.split(" | ").nth(1));
    text.map_or_else(|| UNKNOWN.into(), without_facts)
}

fn without_facts(text: &str) -> String {
    let mut depth = 0u32;
    let mut open = String::new();
    for character in text.replace("\\|", "|").chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => open.push(character),
            _ => {}
        }
    }
    let words = open.split_whitespace().map(|word| {
        let bare = word.trim_end_matches([',', ';', ':', '?']);
        match is_fact(bare) {
            true => format!("{MASK}{}", &word[bare.len()..]),
            false => word.into(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether `word` is a number, an address or a digest.
fn is_fact(word: &str) -> bool {
    let hex = word.bytes().all(|octet| octet.is_ascii_hexdigit());
    let digits = word
        .bytes()
        .all(|octet| matches!(octet, b'0'..=b'9' | b'.'));
    !word.is_empty() && (digits || word.starts_with("0x") || (hex && word.len() >= 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_found() {
        let codes: Vec<u32> = TABLE
            .lines()
            .filter_map(|line| line.strip_prefix("| `0x")?.get(..8))
            .map(|digits| u32::from_str_radix(digits, 16).unwrap())
            .collect();
        assert!(
            codes.len() > 200,
            "{} rows: errors.md is no link",
            codes.len()
        );
        for code in codes {
            let sentence = of(code);
            assert!(
                sentence.len() > 8 && sentence != UNKNOWN,
                "{code:#010x}: {sentence}"
            );
        }
    }

    #[test]
    fn the_table_has_sentences() {
        assert_eq!(
            of(0x0007_0003),
            "SHA-256 not as expected, not activated; found \u{2026}"
        );
        assert_eq!(of(0x0002_0021), "the TFTP server says: file not found");
        assert_eq!(of(0x0006_0015), "the device refused image \u{2026}");
        assert_eq!(
            of(0x0005_0002),
            "no DHCP server offered a usable lease in time"
        );
        assert_eq!(of(0xffff_ffff), UNKNOWN);
    }

    #[test]
    fn facts_of_another_case_are_left_out() {
        for (text, shown) in [
            (
                "a range from octet 0 instead of 60000",
                "a range from octet \u{2026} instead of \u{2026}",
            ),
            ("host 10.0.2.15, which", "host \u{2026}, which"),
            ("refused (reason (0x85)) here", "refused here"),
            ("HTTP/1 over IPv4 to I3C", "HTTP/1 over IPv4 to I3C"),
            ("at 0x80: is", "at \u{2026}: is"),
        ] {
            assert_eq!(without_facts(text), shown);
        }
    }
}
