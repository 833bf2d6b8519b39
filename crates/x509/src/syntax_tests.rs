//! DER, times and name constraints at the edges of their syntax.

use crate::constraints;
use crate::der::{self, BOOLEAN, GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME};
use crate::time;

/// One value, with a length of one octet.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, content.len() as u8], content].concat()
}

fn unix(tag: u8, text: &str) -> Option<u64> {
    let whole = tlv(tag, text.as_bytes());
    time::unix(Reader::new(&whole).value()?)
}

/// Every day from 1970 on, over a century that has a leap year at its end and three that have not.
#[test]
fn each_day_is_one_more() {
    let mut seconds = 0;
    for year in 1970..=2402 {
        let leap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
        let february = if leap { 29 } else { 28 };
        let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, days) in (1..).zip(months) {
            for day in 1..=days {
                let text = format!("{year}{month:02}{day:02}000000Z");
                assert_eq!(unix(GENERALIZED_TIME, &text), Some(seconds), "{text}");
                seconds += 86_400;
            }
            let beyond = format!("{year}{month:02}{:02}000000Z", days + 1);
            assert_eq!(unix(GENERALIZED_TIME, &beyond), None, "{beyond}");
        }
    }
}

#[test]
fn each_part_of_a_time_has_its_bounds() {
    let good = [
        ("20240301000001Z", 1),
        ("20240301000059Z", 59),
        ("20240301000100Z", 60),
        ("20240301005900Z", 59 * 60),
        ("20240301010000Z", 3_600),
        ("20240301230000Z", 23 * 3_600),
        ("20240301010203Z", 3_723),
    ];
    for (text, seconds) in good {
        assert_eq!(
            unix(GENERALIZED_TIME, text),
            Some(1_709_251_200 + seconds),
            "{text}"
        );
    }
    for bad in [
        "20240301000061Z",
        "20240301006100Z",
        "20240301250000Z",
        "20241401000000Z",
    ] {
        assert_eq!(unix(GENERALIZED_TIME, bad), None, "{bad}");
    }
    // Each character that stands beside the digits, at each place.
    for at in 0..14 {
        for octet in ["/", ":", " "] {
            let mut text = String::from("20240301000000Z");
            text.replace_range(at..=at, octet);
            assert_eq!(unix(GENERALIZED_TIME, &text), None, "{text}");
        }
    }
    // Two digits of a year: 70 to 99 are of the last century, 00 to 49 of this one.
    assert_eq!(unix(UTC_TIME, "991231235959Z"), Some(946_684_799));
    assert_eq!(unix(UTC_TIME, "000101000000Z"), Some(946_684_800));
    assert_eq!(unix(UTC_TIME, "20240301000000Z"), None);
    assert_eq!(unix(GENERALIZED_TIME, "240301000000Z"), None);
}

/// X.690 section 11.1: FALSE is 00 and TRUE is FF, in one octet.
#[test]
fn flags() {
    for (content, flag) in [
        (&[0x00][..], Some(false)),
        (&[0xFF], Some(true)),
        (&[0x01], None),
        (&[0xFE], None),
        (&[], None),
        (&[0xFF, 0xFF], None),
    ] {
        let octets = tlv(BOOLEAN, content);
        assert_eq!(der::flag(&mut Reader::new(&octets)), flag, "{content:x?}");
    }
    assert_eq!(der::flag(&mut Reader::new(&[])), Some(false));
    assert_eq!(
        der::flag(&mut Reader::new(&[BOOLEAN, 2, 0])),
        None,
        "it is cut short"
    );
}

#[test]
fn bit_strings_of_whole_octets() {
    assert_eq!(der::octets_of_bits(&[0, 1, 2]), Some(&[1, 2][..]));
    assert_eq!(der::octets_of_bits(&[0]), Some(&[][..]));
    assert_eq!(der::octets_of_bits(&[1, 2]), None);
    assert_eq!(der::octets_of_bits(&[]), None);
}

/// Tags with more than one octet are not known; each other tag is, and a value tells where it begins and ends.
#[test]
fn values_of_every_tag() {
    for tag in 0..=255 {
        let octets = [tlv(tag, b"ab"), tlv(INTEGER, b"c")].concat();
        let mut reader = Reader::new(&octets);
        let known = tag & 0x1F != 0x1F;
        match reader.value() {
            Some(value) => {
                assert!(known, "{tag:#x}");
                assert_eq!(
                    (value.tag, value.content, value.whole),
                    (tag, &b"ab"[..], &octets[..4])
                );
                assert_eq!(reader.expect(INTEGER), Some(&b"c"[..]));
            }
            None => assert!(!known, "{tag:#x}"),
        }
        let count = Reader::new(&octets).count();
        assert_eq!(count, if known { 2 } else { 0 });
    }
    for number in 0..=30 {
        assert_eq!(der::context(number), 128 + number);
        assert_eq!(der::constructed(number), 160 + number);
    }
    let twice = [tlv(INTEGER, b"1"), tlv(INTEGER, b"2")].concat();
    assert_eq!(der::only(&twice[..3], INTEGER), Some(&b"1"[..]));
    assert_eq!(der::only(&twice[..3], BOOLEAN), None);
    assert_eq!(der::only(&twice, INTEGER), None);
}

/// A subtree of this kind, with what comes behind its base.
fn subtree(tag: u8, content: &[u8], behind: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&tlv(tag, content), behind].concat())
}

fn named(tag: u8, content: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &tlv(0xA0, &subtree(tag, content, &[])))
}

/// RFC 5280 section 4.2.1.10.
#[test]
fn name_constraints() {
    let good = subtree(constraints::DNS_NAME, b"example", &[]);
    let other = subtree(constraints::IP_ADDRESS, &[10, 0, 0, 0, 255, 0, 0, 0], &[]);
    let both = [good.clone(), other.clone()].concat();
    for (fields, subtrees) in [
        (tlv(0xA0, &good), 1),
        (tlv(0xA1, &good), 1),
        (tlv(0xA0, &both), 2),
        ([tlv(0xA0, &both), tlv(0xA1, &good)].concat(), 3),
        ([tlv(0xA0, &[]), tlv(0xA1, &good)].concat(), 1),
        ([tlv(0xA0, &good), tlv(0xA1, &[])].concat(), 1),
    ] {
        let value = tlv(SEQUENCE, &fields);
        assert_eq!(constraints::check(&value), Some(()), "{value:x?}");
        assert_eq!(constraints::count(&value), subtrees);
    }
    let minimum = tlv(0x80, &[0]);
    for fields in [
        vec![],
        tlv(0xA0, &[]),
        [tlv(0xA0, &[]), tlv(0xA1, &[])].concat(),
        [tlv(0xA1, &good), tlv(0xA0, &good)].concat(),
        [tlv(0xA0, &good), tlv(0xA2, &good)].concat(),
        tlv(0xA0, &subtree(constraints::DNS_NAME, b"example", &minimum)),
        tlv(
            0xA0,
            &[good.clone(), subtree(constraints::DNS_NAME, b".a", &[])].concat(),
        ),
        tlv(
            0xA1,
            &[good.clone(), subtree(constraints::DNS_NAME, b".a", &[])].concat(),
        ),
        tlv(0xA0, b"no DER"),
    ] {
        let value = tlv(SEQUENCE, &fields);
        assert_eq!(constraints::check(&value), None, "{value:x?}");
    }
    assert_eq!(constraints::check(&tlv(0x31, &tlv(0xA0, &good))), None);
    assert_eq!(constraints::count(&tlv(0x31, &tlv(0xA0, &good))), 0);
}

#[test]
fn what_a_subtree_may_say() {
    let dns = constraints::DNS_NAME;
    let ip = constraints::IP_ADDRESS;
    for (tag, content, right) in [
        (dns, &b"a.example"[..], true),
        (dns, b"", true),
        (dns, b".example", false),
        (dns, b"*.example", false),
        (dns, b"a*", false),
        (ip, &[10, 0, 0, 0, 255, 0, 0, 0], true),
        (ip, &[10, 0, 0, 0, 0, 255, 0, 0], false),
        (ip, &[10, 0, 0, 0], false),
        (ip, &[10; 7], false),
        // Another form of a name has no syntax that is looked at.
        (0x81, b".*", true),
        (0xA4, b"", true),
    ] {
        let checked = constraints::check(&named(tag, content));
        assert_eq!(checked.is_some(), right, "{tag:#x} {content:x?}");
    }
}

/// Ones, then zeros, whatever stands where the mask changes, in both families.
#[test]
fn masks_of_both_families() {
    for octets in [4, 16] {
        for ones in 0..=8 * octets {
            let mut mask = vec![0_u8; octets];
            (0..ones).for_each(|bit| mask[bit / 8] |= 0x80 >> (bit % 8));
            let name = [vec![1; octets], mask.clone()].concat();
            let check = |name: &[u8]| constraints::check(&named(constraints::IP_ADDRESS, name));
            assert_eq!(check(&name), Some(()), "{mask:x?}");
            // A single one behind the first zero.
            for bit in ones + 1..8 * octets {
                let mut holed = name.clone();
                holed[octets + bit / 8] |= 0x80 >> (bit % 8);
                assert_eq!(check(&holed), None, "{holed:x?}");
            }
            // A whole octet of ones behind an octet of zeros.
            for at in ones / 8 + 2..octets {
                let mut holed = name.clone();
                holed[octets + at] = 0xFF;
                assert_eq!(check(&holed), None, "{holed:x?}");
            }
        }
    }
}
