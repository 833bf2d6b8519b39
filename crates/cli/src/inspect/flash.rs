//! Tables of contents, and the images behind them or beside them.

use anyhow::{Context, Result};
use netboot_app::toc::{Entry, MAX_ENTRIES, Stop, TocError, TocReader, VERSION, checksum};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Component, Path};

/// Octets of the header of a table, and of an entry.
const HEADER: u32 = 12;
const ENTRY: u32 = 84;

/// Shows the table of contents that a file of `len` octets begins with; whether nothing is wrong with it. `None`: there is no table.
pub fn show(path: &Path, len: u64, out: &mut dyn Write) -> Result<Option<bool>> {
    let failed = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let mut reader = TocReader::new();
    let mut piece = [0; 4096];
    let mut first = Vec::new();
    let stop = loop {
        let octets = file.read(&mut piece).with_context(failed)?;
        let octets = piece.get(..octets).unwrap_or_default();
        if first.is_empty() {
            first = octets.to_vec();
        }
        if octets.is_empty() {
            break Stop::Bad(match first.len() < HEADER as usize {
                true => TocError::NotToc,
                false => TocError::Truncated,
            });
        }
        if let Err(stop) = reader.push(octets) {
            break stop;
        }
    };
    match stop {
        Stop::Bad(TocError::NotToc) if !resembles(&first) => return Ok(None),
        Stop::Bad(TocError::NotToc) => {
            writeln!(
                out,
                "  table of contents whose header has a wrong checksum: devices take it for something else"
            )?;
            return Ok(Some(false));
        }
        Stop::Bad(error) => {
            writeln!(out, "  table of contents, version {VERSION}")?;
            writeln!(out, "  wrong: {error}")?;
            return Ok(Some(false));
        }
        Stop::Done => {}
    }
    let toc = reader.into_toc();
    let count = toc.image_count;
    writeln!(
        out,
        "  table of contents, version {VERSION}, with {count} images"
    )?;
    let mut right = true;
    for entry in &toc.entries {
        right &= image(path, len, entry, out)?;
    }
    let others = usize::from(count).saturating_sub(toc.entries.len());
    if others > 0 {
        writeln!(
            out,
            "  images with an identifier of {MAX_ENTRIES} or more, at which no boot looks: {others}"
        )?;
    }
    if toc.find(0).is_none() {
        writeln!(
            out,
            "  wrong: there is no image 0, which each device asks for first"
        )?;
        right = false;
    }
    Ok(Some(right))
}

/// Whether the octets look like the header of a table: its version, and an offset of the first image that agrees with the number of images.
fn resembles(first: &[u8]) -> bool {
    let Some((&[a, b, c, d, e, f, g, h], _)) = first.split_first_chunk() else {
        return false;
    };
    let count = u32::from(u16::from_le_bytes([c, d]));
    u16::from_le_bytes([a, b]) == VERSION
        && u32::from_le_bytes([e, f, g, h]) == HEADER + count * ENTRY
}

/// Shows an image of the table; whether it is as the table says.
fn image(path: &Path, len: u64, entry: &Entry, out: &mut dyn Write) -> Result<bool> {
    let what = match entry.identifier {
        0 => " (Caliptra FMC and RT)",
        1 => " (SoC manifest)",
        2 => " (MCU runtime)",
        _ => "",
    };
    let (identifier, size) = (entry.identifier, entry.size);
    write!(out, "  image {identifier}{what}, {size} octets, ")?;
    let (fault, place) = match entry.filename.as_str() {
        "" => {
            let (from, end) = (
                u64::from(entry.offset),
                u64::from(entry.offset) + u64::from(size),
            );
            write!(out, "from octet {from}: ")?;
            let fault = match end > len {
                true => Some(format!("the file ends before octet {end}")),
                false => wrong(path, from, entry)?,
            };
            (fault, "")
        }
        name => {
            write!(out, "in {name:?}: ")?;
            let relative = Path::new(name);
            let plain = relative
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            let beside = path.parent().unwrap_or(Path::new("")).join(relative);
            // A name may be a URI, or lead out of the folder: then there is nothing to look at here.
            if !plain || !beside.is_file() {
                writeln!(out, "there is no such file beside the table")?;
                return Ok(true);
            }
            let len = beside.metadata().map(|metadata| metadata.len());
            let fault = match len.with_context(|| format!("cannot read {}", beside.display()))? {
                len if len == u64::from(size) => wrong(&beside, 0, entry)?,
                len => Some(format!("the file has {len} octets")),
            };
            (fault, " beside the table")
        }
    };
    match fault {
        Some(fault) => writeln!(out, "wrong: {fault}")?,
        None => {
            writeln!(out, "right by its checksum{place}")?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is wrong with the octets of an image that begin at `from`.
fn wrong(path: &Path, from: u64, entry: &Entry) -> Result<Option<String>> {
    let failed = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    file.seek(SeekFrom::Start(from)).with_context(failed)?;
    let mut file = file.take(u64::from(entry.size));
    let mut piece = vec![0; 64 << 10];
    let mut sum = 0_u32;
    loop {
        let octets = file.read(&mut piece).with_context(failed)?;
        let octets = piece.get(..octets).unwrap_or_default();
        if octets.is_empty() {
            break;
        }
        // The checksum of two pieces is the sum of theirs.
        sum = sum.wrapping_add(checksum(octets));
    }
    let expected = entry.checksum;
    Ok((sum != expected)
        .then(|| format!("its checksum is {sum:#010x}, and the table has {expected:#010x}")))
}
