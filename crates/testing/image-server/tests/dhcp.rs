//! The DHCP servers and the DNS server, seen from the wire.

mod common;

use common::{Client, MAC, SERVER, with_file};
use image_server::frame::{BROADCAST, Datagram};
use image_server::{
    BootPlacement, DhcpDamage, DhcpFault, DnsFault, LeaseConfig, Protocol, ProxyConfig,
    RivalConfig, Rule, ServerConfig,
};
use netboot_core::{Duration, Instant};
use std::net::Ipv4Addr;

const XID: [u8; 4] = [0xDE, 0xAD, 0xBE, 0xEF];
const DISCOVER: u8 = 1;
const REQUEST: u8 = 3;
const DECLINE: u8 = 4;
const RELEASE: u8 = 7;
const INFORM: u8 = 8;
const OFFERED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);

struct Ask {
    kind: u8,
    broadcast: bool,
    ciaddr: Ipv4Addr,
    options: Vec<(u8, Vec<u8>)>,
}

fn ask(kind: u8) -> Ask {
    Ask {
        kind,
        broadcast: true,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options: Vec::new(),
    }
}

impl Ask {
    fn with(mut self, code: u8, value: &[u8]) -> Self {
        self.options.push((code, value.to_vec()));
        self
    }

    fn encode(&self) -> Vec<u8> {
        let mut message = vec![0; 240];
        message[..4].copy_from_slice(&[1, 1, 6, 0]);
        message[4..8].copy_from_slice(&XID);
        message[10] = if self.broadcast { 0x80 } else { 0 };
        message[12..16].copy_from_slice(&self.ciaddr.octets());
        message[28..34].copy_from_slice(&MAC);
        message[236..].copy_from_slice(&[0x63, 0x82, 0x53, 0x63]);
        message.extend_from_slice(&[53, 1, self.kind]);
        for (code, value) in &self.options {
            message.extend_from_slice(&[*code, value.len() as u8]);
            message.extend_from_slice(value);
        }
        message.push(255);
        message
    }
}

/// A request for what was offered.
fn select() -> Ask {
    ask(REQUEST)
        .with(54, &SERVER.octets())
        .with(50, &OFFERED.octets())
}

#[derive(Debug)]
struct Answer {
    at: Instant,
    to_mac: [u8; 6],
    from: Ipv4Addr,
    from_port: u16,
    to: Ipv4Addr,
    to_port: u16,
    message: Vec<u8>,
}

impl Answer {
    fn field(&self, at: usize, length: usize) -> &[u8] {
        let field = &self.message[at..at + length];
        let end = field.iter().position(|octet| *octet == 0);
        &field[..end.unwrap_or(length)]
    }

    fn yiaddr(&self) -> Ipv4Addr {
        <[u8; 4]>::try_from(&self.message[16..20]).unwrap().into()
    }

    fn siaddr(&self) -> Ipv4Addr {
        <[u8; 4]>::try_from(&self.message[20..24]).unwrap().into()
    }

    fn options_in(mut rest: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut options: Vec<(u8, Vec<u8>)> = Vec::new();
        while rest[0] != 255 {
            if rest[0] == 0 {
                rest = &rest[1..];
                continue;
            }
            let length = usize::from(rest[1]);
            options.push((rest[0], rest[2..2 + length].to_vec()));
            rest = &rest[2 + length..];
        }
        options
    }

    fn option(&self, code: u8) -> Option<Vec<u8>> {
        let mut pieces = Self::options_in(&self.message[240..]).into_iter();
        pieces.find(|(c, _)| *c == code).map(|(_, value)| value)
    }

    fn kind(&self) -> u8 {
        self.option(53).unwrap()[0]
    }
}

fn tell(client: &mut Client, ask: &Ask) -> Vec<Answer> {
    client.broadcast((ask.ciaddr, 68), 67, &ask.encode());
    listen(client)
}

fn listen(client: &mut Client) -> Vec<Answer> {
    let frames = client.raw_frames(Duration::from_secs(10));
    let answers = frames.iter().filter_map(|(at, frame)| {
        let datagram = Datagram::parse(frame)?;
        Some(Answer {
            at: *at,
            to_mac: datagram.to_mac,
            from: *datagram.from.ip(),
            from_port: datagram.from.port(),
            to: *datagram.to.ip(),
            to_port: datagram.to.port(),
            message: datagram.payload.to_vec(),
        })
    });
    answers.collect()
}

fn one(client: &mut Client, ask: &Ask) -> Answer {
    let mut answers = tell(client, ask);
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.remove(0)
}

fn config() -> ServerConfig {
    let mut config = with_file(10);
    config.lease.routers = vec![Ipv4Addr::new(10, 0, 0, 254), Ipv4Addr::new(10, 0, 0, 253)];
    config.lease.dns = vec![SERVER];
    config.lease.boot_file = Some("tftp://10.0.0.1/fw.bin".into());
    config.lease.server_name = Some("10.0.0.1".into());
    config.lease.next_server = Some(SERVER);
    config
}

fn with_fault(fault: DhcpFault) -> Client {
    let mut config = config();
    config.faults.dhcp.always(fault);
    Client::perfect(config)
}

#[test]
fn lease_is_offered_and_acknowledged() {
    let mut client = Client::perfect(config());
    let offer = one(&mut client, &ask(DISCOVER).with(61, b"\x01abc"));
    assert_eq!(offer.message[..8], [2, 1, 6, 0, 0xDE, 0xAD, 0xBE, 0xEF]);
    assert_eq!(
        (offer.kind(), offer.yiaddr(), offer.siaddr()),
        (2, OFFERED, SERVER)
    );
    assert_eq!(offer.option(1).unwrap(), [255, 255, 255, 0]);
    assert_eq!(offer.option(3).unwrap(), [10, 0, 0, 254, 10, 0, 0, 253]);
    assert_eq!(offer.option(6).unwrap(), SERVER.octets());
    assert_eq!(offer.option(51).unwrap(), 3_600_u32.to_be_bytes());
    assert_eq!(offer.option(54).unwrap(), SERVER.octets());
    assert_eq!(offer.option(61).unwrap(), b"\x01abc");
    assert_eq!(offer.option(66).unwrap(), b"10.0.0.1");
    assert_eq!(offer.option(67).unwrap(), b"tftp://10.0.0.1/fw.bin");
    assert_eq!(one(&mut client, &select()).kind(), 5);

    let served = client.served();
    assert_eq!(
        (served[0].protocol, served[0].name.as_str()),
        (Protocol::Dhcp, "discover")
    );
    assert_eq!((served[1].name.as_str(), served[1].status), ("request", 5));
}

#[test]
fn answers_go_where_rfc_2131_sends_them() {
    let mut client = Client::perfect(config());
    let loud = one(&mut client, &ask(DISCOVER));
    assert_eq!(
        (loud.to_mac, loud.to, loud.to_port),
        (BROADCAST, Ipv4Addr::BROADCAST, 68)
    );
    assert_eq!((loud.from, loud.from_port), (SERVER, 67));
    let mut quiet = ask(DISCOVER);
    quiet.broadcast = false;
    let quiet = one(&mut client, &quiet);
    assert_eq!((quiet.to_mac, quiet.to), (MAC, OFFERED));
    let mut renew = ask(REQUEST);
    renew.ciaddr = OFFERED;
    let renewed = one(&mut client, &renew);
    assert_eq!(
        (renewed.kind(), renewed.to_mac, renewed.to),
        (5, MAC, OFFERED)
    );
    let inform = Ask {
        kind: INFORM,
        ..renew
    };
    let informed = one(&mut client, &inform);
    assert_eq!(
        (informed.kind(), informed.to, informed.yiaddr()),
        (5, OFFERED, Ipv4Addr::UNSPECIFIED)
    );
    assert_eq!(informed.option(51), None);
}

#[test]
fn requests_that_do_not_fit_are_refused_or_ignored() {
    let mut client = Client::perfect(config());
    one(&mut client, &ask(DISCOVER));
    let wrong = ask(REQUEST)
        .with(54, &SERVER.octets())
        .with(50, &[10, 0, 0, 7]);
    let nak = one(&mut client, &wrong);
    assert_eq!(
        (nak.kind(), nak.to, nak.yiaddr()),
        (6, Ipv4Addr::BROADCAST, Ipv4Addr::UNSPECIFIED)
    );
    let elsewhere = ask(REQUEST)
        .with(54, &[10, 0, 0, 9])
        .with(50, &OFFERED.octets());
    assert!(tell(&mut client, &elsewhere).is_empty());
    let rebooted = ask(REQUEST).with(50, &OFFERED.octets());
    assert_eq!(one(&mut client, &rebooted).kind(), 5);
    let moved = ask(REQUEST).with(50, &[192, 168, 0, 7]);
    assert_eq!(one(&mut client, &moved).kind(), 6);
}

#[test]
fn declined_address_is_not_offered_again() {
    let mut client = Client::perfect(config());
    one(&mut client, &ask(DISCOVER));
    one(&mut client, &select());
    let decline = Ask {
        kind: DECLINE,
        ..select()
    };
    assert!(tell(&mut client, &decline).is_empty());
    let next = Ipv4Addr::new(10, 0, 0, 101);
    assert_eq!(one(&mut client, &ask(DISCOVER)).yiaddr(), next);
    assert!(tell(&mut client, &ask(RELEASE)).is_empty());
    assert_eq!(one(&mut client, &ask(DISCOVER)).yiaddr(), next);
}

#[test]
fn only_what_is_asked_for_is_sent() {
    let mut server = config();
    server.lease.options = vec![
        (43, vec![1, 2]),
        (15, b"corp".to_vec()),
        (6, vec![9, 9, 9, 9]),
    ];
    server.lease.renewal_time = Some(Duration::from_secs(60));
    let mut client = Client::perfect(server);
    let narrow = one(&mut client, &ask(DISCOVER).with(55, &[1, 6, 43, 67]));
    assert_eq!(narrow.option(6).unwrap(), [9, 9, 9, 9]);
    assert_eq!(narrow.option(43).unwrap(), [1, 2]);
    assert_eq!(
        (narrow.option(3), narrow.option(15), narrow.option(58)),
        (None, None, None)
    );
    assert_eq!(narrow.option(66), None);
    // What was not asked for as an option stands in the field.
    assert_eq!(narrow.field(44, 64), b"10.0.0.1");
    client
        .world()
        .server
        .config_mut()
        .lease
        .honour_parameter_list = false;
    let wide = one(&mut client, &ask(DISCOVER).with(55, &[1]));
    assert_eq!(wide.option(15).unwrap(), b"corp");
    assert_eq!(wide.option(58).unwrap(), [0, 0, 0, 60]);
}

#[test]
fn boot_information_is_placed_as_configured() {
    for (placement, in_options, in_fields) in [
        (BootPlacement::Options, true, false),
        (BootPlacement::Fields, false, true),
        (BootPlacement::Both, true, true),
    ] {
        let mut server = config();
        server.lease.placement = placement;
        let offer = one(&mut Client::perfect(server), &ask(DISCOVER));
        assert_eq!(
            offer.option(67).is_some() && offer.option(66).is_some(),
            in_options
        );
        assert_eq!(
            offer.field(108, 128) == b"tftp://10.0.0.1/fw.bin",
            in_fields
        );
        assert_eq!(offer.field(44, 64) == b"10.0.0.1", in_fields);
    }
}

#[test]
fn proxy_answers_boot_clients_only() {
    let mut server = config();
    server.lease.boot_file = None;
    server.proxy = Some(ProxyConfig {
        boot_file: Some("http://10.0.0.2/fw.bin".into()),
        offer_delay: Duration::from_millis(200),
        options: vec![(43, vec![6, 1, 8, 255])],
        ..ProxyConfig::default()
    });
    let proxy = Ipv4Addr::new(10, 0, 0, 2);
    let mut client = Client::perfect(server);
    assert_eq!(tell(&mut client, &ask(DISCOVER)).len(), 1);
    for (class, echoed) in [
        (&b"PXEClient:Arch:00025:UNDI:003016"[..], &b"PXEClient"[..]),
        (b"HTTPClient:Arch:00026", b"HTTPClient"),
    ] {
        let began = client.now();
        let answers = tell(&mut client, &ask(DISCOVER).with(60, class));
        assert_eq!(answers.len(), 2);
        let offer = answers.iter().find(|answer| answer.from == proxy).unwrap();
        assert_eq!((offer.kind(), offer.yiaddr()), (2, Ipv4Addr::UNSPECIFIED));
        assert_eq!(offer.option(60).unwrap(), echoed);
        assert_eq!(offer.option(67).unwrap(), b"http://10.0.0.2/fw.bin");
        assert_eq!(offer.option(43).unwrap(), [6, 1, 8, 255]);
        assert_eq!(offer.at.since(began), Duration::from_millis(200));
    }
    // Its boot server port is asked with an address of one's own.
    let request = ask(REQUEST).with(60, b"PXEClient");
    let socket = client.udp(4_011);
    client.send(socket, (proxy, 4_011), &request.encode());
    let (port, message) = client.receive(socket, Duration::from_secs(1)).unwrap();
    assert_eq!((port, &message[240..243]), (4_011, &[53, 1, 5][..]));
    // The proxy's address serves files, too.
    let socket = client.udp(4_000);
    client.send(socket, (proxy, 69), b"\0\x01fw.bin\0octet\0");
    let (_, data) = client.receive(socket, Duration::from_secs(1)).unwrap();
    assert_eq!(data[..4], [0, 3, 0, 1]);
}

#[test]
fn rival_offers_something_else() {
    let mut server = config();
    server.rival = Some(RivalConfig {
        ip: Ipv4Addr::new(10, 0, 0, 9),
        lease: LeaseConfig {
            address: Ipv4Addr::new(10, 0, 0, 200),
            offer_delay: Duration::from_millis(5),
            ..LeaseConfig::default()
        },
    });
    let mut client = Client::perfect(server);
    let offers = tell(&mut client, &ask(DISCOVER));
    let addresses: Vec<_> = offers.iter().map(Answer::yiaddr).collect();
    assert_eq!(addresses, [OFFERED, Ipv4Addr::new(10, 0, 0, 200)]);
    // Who was not chosen keeps silent.
    let ack = one(&mut client, &select());
    assert_eq!((ack.from, ack.kind()), (SERVER, 5));
}

#[test]
fn disabled_and_delayed() {
    let mut server = config();
    server.lease.offer_delay = Duration::from_secs(3);
    let mut client = Client::perfect(server);
    assert_eq!(
        one(&mut client, &ask(DISCOVER)).at,
        Instant::from_millis(3_000)
    );
    let began = client.now();
    assert_eq!(one(&mut client, &select()).at, began);
    client.world().server.config_mut().lease.enabled = false;
    assert!(tell(&mut client, &ask(DISCOVER)).is_empty());
}

#[test]
fn faults_of_the_conversation() {
    let mut server = config();
    server
        .faults
        .dhcp
        .add(Rule::new(DhcpFault::Silent).named("discover").times(1));
    server
        .faults
        .dhcp
        .add(Rule::new(DhcpFault::Nak).named("request").times(1));
    let mut client = Client::perfect(server);
    assert!(tell(&mut client, &ask(DISCOVER)).is_empty());
    assert_eq!(one(&mut client, &ask(DISCOVER)).kind(), 2);
    assert_eq!(one(&mut client, &select()).kind(), 6);
    assert_eq!(one(&mut client, &select()).kind(), 5);
    assert!(!client.served()[0].complete);

    let mut late = with_fault(DhcpFault::Delay(Duration::from_secs(4)));
    assert_eq!(
        one(&mut late, &ask(DISCOVER)).at,
        Instant::from_millis(4_000)
    );
    assert_eq!(
        tell(&mut with_fault(DhcpFault::Duplicate), &ask(DISCOVER)).len(),
        2
    );
}

#[test]
fn faults_of_the_message() {
    let offer = |fault| one(&mut with_fault(fault), &ask(DISCOVER));
    let bare = offer(DhcpFault::NoBootInfo);
    assert_eq!((bare.option(66), bare.option(67)), (None, None));
    assert_eq!(
        (bare.siaddr(), bare.yiaddr()),
        (Ipv4Addr::UNSPECIFIED, OFFERED)
    );
    assert_ne!(offer(DhcpFault::WrongXid).message[4..8], XID);
    assert_ne!(offer(DhcpFault::WrongChaddr).message[28..34], MAC);
    assert_eq!(offer(DhcpFault::MessageType(5)).kind(), 5);
    assert_eq!(offer(DhcpFault::NoServerId).option(54), None);
    assert_eq!(offer(DhcpFault::NoLeaseTime).option(51), None);
    let other = Ipv4Addr::new(127, 0, 0, 1);
    assert_eq!(offer(DhcpFault::Address(other)).yiaddr(), other);
}

#[test]
fn faults_of_the_layout() {
    let offer = |fault| one(&mut with_fault(fault), &ask(DISCOVER));
    let overloaded = offer(DhcpFault::Overload);
    assert_eq!(overloaded.option(52).unwrap(), [3]);
    assert_eq!(overloaded.option(67), None);
    let file = Answer::options_in(&overloaded.message[108..236]);
    assert!(file.contains(&(67, b"tftp://10.0.0.1/fw.bin".to_vec())));

    let split = offer(DhcpFault::SplitOptions);
    let pieces: Vec<Vec<u8>> = Answer::options_in(&split.message[240..])
        .into_iter()
        .filter(|(code, _)| *code == 67)
        .map(|(_, piece)| piece)
        .collect();
    assert_eq!(
        (pieces.len(), pieces.concat()),
        (2, b"tftp://10.0.0.1/fw.bin".to_vec())
    );
    let padded = offer(DhcpFault::Padded);
    assert_eq!(padded.message[240..244], [0, 53, 1, 2]);
    assert!(padded.option(67).is_some());
}

#[test]
fn faults_that_damage() {
    let offer = |damage| {
        one(
            &mut with_fault(DhcpFault::Malformed(damage)),
            &ask(DISCOVER),
        )
    };
    assert_ne!(
        offer(DhcpDamage::Cookie).message[236..240],
        [0x63, 0x82, 0x53, 0x63]
    );
    assert_eq!(offer(DhcpDamage::Short).message.len(), 100);
    let overrun = offer(DhcpDamage::Overrun).message;
    assert_eq!(overrun[overrun.len() - 3..], [67, 200, b'x']);
    let endless = offer(DhcpDamage::NoEnd).message;
    assert!(endless.ends_with(b"tftp://10.0.0.1/fw.bin"));
    assert_eq!(offer(DhcpDamage::Opcode).message[0], 1);
    assert_eq!(offer(DhcpDamage::OptionLengths).option(1).unwrap().len(), 5);
    assert_ne!(offer(DhcpDamage::Noise).message[4..8], XID);
}

#[test]
fn names_are_resolved_with_and_without_faults() {
    let mut server = config();
    server.dns.insert("images.corp".into(), SERVER);
    server.faults.dns.add(Rule::new(DnsFault::Silent).times(1));
    let delay = Duration::from_secs(2);
    server
        .faults
        .dns
        .add(Rule::new(DnsFault::Delay(delay)).after(1).times(1));
    let mut client = Client::perfect(server);
    let socket = client.udp(5_353);
    let query = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x06images\x04corp\0\0\x01\0\x01";
    client.send(socket, (SERVER, 53), query);
    assert_eq!(client.receive(socket, Duration::from_secs(5)), None);
    let began = client.now();
    client.send(socket, (SERVER, 53), query);
    let (port, answer) = client.receive(socket, Duration::from_secs(5)).unwrap();
    assert_eq!(
        (port, &answer[answer.len() - 4..]),
        (53, &SERVER.octets()[..])
    );
    assert_eq!(client.now().since(began), delay);
    client.send(socket, (SERVER, 53), query);
    assert!(client.receive(socket, Duration::from_millis(1)).is_some());
    assert_eq!(client.last_served().name, "images.corp");
}
