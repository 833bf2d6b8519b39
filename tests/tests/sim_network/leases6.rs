//! Leases of IPv6, by DHCPv6 as routers say.

use super::ipv6::{
    OTHER_MAC, count, fetch, ipv6, is_ipv6, now, octets, of_mac, probed, station, station_with,
    watch,
};
use image_server::router::claim;
use image_server::{Dhcp6Config, Dhcp6Fault, ServerConfig, SharedWorld};
use netboot::{ArpProbe, Families, NetError};
use netboot_core::Duration;
use netboot_ipxe::{DhcpGoal, IpxeInterface as _};
use std::net::{IpAddr, Ipv6Addr};

/// A network whose router says that addresses come by DHCPv6, and a server that `change` has changed.
fn leased(change: impl FnOnce(&mut Dhcp6Config)) -> impl FnOnce(&mut ServerConfig) {
    |server| {
        let ipv6 = server.ipv6.as_mut().unwrap();
        ipv6.managed = true;
        ipv6.autonomous = false;
        let mut dhcp = Dhcp6Config {
            boot_file: Some("http://[fd00::1]/image".into()),
            dns: vec![ipv6.address],
            domain: "lab".into(),
            ..Dhcp6Config::default()
        };
        change(&mut dhcp);
        ipv6.dhcp = Some(dhcp);
    }
}

fn messages(world: &SharedWorld, name: &str) -> usize {
    let world = world.borrow();
    let served = world.server.served().iter();
    served.filter(|served| served.name == name).count()
}

#[test]
fn a_lease_and_the_place_of_the_boot_file() {
    for rapid in [false, true] {
        let (world, mut net) = station(Families::Ipv6, leased(|dhcp| dhcp.rapid_commit = rapid));
        let config = net.dhcp(DhcpGoal::BootFiles).expect("a lease").clone();
        assert_eq!(config.address, "fd00::1000".parse::<IpAddr>().unwrap());
        assert_eq!(config.boot.file, "http://[fd00::1]/image");
        assert_eq!(config.dns, ["fd00::1".parse::<IpAddr>().unwrap()]);
        assert_eq!(config.search, "lab");
        assert_eq!(config.lease_time, Some(Duration::from_secs(7_200)));
        assert_eq!(config.routers.len(), 1, "which only the router tells");
        assert_eq!(fetch(&mut net, "http://[fd00::1]/image").unwrap(), octets());
        assert_eq!(messages(&world, "request6"), 1);
        let released = count(&world, |frame| {
            is_ipv6(frame) && frame[20] == 17 && frame[62] == 8
        });
        net.exit();
        assert_eq!(*released.lock().unwrap(), 1);
    }
}

#[test]
fn a_lease_lives_on() {
    let (world, mut net) = station(Families::Ipv6, leased(|dhcp| dhcp.valid_lifetime = 400));
    net.dhcp(DhcpGoal::BootFiles).expect("a lease");
    net.sleep(Duration::from_secs(350)).unwrap();
    assert_eq!(messages(&world, "renew"), 3, "T1 is 100 s");
    world
        .borrow_mut()
        .server
        .config_mut()
        .faults
        .dhcp6
        .always(Dhcp6Fault::Silent);
    net.sleep(Duration::from_secs(340)).unwrap();
    assert!(net.config().is_some());
    net.sleep(Duration::from_secs(150)).unwrap();
    assert!(net.config().is_none(), "nobody renewed it");
    assert!(messages(&world, "rebind") > 0);
    world.borrow_mut().server.config_mut().faults.dhcp6.clear();
    net.sleep(Duration::from_secs(200)).unwrap();
    assert!(net.config().is_some());
}

#[test]
fn a_leased_address_that_somebody_uses_is_declined() {
    let (world, mut net) = station_with(
        |options| {
            options.families = Families::Ipv6;
            options.dhcp.probe = ArpProbe::On {
                count: 1,
                interval: Duration::from_millis(150),
            };
        },
        leased(|_| ()),
    );
    let taken: Ipv6Addr = "fd00::1000".parse().unwrap();
    watch(&world, move |frame| {
        (probed(frame)? == taken).then(|| claim(OTHER_MAC, taken))
    });
    let config = net.dhcp(DhcpGoal::BootFiles).expect("another address");
    assert_eq!(config.address, "fd00::1001".parse::<IpAddr>().unwrap());
    assert_eq!(messages(&world, "decline6"), 1);
}

#[test]
fn a_server_that_only_informs() {
    let (world, mut net) = station(Families::Ipv6, |server| {
        leased(|dhcp| dhcp.stateful = false)(server);
        let ipv6 = server.ipv6.as_mut().unwrap();
        (ipv6.managed, ipv6.other, ipv6.autonomous) = (false, true, true);
    });
    let config = net.dhcp(DhcpGoal::BootFiles).expect("an address").clone();
    assert_eq!(ipv6(&config), of_mac([0xfd00, 0, 0, 0]));
    assert_eq!(config.boot.file, "http://[fd00::1]/image");
    assert_eq!(messages(&world, "information-request"), 1);
    assert_eq!(messages(&world, "solicit"), 0);
}

/// RFC 4862, section 5.5.2: DHCPv6 may be there without a router. What is on the link nobody says, so everything is.
#[test]
fn a_lease_without_a_router() {
    let (_, mut net) = station(Families::Ipv6, |server| {
        leased(|_| ())(server);
        server.ipv6.as_mut().unwrap().router = false;
    });
    let config = net.dhcp(DhcpGoal::BootFiles).expect("a lease").clone();
    assert_eq!(config.address, "fd00::1000".parse::<IpAddr>().unwrap());
    assert!(config.routers.is_empty());
    let took = now(&mut net).as_millis();
    assert!(took < 6_000, "{took} ms");
    assert_eq!(fetch(&mut net, "tftp://[fd00::1]/image").unwrap(), octets());
}

#[test]
fn servers_that_answer_wrongly() {
    let error = |fault: Dhcp6Fault| {
        let (_, mut net) = station_with(
            |options| {
                options.families = Families::Ipv6;
                options.dhcp.timeout = Duration::from_secs(15);
            },
            |server| {
                leased(|_| ())(server);
                server.faults.dhcp6.always(fault);
            },
        );
        net.dhcp(DhcpGoal::BootFiles).cloned().unwrap_err()
    };
    use netboot::Dhcp6Error as E;
    assert_eq!(error(Dhcp6Fault::Silent), NetError::Dhcp6(E::NoAnswer));
    let nameless = error(Dhcp6Fault::NoServerId);
    assert!(
        matches!(nameless, NetError::Dhcp6(E::Ignored { .. })),
        "{nameless:?}"
    );
    let refused = error(Dhcp6Fault::NoAddress);
    assert!(
        matches!(refused, NetError::Dhcp6(E::Refused { status: 2, .. })),
        "{refused:?}"
    );
    // A place that was cut on the way is none, and the configuration says so.
    let (_, mut net) = station(Families::Ipv6, |server| {
        leased(|_| ())(server);
        server.faults.dhcp6.always(Dhcp6Fault::Truncated);
    });
    let config = net.dhcp(DhcpGoal::BootFiles).expect("a lease");
    assert!(config.boot.damaged && config.boot.file.is_empty());
    // One lost, late or doubled answer is no error.
    for fault in [
        Dhcp6Fault::Silent,
        Dhcp6Fault::WrongId,
        Dhcp6Fault::Duplicate,
        Dhcp6Fault::Garbage,
    ] {
        let (_, mut net) = station(Families::Ipv6, |server| {
            leased(|_| ())(server);
            server.faults.dhcp6.once(fault.clone());
        });
        net.dhcp(DhcpGoal::BootFiles)
            .unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
    }
}
