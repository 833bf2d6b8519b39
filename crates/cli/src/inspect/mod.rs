//! `netboot inspect`: what a file is, in words, and what is wrong with it.
//!
//! | file | what |
//! |---|---|
//! | `flash` | tables of contents, and flash images behind them |
//! | `script` | scripts |
//!
//! Packed files are judged by [`crate::packed`], what bootstrap servers hand out is shown by [`crate::sztp`].

mod flash;
mod script;

use crate::packed::{self, Flaw};
use crate::sztp;
use crate::tree::{self, Outputs};
use anyhow::{Context, Result, ensure};
use clap::Args;
use netboot_core::Coded;
use netboot_verity::{BLOCK, Head, Layout};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Octets of the longest file that is taken for text or a message.
const MOST: u64 = 1 << 20;
/// Octets at the start of a file by which its kind is known.
const START: u64 = 1024;

/// The options of `inspect`.
#[derive(Args)]
pub struct InspectArgs {
    /// Packed files, flash images, tables of contents, scripts, certificates, what bootstrap servers hand out, or anything else
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Shows files; whether nothing is wrong with any of them.
///
/// # Errors
/// When a file cannot be read, or nothing can be written.
pub fn run(arguments: &InspectArgs, out: &mut dyn Write) -> Result<bool> {
    let mut all_right = true;
    for (number, path) in arguments.files.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        all_right &= file(path, out)?;
    }
    Ok(all_right)
}

/// Shows a file; whether nothing is wrong with it.
fn file(path: &Path, out: &mut dyn Write) -> Result<bool> {
    let failed = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(failed)?;
    let metadata = file.metadata().with_context(failed)?;
    ensure!(metadata.is_file(), "{} is no file", path.display());
    let len = metadata.len();
    let mut start = Vec::new();
    file.take(START)
        .read_to_end(&mut start)
        .with_context(failed)?;
    writeln!(out, "{}, {len} octets", path.display())?;
    digests(path, len, Head::is_packed(&start), out)?;
    if start.is_empty() {
        writeln!(out, "  the file is empty")?;
        return Ok(false);
    }
    if Head::is_packed(&start) {
        return packed_file(path, out);
    }
    if start.starts_with(b"#!ipxe") {
        return script::show(&whole(path, len)?, out);
    }
    if let Some(right) = flash::show(path, len, out)? {
        return Ok(right);
    }
    if len <= MOST && sztp::inspect::any(whole(path, len)?, out)? {
        return Ok(true);
    }
    writeln!(
        out,
        "  nothing that is known here: a single image, or something else"
    )?;
    Ok(true)
}

/// The digests by which owners, scripts and boards know a file. That of the tree over a packed file would be taken for that of the image in it.
fn digests(path: &Path, len: u64, packed: bool, out: &mut dyn Write) -> Result<()> {
    let shown = match Layout::new(len) {
        Ok(_) if !packed => {
            let digests = tree::read(path, Outputs::default())?;
            writeln!(out, "  SHA-256       {}", digests.sha256)?;
            format!("verity digest {}", digests.verity)
        }
        layout => {
            writeln!(out, "  SHA-256       {}", tree::sha256(path)?.0)?;
            match layout {
                Err(error) if !packed => format!("no verity digest: {error}"),
                _ => return Ok(()),
            }
        }
    };
    writeln!(out, "  {shown}")?;
    Ok(())
}

/// A text, which is read into memory.
fn whole(path: &Path, len: u64) -> Result<Vec<u8>> {
    ensure!(
        len <= MOST,
        "{} has {len} octets, too many for a text",
        path.display()
    );
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A packed file, all of whose blocks are verified.
fn packed_file(path: &Path, out: &mut dyn Write) -> Result<bool> {
    writeln!(out, "  packed file for verified streaming")?;
    let judged = match packed::verify(path, None) {
        Ok(judged) => judged,
        Err(error) => {
            writeln!(out, "  wrong: {error:#}")?;
            return Ok(false);
        }
    };
    let layout = judged.layout;
    let (size, levels, blocks) = (layout.size(), layout.levels(), layout.blocks());
    writeln!(
        out,
        "  of a file of {size} octets, in {blocks} blocks of {BLOCK} octets, with {levels} levels of hashes"
    )?;
    writeln!(out, "  verity digest of that file {}", judged.digest)?;
    match judged.flaw {
        None => {
            writeln!(out, "  all blocks are right by this digest")?;
            return Ok(true);
        }
        Some(Flaw::Wrong { error, offset }) => writeln!(
            out,
            "  wrong: {error}, at octet {offset} of the packed file (number {:#010x})",
            error.code()
        )?,
        Some(Flaw::Short { len }) => writeln!(
            out,
            "  wrong: it ends at octet {len}, and has to have {} octets",
            layout.packed() + netboot_verity::HEAD as u64
        )?,
    }
    Ok(false)
}
