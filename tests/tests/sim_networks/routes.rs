//! Gateways outside of the own network, and routes.

use super::{BOTH, boot, plan, wire};
use netboot_core::{Blame, Duration};
use netsim::Side;
use std::net::Ipv4Addr;
use testbed::plan::{CLIENT, SERVER};

/// Option 1 with a mask of 32 bits.
const ALONE: (u8, [u8; 4]) = (1, [255; 4]);

/// Clouds lease /32, with a gateway that no prefix has.
#[test]
fn a_station_alone_in_its_network() {
    let gateway = SERVER.octets();
    let on_link = [&[32][..], &gateway, &[0; 4]].concat();
    let default = [&[0][..], &gateway].concat();
    for protocol in BOTH {
        let plan = plan(protocol);
        for options in [
            vec![(3, gateway.to_vec())],
            vec![(121, [&on_link[..], &default].concat())],
            vec![(121, [&default[..], &on_link].concat())],
            vec![(121, default.clone())],
            vec![(121, on_link.clone())],
        ] {
            let boot = boot(
                &plan,
                |server| {
                    server.lease.options = options.clone();
                    server.lease.options.push((ALONE.0, ALONE.1.to_vec()));
                },
                wire(),
            );
            boot.assert_booted(&plan);
        }
    }
}

/// A network of two addresses has no broadcast address (RFC 3021): the highest one is a host, whichever of the two the server is.
#[test]
fn a_network_of_two_addresses() {
    for protocol in BOTH {
        for client in [Ipv4Addr::new(10, 0, 2, 3), CLIENT] {
            let plan = plan(protocol);
            let boot = boot(
                &plan,
                |server| {
                    server.prefix_len = 31;
                    server.lease.address = client;
                    if client == CLIENT {
                        // The server is the higher of the two addresses.
                        server.ip = Ipv4Addr::new(10, 0, 2, 15);
                        server.lease.address = Ipv4Addr::new(10, 0, 2, 14);
                        let place = format!("{}://10.0.2.15/", protocol.scheme());
                        server.lease.boot_file = Some(place);
                    }
                },
                wire(),
            );
            boot.assert_booted(&plan);
            let config = boot.outcome.config.as_ref();
            assert_eq!(config.map(|config| config.prefix_len), Some(31));
        }
    }
}

/// An image server in another network, behind a gateway that the own prefix does not have.
#[test]
fn a_server_behind_a_gateway_outside_of_the_own_network() {
    for protocol in BOTH {
        let plan = plan(protocol);
        // 10.0.2.0/29 does not have the server's address, nor the gateway's.
        let client = Ipv4Addr::new(10, 0, 9, 15);
        let boot = boot(
            &plan,
            |server| {
                server.prefix_len = 8;
                server.lease.address = client;
                server.lease.options =
                    vec![(1, vec![255, 255, 255, 0]), (3, SERVER.octets().to_vec())];
            },
            wire(),
        );
        boot.assert_booted(&plan);
    }
}

#[test]
fn no_route_is_an_error_of_its_own_at_once() {
    for protocol in BOTH {
        let plan = plan(protocol);
        let place = format!("{}://192.0.2.1/", protocol.scheme());
        let boot = boot(&plan, |server| server.lease.boot_file = Some(place), wire());
        boot.assert_failed(&plan, 0x0005_0018, Blame::Configuration);
        assert!(boot.took() < Duration::from_secs(1), "{}", boot.took());
        assert!(boot.error().unwrap().to_string().contains("192.0.2.1"));
    }
}

/// With more routes than the table holds, those that the boot needs are kept, and the loss is told.
#[test]
fn the_route_to_the_boot_server_comes_before_others() {
    let plan = plan(BOTH[0]);
    let mut routes = Vec::new();
    for network in 0..20 {
        routes.extend([24, 172, 16, network, 10, 0, 2, 99]);
    }
    // The server's network, last, by the server itself.
    routes.extend([32, 10, 9, 9, 9]);
    routes.extend(SERVER.octets());
    let boot = boot(
        &plan,
        |server| {
            server.lease.options = vec![(121, routes)];
            server.lease.boot_file = Some("images/".into());
            server.lease.next_server = Some(Ipv4Addr::new(10, 9, 9, 9));
            crate::dhcp::in_images(server);
        },
        // The server has that address too.
        Box::new(|_, from, mut frame, out| {
            let far = [10, 9, 9, 9];
            let (at, own, to) = match from {
                Side::Client => (30, far, SERVER.octets()),
                Side::Server => (26, SERVER.octets(), far),
            };
            let udp = frame.get(12..14) == Some(&[8, 0]) && frame[23] == 17;
            let dhcp = frame
                .get(36..38)
                .is_some_and(|port| port[0] == 0 && port[1] < 69);
            if udp && !dhcp && frame[at..at + 4] == own {
                frame[at..at + 4].copy_from_slice(&to);
                e2e::wire::mend(&mut frame);
            }
            out.push((from, frame));
        }),
    );
    boot.assert_booted(&plan);
    let config = boot.outcome.config.as_ref();
    assert!(config.is_some_and(|config| config.routes_left_out == 13));
    assert_eq!(config.map(|config| config.address), Some(CLIENT.into()));
}
