//! A boot against real servers, in real time.
//!
//! The client behind a [`Lan`]'s TAP is the boot application on this machine's processor ([`boot`]) or
//! the ROM under QEMU ([`boot_rom`]). What the servers are, and what they saw, is the caller's to say.

use crate::host::{self, Outcome};
use crate::netns::{self, Lan};
use crate::plan::{Plan, Pointer};
use crate::qemu::{self, Machine, QemuOptions};
use crate::realtime::{RealClock, RealPlatform};
use crate::servers::Program;
use crate::tap::{Capture, TapDevice, Wire};
use anyhow::{Context, Result};
use image_server::Content;
use netboot_lines::Transcript;
use netsim::LinkStats;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

/// The variable that asks for tests with real servers.
pub const ASK: &str = "NETBOOT_REAL";

/// Whether the calling test is to run; if not, says so on stderr, past the test harness.
///
/// # Panics
/// When real servers are asked for and cannot be had: with the reason and the remedy.
pub fn asked_for(programs: &[Program]) -> bool {
    let test = test_name();
    if std::env::var_os(ASK).is_none_or(|value| value != "1") {
        let line = format!("SKIPPED: {test}: set {ASK}=1 to boot against real servers (as root)\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
        return false;
    }
    if let Some(reason) = netns::obstacle() {
        panic!("{ASK}=1, but {reason}");
    }
    for program in programs {
        if let Err(error) = program.find() {
            panic!("{ASK}=1, but {error:#}");
        }
    }
    true
}

fn test_name() -> String {
    let thread = std::thread::current();
    thread.name().unwrap_or("test").to_owned()
}

/// Puts the images of a plan, and its table of contents or flash image, into `directory` of the
/// server's files; `""` or a path that ends with `/`. Returns the path that the client is to be told.
///
/// # Errors
/// When they cannot be written.
pub fn put_files(lan: &Lan, plan: &Plan, directory: &str) -> Result<String> {
    for (name, content) in plan.server().files {
        let Content::Bytes(octets) = content else {
            continue;
        };
        lan.server.put(&format!("{directory}{name}"), &octets)?;
    }
    let file = match plan.pointer {
        Pointer::Directory => "",
        Pointer::Toc => "boot.toc",
        Pointer::FlashImage => "flash.bin",
    };
    Ok(format!("{directory}{file}"))
}

/// A boot that is over. If the test fails, its console and its packets are kept.
pub struct Booted {
    /// What became of it.
    pub outcome: Outcome,
    /// What the console said.
    pub console: String,
    /// What the client sent and received.
    pub capture: Capture,
    /// What the line between client and TAP did to frames.
    pub line: LinkStats,
    /// From the first line to the last.
    pub took: std::time::Duration,
}

impl Drop for Booted {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- console\n{}---", self.console);
            match self.keep_packets() {
                Ok(path) => eprintln!("packets: {}", path.display()),
                Err(error) => eprintln!("packets: {error:#}"),
            }
        }
    }
}

impl Booted {
    fn keep_packets(&self) -> Result<PathBuf> {
        let root = crate::rom::target_directory().join("real-failures");
        fs::create_dir_all(&root)?;
        let name = test_name().replace("::", "-");
        let path = root.canonicalize()?.join(format!("{name}.pcap"));
        let out = BufWriter::new(File::create(&path)?);
        self.capture.write_pcap(out).context("cannot be written")?;
        Ok(path)
    }
}

/// Boots `plan` over the TAP of `lan`, with the plan's link before it; `line` is called with each line of the console as it is written,
/// from within the boot.
///
/// # Errors
/// When the plan cannot be used or the TAP cannot be opened.
pub fn boot(lan: &Lan, plan: &Plan, line: &mut dyn FnMut(&str)) -> Result<Booted> {
    let clock = RealClock::start();
    let wire = Wire::shared(lan.open_tap()?, clock, plan.seed, plan.link);
    let device = TapDevice::new(wire.clone());
    let platform = RealPlatform::new(clock, wire.clone());
    let model = host::model(plan, clock.now())?;
    let mut out = Lines {
        text: String::new(),
        told: 0,
        line,
    };
    let began = std::time::Instant::now();
    let outcome = host::boot(plan, device, platform, model, || clock.now(), &mut out)?;
    let took = began.elapsed();
    let mut wire = wire.borrow_mut();
    Ok(Booted {
        outcome,
        console: out.text,
        capture: wire.take_capture(),
        line: wire.stats(),
        took,
    })
}

/// What became of a boot of the ROM under QEMU. If the test fails, its console is shown.
pub struct RomBooted {
    /// The console.
    pub lines: Vec<String>,
    /// The same, read.
    pub parsed: Transcript,
    /// What the ROM gave to the test device; 0 is a good boot.
    pub exit_code: Option<i32>,
}

impl Drop for RomBooted {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- console\n{}\n---", self.lines.join("\n"));
        }
    }
}

/// Boots the ROM `options` names under QEMU, with the TAP of `lan` as its network.
///
/// The plan's link is not used: QEMU and the TAP are all there is between the ROM and the servers.
///
/// # Errors
/// When QEMU cannot be run, or goes on for longer than the timeout, or ends without a word.
pub fn boot_rom(
    lan: &Lan,
    plan: &Plan,
    options: &QemuOptions,
    line: &mut dyn FnMut(&str),
) -> Result<RomBooted> {
    let scratch = lan.server.workspace("qemu")?;
    let mut arguments = qemu::machine_arguments(&options.rom, options.memory_mib);
    arguments.extend(qemu::tap_arguments(netns::TAP, options.pcap.as_deref()));
    arguments.extend(qemu::strap_arguments(plan, &scratch)?);
    let command = lan.server.namespace.command(qemu::QEMU);
    let machine = Machine::start(command, &arguments, &plan.keys)?;
    let (lines, parsed, status) = machine.run(Some(options.timeout), line)?;
    Ok(RomBooted {
        lines,
        parsed,
        exit_code: status.code(),
    })
}

/// A console that is kept, and told on line by line.
struct Lines<'l> {
    text: String,
    told: usize,
    line: &'l mut dyn FnMut(&str),
}

impl fmt::Write for Lines<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        while let Some(len) = self.text[self.told..].find('\n') {
            let end = self.told + len;
            (self.line)(&self.text[self.told..end]);
            self.told = end + 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn lines_are_told_once_and_whole() {
        let mut told = Vec::new();
        let mut line = |line: &str| told.push(line.to_owned());
        let mut out = Lines {
            text: String::new(),
            told: 0,
            line: &mut line,
        };
        write!(out, "@a t={}", 1).unwrap();
        write!(out, " index=0\n\n@b\nrest").unwrap();
        assert_eq!(out.text, "@a t=1 index=0\n\n@b\nrest");
        assert_eq!(told, ["@a t=1 index=0", "", "@b"]);
    }
}
