//! `cargo xtask test`: everything that CI checks, part after part.
//!
//! A part that cannot run here says so and why; with `CI` set in the environment that is a failure.

use crate::building;
use crate::example_rom;
use crate::features;
use crate::format::table;
use crate::panic_gate;
use crate::setup::{self, cargo};
use crate::size::{self, SizeArgs};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use testbed::rom::{self, ROM_VARIABLE, RomOptions, TARGET};
use testbed::{netns, qemu};

/// Options of `cargo xtask test`.
#[derive(Args)]
pub struct TestArgs {
    /// Run only these parts
    #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<Part>,
    /// Leave these parts out
    #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',')]
    skip: Vec<Part>,
}

/// Tests with QEMU run when this is set.
const QEMU_VARIABLE: &str = testbed::qemu::ASK;
/// Tests with real servers run when this is set.
const REAL_VARIABLE: &str = testbed::real::ASK;

/// The book's builder.
const MDBOOK: &str = "0.5.4";
/// The judge of licences and sources.
const CARGO_DENY: &str = "0.20.2";

/// What is linked into a ROM; none of them may lean on the host.
const ROM_CRATES: [&str; 12] = [
    "netboot-core",
    "netboot-dhcp",
    "netboot-dns",
    "netboot-tftp",
    "netboot-http",
    "netboot-ipxe",
    "netboot",
    "netboot-rom-support",
    "netboot-virtio",
    "netboot-app",
    "ocp-recovery",
    "recovery-model",
];

/// Crates of the host library that build without a host, too.
const HOST_LIBRARY: [&str; 6] = [
    "caliptra-util-host-command-types",
    "caliptra-util-host-osal",
    "caliptra-util-host-transport",
    "caliptra-util-host-session",
    "caliptra-util-host-commands",
    "util-device",
];

/// Programs and libraries for the ROM's target that the default ROM image does not link.
const OTHER_ROM_CRATES: [&str; 13] = [
    "mcu-rom",
    "panic-gate",
    "bootstore",
    "bootstore-rom",
    "hash-count",
    "netboot-nwp-ethernet",
    "nwp-ethernet-model",
    "netboot-cms",
    "netboot-sha256",
    "netboot-sztp",
    "netboot-verity",
    "netboot-ubp",
    "util-host-stack",
];

/// A part, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Part {
    /// Format of the source
    Fmt,
    /// Lints on this machine
    Lint,
    /// Lints for the ROM's target
    LintRom,
    /// Each library crate with each of its features alone
    Features,
    /// Licences, duplicates and sources of dependencies; packages for the registry
    Supply,
    /// Crates that may contain no panic
    PanicGate,
    /// Unit and property tests, whole boots in the simulated world
    Unit,
    /// Boots of the ROM under QEMU
    Qemu,
    /// Boots from real servers
    Real,
    /// Flash, RAM and stack against their limits
    Size,
    /// A ROM outside of this workspace: its build, its size, its driver's tests
    ExampleRom,
    /// The book and the documentation of the code
    Docs,
}

/// How a part ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// It cannot run here.
    Impossible(String),
    Failed(String),
}

impl Part {
    const fn title(self) -> &'static str {
        match self {
            Part::Fmt => "format",
            Part::Lint => "lints",
            Part::LintRom => "lints for the ROM's target",
            Part::Features => "features alone",
            Part::Supply => "licences, sources, packages",
            Part::PanicGate => "panic gate",
            Part::Unit => "unit and property tests, simulated world",
            Part::Qemu => "boots under QEMU",
            Part::Real => "boots from real servers",
            Part::Size => "size",
            Part::ExampleRom => "a ROM outside of the workspace",
            Part::Docs => "documentation",
        }
    }

    fn run(self) -> Verdict {
        let result = match self {
            Part::Fmt => step(cargo().args(["fmt", "--all", "--check"])),
            Part::Lint => lint(),
            Part::LintRom => lint_rom(),
            Part::Features => {
                tools();
                features::run()
            }
            Part::Supply => supply(),
            Part::PanicGate => panic_gate::run(),
            Part::Unit => unit(),
            Part::Qemu => return possible(setup::qemu(), boots_under_qemu),
            Part::Real => return possible(real_is_possible(), real),
            Part::Size => sizes(),
            Part::ExampleRom => example_rom::run(),
            Part::Docs => docs(),
        };
        judge(result)
    }
}

fn judge(result: Result<()>) -> Verdict {
    match result {
        Ok(()) => Verdict::Passed,
        Err(error) => Verdict::Failed(format!("{error:#}")),
    }
}

/// Runs a part if what it needs is there.
fn possible(needed: Result<()>, part: impl FnOnce() -> Result<()>) -> Verdict {
    match needed {
        Ok(()) => judge(part()),
        Err(error) => Verdict::Impossible(format!("{error:#}")),
    }
}

/// Runs the parts; whether all is well.
pub fn run(arguments: &TestArgs) -> Result<bool> {
    let parts: Vec<_> = Part::value_variants()
        .iter()
        .copied()
        .filter(|part| arguments.only.is_empty() || arguments.only.contains(part))
        .filter(|part| !arguments.skip.contains(part))
        .collect();
    ensure!(!parts.is_empty(), "--only and --skip leave nothing to run");
    let in_ci = env::var_os("CI").is_some();
    let started = Instant::now();
    let mut results = Vec::new();
    for part in parts {
        println!("\n=== {} ===\n", part.title());
        let begun = Instant::now();
        let mut verdict = part.run();
        if let Verdict::Impossible(why) = &verdict {
            println!("\n!!! {} CANNOT RUN HERE: {why}", part.title());
            if in_ci {
                verdict = Verdict::Failed(format!("cannot run, and in CI it has to: {why}"));
            }
        }
        if let Verdict::Failed(why) = &verdict {
            println!("\n!!! {} FAILED: {why}", part.title());
        }
        results.push((part, verdict, begun.elapsed()));
    }
    print(&results, started.elapsed());
    let failed = |verdict: &Verdict| matches!(verdict, Verdict::Failed(_));
    Ok(!results.iter().any(|(_, verdict, _)| failed(verdict)))
}

fn print(results: &[(Part, Verdict, Duration)], total: Duration) {
    let mut summary = table(["part", "result", "seconds"], &[2]);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (part, verdict, time) in results {
        let word = match verdict {
            Verdict::Passed => {
                passed += 1;
                "passed"
            }
            Verdict::Failed(_) => {
                failed += 1;
                "FAILED"
            }
            Verdict::Impossible(_) => {
                skipped += 1;
                "NOT RUN"
            }
        };
        let time = format!("{:.1}", time.as_secs_f64());
        summary.add_row([part.title(), word, &time]);
    }
    println!("\n{summary}\n");
    for (part, verdict, _) in results {
        if let Verdict::Failed(why) | Verdict::Impossible(why) = verdict {
            println!("{}: {}", part.title(), why.trim());
        }
    }
    println!("{:.0} s in all", total.as_secs_f64());
    println!("{passed} passed, {failed} failed, {skipped} skipped");
}

/// Runs a command in the workspace, its output to ours.
fn step(command: &mut Command) -> Result<()> {
    let words = command.get_args().map(|word| word.to_string_lossy());
    let shown = format!(
        "{} {}",
        PathBuf::from(command.get_program())
            .file_name()
            .unwrap_or_default()
            .to_string_lossy(),
        words.collect::<Vec<_>>().join(" ")
    );
    println!("$ {shown}");
    let status = command.current_dir(rom::workspace()).status();
    let status = status.with_context(|| format!("cannot start {shown}"))?;
    ensure!(status.success(), "{shown}: {status}");
    Ok(())
}

fn lint() -> Result<()> {
    let strict = ["--", "-D", "warnings"];
    step(
        cargo()
            .args(["clippy", "--workspace", "--exclude", "mcu-rom"])
            .arg("--all-targets")
            .args(strict),
    )?;
    step(
        cargo()
            .args(["clippy", "-p", "mcu-rom", "--lib"])
            .args(strict),
    )
}

fn lint_rom() -> Result<()> {
    setup::rust_target()?;
    let mut command = cargo();
    command.args(["clippy", "--target", TARGET, "--lib", "--bins"]);
    for name in ROM_CRATES.iter().chain(&OTHER_ROM_CRATES) {
        command.args(["-p", name]);
    }
    step(command.args(["--", "-D", "warnings"]))?;
    let mut command = cargo();
    command.args([
        "clippy",
        "--target",
        TARGET,
        "--lib",
        "--no-default-features",
    ]);
    for name in HOST_LIBRARY {
        command.args(["-p", name]);
    }
    step(command.args(["--", "-D", "warnings"]))?;
    let texts = [
        "-p",
        "mcu-rom",
        "--features",
        "texts,https,parallel,trace,negotiate,menu,san,shell,stay,verify,ldevid,ubp",
        "--bins",
    ];
    let mut command = cargo();
    command.args(["clippy", "--target", TARGET]).args(texts);
    step(command.args(["--", "-D", "warnings"]))?;
    for small in ["tiny", "nwp"] {
        let mut command = cargo();
        command.args(["clippy", "--target", TARGET, "-p", "mcu-rom"]);
        command.args(["--no-default-features", "--features", small, "--bins"]);
        step(command.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

/// Some tests of the bootstore have namespaces of their own, and those of TLS, of signed messages and of verified streaming ask other people's programs. Where
/// these cannot be had the tests say so themselves, and fail in CI.
fn tools() {
    if let Err(why) = setup::tools() {
        println!("\n!!! not everything that tests ask is installed: {why:#}\n");
    }
}

fn unit() -> Result<()> {
    tools();
    let quiet = |command: &mut Command| {
        // Those tests have a part of their own.
        command.env_remove(QEMU_VARIABLE).env_remove(REAL_VARIABLE);
        step(command)
    };
    quiet(cargo().args(["test", "--workspace", "--exclude", "mcu-rom"]))?;
    quiet(cargo().args(["test", "-p", "mcu-rom", "--lib"]))
}

/// Tests of package `e2e` whose files begin with `prefix`.
fn whole_system(prefix: &str, variables: &[(&str, &str)]) -> Result<()> {
    let directory = rom::workspace().join("tests/tests");
    let files = fs::read_dir(&directory);
    let files = files.with_context(|| format!("cannot read {}", directory.display()))?;
    let mut names: Vec<_> = files
        .flatten()
        .filter_map(|file| {
            // A test is a file, or a directory with a main file.
            let name = file.file_name().into_string().ok()?;
            let directory = file.path().join("main.rs").exists();
            let name = match directory {
                true => name.as_str(),
                false => name.strip_suffix(".rs")?,
            };
            name.starts_with(prefix).then(|| name.to_string())
        })
        .collect();
    names.sort();
    ensure!(
        !names.is_empty(),
        "no test {}/{prefix}*",
        directory.display()
    );
    let mut command = cargo();
    command.args(["test", "-p", "e2e"]);
    names.iter().for_each(|name| {
        command.args(["--test", name]);
    });
    step(command.envs(variables.iter().copied()))
}

fn boots_under_qemu() -> Result<()> {
    println!("{}", qemu::version()?);
    with_rom("qemu_", QEMU_VARIABLE)
}

/// Real servers need root, network namespaces, in which they harm nobody, and programs.
fn real_is_possible() -> Result<()> {
    ensure!(setup::is_root(), "network namespaces need root");
    setup::servers()?;
    if let Some(obstacle) = netns::obstacle() {
        bail!(obstacle);
    }
    netns::Namespace::new().context("no network namespace can be made")?;
    setup::qemu()
}

fn real() -> Result<()> {
    with_rom("real_", REAL_VARIABLE)?;
    // Five daemons in five namespaces.
    let mut command = cargo();
    command.args(["test", "-p", "bootstored", "--test", "namespaces"]);
    step(command.env(REAL_VARIABLE, "1"))
}

/// Tests that boot the ROM, which is built once for all.
fn with_rom(prefix: &str, variable: &str) -> Result<()> {
    setup::rust_target()?;
    let built = building::rom(&RomOptions::default(), "the ROM")?;
    let image = built.image.to_string_lossy();
    whole_system(prefix, &[(variable, "1"), (ROM_VARIABLE, &image)])
}

fn sizes() -> Result<()> {
    ensure!(
        size::run(&SizeArgs::default())?,
        "the ROM takes more than it may"
    );
    Ok(())
}

/// Packages, and `deny.toml`, but for the advisories: their database cannot be reached by package registries alone.
fn supply() -> Result<()> {
    let deny = setup::tool("cargo-deny", CARGO_DENY, &[])?;
    step(Command::new(deny).args(["check", "bans", "licenses", "sources"]))?;
    println!("Not checked: advisories, whose database is a repository (deny.toml says more).");
    packages()
}

/// Packs all crates that are published, in the order of their dependencies, as for the registry. What a package builds is what the other
/// parts build, so nothing is compiled again.
fn packages() -> Result<()> {
    let dry = ["--workspace", "--dry-run", "--no-verify", "--allow-dirty"];
    step(cargo().arg("publish").args(dry).arg("--quiet"))
}

fn docs() -> Result<()> {
    let book = rom::workspace().join("docs/book.toml");
    ensure!(book.exists(), "there is no docs/book.toml");
    // Without the web server.
    let options = ["--no-default-features", "--features", "search"];
    let mdbook = setup::tool("mdbook", MDBOOK, &options)?;
    step(Command::new(mdbook).args(["build", "docs"]))?;
    let strict = |command: &mut Command| step(command.env("RUSTDOCFLAGS", "-D warnings"));
    strict(cargo().args(["doc", "--no-deps", "--workspace", "--exclude", "mcu-rom"]))?;
    strict(cargo().args(["doc", "--no-deps", "-p", "mcu-rom", "--lib"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_pass() {
        let missing = possible(Err(anyhow::anyhow!("no QEMU")), || Ok(()));
        assert_eq!(missing, Verdict::Impossible("no QEMU".into()));
        let broken = possible(Ok(()), || bail!("two tests"));
        assert_eq!(broken, Verdict::Failed("two tests".into()));
        assert_eq!(possible(Ok(()), || Ok(())), Verdict::Passed);
    }

    #[test]
    fn a_command_that_fails_is_named() {
        let error = step(Command::new("/bin/sh").args(["-c", "exit 3"])).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("sh -c exit 3") && error.contains('3'),
            "{error}"
        );
        assert!(step(Command::new("/bin/sh").args(["-c", "true"])).is_ok());
        assert!(step(&mut Command::new("/no/such/program")).is_err());
    }

    /// Every package that a ROM links is checked for the ROM's target.
    #[test]
    fn the_crates_of_the_rom_are_those_of_the_workspace() {
        let output = cargo()
            .current_dir(rom::workspace())
            .args([
                "tree", "-p", "mcu-rom", "--target", TARGET, "--edges", "normal",
            ])
            .args(["--prefix", "none", "--locked"])
            .output()
            .unwrap();
        let tree = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        let root = rom::workspace().display().to_string();
        let mut linked: Vec<_> = tree
            .lines()
            .filter(|line| line.contains(&root) && !line.starts_with("mcu-rom "))
            .filter_map(|line| line.split(' ').next())
            .collect();
        linked.sort_unstable();
        linked.dedup();
        let mut listed = ROM_CRATES.to_vec();
        listed.sort_unstable();
        assert_eq!(linked, listed);
    }
}
