//! `cargo xtask campaign`: boots in the simulated world with random faults, as many as are asked for.
//!
//! The boots are those of the test `sim_campaign`, built for speed.

use crate::setup::cargo;
use anyhow::{Context, Result};
use clap::Args;
use testbed::rom;

/// Options of `cargo xtask campaign`.
#[derive(Args)]
pub struct CampaignArgs {
    /// Number of boots; about 15,000 in a minute on two cores
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    boots: u64,
    /// Seed of the first boot; the others follow
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

/// Runs the campaign; whether every boot ended as it may.
pub fn run(arguments: &CampaignArgs) -> Result<bool> {
    let CampaignArgs { boots, seed } = arguments;
    let status = cargo()
        .args(["run", "--release", "-p", "e2e", "--bin", "campaign", "--"])
        .args(["--boots", &boots.to_string(), "--seed", &seed.to_string()])
        .current_dir(rom::workspace())
        .status()
        .context("cannot start cargo")?;
    Ok(status.success())
}
