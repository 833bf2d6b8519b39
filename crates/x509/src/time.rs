//! `UTCTime` and `GeneralizedTime` as Unix time, RFC 5280 section 4.1.2.5.

use super::der::{GENERALIZED_TIME, UTC_TIME, Value};

/// Seconds since 1970-01-01T00:00:00Z, from a `UTCTime` or a `GeneralizedTime` with seconds and in UTC (RFC 5280 section
/// 4.1.2.5).
///
/// `None`: another value, one that is malformed, or a year before 1970.
pub fn unix(value: Value<'_>) -> Option<u64> {
    let (year, rest) = match value.tag {
        UTC_TIME => {
            let (year, rest) = two_digits(value.content)?;
            // Section 4.1.2.5.1.
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (century, rest) = two_digits(value.content)?;
            let (year, rest) = two_digits(rest)?;
            (century * 100 + year, rest)
        }
        _ => return None,
    };
    let (month, rest) = two_digits(rest)?;
    let (day, rest) = two_digits(rest)?;
    let (hour, rest) = two_digits(rest)?;
    let (minute, rest) = two_digits(rest)?;
    let (second, rest) = two_digits(rest)?;
    // Neither fractions nor zones: section 4.1.2.5.2.
    let well_formed = rest == b"Z"
        && year >= 1970
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !well_formed {
        return None;
    }
    let days = days_before_year(year)
        .checked_sub(DAYS_BEFORE_1970)?
        .checked_add(days_before_month(year, month) + day)?
        .checked_sub(1)?;
    Some(u64::from(days) * 86_400 + u64::from(hour * 3600 + minute * 60 + second))
}

/// [`days_before_year`] of 1970.
const DAYS_BEFORE_1970: u32 = 719_162;

fn two_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    let ([tens, ones], rest) = text.split_first_chunk()?;
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some((u32::from(tens) * 10 + u32::from(ones), rest))
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of the Gregorian calendar before January 1 of `year`, counted from year 1.
fn days_before_year(year: u32) -> u32 {
    let years = year.saturating_sub(1);
    years * 365 + years / 4 - years / 100 + years / 400
}

fn days_of_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

fn days_before_month(year: u32, month: u32) -> u32 {
    (1..month.min(13))
        .map(|month| days_of_month(year, month))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, text: &str) -> Option<u64> {
        unix(Value {
            tag,
            content: text.as_bytes(),
            whole: &[],
        })
    }

    #[test]
    fn times_are_those_of_date() {
        // `date -u -d … +%s`
        for (text, seconds) in [
            ("19700101000000Z", 0),
            ("20000229235959Z", 951_868_799),
            ("20240301000000Z", 1_709_251_200),
            ("20991231235959Z", 4_102_444_799),
            ("21000301000000Z", 4_107_542_400),
            ("99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(at(GENERALIZED_TIME, text), Some(seconds), "{text}");
        }
        assert_eq!(at(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(at(UTC_TIME, "700101000001Z"), Some(1));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "20240301000000",
            "20240301000000.5Z",
            "20240301000000+0100",
            "20230229000000Z",
            "20240001000000Z",
            "20241301000000Z",
            "20240300000000Z",
            "20240301240000Z",
            "20240301006000Z",
            "20240301000060Z",
            "19691231235959Z",
            "00000000000000Z",
            "2024030100000 Z",
        ] {
            assert_eq!(at(GENERALIZED_TIME, text), None, "{text}");
        }
        assert_eq!(at(UTC_TIME, "500101000000Z"), None);
        assert_eq!(at(0x16, "20240301000000Z"), None);
    }
}
