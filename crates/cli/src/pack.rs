//! `netboot pack`: the packed file of an image, for verified streaming.

use crate::output;
use crate::tree::{self, Outputs};
use anyhow::{Context, Result, ensure};
use clap::Args;
use netboot_verity::{HEAD, Head};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The options of `pack`.
#[derive(Args)]
pub struct PackArgs {
    /// The image
    file: PathBuf,
    /// The packed file [default: the name of the image with .nbv behind it]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the verity digest and nothing else
    #[arg(long)]
    compact: bool,
}

/// Packs an image.
///
/// # Errors
/// When the image is empty, packed already, or larger than 1 GiB, or a file cannot be read or written.
pub fn run(arguments: &PackArgs, out: &mut dyn Write) -> Result<()> {
    let image = arguments.file.as_path();
    packable(image)?;
    let path = match &arguments.output {
        Some(path) => path.clone(),
        None => {
            let mut name = image.as_os_str().to_owned();
            name.push(".nbv");
            name.into()
        }
    };
    let digests = output::stream(&path, &[image], |file| {
        let outputs = Outputs {
            packed: Some(file),
            copy: None,
        };
        tree::read(image, outputs)
    })?;
    if arguments.compact {
        writeln!(out, "{}", digests.verity)?;
        return Ok(());
    }
    let octets = digests.layout.packed() + HEAD as u64;
    writeln!(out, "{}, {octets} octets: packed file", path.display())?;
    let (size, levels) = (digests.size, digests.layout.levels());
    writeln!(
        out,
        "  of {}, {size} octets, {levels} levels of hashes",
        image.display()
    )?;
    writeln!(out, "  verity digest {}", digests.verity)?;
    Ok(())
}

/// Refuses what nobody wants to pack.
pub fn packable(image: &Path) -> Result<()> {
    let shown = image.display();
    let failed = || format!("cannot read {shown}");
    let file = File::open(image).with_context(failed)?;
    let mut first = Vec::new();
    file.take(8).read_to_end(&mut first).with_context(failed)?;
    ensure!(!first.is_empty(), "{shown} is empty");
    ensure!(!Head::is_packed(&first), "{shown} is packed already");
    Ok(())
}
