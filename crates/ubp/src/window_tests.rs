//! The window, number by number.

use crate::window::{Asked, Window};
use netboot_core::fuzz::Random;
use proptest::prelude::*;

/// No block comes without being asked for.
const ALL: u32 = u32::MAX;

fn asked(first: u32, map: u64, timed: Option<u32>, again: u32) -> Option<Asked> {
    Some(Asked {
        first,
        map,
        timed,
        again,
    })
}

#[test]
fn it_asks_by_halves() {
    let mut window = Window::new(100);
    assert!(window.is_due(8, ALL) && !window.is_waiting());
    assert_eq!(window.ask(8, ALL), asked(0, 0xff, Some(1), 0));
    assert!(!window.is_due(8, ALL) && window.is_waiting());
    assert_eq!((window.ask(8, ALL), window.last_order()), (None, 8));
    for number in 0..4 {
        assert!(!window.is_due(8, ALL));
        assert_eq!(window.hold(number, number as u8, true), Some(number + 1));
        assert_eq!(window.ready(), Some(number as u8));
        window.consume();
    }
    assert_eq!((window.base(), window.ready()), (4, None));
    assert_eq!(window.ask(8, ALL), asked(8, 0xf, Some(9), 0));
}

#[test]
fn the_end_is_asked_for_at_once() {
    let mut window = Window::new(9);
    assert_eq!(window.ask(8, ALL), asked(0, 0xff, Some(1), 0));
    window.hold(0, 0, true);
    window.consume();
    assert_eq!(window.ask(8, ALL), asked(8, 1, Some(9), 0));
    for number in 1..9 {
        window.hold(number, 0, true);
        window.consume();
    }
    assert!(window.is_complete() && window.ready().is_none() && !window.is_due(8, ALL));
    assert_eq!(window.base(), 9);
}

#[test]
fn a_block_that_four_have_overtaken_is_lost() {
    let mut window = Window::new(100);
    window.ask(16, ALL);
    for number in 1..4 {
        window.hold(number, 0, true);
        assert_eq!(window.find_lost(0), (0, 0));
    }
    window.hold(4, 0, true);
    assert_eq!(window.find_lost(0), (1, 1));
    assert_eq!(window.find_lost(0), (0, 0), "it is counted once");
    assert_eq!(window.ask(16, ALL), asked(0, 1, None, 1));
    // It comes, and gives no sample.
    assert_eq!(window.hold(0, 9, true), None);
    assert_eq!(window.ready(), Some(9));
}

#[test]
fn what_was_asked_again_shows_nothing_lost_and_can_be_lost_again() {
    let mut window = Window::new(100);
    window.ask(8, ALL);
    assert_eq!(window.lose_all(3), (8, 5), "orders 4 to 8 are after 3");
    assert_eq!(window.ask(8, ALL), asked(0, 0xff, None, 8));
    window.hold(7, 0, true);
    assert_eq!(window.find_lost(0), (0, 0), "it may be the first copy");
    for number in 0..4 {
        window.hold(number, 0, true);
        window.consume();
    }
    assert_eq!(window.ask(8, ALL), asked(8, 0xf, Some(17), 0));
    window.hold(11, 0, true);
    // Orders up to 16: blocks 4, 5 and 6. Blocks 8 to 10 are too near.
    assert_eq!(window.find_lost(0), (3, 3));
    assert_eq!(window.ask(8, ALL), asked(4, 0b111, None, 3));
}

#[test]
fn nodes_need_no_slot() {
    let mut window = Window::new(100);
    window.ask(8, ALL);
    window.hold(1, 5, true);
    assert_eq!(window.use_up(2), Some(3));
    assert_eq!((window.base(), window.ready()), (0, None));
    assert_eq!(window.use_up(0), Some(1));
    assert_eq!((window.base(), window.ready()), (1, Some(5)));
    window.consume();
    assert_eq!(window.base(), 3, "the node behind it was used before");
    window.consume();
    assert_eq!(window.base(), 3, "nothing is there");
}

#[test]
fn blocks_are_verified_later_and_may_be_wrong() {
    let mut window = Window::new(100);
    window.ask(8, ALL);
    window.hold(0, 7, false);
    assert_eq!((window.unverified(0), window.ready()), (Some(7), None));
    assert_eq!((window.unverified(1), window.unverified(64)), (None, None));
    assert!(!window.wants(0, 8));
    window.reject(0);
    assert!(window.wants(0, 8) && window.unverified(0).is_none());
    assert_eq!(window.ask(8, ALL), asked(0, 1, None, 1));
    window.hold(0, 6, false);
    window.confirm(0);
    assert_eq!((window.ready(), window.unverified(0)), (Some(6), None));
    // One that was never asked for is asked for once it turns out to be wrong.
    window.hold(8, 1, false);
    window.reject(8);
    window.consume();
    assert_eq!(window.ask(2, ALL), None);
    assert_eq!(window.ask(16, ALL), asked(9 - 1, 0x1ff, Some(10), 0));
}

#[test]
fn numbers_outside_are_not_wanted() {
    let mut window = Window::new(70);
    assert!(window.wants(0, 8) && window.wants(7, 8) && !window.wants(8, 8));
    assert!(window.wants(63, 64) && !window.wants(64, 64) && !window.wants(u32::MAX, 64));
    window.ask(64, ALL);
    for _ in 0..10 {
        window.hold(window.base(), 0, true);
        window.consume();
    }
    assert!(!window.wants(9, 64) && window.wants(10, 64) && window.wants(69, 64));
    assert!(!window.wants(70, 64), "behind the end");
}

#[test]
fn what_came_unasked_is_not_asked_for() {
    let mut window = Window::new(100);
    assert_eq!(window.hold(1, 3, true), None);
    assert_eq!(window.ask(4, ALL), asked(0, 0b1101, Some(1), 0));
    assert_eq!(window.hold(0, 3, true), Some(1));
}

#[test]
fn above_the_horizon_nothing_is_asked_for() {
    let mut window = Window::new(100);
    assert_eq!(window.ask(16, 0), None);
    assert_eq!(window.ask(16, 2), asked(0, 0b11, Some(1), 0));
    window.hold(3, 0, true);
    assert_eq!(window.ask(16, 5), asked(2, 0b101, Some(3), 0));
    assert!(!window.is_due(16, 5) && window.is_due(16, 6));
}

#[test]
fn slots_are_given_back_once() {
    let mut window = Window::new(100);
    window.ask(8, ALL);
    window.hold(3, 30, true);
    window.use_up(4);
    window.hold(5, 50, false);
    let mut slots: Vec<u8> = std::iter::from_fn(|| window.take_slot()).collect();
    slots.sort_unstable();
    assert_eq!(slots, [30, 50]);
}

proptest! {
    /// Blocks come in any order, some of them twice, and are lost now and then; everything is used in the end, and nothing outside of
    /// the window is ever asked for.
    #[test]
    fn everything_is_used(end in 1u32..300, size in 1u32..=64, seed: u64) {
        let mut window = Window::new(end);
        let mut on_their_way: Vec<u32> = Vec::new();
        let mut random = Random(seed);
        let mut used = 0;
        for _ in 0..20_000 {
            if window.is_complete() {
                break;
            }
            while let Some(asked) = window.ask(size, ALL) {
                prop_assert!(asked.map & 1 == 1);
                for at in (0..64).filter(|at| asked.map >> at & 1 == 1) {
                    let number = asked.first + at;
                    prop_assert!(number >= window.base() && number < window.base() + size && number < end);
                    on_their_way.push(number);
                }
            }
            let choice = random.number() as u32;
            if !choice.is_multiple_of(11) {
                while window.ready().is_some() {
                    window.consume();
                }
            }
            if on_their_way.is_empty() || choice.is_multiple_of(50) {
                window.lose_all(0);
                continue;
            }
            let number = on_their_way.swap_remove(choice as usize % on_their_way.len());
            if !choice.is_multiple_of(7) && window.wants(number, size) {
                if choice.is_multiple_of(3) {
                    window.use_up(number);
                } else {
                    window.hold(number, 0, true);
                }
                window.find_lost(0);
            }
            prop_assert!(window.base() >= used);
            used = window.base();
        }
        while window.ready().is_some() {
            window.consume();
        }
        prop_assert!(window.is_complete(), "{:?}", window);
    }
}
