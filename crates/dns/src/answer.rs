//! One answer of a server (RFC 1035, section 4.1).
//!
//! The records of an answer come in any order: RFC 1034 (section 3.6) calls them a set. So the chain from the name over its aliases
//! to the addresses is followed by looking through all records for each of its links.

use crate::MAX_ADDRESSES;
use crate::name::{Name, skip};
use core::net::IpAddr;
use heapless::Vec;

/// Octets of the head of a message.
const HEAD: usize = 12;
/// Number of records that are looked at.
const RECORDS: usize = 64;
/// Number of aliases that are followed in one answer.
const ALIASES: usize = 8;
/// Record type of an alias.
const CNAME: u16 = 5;
/// The class of the Internet.
const INTERNET: u16 = 1;

/// What is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordType {
    /// IPv4 addresses.
    #[default]
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// An answer to a query, its head looked at.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'m> {
    message: &'m [u8],
    /// Number that the query had.
    pub id: u16,
    /// The response code: 0 for success, 3 for a name that does not exist.
    pub code: u8,
    /// Set when the answer was cut to fit the datagram.
    pub truncated: bool,
    /// Where the records begin.
    records: usize,
    count: usize,
}

/// What an answer says of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The addresses, in the server's order.
    pub addresses: Vec<IpAddr, MAX_ADDRESSES>,
    /// Seconds for which the answer may be kept.
    pub ttl: u32,
    /// Set when the name is an alias: the name in question was replaced by the last one of the chain.
    pub alias: bool,
}

/// One record.
struct Record<'m> {
    /// Where its owner's name is.
    owner: usize,
    kind: u16,
    class: u16,
    ttl: u32,
    data: &'m [u8],
    /// Where its data is.
    at: usize,
}

impl<'m> Answer<'m> {
    /// Reads the head of a message. `None` when it is no answer to a question for `name` of this type.
    #[inline(never)]
    pub fn parse(message: &'m [u8], name: &Name, kind: RecordType) -> Option<Self> {
        let short = |at: usize| {
            let octets = message.get(at..)?.first_chunk()?;
            Some(u16::from_be_bytes(*octets))
        };
        let flags = short(2)?;
        // An answer to a standard query with one question.
        if flags & 0xF800 != 0x8000 || short(4)? != 1 || !name.is_at(message, HEAD) {
            return None;
        }
        let question = skip(message, HEAD)?;
        let same =
            short(question)? == kind.number() && short(question.checked_add(2)?)? == INTERNET;
        same.then_some(Self {
            message,
            id: short(0)?,
            code: (flags & 0xf) as u8,
            truncated: flags & 0x0200 != 0,
            records: question.checked_add(4)?,
            count: usize::from(short(6)?).min(RECORDS),
        })
    }

    /// Follows the aliases of `name`, and collects the addresses at their end. `name` becomes the last alias.
    #[inline(never)]
    pub fn follow(&self, name: &mut Name, kind: RecordType) -> Found {
        let mut found = Found {
            addresses: Vec::new(),
            ttl: u32::MAX,
            alias: false,
        };
        for _ in 0..=ALIASES {
            let mut next = None;
            for record in self.records() {
                if record.class != INTERNET || !name.is_at(self.message, record.owner) {
                    continue;
                }
                if record.kind == CNAME {
                    next = Some(record);
                } else if record.kind == kind.number()
                    && let Some(address) = kind.address(record.data)
                    && !found.addresses.contains(&address)
                    && found.addresses.push(address).is_ok()
                {
                    found.ttl = found.ttl.min(record.ttl);
                }
            }
            let Some(alias) = next.filter(|_| found.addresses.is_empty()) else {
                break;
            };
            if name.read(self.message, alias.at).is_none() {
                break;
            }
            found.ttl = found.ttl.min(alias.ttl);
            found.alias = true;
        }
        found
    }

    fn records(&self) -> impl Iterator<Item = Record<'m>> {
        let message = self.message;
        let mut at = self.records;
        (0..self.count).map_while(move |_| {
            let record = Record::read(message, at)?;
            at = record.at.checked_add(record.data.len())?;
            Some(record)
        })
    }
}

impl<'m> Record<'m> {
    #[inline(never)]
    fn read(message: &'m [u8], owner: usize) -> Option<Self> {
        let fixed_at = skip(message, owner)?;
        let fixed: &[u8; 10] = message.get(fixed_at..)?.first_chunk()?;
        let [
            kind_high,
            kind_low,
            class_high,
            class_low,
            t0,
            t1,
            t2,
            t3,
            len_high,
            len_low,
        ] = *fixed;
        let at = fixed_at.checked_add(fixed.len())?;
        let len = usize::from(u16::from_be_bytes([len_high, len_low]));
        Some(Self {
            owner,
            kind: u16::from_be_bytes([kind_high, kind_low]),
            class: u16::from_be_bytes([class_high, class_low]),
            ttl: u32::from_be_bytes([t0, t1, t2, t3]),
            data: message.get(at..)?.get(..len)?,
            at,
        })
    }
}

impl RecordType {
    /// The type's number in a message.
    pub(crate) const fn number(self) -> u16 {
        match self {
            RecordType::A => 1,
            RecordType::Aaaa => 28,
        }
    }

    /// Reads a record's data. Whether a host can have the address, the caller finds out. `None` for data of another length.
    fn address(self, data: &[u8]) -> Option<IpAddr> {
        Some(match self {
            RecordType::A => IpAddr::from(<[u8; 4]>::try_from(data).ok()?),
            RecordType::Aaaa => IpAddr::from(<[u8; 16]>::try_from(data).ok()?),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn name(text: &str) -> Name {
        let mut name = Name::new();
        name.set(text).unwrap();
        name
    }

    /// An answer with these records: owner, type, TTL, data; names are spelled out.
    pub(crate) fn answer(
        question: &str,
        records: &[(&str, u16, u32, Vec<u8, 64>)],
    ) -> std::vec::Vec<u8> {
        let mut message = vec![
            0xab,
            0xcd,
            0x81,
            0x80,
            0,
            1,
            0,
            records.len() as u8,
            0,
            0,
            0,
            0,
        ];
        let wire = |text: &str| {
            let mut out = std::vec::Vec::new();
            for label in text.split('.') {
                out.push(label.len() as u8);
                out.extend(label.bytes());
            }
            out.push(0);
            out
        };
        message.extend(wire(question));
        message.extend([0, 1, 0, 1]);
        for (owner, kind, ttl, data) in records {
            message.extend(wire(owner));
            message.extend(kind.to_be_bytes());
            message.extend([0, 1]);
            message.extend(ttl.to_be_bytes());
            message.extend((data.len() as u16).to_be_bytes());
            message.extend(data);
        }
        message
    }

    pub(crate) fn a(last: u8) -> Vec<u8, 64> {
        Vec::from_slice(&[10, 0, 2, last]).unwrap()
    }

    pub(crate) fn cname(to: &str) -> Vec<u8, 64> {
        Vec::from_slice(name(to).octets()).unwrap()
    }

    fn follow(question: &str, message: &[u8]) -> (Found, Name) {
        let mut name = name(question);
        let answer = Answer::parse(message, &name, RecordType::A).unwrap();
        let found = answer.follow(&mut name, RecordType::A);
        (found, name)
    }

    fn addresses(question: &str, message: &[u8]) -> std::vec::Vec<String> {
        let (found, _) = follow(question, message);
        found.addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn records_in_any_order() {
        let chain = [
            ("images.example", 5, 60, cname("b.example")),
            ("b.example", 5, 30, cname("c.example")),
            ("c.example", 1, 90, a(2)),
            ("c.example", 1, 90, a(3)),
            ("other.example", 1, 90, a(9)),
        ];
        // Every rotation, and the reverse of each.
        for turn in 0..chain.len() {
            for reverse in [false, true] {
                let mut records = chain.to_vec();
                records.rotate_left(turn);
                if reverse {
                    records.reverse();
                }
                let message = answer("images.example", &records);
                let mut found = addresses("images.example", &message);
                found.sort();
                assert_eq!(found, ["10.0.2.2", "10.0.2.3"], "{turn} {reverse}");
                let (found, _) = follow("images.example", &message);
                assert_eq!((found.ttl, found.alias), (30, true));
            }
        }
    }

    #[test]
    fn letters_in_any_case() {
        let records = [
            ("IMAGES.EXAMPLE", 5, 60, cname("B.Example")),
            ("b.example", 1, 60, a(2)),
        ];
        let mut message = answer("iMages.example", &records);
        assert_eq!(addresses("images.example", &message), ["10.0.2.2"]);
        // By a pointer to the question, whose letters are in another case.
        message.truncate(32);
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 2, 7]);
        message[7] = 1;
        assert_eq!(addresses("images.example", &message), ["10.0.2.7"]);
    }

    #[test]
    fn a_chain_without_its_end_names_what_to_ask_for() {
        let message = answer("a.example", &[("a.example", 5, 60, cname("b.example"))]);
        let (found, last) = follow("a.example", &message);
        assert!(found.addresses.is_empty() && found.alias);
        assert_eq!(last, name("b.example"));
        // In circles: an end is found all the same.
        let circle = [
            ("a.example", 5, 60, cname("b.example")),
            ("b.example", 5, 60, cname("a.example")),
        ];
        let (found, _) = follow("a.example", &answer("a.example", &circle));
        assert!(found.addresses.is_empty());
    }

    #[test]
    fn addresses_of_other_lengths_and_repeated_ones_are_left_out() {
        let records = [
            ("a.example", 1, 60, Vec::from_slice(&[10, 0, 2]).unwrap()),
            ("a.example", 1, 60, a(2)),
            ("a.example", 1, 60, a(2)),
        ];
        assert_eq!(
            addresses("a.example", &answer("a.example", &records)),
            ["10.0.2.2"]
        );
    }

    #[test]
    fn answers_to_other_questions_are_none() {
        let good = answer("a.example", &[("a.example", 1, 60, a(2))]);
        let parse =
            |message: &[u8]| Answer::parse(message, &name("a.example"), RecordType::A).is_some();
        assert!(parse(&good));
        assert!(!parse(&answer("b.example", &[("a.example", 1, 60, a(2))])));
        // No answer, another kind of query, no question, another type, another class.
        for (at, octet) in [(2, 0x01), (2, 0xa8), (5, 0), (5, 2), (24, 28), (26, 3)] {
            let mut bad = good.clone();
            bad[at] = octet;
            assert!(!parse(&bad), "octet {at}");
        }
        for len in 0..27 {
            assert!(!parse(&good[..len]), "{len}");
        }
        // Records that are cut short count as far as they are whole.
        for len in 27..good.len() {
            assert!(addresses("a.example", &good[..len]).is_empty());
        }
    }
}
