//! What the ROM says of a measured fetch.

use anyhow::{Context, Result};
use serde::Serialize;

/// What the ROM says of its fetches: the lines `@bench`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// µs from the first instruction to the lease.
    pub lease_us: Option<u64>,
    /// µs from the first instruction to the first octet in the sink.
    pub first_us: Option<u64>,
    /// Each fetch.
    pub done: Vec<Done>,
    /// The line that said why it failed.
    pub failed: Option<String>,
}

/// A fetch as the ROM saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Octets in the sink.
    pub octets: u64,
    /// Duration of `imgexec`, µs.
    pub us: u64,
    /// Instructions of `imgexec`, where instructions are counted.
    pub instret: u64,
    /// Of these, instructions spent in rounds in which nothing had come.
    pub waited: u64,
    /// Instructions of `imgfetch` and `imgload`: name, connection, handshake, request.
    pub open_instret: Option<u64>,
    /// SHA-256 in hexadecimal, where it was computed.
    pub sha256: Option<String>,
}

impl Told {
    /// Reads a console.
    pub fn read<'l>(lines: impl IntoIterator<Item = &'l str>) -> Self {
        let mut told = Self::default();
        for line in lines {
            let line = line.trim_end();
            let Some(rest) = line.strip_prefix("@bench ") else {
                let end = ["@stop ", "@start ", "@settings "];
                if end.iter().any(|start| line.starts_with(start)) {
                    told.failed.get_or_insert(line.into());
                }
                continue;
            };
            let value = |key: &str| {
                let mut words = rest.split(' ').filter_map(|word| word.split_once('='));
                words.find(|(name, _)| *name == key).map(|(_, value)| value)
            };
            let number = |key: &str| value(key).and_then(|value| value.parse().ok());
            if rest.starts_with("failed") {
                told.failed = Some(line.into());
            } else if rest.starts_with("done") {
                told.done.push(Done {
                    octets: number("octets").unwrap_or_default(),
                    us: number("us").unwrap_or_default(),
                    instret: number("instret").unwrap_or_default(),
                    waited: number("waited_instret").unwrap_or_default(),
                    open_instret: number("open_instret"),
                    sha256: value("sha256").filter(|word| *word != "-").map(Into::into),
                });
            }
            told.lease_us = told.lease_us.or(number("lease_us"));
            told.first_us = told.first_us.or(number("first_us"));
        }
        told
    }

    /// Why these are not `fetches` fetches of `octets` octets with this SHA-256, where one was computed.
    pub fn shortfall(&self, fetches: usize, octets: u64, sha256: &str) -> Option<String> {
        if let Some(failed) = &self.failed {
            return Some(failed.clone());
        }
        let wrong = self.done.iter().any(|done| {
            let digest = done.sha256.as_deref();
            done.octets != octets || digest.is_some_and(|digest| digest != sha256)
        });
        if wrong {
            return Some("the ROM has other octets than the server".into());
        }
        let count = self.done.len();
        (count < fetches).then(|| format!("the ROM told of {count} fetches of {fetches}"))
    }
}

/// The single fetch of a console.
pub fn only(told: &Told) -> Result<&Done> {
    if let Some(failed) = &told.failed {
        anyhow::bail!("{failed}");
    }
    told.done.first().context("the ROM told of no fetch")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONSOLE: &str = "mcu-rom\r\n@net up\n@bench lease_us=31000\n@bench first_us=33000\n\
        @bench done octets=100 us=5000 total_us=39000 open_instret=77 instret=1234 waited_instret=34 sha256=ab\n\
        @bench done octets=100 us=4000 total_us=49000 instret=1000 sha256=-\n";

    #[test]
    fn the_lines_of_a_measurement_are_read() {
        let told = Told::read(CONSOLE.lines());
        assert_eq!((told.lease_us, told.first_us), (Some(31_000), Some(33_000)));
        assert_eq!(told.done[0].open_instret, Some(77));
        assert_eq!(told.done[1].instret, 1_000);
        assert_eq!(told.done[0].waited, 34);
        assert_eq!(told.done[1].sha256, None);
        assert_eq!(told.shortfall(2, 100, "ab"), None);
        assert!(told.shortfall(3, 100, "ab").unwrap().contains("2 fetches"));
        for (octets, digest) in [(101, "ab"), (100, "cd")] {
            assert!(told.shortfall(2, octets, digest).unwrap().contains("other"));
        }
        assert_eq!(only(&told).unwrap().us, 5_000);
    }

    #[test]
    fn what_the_rom_complains_of_is_kept() {
        for line in [
            "@bench failed code=0x30004",
            "@stop t=1 code=0x50005",
            "@settings boot bad line 3",
        ] {
            let told = Told::read([line]);
            assert_eq!(told.shortfall(1, 1, ""), Some(line.into()));
            assert!(only(&told).is_err());
        }
    }
}
