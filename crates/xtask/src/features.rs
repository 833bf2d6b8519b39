//! Checks each library crate with each of its features alone: none, one at a time, all. Then it runs the tests of the crates for ROMs without their default
//! features, and the library in a simulated world with several sets.
//!
//! The lists come from `cargo metadata` ([`packages`](crate::packages)), so that a new crate or a new feature is checked without a change here.
//! Sets that have none of the features one of which the crate needs get the first of these.

use crate::packages::{Package, libraries};
use crate::setup::{self, cargo};
use anyhow::{Context, Result, ensure};
use std::time::Instant;
use testbed::rom::{self, TARGET};

/// The test of `crates/netboot` that fits every set of features.
const WORLD: &str = "feature_sets";
/// The sets that it runs with, from the smallest to what the defaults are, and the largest.
const WORLDS: [&str; 5] = [
    "",
    "http",
    "dns,robust",
    "dns,fast-start,http,robust",
    "aes-256-gcm,bootstore,dns,dhcp-options,exchange,fast-start,http,https,ipv6,ipv6-literals,negotiate,parallel,phy,robust,script,syslog",
];

impl Package {
    /// Sets of features to check, each different from the others.
    fn sets(&self) -> Vec<Vec<&str>> {
        let mut sets = vec![vec![]];
        sets.extend(self.features().map(|name| vec![name]));
        sets.push(self.features().collect());
        let one_of = self.one_of();
        for set in &mut sets {
            if !set.iter().any(|name| one_of.contains(name)) {
                set.extend(one_of.first());
            }
            set.sort_unstable();
        }
        sets.sort();
        sets.dedup();
        sets
    }

    /// What is checked: each set for the ROM's target if the crate is for ROMs, and then the smallest and the largest set for
    /// the host; otherwise each set for the host.
    fn checks(&self) -> Vec<(Option<&'static str>, Vec<&str>)> {
        let sets = self.sets();
        if !self.is_for_roms() {
            return sets.into_iter().map(|set| (None, set)).collect();
        }
        let by_size = |set: &&Vec<&str>| set.len();
        let ends = [
            sets.iter().min_by_key(by_size),
            sets.iter().max_by_key(by_size),
        ];
        let mut checks: Vec<_> = ends
            .into_iter()
            .flatten()
            .map(|set| (None, set.clone()))
            .collect();
        checks.dedup();
        checks.extend(sets.into_iter().map(|set| (Some(TARGET), set)));
        checks
    }
}

/// Checks every library crate.
pub fn run() -> Result<()> {
    setup::rust_target()?;
    let mut failures = Vec::new();
    let mut count = 0;
    for package in libraries()? {
        let begun = Instant::now();
        let checks = package.checks();
        count += checks.len();
        for (target, set) in &checks {
            if let Err(error) = check(&package.name, set, *target) {
                println!("{error:#}");
                failures.push(format!(
                    "{} with [{}] for {}",
                    package.name,
                    set.join(","),
                    target.unwrap_or("the host")
                ));
            }
        }
        println!(
            "{:<16} {:>2} checks, {}: {:.1} s",
            package.name,
            checks.len(),
            if package.is_for_roms() {
                "host and ROM"
            } else {
                "host"
            },
            begun.elapsed().as_secs_f64()
        );
    }
    println!("{count} checks");
    for package in libraries()? {
        if package.is_for_roms() && package.has_defaults() {
            let name = &package.name;
            if let Err(error) = test(&["-p", name, "--no-default-features"]) {
                println!("{error:#}");
                failures.push(format!("the tests of {name} without its default features"));
            }
        }
    }
    for set in WORLDS {
        if let Err(error) = simulate(set) {
            println!("{error:#}");
            failures.push(format!("the simulated world with [{set}]"));
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

/// Runs the simulated world of `crates/netboot` with one set of features.
fn simulate(set: &str) -> Result<()> {
    let world = ["-p", "netboot", "--test", WORLD];
    test(&[&world[..], &["--no-default-features", "--features", set]].concat())
}

/// Runs `cargo test` with these arguments.
fn test(arguments: &[&str]) -> Result<()> {
    let begun = Instant::now();
    let output = cargo()
        .args(["test", "--quiet"])
        .args(arguments)
        .current_dir(rom::workspace())
        .output()
        .context("cannot start cargo test")?;
    ensure!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let took = begun.elapsed().as_secs_f64();
    println!("cargo test {}: {took:.1} s", arguments.join(" "));
    Ok(())
}

/// Checks one crate with one set of features; warnings are errors.
fn check(name: &str, set: &[&str], target: Option<&str>) -> Result<()> {
    let mut command = cargo();
    command
        .args(["clippy", "--quiet", "--lib", "--no-default-features"])
        .args(["-p", name, "--features", &set.join(",")]);
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    let output = command
        .args(["--", "-D", "warnings"])
        .current_dir(rom::workspace())
        .output()
        .context("cannot start cargo clippy")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::FOR_ROMS;

    fn package(features: &str, extra: &str) -> Package {
        Package::of_json("", features, extra)
    }

    #[test]
    fn none_each_and_all() {
        let three = package(r#"{"default": ["a"], "a": [], "b": ["a"]}"#, "null");
        let empty: Vec<&str> = vec![];
        assert_eq!(
            three.sets(),
            [empty.clone(), vec!["a"], vec!["a", "b"], vec!["b"]]
        );
        assert_eq!(package("{}", "null").sets(), [empty]);
        let needs = r#"{"netboot": {"one-of": ["a", "b"]}, "docs": {}}"#;
        let needs = package(r#"{"a": [], "b": [], "c": []}"#, needs);
        let sets = needs.sets();
        assert!(
            sets.iter()
                .all(|set| set.contains(&"a") || set.contains(&"b"))
        );
        assert!(sets.contains(&vec!["a", "c"]) && sets.contains(&vec!["b"]));
    }

    #[test]
    fn a_crate_for_roms_is_checked_on_the_host_with_none_and_all() {
        let mut package = package(r#"{"default": ["a"], "a": [], "b": []}"#, "null");
        assert!(package.checks().iter().all(|(target, _)| target.is_none()));
        package.categories.push(FOR_ROMS.into());
        let checks = package.checks();
        let host: Vec<_> = checks
            .iter()
            .filter(|(target, _)| target.is_none())
            .collect();
        assert_eq!(host, [&(None, vec![]), &(None, vec!["a", "b"])]);
        assert_eq!(checks.len(), 2 + package.sets().len());
    }

    /// What only tests need stands in a place of its own; nothing of it is published.
    #[test]
    fn libraries_are_published_and_tests_are_not() {
        let libraries = libraries().unwrap();
        let names: Vec<_> = libraries
            .iter()
            .map(|package| package.name.as_str())
            .collect();
        for name in ["netboot", "netboot-core", "netboot-lines", "ocp-recovery"] {
            assert!(names.contains(&name), "{name}");
        }
        for name in [
            "testbed",
            "netsim",
            "xtask",
            "e2e",
            "mcu-rom",
            "recovery-model",
        ] {
            assert!(!names.contains(&name), "{name}");
        }
        let roms = |name: &str| {
            let package = libraries.iter().find(|package| package.name == name);
            package.is_some_and(Package::is_for_roms)
        };
        for name in ["netboot", "netboot-core", "netboot-app", "ocp-recovery"] {
            assert!(roms(name), "{name}");
        }
        assert!(!roms("netboot-lines") && !roms("bootstored"));
    }

    #[test]
    fn a_warning_fails() {
        assert!(check("netboot-aead", &["no-such-feature"], None).is_err());
    }
}
