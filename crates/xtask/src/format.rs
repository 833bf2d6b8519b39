//! Numbers for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use netboot_core::Instant;

/// `234,496`
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1.042 s`, `17.4 ms`, `380 µs`
pub fn time(micros: u64) -> String {
    let value = micros as f64;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", value / 1e3),
        _ => format!("{:.3} s", value / 1e6),
    }
}

/// `3.41 MB/s`, with a million octets to the MB.
pub fn rate(octets_per_s: f64) -> String {
    if octets_per_s < 1e5 {
        return format!("{:.1} kB/s", octets_per_s / 1e3);
    }
    format!("{:.2} MB/s", octets_per_s / 1e6)
}

/// A moment as the ROM's log shows it.
pub fn stamp(micros: u64) -> String {
    format!("[{:>10}]", Instant::from_micros(micros).to_string())
}

/// Reads `4002`, `96K`, `16M`, `16MiB`.
pub fn octets(text: &str) -> Result<usize, String> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit.trim() {
        "" => 1,
        "K" | "k" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        _ => return Err(format!("{unit:?} is none of K, KiB, M, MiB")),
    };
    let number: usize = number.parse().map_err(|_| "no number".to_string())?;
    number.checked_mul(factor).ok_or("too large".to_string())
}

/// A table; columns in `right` are aligned to the right.
pub fn table<const N: usize>(header: [&str; N], right: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for &index in right {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (4_002, "4,002"),
            (16 << 20, "16,777,216"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn times_choose_their_unit() {
        assert_eq!(time(380), "380 µs");
        assert_eq!(time(17_449), "17.4 ms");
        assert_eq!(time(1_042_311), "1.042 s");
        assert_eq!(rate(3_412_000.0), "3.41 MB/s");
        assert_eq!(rate(999.0), "1.0 kB/s");
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(octets("4002"), Ok(4002));
        assert_eq!(octets("16MiB"), Ok(16 << 20));
        assert_eq!(octets("96K"), Ok(96 << 10));
        for text in [
            "",
            "MiB",
            "4T",
            "-1",
            "99999999999999999999",
            "99999999999999999M",
        ] {
            assert!(octets(text).is_err(), "{text}");
        }
    }
}
