//! Instructions: the same on any machine. Boots from the image server with `-icount`, in which `minstret` counts.
//!
//! The ROM polls while it waits, and how often is the host's matter, so rounds in which nothing had come are taken out
//! (`qemu/src/clock.rs`). A small and a large image are fetched, so that what they have in common cancels out. Into RAM nothing but the
//! network and the hash is counted; through the recovery registers the emulated device is counted apart, as each word
//! is a trap into it, where hardware takes one store.

use super::cases::Carrier;
use super::rom::{MEMORY_MIB, RomClient, settings};
use super::stats;
use super::told::{Done, Told, only};
use crate::building;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::time::Duration;
use test_pki::Pki;
use testbed::hash_count::{self, Form};
use testbed::https::Https;
use testbed::plan::{FIRMWARE_SIZES, SERVER, firmware};
use testbed::qemu::{self, QemuOptions};
use testbed::rom::RomOptions;
use testbed::{Image, Plan, Protocol};

/// Octets of the image of which nothing but the difference to [`MORE`] counts.
const LESS: usize = 1 << 20;
/// Octets of the other.
const MORE: usize = 5 << 20;
/// Octets fetched to take the time.
const TIMED: usize = 16 << 20;

/// What an octet costs on its way into RAM.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// What carries it.
    pub carrier: Carrier,
    /// Instructions per octet without SHA-256.
    pub plain: Option<f64>,
    /// Instructions per octet with it.
    pub hashed: Option<f64>,
    /// Instructions before the first octet of the body: connection, handshake, request.
    pub open: Option<f64>,
    /// Why figures are missing.
    pub failures: Vec<String>,
}

/// The way into RAM beside the way through the recovery registers, from the image server without delay.
#[derive(Clone, Debug, Serialize)]
pub struct Path {
    /// What carries it.
    pub carrier: Carrier,
    /// Octets per second into RAM.
    pub ram_rate: Option<f64>,
    /// Octets per second through the registers, traps and all.
    pub register_rate: Option<f64>,
    /// Instructions of the ROM per octet through the registers, without the emulated device's.
    pub register_cost: Option<f64>,
    /// Those of the emulated device.
    pub emulated_cost: Option<f64>,
    /// Octets per second through the registers if the emulated device cost no time.
    pub without_emulation: Option<f64>,
    /// Why figures are missing.
    pub failures: Vec<String>,
}

/// Instructions of SHA-256 alone, for each octet (`crates/testing/hash-count`).
#[derive(Clone, Debug, Serialize)]
pub struct Hashed {
    /// A stream in pieces of so many octets, or the blocks of a packed file.
    pub what: String,
    /// In the small form.
    pub small: f64,
    /// In the form that is compiled for speed.
    pub fast: f64,
}

/// Counts both forms.
///
/// # Errors
/// When the program cannot be built or run.
pub fn hashes() -> Result<Vec<Hashed>> {
    let small = hash_count::measure(Form::Small)?;
    let fast = hash_count::measure(Form::Fast)?;
    let pairs = small.into_iter().zip(fast);
    Ok(pairs
        .map(|(small, fast)| Hashed {
            small: small.per_octet(),
            fast: fast.per_octet(),
            what: fast.what,
        })
        .collect())
}

/// The carriers whose instructions are counted.
pub fn carriers(quick: bool) -> Vec<Carrier> {
    let tftp = |windowsize| Carrier::Tftp { windowsize };
    let http = |buffer_kib| Carrier::Http {
        buffer_kib,
        connections: 1,
    };
    match quick {
        true => vec![tftp(16), http(64)],
        false => vec![
            tftp(1),
            tftp(16),
            tftp(64),
            http(16),
            http(64),
            Carrier::Https,
            Carrier::Ubp { window: 30 },
        ],
    }
}

fn protocol(carrier: Carrier) -> Protocol {
    match carrier {
        Carrier::Tftp { .. } => Protocol::Tftp,
        Carrier::Http { .. } => Protocol::Http,
        Carrier::Https => Protocol::Https,
        Carrier::Ubp { .. } => Protocol::Ubp,
    }
}

/// Keeps a figure, or says why there is none.
fn keep<T>(result: Result<T>, failures: &mut Vec<String>) -> Option<T> {
    match result {
        Ok(figure) => Some(figure),
        Err(error) => {
            failures.push(format!("{error:#}"));
            None
        }
    }
}

/// Instructions per octet of `carrier` into RAM.
pub fn cost(rom: &mut RomClient, pki: &Pki, carrier: Carrier, patience: Duration) -> Cost {
    let mut failures = Vec::new();
    let mut count = |hash| {
        let less = fetch(rom, pki, carrier, LESS, hash, Some(0), patience);
        let less = keep(less.context("counting"), &mut failures)?;
        let more = fetch(rom, pki, carrier, MORE, hash, Some(0), patience);
        let more = keep(more.context("counting"), &mut failures)?;
        let (less, more) = (only(&less).ok()?.clone(), only(&more).ok()?.clone());
        let busy = |done: &Done| done.instret.saturating_sub(done.waited);
        let instructions = busy(&more).saturating_sub(busy(&less));
        Some((
            instructions as f64 / (MORE - LESS) as f64,
            less.open_instret,
        ))
    };
    let plain = count(false);
    let hashed = count(true);
    let open = plain.and_then(|(_, open)| open).map(|open| open as f64);
    Cost {
        carrier,
        plain: plain.map(|(cost, _)| cost),
        hashed: hashed.map(|(cost, _)| cost),
        open,
        failures,
    }
}

/// A boot that fetches `octets` into RAM from the image server.
fn fetch(
    rom: &mut RomClient,
    pki: &Pki,
    carrier: Carrier,
    octets: usize,
    hash: bool,
    icount: Option<u8>,
    patience: Duration,
) -> Result<Told> {
    let built = rom.build(carrier)?;
    let protocol = protocol(carrier);
    let image = Image::pseudo_random("image.bin", octets, 1);
    let uri = format!("{}://{SERVER}/image.bin", protocol.scheme());
    let digest = image.sha256().to_string();
    let plan = Plan {
        protocol,
        images: vec![image],
        settings: settings(carrier, &uri, 1, hash)?,
        https: (carrier == Carrier::Https).then(|| Https::new(*pki)),
        ..Plan::default()
    };
    let options = QemuOptions {
        icount,
        memory_mib: MEMORY_MIB,
        timeout: patience,
        ..QemuOptions::new(&built.rom.image)
    };
    let outcome = qemu::boot(&plan, &options, &mut |_| {})?;
    let told = Told::read(outcome.lines.iter().map(String::as_str));
    if let Some(failure) = told.shortfall(1, octets as u64, &digest) {
        anyhow::bail!(failure);
    }
    Ok(told)
}

/// Both ways of `carrier`'s octets.
pub fn path(
    rom: &mut RomClient,
    pki: &Pki,
    carrier: Carrier,
    runs: usize,
    patience: Duration,
) -> Path {
    let mut failures = Vec::new();
    let mut ram = Vec::new();
    let mut registers = Vec::new();
    for _ in 0..runs {
        let told = fetch(rom, pki, carrier, TIMED, true, None, patience);
        let rate = told.and_then(|told| {
            let done = only(&told)?;
            stats::per_second(done.octets, done.us).context("no time")
        });
        ram.extend(keep(rate.context("into RAM"), &mut failures));
        let rate = recover(carrier, TIMED, None, patience).and_then(|boot| {
            let (octets, micros) = boot.transfer;
            stats::per_second(octets, micros).context("no time")
        });
        registers.extend(keep(rate.context("through the registers"), &mut failures));
    }
    let less = recover(carrier, LESS, Some(0), patience).context("counting");
    let less = keep(less, &mut failures);
    let more = recover(carrier, MORE, Some(0), patience).context("counting");
    let more = keep(more, &mut failures);
    let counts = less.zip(more).map(|(less, more)| {
        let octets = (MORE - LESS) as f64;
        let own = more.own.saturating_sub(less.own) as f64;
        let emulated = more.emulated.saturating_sub(less.emulated) as f64;
        (own / octets, emulated / octets)
    });
    let register_rate = stats::median(&registers);
    Path {
        carrier,
        ram_rate: stats::median(&ram),
        register_rate,
        register_cost: counts.map(|(own, _)| own),
        emulated_cost: counts.map(|(_, emulated)| emulated),
        without_emulation: register_rate
            .zip(counts)
            .map(|(rate, (own, emulated))| without(rate, own, emulated)),
        failures,
    }
}

/// `rate` if the share of `emulated` among the instructions took no time.
fn without(rate: f64, own: f64, emulated: f64) -> f64 {
    match own > 0.0 {
        true => rate * (own + emulated) / own,
        false => rate,
    }
}

/// What a boot through the recovery registers came to.
struct Recovered {
    /// Octets and µs of image 0.
    transfer: (u64, u64),
    /// Instructions of the ROM.
    own: u64,
    /// Instructions of the emulated device.
    emulated: u64,
}

/// A boot of the ROM as it is flashed, with an image 0 of `octets`.
fn recover(
    carrier: Carrier,
    octets: usize,
    icount: Option<u8>,
    patience: Duration,
) -> Result<Recovered> {
    let windowsize = match carrier {
        Carrier::Tftp { windowsize } => format!("windowsize {windowsize}\n"),
        _ => String::new(),
    };
    let [_, manifest, runtime] = FIRMWARE_SIZES;
    let plan = Plan {
        protocol: protocol(carrier),
        images: firmware(&[octets, manifest, runtime]),
        device: "rate 0\n".into(),
        settings: format!("settle_ms 300\nprobe off\n{windowsize}"),
        expect: true,
        ..Plan::default()
    };
    let built = building::rom(&RomOptions::default(), "the ROM")?;
    let options = QemuOptions {
        icount,
        timeout: patience,
        ..QemuOptions::new(&built.image)
    };
    let outcome = qemu::boot(&plan, &options, &mut |_| {})?;
    if let Some(cause) = outcome.parsed.cause() {
        anyhow::bail!(cause);
    }
    let image = outcome.parsed.images.first().context("no @image line")?;
    ensure!(image.transfer_us > 0, "the transfer took no time");
    let counts = outcome.parsed.instret.context("no @instret line")?;
    Ok(Recovered {
        transfer: (image.octets, image.transfer_us),
        own: counts.total.saturating_sub(counts.emulated),
        emulated: counts.emulated,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_emulation_takes_is_taken_out() {
        assert_eq!(without(1e6, 100.0, 300.0), 4e6);
        assert_eq!(without(1e6, 0.0, 300.0), 1e6);
    }

    #[test]
    fn failures_are_kept_beside_figures() {
        let mut failures = Vec::new();
        assert_eq!(keep(Ok(1), &mut failures), Some(1));
        assert_eq!(keep::<u8>(Err(anyhow::anyhow!("x")), &mut failures), None);
        assert_eq!(failures, ["x"]);
    }
}
