//! `cargo xtask mutants`: the share of a crate's mutants that tests catch, by cargo-mutants.
//!
//! A mutant is the crate with one small fault: a comparison turned round, a function that returns a constant. A mutant that no
//! test notices shows a hole in the tests. It takes hours for all crates, so that it is no part of `cargo xtask test`.
//!
//! Each mutant meets the unit tests of its own crate first, which are quick to build. Only those that survive meet the other
//! tests of the crate, and the tests of other packages that hold it too.

use crate::format::table;
use crate::setup;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::thread;
use testbed::rom;

/// The tool. Versions 26 and 27 name mutants in the same way; this one builds with the `rust-version` of the workspace.
const CARGO_MUTANTS: &str = "26.0.0";

/// Per cent of viable mutants that the tests have to catch.
const GOAL: f64 = 98.0;

/// Least time-out for the tests of one mutant, in seconds. A test that a mutant turns into an endless loop is a catch.
const LEAST_TIMEOUT: &str = "20";

/// Number of inputs that each property test makes in the first round. What survives meets as many as in any other test.
const FEW_CASES: &str = "64";

/// What only tests use: a mutant of a fuzz body or of a model says nothing about the crate.
const HARNESS: [&str; 3] = ["**/fuzz.rs", "**/model.rs", "**/*_tests.rs"];

/// The crates that are asked for when none is named, each with the other packages whose tests hold it.
const CRATES: [(&str, &[&str]); 15] = [
    ("netboot-dhcp", &[]),
    ("netboot-ndp", &[]),
    ("netboot-tftp", &[]),
    ("netboot-http", &[]),
    ("netboot-dns", &[]),
    ("netboot-verity", &[]),
    ("netboot-ubp", &[]),
    ("netboot-x509", &[]),
    ("netboot-cms", &[]),
    ("netboot-sztp", &[]),
    ("netboot-tls", &[]),
    ("ocp-recovery", &["recovery-model"]),
    ("netboot-boot-source", &[]),
    ("netboot-ipxe", &[]),
    ("netboot-app", &[]),
];

/// The package with the tests of the whole.
const WHOLE_SYSTEM: &str = "e2e";

/// Options of `cargo xtask mutants`.
#[derive(Args)]
pub struct MutantsArgs {
    /// Packages to mutate; without one: the protocol crates, the recovery agent and the boot application
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
    /// Only mutants of these files, such as "src/sink.rs"; may be repeated
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,
    /// Only each M-th mutant, beginning with the N-th (from 0), such as "0/4"
    #[arg(long, value_name = "N/M")]
    shard: Option<String>,
    /// Number of mutants that are tested at the same time, each in a copy of the tree; without it: one for each processor
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<usize>,
    /// Give what survives to the tests of the whole system too: some minutes for each mutant
    #[arg(long)]
    whole_system: bool,
}

/// What became of the mutants of one crate.
#[derive(Debug, Default, PartialEq)]
struct Count {
    /// Number of mutants.
    all: usize,
    /// Number of mutants that build.
    viable: usize,
    /// The mutants that no test noticed, as cargo-mutants names them.
    survivors: BTreeSet<String>,
}

impl Count {
    /// Per cent of the viable mutants that were caught.
    fn caught(&self) -> f64 {
        match self.viable {
            0 => 100.0,
            viable => (viable - self.survivors.len().min(viable)) as f64 * 100.0 / viable as f64,
        }
    }
}

/// Mutates the crates; whether each reaches the goal.
pub fn run(arguments: &MutantsArgs) -> Result<bool> {
    let tool = setup::tool("cargo-mutants", CARGO_MUTANTS, &[])?;
    let names: Vec<&str> = match arguments.crates.as_slice() {
        [] => CRATES.iter().map(|(name, _)| *name).collect(),
        named => named.iter().map(String::as_str).collect(),
    };
    let columns = ["crate", "mutants", "viable", "caught", "missed", "per cent"];
    let mut summary = table(columns, &[1, 2, 3, 4, 5]);
    let mut survivors = BTreeSet::new();
    let mut reached = true;
    for name in names {
        let count = mutate(&tool, name, arguments)?;
        let caught = count.viable - count.survivors.len();
        let cells = [
            count.all.to_string(),
            count.viable.to_string(),
            caught.to_string(),
            count.survivors.len().to_string(),
            format!("{:.1}", count.caught()),
        ];
        summary.add_row([name].into_iter().chain(cells.iter().map(String::as_str)));
        reached &= count.caught() >= GOAL;
        survivors.extend(count.survivors);
    }
    println!("\n{summary}\n");
    if survivors.is_empty() {
        println!("No mutant survived.");
    } else {
        println!("Survivors (docs/src/testing.md says why some stay):");
        survivors.iter().for_each(|name| println!("  {name}"));
    }
    println!("The goal is {GOAL} per cent of each crate.");
    Ok(reached)
}

/// Mutates one crate: its unit tests first, then all that hold it for what survives.
fn mutate(tool: &Path, name: &str, arguments: &MutantsArgs) -> Result<Count> {
    let place = rom::target_directory().join("mutants").join(name);
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let unit = step(tool, name, Tests::Unit, &place, arguments)?;
    let mut survivors = unit.survivors;
    let others = CRATES.iter().find(|(known, _)| *known == name);
    let mut holders = vec![name];
    holders.extend(others.iter().flat_map(|(_, others)| others.iter()));
    let whole: &[&str] = match arguments.whole_system {
        true => &[WHOLE_SYSTEM],
        false => &[],
    };
    for packages in [&holders[..], whole] {
        if !packages.is_empty() && !survivors.is_empty() {
            let tests = Tests::All(packages, &survivors);
            survivors = step(tool, name, tests, &place, arguments)?.survivors;
        }
    }
    Ok(Count {
        all: unit.all,
        viable: unit.viable,
        survivors,
    })
}

/// The tests that a mutant meets.
#[derive(Clone, Copy)]
enum Tests<'a> {
    /// The unit tests of its own crate.
    Unit,
    /// All tests of these packages, for these survivors of the unit tests.
    All(&'a [&'a str], &'a BTreeSet<String>),
}

/// Number of mutants that are tested at the same time.
fn jobs(arguments: &MutantsArgs) -> usize {
    let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    arguments.jobs.unwrap_or_else(processors).max(1)
}

/// Runs the tool once.
fn step(
    tool: &Path,
    name: &str,
    tests: Tests<'_>,
    place: &Path,
    arguments: &MutantsArgs,
) -> Result<Count> {
    let mut command = Command::new(tool);
    command
        .args(["mutants", "--package", name, "--no-shuffle"])
        .args(["--jobs", &jobs(arguments).to_string()])
        .args(["--cap-lints", "true", "--annotations", "none"])
        // What no build of the tests has is a mutant that nobody can notice.
        .arg("--all-features")
        .args(["--minimum-test-timeout", LEAST_TIMEOUT])
        .arg("--output")
        .arg(place)
        // Each copy of the tree builds into a directory of its own.
        .env_remove("CARGO_TARGET_DIR")
        .current_dir(rom::workspace());
    for file in HARNESS {
        command.args(["--exclude", file]);
    }
    for file in &arguments.file {
        command.args(["--file", file]);
    }
    // Nobody debugs a mutant, and less is to be linked.
    for profile in ["DEV", "TEST"] {
        command.env(format!("CARGO_PROFILE_{profile}_DEBUG"), "0");
    }
    let packages = match tests {
        Tests::Unit => {
            if let Some(shard) = &arguments.shard {
                // A slice would be one part of the crate, and each M-th is a sample of all of it.
                command.args(["--shard", shard, "--sharding", "round-robin"]);
            }
            command.env("PROPTEST_CASES", FEW_CASES);
            command.args(["--", "--lib"]);
            format!("{name}, unit tests")
        }
        Tests::All(packages, survivors) => {
            for survivor in survivors {
                command.args(["--re", &pattern(survivor)]);
            }
            for package in packages {
                command.args(["--test-package", package]);
            }
            packages.join(", ")
        }
    };
    // The tool calls the cargo that called us.
    if let Some(cargo) = env::var_os("CARGO") {
        command.env("CARGO", cargo);
    }
    println!("\n=== mutants of {name}, tests of {packages} ===\n");
    let status = command.status().context("cannot start cargo-mutants")?;
    match status.code() {
        // All caught; some missed; some timed out.
        Some(0 | 2 | 3) => read(&place.join("mutants.out")),
        Some(4) => bail!("the tests of {packages} fail without a mutant"),
        _ => bail!("cargo-mutants: {status}"),
    }
}

/// A pattern that only this name fits: the tool takes its mutants by such patterns.
fn pattern(name: &str) -> String {
    let mut pattern = String::from("^");
    for letter in name.chars() {
        // A backslash before any other sign may have a meaning, too.
        if r"\.+*?()|[]{}^$#&-~".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('$');
    pattern
}

/// Reads what the tool wrote.
fn read(place: &Path) -> Result<Count> {
    let list = |name: &str| -> Result<BTreeSet<String>> {
        let path = place.join(name);
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(text.lines().map(String::from).collect())
    };
    let survivors = list("missed.txt")?;
    let viable = list("caught.txt")?.len() + list("timeout.txt")?.len() + survivors.len();
    Ok(Count {
        all: viable + list("unviable.txt")?.len(),
        viable,
        survivors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::cargo;

    fn written(lists: &[(&str, &str)]) -> Result<Count> {
        let place = tempfile::tempdir().unwrap();
        for (name, text) in lists {
            fs::write(place.path().join(name), text).unwrap();
        }
        read(place.path())
    }

    #[test]
    fn a_time_out_is_a_catch_and_what_does_not_build_does_not_count() {
        let count = written(&[
            ("caught.txt", "a.rs:1:1: replace a\na.rs:2:1: replace b\n"),
            ("timeout.txt", "a.rs:3:1: replace c\n"),
            ("missed.txt", "a.rs:4:1: replace d\n"),
            ("unviable.txt", "a.rs:5:1: replace e\na.rs:6:1: replace f\n"),
        ])
        .unwrap();
        assert_eq!((count.all, count.viable), (6, 4));
        assert_eq!(
            count.survivors,
            BTreeSet::from(["a.rs:4:1: replace d".into()])
        );
        assert_eq!(count.caught(), 75.0);
    }

    #[test]
    fn a_pattern_has_no_sign_with_a_meaning() {
        assert_eq!(
            pattern("src/a.rs:1:2: replace a::b -> Option<&'m [u8]> with None"),
            r"^src/a\.rs:1:2: replace a::b \-> Option<\&'m \[u8\]> with None$"
        );
        assert_eq!(pattern("replace + with *"), r"^replace \+ with \*$");
    }

    #[test]
    fn a_crate_without_mutants_is_whole_and_one_without_a_result_is_an_error() {
        let none =
            ["caught.txt", "timeout.txt", "missed.txt", "unviable.txt"].map(|name| (name, ""));
        assert_eq!(written(&none).unwrap().caught(), 100.0);
        assert!(written(&none[..2]).is_err());
    }

    /// The names of the table are packages of the workspace.
    #[test]
    fn the_crates_are_there() {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(rom::workspace())
            .output()
            .unwrap();
        let metadata = String::from_utf8(output.stdout).unwrap();
        let others = CRATES.iter().flat_map(|(_, others)| others.iter());
        for name in CRATES
            .iter()
            .map(|(name, _)| name)
            .chain(others)
            .chain([&WHOLE_SYSTEM])
        {
            assert!(metadata.contains(&format!("\"name\":\"{name}\"")), "{name}");
        }
    }
}
