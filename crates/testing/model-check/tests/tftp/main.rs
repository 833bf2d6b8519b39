//! TFTP, in every order.

mod model;

use model::Config;
use stateright::{Checker, Model};

/// Checks a conversation, which has this number of states at the least.
fn check(config: Config, least: usize) {
    let checker = config.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    let states = checker.unique_state_count();
    println!("{states} states");
    assert!(states > least, "{states}");
}

#[test]
fn six_blocks_in_windows_of_three() {
    check(
        Config {
            blocks: 6,
            window: 3,
            faults: 2,
            options: true,
        },
        10_000,
    );
}

#[test]
fn block_after_block_from_a_server_without_options() {
    check(
        Config {
            blocks: 3,
            window: 1,
            faults: 2,
            options: false,
        },
        200,
    );
}
