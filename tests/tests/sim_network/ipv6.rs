//! IPv6: addresses by a router's word, both families side by side, and files over every protocol.

use super::{Memory, Net, station_of};
use image_server::router::{self, ALL_NODES, claim, packet};
use image_server::{Content, Ipv6Config, Protocol, ServerConfig, SharedWorld};
use netboot::{ArpProbe, Families, NetError, NetworkOptions};
use netboot_core::{Duration, Instant, Uri};
use netboot_ipxe::{DhcpGoal, IpxeInterface as _, NetworkConfig};
use netsim::{Middle, Side};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use testbed::Plan;
use testbed::ethernet::MAC;

pub const OTHER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x77];

pub fn octets() -> Vec<u8> {
    (0..100_000u32).map(|at| ((at * 7) >> 3) as u8).collect()
}

/// A station on a network with a router and a DHCPv4 server, which speaks these families.
pub fn station(families: Families, change: impl FnOnce(&mut ServerConfig)) -> (SharedWorld, Net) {
    station_with(|options| options.families = families, change)
}

pub fn station_with(
    options: impl FnOnce(&mut NetworkOptions),
    change: impl FnOnce(&mut ServerConfig),
) -> (SharedWorld, Net) {
    let (world, mut net) = station_of(
        Plan::default().server(),
        |server| {
            server.ipv6 = Some(Ipv6Config::default());
            server.files.insert("image".into(), Content::from(octets()));
            change(server);
        },
        options,
    );
    net.set_deadline(Instant::ZERO + Duration::from_secs(10_000));
    (world, net)
}

pub fn fetch(net: &mut Net, uri: &str) -> Result<Vec<u8>, NetError> {
    let uri = Uri::parse(uri).expect("a URI");
    let mut delivery = netboot_ipxe::Delivery::new(Memory::default());
    let handle = net.imgfetch(&uri, None, None)?;
    let image = net.imgload(&handle)?;
    match net.imgexec(image, &mut delivery) {
        Ok(()) => Ok(delivery.into_sink().octets),
        Err(error) => panic!("{error:?}"),
    }
}

pub fn ipv6(config: &NetworkConfig) -> Ipv6Addr {
    match config.address {
        IpAddr::V6(address) => address,
        IpAddr::V4(_) => panic!("{config:?}"),
    }
}

/// The address that is made of this prefix and the station's hardware address.
pub fn of_mac(prefix: [u16; 4]) -> Ipv6Addr {
    router::of_mac(prefix, MAC)
}

/// Has `look` see each frame of the station; what it returns is sent to the station.
pub fn watch(world: &SharedWorld, mut look: impl FnMut(&[u8]) -> Option<Vec<u8>> + Send + 'static) {
    let middle: Middle = Box::new(move |_, from, frame, out| {
        let answer = match from {
            Side::Client => look(&frame),
            Side::Server => None,
        };
        out.push((from, frame));
        out.extend(answer.map(|answer| (Side::Server, answer)));
    });
    world.borrow_mut().link.set_middle(middle);
}

/// Counts the frames of the station for which `is` holds.
pub fn count(world: &SharedWorld, is: fn(&[u8]) -> bool) -> Arc<Mutex<usize>> {
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    watch(world, move |frame| {
        *counted.lock().unwrap() += usize::from(is(frame));
        None
    });
    count
}

pub fn is_ipv6(frame: &[u8]) -> bool {
    frame[12..14] == [0x86, 0xdd]
}

fn is_tcp_over_ipv6(frame: &[u8]) -> bool {
    is_ipv6(frame) && frame[20] == 6
}

/// The target of a probe: a question in nobody's name.
pub fn probed(frame: &[u8]) -> Option<Ipv6Addr> {
    let probe = is_ipv6(frame) && frame[20] == 58 && frame[54] == 135 && frame[22..38] == [0; 16];
    probe.then(|| Ipv6Addr::from(<[u8; 16]>::try_from(&frame[62..78]).unwrap()))
}

pub fn now(net: &mut Net) -> Instant {
    net.now()
}

#[test]
fn an_address_of_the_routers_prefix_and_a_file_over_each_protocol() {
    let (_, mut net) = station(Families::Ipv6, |_| ());
    let config = net.dhcp(DhcpGoal::Address).expect("an address").clone();
    assert_eq!(ipv6(&config), of_mac([0xfd00, 0, 0, 0]));
    assert_eq!((config.prefix_len, config.routers.len()), (64, 1));
    let local = "tftp://[fe80::ff:fe00:1]/image";
    for uri in ["tftp://[fd00::1]/image", "http://[fd00::1]/image", local] {
        assert_eq!(fetch(&mut net, uri).expect(uri), octets(), "{uri}");
    }
    let ipv4 = fetch(&mut net, "tftp://10.0.0.1/image");
    assert_eq!(ipv4.unwrap_err(), NetError::AddressFamily);
    net.exit();
    assert!(net.config().is_none());
}

#[test]
fn both_families_serve_side_by_side() {
    let (_, mut net) = station(Families::DUAL, |_| ());
    net.dhcp(DhcpGoal::Address).expect("an address");
    net.sleep(Duration::from_secs(1)).unwrap();
    // The one that names boot files comes first.
    assert!(net.config().unwrap().address.is_ipv4());
    assert_eq!(ipv6(net.other_config().unwrap()), of_mac([0xfd00, 0, 0, 0]));
    let server = Plan::default().server().ip;
    for uri in [
        "http://[fd00::1]/image".into(),
        format!("http://{server}/image"),
    ] {
        assert_eq!(fetch(&mut net, &uri).expect(&uri), octets(), "{uri}");
    }
}

/// The server under a name with addresses of both families, `images.lab`.
fn named(server: &mut ServerConfig) {
    let ipv6 = server.ipv6.as_mut().unwrap();
    ipv6.names.insert("images.lab".into(), ipv6.address);
    ipv6.dns_servers = vec![ipv6.address];
    server.dns.insert("images.lab".into(), server.ip);
    server.lease.dns = vec![server.ip];
}

fn queries(world: &SharedWorld) -> usize {
    let world = world.borrow();
    let served = world.server.served().iter();
    served
        .filter(|served| served.protocol == Protocol::Dns)
        .count()
}

#[test]
fn a_name_has_addresses_of_both_families_and_the_preferred_one_serves() {
    let first = Duration::from_millis(500);
    for (families, ipv6, asked) in [
        (Families::Ipv6, true, 1),
        (Families::Ipv6First(first), true, 2),
        (Families::Ipv4First(first), false, 2),
        (Families::Ipv4, false, 1),
    ] {
        let (world, mut net) = station(families, named);
        net.dhcp(DhcpGoal::Address).expect("an address");
        // Until both families have an address.
        net.sleep(Duration::from_secs(2)).unwrap();
        let frames = count(&world, is_tcp_over_ipv6);
        for _ in 0..2 {
            let file = fetch(&mut net, "http://images.lab/image");
            assert_eq!(file.expect("a file"), octets(), "{families:?}");
        }
        assert_eq!(*frames.lock().unwrap() > 0, ipv6, "{families:?}");
        assert_eq!(
            queries(&world),
            asked,
            "{families:?}: addresses are remembered"
        );
    }
}

#[test]
fn a_name_with_addresses_of_one_family_is_found() {
    for only in [4, 6] {
        let (_, mut net) = station(Families::DUAL, |server| {
            named(server);
            match only {
                4 => server.ipv6.as_mut().unwrap().names.clear(),
                _ => server.dns.clear(),
            }
        });
        net.dhcp(DhcpGoal::Address).expect("an address");
        net.sleep(Duration::from_secs(2)).unwrap();
        for scheme in ["http", "tftp"] {
            let uri = format!("{scheme}://images.lab/image");
            assert_eq!(fetch(&mut net, &uri).expect(&uri), octets());
        }
        let nowhere = fetch(&mut net, "http://nowhere.lab/image");
        assert_eq!(nowhere.unwrap_err(), NetError::NameNotFound);
    }
}

/// RFC 8305: a family that leads nowhere costs a quarter of a second.
#[test]
fn a_black_hole_of_one_family_costs_little() {
    let (world, mut net) = station(Families::DUAL, named);
    net.dhcp(DhcpGoal::Address).expect("an address");
    net.sleep(Duration::from_secs(2)).unwrap();
    let hole: Middle = Box::new(|_, from, frame, out| {
        if !is_tcp_over_ipv6(&frame) {
            out.push((from, frame));
        }
    });
    world.borrow_mut().link.set_middle(hole);
    let begun = now(&mut net);
    assert_eq!(
        fetch(&mut net, "http://images.lab/image").unwrap(),
        octets()
    );
    let took = now(&mut net).since(begun);
    assert!(took < Duration::from_millis(600), "{took}");
}

/// The other way round: the first family is slow, the second one leads nowhere. The first one gets another turn, and more time.
#[test]
fn a_slow_family_gets_more_time_when_the_other_leads_nowhere() {
    let (world, mut net) = station(Families::DUAL, named);
    net.dhcp(DhcpGoal::Address).expect("an address");
    net.sleep(Duration::from_secs(2)).unwrap();
    let late = Arc::new(Mutex::new(0));
    let seen = late.clone();
    // The first two requests for a connection over IPv6 are lost, and all over IPv4.
    let middle: Middle = Box::new(move |_, from, frame, out| {
        let lost = from == Side::Client
            && if is_tcp_over_ipv6(&frame) && frame[67] == 2 {
                *seen.lock().unwrap() += 1;
                *seen.lock().unwrap() <= 2
            } else {
                frame[12..14] == [8, 0] && frame[23] == 6
            };
        if !lost {
            out.push((from, frame));
        }
    });
    world.borrow_mut().link.set_middle(middle);
    let begun = now(&mut net);
    assert_eq!(
        fetch(&mut net, "http://images.lab/image").unwrap(),
        octets()
    );
    let took = now(&mut net).since(begun);
    assert!(took > Duration::from_millis(1_000), "{took}");
    assert!(took < Duration::from_secs(4), "{took}");
}

#[test]
fn a_router_that_does_not_hear_the_first_questions() {
    let (_, mut net) = station(Families::Ipv6, |server| {
        server.ipv6.as_mut().unwrap().deaf = 3;
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    let took = now(&mut net).as_millis();
    // 1 s, 2 s and 4 s, each a tenth more or less.
    assert!((6_000..9_000).contains(&took), "{took} ms");
}

#[test]
fn without_a_router_there_is_no_address_of_ipv6() {
    let alone = |families| {
        let (_, mut net) = station_with(
            |options| {
                options.families = families;
                options.dhcp.timeout = Duration::from_secs(20);
            },
            |server| server.ipv6.as_mut().unwrap().router = false,
        );
        let result = net.dhcp(DhcpGoal::Address).cloned();
        (result, now(&mut net).as_millis())
    };
    let (result, took) = alone(Families::Ipv6);
    assert_eq!(result.unwrap_err(), NetError::NoRouter);
    assert!((20_000..21_000).contains(&took), "{took} ms");
    let (result, took) = alone(Families::DUAL);
    assert!(result.expect("IPv4").address.is_ipv4());
    assert!((1_000..2_000).contains(&took), "{took} ms");
}

#[test]
fn an_address_that_somebody_else_uses_is_not_taken() {
    for prefix in [[0xfe80, 0, 0, 0], [0xfd00, 0, 0, 0]] {
        let taken = of_mac(prefix);
        for answers in [true, false] {
            let (world, mut net) = station_with(
                |options| {
                    options.families = Families::Ipv6;
                    options.dhcp.probe = ArpProbe::On {
                        count: 1,
                        interval: Duration::from_millis(150),
                    };
                },
                |_| (),
            );
            // Who has the address says so; who would like to have it asks for it as well.
            watch(&world, move |frame| {
                (probed(frame)? == taken).then(|| match answers {
                    true => claim(OTHER_MAC, taken),
                    false => {
                        let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
                        message.extend(taken.octets());
                        let mut group = ALL_NODES.octets();
                        group[11..16].copy_from_slice(&[1, 0xff, 0, 0, 0]);
                        group[13..].copy_from_slice(&taken.octets()[13..]);
                        packet(OTHER_MAC, Ipv6Addr::UNSPECIFIED, group.into(), message)
                    }
                })
            });
            let config = net
                .dhcp(DhcpGoal::Address)
                .expect("another address")
                .clone();
            let own = ipv6(&config);
            assert_eq!(own.segments()[..4], [0xfd00, 0, 0, 0]);
            assert_ne!(own, of_mac([0xfd00, 0, 0, 0]), "{taken}");
            assert_eq!(fetch(&mut net, "http://[fd00::1]/image").unwrap(), octets());
        }
    }
}

#[test]
fn what_only_looks_like_a_routers_word_is_not_heeded() {
    use image_server::router::advertisement;
    // An advertisement of another prefix, changed so that it cannot be a router of this link.
    let forged = |change: fn(&mut Vec<u8>)| {
        let other = Ipv6Config {
            address: "fd66::1".parse().unwrap(),
            ..Ipv6Config::default()
        };
        let mut frame = advertisement(OTHER_MAC, &other);
        change(&mut frame);
        frame
    };
    let passed_on: fn(&mut Vec<u8>) = |frame| frame[21] = 254;
    let damaged: fn(&mut Vec<u8>) = |frame| frame[60] ^= 1;
    let right: fn(&mut Vec<u8>) = |_| ();
    for (change, heeded) in [(passed_on, false), (damaged, false), (right, true)] {
        let (world, mut net) = station(Families::Ipv6, |_| ());
        let frame = forged(change);
        watch(&world, move |sent| {
            probed(sent)
                .or((sent.len() > 54 && is_ipv6(sent) && sent[54] == 133).then_some(ALL_NODES))
                .map(|_| frame.clone())
        });
        let config = net.dhcp(DhcpGoal::Address).expect("an address").clone();
        let expected = if heeded {
            [0xfd66, 0, 0, 0]
        } else {
            [0xfd00, 0, 0, 0]
        };
        assert_eq!(ipv6(&config), of_mac(expected));
    }
}

#[test]
fn the_routers_mtu_is_kept() {
    let (world, mut net) = station(Families::Ipv6, |server| {
        server.ipv6.as_mut().unwrap().mtu = Some(1_280);
    });
    let config = net.dhcp(DhcpGoal::Address).expect("an address");
    assert_eq!(config.mtu, Some(1_280));
    let longest = Arc::new(Mutex::new(0));
    let seen = longest.clone();
    let middle: Middle = Box::new(move |_, from, frame, out| {
        if from == Side::Server {
            let mut longest = seen.lock().unwrap();
            *longest = frame.len().max(*longest);
        }
        out.push((from, frame));
    });
    world.borrow_mut().link.set_middle(middle);
    for uri in ["tftp://[fd00::1]/image", "http://[fd00::1]/image"] {
        assert_eq!(fetch(&mut net, uri).unwrap(), octets());
        let longest = std::mem::take(&mut *longest.lock().unwrap());
        assert_eq!(longest, 14 + 1_280, "{uri}");
    }
}

#[test]
fn an_address_ends_with_its_prefix() {
    let (world, mut net) = station(Families::Ipv6, |server| {
        server.ipv6.as_mut().unwrap().valid_lifetime = 100;
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    net.sleep(Duration::from_secs(99)).unwrap();
    assert!(net.config().is_some());
    net.sleep(Duration::from_secs(2)).unwrap();
    assert!(net.config().is_none());
    let fetched = fetch(&mut net, "http://[fd00::1]/image");
    assert_eq!(fetched.unwrap_err(), NetError::NotConfigured);
    // The next word of the router brings it back.
    let config = Ipv6Config::default();
    let frame = image_server::router::advertisement(world.borrow().server.mac(), &config);
    world.borrow_mut().server.inject(frame);
    net.sleep(Duration::from_secs(1)).unwrap();
    assert_eq!(fetch(&mut net, "http://[fd00::1]/image").unwrap(), octets());
}

#[test]
fn tagged_frames_and_ipv6() {
    let (world, mut net) = station_with(
        |options| {
            options.families = Families::Ipv6;
            options.vlan = Some(7);
        },
        |_| (),
    );
    // The switch takes the tag off and puts it on.
    let middle: Middle = Box::new(|_, from, mut frame, out| {
        match from {
            Side::Client => {
                assert_eq!(frame[12..16], [0x81, 0, 0, 7]);
                frame.drain(12..16);
            }
            Side::Server => {
                frame.splice(12..12, [0x81, 0, 0, 7]);
            }
        }
        out.push((from, frame));
    });
    world.borrow_mut().link.set_middle(middle);
    net.dhcp(DhcpGoal::Address).expect("an address");
    for uri in ["tftp://[fd00::1]/image", "http://[fd00::1]/image"] {
        assert_eq!(fetch(&mut net, uri).unwrap(), octets());
    }
}
