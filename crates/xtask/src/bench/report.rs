//! Everything that was measured, as text and as figures for the history.

use super::cases::Wire;
use super::counts::{Cost, Hashed, Path};
use super::goals::Goal;
use super::plot;
use super::rom::{Build, Built};
use super::run::Row;
use super::tables;
use std::collections::BTreeMap;

/// What was measured.
#[derive(Default)]
pub struct Report {
    /// On the shared wire.
    pub rows: Vec<Row>,
    /// Instructions.
    pub costs: Vec<Cost>,
    /// Instructions of SHA-256 alone.
    pub hashes: Vec<Hashed>,
    /// Through the recovery registers.
    pub paths: Vec<Path>,
    /// Against what was to be reached.
    pub goals: Vec<Goal>,
    /// The ROMs that were measured.
    pub builds: BTreeMap<Build, Built>,
    /// What ran, and what could not.
    pub remarks: Vec<String>,
}

impl Report {
    /// Whether each boot of the ROM fetched what it was to. A peer that hangs is a result.
    pub fn is_good(&self) -> bool {
        let own = self.rows.iter().filter(|row| row.case.client.is_rom());
        let own = own.flat_map(|row| &row.failures);
        own.chain(self.costs.iter().flat_map(|cost| &cost.failures))
            .chain(self.paths.iter().flat_map(|path| &path.failures))
            .next()
            .is_none()
    }

    /// Tables and remarks, in Markdown.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if !self.rows.is_empty() {
            parts.push(tables::rates(&self.rows));
            parts.push(
                "By the wire: from the first request to the last acknowledgment; HTTP and HTTPS on a warm connection. Round trip: from\n\
                 the ACK that lets the server go on to the first octet that needed it, at the client's end; where no window was\n\
                 ever full, from the request to the first octet.\n\
                 Window/RTT: one window for each such round trip; window/delay: for twice the link's delay, as if servers took\n\
                 no time. Spread: the fastest run to the slowest."
                    .into(),
            );
            parts.push(tables::starts(&self.rows));
            parts.push(
                "Without delay. From power-on, which is the start of QEMU; a clock of its own starts with the first\n\
                 instruction. The handshake: from the ClientHello to the request."
                    .into(),
            );
        }
        if !self.costs.is_empty() {
            parts.push(tables::costs(&self.costs));
            let about = "RISC-V instructions per octet into RAM, without waiting; before the body: instructions in all.";
            parts.push(about.into());
        }
        if !self.hashes.is_empty() {
            parts.push(tables::hashes(&self.hashes));
            let about = "RISC-V instructions per octet of SHA-256 alone, in each form: that of the ROM, and that of the feature `fast-sha256`.";
            parts.push(about.into());
        }
        if !self.paths.is_empty() {
            parts.push(tables::paths(&self.paths));
            parts.push(
                "From the image server without delay. Each word into the recovery registers is a trap into the emulated\n\
                 device; without the emulation: as if those instructions took no time."
                    .into(),
            );
        }
        if !self.builds.is_empty() {
            parts.push(tables::footprints(&self.builds));
            let about = "Octets, of ROMs that measure: they have code for that beside a ROM's own.";
            parts.push(about.into());
        }
        parts.push(tables::goals(&self.goals));
        let lines: Vec<_> = self
            .remarks
            .iter()
            .cloned()
            .chain(self.failures())
            .collect();
        parts.push(lines.iter().map(|line| format!("- {line}\n")).collect());
        parts.join("\n\n")
    }

    fn failures(&self) -> impl Iterator<Item = String> {
        let rows = self.rows.iter();
        let rows = rows.map(|row| (row.case.name(), &row.failures));
        let costs = self.costs.iter();
        let costs = costs.map(|cost| (cost.carrier.name(), &cost.failures));
        let paths = self.paths.iter();
        let paths = paths.map(|path| (path.carrier.name(), &path.failures));
        rows.chain(costs).chain(paths).flat_map(|(name, failures)| {
            let failures = failures.iter();
            failures.map(move |failure| format!("FAILED: {name}: {failure}"))
        })
    }

    /// Case, unit and figure of what goes into the history.
    pub fn figures(&self) -> Vec<(String, &'static str, f64)> {
        let mut figures = Vec::new();
        for row in &self.rows {
            figures.extend(row.rate.map(|rate| (row.case.name(), plot::RATE, rate)));
        }
        for row in self.rows.iter().filter(|row| row.case.wire == Wire::Clean) {
            let name = format!("{} / lease", row.case.name());
            figures.extend(row.lease_us.map(|us| (name, "us", us)));
            let name = format!("{} / handshake", row.case.name());
            figures.extend(row.handshake_us.map(|us| (name, "us", us)));
        }
        for cost in &self.costs {
            let name = |what: &str| format!("ROM / {} / {what}", cost.carrier.name());
            let both = cost.hashed.zip(cost.plain);
            for (what, figure) in [
                ("without hash", cost.plain),
                ("SHA-256", both.map(|(hashed, plain)| hashed - plain)),
            ] {
                figures.extend(figure.map(|figure| (name(what), "instructions/octet", figure)));
            }
            let open = cost.open;
            figures.extend(open.map(|open| (name("before the body"), "instructions", open)));
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::Carrier;
    use super::*;

    fn report(failures: Vec<String>) -> Report {
        Report {
            costs: vec![Cost {
                carrier: Carrier::Https,
                plain: Some(30.0),
                hashed: Some(70.5),
                open: Some(1e7),
                failures,
            }],
            remarks: vec!["QEMU".into()],
            ..Report::default()
        }
    }

    #[test]
    fn figures_have_names_and_units() {
        let figures = report(Vec::new()).figures();
        let expected = [
            (
                "ROM / HTTPS / without hash".to_owned(),
                "instructions/octet",
                30.0,
            ),
            (
                "ROM / HTTPS / SHA-256".to_owned(),
                "instructions/octet",
                40.5,
            ),
            (
                "ROM / HTTPS / before the body".to_owned(),
                "instructions",
                1e7,
            ),
        ];
        assert_eq!(figures, expected);
    }

    #[test]
    fn a_failure_is_told_and_spoils_the_report() {
        assert!(report(Vec::new()).is_good());
        let bad = report(vec!["no such file".into()]);
        assert!(!bad.is_good());
        let text = bad.text();
        assert!(
            text.contains("- QEMU\n- FAILED: HTTPS: no such file\n"),
            "{text}"
        );
        assert!(text.contains("| HTTPS ") && text.contains("40.5"), "{text}");
    }
}
