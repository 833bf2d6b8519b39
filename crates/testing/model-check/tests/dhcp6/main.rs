//! DHCPv6, in every order.

mod model;

use model::Config;
use model_check::check;
use netboot_core::Duration;
use netboot_dhcp::v6::Mode;

const ONE: Config = Config {
    servers: 1,
    faults: 3,
    probe: false,
    rapid_commit: false,
    mode: Mode::Stateful,
    until: Duration::from_secs(150),
};

#[test]
fn one_server_and_a_lease_to_its_end() {
    check(ONE, 1_000);
}

#[test]
fn two_servers_and_somebody_with_the_address() {
    let config = Config {
        servers: 2,
        probe: true,
        until: Duration::from_secs(70),
        ..ONE
    };
    check(config, 1_000);
}

#[test]
fn two_servers_that_give_an_address_at_once() {
    let config = Config {
        servers: 2,
        rapid_commit: true,
        until: Duration::from_secs(70),
        ..ONE
    };
    check(config, 1_000);
}

#[test]
fn information_without_an_address() {
    let config = Config {
        servers: 2,
        mode: Mode::Stateless,
        until: Duration::from_secs(1_300),
        ..ONE
    };
    check(config, 1_000);
}
