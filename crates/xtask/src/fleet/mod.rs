//! `cargo xtask fleet`: many boards that boot at once from one server, by the UDP boot protocol with and without a group.
//!
//! | module | what |
//! |---|---|
//! | [`board`] | a board: the shipped client |
//! | [`world`] | the server, the switch and all boards, in virtual time |
//! | [`picture`] | boards and octets over time |

mod board;
mod picture;
mod world;

use crate::format::{table, thousands};
use anyhow::{Context, Result, ensure};
use clap::Args;
use netboot_core::{Duration, Instant};
use std::fs;
use testbed::rom::workspace;
use world::{File, Fleet, Outcome, Way};

/// Greatest number of boards: what the addresses of the simulated network are enough for.
const MOST_BOARDS: usize = 1_000_000;

/// Options of `cargo xtask fleet`.
#[derive(Args)]
pub struct FleetArgs {
    /// Number of boards
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    boards: usize,
    /// Datagrams that each board loses, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    loss: f64,
    /// Octets of the image, in KiB
    #[arg(long, value_name = "KIB", default_value_t = 1024)]
    image: usize,
    /// Boards are switched on within this time
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    spread: u64,
    /// Of everything that is left to chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write docs/src/fleet.svg and docs/src/fleet-tables.md anew
    #[arg(long)]
    record: bool,
}

impl FleetArgs {
    fn fleet(&self) -> Result<Fleet> {
        ensure!(
            (1..=MOST_BOARDS).contains(&self.boards),
            "--boards: 1 to {MOST_BOARDS}"
        );
        ensure!(
            (0.0..=50.0).contains(&self.loss),
            "--loss: 0 to 50, in percent"
        );
        // The boards have memory for two levels of the tree.
        ensure!(
            (1..=1024).contains(&self.image),
            "--image: 1 to 1024, in KiB"
        );
        ensure!(self.spread <= 60_000, "--spread: up to 60000, in ms");
        Ok(Fleet {
            boards: self.boards,
            loss: (self.loss * 10_000.0).round() as u32,
            size: self.image << 10,
            // A gigabit in a second, a tenth of it for the group, and a tenth for boards that ask.
            line: 125_000_000,
            group: 11_000_000,
            repair: 12_500_000,
            spread: Duration::from_millis(self.spread),
            seed: self.seed,
        })
    }
}

/// What a way of booting came to.
pub struct Row {
    name: &'static str,
    /// Octets that the server sent, in images.
    images: f64,
    /// The group's part of it.
    group: f64,
    /// When the median board and the last one had the image.
    median: Instant,
    last: Instant,
    /// The time from the first block of the group to the last board, in turns.
    turns: Option<f64>,
    outcome: Outcome,
}

/// Simulates each way, two at a time, and prints what came of it.
///
/// # Errors
/// When an option is out of range, or a file cannot be written.
pub fn run(arguments: &FleetArgs) -> Result<bool> {
    let fleet = arguments.fleet()?;
    println!(
        "{} boards, {} KiB, {} % of all datagrams lost by each, switched on within {} ms: a few minutes",
        thousands(fleet.boards as u64),
        arguments.image,
        arguments.loss,
        arguments.spread
    );
    let rows = rows(&fleet);
    let text = shown(&rows);
    println!("{text}");
    println!(
        "computed: by HTTP from a server that fills its line, {} images and {:.0} s",
        thousands(fleet.boards as u64),
        by_http(&fleet)
    );
    println!("{}", verdict(&rows));
    if arguments.record {
        let docs = workspace().join("docs/src");
        let write = |name: &str, text: String| {
            let path = docs.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("fleet.svg", picture::svg(&rows))?;
        write("fleet-tables.md", format!("{text}\n\n{}\n", verdict(&rows)))?;
    }
    Ok(true)
}

/// Images that a server with a group and PARITY messages may send, and turns after which the last board has the image: the aims.
const AIMS: (f64, f64) = (1.2, 3.0);

/// What the group with PARITY messages came to, beside the aims.
fn verdict(rows: &[Row]) -> String {
    let row = rows.iter().find(|row| row.name == PARITY);
    let (images, turns) = row.map_or((0.0, 0.0), |row| (row.images, row.turns.unwrap_or(0.0)));
    let word = match images <= AIMS.0 && turns <= AIMS.1 {
        true => "reached",
        false => "NOT REACHED",
    };
    format!(
        "{PARITY}: {images:.2} images and {turns:.2} turns; the aim is {} and {}: {word}",
        AIMS.0, AIMS.1
    )
}

const PARITY: &str = "group, PARITY";

/// Each way of booting, two at a time.
fn rows(fleet: &Fleet) -> Vec<Row> {
    let ways = [
        (PARITY, Way::Group { parity: true }),
        ("group", Way::Group { parity: false }),
        ("each by itself", Way::Single),
    ];
    let mut rows = Vec::new();
    for pair in ways.chunks(2) {
        let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
            let threads = pair
                .iter()
                .map(|(_, way)| scope.spawn(|| world::run(fleet, *way)));
            let threads: Vec<_> = threads.collect();
            let ends = threads.into_iter().map(|thread| thread.join());
            ends.map(|end| end.expect("a fleet that ends")).collect()
        });
        for ((name, _), outcome) in pair.iter().zip(outcomes) {
            rows.push(row(fleet, name, outcome));
        }
    }
    rows
}

fn row(fleet: &Fleet, name: &'static str, outcome: Outcome) -> Row {
    let blocks = File::new(fleet.size, None).served.blocks().len() as f64;
    let images = |count: u64| count as f64 / blocks;
    let last = outcome.done.last().copied().unwrap_or(Instant::ZERO);
    let turn = blocks * 1032.0 / f64::from(fleet.group);
    let turns = outcome
        .turn_began
        .map(|began| last.since(began).as_micros() as f64 / 1e6 / turn);
    Row {
        name,
        images: images(outcome.to_group + outcome.to_boards),
        group: images(outcome.to_group),
        median: outcome.done[outcome.done.len() / 2],
        last,
        turns,
        outcome,
    }
}

/// Seconds that a server takes to send the image to each board over TCP, if it does nothing but fill its line: 1,448 of 1,538 octets are the file's.
fn by_http(fleet: &Fleet) -> f64 {
    let octets = fleet.boards as f64 * fleet.size as f64 * 1538.0 / 1448.0;
    octets / f64::from(fleet.line)
}

fn shown(rows: &[Row]) -> String {
    let head = [
        "",
        "images sent",
        "to the group",
        "median board, s",
        "last board, s",
        "turns",
        "BUSY",
        "blocks from PARITY",
    ];
    let seconds = |at: Instant| format!("{:.2}", at.as_micros() as f64 / 1e6);
    let mut table = table(head, &[1, 2, 3, 4, 5, 6, 7]);
    for row in rows {
        table.add_row([
            row.name.to_owned(),
            format!("{:.2}", row.images),
            format!("{:.2}", row.group),
            seconds(row.median),
            seconds(row.last),
            row.turns.map_or("-".into(), |turns| format!("{turns:.2}")),
            thousands(row.outcome.busy),
            thousands(row.outcome.recovered),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(boards: usize, loss: u32) -> Fleet {
        Fleet {
            boards,
            loss,
            size: 100 << 10,
            line: 125_000_000,
            group: 11_000_000,
            repair: 12_500_000,
            spread: Duration::from_millis(2),
            seed: 3,
        }
    }

    #[test]
    fn a_seed_gives_the_same_fleet_again() {
        let fleet = fleet(40, 10_000);
        let way = Way::Group { parity: true };
        assert_eq!(world::run(&fleet, way), world::run(&fleet, way));
    }

    /// Without loss the group's turn is all that is sent, for any number of boards.
    #[test]
    fn a_turn_serves_all_boards() {
        for parity in [false, true] {
            let fleet = fleet(100, 0);
            let outcome = world::run(&fleet, Way::Group { parity });
            assert_eq!((outcome.done.len(), outcome.to_boards), (100, 0));
            let blocks = File::new(fleet.size, None).served.blocks().len() as u64;
            let sums = u64::from(parity) * blocks.div_ceil(16);
            // The last sum is sent when all boards are done.
            assert!((blocks..=blocks + sums).contains(&outcome.to_group));
        }
    }

    #[test]
    fn what_is_lost_comes_from_parity_or_alone() {
        let fleet = fleet(100, 5_000);
        let [with, without] = [true, false].map(|parity| world::run(&fleet, Way::Group { parity }));
        assert!(with.recovered > 0 && with.to_boards * 2 < without.to_boards);
        let alone = world::run(&fleet, Way::Single);
        let blocks = File::new(fleet.size, None).served.blocks().len() as u64;
        assert!(alone.to_boards > 100 * blocks && alone.to_group == 0);
        assert_eq!(alone.done.len(), 100);
    }
}
