//! The client's messages, octet by octet from the formats of RFC 8415 section 21, and what it makes of answers.

use super::*;
use crate::config::VendorClass;
use crate::v6::config::Duid;
use crate::v6::error::{MessageError, status};
use crate::v6::model::{CLIENT, DUID, MAC, PROMPT, association, ip, message, secs, status_data};
use crate::v6::packet::Packet;
use core::net::IpAddr;
use netboot_core::boot::BootOrigin;
use netboot_core::fuzz::Random;
use netboot_core::net::ConfigOrigin;

pub(super) const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
pub(super) const SERVER_ID: [u8; 4] = [0, 2, 9, 9];
pub(super) const IAID: u32 = 0x0012_3456;

/// A client and what it does, for tests that are a list of messages.
pub(super) struct Bench {
    pub client: Client,
    pub random: Random,
    pub now: Instant,
}

impl Bench {
    pub fn new(config: &Config<'_>, mode: Mode) -> Self {
        let mut random = Random(1);
        let mut client = Client::new(config).unwrap();
        client.start(Instant::ZERO, &mut random, mode);
        Self {
            client,
            random,
            now: Instant::ZERO,
        }
    }

    /// The next message, which has to be of this type.
    pub fn sent(&mut self, kind: MessageType) -> Vec<u8> {
        let mut buf = [0; TRANSMIT_MAX];
        let out = self
            .client
            .poll_transmit(self.now, &mut self.random, &mut buf);
        let wire = buf[..out.expect("a message is due").len].to_vec();
        assert_eq!(Packet::parse(&wire).unwrap().message, kind);
        wire
    }

    pub fn silent(&mut self) {
        let mut buf = [0; TRANSMIT_MAX];
        let out = self
            .client
            .poll_transmit(self.now, &mut self.random, &mut buf);
        assert_eq!(out, None);
    }

    pub fn handle(&mut self, wire: &[u8]) -> Result<Taken, Dhcp6Error> {
        self.client.handle(self.now, &mut self.random, SERVER, wire)
    }

    pub fn timer(&mut self) {
        self.now = self.client.poll_timeout().expect("a timer runs");
        self.client.handle_timeout(self.now, &mut self.random);
    }

    /// Calls the timer so many seconds after the start.
    pub fn at(&mut self, seconds: u64) {
        self.now = Instant::ZERO + secs(seconds);
        self.client.handle_timeout(self.now, &mut self.random);
    }

    /// A client with a lease of the address of [`ia`].
    pub fn bound() -> Self {
        let mut bench = Self::new(&PROMPT, Mode::Stateful);
        bench.bind(&ia());
        bench
    }

    /// A client whose lease is being renewed, from 500 s on.
    pub fn renewing() -> Self {
        let mut bench = Self::bound();
        bench.timer();
        bench.sent(MessageType::Renew);
        bench
    }

    /// A client that asks any server to extend its lease, from 800 s on.
    pub fn rebinding() -> Self {
        let mut bench = Self::bound();
        bench.at(800);
        bench.sent(MessageType::Rebind);
        bench
    }

    /// A message of the server to this client in its present exchange.
    pub fn answer(&self, kind: MessageType, options: &[(u16, &[u8])]) -> Vec<u8> {
        let ids: [(u16, &[u8]); 2] = [(1, &DUID), (2, &SERVER_ID)];
        message(kind, self.client.xid, &[&ids, options].concat())
    }

    /// Takes the client from its start to a Request for the address of `ia`.
    pub fn request(&mut self, ia: &[u8]) -> Vec<u8> {
        self.sent(MessageType::Solicit);
        let advertise = self.answer(MessageType::Advertise, &[(3, ia), (7, &[255])]);
        assert_eq!(self.handle(&advertise), Ok(Taken::Offer));
        self.sent(MessageType::Request)
    }

    /// Takes the client from its start to a lease of the address of `ia`.
    pub fn bind(&mut self, ia: &[u8]) {
        self.request(ia);
        let reply = self.answer(MessageType::Reply, &[(3, ia)]);
        assert_eq!(self.handle(&reply), Ok(Taken::Lease));
        assert_eq!(self.client.poll(self.now), Some(Event::Bound));
    }
}

/// An association with an address for 1000 and 2000 s, and T1 and T2 of the client's choice.
pub(super) fn ia() -> Vec<u8> {
    association(IAID, (0, 0), Some((ip(100), 1000, 2000)), &[])
}

/// The octets of a message behind its transaction id.
fn options(wire: &[u8]) -> &[u8] {
    &wire[4..]
}

const HEAD: [u8; 14] = [0, 1, 0, 10, 0, 3, 0, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56];
const SERVER_OPTION: [u8; 8] = [0, 2, 0, 4, 0, 2, 9, 9];
const ORO_STATEFUL: [u8; 20] = [
    0, 6, 0, 16, 0, 17, 0, 23, 0, 24, 0, 56, 0, 59, 0, 60, 0, 136, 0, 82,
];
const ORO_STATELESS: [u8; 22] = [
    0, 6, 0, 18, 0, 17, 0, 23, 0, 24, 0, 56, 0, 59, 0, 60, 0, 136, 0, 32, 0, 83,
];

/// Option 16, 61 and 62 of a PXE client.
fn classes() -> Vec<u8> {
    let text = b"PXEClient:Arch:00025:UNDI:003000";
    [
        &[0, 16, 0, 38, 0, 0, 1, 87, 0, 32][..],
        text,
        &[0, 61, 0, 4, 0, 0x19, 0, 0x1a, 0, 62, 0, 3, 1, 3, 0],
    ]
    .concat()
}

/// Option 3 of a client without an address, or with `last`.
fn own_association(last: Option<u16>) -> Vec<u8> {
    let address = last.map(|last| (ip(last), 0, 0));
    let data = association(IAID, (0, 0), address, &[]);
    [&[0, 3, 0, data.len() as u8][..], &data].concat()
}

fn elapsed(hundredths: u16) -> Vec<u8> {
    [&[0, 8, 0, 2][..], &hundredths.to_be_bytes()].concat()
}

#[test]
fn a_solicit() {
    let config = Config {
        rapid_commit: true,
        user_class: Some("iPXE"),
        ..PROMPT
    };
    let mut bench = Bench::new(&config, Mode::Stateful);
    let wire = bench.sent(MessageType::Solicit);
    let xid = bench.client.xid.to_be_bytes();
    assert_eq!(wire[..4], [1, xid[1], xid[2], xid[3]]);
    let expected = [
        &HEAD[..],
        &elapsed(0),
        &own_association(None),
        &ORO_STATEFUL,
        &[0, 14, 0, 0],
        &[0, 15, 0, 6, 0, 4, b'i', b'P', b'X', b'E'],
        &classes(),
    ];
    assert_eq!(options(&wire), expected.concat());
    bench.silent();
    // The repetition has the same transaction id, and says how long the exchange has taken.
    bench.timer();
    let again = bench.sent(MessageType::Solicit);
    let hundredths = u16::try_from(bench.now.as_millis() / 10).unwrap();
    assert!((100..=110).contains(&hundredths));
    assert_eq!(again[..4], wire[..4]);
    assert_eq!(again[4 + HEAD.len()..][..6], elapsed(hundredths));
}

#[test]
fn a_request_has_server_and_address_and_a_transaction_of_its_own() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    let solicit = bench.client.xid;
    bench.now += secs(1);
    let wire = {
        let advertise = bench.answer(MessageType::Advertise, &[(3, &ia()), (7, &[255])]);
        bench.handle(&advertise).unwrap();
        bench.sent(MessageType::Request)
    };
    assert_ne!(bench.client.xid, solicit);
    let expected = [
        &HEAD[..],
        &SERVER_OPTION,
        &elapsed(0),
        &own_association(Some(100)),
        &ORO_STATEFUL,
        &classes(),
    ];
    assert_eq!(options(&wire), expected.concat());
}

#[test]
fn renew_and_rebind() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.bind(&ia());
    bench.timer();
    assert_eq!(bench.now, Instant::ZERO + secs(500));
    let body = [&own_association(Some(100))[..], &ORO_STATEFUL, &classes()].concat();
    let wire = bench.sent(MessageType::Renew);
    let expected = [&HEAD[..], &SERVER_OPTION, &elapsed(0), &body];
    assert_eq!(options(&wire), expected.concat());
    let renewal = bench.client.xid;
    while bench.now < Instant::ZERO + secs(800) {
        bench.timer();
        let mut buf = [0; TRANSMIT_MAX];
        let _ = bench
            .client
            .poll_transmit(bench.now, &mut bench.random, &mut buf);
        if bench.now == Instant::ZERO + secs(800) {
            assert_ne!(bench.client.xid, renewal);
            let expected = [&HEAD[..], &elapsed(0), &body].concat();
            assert_eq!(buf[0], MessageType::Rebind.to_wire());
            assert_eq!(buf[4..4 + expected.len()], expected);
        }
    }
    assert_eq!(bench.now, Instant::ZERO + secs(800));
}

#[test]
fn release_and_decline() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.bind(&ia());
    bench.client.release(bench.now, &mut bench.random);
    assert_eq!(bench.client.lease(), None);
    let body = [&SERVER_OPTION[..], &elapsed(0), &own_association(Some(100))].concat();
    let wire = bench.sent(MessageType::Release);
    assert_eq!(options(&wire), [&HEAD[..], &body].concat());
    let config = Config {
        probe: true,
        ..PROMPT
    };
    let mut bench = Bench::new(&config, Mode::Stateful);
    bench.request(&ia());
    let reply = bench.answer(MessageType::Reply, &[(3, &ia())]);
    assert_eq!(bench.handle(&reply), Ok(Taken::Lease));
    assert_eq!(bench.client.lease(), None, "not before it is probed");
    let probe = Event::ProbeAddress(ip(100));
    assert_eq!(bench.client.poll(bench.now), Some(probe));
    bench
        .client
        .probe_result(bench.now, &mut bench.random, Some([2; 6]));
    let wire = bench.sent(MessageType::Decline);
    assert_eq!(options(&wire), [&HEAD[..], &body].concat());
}

#[test]
fn an_information_request() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateless);
    let wire = bench.sent(MessageType::InformationRequest);
    let expected = [&HEAD[..], &elapsed(0), &ORO_STATELESS, &classes()];
    assert_eq!(options(&wire), expected.concat());
}

#[test]
fn identities() {
    let uuid = [0xab; 16];
    let of_uuid = [&[0, 1, 0, 18, 0, 4][..], &uuid].concat();
    let raw = [0, 1, 0, 3, 9, 8, 7].to_vec();
    for (duid, uuid, head) in [
        (Duid::Board, None, HEAD.to_vec()),
        (Duid::Board, Some(uuid), of_uuid),
        (Duid::LinkLayer, Some(uuid), HEAD.to_vec()),
        (Duid::Raw(&[9, 8, 7]), Some(uuid), raw),
    ] {
        let config = Config {
            duid,
            uuid,
            iaid: 0x0102_0304,
            arch: &[],
            vendor_class: VendorClass::Raw(""),
            ..PROMPT
        };
        let wire = Bench::new(&config, Mode::Stateful).sent(MessageType::Solicit);
        let ia = [0, 3, 0, 12, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
        let interface = [0, 62, 0, 3, 1, 3, 0];
        let expected = [&head[..], &elapsed(0), &ia, &ORO_STATEFUL, &interface];
        assert_eq!(options(&wire), expected.concat());
    }
}

#[test]
fn what_does_not_fit_the_configuration() {
    let long = "x".repeat(33);
    let longest = [7; 130];
    for config in [
        Config {
            duid: Duid::Raw(&[]),
            ..PROMPT
        },
        Config {
            duid: Duid::Raw(&[7; 131]),
            ..PROMPT
        },
        Config {
            user_class: Some(&long),
            ..PROMPT
        },
        Config {
            arch: &[0; 9],
            ..PROMPT
        },
        Config {
            vendor_class: VendorClass::Raw("0123456789012345678901234567890123456789012345678"),
            ..PROMPT
        },
    ] {
        assert_eq!(Client::new(&config).unwrap_err(), Dhcp6Error::Config);
    }
    // The longest message fits the buffer that the documentation names.
    let config = Config {
        duid: Duid::Raw(&longest),
        user_class: Some(&long[1..]),
        arch: &[0; 8],
        vendor_class: VendorClass::Raw("012345678901234567890123456789012345678901234567"),
        rapid_commit: true,
        ..PROMPT
    };
    let mut bench = Bench::new(&config, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    let ids: [(u16, &[u8]); 4] = [(1, &longest), (2, &[8; 130]), (3, &ia()), (7, &[255])];
    let wire = message(MessageType::Advertise, bench.client.xid, &ids);
    bench.handle(&wire).unwrap();
    assert!(bench.sent(MessageType::Request).len() <= TRANSMIT_MAX);
}

#[test]
fn a_message_that_does_not_fit_counts_as_lost() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    let none = bench
        .client
        .poll_transmit(bench.now, &mut bench.random, &mut [0; 64]);
    assert_eq!(none, None);
    bench.silent();
    bench.timer();
    bench.sent(MessageType::Solicit);
}

/// All that a Reply says is in the lease.
#[test]
fn a_lease_has_what_the_reply_says() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.request(&ia());
    let dns = [ip(1).octets(), ip(2).octets()].concat();
    let ntp = [&[0, 1, 0, 16][..], &ip(3).octets()].concat();
    let reply = bench.answer(
        MessageType::Reply,
        &[
            (13, &status_data(0, "fine")),
            (3, &ia()),
            (23, &dns),
            (24, b"\x03lab\x07example\0\x01x\0"),
            (56, &ntp),
            (59, b"http://[fd00:7::1]/a.img"),
            (60, b"\0\x04root\0\0\0\x02=1"),
            (136, b"\0\x03x:y"),
        ],
    );
    assert_eq!(bench.handle(&reply), Ok(Taken::Lease));
    let lease = bench.client.lease().unwrap();
    let config = &lease.config;
    assert_eq!(
        (lease.address, config.address),
        (Some(ip(100)), ip(100).into())
    );
    assert_eq!(config.prefix_len, 128);
    assert_eq!(lease.server_id, SERVER_ID);
    assert_eq!(config.origin, ConfigOrigin::Dhcp(SERVER.into()));
    assert_eq!(config.dns, [IpAddr::V6(ip(1)), IpAddr::V6(ip(2))]);
    assert_eq!(config.ntp, [IpAddr::V6(ip(3))]);
    assert_eq!(config.search, "lab.example");
    assert_eq!(config.boot.file, "http://[fd00:7::1]/a.img");
    assert_eq!(config.boot.server, Some(SERVER.into()));
    assert_eq!(config.boot.origin, BootOrigin::Dhcp);
    assert!(config.boot.has_bootstrap_servers);
    let parameters: Vec<_> = lease.boot_params.iter().collect();
    assert_eq!(parameters, ["root", "", "=1"]);
    assert_eq!(
        (lease.preferred_lifetime, lease.valid_lifetime),
        (secs(1000), secs(2000))
    );
    assert_eq!((lease.t1, lease.t2), (secs(500), secs(800)));
    assert_eq!(config.lease_time, Some(secs(2000)));
    assert_eq!(lease.expires_at(), lease.obtained + secs(2000));
}

/// The times count from the first Request, whichever of them was answered.
#[test]
fn a_lease_counts_from_the_first_request() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.request(&ia());
    let since = bench.now;
    bench.timer();
    bench.sent(MessageType::Request);
    bench.now += secs(1);
    let reply = bench.answer(MessageType::Reply, &[(3, &ia())]);
    bench.handle(&reply).unwrap();
    assert_eq!(bench.client.lease().unwrap().obtained, since);
}

/// A server may give another address than it offered.
#[test]
fn the_address_of_the_reply_counts() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.request(&ia());
    let other = association(IAID, (0, 0), Some((ip(7), 10, 20)), &[]);
    let reply = bench.answer(MessageType::Reply, &[(3, &other)]);
    assert_eq!(bench.handle(&reply), Ok(Taken::Lease));
    assert_eq!(bench.client.lease().unwrap().address, Some(ip(7)));
    // It may take the offered one back in the same message.
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.request(&ia());
    let gone = association(IAID, (0, 0), Some((ip(100), 0, 0)), &other[12..]);
    let reply = bench.answer(MessageType::Reply, &[(3, &gone)]);
    assert_eq!(bench.handle(&reply), Ok(Taken::Lease));
    assert_eq!(bench.client.lease().unwrap().address, Some(ip(7)));
}

/// The words of a server that has no address are what a failed acquisition says.
#[test]
fn a_server_without_addresses_is_remembered_for_its_words() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.sent(MessageType::Solicit);
    let words = status_data(2, "pool is full");
    let full = [&[0, 13, 0, words.len() as u8][..], &words].concat();
    let ia = association(IAID, (0, 0), None, &full);
    let refused = Dhcp6Error::Refused {
        status: status::NO_ADDRS_AVAIL,
        message: "pool is full".into(),
    };
    // In the association, or in the message.
    for options in [[(3, &ia[..])], [(13, &words[..])]] {
        let wire = bench.answer(MessageType::Advertise, &options);
        assert_eq!(bench.handle(&wire), Err(refused));
    }
    // What is ignored after it does not hide it.
    let wire = bench.answer(MessageType::Advertise, &[]);
    assert_eq!(
        bench.handle(&wire),
        Err(Dhcp6Error::Message(MessageError::NoAddress))
    );
    let mut events = Vec::new();
    while let Some(at) = bench.client.poll_timeout() {
        bench.now = at;
        bench.client.handle_timeout(at, &mut bench.random);
        events.extend(bench.client.poll(at));
        let mut buf = [0; TRANSMIT_MAX];
        let _ = bench.client.poll_transmit(at, &mut bench.random, &mut buf);
    }
    assert_eq!(events, [Event::Failed(refused)]);
    assert_eq!(bench.now, Instant::ZERO + secs(90));
}

#[test]
fn stateless_information_is_asked_for_again() {
    let refreshed = |option: Option<u32>| {
        let mut bench = Bench::new(&PROMPT, Mode::Stateless);
        bench.sent(MessageType::InformationRequest);
        let refresh = option.unwrap_or(0).to_be_bytes();
        let mut options: Vec<(u16, &[u8])> = vec![(59, b"tftp://h/f")];
        options.extend(option.map(|_| (32, &refresh[..])));
        let reply = bench.answer(MessageType::Reply, &options);
        assert_eq!(bench.handle(&reply), Ok(Taken::Lease));
        assert_eq!(bench.client.poll(bench.now), Some(Event::Bound));
        let lease = bench.client.lease().unwrap();
        assert_eq!((lease.address, lease.config.lease_time), (None, None));
        assert_eq!(lease.config.address, Ipv6Addr::UNSPECIFIED);
        assert_eq!(lease.config.boot.file, "tftp://h/f");
        (bench.client.poll_timeout(), bench)
    };
    let at = |seconds| Some(Instant::ZERO + secs(seconds));
    assert_eq!(refreshed(None).0, at(86_400));
    assert_eq!(refreshed(Some(7200)).0, at(7200));
    assert_eq!(
        refreshed(Some(10)).0,
        at(600),
        "the least that RFC 8415 allows"
    );
    assert_eq!(refreshed(Some(u32::MAX)).0, None);
    let (_, mut bench) = refreshed(Some(7200));
    bench.timer();
    bench.sent(MessageType::InformationRequest);
    assert!(bench.client.lease().is_some());
    let reply = bench.answer(MessageType::Reply, &[(59, b"tftp://h/g")]);
    assert_eq!(bench.handle(&reply), Ok(Taken::Lease));
    assert_eq!(bench.client.poll(bench.now), Some(Event::Renewed));
    assert_eq!(bench.client.lease().unwrap().config.boot.file, "tftp://h/g");
    // Without an address there is nothing to give back.
    bench.client.release(bench.now, &mut bench.random);
    bench.silent();
    assert_eq!(bench.client.poll_timeout(), None);
}

/// A renewal that says nothing of booting leaves what is known of it.
#[test]
fn boot_information_outlives_a_renewal_without_it() {
    let mut bench = Bench::new(&PROMPT, Mode::Stateful);
    bench.request(&ia());
    let options: [(u16, &[u8]); 3] = [(3, &ia()), (59, b"tftp://h/f"), (60, b"\0\x01p")];
    let reply = bench.answer(MessageType::Reply, &options);
    bench.handle(&reply).unwrap();
    bench.client.poll(bench.now);
    bench.timer();
    bench.sent(MessageType::Renew);
    let reply = bench.answer(MessageType::Reply, &[(3, &ia())]);
    assert_eq!(bench.handle(&reply), Ok(Taken::Lease));
    assert_eq!(bench.client.poll(bench.now), Some(Event::Renewed));
    let lease = bench.client.lease().unwrap();
    assert_eq!(lease.config.boot.file, "tftp://h/f");
    assert_eq!(lease.boot_params.iter().collect::<Vec<_>>(), ["p"]);
    assert_eq!(lease.obtained, Instant::ZERO + secs(500));
}

#[test]
fn the_link_local_address_of_these_tests_is_that_of_the_mac() {
    let [m0, m1, m2, m3, m4, m5] = MAC;
    let octets = CLIENT.octets();
    assert_eq!(octets[8..], [m0 ^ 2, m1, m2, 0xff, 0xfe, m3, m4, m5]);
}
