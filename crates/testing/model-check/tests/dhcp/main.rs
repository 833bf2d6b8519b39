//! DHCP, in every order.

mod model;

use model::Config;
use netboot_core::Duration;
use stateright::{Checker, Model};

/// Checks a conversation; gives the number of its states.
fn states(config: Config) -> usize {
    let checker = config.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

#[test]
fn one_server_and_a_lease_to_its_end() {
    let states = states(Config {
        servers: 1,
        faults: 3,
        probe: false,
        until: Duration::from_secs(150),
    });
    println!("{states} states");
    assert!(states > 1_000, "{states}");
}

#[test]
fn two_servers_and_somebody_with_the_address() {
    let states = states(Config {
        servers: 2,
        faults: 3,
        probe: true,
        until: Duration::from_secs(70),
    });
    println!("{states} states");
    assert!(states > 1_000, "{states}");
}
