//! What is to be reached, and whether it is.

use super::cases::{Carrier, Client, Wire};
use super::counts::{Cost, Hashed};
use super::run::Row;
use serde::Serialize;

/// A goal and the figure that stands against it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// In words.
    pub name: String,
    /// What was measured; `None` when it was not.
    pub figure: Option<f64>,
    /// What it is to be.
    pub wanted: f64,
    /// Whether more is better.
    pub at_least: bool,
}

impl Goal {
    fn at_least(name: impl Into<String>, figure: Option<f64>, wanted: f64) -> Self {
        Self {
            name: name.into(),
            figure,
            wanted,
            at_least: true,
        }
    }

    fn at_most(name: impl Into<String>, figure: Option<f64>, wanted: f64) -> Self {
        Self {
            at_least: false,
            ..Self::at_least(name, figure, wanted)
        }
    }

    /// `None` when it was not measured.
    pub fn is_reached(&self) -> Option<bool> {
        let figure = self.figure?;
        Some(match self.at_least {
            true => figure >= self.wanted,
            false => figure <= self.wanted,
        })
    }

    /// In one word or two.
    pub fn verdict(&self) -> &'static str {
        match self.is_reached() {
            Some(true) => "reached",
            Some(false) => "NOT REACHED",
            None => "not measured",
        }
    }
}

const fn tftp(windowsize: u16) -> Carrier {
    Carrier::Tftp { windowsize }
}

const fn http(buffer_kib: u32, connections: u8) -> Carrier {
    Carrier::Http {
        buffer_kib,
        connections,
    }
}

const fn ubp(window: u16) -> Carrier {
    Carrier::Ubp { window }
}

/// The figures of this run, against all goals.
pub fn goals(rows: &[Row], costs: &[Cost], hashes: &[Hashed]) -> Vec<Goal> {
    let row = |client, carrier, wire| {
        let wanted = (client, carrier, wire);
        let mut rows = rows.iter();
        rows.find(|row| (row.case.client, row.case.carrier, row.case.wire) == wanted)
    };
    let rate = |client, carrier, wire| row(client, carrier, wire).and_then(|row| row.rate);
    let rom = |carrier, wire| rate(Client::Rom, carrier, wire);
    let mut goals = vec![
        Goal::at_least(
            "0 ms: TFTP, windowsize 16, times U-Boot's",
            ratio(
                rom(tftp(16), Wire::Clean),
                rate(Client::UBoot, tftp(16), Wire::Clean),
            ),
            1.0,
        ),
        Goal::at_least(
            "0 ms: HTTP, 64 KiB, times iPXE's warm HTTP",
            ratio(
                rom(http(64, 1), Wire::Clean),
                rate(Client::Ipxe, http(0, 1), Wire::Clean),
            ),
            1.0,
        ),
        Goal::at_most(
            "power-on to lease, ms",
            row(Client::Rom, tftp(16), Wire::Clean)
                .and_then(|row| row.own_lease_us)
                .map(|us| us / 1e3),
            50.0,
        ),
    ];
    for wire in [Wire::Near, Wire::Far] {
        for carrier in [tftp(16), tftp(64), http(16, 1), http(64, 1)] {
            let row = row(Client::Rom, carrier, wire);
            goals.push(Goal::at_least(
                format!("{}: {}, % of window/RTT", wire.name(), carrier.name()),
                row.and_then(|row| ratio(row.rate, row.window_limit()))
                    .map(|share| share * 100.0),
                90.0,
            ));
        }
    }
    goals.push(Goal::at_least(
        "10 ms: HTTP, 4 x 64 KiB, times one connection",
        ratio(rom(http(64, 4), Wire::Far), rom(http(64, 1), Wire::Far)),
        3.0,
    ));
    for (carrier, wanted) in [(tftp(16), 60.0), (http(64, 1), 50.0)] {
        goals.push(Goal::at_least(
            format!(
                "1 ms, 1 % loss: {}, % of its own without loss",
                carrier.name()
            ),
            ratio(rom(carrier, Wire::NearLossy), rom(carrier, Wire::Near))
                .map(|share| share * 100.0),
            wanted,
        ));
    }
    goals.push(Goal::at_least(
        "0 ms: UBP, window 30, times TFTP, windowsize 16, with SHA-256",
        ratio(
            rom(ubp(30), Wire::Clean),
            rate(Client::RomHashing, tftp(16), Wire::Clean),
        ),
        1.5,
    ));
    goals.push(Goal::at_least(
        "0 ms: UBP, window 30, times U-Boot's TFTP",
        ratio(
            rom(ubp(30), Wire::Clean),
            rate(Client::UBoot, tftp(16), Wire::Clean),
        ),
        1.0,
    ));
    for wire in [Wire::Near, Wire::Far] {
        for window in [14, 62] {
            let row = row(Client::Rom, ubp(window), wire);
            goals.push(Goal::at_least(
                format!("{}: UBP, window {window}, % of window/RTT", wire.name()),
                row.and_then(|row| ratio(row.rate, row.window_limit()))
                    .map(|share| share * 100.0),
                95.0,
            ));
        }
    }
    for (lossy, clean) in [(Wire::Lossy, Wire::Clean), (Wire::NearLossy, Wire::Near)] {
        goals.push(Goal::at_least(
            format!(
                "{}: UBP, window 62, % of its own without loss",
                lossy.name()
            ),
            ratio(rom(ubp(62), lossy), rom(ubp(62), clean)).map(|share| share * 100.0),
            90.0,
        ));
    }
    let own = rows.iter().filter(|row| row.case.client.is_rom());
    let hangs = own.clone().map(|row| row.failures.len()).sum::<usize>();
    goals.push(Goal::at_most(
        "boots of the ROM that did not fetch",
        own.clone().next().map(|_| hangs as f64),
        0.0,
    ));
    goals.push(Goal::at_least(
        "0 ms: HTTPS, times iPXE's",
        ratio(
            rom(Carrier::Https, Wire::Clean),
            rate(Client::Ipxe, Carrier::Https, Wire::Clean),
        ),
        1.0,
    ));
    let cost = costs.iter().find(|cost| cost.carrier == tftp(16));
    goals.push(Goal::at_most(
        "TFTP, windowsize 16, instructions per octet without hash",
        cost.and_then(|cost| cost.plain),
        12.0,
    ));
    goals.push(Goal::at_most(
        "SHA-256, instructions per octet",
        cost.and_then(|cost| Some(cost.hashed? - cost.plain?)),
        40.0,
    ));
    let worst = hashes.iter().map(|hash| hash.fast).reduce(f64::max);
    goals.push(Goal::at_most(
        "SHA-256 compiled for speed, instructions per octet at the most",
        worst,
        65.0,
    ));
    goals
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    let (one, other) = one.zip(other)?;
    (other > 0.0).then(|| one / other)
}

#[cfg(test)]
mod tests {
    use super::super::cases::Case;
    use super::*;

    fn row(client: Client, carrier: Carrier, wire: Wire, rate: Option<f64>) -> Row {
        let case = Case {
            client,
            carrier,
            wire,
        };
        Row {
            case,
            server: "",
            octets: 1,
            rate,
            rates: Vec::new(),
            limit: case.limit(),
            trip_us: Some(2_000.0),
            lease_us: None,
            first_us: None,
            handshake_us: None,
            own_lease_us: None,
            own_first_us: None,
            sent_per_received: None,
            failures: Vec::new(),
        }
    }

    fn verdict(goals: &[Goal], words: &str) -> &'static str {
        let goal = goals.iter().find(|goal| goal.name.contains(words));
        goal.expect(words).verdict()
    }

    #[test]
    fn figures_are_held_against_their_goals() {
        let rows = [
            row(Client::Rom, tftp(16), Wire::Clean, Some(2e6)),
            row(Client::UBoot, tftp(16), Wire::Clean, Some(1e6)),
            row(Client::Rom, tftp(16), Wire::Near, Some(10_569_600.0)),
            row(Client::Rom, tftp(16), Wire::NearLossy, Some(6e6)),
            row(Client::Rom, http(64, 1), Wire::Clean, None),
        ];
        let costs = [Cost {
            carrier: tftp(16),
            plain: Some(12.5),
            hashed: Some(50.0),
            open: None,
            failures: Vec::new(),
        }];
        let hashes = [58.0, 65.5].map(|fast| Hashed {
            what: "blocks".into(),
            small: 90.0,
            fast,
        });
        let goals = goals(&rows, &costs, &hashes);
        assert_eq!(verdict(&goals, "times U-Boot's"), "reached");
        assert_eq!(verdict(&goals, "iPXE's warm"), "not measured");
        assert_eq!(verdict(&goals, "1 ms: TFTP, windowsize 16, %"), "reached");
        assert_eq!(verdict(&goals, "loss: TFTP"), "NOT REACHED");
        assert_eq!(verdict(&goals, "without hash"), "NOT REACHED");
        assert_eq!(verdict(&goals, "SHA-256, instr"), "reached");
        assert_eq!(verdict(&goals, "SHA-256 compiled"), "NOT REACHED");
        assert_eq!(verdict(&goals, "did not fetch"), "reached");
    }

    #[test]
    fn what_was_not_run_is_not_reached() {
        let goals = goals(&[], &[], &[]);
        assert!(goals.iter().all(|goal| goal.verdict() == "not measured"));
    }
}
