//! When the windowsize changes from one transfer to the next.

use crate::stats::Stats;

/// The windowsize after a transfer of so many windows, of which so many lost something.
fn next(windows: u32, gaps: u32, asked: u16, agreed: u16) -> u16 {
    let stats = Stats {
        windows,
        gaps,
        ..Stats::default()
    };
    stats.next_windowsize(asked, agreed)
}

#[test]
fn a_window_that_never_fits_is_halved() {
    assert_eq!(next(0, 100, 16, 16), 8);
    assert_eq!(next(50, 60, 16, 8), 4);
}

#[test]
fn a_window_that_fits_grows() {
    assert_eq!(next(100, 0, 4, 4), 8);
    assert_eq!(next(100, 6, 8, 8), 16);
    assert_eq!(next(100, 0, 16, 1), 32, "another server may give more");
}

#[test]
fn chance_changes_nothing() {
    // One block in a hundred lost: one window of 16 in seven.
    assert_eq!(next(100, 16, 8, 8), 8);
    assert_eq!(next(3, 3, 8, 8), 8, "too few to tell");
    assert_eq!(next(0, 0, 16, 1), 16, "the server never answered");
}

/// A window that lost something counts once more, because `windows` does not have it.
#[test]
fn eight_windows_are_enough_to_judge() {
    assert_eq!(next(7, 0, 8, 8), 8);
    assert_eq!(next(8, 0, 8, 8), 16);
    assert_eq!(next(4, 3, 8, 8), 8);
    assert_eq!(next(4, 4, 8, 8), 4);
}

#[test]
fn half_of_the_windows_are_too_many() {
    assert_eq!(next(11, 9, 8, 8), 8, "9 of 20");
    assert_eq!(next(10, 10, 8, 8), 4, "10 of 20");
    assert_eq!(next(9, 11, 8, 8), 4, "11 of 20");
}

#[test]
fn one_window_in_sixteen_is_chance() {
    assert_eq!(next(31, 1, 8, 8), 16, "1 of 32");
    assert_eq!(next(30, 2, 8, 8), 16, "2 of 32");
    assert_eq!(next(29, 3, 8, 8), 8, "3 of 32");
    assert_eq!(next(15, 1, 8, 8), 16, "1 of 16");
    assert_eq!(next(14, 1, 8, 8), 8, "1 of 15");
}

/// Half of an odd number is rounded up, and half of one is one. More than was asked for is never asked for after losses.
#[test]
fn halves_and_doubles() {
    for (asked, agreed, half) in [
        (8, 8, 4),
        (8, 7, 4),
        (8, 3, 2),
        (8, 1, 1),
        (1, 1, 1),
        (2, 8, 2),
    ] {
        assert_eq!(next(0, 8, asked, agreed), half, "{asked} {agreed}");
    }
    assert_eq!(next(100, 0, 1, 1), 2);
    assert_eq!(next(100, 0, 0x4000, 1), 0x8000);
    assert_eq!(
        next(100, 0, 0x8000, 1),
        0x8000,
        "twice as many are too many for the field"
    );
}
