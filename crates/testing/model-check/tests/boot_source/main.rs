//! The boot source messages, in every order.

mod model;

use model::Config;
use model_check::check;
use netboot_boot_source::Numbering;
use stateright::{Checker, Model};

/// Two images of a chunk and a half.
const PLAIN: Config = Config {
    sizes: &[3, 3],
    faults: 5,
    linger: true,
    numbering: Numbering::Continuing,
    waits: 0,
    aborts: 0,
};

#[test]
fn two_images_of_one_size() {
    check(PLAIN, 10_000);
}

#[test]
fn images_that_end_with_a_whole_chunk() {
    check(
        Config {
            sizes: &[2, 2],
            ..PLAIN
        },
        10_000,
    );
}

/// The consumer has no room for longer than the source waits for an acknowledgement.
#[test]
fn a_consumer_without_room() {
    check(
        Config {
            faults: 2,
            waits: 20,
            ..PLAIN
        },
        10_000,
    );
}

#[test]
fn an_image_that_is_given_up_and_asked_for_again() {
    check(
        Config {
            faults: 3,
            aborts: 1,
            ..PLAIN
        },
        10_000,
    );
}

/// What the documents say of it: without a linger a mailbox that doubles can pass the metadata of one image for those of another. This
/// shows that the model would find it.
#[test]
fn without_a_linger_the_model_finds_what_is_old() {
    let config = Config {
        sizes: &[3, 4],
        linger: false,
        numbering: Numbering::FromZero,
        ..PLAIN
    };
    let checker = config.checker().threads(2).spawn_bfs().join();
    assert!(checker.discovery("the right octets").is_some());
}
