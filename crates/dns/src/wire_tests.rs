//! Messages octet by octet: what counts of an answer, and where a name ends.

use crate::answer::tests::{a, answer, cname, name};
use crate::name::{MAX, skip};
use crate::{Answer, Found, Name, RecordType};
use std::vec::Vec;

fn follow(question: &str, message: &[u8], kind: RecordType) -> (Found, Name) {
    let mut name = name(question);
    let answer = Answer::parse(message, &name, kind).unwrap();
    let found = answer.follow(&mut name, kind);
    (found, name)
}

fn found(message: &[u8]) -> Vec<String> {
    let (found, _) = follow("a.example", message, RecordType::A);
    found.addresses.iter().map(ToString::to_string).collect()
}

/// RFC 1035 section 4.1.1: number, response code and the bit TC; the other bits say nothing.
#[test]
fn the_head_of_an_answer() {
    let mut message = answer("a.example", &[]);
    for code in 0..16 {
        for (high, truncated) in [(0x80, false), (0x85, false), (0x82, true), (0x87, true)] {
            message[2] = high;
            message[3] = 0xf0 | code;
            let head = Answer::parse(&message, &name("a.example"), RecordType::A).unwrap();
            assert_eq!(
                (head.id, head.code, head.truncated),
                (0xabcd, code, truncated)
            );
        }
    }
}

/// A record of another class, type or owner is no address of the name.
#[test]
fn only_records_of_the_name_count() {
    let good = answer(
        "a.example",
        &[("a.example", 1, 60, a(2)), ("a.example", 1, 50, a(3))],
    );
    assert_eq!(found(&good), ["10.0.2.2", "10.0.2.3"]);
    let record = 12 + 11 + 4;
    // Of the owner's name, type and class, in the first record.
    for (at, octet) in [(1, b'b'), (12, 2), (12, 28), (14, 3), (13, 1)] {
        let mut other = good.clone();
        other[record + at] = octet;
        assert_eq!(found(&other), ["10.0.2.3"], "octet {at}");
    }
    let (both, _) = follow("a.example", &good, RecordType::A);
    assert_eq!((both.ttl, both.alias), (50, false));
}

/// RFC 1034 section 3.6.2: a name with an alias has nothing else. A server that sends both is taken at its addresses.
#[test]
fn an_address_beside_an_alias() {
    let alias = ("a.example", 5, 10, cname("b.example"));
    let address = ("a.example", 1, 60, a(2));
    let behind = ("b.example", 1, 60, a(3));
    for records in [
        [alias.clone(), address.clone(), behind.clone()],
        [address, behind, alias],
    ] {
        let message = answer("a.example", &records);
        let (both, last) = follow("a.example", &message, RecordType::A);
        assert_eq!(found(&message), ["10.0.2.2"]);
        assert_eq!((both.ttl, both.alias, last), (60, false, name("a.example")));
    }
}

/// The alias is damaged: what was found so far counts, and no other name is asked for.
#[test]
fn an_alias_that_is_no_name() {
    let damaged = heapless::Vec::from_slice(&[5, b'b']).unwrap();
    let message = answer("a.example", &[("a.example", 5, 60, damaged)]);
    let (none, _) = follow("a.example", &message, RecordType::A);
    assert_eq!((none.addresses.len(), none.alias), (0, false));
}

/// Eight aliases in one answer, and not nine.
#[test]
fn the_longest_chain_in_an_answer() {
    for (links, addresses) in [(8, 1), (9, 0)] {
        let names: Vec<_> = (0..=links).map(|link| format!("n{link}.example")).collect();
        let mut records: Vec<_> = names
            .windows(2)
            .map(|pair| (pair[0].as_str(), 5, 60, cname(&pair[1])))
            .collect();
        records.push((names[links].as_str(), 1, 60, a(2)));
        let message = answer("n0.example", &records);
        let (end, _) = follow("n0.example", &message, RecordType::A);
        assert_eq!(end.addresses.len(), addresses, "{links}");
    }
}

/// The first 64 records are looked at, and the first four addresses are kept. Of what is not kept the time does not count.
#[test]
fn how_much_of_an_answer_counts() {
    for (others, addresses) in [(63, 1), (64, 0)] {
        let mut records = vec![("x.example", 1, 60, a(9)); others];
        records.push(("a.example", 1, 60, a(2)));
        assert_eq!(found(&answer("a.example", &records)).len(), addresses);
    }
    let records: Vec<_> = (1..=5)
        .map(|last| ("a.example", 1, 100 - u32::from(last), a(last)))
        .collect();
    let (kept, _) = follow("a.example", &answer("a.example", &records), RecordType::A);
    assert_eq!((kept.addresses.len(), kept.ttl), (4, 96));
}

/// Type 28, with the 16 octets of an IPv6 address.
#[test]
fn addresses_of_ipv6_have_sixteen_octets() {
    let long = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let data = |len: usize| heapless::Vec::from_slice(&long[..len]).unwrap();
    let records = [
        ("a.example", 28, 60, data(4)),
        ("a.example", 28, 60, data(15)),
        ("a.example", 1, 60, data(16)),
        ("a.example", 28, 60, data(16)),
    ];
    let mut message = answer("a.example", &records);
    message[24] = 28;
    let (only, _) = follow("a.example", &message, RecordType::Aaaa);
    assert_eq!(
        only.addresses,
        ["2001:db8::7".parse::<core::net::IpAddr>().unwrap()]
    );
    // A question of the other type.
    assert!(Answer::parse(&message, &name("a.example"), RecordType::A).is_none());
}

/// RFC 1035 section 4.1.4: a length has the highest bits 00, a pointer 11. The other two are reserved.
#[test]
fn lengths_with_reserved_bits() {
    for (len, known) in [
        (0x3f, true),
        (0x40, false),
        (0x7f, false),
        (0x80, false),
        (0xbf, false),
    ] {
        let mut message = vec![len];
        message.resize(300, b'a');
        message[usize::from(len) + 1] = 0;
        let end = usize::from(len) + 2;
        assert_eq!(skip(&message, 0), known.then_some(end), "{len:#x}");
        assert_eq!(Name::new().read(&message, 0).is_some(), known, "{len:#x}");
    }
    // Cut within the label, before the end of the name, and within a pointer.
    assert_eq!(skip(b"\x02a", 0), None);
    assert_eq!(skip(b"\x01a", 0), None);
    assert_eq!(skip(b"\x01a\xc0", 0), None);
    assert_eq!(skip(b"\x01a\xc0\x00", 0), Some(4));
    assert_eq!(skip(b"", 0), None);
}

/// Sixteen pointers are followed in a name. A pointer to its own place, or further on, is none.
#[test]
fn how_many_pointers_are_followed() {
    for (pointers, known) in [(16, true), (17, false)] {
        let mut message = b"\x01a\0".to_vec();
        let mut to = 0;
        for _ in 0..pointers {
            let at = message.len() as u8;
            message.extend([0xc0, to]);
            to = at;
        }
        let at = usize::from(to);
        assert_eq!(name("a").is_at(&message, at), known, "{pointers}");
        let mut read = Name::new();
        assert_eq!(read.read(&message, at).is_some(), known);
    }
    // The six lower bits of the first octet count.
    let mut message = vec![0; 0x1234];
    message.extend(b"\x01a\0");
    message.extend([0xc0 | 0x12, 0x34]);
    assert!(name("a").is_at(&message, 0x1237));
    let mut message = b"\0".to_vec();
    message.extend([0xc0, 3, 1, b'a', 0]);
    assert!(!name("a").is_at(&message, 1));
}

/// The longest name that a message may have is read, and a longer one is not.
#[test]
fn the_longest_name_in_a_message() {
    let text = [
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(61),
    ]
    .join(".");
    let mut message = name(&text).octets().to_vec();
    assert_eq!(message.len(), MAX);
    let mut read = Name::new();
    assert_eq!(read.read(&message, 0), Some(()));
    assert_eq!(read, name(&text));
    message[192] = 62;
    message.insert(193, b'd');
    assert_eq!(read.read(&message, 0), None);
}

#[test]
fn names_with_a_domain_behind_them() {
    let join = |first: &str, domain: &str| {
        let mut joined = Name::new();
        joined
            .join(&name(first), domain)
            .map(|()| joined.octets().to_vec())
    };
    assert_eq!(join("fw", ""), Ok(b"\x02fw\0".to_vec()));
    assert_eq!(join("fw", "."), Ok(b"\x02fw\0".to_vec()));
    assert_eq!(join("fw", "Lan"), Ok(b"\x02fw\x03lan\0".to_vec()));
    assert!(join("fw", "a..b").is_err());
    // The longest one, and one octet more.
    let long = ["a".repeat(63), "b".repeat(63), "c".repeat(63)].join(".");
    assert_eq!(join(&"d".repeat(61), &long).unwrap().len(), MAX);
    assert!(join(&"d".repeat(62), &long).is_err());
}
