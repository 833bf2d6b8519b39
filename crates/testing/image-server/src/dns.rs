//! DNS server for A and AAAA records: RFC 1035 section 4, RFC 3596.

use crate::faults::DnsFault;
use crate::served::Protocol;
use crate::shared::Shared;
use crate::stack::Stack;
use netboot_core::Instant;
use rand_core::RngCore;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp;
use std::net::IpAddr;

const PORT: u16 = 53;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_CNAME: u16 = 5;
const CLASS_IN: u16 = 1;
const NXDOMAIN: u8 = 3;
const NOTIMP: u8 = 4;
/// A pointer to the name in the question (section 4.1.4).
const QUESTION_NAME: [u8; 2] = [0xC0, 12];
const TTL: [u8; 4] = 60_u32.to_be_bytes();
/// Answers that wait for their time.
const MOST_PENDING: usize = 256;

/// The DNS server.
pub struct Dns {
    socket: Option<SocketHandle>,
    pending: Vec<(Instant, udp::UdpMetadata, Vec<u8>)>,
}

impl Dns {
    /// Listens on port 53.
    pub fn new(stack: &mut Stack) -> Self {
        Self {
            socket: stack.udp(PORT, 32, 512),
            pending: Vec::new(),
        }
    }

    /// Answers what was asked; whether anything was sent.
    pub fn service(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let Some(handle) = self.socket else {
            return false;
        };
        let socket = stack.sockets.get_mut::<udp::Socket<'_>>(handle);
        while let Ok((query, mut meta)) = socket.recv() {
            let Some((due, answer)) = respond(now, query, shared) else {
                continue;
            };
            meta.meta = Default::default();
            if self.pending.len() < MOST_PENDING {
                self.pending.push((due, meta, answer));
            }
        }
        let before = self.pending.len();
        self.pending.retain(|(due, meta, answer)| {
            if *due > now {
                return true;
            }
            // A full socket or a broken return address loses the answer, as the network might.
            let _ = socket.send_slice(answer, *meta);
            false
        });
        before != self.pending.len()
    }

    /// When an answer that waits is due.
    pub fn poll_at(&self) -> Option<Instant> {
        self.pending.iter().map(|(due, ..)| *due).min()
    }
}

/// A query with one question.
struct Query<'a> {
    id: [u8; 2],
    /// Recursion desired: copied into the answer.
    recurse: u8,
    opcode: u8,
    /// The question as it came.
    question: &'a [u8],
    name: String,
    kind: u16,
    class: u16,
}

impl<'a> Query<'a> {
    fn parse(message: &'a [u8]) -> Option<Self> {
        let (head, rest) = message.split_at_checked(12)?;
        let is_query = head[2] & 0x80 == 0;
        if !is_query || head[4..6] != [0, 1] {
            return None;
        }
        let mut name = String::new();
        let mut cursor = rest;
        loop {
            let (&length, after) = cursor.split_first()?;
            cursor = after;
            match length {
                0 => break,
                1..=63 => {}
                // A question has no pointers.
                _ => return None,
            }
            let (label, after) = cursor.split_at_checked(length.into())?;
            cursor = after;
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&String::from_utf8_lossy(label).to_ascii_lowercase());
        }
        let (tail, after) = cursor.split_at_checked(4)?;
        Some(Self {
            id: [head[0], head[1]],
            recurse: head[2] & 1,
            opcode: head[2] >> 3 & 0x0F,
            question: &rest[..rest.len() - after.len()],
            name,
            kind: u16::from_be_bytes([tail[0], tail[1]]),
            class: u16::from_be_bytes([tail[2], tail[3]]),
        })
    }
}

/// When to answer, and what.
fn respond(now: Instant, message: &[u8], shared: &mut Shared) -> Option<(Instant, Vec<u8>)> {
    let query = Query::parse(message)?;
    let faults = shared.config.faults.dns.strike(&query.name);
    if faults.contains(&DnsFault::Silent) {
        shared.record(now, Protocol::Dns, &query.name, 0, false);
        return None;
    }
    let ipv4 = shared.config.dns.get(&query.name).copied();
    let known = shared.config.ipv6.as_ref();
    let ipv6 = known.and_then(|known| known.names.get(&query.name).copied());
    let mut rcode = match (query.opcode, ipv4.is_some() || ipv6.is_some()) {
        (1.., _) => NOTIMP,
        (_, false) => NXDOMAIN,
        _ => 0,
    };
    // The name may exist, but have no such record.
    let mut address: Option<IpAddr> = match (query.kind, query.class) {
        (TYPE_A, CLASS_IN) => ipv4.map(IpAddr::V4),
        (TYPE_AAAA, CLASS_IN) => ipv6.map(IpAddr::V6),
        _ => None,
    };
    let mut id = query.id;
    let mut due = now;
    let mut records = None;
    let (mut truncated, mut alias, mut pointer_loop, mut short) = (false, false, false, false);
    for fault in faults {
        match fault {
            DnsFault::Rcode(code) => (rcode, address) = (code & 0x0F, None),
            DnsFault::WrongId => id[0] ^= 1 + (shared.rng.next_u32() as u8 & 0x7F),
            DnsFault::Truncated => (truncated, address) = (true, None),
            DnsFault::Alias => alias = true,
            DnsFault::PointerLoop => pointer_loop = true,
            DnsFault::Short => short = true,
            DnsFault::Address(other) => (rcode, address) = (0, Some(other.into())),
            DnsFault::Delay(span) => due = now + span,
            DnsFault::Records(count, octets) => (rcode, records) = (0, Some((count, octets))),
            DnsFault::Silent => {}
        }
    }

    let answers: u8 = match (&records, address) {
        (Some((count, _)), _) => *count,
        (None, None) => 0,
        (None, Some(_)) if alias => 2,
        (None, Some(_)) => 1,
    };
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(&id);
    // Response, authoritative, recursion as desired and available.
    out.push(0x84 | query.recurse | if truncated { 0x02 } else { 0 });
    out.push(0x80 | rcode);
    out.extend_from_slice(&[0, 1, 0, answers, 0, 0, 0, 0]);
    out.extend_from_slice(query.question);
    if let Some((_, octets)) = &records {
        out.extend_from_slice(octets);
    } else if let Some(address) = address {
        let owner = if pointer_loop {
            let here = 0xC000 | out.len() as u16;
            here.to_be_bytes()
        } else {
            QUESTION_NAME
        };
        write_answer(&mut out, owner, address, alias);
    }
    if short {
        out.truncate(out.len().saturating_sub(3));
    }
    shared.record(now, Protocol::Dns, &query.name, rcode.into(), true);
    Some((due, out))
}

fn write_answer(out: &mut Vec<u8>, owner: [u8; 2], address: IpAddr, alias: bool) {
    let mut owner = owner;
    if alias {
        write_record(out, owner, TYPE_CNAME, b"\x04real\xC0\x0C");
        // The target is the data that was just written.
        owner = (0xC000 | (out.len() - 7) as u16).to_be_bytes();
    }
    match address {
        IpAddr::V4(address) => write_record(out, owner, TYPE_A, &address.octets()),
        IpAddr::V6(address) => write_record(out, owner, TYPE_AAAA, &address.octets()),
    }
}

fn write_record(out: &mut Vec<u8>, owner: [u8; 2], kind: u16, data: &[u8]) {
    out.extend_from_slice(&owner);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&CLASS_IN.to_be_bytes());
    out.extend_from_slice(&TTL);
    out.extend_from_slice(&[0, data.len() as u8]);
    out.extend_from_slice(data);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerConfig;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    const QUERY: &[u8] = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x06IMAGES\x04corp\0\0\x01\0\x01";

    fn shared() -> Shared {
        let mut config = ServerConfig::default();
        config
            .dns
            .insert("images.corp".into(), Ipv4Addr::new(10, 0, 0, 7));
        Shared::new(config)
    }

    fn ask(shared: &mut Shared, query: &[u8]) -> Option<Vec<u8>> {
        respond(Instant::ZERO, query, shared).map(|(_, answer)| answer)
    }

    fn with(fault: DnsFault) -> Vec<u8> {
        let mut shared = shared();
        shared.config.faults.dns.always(fault);
        ask(&mut shared, QUERY).unwrap()
    }

    #[test]
    fn known_name_is_answered_whatever_its_case() {
        let answer = ask(&mut shared(), QUERY).unwrap();
        assert_eq!(answer[..12], *b"\x12\x34\x85\x80\0\x01\0\x01\0\0\0\0");
        assert_eq!(answer[12..29], QUERY[12..29]);
        assert_eq!(
            answer[29..],
            *b"\xC0\x0C\0\x01\0\x01\0\0\0\x3C\0\x04\x0A\0\0\x07"
        );
    }

    #[test]
    fn unknown_name_other_type_and_other_opcode() {
        let mut query = QUERY.to_vec();
        query[13] = b'x';
        assert_eq!(ask(&mut shared(), &query).unwrap()[3] & 0xF, NXDOMAIN);
        let mut query = QUERY.to_vec();
        query[26] = 28;
        let answer = ask(&mut shared(), &query).unwrap();
        assert_eq!((answer[3] & 0xF, answer[7]), (0, 0));
        let mut query = QUERY.to_vec();
        query[2] = 0x28;
        assert_eq!(ask(&mut shared(), &query).unwrap()[3] & 0xF, NOTIMP);
    }

    #[test]
    fn faults_show() {
        assert_ne!(with(DnsFault::WrongId)[..2], QUERY[..2]);
        assert_eq!(with(DnsFault::Rcode(2))[3] & 0xF, 2);
        assert_eq!(with(DnsFault::Truncated)[2] & 2, 2);
        assert_eq!(with(DnsFault::Short).len(), 42);
        assert_eq!(with(DnsFault::PointerLoop)[29..31], [0xC0, 29]);
        let moved = with(DnsFault::Address(Ipv4Addr::new(1, 2, 3, 4)));
        assert_eq!(moved[41..], [1, 2, 3, 4]);

        let alias = with(DnsFault::Alias);
        assert_eq!(alias[7], 2);
        assert_eq!(alias[41..48], *b"\x04real\xC0\x0C");
        assert_eq!(alias[48..50], [0xC0, 41]);

        let mut silent = shared();
        silent.config.faults.dns.once(DnsFault::Silent);
        assert_eq!(ask(&mut silent, QUERY), None);
        assert!(ask(&mut silent, QUERY).is_some());

        let mut late = shared();
        let delay = netboot_core::Duration::from_secs(2);
        late.config.faults.dns.always(DnsFault::Delay(delay));
        let (due, _) = respond(Instant::ZERO, QUERY, &mut late).unwrap();
        assert_eq!(due, Instant::ZERO + delay);
    }

    proptest! {
        #[test]
        fn any_query_is_survived(tail in proptest::collection::vec(any::<u8>(), 0..60), cut in 0_usize..80) {
            let mut query = QUERY[..12].to_vec();
            query.extend_from_slice(&tail);
            query.truncate(cut);
            let _ = ask(&mut shared(), &query);
        }
    }
}
