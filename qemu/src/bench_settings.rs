//! Settings of a measurement: what is fetched in place of a boot.
//!
//! ```text
//! bench http://10.0.2.2/image.bin
//! bench_sink null
//! bench_repeat 3
//! ```

use heapless::String;
use netboot_core::uri::MAX_URI;

/// Where the octets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Into RAM, words where both sides allow.
    Ram,
    /// Each word is read once and dropped.
    Null,
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Bench {
    /// What is fetched; without it the ROM boots.
    pub uri: Option<String<MAX_URI>>,
    /// Where it goes.
    pub sink: Sink,
    /// Number of fetches, one after the other; HTTP keeps its connection where the server does.
    pub repeat: u32,
    /// Whether the octets are hashed on their way.
    pub hash: bool,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            uri: None,
            sink: Sink::Ram,
            repeat: 1,
            hash: true,
        }
    }
}

impl Bench {
    /// Takes in one setting; `None` when it is not known or its value does not fit.
    pub(crate) fn line(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "bench" => self.uri = Some(value.try_into().ok()?),
            "bench_sink" => {
                self.sink = match value {
                    "ram" => Sink::Ram,
                    "null" => Sink::Null,
                    _ => return None,
                };
            }
            "bench_hash" => self.hash = value != "0",
            "bench_repeat" => self.repeat = value.parse().ok().filter(|times| *times > 0)?,
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_others_refused() {
        let mut bench = Bench::default();
        assert_eq!(bench.line("bench", "tftp://10.0.2.2/a"), Some(()));
        assert_eq!(bench.line("bench_sink", "null"), Some(()));
        assert_eq!(bench.line("bench_repeat", "3"), Some(()));
        assert_eq!(bench.uri.as_deref(), Some("tftp://10.0.2.2/a"));
        assert_eq!((bench.sink, bench.repeat), (Sink::Null, 3));
        for (key, value) in [("bench_sink", "x"), ("bench_repeat", "0"), ("bensch", "1")] {
            assert_eq!(bench.line(key, value), None, "{key} {value}");
        }
    }
}
