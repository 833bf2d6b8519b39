//! Reads HTTP dates, RFC 9110 section 5.6.7, as far as it takes to tell which of two is later.

/// The preferred format. `0` stands for a digit, `A` for a letter of the weekday, which is not checked
/// further, and `M` for a letter of the month. All else stands for itself.
const FORMAT: &[u8; 29] = b"AAA, 00 MMM 0000 00:00:00 GMT";
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Gives a number that orders dates in the preferred format (`Sun, 06 Nov 1994 08:49:37 GMT`) by the second.
/// `None` for the obsolete formats, which no server in service sends.
pub(crate) fn order_key(date: &[u8]) -> Option<u64> {
    if date.len() != FORMAT.len() {
        return None;
    }
    // Day, hour, minute and second are one number of eight digits. Year and month go in front of it.
    let (mut year, mut rest) = (0u32, 0u32);
    let mut digits = 0;
    for (octet, format) in date.iter().zip(FORMAT) {
        let matches = match format {
            b'0' => {
                digits += 1;
                let number = if (3..=6).contains(&digits) {
                    &mut year
                } else {
                    &mut rest
                };
                *number = number.wrapping_mul(10).wrapping_add(u32::from(octet & 0xF));
                octet.is_ascii_digit()
            }
            b'A' => octet.is_ascii_alphabetic(),
            b'M' => true,
            other => octet == other,
        };
        if !matches {
            return None;
        }
    }
    let name = date.get(8..11)?;
    let month = MONTHS.chunks_exact(3).position(|month| month == name)?;
    let high = (year << 4) | month as u32;
    Some((u64::from(high) << 32) | u64::from(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_ordered() {
        let dates = [
            "Wed, 31 Dec 1998 23:59:59 GMT",
            "Fri, 01 Jan 1999 00:00:00 GMT",
            "Fri, 01 Jan 1999 00:00:01 GMT",
            "Fri, 01 Jan 1999 00:01:00 GMT",
            "Fri, 01 Jan 1999 01:00:00 GMT",
            "Sat, 02 Jan 1999 00:00:00 GMT",
            "Mon, 01 Feb 1999 00:00:00 GMT",
            "Sat, 01 Jan 2000 00:00:00 GMT",
            "Mon, 30 Mar 2026 09:00:00 GMT",
        ];
        let keys = dates.map(|date| order_key(date.as_bytes()).unwrap());
        assert!(keys.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn other_formats_have_no_order() {
        for date in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nox 1994 08:49:37 GMT",
            "Sun, x6 Nov 1994 08:49:37 GMT",
            "S\u{e9}, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(order_key(date.as_bytes()), None, "{date}");
        }
    }
}
