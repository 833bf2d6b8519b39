//! The instructions of SHA-256 on riscv32imc, counted under QEMU (`crates/testing/hash-count`): the same on any machine.

use crate::qemu::{QEMU, bound_to_us};
use crate::rom::{self, TARGET};
use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};

const PACKAGE: &str = "hash-count";
/// A program that hangs is killed after so many seconds.
const PATIENCE: &str = "120";
/// Octets that the program hashes at most.
pub const SIZE: usize = 64 << 10;

/// Which form of SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// That of the default ROM.
    Small,
    /// That of the feature `fast-sha256`.
    Fast,
}

/// What one way to hash takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// `blocks` for those of a packed file; `stream-` with the octets of a piece and where the pieces lie.
    pub what: String,
    /// Octets that were hashed.
    pub octets: u64,
    /// Instructions for all of them.
    pub instructions: u64,
    /// The digest, in hexadecimal digits. That of the digests, in the case of blocks.
    pub digest: String,
}

impl Count {
    /// Instructions for each octet.
    pub fn per_octet(&self) -> f64 {
        self.instructions as f64 / self.octets.max(1) as f64
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let count = Self {
            what: words.next()?.into(),
            octets: words.next()?.parse().ok()?,
            instructions: words.next()?.parse().ok()?,
            digest: words.next()?.into(),
        };
        words.next().is_none().then_some(count)
    }
}

/// The octets that the program hashes. What is unaligned begins with the second one.
pub fn data() -> Vec<u8> {
    (0..SIZE).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// Builds the program and runs it.
///
/// # Errors
/// When it does not build, does not end well, or says something that is no count.
pub fn measure(form: Form) -> Result<Vec<Count>> {
    let mut cargo = rom::cargo();
    cargo.args(["build", "--quiet", "--profile", "rom", "--target", TARGET]);
    cargo.args(["-p", PACKAGE]);
    if form == Form::Fast {
        cargo.args(["--features", "fast-sha256"]);
    }
    let output = cargo
        .current_dir(rom::workspace())
        .output()
        .context("cannot start cargo")?;
    // Said only then: the compiler's remark on `relax`, once for each crate, helps nobody.
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{errors}\n{PACKAGE} does not build"
    );
    let program = rom::target_directory()
        .join(TARGET)
        .join("rom")
        .join(PACKAGE);
    let qemu = bound_to_us(QEMU);
    let output = Command::new("timeout")
        .arg(PATIENCE)
        .arg(qemu.get_program())
        .args(qemu.get_args())
        .args(["-M", "virt", "-m", "32M", "-bios", "none"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
        .args(["-icount", "shift=0", "-kernel"])
        .arg(program)
        .stdin(Stdio::null())
        .output()
        .context("cannot start QEMU")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{PACKAGE}: {}\n{text}",
        output.status
    );
    let counts = text.lines().map(Count::read).collect::<Option<Vec<_>>>();
    counts
        .filter(|counts| !counts.is_empty())
        .with_context(|| format!("{PACKAGE} said something else:\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_line_of_four_words() {
        let count = Count::read("blocks 1024 65536 00ff").unwrap();
        assert_eq!(
            (count.what.as_str(), count.digest.as_str()),
            ("blocks", "00ff")
        );
        assert_eq!(count.per_octet(), 64.0);
        for line in ["", "blocks 1024 65536", "blocks x 1 00", "blocks 1 2 00 3"] {
            assert_eq!(Count::read(line), None, "{line}");
        }
    }
}
