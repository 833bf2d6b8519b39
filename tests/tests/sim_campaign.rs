//! The fault campaign, with a small number of boots: the whole world wrong in random ways, and only two ways to end.
//!
//! `cargo xtask campaign --boots 100000` is the same with more of them. One boot again, with its console:
//!
//! ```text
//! cargo xtask campaign --boots 1 --seed n
//! ```

use e2e::campaign::{self, KINDS, Tally};
use e2e::watch;

/// Boots.
const BOOTS: u64 = 2_000;

#[test]
fn two_thousand_boots_end_as_they_may() {
    let boots = watch::number("NETBOOT_BOOTS").unwrap_or(BOOTS);
    let again = "cargo xtask campaign --boots 1 --seed n";
    let mut tally = Tally::default();
    for end in watch::each(boots, again, campaign::run) {
        tally.add(&end);
    }
    println!("{tally}");
    // A campaign in which nothing fails, or nothing boots, tests nothing.
    let well = tally.booted();
    assert!(
        well > boots / 5 && well < boots * 4 / 5,
        "{well} of {boots}"
    );
}

#[test]
fn every_kind_of_fault_is_drawn() {
    let mut seen = [false; KINDS.len() - 1];
    for seed in 0..2_000 {
        for fault in campaign::faults(seed) {
            seen[fault.kind()] = true;
        }
    }
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
}
