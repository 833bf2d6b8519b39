//! Finds the sentence that belongs to an error number.
//!
//! A ROM without texts prints the number alone. The sentences come from the book's table of error codes,
//! `docs/src/errors.md`, which is part of this crate as a link. A test of the workspace proves that the table is what
//! the code says.
//!
//! The sentences of the table have the facts of an example. This module puts the facts of the console line in their place, and
//! leaves out everything in parentheses (the words of a server, the name of a register). A fact that the line does not have
//! becomes a letter for a number (`an image of N octets`) or a general word (`some address`).

/// The table in Markdown. In the repository `errors.md` is a symbolic link into the book; in a published package it is a
/// file.
const TABLE: &str = include_str!("errors.md");

/// Numbers that are no facts of an example: the word before and the number itself.
const FIXED: [(&str, &str); 8] = [
    ("than", "255"),
    ("from", "1"),
    ("to", "65535"),
    ("port", "69"),
    ("TLS", "1.3"),
    ("RFC", "5280"),
    ("images,", "1"),
    ("to", "256"),
];
/// Stand for numbers that are not known, in this order.
const LETTERS: [&str; 3] = ["N", "M", "K"];

/// The sentence of a number that the table does not have.
const UNKNOWN: &str = "an error that the table lacks";

/// Returns the sentence of the error number `code`, or `an error that the table lacks`.
pub fn of(code: u32) -> String {
    with(code, &[])
}

/// Returns the sentence of the error number `code` with the facts of a console line, pairs of a key and a value. They take the
/// places of the sentence's own facts in their order; the rest follows in parentheses.
pub fn with(code: u32, facts: &[(&str, &str)]) -> String {
    let start = format!("| `{code:#010x}` |");
    let row = TABLE.lines().find_map(|line| line.strip_prefix(&start));
    let text = row.and_then(|row| row.split(" | ").nth(1));
    text.map_or_else(|| UNKNOWN.into(), |text| fill(text, facts))
}

fn fill(text: &str, facts: &[(&str, &str)]) -> String {
    let mut depth = 0u32;
    let mut open = String::new();
    for character in text.replace("\\|", "|").chars() {
        match character {
            '(' => {
                depth += 1;
                open.truncate(open.trim_end().len());
            }
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => open.push(character),
            _ => {}
        }
    }
    let mut facts = facts.iter();
    let mut letters = LETTERS.iter();
    let mut before = "";
    let mut words = Vec::new();
    for word in open.split_whitespace() {
        let bare = word.trim_end_matches([',', ';', ':', '?']);
        let fixed = FIXED.contains(&(before, bare));
        before = word;
        if fixed || !is_fact(bare) {
            words.push(word.to_string());
            continue;
        }
        let value = match facts.next() {
            Some((_, value)) => value,
            None if bare.contains(':') || bare.matches('.').count() == 3 => "some address",
            None if bare.len() >= 32 => "another value",
            None => letters.next().unwrap_or(&"some number"),
        };
        words.push(format!("{value}{}", &word[bare.len()..]));
    }
    let mut filled = words.join(" ");
    let rest: Vec<_> = facts.map(|(key, value)| format!("{key} {value}")).collect();
    if !rest.is_empty() {
        filled += &format!(" ({})", rest.join(", "));
    }
    filled
}

/// Whether `word` is a number, an address or a digest.
fn is_fact(word: &str) -> bool {
    let hex = word.bytes().all(|octet| octet.is_ascii_hexdigit());
    let digits = word
        .bytes()
        .all(|octet| matches!(octet, b'0'..=b'9' | b'.'));
    let mac = word.split(':').count() == 6
        && word
            .split(':')
            .all(|part| u8::from_str_radix(part, 16).is_ok());
    !word.is_empty() && (digits || mac || word.starts_with("0x") || (hex && word.len() >= 8))
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
            "SHA-256 not as expected, not activated; found another value"
        );
        assert_eq!(of(0x0002_0021), "the TFTP server says: file not found");
        assert_eq!(of(0x0006_0015), "the device refused image N");
        assert_eq!(
            of(0x0005_0002),
            "no DHCP server offered a usable lease in time"
        );
        assert_eq!(of(0xffff_ffff), UNKNOWN);
    }

    #[test]
    fn no_sentence_has_a_hole_or_a_fact_of_another_case() {
        for line in TABLE.lines().filter(|line| line.starts_with("| `0x")) {
            let code = u32::from_str_radix(&line[5..13], 16).unwrap();
            let sentence = of(code);
            assert!(
                !sentence.contains('\u{2026}') && !sentence.contains(" ,"),
                "{sentence}"
            );
            let mut before = "";
            for word in sentence.split(' ') {
                let bare = word.trim_end_matches([',', ';', ':', '?']);
                assert!(
                    !is_fact(bare) || FIXED.contains(&(before, bare)),
                    "{sentence}"
                );
                before = word;
            }
        }
    }

    #[test]
    fn the_facts_of_the_line_are_in_the_sentence() {
        let refused = [
            ("image", "2"),
            ("reason", "0x00000085"),
            ("device_status", "0x0000000e"),
            ("recovery_status", "0x0000000d"),
        ];
        assert_eq!(
            with(0x0006_0015, &refused),
            "the device refused image 2 (reason 0x00000085, device_status 0x0000000e, recovery_status 0x0000000d)"
        );
        assert_eq!(
            with(0x0003_0016, &[("status", "503")]),
            "HTTP server answered with status 503"
        );
        assert_eq!(of(0x0006_0010), "an image of N octets cannot be declared");
        assert_eq!(
            with(0x0006_0010, &[("octets", "7")]),
            "an image of 7 octets cannot be declared"
        );
        assert_eq!(
            with(
                0x0004_0005,
                &[("address", "10.0.2.9"), ("mac", "02:00:00:00:00:09")]
            ),
            "another host uses 10.0.2.9, which the DHCP server gave: 02:00:00:00:00:09"
        );
    }

    #[test]
    fn facts_of_another_case_are_left_out() {
        for (text, shown) in [
            (
                "a range from octet 0 instead of 60000",
                "a range from octet N instead of M",
            ),
            ("host 10.0.2.15, which", "host some address, which"),
            ("gave: 02:00:00:00:00:01", "gave: some address"),
            ("refused (reason (0x85)) here", "refused here"),
            ("HTTP/1 over IPv4 to I3C", "HTTP/1 over IPv4 to I3C"),
            ("at 0x80: is", "at N: is"),
            ("check port 69 and 70", "check port 69 and N"),
        ] {
            assert_eq!(fill(text, &[]), shown);
        }
    }
}
