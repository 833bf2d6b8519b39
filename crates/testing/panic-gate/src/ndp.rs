//! `netboot-ndp`: a host with any routers and neighbours, and the messages of both sides.

use crate::{Input, call, take};
use core::hint::black_box;
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::net::NetworkConfig;
use netboot_ndp::host::{Config, Kind, Probing, TRANSMIT_MAX};
use netboot_ndp::wire::{Envelope, Header, checksum};
use netboot_ndp::{Advertisement, Host, Neighbor, address, advertisement, listener, neighbor};
use zerocopy::FromBytes;

/// Calls all of the crate.
pub fn run(input: &mut Input) {
    wire(input);
    let probing = Probing {
        count: input.octet(),
        interval: input.span(),
    };
    let mut host = Host::new(Config {
        mac: black_box([2; 6]),
        probing,
        delay: input.span(),
    });
    while input.flag() {
        live(input, call(&mut host));
    }
}

fn envelope(input: &mut Input) -> Envelope {
    Envelope {
        source: input.address_v6(),
        destination: input.address_v6(),
        hop_limit: input.octet(),
    }
}

fn wire(input: &mut Input) {
    let (envelope, message) = (envelope(input), input.octets());
    take(Neighbor::parse(&envelope, message));
    take(listener::query(&envelope, message));
    if let Ok((header, rest)) = Header::ref_from_prefix(message) {
        take(checksum(header, rest));
    }
    let mut buffer = [0; TRANSMIT_MAX];
    let (mac, one, other) = (black_box([2; 6]), input.address_v6(), input.address_v6());
    take(neighbor::solicit(
        black_box(&mut buffer[..]),
        mac,
        one,
        other,
    ));
    take(neighbor::advertise(
        black_box(&mut buffer[..]),
        mac,
        one,
        other,
    ));
    take(advertisement::solicit(black_box(&mut buffer[..]), mac, one));
    let groups = black_box([one, other]);
    let groups = groups.get(..input.octet().into()).unwrap_or_default();
    take(listener::report(&mut buffer, one, groups, input.flag()));
    take((address::interface_id(mac), address::random_id(input.long())));
    take((address::group_mac(one), address::solicited_node(one)));
    take((address::join(input.long(), input.long()),));
}

fn live(input: &mut Input, host: &mut Host) {
    let now = input.now();
    match input.word() {
        0 => host.start(now, input),
        1 => {
            let (envelope, message) = (envelope(input), input.octets());
            if let Ok(told) = Advertisement::parse(&envelope, message) {
                host.handle(now, &told);
            }
        }
        2 => {
            let (address, mac) = (input.address_v6(), black_box([4; 6]));
            host.conflict(now, input, address, mac);
        }
        3 => host.handle_timeout(now),
        4 => {
            let mut buffer = [0; TRANSMIT_MAX];
            take(host.poll_transmit(now, input, black_box(&mut buffer[..])));
        }
        5 => host.probe(now, input.address_v6()),
        6 => host.assign(input.address_v6()),
        7 => host.withdraw(),
        8 => {
            let patience = input.span();
            host.query(now, input, patience);
        }
        9 => host.stop(),
        10 => {
            let mut config = NetworkConfig::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 64);
            host.fill(call(&mut config));
            take(config.routes.len());
        }
        _ => {
            take((host.poll(), host.poll_timeout(), host.progress()));
            take((host.is_alone(), host.is_managed(), host.has_other()));
            for kind in [Kind::LinkLocal, Kind::Autonomous, Kind::Leased] {
                take(host.address(black_box(kind)));
            }
            host.tentative().for_each(take);
            host.groups().for_each(take);
        }
    }
}
