//! Builds `examples/rom` as an integrator would, and holds its size.
//!
//! The directory is copied out of the tree first: cargo would merge the workspace's own `.cargo/config.toml` into that of the example
//! otherwise, and nobody would notice a flag that only stands there. The commands are those of the example's README.

use crate::building;
use crate::format::{table, thousands};
use crate::setup;
use crate::size;
use crate::symbols::{Program, UNNAMED};
use anyhow::{Context, Result, bail, ensure};
use std::env;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::rom::{self, Core, TARGET};

/// Flash in octets of the ROM that the README's first command builds, by stable means. It has room for what real networks need.
const FLASH: u64 = 114_688;
/// Flash in octets of the ROM that the README's second command builds, with a core library of its own.
const FLASH_REBUILT: u64 = 104_448;
/// Octets by which the library's code in the example may differ from that in the tree's own ROM with the same features.
const APART: u32 = 2_048;
/// Crates that are no part of the library: the boards, their drivers, the emulated device, and what no symbol names (constants, among
/// them the texts of the boards).
const BOARDS: [&str; 9] = [
    "example_rom",
    "example_mac",
    "mcu_rom",
    "rom_parts",
    "netboot_virtio",
    "virtio_drivers",
    "recovery_model",
    "riscv_rt",
    UNNAMED,
];
/// Static RAM in octets of both.
const RAM: u64 = 45_056;

/// Regions of `examples/rom/memory.x`.
const ROM_REGION: Range<u32> = 0x8000_0000..0x8002_0000;
const RAM_REGION: Range<u32> = 0x5000_0000..0x5001_8000;

/// Runs the whole part.
///
/// # Errors
/// When something does not build, a test fails, or the ROM is over a limit.
pub fn run() -> Result<()> {
    setup::rust_target()?;
    let place = tempfile::tempdir().context("no directory for the copy")?;
    let copy = place.path().join("rom");
    copy_out(&rom::workspace().join("examples/rom"), &copy)?;
    let readme = fs::read_to_string(copy.join("README.md"))?;
    run_command("cargo fmt --check", &copy)?;
    run_command(&command(&readme, "cargo test")?, &copy)?;
    run_command(
        &format!("cargo clippy --target {TARGET} -- -D warnings"),
        &copy,
    )?;
    let stable = measured(&command(&readme, "cargo build")?, &copy)?;
    let mut rows = vec![("stable", stable, FLASH)];
    match Core::best() {
        Core::Rebuilt => {
            let rebuilt = measured(&command(&readme, "RUSTC_BOOTSTRAP=1 cargo build")?, &copy)?;
            rows.push(("core rebuilt", rebuilt, FLASH_REBUILT));
            compare()?;
        }
        Core::Precompiled => {
            ensure!(
                env::var_os("CI").is_none(),
                "the sources of the core library are missing: rustup component add rust-src"
            );
            println!(
                "!!! NOT BUILT: the ROM with a core library of its own, whose sources are missing"
            );
        }
    }
    report(&rows)
}

/// Copies the example, with paths to this workspace in place of relative ones.
fn copy_out(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "target" {
            continue;
        } else if path.is_dir() {
            copy_out(&path, &target)?;
        } else if entry.file_name() == "Cargo.toml" {
            let root = rom::workspace();
            let manifest = fs::read_to_string(&path)?;
            let absolute = format!("\"{}/", root.display());
            let manifest = manifest.replace("\"../../", &absolute);
            ensure!(
                manifest.contains(&absolute),
                "{} names no crate of the tree",
                path.display()
            );
            fs::write(&target, manifest)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}

/// The line of the README that begins so and stands in a block of code.
fn command(readme: &str, start: &str) -> Result<String> {
    let blocks = readme.split("```").skip(1).step_by(2);
    let mut lines = blocks.flat_map(str::lines);
    let line = lines.find(|line| line.starts_with(start));
    Ok(line
        .with_context(|| format!("the README of examples/rom has no command `{start}`"))?
        .to_string())
}

/// Where the copy's builds are kept from run to run.
fn target_directory() -> PathBuf {
    rom::target_directory().join("example-rom")
}

/// Runs a command of the README in the copy.
fn run_command(line: &str, directory: &Path) -> Result<()> {
    println!("$ {line}");
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(directory);
    command.env("CARGO_TARGET_DIR", target_directory());
    // What belongs to the build of xtask itself: the example has flags of its own.
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        command.env_remove(name);
    }
    let output = command.output().context("cannot start sh")?;
    // The compiler's remark on each unstable target feature, once for each crate, helps nobody.
    if !output.status.success() {
        bail!(
            "{line}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Builds by the command of the README, and gives flash and static RAM. The paths of this machine are taken out of the program: its
/// size is the same wherever it is built.
fn measured(line: &str, directory: &Path) -> Result<(u64, u64)> {
    let remap = format!(
        "target.{TARGET}.rustflags=[\"--remap-path-prefix={}/=\"]",
        rom::workspace().display()
    );
    run_command(&format!("{line} --config '{remap}'"), directory)?;
    let path = target_directory().join(TARGET).join("release/example-rom");
    let elf = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(footprint(&Program::read(&elf)?))
}

/// Compares the library's code in the example with that in the tree's own ROM, which has the same features and is built by the same means: an
/// integrator gets the size that the book tells.
fn compare() -> Result<()> {
    let read = |path: &Path| -> Result<Program> {
        let elf = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Program::read(&elf)
    };
    let example = read(&target_directory().join(TARGET).join("release/example-rom"))?;
    let tree = building::rom(&rom::RomOptions::default(), "the tree's own ROM")?;
    let tree = read(&tree.elf)?;
    let (here, there) = (library(&example, &ROM_REGION), library(&tree, &size::FLASH));
    println!("the library's code in examples/rom: {here} octets; in the tree's ROM: {there}");
    alike(here, there)
}

/// Fails when the two are further apart than they may be, or one is nothing.
fn alike(here: u32, there: u32) -> Result<()> {
    ensure!(here.min(there) > 0, "no symbol of the library was found");
    ensure!(
        here.abs_diff(there) <= APART,
        "the library's code takes {here} octets in examples/rom and {there} in the tree's ROM, and may be {APART} apart: is a means missing in one of them?"
    );
    Ok(())
}

/// Octets of the library's code, and of what it is built on, in a region.
fn library(program: &Program, region: &Range<u32>) -> u32 {
    let crates = program.by_crate(region).into_iter();
    let of_library = crates.filter(|(name, _)| !BOARDS.contains(&name.as_str()));
    of_library.map(|(_, octets)| octets).sum()
}

/// Octets of flash and of static RAM, gaps included, stack and heap not.
fn footprint(program: &Program) -> (u64, u64) {
    let loads = program.loads.iter();
    let inside = loads.filter(|load| ROM_REGION.contains(&load.start));
    let flash = inside.map(|load| load.end - ROM_REGION.start).max();
    let sections = program.sections.iter().filter(|section| {
        RAM_REGION.contains(&section.range.start)
            && ![".stack", ".heap"].contains(&section.name.as_str())
    });
    let ram = sections
        .map(|section| section.range.end - RAM_REGION.start)
        .max();
    (flash.unwrap_or(0).into(), ram.unwrap_or(0).into())
}

/// Prints the figures. Fails when one is zero, which nothing real is, or over its limit.
fn report(rows: &[(&str, (u64, u64), u64)]) -> Result<()> {
    let columns = ["examples/rom", "flash", "limit", "static RAM", "limit"];
    let mut shown = table(columns, &[1, 2, 3, 4]);
    for (name, (flash, ram), limit) in rows {
        let cells = [*flash, *limit, *ram, RAM].map(thousands);
        let [flash, limit, ram, ram_limit] = cells;
        shown.add_row([name.to_string(), flash, limit, ram, ram_limit]);
    }
    println!("\n{shown}\n");
    for (name, (flash, ram), limit) in rows {
        ensure!(
            (1..=*limit).contains(flash),
            "flash of examples/rom, {name}: {flash} octets, and {limit} are allowed"
        );
        ensure!(
            (1..=RAM).contains(ram),
            "static RAM of examples/rom, {name}: {ram} octets, and {RAM} are allowed"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::{Section, Symbol};
    use netboot_rom_support::flags::{COMMON, IMAGE};

    #[test]
    fn the_readme_has_the_commands() {
        let readme = fs::read_to_string(rom::workspace().join("examples/rom/README.md")).unwrap();
        for start in ["cargo test", "cargo build", "RUSTC_BOOTSTRAP=1 cargo build"] {
            assert!(command(&readme, start).unwrap().starts_with(start));
        }
        assert!(command(&readme, "cargo publish").is_err());
        assert!(command("cargo build stands in prose", "cargo build").is_err());
    }

    #[test]
    fn the_copy_names_the_crates_of_this_tree_and_is_no_part_of_it() {
        let place = tempfile::tempdir().unwrap();
        copy_out(&rom::workspace().join("examples/rom"), place.path()).unwrap();
        let manifest = fs::read_to_string(place.path().join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("../"), "{manifest}");
        assert!(manifest.contains(&format!("{}/crates/netboot\"", rom::workspace().display())));
        assert!(place.path().join(".cargo/config.toml").is_file());
        assert!(!place.path().join("target").exists());
    }

    #[test]
    fn a_rom_that_lacks_a_means_is_noticed() {
        assert!(alike(90_000, 90_000 + APART).is_ok());
        for (here, there) in [(90_000, 90_001 + APART), (90_001 + APART, 90_000), (0, 0)] {
            assert!(alike(here, there).is_err());
        }
    }

    #[test]
    fn boards_are_no_part_of_the_library() {
        let symbol = |name: &str, range| Symbol {
            name: name.into(),
            range,
        };
        let program = Program {
            sections: vec![Section {
                name: ".text".into(),
                range: 0x8000_0000..0x8000_1000,
                in_file: true,
            }],
            symbols: vec![
                symbol("example_mac::mac::next", 0x8000_0000..0x8000_0100),
                symbol("netboot::network::run", 0x8000_0100..0x8000_0300),
                symbol("smoltcp::iface::poll", 0x8000_0300..0x8000_0400),
                symbol("mcu_rom::main", 0x8000_0400..0x8000_0800),
            ],
            loads: Vec::new(),
        };
        assert_eq!(library(&program, &ROM_REGION), 0x300);
    }

    #[test]
    fn what_is_over_a_limit_fails() {
        assert!(report(&[("a", (FLASH, RAM), FLASH)]).is_ok());
        for figures in [(FLASH + 1, RAM), (FLASH, RAM + 1), (0, RAM), (FLASH, 0)] {
            assert!(report(&[("a", figures, FLASH)]).is_err(), "{figures:?}");
        }
    }

    #[test]
    fn the_stack_is_no_static_memory() {
        let section = |name: &str, range| Section {
            name: name.into(),
            range,
            in_file: false,
        };
        let program = Program {
            sections: vec![
                section(".text", 0x8000_0000..0x8000_1000),
                section(".bss", 0x5000_0000..0x5000_0400),
                section(".stack", 0x5000_0400..0x5001_8000),
            ],
            symbols: Vec::new(),
            loads: vec![0x8000_0000..0x8000_1000, 0x8000_1000..0x8000_1234],
        };
        assert_eq!(footprint(&program), (0x1234, 0x400));
    }

    /// The copies of the flags: this workspace's own, and the example's.
    #[test]
    fn the_flags_are_those_of_the_support_crate() {
        let root = rom::workspace();
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let flags = |text: &str| -> Vec<String> {
            let list = text.split("rustflags = [").nth(1).unwrap();
            let list = list.split(']').next().unwrap();
            let words = list.split('"').skip(1).step_by(2);
            let joined = words.collect::<Vec<_>>().join(" ").replace("-C ", "-C");
            joined.split(' ').map(str::to_string).collect()
        };
        assert_eq!(flags(&text(".cargo/config.toml")), COMMON);
        let all: Vec<_> = COMMON.into_iter().chain(IMAGE).collect();
        assert_eq!(flags(&text("examples/rom/.cargo/config.toml")), all);
        assert_eq!(
            text("examples/rom/config-rebuilt.toml"),
            text("crates/rom-support/config-rebuilt.toml")
        );
    }
}
