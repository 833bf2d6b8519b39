//! Message by message.

use super::*;
use crate::config::VendorClass;
use crate::model::{MAC, ip};
use crate::raw::{RawOptions, Scope};
use core::net::IpAddr;
use netboot_core::boot::BootOrigin;
use netboot_core::fuzz::Random;
use netboot_core::net::{ConfigOrigin, Prefix, Route};

pub(super) const NO_PROBE: Config<'static> = Config {
    probe: false,
    ..Config::new(MAC)
};

pub(super) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A reply as octets: the fixed fields by hand, then the options as given.
pub(super) fn reply(
    xid: u32,
    yiaddr: [u8; 4],
    siaddr: [u8; 4],
    sname: &[u8],
    file: &[u8],
    options: &[u8],
) -> Vec<u8> {
    let mut wire = vec![0x02, 0x01, 0x06, 0x00];
    wire.extend(xid.to_be_bytes());
    wire.extend([0, 0, 0x80, 0]);
    wire.extend([0; 4]);
    wire.extend(yiaddr);
    wire.extend(siaddr);
    wire.extend([0; 4]);
    wire.extend(MAC);
    wire.resize(44, 0);
    wire.extend(sname);
    wire.resize(108, 0);
    wire.extend(file);
    wire.resize(236, 0);
    wire.extend([0x63, 0x82, 0x53, 0x63]);
    wire.extend(options);
    wire
}

/// A client and what it does, for tests that are a list of packets.
pub(super) struct Bench {
    pub(super) client: Client,
    random: Random,
}

impl Bench {
    pub(super) fn new(config: &Config<'_>) -> Self {
        let mut random = Random(1);
        let mut client = Client::new(config).unwrap();
        client.start(Instant::ZERO, &mut random);
        Self { client, random }
    }

    /// The type of the next message sent.
    pub(super) fn sent(&mut self, millis: u64) -> Option<MessageType> {
        let mut buf = [0; TRANSMIT_MAX];
        let now = Instant::from_millis(millis);
        let out = self.client.poll_transmit(now, &mut self.random, &mut buf)?;
        let packet = crate::packet::Packet::parse(&buf[..out.len]).unwrap();
        Some(packet.message)
    }

    pub(super) fn recv(&mut self, millis: u64, wire: &[u8]) -> Result<(), DhcpError> {
        let now = Instant::from_millis(millis);
        let taken = self.client.handle(now, &mut self.random, ip(1), wire);
        taken.map(|_| ())
    }

    pub(super) fn xid(&self) -> u32 {
        self.client.xid
    }

    pub(super) fn timeout(&mut self) -> u64 {
        let at = self.client.poll_timeout().unwrap();
        self.client.handle_timeout(at, &mut self.random);
        at.as_millis()
    }
}

/// The options of a DHCPOFFER from dnsmasq with `dhcp-boot`, without the message type.
const DNSMASQ: &[u8] = &[
    54, 4, 192, 168, 7, 1, // server
    51, 4, 0, 0, 0x0e, 0x10, 58, 4, 0, 0, 0x07, 0x08, 59, 4, 0, 0, 0x0c, 0x4e, // times
    67, 9, b'b', b'o', b'o', b't', b'.', b'i', b'm', b'g', 0, // boot file with its NUL
    66, 3, b't', b'f', b't', // TFTP server
    1, 4, 255, 255, 255, 0, 28, 4, 192, 168, 7, 255, // mask, broadcast
    3, 8, 192, 168, 7, 1, 192, 168, 7, 2, 6, 4, 192, 168, 7, 1, // two routers, DNS
    15, 3, b'l', b'a', b'n', 12, 4, b'n', b'o', b'd', b'e', // domain, host
    26, 2, 0x05, 0xdc, 42, 4, 192, 168, 7, 3, // MTU, NTP
    60, 9, b'P', b'X', b'E', b'C', b'l', b'i', b'e', b'n', b't', // echo
    43, 3, 6, 1, 8, 143, 5, 0, 3, b'x', b':', b'y', // vendor, sZTP
    82, 2, 1, 0, // relay agent information, not for us
    255, 0, 0, 0,
];

pub(super) fn typed(message: u8, options: &[u8]) -> Vec<u8> {
    [&[53, 1, message], options].concat()
}

#[test]
fn a_lease_from_dnsmasq() {
    let mut bench = Bench::new(&NO_PROBE);
    assert_eq!(bench.sent(0), Some(MessageType::Discover));
    assert_eq!(bench.sent(0), None);
    let answer = |xid, message| {
        let options = typed(message, DNSMASQ);
        reply(xid, [192, 168, 7, 50], [192, 168, 7, 9], b"", b"", &options)
    };
    let wire = answer(bench.xid(), 2);
    assert_eq!(bench.recv(10, &wire), Ok(()));
    assert_eq!(
        bench.sent(10),
        Some(MessageType::Request),
        "boot information: no wait for more offers"
    );
    let wire = answer(bench.xid(), 5);
    assert_eq!(bench.recv(20, &wire), Ok(()));
    assert_eq!(bench.client.poll(Instant::ZERO), Some(Event::Bound));
    let lease = bench.client.lease().unwrap();
    assert_eq!((lease.address, lease.config.prefix_len), (ip(50), 24));
    assert_eq!(lease.config.routers, [ip(1), ip(2)].map(IpAddr::V4));
    assert_eq!(
        (&lease.config.dns[..], &lease.config.ntp[..]),
        (&[ip(1).into()][..], &[ip(3).into()][..])
    );
    assert_eq!(
        (lease.config.hostname.as_str(), lease.config.domain.as_str()),
        ("node", "lan")
    );
    assert_eq!((lease.config.mtu, lease.server_id), (Some(1500), ip(1)));
    assert_eq!(
        (lease.lease_time, lease.t1, lease.t2),
        (secs(3600), secs(1800), secs(3150))
    );
    assert_eq!(lease.obtained, Instant::from_millis(10));
    let boot = &lease.config.boot;
    assert_eq!(
        (boot.file.as_str(), boot.server_name.as_str()),
        ("boot.img", "tft")
    );
    assert_eq!(
        (boot.next_server, boot.origin),
        (Some(ip(9).into()), BootOrigin::Dhcp)
    );
    assert_eq!(lease.config.origin, ConfigOrigin::Dhcp(ip(1).into()));
    assert!(boot.has_bootstrap_servers && !boot.oversize && !bench.client.boot_pending());
    let mut buffer = [0; 512];
    let mut raw = RawOptions::new(&mut buffer);
    raw.keep(Taken::Lease, &wire).unwrap();
    assert_eq!(raw.get(Scope::Dhcp, 43), Some(&[6, 1, 8][..]));
    let bootstrap = [0, 3, b'x', b':', b'y'];
    assert_eq!(raw.get(Scope::Dhcp, 143), Some(&bootstrap[..]));
    assert_eq!(bench.client.ignored(), 0);
}

/// An ACK with these fields and options, read by a client that has an offer.
fn boot_of(sname: &[u8], file: &[u8], options: &[u8]) -> Lease {
    let mut bench = Bench::new(&NO_PROBE);
    let base = [54, 4, 192, 168, 7, 1];
    let offer = typed(2, &base);
    let wire = reply(bench.xid(), [10, 0, 0, 9], [0; 4], b"", b"", &offer);
    bench.recv(0, &wire).unwrap();
    bench.timeout();
    let ack = typed(5, &[&base[..], options].concat());
    let wire = reply(bench.xid(), [10, 0, 0, 9], [10, 0, 0, 2], sname, file, &ack);
    bench.recv(0, &wire).unwrap();
    bench.client.lease().unwrap().clone()
}

#[test]
fn the_fields_of_bootp_as_isc_dhcpd_fills_them() {
    let lease = boot_of(b"boot.example", b"/images/a.bin", &[255]);
    assert_eq!(lease.config.boot.server_name, "boot.example");
    assert_eq!(lease.config.boot.file, "/images/a.bin");
    assert_eq!(
        lease.config.boot.next_server,
        Some(Ipv4Addr::new(10, 0, 0, 2).into())
    );
    // No option 1, 51, 3: the class's mask, an hour, no router.
    assert_eq!((lease.config.prefix_len, lease.lease_time), (8, secs(3600)));
    assert!(lease.config.routers.is_empty());
}

#[test]
fn overloaded_and_split_options() {
    let lease = boot_of(
        &[67, 2, b'.', b'b', 255],
        &[67, 3, b'/', b'd', b'/', 67, 1, b'a', 255],
        &[
            52, 1, 3, 67, 8, b'h', b't', b't', b'p', b':', b'/', b'/', b'h',
        ],
    );
    assert_eq!(lease.config.boot.file, "http://h/d/a.b");
    assert_eq!(
        lease.config.boot.server_name, "",
        "`sname` holds options, no name"
    );
}

#[test]
fn names_that_do_not_fit_are_left_out_and_reported() {
    let long = |code, len: usize| {
        let mut options = vec![code, 255];
        options.extend(vec![b'x'; 255]);
        options.extend([code, (len - 255) as u8]);
        options.extend(vec![b'x'; len - 255]);
        options
    };
    let lease = boot_of(b"", b"fallback", &long(67, 256));
    assert_eq!(
        (lease.config.boot.file.as_str(), lease.config.boot.oversize),
        ("", true)
    );
    let lease = boot_of(b"", b"fallback", &long(67, 400));
    assert_eq!(
        (lease.config.boot.file.as_str(), lease.config.boot.oversize),
        ("", true)
    );
    let lease = boot_of(b"", b"", &long(67, 255));
    assert_eq!(
        (lease.config.boot.file.len(), lease.config.boot.oversize),
        (255, false)
    );
}

#[test]
fn a_name_that_is_no_text_gives_way_to_no_other() {
    for octets in [&b"a\nb"[..], b"http://h/f\n", b"f\xff", b"\x7f"] {
        let mut option = vec![67, octets.len() as u8];
        option.extend(octets);
        let boot = boot_of(b"", b"another", &option).config.boot;
        assert_eq!((boot.file.as_str(), boot.damaged), ("", true), "{octets:?}");
        let boot = boot_of(b"", octets, &[]).config.boot;
        assert_eq!((boot.file.as_str(), boot.damaged), ("", true), "{octets:?}");
    }
    // Zeros behind a name, or alone, are padding.
    let boot = boot_of(b"", b"file", &[67, 3, b'a', 0, 0]).config.boot;
    assert_eq!((boot.file.as_str(), boot.damaged), ("a", false));
    let boot = boot_of(b"", b"file", &[67, 2, 0, 0]).config.boot;
    assert_eq!((boot.file.as_str(), boot.damaged), ("file", false));
}

fn route(network: [u8; 4], len: u8, gateway: Option<[u8; 4]>) -> Route {
    Route {
        destination: Prefix {
            address: network.into(),
            len,
        },
        gateway: gateway.map(IpAddr::from),
    }
}

#[test]
fn classless_routes_replace_the_routers() {
    let option_3 = [3, 4, 10, 0, 0, 1];
    let routes = [
        121, 19, 0, 10, 0, 0, 254, // default
        24, 192, 168, 5, 10, 0, 0, 253, // 192.168.5.0/24
        8, 11, 0, 0, 0, 0, // 11.0.0.0/8 on the link
    ];
    let lease = boot_of(b"", b"", &[&option_3[..], &routes].concat());
    assert_eq!(lease.config.routers, [IpAddr::from([10, 0, 0, 254])]);
    assert_eq!(
        lease.config.routes,
        [
            route([192, 168, 5, 0], 24, Some([10, 0, 0, 253])),
            route([11, 0, 0, 0], 8, None),
        ]
    );
    for bad in [
        &[121, 5, 33, 10, 0, 0, 1][..],
        &[121, 4, 0, 10, 0, 0],
        &[121, 6, 24, 192, 168, 5, 10, 0],
    ] {
        let lease = boot_of(b"", b"", &[&option_3[..], bad].concat());
        assert_eq!(lease.config.routers, [IpAddr::from([10, 0, 0, 1])]);
        assert!(lease.config.routes.is_empty());
    }
}

#[test]
fn useless_datagrams_change_nothing() {
    let mut bench = Bench::new(&NO_PROBE);
    bench.sent(0);
    let xid = bench.xid();
    let host = [10, 0, 0, 9];
    let good = typed(2, DNSMASQ);
    let mut foreign_mac = reply(xid, host, [0; 4], b"", b"", &good);
    foreign_mac[33] ^= 1;
    let mut request = reply(xid, host, [0; 4], b"", b"", &good);
    request[0] = 1;
    let cases = [
        (vec![], DhcpError::Malformed),
        (
            reply(xid, host, [0; 4], b"", b"", &[53, 1, 2, 54, 9, 1]),
            DhcpError::WrongServer,
        ),
        (
            reply(xid, host, [0; 4], b"", b"", &[255]),
            DhcpError::NotDhcp,
        ),
        (
            reply(xid ^ 1, host, [0; 4], b"", b"", &good),
            DhcpError::NotOurs,
        ),
        (foreign_mac, DhcpError::NotOurs),
        (request, DhcpError::NotOurs),
        (
            reply(xid, host, [0; 4], b"", b"", &typed(5, DNSMASQ)),
            DhcpError::Unexpected,
        ),
        (
            reply(xid, host, [0; 4], b"", b"", &typed(6, DNSMASQ)),
            DhcpError::Unexpected,
        ),
        (
            reply(xid, host, [0; 4], b"", b"", &[53, 1, 2]),
            DhcpError::WrongServer,
        ),
        (
            reply(xid, [224, 0, 0, 1], [0; 4], b"", b"", &good),
            DhcpError::WrongAddress {
                address: Ipv4Addr::new(224, 0, 0, 1),
            },
        ),
        (
            reply(
                xid,
                [0; 4],
                [0; 4],
                b"",
                b"",
                &[53, 1, 2, 54, 4, 10, 0, 0, 1],
            ),
            DhcpError::WrongAddress {
                address: Ipv4Addr::UNSPECIFIED,
            },
        ),
    ];
    let (state, timeout) = (bench.client.state, bench.client.poll_timeout());
    for (wire, error) in &cases {
        assert_eq!(bench.recv(1, wire), Err(*error));
        assert_eq!(
            (bench.client.state, bench.client.poll_timeout()),
            (state, timeout)
        );
    }
    assert_eq!(bench.client.ignored(), cases.len() as u32);
    // While a request is out: another address, another server.
    let wire = reply(xid, host, [0; 4], b"", b"", &good);
    bench.recv(1, &wire).unwrap();
    let wire = reply(xid, [10, 0, 0, 8], [0; 4], b"", b"", &typed(5, DNSMASQ));
    assert!(matches!(
        bench.recv(1, &wire),
        Err(DhcpError::WrongAddress { .. })
    ));
    for message in [5, 6] {
        let stranger = typed(message, &[54, 4, 10, 0, 0, 66]);
        let wire = reply(xid, host, [0; 4], b"", b"", &stranger);
        assert_eq!(bench.recv(1, &wire), Err(DhcpError::WrongServer));
    }
}

/// A client that has sent its first message.
fn discovering(config: &Config<'_>) -> Bench {
    let mut bench = Bench::new(config);
    assert_eq!(bench.sent(0), Some(MessageType::Discover));
    bench
}

/// Options of an offer without boot information, from 192.168.7.1.
pub(super) const BARE: &[u8] = &[54, 4, 192, 168, 7, 1];
/// The same from a server that is a PXE server, too.
pub(super) const PXE: &[u8] = &[
    54, 4, 192, 168, 7, 1, 60, 9, b'P', b'X', b'E', b'C', b'l', b'i', b'e', b'n', b't',
];

/// Bound by these options, after the window for other offers.
pub(super) fn bound(options: &[u8]) -> Bench {
    let mut bench = discovering(&NO_PROBE);
    let address = [192, 168, 7, 50];
    let wire = reply(bench.xid(), address, [0; 4], b"", b"", &typed(2, options));
    bench.recv(1, &wire).unwrap();
    bench.timeout();
    assert_eq!(bench.sent(301), Some(MessageType::Request));
    let wire = reply(bench.xid(), address, [0; 4], b"", b"", &typed(5, options));
    bench.recv(302, &wire).unwrap();
    bench
}

#[test]
fn a_server_that_is_a_pxe_server_too_is_asked() {
    let mut bench = bound(PXE);
    assert!(bench.client.boot_pending());
    let mut buf = [0; TRANSMIT_MAX];
    let now = Instant::from_millis(302);
    let out = bench.client.poll_transmit(now, &mut bench.random, &mut buf);
    let out = out.unwrap();
    assert_eq!(
        (out.source, out.destination, out.destination_port),
        (ip(50), ip(1), 4011)
    );
    let answer = |bench: &Bench, server: u8, file: &[u8]| {
        let options = [53, 1, 5, 54, 4, 192, 168, 7, server];
        reply(
            bench.xid(),
            [0; 4],
            [192, 168, 7, server],
            b"",
            file,
            &options,
        )
    };
    // A stranger, who cannot even send from the server's address; then no file; then the file.
    let wire = answer(&bench, 66, b"evil");
    let (now, from) = (Instant::from_millis(310), ip(66));
    let verdict = bench.client.handle(now, &mut bench.random, from, &wire);
    assert_eq!(verdict, Err(DhcpError::WrongServer));
    let wire = answer(&bench, 1, b"");
    assert_eq!(bench.recv(310, &wire), Err(DhcpError::Unexpected));
    let wire = answer(&bench, 1, b"good");
    assert_eq!(bench.recv(310, &wire), Ok(()));
    assert_eq!(bench.client.lease().unwrap().config.boot.file, "good");
    // `Bound` was not taken yet; it must not be replaced by what it includes.
    assert_eq!(bench.client.poll(now), Some(Event::Bound));
    assert_eq!(bench.client.poll(now), None);
}

#[test]
fn an_http_proxy_without_a_file_is_not_asked() {
    let mut bench = discovering(&NO_PROBE);
    let http = [
        &[53, 1, 2, 54, 4, 192, 168, 7, 3, 60, 10][..],
        b"HTTPClient",
    ]
    .concat();
    let wire = reply(bench.xid(), [0; 4], [0; 4], b"", b"", &http);
    bench.recv(1, &wire).unwrap();
    for message in [2, 5] {
        let options = typed(message, BARE);
        let wire = reply(bench.xid(), [192, 168, 7, 50], [0; 4], b"", b"", &options);
        bench.recv(1, &wire).unwrap();
        if message == 2 {
            bench.timeout();
        }
    }
    assert!(bench.client.lease().is_some() && !bench.client.boot_pending());
}

#[test]
fn with_an_offer_in_hand_nothing_is_asked_again() {
    let mut bench = discovering(&NO_PROBE);
    bench.timeout();
    let wire = reply(
        bench.xid(),
        [10, 0, 0, 9],
        [0; 4],
        b"",
        b"",
        &typed(2, BARE),
    );
    bench.recv(1500, &wire).unwrap();
    assert_eq!(bench.sent(1500), None);
    assert_eq!(bench.timeout(), 1800);
    assert_eq!(bench.sent(1800), Some(MessageType::Request));
}

#[test]
#[cfg(feature = "robust")]
fn an_address_confirmed_in_time_is_probed_beyond_the_deadline() {
    let mut bench = discovering(&Config {
        deadline: secs(2),
        ..Config::new(MAC)
    });
    for message in [2, 5] {
        let options = typed(message, DNSMASQ);
        let wire = reply(bench.xid(), [192, 168, 7, 50], [0; 4], b"", b"", &options);
        bench.recv(1900, &wire).unwrap();
    }
    assert_eq!(bench.timeout(), 11_900);
    assert!(bench.client.lease().is_some());
}

#[test]
fn a_renewal_is_a_transaction_of_its_own() {
    let mut bench = bound(BARE);
    let first = bench.xid();
    assert_eq!(bench.timeout(), 301 + 1_800_000);
    assert_ne!(bench.xid(), first);
    assert_eq!(bench.sent(1_800_301), Some(MessageType::Request));
    let late = reply(first, [192, 168, 7, 50], [0; 4], b"", b"", &typed(6, BARE));
    assert_eq!(bench.recv(1_800_302, &late), Err(DhcpError::NotOurs));
}

#[test]
#[cfg(feature = "robust")]
fn what_the_boot_needs_comes_before_other_routes() {
    // 20 routes, and room for eight. The last ones lead to a DNS server and to a TFTP server (option 150).
    let mut options = vec![
        3, 4, 10, 0, 0, 1, 6, 4, 172, 16, 18, 53, 150, 4, 172, 16, 19, 9,
    ];
    options.extend([121, 160]);
    for network in 0..20 {
        options.extend([24, 172, 16, network, 10, 0, 0, 254]);
    }
    let config = boot_of(b"", b"", &options).config;
    let networks: Vec<_> = config
        .routes
        .iter()
        .map(|route| route.destination.address.to_string())
        .collect();
    let kept = [0, 1, 2, 3, 4, 5, 19, 18].map(|network| format!("172.16.{network}.0"));
    assert_eq!(networks, kept);
    assert_eq!(config.routes_left_out, 12);
    assert!(config.routers.is_empty(), "option 3 does not count");
}

#[test]
fn more_routes_than_are_read() {
    // Longer than the buffer, and no reason to fall back.
    let mut options = vec![3, 4, 10, 0, 0, 1];
    for _ in 0..2 {
        options.extend([121, 160]);
        for network in 0..20 {
            options.extend([24, 172, 16, network, 10, 0, 0, 254]);
        }
    }
    let config = boot_of(b"", b"", &options).config;
    assert_eq!(config.routes.len(), 8);
    assert!(config.routes_left_out > 12);
    assert!(config.routers.is_empty());
}

#[test]
#[cfg(feature = "robust")]
fn a_caller_that_does_not_probe_is_not_waited_for() {
    let mut bench = Bench::new(&Config::new(MAC));
    for message in [2, 5] {
        let options = typed(message, DNSMASQ);
        let wire = reply(bench.xid(), [192, 168, 7, 50], [0; 4], b"", b"", &options);
        bench.recv(0, &wire).unwrap();
    }
    let probe = Event::ProbeAddress(ip(50));
    assert_eq!(bench.client.poll(Instant::ZERO), Some(probe));
    assert_eq!(bench.client.lease(), None);
    assert_eq!(bench.timeout(), 10_000);
    assert_eq!(bench.client.poll(Instant::ZERO), Some(Event::Bound));
    assert_eq!(bench.client.lease().unwrap().address, ip(50));
}

#[test]
fn secs_and_transaction_ids() {
    let mut bench = Bench::new(&Config {
        vendor_class: VendorClass::Raw("x"),
        ..NO_PROBE
    });
    let header = |bench: &mut Bench, now: u64| {
        let mut buf = [0; TRANSMIT_MAX];
        let now = Instant::from_millis(now);
        let out = bench.client.poll_transmit(now, &mut bench.random, &mut buf);
        crate::packet::Packet::parse(&buf[..out.unwrap().len])
            .unwrap()
            .header
    };
    assert_eq!(header(&mut bench, 0).secs, 0);
    let first = bench.timeout();
    let again = header(&mut bench, first);
    let second = bench.timeout();
    let third = header(&mut bench, second);
    assert_eq!(third.xid, again.xid);
    assert_eq!(u64::from(third.secs), second / 1000);
    let offer = typed(2, DNSMASQ);
    let wire = reply(third.xid, [10, 0, 0, 9], [0; 4], b"", b"", &offer);
    bench.recv(second + 2500, &wire).unwrap();
    let request = header(&mut bench, second + 2500);
    assert_eq!((request.secs, request.xid), (third.secs, third.xid));
    bench.client.start(Instant::ZERO, &mut bench.random);
    assert_ne!(header(&mut bench, 0).xid, third.xid);
}
