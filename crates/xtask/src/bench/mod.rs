//! `cargo xtask bench`: how fast, and for how many instructions, beside other boot firmware on the same wire.
//!
//! | module | what |
//! |---|---|
//! | [`cases`] | who fetches, by what, over which wire |
//! | [`world`] | the wire and the servers that all share |
//! | [`meter`], [`window`] | a fetch timed by what is on the wire |
//! | [`rom`], [`peers`] | the clients |
//! | [`anchor`] | what iPXE trusts |
//! | [`mod@run`], [`stats`] | runs and their medians |
//! | [`counts`] | instructions; the way through the recovery registers |
//! | [`goals`], [`tables`] | what came out, and against what |
//! | [`report`] | all of it |
//! | [`history`], [`plot`] | the record in the tree |

mod anchor;
mod cases;
mod counts;
mod goals;
mod history;
mod meter;
mod peers;
mod plot;
mod report;
mod rom;
mod run;
mod stats;
mod tables;
mod told;
mod window;
mod world;

use crate::setup;
use anyhow::{Context, Result, ensure};
use cases::{Case, Client, Scope};
use clap::Args;
use counts::Cost;
use peers::{Ipxe, UBoot};
use report::Report;
use rom::RomClient;
use run::{Measurement, Runner};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};
use test_pki::Pki;
use testbed::qemu;
use testbed::rom::{target_directory, workspace};
use world::World;

/// Options of `cargo xtask bench`.
#[derive(Args)]
pub struct BenchArgs {
    /// Boots of each case; medians are taken over them
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// One boot of a few cases
    #[arg(long, conflicts_with = "runs")]
    quick: bool,
    /// Each carrier over each wire: an hour with five runs
    #[arg(long, conflicts_with = "quick")]
    all: bool,
    /// Cases whose name has this in it only, such as "ROM", "HTTP", "10 ms"; no instructions then. Given again, cases with
    /// either
    #[arg(long, value_name = "WORDS")]
    only: Vec<String>,
    /// Instructions and the way through the recovery registers alone; needs no root. With --only the instructions of
    /// carriers with these words in their names, such as "HTTPS"
    #[arg(long, conflicts_with_all = ["record"])]
    instructions: bool,
    /// The ROM alone
    #[arg(long)]
    no_peers: bool,
    /// Congestion control of the servers' TCP, such as "reno"; the machine's own without
    #[arg(long, value_name = "NAME")]
    congestion: Option<String>,
    /// Give a boot up after this time
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// Append the figures to docs/src/bench-history.csv, write docs/src/bench-tables.md and docs/src/bench.svg anew
    #[arg(long, conflicts_with_all = ["quick", "only"])]
    record: bool,
    /// Draw docs/src/bench.svg from the history, and measure nothing
    #[arg(long)]
    plot: bool,
}

impl BenchArgs {
    fn scope(&self) -> Scope {
        match (self.quick, self.all) {
            (true, _) => Scope::Quick,
            (_, true) => Scope::All,
            _ => Scope::Usual,
        }
    }

    /// Boots of each case.
    fn rounds(&self) -> usize {
        match self.quick {
            true => 1,
            false => self.runs.max(1),
        }
    }

    /// # Errors
    /// Words of `--only` that no case has in its name, in one line.
    fn check(&self) -> Result<()> {
        let names: Vec<String> = match self.instructions {
            true => counts::carriers(self.quick)
                .iter()
                .map(|carrier| carrier.name())
                .chain([HASH.into()])
                .collect(),
            false => Client::ALL
                .into_iter()
                .filter(|client| client.is_rom() || !self.no_peers)
                .flat_map(|client| cases::cases(client, self.scope()))
                .map(|case| case.name())
                .collect(),
        };
        for words in &self.only {
            ensure!(
                names.iter().any(|name| name.contains(words.as_str())),
                "--only {words:?}: no case of this scope has that in its name; one is {:?}",
                names.first().map_or("", String::as_str)
            );
        }
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|words| name.contains(words.as_str()))
    }
}

/// The name of what has no carrier.
const HASH: &str = "SHA-256 alone";

/// The tables of the latest record, for the book.
const TABLES: &str = "docs/src/bench-tables.md";

/// Seed of the certification authority.
const PKI_SEED: u64 = 1;

/// Measures; whether each boot of the ROM fetched what it was to.
pub fn run(arguments: &BenchArgs) -> Result<bool> {
    if arguments.plot {
        return draw_history().map(|()| true);
    }
    arguments.check()?;
    setup::rust_target()?;
    setup::qemu()?;
    let pki = Pki::new(PKI_SEED);
    let mut rom = RomClient::new(&pki)?;
    let mut report = Report {
        remarks: vec![qemu::version()?],
        ..Report::default()
    };
    match world::obstacle() {
        _ if arguments.instructions => {}
        Some(obstacle) => report.remarks.push(format!("no rates: {obstacle}")),
        None => rates(arguments, &pki, &mut rom, &mut report)?,
    }
    if arguments.only.is_empty() || arguments.instructions {
        instructions(arguments, &pki, &mut rom, &mut report);
    }
    report.goals = goals::goals(&report.rows, &report.costs, &report.hashes);
    report.builds = rom.builds().clone();
    println!("\n{}", report.text());
    write(&report)?;
    if arguments.record {
        let stamp = history::append(&report.figures())?;
        let path = workspace().join(TABLES);
        fs::write(&path, format!("{stamp}\n\n{}", report.text()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        draw_history()?;
    }
    Ok(report.is_good())
}

/// About what one boot takes, its wire, servers and emulator included.
const SECONDS_PER_BOOT: Duration = Duration::from_secs(4);

/// A time as one says it.
fn described_time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=90 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

/// What is said before the first round: `boots` in all, in `rounds`.
fn forecast(boots: usize, rounds: usize) -> String {
    let time = SECONDS_PER_BOOT.saturating_mul(u32::try_from(boots).unwrap_or(u32::MAX));
    let plural = if rounds == 1 { "" } else { "s" };
    format!(
        "{boots} boots in {rounds} round{plural}: roughly {}",
        described_time(time)
    )
}

/// What is said when `done` of `rounds` are over, which took `elapsed`: the others take as long as these did. `done` is at least 1.
fn round_over(done: u64, rounds: u64, elapsed: Duration) -> String {
    let left = rounds.saturating_sub(done) as f64;
    let rest = elapsed.mul_f64(left / done.max(1) as f64);
    format!("{done} of {rounds} rounds; {} to go", described_time(rest))
}

/// Runs on the shared wire.
fn rates(arguments: &BenchArgs, pki: &Pki, rom: &mut RomClient, report: &mut Report) -> Result<()> {
    let world = World::new(pki, arguments.congestion.as_deref())?;
    let runs = arguments.rounds();
    let wanted = |case: &Case| arguments.wants(&case.name());
    let patience = Duration::from_secs(arguments.timeout);
    let mut remarks = vec![format!(
        "congestion control of nginx's TCP: {}",
        world.congestion
    )];
    let mut clients: Vec<(Client, Box<dyn Runner + '_>)> = Vec::new();
    let ours = [Client::Rom, Client::RomHashing];
    // Built before anything is timed.
    for case in ours
        .iter()
        .flat_map(|client| cases::cases(*client, arguments.scope()))
        .filter(wanted)
    {
        rom.build(case.carrier)?;
    }
    clients.extend(ours.map(|client| (client, Box::new(rom.clone()) as Box<dyn Runner>)));
    if arguments.no_peers {
        remarks.push("no peers, as asked".into());
    } else {
        match UBoot::find() {
            Ok(uboot) => {
                let version = uboot.0.version.clone();
                remarks.extend(version.map(|version| format!("{version}, riscv64")));
                remarks.push("U-Boot, HTTP: not in Debian's build for riscv64".into());
                clients.push((Client::UBoot, Box::new(uboot)));
            }
            Err(error) => remarks.push(format!("U-Boot: {error:#}")),
        }
        match Ipxe::find() {
            Ok(ipxe) => {
                let version = ipxe.0.version.clone();
                remarks.extend(version.map(|version| format!("{version}, x86")));
                remarks.push(
                    "iPXE, HTTPS: TLS 1.2, RSA, AES-128-GCM; what it trusts is exchanged in its memory"
                        .into(),
                );
                clients.push((Client::Ipxe, Box::new(ipxe)));
            }
            Err(error) => remarks.push(format!("iPXE: {error:#}")),
        }
    }
    let mut measurements: Vec<Vec<Measurement>> = clients
        .iter()
        .map(|(client, _)| {
            let cases = cases::cases(*client, arguments.scope()).into_iter();
            cases.filter(wanted).map(Measurement::new).collect()
        })
        .collect();
    let boots: usize = measurements.iter().map(|cases| cases.len() * runs).sum();
    println!("{}", forecast(boots, runs));
    let begun = Instant::now();
    // One boot of each, and again: what moves the machine's speed moves all of them.
    for seed in 1..=runs as u64 {
        for ((_, runner), cases) in clients.iter_mut().zip(&mut measurements) {
            for measurement in cases {
                measurement.boot(runner.as_mut(), &world, seed, patience);
            }
        }
        println!("{}", round_over(seed, runs as u64, begun.elapsed()));
    }
    for measurement in measurements.into_iter().flatten() {
        let case = measurement.case;
        let row = measurement.row();
        println!("{}: {}", case.name(), tables::outcome(&row));
        report.rows.push(row);
    }
    report.remarks.extend(remarks);
    Ok(())
}

/// Boots with `-icount`, and those through the recovery registers.
fn instructions(arguments: &BenchArgs, pki: &Pki, rom: &mut RomClient, report: &mut Report) {
    // Counting takes an emulator several times as long.
    let patience = Duration::from_secs(arguments.timeout.saturating_mul(4));
    let wanted = |carrier: &cases::Carrier| arguments.wants(&carrier.name());
    for carrier in counts::carriers(arguments.quick).into_iter().filter(wanted) {
        let cost = counts::cost(rom, pki, carrier, patience);
        println!("{}, instructions: {}", carrier.name(), described(&cost));
        report.costs.push(cost);
    }
    if arguments.wants(HASH) {
        match counts::hashes() {
            Ok(hashes) => report.hashes = hashes,
            Err(error) => report.remarks.push(format!("FAILED: {HASH}: {error:#}")),
        }
    }
    if !arguments.only.is_empty() {
        return;
    }
    let runs = arguments.rounds();
    let tftp = cases::Carrier::Tftp { windowsize: 16 };
    let http = cases::Carrier::Http {
        buffer_kib: testbed::sizes::TCP as u32 >> 10,
        connections: 1,
    };
    for carrier in [tftp, http] {
        println!("{}, through the recovery registers", carrier.name());
        let path = counts::path(rom, pki, carrier, runs, patience);
        report.paths.push(path);
    }
}

fn described(cost: &Cost) -> String {
    match (cost.plain, cost.failures.first()) {
        (Some(plain), _) => format!("{plain:.1} per octet without hash"),
        (None, Some(failure)) => format!("failed: {failure}"),
        (None, None) => "none".into(),
    }
}

fn draw_history() -> Result<()> {
    let path = workspace().join("docs/src/bench.svg");
    fs::write(&path, plot::svg(&history::read()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("Drawn: {}", path.display());
    Ok(())
}

fn write(report: &Report) -> Result<()> {
    let directory = target_directory().join("bench");
    let path = directory.join("bench.json");
    let json = json!({
        "remarks": report.remarks,
        "cases": report.rows,
        "costs": report.costs,
        "hashes": report.hashes,
        "paths": report.paths,
        "goals": report.goals,
    });
    let text = serde_json::to_string_pretty(&json)?;
    fs::create_dir_all(&directory)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    println!("Written to {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        bench: BenchArgs,
    }

    #[test]
    fn a_time_is_said_in_seconds_or_minutes() {
        let told =
            [0, 90, 91, 149, 150, 3600].map(|seconds| described_time(Duration::from_secs(seconds)));
        assert_eq!(told, ["0 s", "90 s", "2 min", "2 min", "3 min", "60 min"]);
    }

    #[test]
    fn the_boots_and_then_the_rounds_tell_how_long_it_takes() {
        assert_eq!(forecast(15, 3), "15 boots in 3 rounds: roughly 60 s");
        assert_eq!(forecast(90, 1), "90 boots in 1 round: roughly 6 min");
        let over = |done| round_over(done, 4, Duration::from_secs(60 * done));
        assert_eq!(over(1), "1 of 4 rounds; 3 min to go");
        assert_eq!(over(3), "3 of 4 rounds; 60 s to go");
        assert_eq!(over(4), "4 of 4 rounds; 0 s to go");
    }

    #[test]
    fn words_that_no_case_has_are_refused() {
        let check = |options: &[&str]| {
            let all = ["bench"].iter().chain(options);
            Cli::try_parse_from(all).unwrap().bench.check()
        };
        for good in [
            &["--only=ROM"][..],
            &["--only=iPXE"],
            &["--only=HTTP", "--quick"],
            &["--only=HTTPS", "--instructions"],
            &["--only=SHA-256", "--instructions"],
            &[],
        ] {
            check(good).unwrap();
        }
        for bad in [
            &["--only=GOPHER"][..],
            &["--only=ROM", "--only=GOPHER"],
            &["--only=iPXE", "--no-peers"],
            &["--only=iPXE", "--instructions"],
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.starts_with("--only \""), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
