//! Many boots, each with a random list of faults, and an oracle that knows how a boot may end.
//!
//! A boot may end in two ways: the device has activated exactly the published octets, or the boot ended with a named error within
//! its budget. Nothing else is right. Of a seed that ends otherwise the list of faults is made as short as it can be.
//!
//! | file | what |
//! |---|---|
//! | `fault` | the faults |
//! | `case` | one boot with its faults, and how it is run |
//! | `spoof` | somebody on the link who forges messages |
//! | `oracle` | how a boot may end |
//! | `shrink` | the shortest list of faults that still fails |
//! | `tally` | what many boots came to |

mod case;
mod fault;
mod oracle;
mod shrink;
mod spoof;
mod tally;

pub use case::{Case, TOTAL_MS, faults};
pub use fault::{Fault, KINDS};
pub use oracle::{End, judge};
pub use shrink::shortest;
pub use tally::Tally;

/// Runs the boot of a seed.
///
/// # Errors
/// What the oracle has against it, in the first line, and then all that there is to know.
pub fn run(seed: u64) -> Result<End, String> {
    with(seed, &faults(seed))
}

/// Runs the boot of a seed with these faults in place of its own.
///
/// # Errors
/// As [`run`].
pub fn with(seed: u64, faults: &[Fault]) -> Result<End, String> {
    let case = Case::new(seed, faults);
    let boot = case.boot();
    judge(&case, faults, &boot)
        .map_err(|what| format!("{what}\n{faults:#?}\n{}{}", case.story(), boot.console))
}
