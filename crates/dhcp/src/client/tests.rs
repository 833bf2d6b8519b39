use super::*;
use crate::config::VendorClass;
use crate::lease::Route;
use crate::model::{MAC, Random, Server, World, ip};
use proptest::prelude::*;

const NO_PROBE: Config<'static> = Config {
    probe: false,
    ..Config::new(MAC)
};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A reply as octets: the fixed fields by hand, then the options as given.
fn reply(
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
struct Bench {
    client: Client,
    random: Random,
}

impl Bench {
    fn new(config: &Config<'_>) -> Self {
        let mut random = Random(1);
        let mut client = Client::new(config).unwrap();
        client.start(Instant::ZERO, &mut random);
        Self { client, random }
    }

    /// The type of the next message sent.
    fn sent(&mut self, millis: u64) -> Option<MessageType> {
        let mut buf = [0; TRANSMIT_MAX];
        let now = Instant::from_millis(millis);
        let out = self.client.poll_transmit(now, &mut self.random, &mut buf)?;
        let packet = crate::packet::Packet::parse(&buf[..out.len]).unwrap();
        Some(packet.message)
    }

    fn recv(&mut self, millis: u64, wire: &[u8]) -> Result<(), DhcpError> {
        let now = Instant::from_millis(millis);
        self.client.handle(now, &mut self.random, ip(1), wire)
    }

    fn xid(&self) -> u32 {
        self.client.xid
    }

    fn timeout(&mut self) -> u64 {
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

fn typed(message: u8, options: &[u8]) -> Vec<u8> {
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
    assert_eq!((lease.address, lease.prefix_len), (ip(50), 24));
    assert_eq!(lease.routers, [ip(1), ip(2)]);
    assert_eq!(
        (&lease.dns[..], &lease.ntp[..]),
        (&[ip(1)][..], &[ip(3)][..])
    );
    assert_eq!(
        (lease.hostname.as_str(), lease.domain.as_str()),
        ("node", "lan")
    );
    assert_eq!((lease.mtu, lease.server_id), (Some(1500), ip(1)));
    assert_eq!(
        (lease.lease_time, lease.t1, lease.t2),
        (secs(3600), secs(1800), secs(3150))
    );
    assert_eq!(lease.obtained, Instant::from_millis(10));
    let boot = &lease.boot;
    assert_eq!(
        (boot.file.as_str(), boot.server_name.as_str()),
        ("boot.img", "tft")
    );
    assert_eq!(
        (boot.next_server, boot.class_id.as_str()),
        (Some(ip(9)), "PXEClient")
    );
    assert_eq!(boot.vendor_specific.octets, [6, 1, 8]);
    assert_eq!(boot.sztp_redirect.octets, [0, 3, b'x', b':', b'y']);
    assert!(!boot.from_proxy && !boot.oversize && !bench.client.boot_pending());
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
    assert_eq!(lease.boot.server_name, "boot.example");
    assert_eq!(lease.boot.file, "/images/a.bin");
    assert_eq!(lease.boot.next_server, Some(Ipv4Addr::new(10, 0, 0, 2)));
    // No option 1, 51, 3: the class's mask, an hour, no router.
    assert_eq!((lease.prefix_len, lease.lease_time), (8, secs(3600)));
    assert!(lease.routers.is_empty());
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
    assert_eq!(lease.boot.file, "http://h/d/a.b");
    assert_eq!(lease.boot.server_name, "", "`sname` holds options, no name");
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
    assert_eq!((lease.boot.file.as_str(), lease.boot.oversize), ("", true));
    let lease = boot_of(b"", b"fallback", &long(67, 400));
    assert_eq!((lease.boot.file.as_str(), lease.boot.oversize), ("", true));
    let lease = boot_of(b"", b"", &long(67, 255));
    assert_eq!((lease.boot.file.len(), lease.boot.oversize), (255, false));
    let lease = boot_of(b"", b"", &long(43, 300));
    assert_eq!(lease.boot.vendor_specific.octets.len(), 128);
    assert!(lease.boot.vendor_specific.truncated);
    // A name with a line feed would break a log line; the field counts instead.
    let lease = boot_of(b"", b"good", &[67, 3, b'a', b'\n', b'b']);
    assert_eq!(lease.boot.file, "good");
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
    assert_eq!(lease.routers, [Ipv4Addr::new(10, 0, 0, 254)]);
    assert_eq!(
        lease.static_routes,
        [
            Route {
                destination: Ipv4Addr::new(192, 168, 5, 0),
                prefix_len: 24,
                router: Ipv4Addr::new(10, 0, 0, 253),
            },
            Route {
                destination: Ipv4Addr::new(11, 0, 0, 0),
                prefix_len: 8,
                router: Ipv4Addr::UNSPECIFIED,
            },
        ]
    );
    for bad in [
        &[121, 5, 33, 10, 0, 0, 1][..],
        &[121, 4, 0, 10, 0, 0],
        &[121, 6, 24, 192, 168, 5, 10, 0],
    ] {
        let lease = boot_of(b"", b"", &[&option_3[..], bad].concat());
        assert_eq!(lease.routers, [Ipv4Addr::new(10, 0, 0, 1)]);
        assert!(lease.static_routes.is_empty());
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
            DhcpError::Malformed,
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

#[test]
fn delays_double_with_jitter() {
    let mut world = World::new(&NO_PROBE, vec![], 3);
    assert_eq!(world.acquire(1000), Some(Event::Failed(DhcpError::NoOffer)));
    assert_eq!(world.count(MessageType::Discover), 8);
    let times: Vec<_> = world.sent.iter().map(|sent| sent.0).collect();
    let expected = [1, 2, 4, 8, 16, 16, 16];
    for (pair, delay) in times.windows(2).zip(expected) {
        let waited = pair[1].since(pair[0]);
        assert!(waited >= secs(delay) * 3 / 4 && waited <= secs(delay) * 5 / 4);
    }
    assert!(
        times
            .windows(2)
            .any(|pair| pair[1].since(pair[0]).as_micros() % 1000 != 0)
    );
    assert_eq!(world.client.poll_timeout(), None);
}

#[test]
fn the_better_offer_is_taken() {
    // The fast server knows nothing of booting; the slow one does, within the window.
    let mut slow = Server::new(2, Some(60), "slow.img");
    slow.delay = Duration::from_millis(250);
    let servers = vec![Server::new(1, Some(50), ""), slow];
    let mut world = World::new(&NO_PROBE, servers.clone(), 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    let lease = world.client.lease().unwrap();
    assert_eq!(
        (lease.address, lease.boot.file.as_str()),
        (ip(60), "slow.img")
    );
    // Later than the window: a boot without it is better than none.
    let mut world = World::new(&NO_PROBE, servers, 1);
    world.servers[1].delay = Duration::from_millis(400);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.client.lease().unwrap().address, ip(50));
    assert!(world.now.since(Instant::from_millis(5_000)) < Duration::from_millis(360));
}

#[test]
fn a_proxy_completes_a_lease() {
    for proxy_delay in [5, 100, 330] {
        let mut proxy = Server::new(3, None, "proxy.img");
        proxy.delay = Duration::from_millis(proxy_delay);
        let mut world = World::new(&NO_PROBE, vec![Server::new(1, Some(50), ""), proxy], 1);
        assert_eq!(world.acquire(10), Some(Event::Bound));
        let lease = world.client.lease().unwrap();
        assert_eq!((lease.address, lease.server_id), (ip(50), ip(1)));
        assert_eq!(lease.boot.file, "proxy.img", "delay {proxy_delay}");
        assert!(lease.boot.from_proxy && lease.boot.next_server == Some(ip(3)));
    }
    // A server that names a file itself wins over a proxy.
    let servers = vec![
        Server::new(3, None, "proxy.img"),
        Server::new(1, Some(50), "own.img"),
    ];
    let mut world = World::new(&NO_PROBE, servers, 1);
    world.acquire(10);
    assert_eq!(world.client.lease().unwrap().boot.file, "own.img");
    // A proxy alone gives no address.
    let mut world = World::new(&NO_PROBE, vec![Server::new(3, None, "proxy.img")], 1);
    assert_eq!(world.acquire(1000), Some(Event::Failed(DhcpError::NoOffer)));
}

#[test]
fn a_proxy_is_asked_on_port_4011() {
    let mut proxy = Server::new(3, None, "late.img");
    proxy.on_4011 = true;
    let servers = vec![Server::new(1, Some(50), ""), proxy];
    let mut world = World::new(&NO_PROBE, servers.clone(), 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    let lease = world.client.lease().unwrap();
    assert_eq!(
        (lease.boot.file.as_str(), lease.boot.from_proxy),
        ("late.img", true)
    );
    let (_, message, to, port) = *world.sent.last().unwrap();
    assert_eq!((message, to, port), (MessageType::Request, ip(3), 4011));
    let events: Vec<_> = world.events.iter().map(|(_, event)| *event).collect();
    assert_eq!(events, [Event::Bound, Event::BootInfo]);
    // It does not answer: the lease stands without.
    let mut world = World::new(&NO_PROBE, servers, 1);
    world.servers[1].on_4011 = false;
    world.servers[1].file = "";
    let start = world.now;
    assert_eq!(world.acquire(20), Some(Event::Bound));
    assert!(world.now.since(start) < secs(10) && !world.client.boot_pending());
    assert_eq!(world.sent.iter().filter(|sent| sent.3 == 4011).count(), 3);
    assert_eq!(world.events.last().unwrap().1, Event::BootInfo);
}

#[test]
fn a_refusal_starts_over() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.naks = 2;
    let mut world = World::new(&NO_PROBE, vec![server.clone()], 1);
    assert_eq!(world.acquire(10), Some(Event::Bound));
    assert_eq!(world.count(MessageType::Discover), 3);
    server.naks = 1_000_000;
    let mut world = World::new(&NO_PROBE, vec![server.clone()], 1);
    let refused = DhcpError::Refused { server: ip(1) };
    assert_eq!(world.acquire(1000), Some(Event::Failed(refused)));
    assert!(world.sent.len() < 250, "no storm: {}", world.sent.len());
    server.naks = 0;
    server.silent = true;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    let no_ack = DhcpError::NoAck { server: ip(1) };
    assert_eq!(world.acquire(1000), Some(Event::Failed(no_ack)));
    assert_eq!(world.now.since(Instant::from_millis(5_000)), secs(90));
}

#[test]
fn a_conflict_is_declined() {
    let config = Config::new(MAC);
    let mut world = World::new(&config, vec![Server::new(1, Some(50), "a.img")], 1);
    world.conflicts = 1;
    assert_eq!(world.acquire(60), Some(Event::Bound));
    assert_eq!(world.servers[0].declined, [ip(50)]);
    assert_eq!(world.client.lease().unwrap().address, ip(51));
    let at = |message| {
        let sent = world.sent.iter().filter(|sent| sent.1 == message);
        sent.map(|sent| sent.0).next_back().unwrap()
    };
    let pause = at(MessageType::Discover).since(at(MessageType::Decline));
    assert!(pause >= secs(10));
    // Everybody has every address: in the end that is the reason given.
    let mut world = World::new(&config, vec![Server::new(1, Some(50), "a.img")], 1);
    world.conflicts = 1000;
    let end = world.acquire(1000);
    assert!(matches!(
        end,
        Some(Event::Failed(DhcpError::Conflict { .. }))
    ));
}

#[test]
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
fn renewals_go_on_and_keep_the_boot_information() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = 600;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    world.acquire(10);
    world.servers[0].file = "";
    world.run(3_590);
    let renewed = world
        .events
        .iter()
        .filter(|(_, event)| *event == Event::Renewed);
    assert_eq!(renewed.count(), 11, "every 300 s");
    assert_eq!(world.client.lease().unwrap().boot.file, "a.img");
    let renewals = world
        .sent
        .iter()
        .filter(|sent| sent.1 == MessageType::Request);
    assert!(renewals.skip(1).all(|sent| sent.2 == ip(1)), "unicast");
}

#[test]
fn a_lease_that_nobody_renews_is_lost() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = 600;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    world.acquire(10);
    let obtained = world.client.lease().unwrap().obtained;
    world.servers.clear();
    world.run(599);
    assert!(world.client.lease().is_some());
    let broadcasts = world.sent.iter().filter(|sent| sent.2.is_broadcast());
    assert!(broadcasts.clone().next_back().unwrap().0 >= obtained + secs(525));
    world.run(2);
    let expired = Event::Lost(LostReason::Expired);
    let lost = world.events.iter().find(|(_, event)| *event == expired);
    assert_eq!(lost.unwrap().0, obtained + secs(600));
    assert_eq!(world.client.lease(), None);
    assert_eq!(world.sent.last().unwrap().1, MessageType::Discover);
    // A server that comes back finds the client looking for it.
    world.servers.push(Server::new(2, Some(70), "b.img"));
    assert_eq!(world.acquire(60), Some(Event::Bound));
}

#[test]
fn another_server_may_rebind() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = 600;
    let mut world = World::new(&NO_PROBE, vec![server.clone()], 1);
    world.acquire(10);
    server.id = ip(2);
    world.servers = vec![server];
    world.run(599);
    assert_eq!(world.client.lease().unwrap().server_id, ip(2));
    world.servers[0].refuses_renewal = true;
    world.run(600);
    let refused = Event::Lost(LostReason::Refused);
    assert!(world.events.iter().any(|(_, event)| *event == refused));
}

#[test]
fn release_gives_the_lease_back() {
    let mut world = World::new(&NO_PROBE, vec![Server::new(1, Some(50), "a.img")], 1);
    world.acquire(10);
    world.client.release(world.now);
    assert_eq!(world.client.lease(), None);
    world.run(10);
    assert_eq!(world.servers[0].released, [ip(50)]);
    assert_eq!(world.client.poll_timeout(), None);
    assert_eq!(world.sent.last().unwrap().2, ip(1), "unicast");
}

#[test]
fn an_infinite_lease_has_no_timer() {
    let mut server = Server::new(1, Some(50), "a.img");
    server.lease_secs = u32::MAX;
    let mut world = World::new(&NO_PROBE, vec![server], 1);
    world.acquire(10);
    assert_eq!(world.client.lease().unwrap().lease_time, Duration::MAX);
    assert_eq!(world.client.poll_timeout(), None);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the link does: bound to an address that was offered, or failed in time.
    #[test]
    fn bound_or_failed_in_time(
        seed: u64,
        loss in 0u32..60,
        duplication in 0u32..60,
        naks in 0u32..3,
        conflicts in 0u32..3,
        probe: bool,
        proxy in 0u8..3,
        file in prop_oneof![Just(""), Just("a.img")],
        delay in 0u64..4000,
    ) {
        let config = Config { probe, ..Config::new(MAC) };
        let mut server = Server::new(1, Some(50), file);
        server.naks = naks;
        server.lease_secs = 300;
        server.delay = Duration::from_millis(delay);
        let mut servers = vec![server];
        if proxy > 0 {
            let mut server = Server::new(3, None, "proxy.img");
            server.on_4011 = proxy == 2;
            servers.push(server);
        }
        let mut world = World::new(&config, servers, seed);
        world.loss = loss;
        world.duplication = duplication;
        world.conflicts = conflicts;
        let start = world.now;
        match world.acquire(200) {
            Some(Event::Bound) => {
                let lease = world.client.lease().unwrap();
                prop_assert!((50..54).any(|last| lease.address == ip(last)));
                if !file.is_empty() {
                    prop_assert_eq!(lease.boot.file.as_str(), file);
                }
            }
            Some(Event::Failed(_)) => {
                prop_assert!(loss > 10 || delay > 900, "a link that is good enough");
                prop_assert!(world.client.poll_timeout().is_none());
            }
            other => prop_assert!(false, "{:?}", other),
        }
        // The deadline, the probe and the questions to a proxy.
        prop_assert!(world.now.since(start) <= secs(90 + 10 + 10));
        prop_assert!(world.sent.len() < 100, "{} messages", world.sent.len());
        // And then it lives on for an hour without a storm.
        let before = world.sent.len();
        world.run(3600);
        prop_assert!(world.sent.len() - before < 1500, "{}", world.sent.len() - before);
    }
}
