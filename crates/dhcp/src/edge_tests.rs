//! Leases at the edges of what is accepted, as octets of a DHCPACK.

use crate::error::DhcpError;
use crate::lease::Lease;
use crate::model::{REPLY, message};
use crate::options::code;
use crate::packet::{Header, MessageType, Packet};
use core::net::Ipv4Addr;
use netboot_core::{Duration, Instant};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// The lease in a DHCPACK for `address` with these options.
fn lease(address: Ipv4Addr, options: &[(u8, &[u8])]) -> Result<Lease, DhcpError> {
    let header = Header {
        yiaddr: address,
        ..REPLY
    };
    let wire = message(&header, MessageType::Ack, options);
    let packet = Packet::parse(&wire).unwrap();
    Lease::parse(&packet, SERVER, Instant::from_millis(5))
}

/// Lease time, T1 and T2 in seconds, from options 51, 58 and 59.
fn times(lease_secs: u32, t1: Option<u32>, t2: Option<u32>) -> (u64, u64, u64) {
    let octets = [Some(lease_secs), t1, t2].map(|secs| secs.map(u32::to_be_bytes));
    let codes = [code::LEASE_TIME, code::RENEWAL_TIME, code::REBINDING_TIME];
    let options: Vec<(u8, &[u8])> = codes
        .into_iter()
        .zip(&octets)
        .filter_map(|(code, octets)| Some((code, octets.as_ref()?.as_slice())))
        .collect();
    let lease = lease(Ipv4Addr::new(10, 0, 0, 9), &options).unwrap();
    assert_eq!(lease.expires_at(), lease.obtained + lease.lease_time);
    (
        lease.lease_time.as_secs(),
        lease.t1.as_secs(),
        lease.t2.as_secs(),
    )
}

/// T1 < T2 < lease time (RFC 2131 section 4.4.5). A value that breaks this is replaced, its neighbour is not.
#[test]
fn times_at_their_edges() {
    // The least lease is a minute.
    assert_eq!(times(59, None, None), (60, 30, 53));
    assert_eq!(times(60, None, None), (60, 30, 53));
    assert_eq!(times(61, None, None), (61, 30, 54));
    // T2 from 2 s to a second before the end.
    assert_eq!(times(800, None, Some(1)), (800, 400, 700));
    assert_eq!(times(800, None, Some(2)), (800, 1, 2));
    assert_eq!(times(800, None, Some(799)), (800, 400, 799));
    assert_eq!(times(800, None, Some(800)), (800, 400, 700));
    // T1 from 1 s to a second before T2.
    assert_eq!(times(800, Some(0), None), (800, 400, 700));
    assert_eq!(times(800, Some(1), None), (800, 1, 700));
    assert_eq!(times(800, Some(699), None), (800, 699, 700));
    assert_eq!(times(800, Some(700), None), (800, 400, 700));
    assert_eq!(times(800, Some(5), Some(5)), (800, 2, 5));
    // Half of the lease counts as T1 only if it is before T2.
    assert_eq!(times(800, None, Some(401)), (800, 400, 401));
    assert_eq!(times(800, None, Some(400)), (800, 200, 400));
    // The longest lease that ends, and the one that does not.
    let last = u32::MAX - 1;
    assert_eq!(times(last, None, None).0, u64::from(last));
    let for_ever = times(u32::MAX, Some(1), Some(2));
    assert_eq!(for_ever.0, Duration::MAX.as_secs());
    assert_eq!((for_ever.1, for_ever.2), (for_ever.0, for_ever.0));
}

/// RFC 791: the class by the first octet, for servers that send no mask.
#[test]
fn the_prefix_of_each_class_and_of_each_mask() {
    for (first, expected) in [(1, 8), (126, 8), (128, 16), (191, 16), (192, 24), (223, 24)] {
        let address = Ipv4Addr::new(first, 2, 3, 4);
        assert_eq!(lease(address, &[]).unwrap().config.prefix_len, expected);
        for len in 1..=32u8 {
            let mask = (u32::MAX << (32 - len)).to_be_bytes();
            let told = lease(address, &[(code::SUBNET_MASK, &mask)]).unwrap();
            assert_eq!(told.config.prefix_len, len);
        }
        // A mask with a hole, none at all, and one that is too short count as absent.
        for mask in [&[255, 0, 255, 0][..], &[0; 4], &[255, 255, 255]] {
            let told = lease(address, &[(code::SUBNET_MASK, mask)]).unwrap();
            assert_eq!(told.config.prefix_len, expected, "{mask:?}");
        }
    }
}

#[test]
fn the_least_mtu_is_that_of_ipv4() {
    for (mtu, expected) in [
        (67u16, None),
        (68, Some(68)),
        (1500, Some(1500)),
        (u16::MAX, Some(u16::MAX)),
    ] {
        let octets = mtu.to_be_bytes();
        let told = lease(Ipv4Addr::new(10, 0, 0, 9), &[(code::MTU, &octets)]).unwrap();
        assert_eq!(told.config.mtu, expected);
    }
}

#[test]
fn an_address_that_no_host_can_have_is_refused_by_name() {
    for address in [
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::LOCALHOST,
        Ipv4Addr::new(224, 0, 0, 1),
        Ipv4Addr::BROADCAST,
    ] {
        assert_eq!(
            lease(address, &[]).err(),
            Some(DhcpError::WrongAddress { address })
        );
    }
}

/// The configuration has the length of the lease, unless it is for ever.
#[test]
fn the_length_of_the_lease_is_in_the_configuration() {
    let address = Ipv4Addr::new(10, 0, 0, 9);
    for (secs, expected) in [(60, Some(60)), (7200, Some(7200)), (u32::MAX, None)] {
        let octets = secs.to_be_bytes();
        let config = lease(address, &[(code::LEASE_TIME, &octets)])
            .unwrap()
            .config;
        assert_eq!(config.lease_time, expected.map(Duration::from_secs));
    }
    let config = lease(address, &[]).unwrap().config;
    assert_eq!(config.lease_time, Some(Duration::from_secs(3600)));
}

/// Option 121 is read to its 255th octet. Of what is longer it is known that something was left out.
#[test]
fn the_longest_list_of_routes() {
    // 31 routes of eight octets, one of seven, and more in a second instance.
    let mut routes = Vec::new();
    for network in 0..31 {
        routes.extend([24, 172, 16, network, 10, 0, 0, 254]);
    }
    routes.extend([16, 172, 17, 10, 0, 0, 254]);
    assert_eq!(routes.len(), 255);
    for (more, left_out) in [(&[][..], 24), (&[16, 172, 18, 10, 0, 0, 254], 25)] {
        let options = [
            (code::CLASSLESS_ROUTES, &routes[..]),
            (code::CLASSLESS_ROUTES, more),
        ];
        let config = lease(Ipv4Addr::new(10, 0, 0, 9), &options).unwrap().config;
        assert_eq!(config.routes.len(), 8);
        assert_eq!(config.routes_left_out, left_out);
    }
    // As long, and damaged at its end.
    routes[248] = 33;
    let options = [(code::CLASSLESS_ROUTES, &routes[..])];
    let config = lease(Ipv4Addr::new(10, 0, 0, 9), &options).unwrap().config;
    assert!(config.routes.is_empty() && config.routers.is_empty());
}

/// RFC 3397, with the encoding of RFC 1035: the first domain, whole or not at all.
#[test]
fn the_first_search_domain() {
    let label = |len: usize| [&[len as u8][..], &b"x".repeat(len)].concat();
    let long = [label(63), vec![0]].concat();
    let cases: [(&[u8], &str); 12] = [
        (b"\x03lab\x07example\0", "lab.example"),
        (b"\x03lab\0", "lab"),
        // A second domain, in full and by a pointer.
        (b"\x03lab\0\x05other\0", "lab"),
        (b"\x03lab\0\x05other\xc0\x00", "lab"),
        // A pointer in the first domain, no end, a label that is cut short, and none at all.
        (b"\x03lab\xc0\x00", ""),
        (b"\x03lab", ""),
        (b"\x03lab\x07exam", ""),
        (b"\0", ""),
        (b"\0\x03lab\0", ""),
        // Labels that are no text.
        (b"\x03l\nb\0", ""),
        (b"\x02\xff\xfe\0", ""),
        (&long, &"x".repeat(63)),
    ];
    for (wire, expected) in cases {
        let options = [(code::DOMAIN_SEARCH, wire)];
        let told = lease(Ipv4Addr::new(10, 0, 0, 9), &options).unwrap().config;
        assert_eq!(told.search, expected, "{wire:?}");
    }
    // A length of 64 is none.
    let wire = [label(64), vec![0]].concat();
    let options = [(code::DOMAIN_SEARCH, &wire[..])];
    let told = lease(Ipv4Addr::new(10, 0, 0, 9), &options).unwrap().config;
    assert_eq!(told.search, "");
    // The longest domain that is kept has 128 octets with its dots; the next longer one is left out.
    for (labels, kept) in [([63, 62, 1], 128), ([63, 63, 1], 0)] {
        let wire = [&labels.map(label).concat()[..], &[0]].concat();
        let options = [(code::DOMAIN_SEARCH, &wire[..])];
        let told = lease(Ipv4Addr::new(10, 0, 0, 9), &options).unwrap().config;
        assert_eq!(told.search.len(), kept);
    }
}

/// RFC 2132 section 9.6.
#[test]
fn message_types_by_number() {
    use MessageType::{Ack, Decline, Discover, Inform, Nak, Offer, Release, Request};
    let all = [Discover, Offer, Request, Decline, Ack, Nak, Release, Inform];
    for (number, message) in (1..).zip(all) {
        assert_eq!(MessageType::from_wire(number), Some(message));
        assert_eq!(message.to_wire(), number);
    }
    for number in [0, 9, 255] {
        assert_eq!(MessageType::from_wire(number), None);
    }
}

/// RFC 2131 section 2, figure 2: of the flags only the highest bit means something.
#[test]
fn the_flag_broadcast() {
    let mut header = Header {
        reply: false,
        xid: 0x0102_0304,
        secs: 0x0506,
        ..REPLY
    };
    for broadcast in [false, true] {
        header.broadcast = broadcast;
        let mut wire = message(&header, MessageType::Discover, &[]);
        assert_eq!(wire[10..12], [if broadcast { 0x80 } else { 0 }, 0]);
        wire[10] |= 0x7f;
        assert_eq!(Packet::parse(&wire).unwrap().header, header);
    }
}
