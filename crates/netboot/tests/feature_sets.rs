//! What the library does in a simulated world, whatever features it was built with: `cargo xtask test --only features` runs this
//! for several sets. A feature adds something, and what is there without it works the same.

#[path = "../examples/fetch/store.rs"]
mod store;
#[path = "../examples/fetch/world.rs"]
mod world;

use image_server::{
    Content, HttpFault, LeaseConfig, Rule, ServerConfig, SharedWorld, TftpFault, World,
};
use netboot::{Buffers, Network, NetworkOptions, Slots};
use netboot_core::{Coded as _, Duration, Instant};
use netboot_ipxe::{Deliver as _, Delivery, DhcpGoal, ExecError, IpxeInterface, Uri};
use netsim::{LinkConfig, Side};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use store::Store;
use world::{Clock, Ethernet};

/// The error number of a URI whose scheme no carrier serves.
const UNSUPPORTED: u32 = 0x0005_0009;
/// The octet at which the server breaks its first answer off.
const BREAK: u64 = 60_000;
/// The file by TFTP, which every set has.
const TFTP: &str = "tftp://10.0.0.1/fw.bin";

type Net = Network<'static, Ethernet, Clock>;

fn image() -> Vec<u8> {
    (0..150_000_u32).map(|octet| (octet % 251) as u8).collect()
}

/// A station with a lease, in a world whose link loses one frame in a hundred.
fn station(change: impl FnOnce(&mut ServerConfig)) -> (SharedWorld, Net) {
    let server_address = Ipv4Addr::new(10, 0, 0, 1);
    let mut server = ServerConfig {
        lease: LeaseConfig {
            boot_file: Some("fw.bin".into()),
            dns: vec![server_address],
            ..LeaseConfig::default()
        },
        ..ServerConfig::default()
    };
    let file = Content::Bytes(image().into());
    server.files.insert("fw.bin".into(), file);
    server.dns.insert("boot.example".into(), server_address);
    change(&mut server);
    let link = LinkConfig {
        loss: 0.01,
        ..LinkConfig::with_delay(Duration::from_micros(200))
    };
    let world = World::shared(server, link);
    let buffers = Box::leak(Box::new(Buffers::<{ 16 * 1024 }>::new()));
    let slots = Box::leak(Box::new(Slots::new()));
    let (device, clock) = (Ethernet::new(world.clone()), Clock(world.clone(), 1));
    let mut network = Network::new(device, clock, buffers, slots, NetworkOptions::default());
    network.dhcp(DhcpGoal::BootFiles).expect("a lease");
    (world, network)
}

/// Fetches the file at `uri` into `delivery`; gives the number of the error if that fails.
fn fetch(network: &mut Net, uri: &str, delivery: &mut Delivery<Store>) -> Result<(), u32> {
    let uri = Uri::parse(uri).expect("a URI");
    match network.chain(&uri, delivery) {
        Ok(()) => Ok(()),
        Err(ExecError::Transfer(error) | ExecError::Refused(error)) => Err(error.code()),
        Err(ExecError::Sink) => panic!("the store never fails"),
    }
}

#[test]
fn a_file_by_tftp_is_whole() {
    let (_, mut network) = station(|_| ());
    let mut delivery = Delivery::new(Store::default());
    assert_eq!(fetch(&mut network, TFTP, &mut delivery), Ok(()));
    assert!(delivery.sink().0 == image());
}

#[test]
fn http_is_there_or_refused() {
    let (_, mut network) = station(|_| ());
    let mut delivery = Delivery::new(Store::default());
    let fetched = fetch(&mut network, "http://10.0.0.1/fw.bin", &mut delivery);
    if cfg!(feature = "http") {
        assert_eq!(fetched, Ok(()));
        assert!(delivery.sink().0 == image());
    } else {
        assert_eq!(fetched, Err(UNSUPPORTED));
        assert_eq!(delivery.position(), 0);
    }
    // A refusal leaves nothing behind.
    let mut delivery = Delivery::new(Store::default());
    assert_eq!(fetch(&mut network, TFTP, &mut delivery), Ok(()));
}

#[test]
fn a_name_is_resolved_or_refused() {
    let (_, mut network) = station(|_| ());
    let mut delivery = Delivery::new(Store::default());
    let fetched = fetch(&mut network, "tftp://boot.example/fw.bin", &mut delivery);
    assert_eq!(fetched.is_ok(), cfg!(feature = "dns"), "{fetched:x?}");
    assert_eq!(delivery.sink().0 == image(), cfg!(feature = "dns"));
}

/// Without `robust` a transfer ends where it broke. The delivery stays where it is in either case, and the next source goes on
/// from there.
#[test]
fn a_broken_transfer_goes_on_by_itself_or_with_the_next_source() {
    let schemes = ["tftp", "http"];
    let there = if cfg!(feature = "http") { 2 } else { 1 };
    for scheme in schemes.into_iter().take(there) {
        let (_, mut network) = station(|server| {
            let tftp = Rule::new(TftpFault::DieAfter(BREAK)).times(1);
            server.faults.tftp.add(tftp);
            let http = Rule::new(HttpFault::ResetAfter(BREAK)).times(1);
            server.faults.http.add(http);
        });
        let mut delivery = Delivery::new(Store::default());
        let uri = format!("{scheme}://10.0.0.1/fw.bin");
        let first = fetch(&mut network, &uri, &mut delivery);
        assert_eq!(
            first.is_ok(),
            cfg!(feature = "robust"),
            "{scheme}: {first:x?}"
        );
        if cfg!(feature = "robust") {
            assert_eq!(delivery.resumes(), 1);
        } else {
            let position = delivery.position();
            assert!((1..150_000).contains(&position), "{scheme}: {position}");
            assert_eq!(fetch(&mut network, &uri, &mut delivery), Ok(()), "{scheme}");
            assert_eq!(delivery.resumes(), 0);
        }
        assert!(delivery.is_complete());
        assert!(delivery.sink().0 == image(), "{scheme}");
    }
}

/// The last acknowledgement is lost, so the server sends its last block again while the application sleeps. Somebody asks for the
/// station's hardware address just behind it.
#[test]
fn a_datagram_for_the_last_transfer_keeps_nobody_waiting() {
    let (world, mut network) = station(|_| ());
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (shared, last) = (seen.clone(), 150_000_u32.div_ceil(1468) as u16);
    let middle = move |now, from, frame: Vec<u8>, out: &mut Vec<(Side, Vec<u8>)>| {
        let mut seen = shared.lock().unwrap();
        let (udp, number) = (frame.get(23) == Some(&17), frame.get(44..46));
        let is = |operation: u8| {
            udp && frame.get(42..44) == Some(&[0, operation])
                && number == Some(&last.to_be_bytes()[..])
        };
        let answers = frame.get(12..14) == Some(&[8, 6]) && frame.get(21) == Some(&2);
        match from {
            Side::Client if is(4) && seen.acknowledged.is_none() => {
                seen.acknowledged = Some(now);
                return;
            }
            Side::Client if answers && seen.asked.is_some() => seen.answered = Some(now),
            Side::Server if is(3) && seen.acknowledged.is_some() && seen.asked.is_none() => {
                seen.asked = Some(now);
                let mut question = vec![0xff; 6];
                question.extend([2, 0, 0, 0, 0, 0x77, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
                question.extend([2, 0, 0, 0, 0, 0x77, 10, 0, 0, 77, 0, 0, 0, 0, 0, 0]);
                let IpAddr::V4(own) = seen.own else {
                    panic!("IPv4")
                };
                question.extend(own.octets());
                out.push((from, frame));
                out.push((from, question));
                return;
            }
            _ => {}
        }
        out.push((from, frame));
    };
    seen.lock().unwrap().own = network.config().unwrap().address;
    world.borrow_mut().link.set_middle(Box::new(middle));
    let mut delivery = Delivery::new(Store::default());
    assert_eq!(fetch(&mut network, TFTP, &mut delivery), Ok(()));
    network.sleep(Duration::from_secs(4)).unwrap();
    let seen = seen.lock().unwrap();
    let asked = seen.asked.expect("the server sends its last block again");
    let answered = seen.answered.expect("an answer");
    assert!(
        answered.since(asked) < Duration::from_millis(20),
        "{}",
        answered.since(asked)
    );
}

/// What stood between the station and its server saw.
struct Seen {
    own: IpAddr,
    acknowledged: Option<Instant>,
    asked: Option<Instant>,
    answered: Option<Instant>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            own: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            acknowledged: None,
            asked: None,
            answered: None,
        }
    }
}
