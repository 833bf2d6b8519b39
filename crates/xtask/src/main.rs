//! The one entry for people and CI: `cargo xtask boot`, `cargo xtask test` and what stands behind them.
//!
//! | module | what |
//! |---|---|
//! | [`boot`] | one boot, watched: under QEMU or in the simulated world |
//! | [`building`] | the ROM, with a bar while it is built |
//! | [`check`] | everything that CI checks |
//! | [`example_rom`] | a ROM outside of this workspace, and its size |
//! | [`features`] | each library crate with each of its features alone |
//! | [`packages`] | the packages of this workspace |
//! | [`panic_gate`] | crates that cannot panic, and the proof |
//! | [`size`] | what the ROM takes, against its limits |
//! | [`campaign`] | boots with random faults in the simulated world |
//! | [`mod@fleet`] | many boards at one simulated server |
//! | [`mutants`] | how many small faults the tests catch |
//! | [`bench`](mod@bench) | octets per second and instructions per octet |
//! | [`serve`] | the image server alone, for a QEMU of one's own |
//! | [`setup`] | what has to be installed |
#![forbid(unsafe_code)]

mod bench;
mod boot;
mod building;
mod campaign;
mod check;
mod example_rom;
mod features;
mod fleet;
mod format;
#[cfg(test)]
mod inventory;
mod link;
mod mutants;
mod packages;
mod panic_gate;
#[cfg(test)]
mod places;
#[cfg(test)]
mod published;
#[cfg(test)]
mod screen;
mod serve;
mod setup;
mod size;
mod svg;
mod symbols;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Boots, tests and measures the network boot ROM.
///
/// Start with `cargo xtask boot`; it installs what is missing.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Boot three firmware images over the network and watch: under QEMU, or with --sim in one process
    Boot(Box<boot::BootArgs>),
    /// Run everything that CI runs: format, lints, features, licences, panic gate, tests, QEMU boots, real servers, size, a ROM outside of the workspace, docs
    Test(check::TestArgs),
    /// Show what the ROM takes of flash, RAM and stack, and fail when it is too much
    Size(size::SizeArgs),
    /// Put small faults into a crate, one after the other, and count those that its tests catch; hours for all, and no part of CI
    Mutants(mutants::MutantsArgs),
    /// Boot in the simulated world with random faults, any number of times; show the shortest list of faults for each boot that ends as none may
    Campaign(campaign::CampaignArgs),
    /// Boot many boards at once from one simulated server, with and without a group
    Fleet(fleet::FleetArgs),
    /// Measure octets per second and RISC-V instructions per octet under QEMU
    Bench(bench::BenchArgs),
    /// Run the image server alone, for a QEMU of your own
    Serve(serve::ServeArgs),
    /// Install what is missing: the Rust target, QEMU, and with --tests the real servers
    Setup(setup::SetupArgs),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Task::Boot(arguments) => boot::run(&arguments),
        Task::Test(arguments) => check::run(&arguments),
        Task::Size(arguments) => size::run(&arguments),
        Task::Mutants(arguments) => mutants::run(&arguments),
        Task::Campaign(arguments) => campaign::run(&arguments),
        Task::Fleet(arguments) => fleet::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Serve(arguments) => serve::run(&arguments),
        Task::Setup(arguments) => setup::run(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
