//! `cargo xtask bench`: how fast, and for how many instructions.
//!
//! Each case is a boot of the ROM under QEMU. Octets per second come from a run in real time,
//! instructions from two with `-icount`, in which `minstret` counts: one has a small image and one a
//! large one, so that what they have in common (DHCP, the other images, the time to settle) cancels out.
//! The ROM polls while it waits, so instructions are counted on a link without delay only, and waiting
//! for the host is among them.

use crate::format::{rate, table, thousands};
use crate::{link, setup};
use anyhow::{Context, Result};
use clap::Args;
use netboot_core::Duration;
use netsim::LinkConfig;
use serde::Serialize;
use serde_json::json;
use std::fs;
use std::path::Path;
use testbed::plan::{FIRMWARE_SIZES, firmware};
use testbed::qemu::{self, QemuOptions, QemuOutcome};
use testbed::rom::{self, RomOptions};
use testbed::{Plan, Protocol};

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub struct BenchArgs {
    /// RAM of the ROM program in KiB
    #[arg(long, value_name = "KIB", default_value_t = 128)]
    ram: u32,
    /// Give a boot up after this time
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,
}

/// Octets of image 0.
const SIZE: usize = 1 << 20;
/// Octets of a large image 0, on a link without delay only.
const LARGE: usize = 16 << 20;
/// Octets of a TFTP block, as the ROM asks for.
const BLKSIZE: u64 = 1468;
/// Octets of the ROM's TCP receive buffer.
const TCP_WINDOW: u64 = testbed::sizes::TCP as u64;
/// A link with loss has some delay, or loss would cost nothing.
const LOSSY_DELAY: Duration = Duration::from_millis(1);

/// What carries the image.
#[derive(Clone, Copy)]
struct Carrier {
    name: &'static str,
    protocol: Protocol,
    windowsize: Option<u64>,
}

const CARRIERS: [Carrier; 3] = [
    Carrier {
        name: "TFTP, window 1",
        protocol: Protocol::Tftp,
        windowsize: Some(1),
    },
    Carrier {
        name: "TFTP, window 16",
        protocol: Protocol::Tftp,
        windowsize: Some(16),
    },
    Carrier {
        name: "HTTP",
        protocol: Protocol::Http,
        windowsize: None,
    },
];

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    carrier: &'static str,
    link: String,
    octets: u64,
    /// Of the transfer of image 0.
    octets_per_s: Option<f64>,
    /// What one window for each round trip would give.
    limit: Option<f64>,
    /// Why there is no figure.
    error: Option<String>,
}

/// RISC-V instructions that an octet costs.
#[derive(Debug, Serialize)]
struct Cost {
    carrier: &'static str,
    /// Of the ROM, without those of the emulated device.
    instructions_per_octet: Option<f64>,
    /// Why there is no figure.
    error: Option<String>,
}

/// Measures; whether every boot ended well.
pub fn run(arguments: &BenchArgs) -> Result<bool> {
    setup::rust_target()?;
    setup::qemu()?;
    let version = qemu::version()?;
    let built = rom::build(&RomOptions {
        ram_kib: arguments.ram,
        ..RomOptions::default()
    })?;
    let options = QemuOptions {
        timeout: std::time::Duration::from_secs(arguments.timeout),
        ..QemuOptions::new(&built.image)
    };
    let mut rows = Vec::new();
    for carrier in CARRIERS {
        for (size, link) in cases() {
            let row = measure(carrier, size, link, &options);
            println!(
                "{}, {}, {} octets: {}",
                row.carrier,
                row.link,
                thousands(row.octets),
                row.octets_per_s.map_or("failed".into(), rate)
            );
            rows.push(row);
        }
    }
    let costs = CARRIERS.map(|carrier| cost(carrier, &options));
    println!("\n{}", draw(&rows));
    println!("Limit: one window for each round trip.\n");
    println!("{}", draw_costs(&costs));
    println!(
        "Of the ROM alone, without the emulated device; busy waiting for the host included.\n"
    );
    for row in rows.iter().filter(|row| row.error.is_some()) {
        let error = row.error.as_deref().unwrap_or_default();
        println!("FAILED: {}, {}: {error}", row.carrier, row.link);
    }
    let directory = rom::workspace().join("target/bench");
    write(&directory, &version, &rows, &costs)?;
    let errors = rows.iter().map(|row| &row.error);
    let mut errors = errors.chain(costs.iter().map(|cost| &cost.error));
    Ok(errors.all(Option::is_none))
}

fn cases() -> [(usize, LinkConfig); 5] {
    let delay = |millis| LinkConfig::with_delay(Duration::from_millis(millis));
    let lossy = LinkConfig {
        loss: 0.01,
        ..LinkConfig::with_delay(LOSSY_DELAY)
    };
    [
        (SIZE, LinkConfig::PERFECT),
        (LARGE, LinkConfig::PERFECT),
        (SIZE, delay(1)),
        (SIZE, delay(10)),
        (SIZE, lossy),
    ]
}

fn plan(carrier: Carrier, size: usize, link: LinkConfig) -> Plan {
    let windowsize = carrier.windowsize;
    let windowsize = windowsize.map_or(String::new(), |blocks| format!("windowsize {blocks}\n"));
    let [_, manifest, runtime] = FIRMWARE_SIZES;
    Plan {
        protocol: carrier.protocol,
        images: firmware(&[size, manifest, runtime]),
        link,
        device: "rate 0\n".into(),
        settings: format!("settle_ms 300\n{windowsize}"),
        expect: true,
        ..Plan::default()
    }
}

fn measure(carrier: Carrier, size: usize, link: LinkConfig, options: &QemuOptions) -> Row {
    let plan = plan(carrier, size, link);
    let speed = boot(&plan, options).and_then(|outcome| speed(&outcome));
    let (octets_per_s, error) = split(speed);
    Row {
        carrier: carrier.name,
        link: link::describe(&link),
        octets: size as u64,
        octets_per_s,
        limit: limit(carrier, &link),
        error,
    }
}

fn cost(carrier: Carrier, options: &QemuOptions) -> Cost {
    let counted = QemuOptions {
        icount: Some(0),
        ..options.clone()
    };
    let instructions = |size| {
        let plan = plan(carrier, size, LinkConfig::PERFECT);
        boot(&plan, &counted).and_then(|outcome| instructions(&outcome))
    };
    let both = instructions(SIZE).and_then(|small| Ok((small, instructions(LARGE)?)));
    let cost =
        both.map(|(small, large)| large.saturating_sub(small) as f64 / (LARGE - SIZE) as f64);
    let (instructions_per_octet, error) = split(cost);
    Cost {
        carrier: carrier.name,
        instructions_per_octet,
        error,
    }
}

/// A figure, or why there is none.
fn split(result: Result<f64>) -> (Option<f64>, Option<String>) {
    match result {
        Ok(figure) => (Some(figure), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    }
}

fn boot(plan: &Plan, options: &QemuOptions) -> Result<QemuOutcome> {
    let outcome = qemu::boot(plan, options, &mut |_| {})?;
    match outcome.parsed.cause() {
        None => Ok(outcome),
        Some(cause) => anyhow::bail!(cause),
    }
}

/// Octets per second of the transfer of image 0.
fn speed(outcome: &QemuOutcome) -> Result<f64> {
    let image = outcome.parsed.images.first().context("no @image line")?;
    anyhow::ensure!(image.transfer_us > 0, "the transfer took no time");
    Ok(image.octets as f64 * 1e6 / image.transfer_us as f64)
}

/// Instructions of the ROM, without those of the emulated device.
fn instructions(outcome: &QemuOutcome) -> Result<u64> {
    let counts = outcome.parsed.instret.context("no @instret line")?;
    Ok(counts.total.saturating_sub(counts.emulated))
}

/// Octets per second when each window waits for a round trip.
fn limit(carrier: Carrier, link: &LinkConfig) -> Option<f64> {
    let window = match carrier.windowsize {
        Some(blocks) => blocks * BLKSIZE,
        None => TCP_WINDOW,
    };
    let trip = 2 * link.delay.as_micros();
    (trip > 0).then(|| window as f64 * 1e6 / trip as f64)
}

fn draw(rows: &[Row]) -> String {
    let header = ["carrier", "link", "octets", "rate", "limit", "% of limit"];
    let mut table = table(header, &[2, 3, 4, 5]);
    let dash = || "-".to_string();
    for row in rows {
        let share = row.octets_per_s.zip(row.limit);
        let share = share.map(|(speed, limit)| format!("{:.0}", speed * 100.0 / limit));
        table.add_row([
            row.carrier.to_string(),
            row.link.clone(),
            thousands(row.octets),
            row.octets_per_s.map_or("failed".into(), rate),
            row.limit.map_or_else(dash, rate),
            share.unwrap_or_else(dash),
        ]);
    }
    table.to_string()
}

fn draw_costs(costs: &[Cost]) -> String {
    let mut table = table(["carrier", "instructions per octet"], &[1]);
    for cost in costs {
        let figure = cost.instructions_per_octet;
        let figure = figure.map(|figure| format!("{figure:.1}"));
        let failed = || cost.error.clone().unwrap_or_default();
        table.add_row([cost.carrier.to_string(), figure.unwrap_or_else(failed)]);
    }
    table.to_string()
}

fn write(directory: &Path, version: &str, rows: &[Row], costs: &[Cost]) -> Result<()> {
    let path = directory.join("bench.json");
    let json = json!({ "qemu": version, "cases": rows, "costs": costs });
    let text = serde_json::to_string_pretty(&json)?;
    fs::create_dir_all(directory)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("Written to {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_for_each_round_trip() {
        let link = LinkConfig::with_delay(Duration::from_millis(10));
        assert_eq!(limit(CARRIERS[0], &link), Some(73_400.0));
        assert_eq!(limit(CARRIERS[1], &link), Some(16.0 * 73_400.0));
        assert_eq!(limit(CARRIERS[2], &LinkConfig::PERFECT), None);
    }

    #[test]
    fn a_row_without_figures_says_so() {
        let row = Row {
            carrier: "HTTP",
            link: "perfect".into(),
            octets: 1,
            octets_per_s: None,
            limit: None,
            error: Some("x".into()),
        };
        assert!(draw(&[row]).contains("failed"));
    }
}
