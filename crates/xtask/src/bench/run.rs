//! One case, run again and again: what came of each run, and their medians.

use super::cases::Case;
use super::stats;
use super::world::{Plugged, Seen, World};
use anyhow::Result;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Runs of a case that may end in nothing before it is given up.
const STUCK: usize = 2;

/// What one boot came to.
#[derive(Clone, Debug, Default)]
pub struct Boot {
    /// What the wire showed.
    pub seen: Seen,
    /// What the ROM said of itself; nothing from others.
    pub told: Option<super::told::Told>,
    /// Why it did not fetch all that it was to.
    pub failure: Option<String>,
}

/// A client that boots, and fetches.
pub trait Runner {
    /// Boots and fetches `case.octets()` for `case.fetches()` times, by `deadline`.
    ///
    /// # Errors
    /// When it cannot be run at all. A fetch that does not end is no error.
    fn boot(&mut self, world: &World, case: &Case, seed: u64, deadline: Instant) -> Result<Boot>;
}

/// Medians of a case.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which.
    pub case: Case,
    /// What answered.
    pub server: &'static str,
    /// Octets of the file.
    pub octets: u64,
    /// Octets per second of the last fetch of each boot, on the wire.
    pub rate: Option<f64>,
    /// Of each run, to see how far they lie apart.
    pub rates: Vec<f64>,
    /// Octets per second that the window lets through if nothing but the link's delay takes time.
    pub limit: Option<f64>,
    /// Round trip as it was on the wire, µs: the link's delay, and what the server takes to go on.
    pub trip_us: Option<f64>,
    /// µs from power-on to the lease.
    pub lease_us: Option<f64>,
    /// µs from power-on to the first octet.
    pub first_us: Option<f64>,
    /// µs from the ClientHello to the request, both as the client sends them.
    pub handshake_us: Option<f64>,
    /// The same by the ROM's own clock, which starts with its first instruction.
    pub own_lease_us: Option<f64>,
    /// See above.
    pub own_first_us: Option<f64>,
    /// Frames that the client sent for each that it got.
    pub sent_per_received: Option<f64>,
    /// Why runs have no figure.
    pub failures: Vec<String>,
}

impl Row {
    /// Octets per second that the window lets through with the round trip as it was.
    pub fn window_limit(&self) -> Option<f64> {
        let (window, micros) = (self.case.carrier.window()?, self.trip_us?);
        stats::per_second(window, micros as u64)
    }
}

/// A case and what came of its boots so far.
pub struct Measurement {
    /// Which.
    pub case: Case,
    boots: Vec<Boot>,
    failures: Vec<String>,
}

impl Measurement {
    /// Nothing yet.
    pub fn new(case: Case) -> Self {
        Self {
            case,
            boots: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// One more boot, with at most `patience`; none when it failed too often.
    pub fn boot(&mut self, runner: &mut dyn Runner, world: &World, seed: u64, patience: Duration) {
        if self.failures.len() >= STUCK {
            return;
        }
        let deadline = Instant::now() + patience;
        match runner.boot(world, &self.case, seed, deadline) {
            Ok(boot) => {
                self.failures.extend(boot.failure.clone());
                self.boots.push(boot);
            }
            Err(error) => self.failures.push(format!("{error:#}")),
        }
    }

    /// Medians.
    pub fn row(self) -> Row {
        row(&self.case, &self.boots, self.failures)
    }
}

fn row(case: &Case, boots: &[Boot], failures: Vec<String>) -> Row {
    let good = |boot: &&Boot| boot.failure.is_none();
    let of = |figure: &dyn Fn(&Boot) -> Option<f64>| -> Vec<f64> {
        boots.iter().filter(good).filter_map(figure).collect()
    };
    let rates = of(&|boot| boot.seen.fetches.last()?.rate());
    let micros = |span: netboot_core::Duration| span.as_micros() as f64;
    // A median over runs that failed and runs that did not would be about neither.
    let rate = match failures.is_empty() {
        true => stats::median(&rates),
        false => None,
    };
    Row {
        case: *case,
        server: case.carrier.server(),
        octets: case.octets(),
        rate,
        limit: case.limit(),
        trip_us: stats::median(&of(&|boot| boot.seen.fetches.last()?.trip.map(micros))),
        lease_us: stats::median(&of(&|boot| boot.seen.leased.map(micros))),
        first_us: stats::median(&of(&|boot| boot.seen.first.map(micros))),
        handshake_us: stats::median(&of(&|boot| {
            boot.seen.fetches.first()?.handshake().map(micros)
        })),
        own_lease_us: stats::median(&of(&|boot| Some(boot.told.as_ref()?.lease_us? as f64))),
        own_first_us: stats::median(&of(&|boot| Some(boot.told.as_ref()?.first_us? as f64))),
        sent_per_received: stats::median(&of(&|boot| {
            let (sent, received) = boot.seen.frames;
            (received > 0).then(|| sent as f64 / received as f64)
        })),
        rates,
        failures,
    }
}

/// Why a boot that was to make `wanted` fetches made fewer; `None` when it made them.
pub fn shortfall(seen: &Seen, wanted: usize, over: bool) -> Option<String> {
    if seen.fetches.len() >= wanted {
        return None;
    }
    let how = if over { "gave up" } else { "hangs" };
    Some(match (seen.unfinished, seen.leased) {
        (Some(octets), _) => format!("{how} at octet {octets}"),
        (None, Some(_)) => format!("{how} before fetch {}", seen.fetches.len() + 1),
        (None, None) => format!("{how} without a lease"),
    })
}

/// Waits until `count` fetches are over, `over` says that the client is, or `deadline` passes.
pub fn wait_fetches(
    wire: &Plugged,
    count: usize,
    deadline: Instant,
    mut over: impl FnMut(Duration) -> Result<bool>,
) -> Result<bool> {
    const LOOK: Duration = Duration::from_millis(10);
    loop {
        if wire.fetched() >= count {
            return Ok(false);
        }
        if over(LOOK)? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::{Carrier, Client, Wire};
    use super::super::meter::Fetch;
    use super::*;
    use netboot_core::Instant as At;

    const CASE: Case = Case {
        client: Client::UBoot,
        carrier: Carrier::Tftp { windowsize: 16 },
        wire: Wire::Clean,
    };

    fn boot(micros: u64) -> Boot {
        let fetch = Fetch {
            began: At::from_micros(5),
            requested: At::from_micros(10),
            first: At::from_micros(11),
            ended: At::from_micros(10 + micros),
            octets: 1_000,
            trip: Some(netboot_core::Duration::from_micros(7)),
        };
        Boot {
            seen: Seen {
                fetches: vec![fetch],
                frames: (10, 100),
                ..Seen::default()
            },
            ..Boot::default()
        }
    }

    #[test]
    fn a_row_has_medians() {
        let boots = [boot(1_000), boot(500), boot(2_000)];
        let row = row(&CASE, &boots, Vec::new());
        assert_eq!(row.rate, Some(1e6));
        assert_eq!(row.rates, [1e6, 2e6, 5e5]);
        assert_eq!(row.sent_per_received, Some(0.1));
        assert_eq!(row.trip_us, Some(7.0));
        assert_eq!(row.window_limit().unwrap().round(), 3_355_428_571.0);
        assert_eq!((row.lease_us, row.limit), (None, None));
        assert_eq!(row.handshake_us, Some(5.0));
    }

    #[test]
    fn a_run_that_failed_leaves_no_median() {
        let failed = Boot {
            failure: Some("hangs".into()),
            ..boot(1)
        };
        let row = row(&CASE, &[boot(1_000), failed], vec!["hangs".into()]);
        assert_eq!(row.rate, None);
        assert_eq!(row.rates, [1e6]);
    }

    #[test]
    fn what_did_not_end_is_named() {
        let mut seen = Seen::default();
        assert_eq!(shortfall(&seen, 1, false).unwrap(), "hangs without a lease");
        seen.leased = Some(netboot_core::Duration::from_millis(1));
        assert_eq!(shortfall(&seen, 1, true).unwrap(), "gave up before fetch 1");
        seen.unfinished = Some(77);
        assert_eq!(shortfall(&seen, 1, false).unwrap(), "hangs at octet 77");
        assert_eq!(shortfall(&boot(1).seen, 1, false), None);
    }
}
