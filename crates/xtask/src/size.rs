//! `cargo xtask size`: what the ROM takes of flash, RAM and stack, against its limits.

mod history;
mod stack;

use crate::building;
use crate::format::{table, thousands};
use crate::setup;
use crate::symbols::Program;
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use std::env;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use test_pki::Pki;
use testbed::plan::Family;
use testbed::rom::{self, Core, HttpsRom, RomOptions};
use testbed::{Https, Protocol};

/// Options of `cargo xtask size`.
#[derive(Args, Default)]
pub struct SizeArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Append the figures to docs/src/size-history.csv, if they are others than those of the last line
    #[arg(long)]
    history: bool,
}

/// Regions of `qemu/memory.x.in`. The emulated device lies apart from what a board would have.
pub const FLASH: Range<u32> = 0x2000_0000..0x2010_0000;
/// The pages of flash that are kept for loops.
const HOT: Range<u32> = 0x200f_e000..0x2010_0000;
const EMULATION: Range<u32> = 0x2010_0000..0x2200_0000;
const RAM: Range<u32> = 0x8000_0000..0x8010_0000;
const EMULATION_RAM: Range<u32> = 0x8010_0000..0x8080_0000;

/// Symbols listed for RAM.
const LARGEST: usize = 12;

/// Flash of the ROM, in KiB. 112 KiB is what such ROMs have; the rest is for real networks.
const FLASH_LIMIT: u64 = 112;
/// Flash of other builds of it, in KiB: the same code with texts, or with a core library that cannot be made smaller.
const PRECOMPILED_SO_FAR: u64 = 132;
const TEXTS_SO_FAR: u64 = 136;

/// The ROM with HTTPS, in KiB: flash, and static RAM with large and with small records.
const HTTPS_FLASH: u64 = 208;
const HTTPS_RAM: u64 = 128;
const HTTPS_SMALL_RAM: u64 = 112;
/// The stack that the large one leaves of 128 KiB. The deepest chain that is accepted takes nearly all of it.
const HTTPS_STACK: u64 = 22;

/// Flash and RAM of the ROM that speaks TFTP only, in KiB: a network coprocessor has 64 KiB of ROM.
const TINY_FLASH: u64 = 64;
const TINY_RAM: u64 = 24;
/// KiB of flash that the feature `ipv6` may add.
const IPV6_FLASH: u64 = 40;
/// KiB of flash that the bootstore may add to a ROM with settings.
const BOOTSTORE_FLASH: u64 = 20;
/// KiB of flash that scripts may add to a ROM with settings. What they have for a person, menus and the shell, comes on top.
const SCRIPT_FLASH: u64 = 40;
/// KiB of flash that secure zero-touch provisioning may add to a ROM with HTTPS.
const SZTP_FLASH: u64 = 48;
/// The stack of a boot with it, in KiB: voucher, owner certificate and signature are verified while TLS is there.
const SZTP_STACK: u64 = 24;
/// KiB of flash that a key of the board's own may add to secure zero-touch provisioning.
const LDEVID_FLASH: u64 = 8;
/// KiB of flash that packed files may add to the ROM.
const VERITY_FLASH: u64 = 7;
/// KiB of flash that the UDP boot protocol adds to packed files so far. The aim is 10, with groups.
const UBP_SO_FAR: u64 = 14;
/// KiB of flash that a SHA-256 compiled for speed may add to the ROM, whose emulated device keeps the small form.
const FAST_SHA256_FLASH: u64 = 4;
/// The network device's own memory: frames, and the pages of its virtqueues.
const RINGS: [&str; 2] = ["mcu_rom::virtio::FRAMES", "netboot_virtio::pool::POOL"];

/// Flash and RAM of the ROM of a network coprocessor, in KiB: the RAM is that of static data and stack together.
const NWP_FLASH: u64 = 64;
const NWP_RAM: u64 = 64;

/// How a figure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// Within the limit.
    Pass,
    /// Over the limit.
    Fail,
    /// Could not be measured, and need not be here.
    NotMeasured,
}

/// A figure and what it may be at most, in octets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    /// `None`: could not be measured.
    octets: Option<u64>,
    limit: u64,
    verdict: Verdict,
}

impl Check {
    fn new(name: &'static str, octets: Option<u64>, limit_kib: u64) -> Self {
        let limit = limit_kib << 10;
        let verdict = match octets {
            Some(octets) if octets <= limit => Verdict::Pass,
            // What was not measured has not passed where everything has to be.
            None if env::var_os("CI").is_none() => Verdict::NotMeasured,
            Some(_) | None => Verdict::Fail,
        };
        Self {
            name,
            octets,
            limit,
            verdict,
        }
    }
}

/// Measures; whether all is within the limits.
pub fn run(arguments: &SizeArgs) -> Result<bool> {
    setup::rust_target()?;
    let plain = RomOptions {
        core: Core::Precompiled,
        ..RomOptions::default()
    };
    let (program, image) = built(&RomOptions::default())?;
    let (plain, _) = built(&plain)?;
    let (texts, _) = built(&RomOptions {
        texts: true,
        ..RomOptions::default()
    })?;
    let (tiny, tiny_image) = built(&RomOptions {
        tiny: true,
        ..RomOptions::default()
    })?;
    let (nwp, nwp_image) = built(&RomOptions::network_coprocessor())?;
    // Without the core library's sources there is nothing but what is stable, and that is not held to the goal.
    let rebuilt = RomOptions::default().core == Core::Rebuilt;
    let of = |program: &Program| rebuilt.then(|| flash(program, &FLASH));
    let plain_stack = stack::over(
        Family::Ipv4,
        &image,
        &[Protocol::Tftp, Protocol::Http],
        None,
    );
    let ends = Https::new(Pki::with_intermediate(1));
    let (https, https_image) = built(&https_rom(&ends, false)?)?;
    let (small, _) = built(&https_rom(&ends, true)?)?;
    let https_stack = stack::over(
        Family::Ipv4,
        &https_image,
        &[Protocol::Https],
        Some(ends.clone()),
    );
    let tiny_stack = stack::over(Family::Ipv4, &tiny_image, &[Protocol::Tftp], None);
    let (ipv6, ipv6_image) = built(&RomOptions {
        ipv6: true,
        ..RomOptions::default()
    })?;
    let ipv6_flash = of(&ipv6).zip(of(&program));
    let ipv6_stack = stack::over(Family::Ipv6, &ipv6_image, &[Protocol::Http], None);
    let (settings, _) = built(&RomOptions {
        settings: true,
        ..RomOptions::default()
    })?;
    let (script, _) = built(&RomOptions {
        settings: true,
        script: true,
        ..RomOptions::default()
    })?;
    let (bootstore, _) = built(&RomOptions {
        settings: true,
        bootstore: true,
        ..RomOptions::default()
    })?;
    let (_, node_image) = built(&RomOptions {
        settings: true,
        bootstore: true,
        ipv6: true,
        ..RomOptions::default()
    })?;
    let bootstore_flash = of(&bootstore).zip(of(&settings));
    let node_stack = stack::by_node(&node_image);
    let script_flash = of(&script).zip(of(&settings));
    let (https_settings, _) = built(&RomOptions {
        settings: true,
        ..https_rom(&ends, false)?
    })?;
    let owned = stack::Owned::new(&ends);
    let sztp_options = RomOptions {
        settings: true,
        sztp: Some(owned.rom()),
        rom_kib: 288,
        ram_kib: 160,
        ..https_rom(&ends, false)?
    };
    let (sztp, sztp_image) = built(&sztp_options)?;
    let sztp_stack = owned.boot(&sztp_image);
    let (ldevid, _) = built(&RomOptions {
        ldevid: true,
        ..sztp_options
    })?;
    let (verity, verity_image) = built(&RomOptions {
        verity: true,
        ..RomOptions::default()
    })?;
    let verity_flash = of(&verity).zip(of(&program));
    let verity_stack = stack::over(
        Family::Ipv4,
        &verity_image,
        &[Protocol::Tftp, Protocol::Http],
        None,
    );
    let (ubp, ubp_image) = built(&RomOptions {
        ubp: true,
        ..RomOptions::default()
    })?;
    let ubp_flash = of(&ubp).zip(of(&verity));
    let ubp_stack = stack::over(Family::Ipv4, &ubp_image, &[Protocol::Ubp], None);
    let (fast, _) = built(&RomOptions {
        fast_sha256: true,
        ..RomOptions::default()
    })?;
    let fast_flash = of(&fast).zip(of(&program));
    let ldevid_flash = of(&ldevid).zip(of(&sztp));
    let sztp_flash = of(&sztp).zip(of(&https_settings));
    let nwp_stack = stack::over(Family::Ipv4, &nwp_image, &[Protocol::Tftp], None);
    let nwp_stack_octets = nwp_stack.as_ref().ok().copied();
    let checks = [
        Check::new("flash", of(&program), FLASH_LIMIT),
        Check::new("flash, with texts", of(&texts), TEXTS_SO_FAR),
        Check::new(
            "flash, plain stable",
            Some(flash(&plain, &FLASH)),
            PRECOMPILED_SO_FAR,
        ),
        Check::new("static RAM", Some(static_ram(&program)), 96),
        Check::new("stack", plain_stack.as_ref().ok().copied(), 12),
        Check::new("flash, with HTTPS", of(&https), HTTPS_FLASH),
        Check::new(
            "static RAM, HTTPS, large records",
            Some(static_ram(&https)),
            HTTPS_RAM,
        ),
        Check::new(
            "static RAM, HTTPS, small records",
            Some(static_ram(&small)),
            HTTPS_SMALL_RAM,
        ),
        Check::new(
            "stack, HTTPS, one intermediate",
            https_stack.as_ref().ok().copied(),
            HTTPS_STACK,
        ),
        Check::new("flash, tiny", of(&tiny), TINY_FLASH),
        Check::new(
            "static RAM, tiny, rings apart",
            Some(static_ram(&tiny).saturating_sub(rings(&tiny)?)),
            TINY_RAM,
        ),
        Check::new("stack, tiny", tiny_stack.as_ref().ok().copied(), 12),
        Check::new(
            "flash, what IPv6 adds",
            ipv6_flash.map(|(with, without)| with.saturating_sub(without)),
            IPV6_FLASH,
        ),
        Check::new(
            "flash, what scripts add",
            script_flash.map(|(with, without)| with.saturating_sub(without)),
            SCRIPT_FLASH,
        ),
        Check::new(
            "flash, what sZTP adds to HTTPS",
            sztp_flash.map(|(with, without)| with.saturating_sub(without)),
            SZTP_FLASH,
        ),
        Check::new("stack, sZTP", sztp_stack.as_ref().ok().copied(), SZTP_STACK),
        Check::new(
            "flash, what LDevID adds to sZTP",
            ldevid_flash.map(|(with, without)| with.saturating_sub(without)),
            LDEVID_FLASH,
        ),
        Check::new(
            "flash, what packed files add",
            verity_flash.map(|(with, without)| with.saturating_sub(without)),
            VERITY_FLASH,
        ),
        Check::new(
            "flash, what a fast SHA-256 adds",
            fast_flash.map(|(with, without)| with.saturating_sub(without)),
            FAST_SHA256_FLASH,
        ),
        Check::new(
            "stack, with packed files",
            verity_stack.as_ref().ok().copied(),
            12,
        ),
        Check::new(
            "flash, what the UDP boot protocol adds to packed files",
            ubp_flash.map(|(with, without)| with.saturating_sub(without)),
            UBP_SO_FAR,
        ),
        Check::new(
            "stack, with the UDP boot protocol",
            ubp_stack.as_ref().ok().copied(),
            12,
        ),
        Check::new(
            "flash, what the bootstore adds",
            bootstore_flash.map(|(with, without)| with.saturating_sub(without)),
            BOOTSTORE_FLASH,
        ),
        Check::new(
            "stack, a node of the bootstore asked",
            node_stack.as_ref().ok().copied(),
            12,
        ),
        Check::new("stack, IPv6", ipv6_stack.as_ref().ok().copied(), 12),
        Check::new("flash, nwp", of(&nwp), NWP_FLASH),
        Check::new(
            "static RAM and stack, nwp",
            nwp_stack_octets.map(|stack| stack + static_ram(&nwp)),
            NWP_RAM,
        ),
    ];
    if arguments.json {
        let json = json!({
            "checks": checks,
            "flash": program.by_crate(&FLASH),
            "tiny": tiny.by_crate(&FLASH),
            "nwp": nwp.by_crate(&FLASH),
            "emulation": {
                "flash": flash(&program, &EMULATION),
                "ram": ram(&program, &EMULATION_RAM),
            },
        });
        println!("{}", serde_json::to_string_pretty(&json)?);
    } else {
        println!(
            "static RAM of the ROM with packed files: {} octets more",
            thousands(static_ram(&verity).saturating_sub(static_ram(&program)))
        );
        println!(
            "static RAM of the ROM with the UDP boot protocol: {} octets more than with packed files",
            thousands(static_ram(&ubp).saturating_sub(static_ram(&verity)))
        );
        println!(
            "static RAM of the ROM with the bootstore: {} octets more than with settings\n",
            thousands(static_ram(&bootstore).saturating_sub(static_ram(&settings)))
        );
        print_flash(&program);
        print_crates("flash of tiny by crate", &tiny);
        print_crates("flash of nwp by crate", &nwp);
        print_ram(&program);
        print_checks(&checks);
    }
    if arguments.history {
        let figures = checks.iter().map(|check| (check.name.into(), check.octets));
        let figures: Vec<_> = figures.collect();
        if !history::append(&rom::workspace(), &figures)? {
            println!("the figures are those of the last line of the history");
        }
    }
    let stacks = [
        &plain_stack,
        &https_stack,
        &tiny_stack,
        &nwp_stack,
        &ipv6_stack,
        &node_stack,
        &verity_stack,
        &ubp_stack,
        &sztp_stack,
    ];
    for error in stacks.into_iter().filter_map(|one| one.as_ref().err()) {
        eprintln!("stack not measured: {error:#}");
    }
    Ok(checks.iter().all(|check| check.verdict != Verdict::Fail))
}

/// A ROM that trusts the authority of `ends`.
fn https_rom(ends: &Https, small_records: bool) -> Result<RomOptions> {
    Ok(RomOptions {
        https: Some(HttpsRom {
            trust: ends.pki.root_pem()?,
            small_records,
        }),
        ..RomOptions::default()
    })
}

/// Octets of flash and of static RAM that the ROM in this ELF file takes, without the emulated device.
pub fn footprint(elf: &Path) -> Result<(u64, u64)> {
    let octets = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let program = Program::read(&octets)?;
    Ok((flash(&program, &FLASH), static_ram(&program)))
}

/// Builds a ROM: its program, and the path of its image.
fn built(options: &RomOptions) -> Result<(Program, PathBuf)> {
    let built = building::rom(options, "a ROM to measure")?;
    let elf =
        fs::read(&built.elf).with_context(|| format!("cannot read {}", built.elf.display()))?;
    Ok((Program::read(&elf)?, built.image))
}

/// Octets of a flash region, from its first to its last, but for the gap before [`HOT`].
fn flash(program: &Program, region: &Range<u32>) -> u64 {
    let extent = |start: u32, end: u32| {
        let loads = program.loads.iter();
        let inside = loads.filter(|load| (start..end).contains(&load.start));
        inside.map(|load| load.end - start).max().unwrap_or(0)
    };
    let octets = match region.contains(&HOT.start) {
        true => extent(region.start, HOT.start) + extent(HOT.start, HOT.end),
        false => extent(region.start, region.end),
    };
    octets.into()
}

/// Octets of the sections in a RAM region, gaps included, but for stack and heap.
fn ram(program: &Program, region: &Range<u32>) -> u64 {
    let ends = program
        .sections
        .iter()
        .filter(|section| region.contains(&section.range.start))
        .filter(|section| ![".stack", ".heap"].contains(&section.name.as_str()))
        .map(|section| section.range.end);
    (ends.max().unwrap_or(region.start) - region.start).into()
}

/// Octets of the network device's own memory.
fn rings(program: &Program) -> Result<u64> {
    let octets = RINGS.iter().map(|name| {
        let mut symbols = program.symbols.iter();
        let found =
            symbols.find(|symbol| symbol.name == *name && RAM.contains(&symbol.range.start));
        let found = found.with_context(|| format!("no symbol {name}: RINGS is out of date"))?;
        Ok(found.range.len() as u64)
    });
    octets.sum()
}

fn static_ram(program: &Program) -> u64 {
    ram(program, &RAM)
}

fn print_crates(title: &str, program: &Program) {
    let all = flash(program, &FLASH);
    let mut by_crate = table([title, "octets", "%"], &[1, 2]);
    for (name, octets) in program.by_crate(&FLASH) {
        let share = f64::from(octets) * 100.0 / all.max(1) as f64;
        by_crate.add_row([name, thousands(octets.into()), format!("{share:.1}")]);
    }
    println!("{by_crate}\n");
}

fn print_flash(program: &Program) {
    print_crates("flash by crate", program);
    let mut sections = table(["section", "address", "octets", "region"], &[2]);
    for section in &program.sections {
        let start = section.range.start;
        let regions = [
            (FLASH, "flash"),
            (EMULATION, "emulation flash"),
            (RAM, "RAM"),
            (EMULATION_RAM, "emulation RAM"),
        ];
        let region = regions.iter().find(|(range, _)| range.contains(&start));
        sections.add_row([
            section.name.clone(),
            format!("{start:#010x}"),
            thousands(section.range.len() as u64),
            region.map_or("elsewhere", |(_, name)| name).into(),
        ]);
    }
    println!("{sections}\n");
}

fn print_ram(program: &Program) {
    let mut symbols = table(["static RAM, the largest", "octets"], &[1]);
    for symbol in program.largest(&RAM, LARGEST) {
        let octets = symbol.range.len() as u64;
        symbols.add_row([symbol.name.clone(), thousands(octets)]);
    }
    println!("{symbols}\n");
    println!(
        "Only for the emulated device, not counted: {} octets of flash, {} of RAM\n",
        thousands(flash(program, &EMULATION)),
        thousands(ram(program, &EMULATION_RAM))
    );
}

fn print_checks(checks: &[Check]) {
    let mut verdicts = table(["", "octets", "limit", ""], &[1, 2]);
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::NotMeasured => "NOT MEASURED",
        };
        verdicts.add_row([
            check.name.into(),
            check.octets.map_or("?".into(), thousands),
            thousands(check.limit),
            verdict.into(),
        ]);
    }
    println!("{verdicts}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::Section;

    #[test]
    fn a_limit_is_the_last_that_passes() {
        let verdict = |octets| Check::new("flash", Some(octets), 96).verdict;
        assert_eq!(verdict(96 << 10), Verdict::Pass);
        assert_eq!(verdict((96 << 10) + 1), Verdict::Fail);
    }

    #[test]
    fn regions_are_measured_apart() {
        let section = |name: &str, range| Section {
            name: name.into(),
            range,
            in_file: false,
        };
        let program = Program {
            sections: vec![
                section(".bss", 0x8000_0000..0x8000_1000),
                section(".uninit", 0x8000_1800..0x8000_2000),
                section(".stack", 0x8000_2000..0x8002_0000),
                section(".emulation.bss", 0x8010_0000..0x8010_0400),
            ],
            symbols: Vec::new(),
            loads: vec![
                0x2000_0000..0x2000_5000,
                0x2000_5000..0x2000_5004,
                0x200f_e000..0x200f_e020,
                0x2010_0000..0x2010_0100,
            ],
        };
        assert_eq!(static_ram(&program), 0x2000);
        assert_eq!(ram(&program, &EMULATION_RAM), 0x400);
        assert_eq!(flash(&program, &FLASH), 0x5024);
        assert_eq!(flash(&program, &EMULATION), 0x100);
    }
}
