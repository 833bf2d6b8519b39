//! Both families side by side: what one of them meets does not disturb the other, and what routers repeat disturbs nobody.

use super::Net;
use super::ipv6::{count, fetch, ipv6, now, octets, of_mac, station, station_with};
use image_server::router::advertisement;
use image_server::{Dhcp6Config, DnsFault, Ipv6Config, ServerConfig, SharedWorld};
use netboot::{Families, NetError};
use netboot_core::Duration;
use netboot_core::net::{Prefix, Route};
use netboot_ipxe::{DhcpGoal, IpxeInterface as _, NetworkConfig};
use netsim::{Middle, Side};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use testbed::Plan;
use testbed::plan::{CLIENT, SERVER};

const HOLE: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x99);

/// The server under the name `images.lab` at its address of IPv4, and under an address of IPv6 at which nobody is.
fn half_dead(server: &mut ServerConfig) {
    let ipv6 = server.ipv6.as_mut().unwrap();
    ipv6.names.insert("images.lab".into(), HOLE);
    server.dns.insert("images.lab".into(), server.ip);
    server.lease.dns = vec![server.ip];
}

fn repeat_advertisement(world: &SharedWorld, config: &Ipv6Config) {
    let frame = advertisement(world.borrow().server.mac(), config);
    world.borrow_mut().server.inject(frame);
}

fn took(net: &mut Net, what: impl FnOnce(&mut Net)) -> Duration {
    let begun = now(net);
    what(net);
    now(net).since(begun)
}

/// The longest frame of the server.
fn longest(world: &SharedWorld) -> Arc<Mutex<usize>> {
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
    longest
}

#[test]
fn an_mtu_that_was_set_by_hand_stays() {
    for families in [Families::Ipv4, Families::DUAL] {
        let (world, mut net) = station(families, |_| ());
        let mut config = NetworkConfig::new(CLIENT.into(), 24);
        config.mtu = Some(1_000);
        net.ifconfig(&config).expect("a usable address");
        net.sleep(Duration::from_millis(10)).unwrap();
        let longest = longest(&world);
        let file = fetch(&mut net, &format!("http://{SERVER}/image"));
        assert_eq!(file.unwrap(), octets());
        assert_eq!(*longest.lock().unwrap(), 14 + 1_000, "{families:?}");
    }
}

#[test]
fn a_route_outlives_what_a_router_repeats() {
    let told = Ipv6Config {
        router_lifetime: 0,
        ..Ipv6Config::default()
    };
    let (world, mut net) = station(Families::Ipv6, |server| {
        server.ipv6 = Some(told.clone());
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    let route = Route {
        destination: Prefix {
            address: "fd01::".parse().unwrap(),
            len: 48,
        },
        gateway: Some("fe80::ff:fe00:1".parse().unwrap()),
    };
    net.route(&route).expect("a router on the link");
    let there = |net: &mut Net| {
        let fetched = fetch(net, "tftp://[fd01::1]/image");
        !matches!(fetched, Err(NetError::NoRoute { .. }))
    };
    assert!(there(&mut net));
    repeat_advertisement(&world, &told);
    net.sleep(Duration::from_secs(1)).unwrap();
    assert!(there(&mut net), "nothing is new");
    // Another configuration has no routes that were set by hand.
    let other = Ipv6Config {
        mtu: Some(1_400),
        ..told
    };
    repeat_advertisement(&world, &other);
    net.sleep(Duration::from_secs(1)).unwrap();
    assert!(!there(&mut net));
}

/// RFC 5942, section 4: addresses are on the link only where somebody says so.
#[test]
fn without_a_default_router_what_is_elsewhere_has_no_route() {
    let (_, mut net) = station(Families::Ipv6, |server| {
        server.ipv6.as_mut().unwrap().router_lifetime = 0;
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    let spent = took(&mut net, |net| {
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        let fetched = fetch(net, "http://[2001:db8::1]/image");
        assert_eq!(fetched.unwrap_err(), NetError::NoRoute { address });
    });
    assert!(spent < Duration::from_millis(100), "{spent}");
    assert_eq!(fetch(&mut net, "http://[fd00::1]/image").unwrap(), octets());
}

/// One address of IPv6 at which nobody is, and two routers of IPv4 of which the second one is gone.
#[test]
fn a_dead_address_of_one_family_does_not_change_the_router_of_the_other() {
    let (_, mut net) = station(Families::DUAL, |server| {
        half_dead(server);
        server.prefix_len = 8;
        let mask = (1, vec![255, 255, 255, 0]);
        let gone = Ipv4Addr::new(10, 0, 9, 200);
        let routers = [server.ip.octets(), gone.octets()].concat();
        server.lease.address = Ipv4Addr::new(10, 0, 9, 15);
        server.lease.options = vec![mask, (3, routers)];
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    net.sleep(Duration::from_secs(2)).unwrap();
    for _ in 0..3 {
        let spent = took(&mut net, |net| {
            let file = fetch(net, "http://images.lab/image");
            assert_eq!(file.unwrap(), octets());
        });
        assert!(spent < Duration::from_secs(2), "{spent}");
    }
}

#[test]
fn each_family_asks_its_own_servers_for_names() {
    let (_, mut net) = station(Families::DUAL, |server| {
        server.dns.insert("images.lab".into(), server.ip);
        server.lease.dns = vec![server.ip];
        server.ipv6.as_mut().unwrap().dns_servers = vec![HOLE];
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    net.sleep(Duration::from_secs(2)).unwrap();
    let mut file = || {
        took(&mut net, |net| {
            let file = fetch(net, "http://images.lab/image");
            assert_eq!(file.unwrap(), octets());
        })
    };
    let first = file();
    assert!(first < Duration::from_secs(12), "{first}");
    let again = file();
    assert!(
        again < Duration::from_secs(1),
        "{again}: nobody answered before"
    );
}

/// A filter on the way drops questions for addresses of IPv6.
#[test]
fn servers_that_do_not_answer_for_one_family_are_waited_for_once() {
    let (world, mut net) = station(Families::DUAL, |server| {
        server.dns.insert("images.lab".into(), server.ip);
        server.lease.dns = vec![server.ip];
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    net.sleep(Duration::from_secs(2)).unwrap();
    let aaaa = [0, 28, 0, 1];
    let middle: Middle = Box::new(move |_, from, frame, out| {
        if from == Side::Server || !frame.windows(4).any(|four| four == aaaa) {
            out.push((from, frame));
        }
    });
    world.borrow_mut().link.set_middle(middle);
    let spent: Vec<_> = (0..3)
        .map(|_| {
            took(&mut net, |net| {
                let file = fetch(net, "http://images.lab/image");
                assert_eq!(file.unwrap(), octets());
            })
        })
        .collect();
    assert!(spent[0] > Duration::from_secs(5), "{}", spent[0]);
    assert!(spent[0] < Duration::from_secs(12), "{}", spent[0]);
    assert!(spent[1] < Duration::from_secs(1), "{}", spent[1]);
    assert!(spent[2] < Duration::from_secs(1), "{}", spent[2]);
    // Nobody answers at all: the family that is asked last is waited for as long as ever.
    world
        .borrow_mut()
        .server
        .config_mut()
        .faults
        .dns
        .always(DnsFault::Silent);
    let spent = took(&mut net, |net| {
        let fetched = fetch(net, "http://elsewhere.lab/image");
        assert_eq!(fetched.unwrap_err(), NetError::DnsTimeout);
    });
    assert!(spent > Duration::from_secs(10), "{spent}");
}

/// RFC 5227, section 2.3: the address that comes second is announced as well.
#[test]
fn an_address_of_ipv4_is_announced_beside_one_of_ipv6() {
    let (world, mut net) = station(Families::DUAL, |server| {
        server.lease.offer_delay = Duration::from_millis(300);
        server.lease.boot_file = None;
    });
    let announced = count(&world, |frame| {
        frame[12..14] == [8, 6] && frame[28..32] == frame[38..42] && frame[28] == 10
    });
    net.dhcp(DhcpGoal::Address).expect("an address");
    assert_eq!(ipv6(net.config().unwrap()), of_mac([0xfd00, 0, 0, 0]));
    net.sleep(Duration::from_secs(2)).unwrap();
    assert!(net.other_config().unwrap().address.is_ipv4());
    assert_eq!(*announced.lock().unwrap(), 1);
}

/// A port of the switch that opens late: servers are asked for an address, as no router answers, and then a router says that they have none.
#[test]
fn a_router_that_comes_late_and_says_that_servers_only_inform() {
    let (_, mut net) = station(Families::Ipv6, |server| {
        let ipv6 = server.ipv6.as_mut().unwrap();
        ipv6.deaf = 3;
        ipv6.other = true;
        ipv6.dhcp = Some(Dhcp6Config {
            stateful: false,
            dns: vec![ipv6.address],
            ..Dhcp6Config::default()
        });
    });
    let config = net.dhcp(DhcpGoal::Address).expect("an address").clone();
    assert_eq!(ipv6(&config), of_mac([0xfd00, 0, 0, 0]));
    assert_eq!(config.dns, ["fd00::1".parse::<IpAddr>().unwrap()]);
    let spent = now(&mut net).as_millis();
    assert!((6_000..10_000).contains(&spent), "{spent} ms");
}

/// RFC 8106, section 5.1: a server that a router told ends with its time, beside those of a lease.
#[test]
fn servers_that_routers_told_end_beside_those_of_a_lease() {
    let (_, mut net) = station(Families::Ipv6, |server| {
        let ipv6 = server.ipv6.as_mut().unwrap();
        ipv6.managed = true;
        ipv6.router_lifetime = 9_000;
        ipv6.dns_servers = vec![HOLE];
        ipv6.dhcp = Some(Dhcp6Config {
            dns: vec![ipv6.address],
            ..Dhcp6Config::default()
        });
    });
    net.dhcp(DhcpGoal::Address).expect("a lease");
    let servers = |net: &Net| net.config().unwrap().dns.to_vec();
    let leased: IpAddr = "fd00::1".parse().unwrap();
    assert_eq!(servers(&net), [leased, HOLE.into()]);
    // The router has said 600 s.
    net.sleep(Duration::from_secs(590)).unwrap();
    assert_eq!(servers(&net), [leased, HOLE.into()]);
    net.sleep(Duration::from_secs(20)).unwrap();
    assert_eq!(servers(&net), [leased]);
    // The renewal at half of the time changes nothing of it.
    net.sleep(Duration::from_secs(3_600)).unwrap();
    assert_eq!(servers(&net), [leased]);
}

#[test]
fn an_address_that_is_asked_for_again_is_not_given_back() {
    for (families, releases) in [(Families::Ipv4, 0), (Families::DUAL, 0)] {
        let (world, mut net) = station(families, |_| ());
        // Option 53 comes first; 7 is DHCPRELEASE.
        let released = count(&world, |frame| {
            frame[12..14] == [8, 0] && frame[23] == 17 && frame.get(282..285) == Some(&[53, 1, 7])
        });
        for _ in 0..2 {
            net.dhcp(DhcpGoal::Address).expect("an address");
            net.sleep(Duration::from_secs(2)).unwrap();
        }
        assert_eq!(*released.lock().unwrap(), releases, "{families:?}");
    }
}

/// RFC 1122, section 3.2.2.1: "no such protocol" would be a lie to whoever sends datagrams.
#[test]
fn a_datagram_for_nobody_is_not_answered() {
    let (world, mut net) = station_with(|options| options.families = Families::Ipv4, |_| ());
    net.dhcp(DhcpGoal::Address).expect("an address");
    let icmp = Arc::new(Mutex::new((0, 0)));
    let seen = icmp.clone();
    let middle: Middle = Box::new(move |_, from, frame, out| {
        let is = |protocol| frame[12..14] == [8, 0] && frame[23] == protocol;
        let mut seen = seen.lock().unwrap();
        match from {
            // Each block comes once more, to another port, without a checksum.
            Side::Server if is(17) => {
                let mut other = frame.clone();
                other[37] ^= 1;
                other[40..42].fill(0);
                out.push((from, other));
                seen.0 += 1;
            }
            Side::Client if is(1) => seen.1 += 1,
            _ => {}
        }
        drop(seen);
        out.push((from, frame));
    });
    world.borrow_mut().link.set_middle(middle);
    let server = Plan::default().server().ip;
    let file = fetch(&mut net, &format!("tftp://{server}/image"));
    assert_eq!(file.unwrap(), octets());
    let (datagrams, answers) = *icmp.lock().unwrap();
    assert!(datagrams > 10, "{datagrams}");
    assert_eq!(answers, 0);
}
