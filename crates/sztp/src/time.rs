//! `date-and-time` of YANG (RFC 6991, section 3), which is RFC 3339's `date-time`, as Unix time.

use crate::json::Text;
use heapless::String;
use netboot_x509::der::{GENERALIZED_TIME, Value};
use netboot_x509::unix_time;

/// Octets of the longest such text that is read: with nine digits of a fraction and an offset.
const LONGEST: usize = 35;

/// Seconds since 1970-01-01T00:00:00Z. A fraction is cut off. `None` for other texts, and for times before 1970.
#[inline(never)]
pub fn unix(text: Text<'_>) -> Option<u64> {
    let text: String<LONGEST> = text.copy()?;
    let (date, rest) = digits(text.as_bytes(), b"####-##-##")?;
    let rest = match rest {
        [b'T' | b't' | b' ', rest @ ..] => rest,
        _ => return None,
    };
    let (time, rest) = digits(rest, b"##:##:##")?;
    // The same moment in the form that certificates have.
    let mut written: heapless::Vec<u8, 15> = heapless::Vec::new();
    for digit in date.iter().chain(&time) {
        written.push(*digit).ok()?;
    }
    written.push(b'Z').ok()?;
    let local = unix_time(Value {
        tag: GENERALIZED_TIME,
        content: &written,
        whole: &[],
    })?;
    let offset = match fraction(rest)? {
        b"Z" | b"z" => return Some(local),
        offset => offset,
    };
    let (sign, offset) = offset.split_first()?;
    let (offset, end) = digits(offset, b"##:##")?;
    let [a, b, c, d] = offset.as_slice() else {
        return None;
    };
    let (hours, minutes) = (two(*a, *b), two(*c, *d));
    if hours > 23 || minutes > 59 || !end.is_empty() {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        b'+' => local.checked_sub(seconds),
        b'-' => local.checked_add(seconds),
        _ => None,
    }
}

/// The digits that stand where `form` has `#`, and what follows. The other signs have to be those of `form`.
fn digits<'t>(text: &'t [u8], form: &[u8]) -> Option<(heapless::Vec<u8, 8>, &'t [u8])> {
    let (start, rest) = text.split_at_checked(form.len())?;
    let mut found = heapless::Vec::new();
    for (sign, wanted) in start.iter().zip(form) {
        match wanted {
            b'#' if sign.is_ascii_digit() => found.push(*sign).ok()?,
            b'#' => return None,
            other if other == sign => {}
            _ => return None,
        }
    }
    Some((found, rest))
}

/// What follows the fraction of a second, if there is one.
fn fraction(text: &[u8]) -> Option<&[u8]> {
    let [b'.', rest @ ..] = text else {
        return Some(text);
    };
    let digits = rest.iter().take_while(|sign| sign.is_ascii_digit()).count();
    match digits {
        0 => None,
        _ => rest.get(digits..),
    }
}

fn two(tens: u8, ones: u8) -> u64 {
    u64::from(tens.wrapping_sub(b'0')) * 10 + u64::from(ones.wrapping_sub(b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u64> {
        let document = format!("\"{text}\"");
        let value = crate::json::Value::parse(document.as_bytes()).unwrap();
        unix(value.text().unwrap())
    }

    #[test]
    fn times_of_real_vouchers() {
        // By `date -u -d ... +%s`.
        assert_eq!(read("2022-07-10T17:08:18.720-04:00"), Some(1_657_487_298));
        assert_eq!(read("2016-10-07T19:31:42Z"), Some(1_475_868_702));
        assert_eq!(
            read("2016-10-07T19:31:42.123456789+00:00"),
            Some(1_475_868_702)
        );
        assert_eq!(read("2016-10-08T01:01:42+05:30"), Some(1_475_868_702));
        assert_eq!(read("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(read("9999-12-31T23:59:59Z"), Some(253_402_300_799));
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "2016-10-07",
            "2016-10-07T19:31:42",
            "2016-10-07T19:31Z",
            "2016-13-07T19:31:42Z",
            "2016-02-30T19:31:42Z",
            "2016-10-07T24:00:00Z",
            "2016-10-07T19:31:42.Z",
            "2016-10-07T19:31:42+5:30",
            "2016-10-07T19:31:42+05:30Z",
            "2016-10-07T19:31:42+24:00",
            "2016-10-07T19:31:42+00:60",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2016/10/07T19:31:42Z",
            "2016-10-07X19:31:42Z",
            "20161007193142Z",
            "2016-10-07T19:31:42.1234567890123456789Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
