//! DHCP, in every order.

mod model;

use model::Config;
use model_check::check;
use netboot_core::Duration;

#[test]
fn one_server_and_a_lease_to_its_end() {
    check(
        Config {
            servers: 1,
            faults: 3,
            probe: false,
            until: Duration::from_secs(150),
        },
        1_000,
    );
}

#[test]
fn two_servers_and_somebody_with_the_address() {
    check(
        Config {
            servers: 2,
            faults: 3,
            probe: true,
            until: Duration::from_secs(70),
        },
        1_000,
    );
}
