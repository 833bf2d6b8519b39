//! TFTP, in every order.

mod model;

use model::Config;
use stateright::{Checker, Model};

/// Checks a conversation; gives the number of its states.
fn states(config: Config) -> usize {
    let checker = config.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

#[test]
fn six_blocks_in_windows_of_three() {
    let config = Config {
        blocks: 6,
        window: 3,
        faults: 2,
        options: true,
    };
    let states = states(config);
    println!("{states} states");
    assert!(states > 10_000, "{states}");
}

#[test]
fn block_after_block_from_a_server_without_options() {
    let config = Config {
        blocks: 3,
        window: 1,
        faults: 2,
        options: false,
    };
    let states = states(config);
    println!("{states} states");
    assert!(states > 200, "{states}");
}
