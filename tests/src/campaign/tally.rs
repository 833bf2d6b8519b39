//! What many boots came to.

use super::fault::KINDS;
use super::oracle::End;
use std::collections::BTreeMap;
use std::fmt;
use testbed::plan::Family;

/// The rows of the table of addresses.
const FAMILIES: [(Family, &str); 3] = [
    (Family::Ipv4, "IPv4"),
    (Family::Ipv6, "IPv6"),
    (Family::Both, "both"),
];

/// The sum of many boots.
#[derive(Default)]
pub struct Tally {
    boots: u64,
    /// By error number; 0 for boots that ended well.
    ends: BTreeMap<u32, u64>,
    /// For each kind: boots that had it, and those of them that ended well.
    kinds: [(u64, u64); KINDS.len()],
    /// The same for each row of [`FAMILIES`].
    families: [(u64, u64); FAMILIES.len()],
    repairs: u64,
    /// Longest boot and sum of all, in ms of virtual time.
    longest: u64,
    total: u64,
}

impl Tally {
    /// Counts a boot.
    pub fn add(&mut self, end: &End) {
        self.boots += 1;
        *self.ends.entry(end.code).or_default() += 1;
        for (sum, count) in self.kinds.iter_mut().zip(end.kinds) {
            if count > 0 {
                sum.0 += 1;
                sum.1 += u64::from(end.code == 0);
            }
        }
        for (sum, (family, _)) in self.families.iter_mut().zip(FAMILIES) {
            if end.family == family {
                sum.0 += 1;
                sum.1 += u64::from(end.code == 0);
            }
        }
        self.repairs += u64::from(end.repairs);
        let took = end.took.as_millis();
        self.longest = self.longest.max(took);
        self.total += took;
    }

    /// Number of boots.
    pub fn boots(&self) -> u64 {
        self.boots
    }

    /// Number of boots that ended well.
    pub fn booted(&self) -> u64 {
        self.ends.get(&0).copied().unwrap_or(0)
    }
}

impl fmt::Display for Tally {
    /// Tables in Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} boots: {} ended well, {} with a named error; {} resumptions and further attempts; {} h of virtual time, the longest boot {} s\n",
            self.boots,
            self.booted(),
            self.boots - self.booted(),
            self.repairs,
            self.total / 3_600_000,
            self.longest / 1_000
        )?;
        writeln!(f, "| addresses | boots | of them ended well |")?;
        writeln!(f, "|---|---|---|")?;
        for ((_, family), (boots, well)) in FAMILIES.iter().zip(self.families) {
            writeln!(f, "| {family} | {boots} | {well} |")?;
        }
        writeln!(
            f,
            "\n| boots with this fault, others beside it | boots | of them ended well |"
        )?;
        writeln!(f, "|---|---|---|")?;
        for (kind, (boots, well)) in KINDS.iter().zip(self.kinds) {
            writeln!(f, "| {kind} | {boots} | {well} |")?;
        }
        writeln!(f, "\n| error | boots |\n|---|---|")?;
        let mut ends: Vec<_> = self.ends.iter().filter(|(code, _)| **code != 0).collect();
        ends.sort_by_key(|(code, count)| (u64::MAX - **count, **code));
        for (code, count) in ends {
            writeln!(f, "| `{code:#010x}` | {count} |")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_core::Duration;

    #[test]
    fn each_family_has_its_boots() {
        let mut tally = Tally::default();
        for (family, code) in [
            (Family::Ipv4, 0),
            (Family::Ipv6, 7),
            (Family::Ipv6, 0),
            (Family::Both, 7),
            (Family::Ipv6, 0),
        ] {
            tally.add(&End {
                code,
                took: Duration::from_secs(1),
                repairs: 0,
                kinds: [0; KINDS.len()],
                family,
            });
        }
        let told = tally.to_string();
        let rows: Vec<_> = told
            .lines()
            .skip_while(|line| !line.contains("addresses"))
            .skip(2)
            .take_while(|line| !line.is_empty())
            .collect();
        assert_eq!(
            rows,
            ["| IPv4 | 1 | 1 |", "| IPv6 | 3 | 2 |", "| both | 1 | 0 |"]
        );
        assert_eq!((tally.boots(), tally.booted()), (5, 3));
    }
}
