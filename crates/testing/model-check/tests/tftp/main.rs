//! TFTP, in every order.

mod model;

use model::Config;
use model_check::check;

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
