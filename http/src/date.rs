//! HTTP dates, RFC 9110 section 5.6.7: only enough to tell which of two is later.

/// A number that orders preferred-format dates (`Sun, 06 Nov 1994 08:49:37 GMT`) by the second.
/// `None` for the obsolete formats, which no server in service sends.
pub(crate) fn order_key(date: &[u8]) -> Option<u64> {
    let &[
        w1,
        w2,
        w3,
        b',',
        b' ',
        d1,
        d2,
        b' ',
        m1,
        m2,
        m3,
        b' ',
        y1,
        y2,
        y3,
        y4,
        b' ',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b' ',
        b'G',
        b'M',
        b'T',
    ] = date
    else {
        return None;
    };
    // What is not looked at further goes back to the server as it is.
    if ![w1, w2, w3].iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let month = MONTHS.iter().position(|name| **name == [m1, m2, m3])?;
    let mut key = (u64::from(two(y1, y2)?) << 7) | u64::from(two(y3, y4)?);
    key = (key << 4) | month as u64;
    for (tens, units) in [(d1, d2), (h1, h2), (n1, n2), (s1, s2)] {
        key = (key << 7) | u64::from(two(tens, units)?);
    }
    Some(key)
}

fn two(tens: u8, units: u8) -> Option<u8> {
    let digit = |octet: u8| octet.is_ascii_digit().then_some(octet & 0xF);
    Some(digit(tens)? * 10 + digit(units)?)
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
