//! What the operator says, as text: one setting a line, words separated by blanks, `#` for comments.
//!
//! ```text
//! expect 0 234496 e3b0c442...   # size and SHA-256 of image 0; `-` for what is not known
//! verity 0 5feceb66...          # verity digest of image 0, in builds with `verity`
//! default 2 http://10.0.2.2/mcu-runtime.bin
//! blksize 1468
//! windowsize 16
//! probe off
//! connections 4                 # for one HTTP transfer, in builds with `parallel`
//! connections_ms 1              # where a round trip takes so long
//! retry 3
//! syslog 10.0.2.2               # the server that takes the log, in builds with `syslog`
//! ip both                       # 4, 6, or both with IPv6 first, in builds with `ipv6`
//! ```
//!
//! Builds with the feature `settings` know those of the module `source_settings` as well.

use core::fmt;
use heapless::{String, Vec};
use netboot::{ArpProbe, NetworkOptions};
use netboot_app::{Expected, OnFailure, Policy};
use netboot_core::uri::MAX_URI;
use netboot_core::{Console, Digest, Duration};
use ocp_recovery::AgentConfig;

/// Images that can have expectations or default places.
pub const MAX_IMAGES: usize = 4;

/// A line that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1. 0 stands for a text that is missing or is no text.
    pub line: u32,
}

impl BadLine {
    /// Writes what is wrong, to the end of the console line.
    #[inline(never)]
    pub fn tell(&self, out: &mut dyn Console) {
        match self.line {
            0 => out.text("no text"),
            line => {
                out.text("line ");
                out.decimal(u64::from(line));
                out.text(" not understood");
            }
        }
        out.text("\n");
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "setting in line {} cannot be used", self.line)
    }
}

/// Splits `text` into lines of words and lets `take` have each; `None` from it ends with the line's
/// number.
pub fn each_line<'t>(
    text: &'t str,
    mut take: impl FnMut(&mut dyn Iterator<Item = &'t str>) -> Option<()>,
) -> Result<(), BadLine> {
    for (line, number) in text.lines().zip(1u32..) {
        let line = line.split('#').next().unwrap_or_default();
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let taken = take(&mut words);
        if taken.is_none() || words.next().is_some() {
            return Err(BadLine { line: number });
        }
    }
    Ok(())
}

/// Settings of the boot application and the library.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of the library.
    pub network: NetworkOptions,
    /// Of the boot application.
    pub policy: Policy,
    /// Of the recovery agent.
    pub agent: AgentConfig,
    /// What images have to be.
    pub expected: Vec<(u8, Expected), MAX_IMAGES>,
    /// Compiled-in places, or what stands for them.
    pub defaults: Vec<(u8, String<MAX_URI>), MAX_IMAGES>,
    /// The static address, and where images may come from.
    #[cfg(feature = "settings")]
    pub sources: crate::source_settings::SourceSettings,
    /// Number of times that the machine is reset after a boot that failed, and boots again.
    #[cfg(feature = "trace")]
    pub restarts: u32,
    /// What is measured in place of a boot.
    #[cfg(feature = "bench")]
    pub bench: crate::bench_settings::Bench,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            network: NetworkOptions::default(),
            policy: Policy::default(),
            agent: AgentConfig::default(),
            expected: Vec::new(),
            defaults: Vec::new(),
            #[cfg(feature = "settings")]
            sources: crate::source_settings::SourceSettings::default(),
            #[cfg(feature = "trace")]
            restarts: 0,
            #[cfg(feature = "bench")]
            bench: crate::bench_settings::Bench::default(),
        }
    }
}

/// A word that may be `-` for *not known*.
fn known<T>(word: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    match word {
        "-" => Some(None),
        word => parse(word).map(Some),
    }
}

/// A number in decimal that fits `T`. One reader serves all widths: each of `core`'s takes some 200 octets of flash.
pub(crate) fn number<T: TryFrom<u64>>(word: &str) -> Option<T> {
    widest(word)?.try_into().ok()
}

#[inline(never)]
fn widest(word: &str) -> Option<u64> {
    word.parse().ok()
}

fn millis(word: &str) -> Option<Duration> {
    number(word).map(Duration::from_millis)
}

impl Settings {
    /// Takes in `text`; later lines win.
    ///
    /// # Errors
    /// The first line that has an unknown setting, or a value that does not fit it.
    pub fn parse(&mut self, text: &str) -> Result<(), BadLine> {
        each_line(text, |words| self.line(words))
    }

    /// What is known of an image, whichever lines say it.
    fn image(&mut self, index: u8) -> Option<&mut Expected> {
        let known = self.expected.iter().position(|(of, _)| *of == index);
        if known.is_none() {
            self.expected.push((index, Expected::default())).ok()?;
        }
        let expected = match known {
            Some(at) => self.expected.get_mut(at),
            None => self.expected.last_mut(),
        };
        expected.map(|(_, expected)| expected)
    }

    #[inline(never)]
    fn line(&mut self, words: &mut dyn Iterator<Item = &str>) -> Option<()> {
        let key = words.next()?;
        let mut value = || words.next();
        match key {
            "expect" => {
                let expected = self.image(number(value()?)?)?;
                let size = known(value()?, number)?;
                let sha256 = known(value()?, Digest::from_hex)?;
                expected.size = expected.size.or(size);
                expected.sha256 = expected.sha256.or(sha256);
                Some(())
            }
            #[cfg(feature = "verity")]
            "verity" => {
                let expected = self.image(number(value()?)?)?;
                expected.verity = Some(Digest::from_hex(value()?)?);
                Some(())
            }
            "default" => {
                let index = number(value()?)?;
                let uri = value()?.try_into().ok()?;
                self.defaults.push((index, uri)).ok()
            }
            "blksize" => {
                let blksize = number(value()?)?;
                (8..=65464).contains(&blksize).then_some(())?;
                self.network.tftp.blksize = blksize;
                Some(())
            }
            "windowsize" => {
                let windowsize = number(value()?)?;
                (windowsize > 0).then_some(())?;
                self.network.tftp.windowsize = windowsize;
                Some(())
            }
            #[cfg(feature = "parallel")]
            "connections" => {
                let connections = number(value()?)?;
                (1..=4).contains(&connections).then_some(())?;
                self.network.http.connections = connections;
                Some(())
            }
            #[cfg(feature = "parallel")]
            "connections_ms" => {
                self.network.http.connections_rtt = millis(value()?)?;
                Some(())
            }
            "probe" => {
                self.network.dhcp.probe = match value()? {
                    "off" => ArpProbe::Off,
                    word => ArpProbe::On {
                        count: 2,
                        interval: millis(word)?,
                    },
                };
                Some(())
            }
            #[cfg(feature = "http")]
            "stall_ms" => {
                self.network.http.stall_timeout = millis(value()?)?;
                Some(())
            }
            #[cfg(feature = "ipv6")]
            "ip" => {
                use netboot::Families;
                self.network.families = match value()? {
                    "4" => Families::Ipv4,
                    "6" => Families::Ipv6,
                    "both" => Families::DUAL,
                    _ => return None,
                };
                Some(())
            }
            #[cfg(feature = "syslog")]
            "syslog" => {
                self.network.syslog = Some(netboot_core::uri::parse_ip(value()?)?);
                Some(())
            }
            "vlan" => {
                let vlan = number(value()?)?;
                matches!(vlan, 1..=4094).then_some(())?;
                self.network.vlan = Some(vlan);
                Some(())
            }
            "dhcp_ms" => {
                self.network.dhcp.timeout = millis(value()?)?;
                Some(())
            }
            #[cfg(feature = "settings")]
            "spread_ms" => {
                self.network.dhcp.spread = millis(value()?)?;
                Some(())
            }
            #[cfg(feature = "settings")]
            "slow" => {
                self.network.slow.octets = number(value()?)?;
                self.network.slow.time = millis(value()?)?;
                Some(())
            }
            #[cfg(feature = "trace")]
            "restarts" => {
                self.restarts = number(value()?)?;
                Some(())
            }
            "settle_ms" => {
                self.agent.settle = millis(value()?)?;
                Some(())
            }
            "last_index" => {
                self.agent.last_index = number(value()?)?;
                Some(())
            }
            "retry" => {
                self.policy.on_failure = match value()? {
                    "continue" => OnFailure::Continue,
                    "forever" => OnFailure::RetryForever,
                    word => OnFailure::Retry(number(word)?),
                };
                Some(())
            }
            "attempt_ms" => {
                self.policy.attempt_deadline = millis(value()?)?;
                Some(())
            }
            "total_ms" => {
                self.policy.total_deadline = millis(value()?)?;
                Some(())
            }
            #[cfg(feature = "bench")]
            "bench" | "bench_sink" | "bench_repeat" | "bench_hash" => {
                self.bench.line(key, value()?)
            }
            #[cfg(feature = "settings")]
            key => self.sources.line(key, words),
            #[cfg(not(feature = "settings"))]
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        let mut settings = Settings::default();
        let text = "# fuses\nexpect 0 234496 -\n\nexpect 1 - \
            00ff102030405060708090a0b0c0d0e0f0112233445566778899aabbccddeeff # known\n\
            default 2 http://10.0.2.2/mcu.bin\nwindowsize 8\nprobe off\nretry forever\nattempt_ms 1500\n";
        settings.parse(text).unwrap();
        assert_eq!(settings.expected[0].1.size, Some(234_496));
        assert_eq!(settings.expected[0].1.sha256, None);
        assert_eq!(settings.expected[1].1.size, None);
        assert_eq!(settings.expected[1].1.sha256.unwrap().0[1], 0xff);
        assert_eq!(settings.defaults[0].0, 2);
        assert_eq!(settings.network.tftp.windowsize, 8);
        assert_eq!(settings.network.dhcp.probe, ArpProbe::Off);
        assert_eq!(settings.policy.on_failure, OnFailure::RetryForever);
        assert_eq!(
            settings.policy.attempt_deadline,
            Duration::from_millis(1500)
        );
    }

    /// The first line that tells a value counts, and no line is overlooked.
    #[test]
    fn lines_of_one_image_are_put_together() {
        let digest = Digest([7; 32]);
        let mut lines = vec![format!("expect 0 - {digest}"), "expect 0 12 -".into()];
        if cfg!(feature = "verity") {
            lines.insert(0, format!("verity 0 {digest}"));
        }
        for _ in 0..lines.len() {
            lines.rotate_left(1);
            let mut settings = Settings::default();
            settings.parse(&lines.join("\n")).unwrap();
            let [(0, expected)] = &*settings.expected else {
                panic!("{:?}", settings.expected);
            };
            assert_eq!((expected.size, expected.sha256), (Some(12), Some(digest)));
            #[cfg(feature = "verity")]
            assert_eq!(expected.verity, Some(digest));
        }
    }

    #[cfg(feature = "parallel")]
    #[test]
    fn connections_are_counted() {
        let mut settings = Settings::default();
        settings.parse("connections 3\nconnections_ms 20").unwrap();
        assert_eq!(settings.network.http.connections, 3);
        assert_eq!(
            settings.network.http.connections_rtt,
            Duration::from_millis(20)
        );
        for text in ["connections 0", "connections 5", "connections_ms"] {
            assert!(settings.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        for text in [
            "\nwindowsize 0",
            "\nblksize 7",
            "\nexpect 0 12",
            "\nexpect 0 12 - more",
            "\nnonsense",
            "\nretry sometimes",
        ] {
            assert_eq!(
                Settings::default().parse(text),
                Err(BadLine { line: 2 }),
                "{text}"
            );
        }
    }
}
