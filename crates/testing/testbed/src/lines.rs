//! The console's `@` lines, read back into values.
//!
//! `netboot_app::console` writes the lines of a boot and of its report; the ROM adds what only it knows
//! (`@rom`, `@memory`, `@device`, `@device-image`, `@instret`, `@net`, `@panic`, `@stall`). A line is a
//! word and `key=value` pairs; `message` runs to the end of the line. Keys that are not known here are
//! left alone, so that an older tool reads a newer ROM.

use crate::host::Outcome;
use crate::sentences;
use recovery_model::DeviceOutcome;
use serde::Serialize;
use std::fmt::{self, Write};
use std::str::FromStr;

/// An `@` line that lacks a value or has one that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line.
    pub line: String,
    /// The key in question; empty when the line has no form at all.
    pub key: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "no `@word key=value ...`: {:?}", self.line),
            key => write!(f, "{key} is missing or wrong in {:?}", self.line),
        }
    }
}

impl std::error::Error for BadLine {}

/// A word and its pairs.
struct Line<'t> {
    text: &'t str,
    word: &'t str,
    pairs: Vec<(&'t str, &'t str)>,
}

impl<'t> Line<'t> {
    /// `Ok(None)` when the line is a log line.
    fn parse(text: &'t str) -> Result<Option<Self>, BadLine> {
        let Some(rest) = text.strip_prefix('@') else {
            return Ok(None);
        };
        let (word, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut pairs = Vec::new();
        while !rest.is_empty() {
            let Some((key, after)) = rest.split_once('=') else {
                return Err(BadLine {
                    line: text.into(),
                    key: String::new(),
                });
            };
            let (value, after) = match key {
                "message" => (after, ""),
                _ => after.split_once(' ').unwrap_or((after, "")),
            };
            pairs.push((key, value));
            rest = after;
        }
        Ok(Some(Self { text, word, pairs }))
    }

    fn find(&self, key: &str) -> Option<&'t str> {
        let pair = self.pairs.iter().find(|(name, _)| *name == key);
        pair.map(|(_, value)| *value)
    }

    fn bad(&self, key: &str) -> BadLine {
        BadLine {
            line: self.text.into(),
            key: key.into(),
        }
    }

    fn get<T: FromStr>(&self, key: &str) -> Result<T, BadLine> {
        self.maybe(key)?.ok_or_else(|| self.bad(key))
    }

    fn maybe<T: FromStr>(&self, key: &str) -> Result<Option<T>, BadLine> {
        let parse = |value: &str| value.parse().map_err(|_| self.bad(key));
        self.find(key).map(parse).transpose()
    }

    /// A number as `0x0002_0004` is written: `0x00020004`.
    fn hex(&self, key: &str) -> Result<u32, BadLine> {
        let digits = self.find(key).and_then(|value| value.strip_prefix("0x"));
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.bad(key))
    }

    fn failure(&self) -> Result<Failure, BadLine> {
        Ok(Failure {
            t: self.maybe("t")?.unwrap_or(0),
            code: self.hex("code")?,
            blame: self.get("blame")?,
            message: match self.maybe("message")? {
                Some(message) => message,
                None => sentences::of(self.hex("code")?),
            },
        })
    }

    fn maybe_failure(&self) -> Result<Option<Failure>, BadLine> {
        match self.find("code") {
            Some(_) => self.failure().map(Some),
            None => Ok(None),
        }
    }
}

/// An error as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// µs since power-on; 0 in a report.
    pub t: u64,
    /// Stable error number.
    pub code: u32,
    /// Who has to act.
    pub blame: String,
    /// One sentence: the console's own, or the error table's, without the facts of this case.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            blame,
            message,
            ..
        } = self;
        write!(f, "{message} ({code:#010x}, blame: {blame})")
    }
}

/// `@rom`: what runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rom {
    /// Its version.
    pub version: String,
    /// Flash that the linker script grants, in KiB.
    pub rom_kib: Option<u32>,
    /// RAM that the linker script grants, in KiB.
    pub ram_kib: Option<u32>,
    /// Where random numbers come from: `host` or `weak`.
    pub entropy: String,
}

/// `@report`: the boot as a whole; times in µs since power-on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// When it began.
    pub started: u64,
    /// When the interface had an address.
    pub configured: Option<u64>,
    /// When it ended.
    pub ended: u64,
    /// 0, or the error number.
    pub status: u32,
    /// What ended the boot.
    pub error: Option<Failure>,
}

/// `@image`: one image in the boot application's report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageLine {
    /// Recovery image index.
    pub index: u8,
    /// `activated`, `not-activated` or `refused`.
    pub outcome: String,
    /// Where it came from.
    pub uri: Option<String>,
    /// What carried it.
    pub protocol: Option<String>,
    /// Octets delivered by the last attempt.
    pub octets: u64,
    /// SHA-256 of them, in hexadecimal.
    pub sha256: Option<String>,
    /// From the request to the activation, µs.
    pub duration_us: u64,
    /// Of the transfer alone, µs.
    pub transfer_us: u64,
    /// Octets per second of the transfer.
    pub octets_per_s: u64,
    /// Attempts after the first.
    pub retries: u32,
    /// Times that a transfer was taken up again.
    pub resumes: u32,
    /// The last error at it.
    pub error: Option<Failure>,
}

/// `@device`: how the boot ended for the emulated device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// `booted`, `running` or `failed`.
    pub outcome: String,
    /// The image that it refused.
    pub index: Option<u8>,
    /// Its reason.
    pub reason: Option<u16>,
}

/// `@device-image`: what the emulated device got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceImage {
    /// Recovery image index.
    pub index: u8,
    /// Octets, with the padding of the last word.
    pub octets: u64,
    /// SHA-256 of them without padding, in hexadecimal; `None` when it never had all.
    pub sha256: Option<String>,
    /// Whether it was told to activate the image.
    pub activated: bool,
    /// Whether it found the image right.
    pub verified: bool,
    /// Words that came while the FIFO was full: lost.
    pub dropped: u64,
}

/// `@memory`: RAM in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// `.data`, `.bss` and `.uninit`.
    #[serde(rename = "static")]
    pub static_ram: u64,
    /// High-water mark of the stack.
    pub stack_used: u64,
    /// Room for the stack.
    pub stack_size: u64,
}

/// `@instret`: retired instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Instret {
    /// All.
    pub total: u64,
    /// Those of the emulation of the recovery registers.
    pub emulated: u64,
    /// Accesses emulated.
    pub traps: u64,
}

/// `@net`: frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Net {
    /// Received.
    pub rx: u64,
    /// Sent.
    pub tx: u64,
    /// That the network device could not take or give.
    pub errors: u64,
}

/// `@panic`, `@stall`, `@trap`, `@stack`, `@settings`: why the ROM stopped at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// `panic`; `stall`: an access that would hang the bus on hardware; `trap`: one that nobody
    /// expects; `stack`: it met the static data; `settings`: text from outside that cannot be used.
    pub what: String,
    /// The rest of the line.
    pub detail: String,
}

/// One `@` line. `t` is µs since power-on, `index` the recovery image index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of `netboot_app::Event`")]
pub enum Said {
    /// What runs.
    Rom(Rom),
    /// The interface has an address.
    Configured {
        t: u64,
        address: String,
        router: Option<String>,
    },
    /// The table of contents was read.
    Toc { t: u64, images: u16 },
    /// The device asks for an image.
    Requested { t: u64, index: u8 },
    /// A transfer is being opened.
    Fetching { t: u64, index: u8, uri: String },
    /// The server has the file.
    Opened {
        t: u64,
        index: u8,
        size: u64,
        protocol: String,
    },
    /// So much was delivered.
    Delivered {
        t: u64,
        index: u8,
        octets: u64,
        size: u64,
    },
    /// Everything is there and right.
    Verified {
        t: u64,
        index: u8,
        sha256: String,
        expected: bool,
    },
    /// The device was told to activate the image.
    Activated { t: u64, index: u8 },
    /// An attempt failed.
    AttemptFailed { index: Option<u8>, error: Failure },
    /// The boot is over.
    Finished { t: u64, status: u32 },
    /// The boot application's report.
    Report(Report),
    /// An image in it.
    Image(ImageLine),
    /// How the device ended.
    Device(Device),
    /// What the device got.
    DeviceImage(DeviceImage),
    /// RAM.
    Memory(Memory),
    /// Instructions.
    Instret(Instret),
    /// Frames.
    Net(Net),
    /// The ROM could not start a boot.
    Start(Failure),
    /// The ROM stopped at once.
    Stop(Stop),
}

impl Said {
    /// Reads a line of the console; `Ok(None)` for log lines and for words that are not known.
    ///
    /// # Errors
    /// When a known word lacks a value that belongs to it.
    pub fn parse(text: &str) -> Result<Option<Self>, BadLine> {
        let Some(line) = Line::parse(text)? else {
            return Ok(None);
        };
        let t = || line.get("t");
        let index = || line.get("index");
        Ok(Some(match line.word {
            "rom" => Said::Rom(Rom {
                version: line.get("version")?,
                rom_kib: line.maybe("rom_kib")?,
                ram_kib: line.maybe("ram_kib")?,
                entropy: line.get("entropy")?,
            }),
            "configured" => Said::Configured {
                t: t()?,
                address: line.get("address")?,
                router: line.maybe("router")?,
            },
            "toc" => Said::Toc {
                t: t()?,
                images: line.get("images")?,
            },
            "requested" => Said::Requested {
                t: t()?,
                index: index()?,
            },
            "fetching" => Said::Fetching {
                t: t()?,
                index: index()?,
                uri: line.get("uri")?,
            },
            "opened" => Said::Opened {
                t: t()?,
                index: index()?,
                size: line.get("size")?,
                protocol: line.get("protocol")?,
            },
            "delivered" => Said::Delivered {
                t: t()?,
                index: index()?,
                octets: line.get("octets")?,
                size: line.get("size")?,
            },
            "verified" => Said::Verified {
                t: t()?,
                index: index()?,
                sha256: line.get("sha256")?,
                expected: line.get("expected")?,
            },
            "activated" => Said::Activated {
                t: t()?,
                index: index()?,
            },
            "attempt-failed" => Said::AttemptFailed {
                index: line.maybe("index")?,
                error: line.failure()?,
            },
            "finished" => Said::Finished {
                t: t()?,
                status: line.hex("status")?,
            },
            "report" => Said::Report(Report {
                started: line.get("started")?,
                configured: line.maybe("configured")?,
                ended: line.get("ended")?,
                status: line.hex("status")?,
                error: line.maybe_failure()?,
            }),
            "image" => Said::Image(image(&line)?),
            "device" => Said::Device(Device {
                outcome: line.get("outcome")?,
                index: line.maybe("index")?,
                reason: line.maybe("reason")?,
            }),
            "device-image" => Said::DeviceImage(DeviceImage {
                index: index()?,
                octets: line.get("octets")?,
                sha256: line.maybe("sha256")?,
                activated: line.get("activated")?,
                verified: line.get("verified")?,
                dropped: line.get("dropped")?,
            }),
            "memory" => Said::Memory(Memory {
                static_ram: line.get("static")?,
                stack_used: line.get("stack_used")?,
                stack_size: line.get("stack_size")?,
            }),
            "instret" => Said::Instret(Instret {
                total: line.get("total")?,
                emulated: line.get("emulated")?,
                traps: line.get("traps")?,
            }),
            "net" => Said::Net(Net {
                rx: line.get("rx")?,
                tx: line.get("tx")?,
                errors: line.get("errors")?,
            }),
            "start" => Said::Start(line.failure()?),
            word @ ("panic" | "stall" | "trap" | "stack" | "settings") => Said::Stop(Stop {
                what: word.into(),
                detail: text[1 + word.len()..].trim().into(),
            }),
            _ => return Ok(None),
        }))
    }
}

fn image(line: &Line<'_>) -> Result<ImageLine, BadLine> {
    Ok(ImageLine {
        index: line.get("index")?,
        outcome: line.get("outcome")?,
        uri: line.maybe("uri")?,
        protocol: line.maybe("protocol")?,
        octets: line.get("octets")?,
        sha256: line.maybe("sha256")?,
        duration_us: line.get("duration_us")?,
        transfer_us: line.get("transfer_us")?,
        octets_per_s: line.get("octets_per_s")?,
        retries: line.get("retries")?,
        resumes: line.get("resumes")?,
        error: line.maybe_failure()?,
    })
}

/// Writes what the ROM writes about the device, for a boot on the host.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_device(out: &mut dyn Write, outcome: &Outcome) -> fmt::Result {
    if let Some(stall) = outcome.stall {
        writeln!(
            out,
            "@stall offset={:#010x} kind={}",
            stall.offset,
            stall.kind.as_str()
        )?;
    }
    match outcome.device {
        DeviceOutcome::Running => writeln!(out, "@device outcome=running")?,
        DeviceOutcome::Booted => writeln!(out, "@device outcome=booted")?,
        DeviceOutcome::Failed { index, reason, .. } => {
            writeln!(out, "@device outcome=failed index={index} reason={reason}")?;
        }
    }
    for (index, image) in outcome.images.iter().enumerate() {
        write!(out, "@device-image index={index} octets={}", image.octets)?;
        if let Some(sha256) = &image.sha256 {
            write!(out, " sha256={sha256}")?;
        }
        let (activated, verified) = (image.activated, image.verified);
        write!(out, " activated={activated} verified={verified}")?;
        writeln!(out, " dropped={}", image.dropped_words)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_none_of_ours() {
        assert_eq!(Said::parse("INFO link is up"), Ok(None));
        assert_eq!(Said::parse(""), Ok(None));
        assert_eq!(Said::parse("@later t=1 new=thing"), Ok(None));
    }

    #[test]
    fn a_message_runs_to_the_end_of_the_line() {
        let text =
            "@attempt-failed t=7 index=2 code=0x00020004 blame=server message=a=b, file not found";
        let Ok(Some(Said::AttemptFailed { index, error })) = Said::parse(text) else {
            panic!("no failure");
        };
        assert_eq!(index, Some(2));
        assert_eq!(error.code, 0x0002_0004);
        assert_eq!(error.message, "a=b, file not found");
    }

    #[test]
    fn a_number_alone_gets_its_sentence() {
        let text = "@attempt-failed t=7 index=2 code=0x00070003 blame=server";
        let Ok(Some(Said::AttemptFailed { error, .. })) = Said::parse(text) else {
            panic!("no failure");
        };
        assert_eq!(error.blame, "server");
        assert!(error.message.starts_with("SHA-256 not as expected"));
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        let text = "@fetching t=7 index=0 uri=http://10.0.2.2/fw?slot=a";
        let Ok(Some(Said::Fetching { uri, .. })) = Said::parse(text) else {
            panic!("no fetch");
        };
        assert_eq!(uri, "http://10.0.2.2/fw?slot=a");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (text, key) in [
            ("@requested t=1", "index"),
            ("@requested t=soon index=0", "t"),
            ("@requested t=1 index=256", "index"),
            ("@finished t=1 status=0", "status"),
            ("@memory static=1 stack_used=2", "stack_size"),
            ("@opened nothing", ""),
        ] {
            let error = Said::parse(text).expect_err(text);
            assert_eq!(error.key, key, "{text}");
            assert!(error.to_string().contains(text));
        }
    }
}
