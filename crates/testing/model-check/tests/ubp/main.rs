//! The UDP boot protocol, in every order.

mod model;

use model::Config;
use model_check::check;

#[test]
fn six_blocks_in_windows_of_three() {
    check(Config::new(5, 3, 2), 10_000);
}

#[test]
fn block_after_block() {
    check(Config::new(2, 1, 3), 1_000);
}
