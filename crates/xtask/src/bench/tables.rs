//! The tables that are printed.

use super::counts::{Cost, Hashed, Path};
use super::goals::Goal;
use super::rom::{Build, Built};
use super::run::Row;
use crate::format::{rate, table, thousands, time};
use std::collections::BTreeMap;

fn dash() -> String {
    "-".into()
}

fn percent(figure: Option<f64>, of: Option<f64>) -> String {
    let both = figure.zip(of).filter(|(_, of)| *of > 0.0);
    both.map_or_else(dash, |(figure, of)| format!("{:.0}", figure * 100.0 / of))
}

fn decimal(figure: Option<f64>) -> String {
    figure.map_or_else(dash, |figure| format!("{figure:.1}"))
}

/// What is shown for a case in place of a rate.
pub fn outcome(row: &Row) -> String {
    match (row.rate, row.failures.first()) {
        (Some(figure), _) => rate(figure),
        (None, Some(failure)) => {
            let word = failure.split(" at ").next().unwrap_or(failure);
            let word = word.split(" (").next().unwrap_or(word);
            let all = row.rates.len() + row.failures.len();
            format!("{word} ({} of {all})", row.failures.len())
        }
        (None, None) => dash(),
    }
}

/// Seconds for the file.
fn seconds(row: &Row) -> String {
    let seconds = row.rate.map(|rate| row.octets as f64 / rate);
    seconds.map_or_else(dash, |seconds| format!("{seconds:.3}"))
}

/// Rates, case by case.
pub fn rates(rows: &[Row]) -> String {
    let header = [
        "client",
        "carrier",
        "server",
        "link",
        "KiB",
        "seconds",
        "rate",
        "round trip",
        "window/RTT",
        "% of it",
        "% of window/delay",
        "spread",
    ];
    let mut table = table(header, &[4, 5, 6, 7, 8, 9, 10, 11]);
    for row in rows {
        let least = row.rates.iter().copied().reduce(f64::min);
        let most = row.rates.iter().copied().reduce(f64::max);
        let spread = least.zip(most).filter(|(least, _)| *least > 0.0);
        table.add_row([
            row.case.client.name().to_string(),
            row.case.carrier.name(),
            row.server.into(),
            row.case.wire.name().into(),
            thousands(row.octets >> 10),
            seconds(row),
            outcome(row),
            row.trip_us.map_or_else(dash, |us| time(us as u64)),
            row.window_limit().map_or_else(dash, rate),
            percent(row.rate, row.window_limit()),
            percent(row.rate, row.limit),
            spread.map_or_else(dash, |(least, most)| format!("{:.2}", most / least)),
        ]);
    }
    table.to_string()
}

/// From power-on: for the cases without delay or loss.
pub fn starts(rows: &[Row]) -> String {
    let header = [
        "client",
        "carrier",
        "lease",
        "first octet",
        "TLS handshake",
        "lease, own clock",
        "first octet, own clock",
        "frames sent per received",
    ];
    let mut table = table(header, &[2, 3, 4, 5, 6, 7]);
    let micros = |figure: Option<f64>| figure.map_or_else(dash, |us| time(us as u64));
    let clean = |row: &&Row| row.case.wire == super::cases::Wire::Clean;
    for row in rows.iter().filter(clean) {
        let ratio = row.sent_per_received;
        table.add_row([
            row.case.client.name().to_string(),
            row.case.carrier.name(),
            micros(row.lease_us),
            micros(row.first_us),
            micros(row.handshake_us),
            micros(row.own_lease_us),
            micros(row.own_first_us),
            ratio.map_or_else(dash, |ratio| format!("{ratio:.3}")),
        ]);
    }
    table.to_string()
}

/// Instructions.
pub fn costs(costs: &[Cost]) -> String {
    let header = [
        "carrier",
        "without hash",
        "with SHA-256",
        "SHA-256",
        "before the body",
    ];
    let mut table = table(header, &[1, 2, 3, 4]);
    for cost in costs {
        let both = cost.hashed.zip(cost.plain);
        table.add_row([
            cost.carrier.name(),
            decimal(cost.plain),
            decimal(cost.hashed),
            decimal(both.map(|(hashed, plain)| hashed - plain)),
            cost.open.map_or_else(dash, |open| thousands(open as u64)),
        ]);
    }
    table.to_string()
}

/// SHA-256 alone.
pub fn hashes(hashes: &[Hashed]) -> String {
    let header = ["what is hashed", "small form", "compiled for speed"];
    let mut table = table(header, &[1, 2]);
    for hash in hashes {
        let figures = [hash.small, hash.fast].map(|figure| decimal(Some(figure)));
        let [small, fast] = figures;
        table.add_row([hash.what.clone(), small, fast]);
    }
    table.to_string()
}

/// Into RAM and through the recovery registers.
pub fn paths(paths: &[Path]) -> String {
    let header = [
        "carrier",
        "RAM",
        "registers",
        "without the emulation",
        "instructions per octet",
        "emulation's",
    ];
    let mut table = table(header, &[1, 2, 3, 4, 5]);
    for path in paths {
        table.add_row([
            path.carrier.name(),
            path.ram_rate.map_or_else(dash, rate),
            path.register_rate.map_or_else(dash, rate),
            path.without_emulation.map_or_else(dash, rate),
            decimal(path.register_cost),
            decimal(path.emulated_cost),
        ]);
    }
    table.to_string()
}

/// What the measured ROMs take.
pub fn footprints(builds: &BTreeMap<Build, Built>) -> String {
    let header = [
        "TCP buffer, KiB",
        "receive ring",
        "HTTPS",
        "flash",
        "static RAM",
    ];
    let mut table = table(header, &[0, 1, 3, 4]);
    for (build, built) in builds {
        let (flash, ram) = built.footprint;
        table.add_row([
            build.tcp_kib.to_string(),
            build.rx_ring.to_string(),
            if build.https { "yes" } else { "no" }.into(),
            thousands(flash),
            thousands(ram),
        ]);
    }
    table.to_string()
}

/// What was to be reached.
pub fn goals(goals: &[Goal]) -> String {
    let mut table = table(["goal", "measured", "wanted", ""], &[1, 2]);
    for goal in goals {
        let figure = |figure: f64| format!("{figure:.2}");
        let sign = if goal.at_least { "at least" } else { "at most" };
        table.add_row([
            goal.name.clone(),
            goal.figure.map_or_else(dash, figure),
            format!("{sign} {}", goal.wanted),
            goal.verdict().into(),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Carrier, Case, Client, Wire};
    use super::*;

    fn row() -> Row {
        Row {
            case: Case {
                client: Client::UBoot,
                carrier: Carrier::Tftp { windowsize: 64 },
                wire: Wire::Clean,
            },
            server: "image server",
            octets: 1 << 20,
            rate: None,
            rates: vec![1e6],
            limit: None,
            trip_us: None,
            lease_us: Some(31_000.0),
            first_us: None,
            handshake_us: Some(74_000.0),
            own_lease_us: None,
            own_first_us: None,
            sent_per_received: Some(0.0625),
            failures: vec![
                "hangs at octet 93952 (no prompt)".into(),
                "hangs at octet 1".into(),
            ],
        }
    }

    #[test]
    fn a_case_without_a_figure_says_why() {
        assert_eq!(outcome(&row()), "hangs (2 of 3)");
        let text = rates(&[row()]);
        assert!(
            text.contains("| hangs (2 of 3) |") && text.contains("| image server |"),
            "{text}"
        );
        let fast = Row {
            rate: Some(2_097_152.0),
            limit: Some(4_194_304.0),
            trip_us: Some(2_500.0),
            rates: vec![1e6, 3e6],
            failures: Vec::new(),
            ..row()
        };
        let text = rates(&[fast]);
        for cell in [" 0.500 |", " 50 |", " 3.00 |", "2.10 MB/s"] {
            assert!(text.contains(cell), "{cell} in {text}");
        }
    }

    #[test]
    fn starts_are_those_of_the_clean_wire() {
        let mut far = row();
        far.case.wire = Wire::Far;
        let text = starts(&[row(), far]);
        assert!(
            text.contains("31.0 ms") && text.contains("74.0 ms") && text.contains("0.062"),
            "{text}"
        );
        assert_eq!(text.matches("U-Boot").count(), 1);
    }
}
