//! The fault campaign, with as many boots as are asked for: `cargo xtask campaign` runs it. With one boot it shows the console of
//! the shortest list of faults that fails, and `NETBOOT_PCAP=file` has its frames.

use anyhow::{Result, ensure};
use clap::Parser;
use e2e::campaign::{self, Tally};
use e2e::watch;

/// Boots in the simulated world with random faults
#[derive(Parser)]
struct Arguments {
    /// Number of boots
    #[arg(long, default_value_t = 2_000)]
    boots: u64,
    /// Seed of the first boot; the others follow
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> Result<()> {
    let Arguments { boots, seed } = Arguments::parse();
    let again = "cargo xtask campaign --boots 1 --seed n";
    // In parts, so that something is seen meanwhile.
    let mut tally = Tally::default();
    let mut failures = 0;
    let end = seed.saturating_add(boots);
    for from in (seed..end).step_by(1_000) {
        for (seed, result) in watch::all(from..end.min(from + 1_000), again, campaign::run) {
            match result {
                Ok(end) => tally.add(&end),
                Err(what) => {
                    failures += 1;
                    tell(seed, &what, boots == 1);
                }
            }
        }
        eprintln!("{} of {boots}, {failures} failed", tally.boots() + failures);
    }
    println!("{tally}");
    ensure!(failures == 0, "{failures} boots ended as none may");
    Ok(())
}

/// Tells what was wrong with a boot, and which of its faults it takes.
fn tell(seed: u64, what: &str, whole: bool) {
    let first = what.lines().next().unwrap_or_default();
    println!("seed {seed}: {first}");
    let fails = |faults: &[campaign::Fault]| {
        let faults = faults.to_vec();
        let run = move || campaign::with(seed, &faults);
        !matches!(std::panic::catch_unwind(run), Ok(Ok(_)))
    };
    let left = campaign::shortest(campaign::faults(seed), fails);
    println!("  it takes {left:#?}");
    if whole {
        // The last run is the one whose capture stays (`NETBOOT_PCAP`).
        let again = campaign::with(seed, &left);
        println!("{}", again.err().unwrap_or_default());
    }
}
