//! Commands of the iPXE-style interface one by one.

use super::{Memory, Net, assert_delivered, configured, uri, world};
use image_server::Content;
use netboot::NetError;
use netboot_core::{ConfigOrigin, Duration, Prefix};
use netboot_ipxe::{Delivery, DhcpGoal, ExecError, IpxeInterface, NetworkConfig, Part, Route};
use testbed::plan::{CLIENT, FILE_NAMES, SERVER};

/// The interface can be used without knowing the library's type.
fn dynamic(net: &mut Net) -> &mut dyn IpxeInterface<Error = NetError> {
    net
}

#[test]
fn an_address_by_hand_is_as_good_as_a_lease() {
    for scheme in ["tftp", "http"] {
        let (world, mut net) = configured(|server| server.lease.enabled = false);
        let net = dynamic(&mut net);
        let config = net.config().unwrap();
        assert_eq!(
            (config.address, config.origin),
            (CLIENT.into(), ConfigOrigin::Static)
        );
        let mut delivery = Delivery::new(Memory::default());
        net.chain(&uri(scheme, FILE_NAMES[1]), &mut delivery)
            .unwrap();
        let image = testbed::Plan::default().images[1].bytes.clone();
        assert_delivered(&mut delivery, &image);
        net.exit();
        assert!(net.config().is_none());
        let dhcp = |served: &&image_server::Served| served.protocol == image_server::Protocol::Dhcp;
        assert_eq!(
            world.borrow().server.served().iter().filter(dhcp).count(),
            0
        );
    }
}

#[test]
fn addresses_that_no_station_can_have_are_refused() {
    let (_, mut net) = world(|_| ());
    let cases = [
        ("0.0.0.0", 24, NetError::BadAddress),
        ("255.255.255.255", 24, NetError::BadAddress),
        ("224.0.0.5", 24, NetError::BadAddress),
        ("127.0.0.1", 8, NetError::BadAddress),
        ("10.0.2.15", 0, NetError::BadAddress),
        ("10.0.2.15", 33, NetError::BadAddress),
        ("fd00::15", 64, NetError::AddressFamily),
    ];
    for (address, len, error) in cases {
        let config = NetworkConfig::new(address.parse().unwrap(), len);
        assert_eq!(net.ifconfig(&config), Err(error), "{address}/{len}");
        assert!(net.config().is_none(), "{address}/{len}");
    }
}

fn route(network: &str, len: u8, gateway: Option<&str>) -> Route {
    Route {
        destination: Prefix {
            address: network.parse().unwrap(),
            len,
        },
        gateway: gateway.map(|gateway| gateway.parse().unwrap()),
    }
}

#[test]
fn a_route_leads_where_the_own_network_does_not() {
    let far = "http://10.9.1.1/caliptra-fw.bin".try_into_uri();
    // Without a route nobody can be asked.
    let sent = |world: &image_server::SharedWorld| world.borrow().link.stats().from_client.sent;
    let (world, mut net) = configured(|_| ());
    let deadline = net_now(&mut net) + Duration::from_secs(3);
    net.set_deadline(deadline);
    let before = sent(&world);
    let address = [10, 9, 1, 1].into();
    assert_eq!(
        net.imgfetch(&far, None, None).unwrap_err(),
        NetError::NoRoute { address }
    );
    assert_eq!(sent(&world), before, "at once, and without a frame");
    // With one the packets go to the gateway's hardware address, which here is the server's.
    let (world, mut net) = configured(|_| ());
    let gateway = SERVER.to_string();
    net.route(&route("10.9.0.0", 16, Some(&gateway))).unwrap();
    let deadline = net_now(&mut net) + Duration::from_secs(3);
    net.set_deadline(deadline);
    let before = sent(&world);
    let _ = net.imgfetch(&far, None, None);
    assert!(
        sent(&world) > before + 1,
        "a question for the gateway, and what goes to it"
    );
    for bad in [
        route("10.9.0.0", 16, Some("10.8.0.1")),
        route("10.9.0.0", 33, Some(&gateway)),
        route("fd00::", 8, Some(&gateway)),
    ] {
        assert_eq!(net.route(&bad), Err(NetError::BadRoute), "{bad:?}");
    }
    // Without a gateway, the destination itself is on the link.
    let (world, mut net) = configured(|_| ());
    net.route(&route("10.9.0.0", 16, None)).unwrap();
    let deadline = net_now(&mut net) + Duration::from_secs(3);
    net.set_deadline(deadline);
    let before = sent(&world);
    let _ = net.imgfetch(&far, None, None);
    assert!(sent(&world) > before, "a question for the server");
    // The table has room for eight, and for a few more beside those of a configuration.
    let added = (0..20u8)
        .take_while(|n| {
            net.route(&route(&format!("10.{n}.0.0"), 16, Some(&gateway)))
                .is_ok()
        })
        .count();
    assert!((8..=12).contains(&added), "{added}");
    // A new configuration begins with an empty table.
    net.ifconfig(&NetworkConfig::new(CLIENT.into(), 24))
        .unwrap();
    net.route(&route("10.9.0.0", 16, Some(&gateway))).unwrap();
}

#[test]
fn without_an_address_there_is_no_route_and_no_fetch() {
    let (_, mut net) = world(|_| ());
    let gateway = SERVER.to_string();
    assert_eq!(
        net.route(&route("10.9.0.0", 16, Some(&gateway))),
        Err(NetError::NotConfigured)
    );
    for scheme in ["tftp", "http"] {
        let fetched = net.imgfetch(&uri(scheme, FILE_NAMES[0]), None, None);
        assert_eq!(fetched.unwrap_err(), NetError::NotConfigured);
    }
}

#[test]
fn a_part_of_a_remote_disk_is_booted() {
    let disk: Vec<u8> = (0..100_000u32).map(|at| (at % 251) as u8).collect();
    for scheme in ["tftp", "http"] {
        let (_, mut net) = configured(|server| {
            let content = Content::Bytes(disk.as_slice().into());
            server.files.insert("disk.img".into(), content);
        });
        let mut delivery = Delivery::new(Memory::default());
        let part = Part {
            offset: 40_001,
            len: 12_345,
        };
        let net = dynamic(&mut net);
        net.sanboot(&uri(scheme, "disk.img"), part, &mut delivery)
            .unwrap();
        assert_delivered(&mut delivery, &disk[40_001..][..12_345]);
        let beyond = Part {
            offset: 99_999,
            len: 2,
        };
        let mut nothing = Delivery::new(Memory::default());
        assert_eq!(
            net.sanboot(&uri(scheme, "disk.img"), beyond, &mut nothing),
            Err(ExecError::Transfer(NetError::PartBeyondEnd))
        );
        assert!(!nothing.has_begun());
    }
}

#[test]
fn names_handles_and_waits() {
    let (world, mut net) = configured(|_| ());
    let net = dynamic(&mut net);
    net.echo("looking for images");
    let first = net
        .imgfetch(&uri("http", "caliptra-fw.bin"), None, None)
        .unwrap();
    assert_eq!(first.name, "caliptra-fw.bin");
    let second = net.imgfetch(&uri("http", "soc-manifest.bin"), Some("manifest"), None);
    assert_eq!(second.unwrap().name, "manifest");
    // The first transfer was closed by the second.
    assert_eq!(net.imgload(&first).unwrap_err(), NetError::StaleHandle);
    let long = "x".repeat(40);
    let named = net
        .imgfetch(&uri("http", "soc-manifest.bin"), Some(&long), None)
        .unwrap();
    assert_eq!(named.name, long[..32]);
    let before = world.borrow().now;
    net.sleep(Duration::from_secs(2)).unwrap();
    assert!(world.borrow().now.since(before) >= Duration::from_secs(2));
    net.set_deadline(before + Duration::from_secs(3));
    assert_eq!(net.sleep(Duration::from_secs(9)), Err(NetError::Deadline));
}

#[test]
fn everything_that_dhcp_says_is_kept_whole() {
    let name = format!("{}.{}.example", "a".repeat(60), "b".repeat(50));
    let (_, mut net) = world(|server| {
        server.lease.boot_file = Some("images/boot.toc".into());
        server.lease.server_name = Some(name.clone());
        server.lease.placement = image_server::BootPlacement::Options;
    });
    let config = net.dhcp(DhcpGoal::BootFiles).unwrap();
    assert_eq!(config.origin, ConfigOrigin::Dhcp(SERVER.into()));
    assert_eq!(config.boot.server_name, name.as_str());
    assert_eq!(config.boot.file, "images/boot.toc");
    let raw = net.dhcp_options();
    assert_eq!(raw.get(netboot::Scope::Dhcp, 66), Some(name.as_bytes()));
    assert_eq!(raw.get(netboot::Scope::Dhcp, 53), Some(&[5][..]));
    assert_eq!(raw.get(netboot::Scope::Proxy, 66), None);
}

trait TryIntoUri {
    fn try_into_uri(self) -> netboot_core::Uri;
}

impl TryIntoUri for &str {
    fn try_into_uri(self) -> netboot_core::Uri {
        netboot_core::Uri::parse(self).unwrap()
    }
}

fn net_now(net: &mut Net) -> netboot_core::Instant {
    IpxeInterface::now(net)
}
