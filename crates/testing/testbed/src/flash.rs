//! The contents of the flash device, out of a linked program.

use anyhow::{Context, Result, bail, ensure};
use object::Endianness;
use object::elf::{FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader as _, ProgramHeader as _};
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Address of the first flash device of QEMU's `virt` machine.
pub const FLASH: u32 = 0x2000_0000;
/// Octets of it; QEMU 7.2 takes a file of no other size.
pub const FLASH_SIZE: u32 = 32 << 20;
/// What the flash holds: offset and octets of each segment with a load address there.
///
/// # Errors
/// When this is no 32-bit ELF file, or when something lies outside the flash or twice in one place.
pub fn flash_segments(elf: &[u8]) -> Result<Vec<(u32, &[u8])>> {
    let header = FileHeader32::<Endianness>::parse(elf).context("no 32-bit ELF file")?;
    let endian = header.endian()?;
    let mut segments = Vec::new();
    for segment in header.program_headers(endian, elf)? {
        let size = segment.p_filesz(endian);
        if segment.p_type(endian) != PT_LOAD || size == 0 {
            continue;
        }
        let address = segment.p_paddr(endian);
        let offset = address.checked_sub(FLASH);
        let Some(offset) = offset.filter(|offset| offset.saturating_add(size) <= FLASH_SIZE) else {
            bail!("{size} octets at {address:#010x} are not in flash: the linker script is wrong");
        };
        let Ok(data) = segment.data(endian, elf) else {
            bail!("the segment at {address:#010x} goes beyond the file");
        };
        segments.push((offset, data));
    }
    ensure!(!segments.is_empty(), "nothing is in flash");
    segments.sort_by_key(|(offset, _)| *offset);
    for pair in segments.windows(2) {
        let end = pair[0].0 as usize + pair[0].1.len();
        ensure!(
            end <= pair[1].0 as usize,
            "two segments overlap at {:#010x}",
            FLASH + pair[1].0
        );
    }
    Ok(segments)
}

/// Writes the flash, with holes where nothing is.
pub(crate) fn write_sparse(path: &Path, segments: &[(u32, &[u8])]) -> Result<()> {
    // A fresh file and a rename: a QEMU that still runs keeps the old one.
    let fresh = path.with_extension(format!("bin.{}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&fresh)?;
        file.set_len(FLASH_SIZE.into())?;
        for (offset, data) in segments {
            file.seek(SeekFrom::Start((*offset).into()))?;
            file.write_all(data)?;
        }
        fs::rename(&fresh, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    /// An ELF file with program headers only.
    fn elf(segments: &[(u32, &[u8])]) -> Vec<u8> {
        const HEADER: usize = 52;
        const PROGRAM_HEADER: usize = 32;
        let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
        file.resize(16, 0);
        for half in [2u16, 243] {
            file.extend(half.to_le_bytes());
        }
        for word in [1u32, 0, HEADER as u32, 0, 0] {
            file.extend(word.to_le_bytes());
        }
        for half in [HEADER, PROGRAM_HEADER, segments.len(), 40, 0, 0] {
            file.extend((half as u16).to_le_bytes());
        }
        let mut at = HEADER + segments.len() * PROGRAM_HEADER;
        for (address, data) in segments {
            let size = data.len() as u32;
            for word in [1, at as u32, 0x8000_0000, *address, size, size, 5, 4] {
                file.extend(word.to_le_bytes());
            }
            at += data.len();
        }
        segments.iter().for_each(|(_, data)| file.extend(*data));
        file
    }

    #[test]
    fn segments_go_to_their_load_addresses() {
        let file = elf(&[(FLASH + 0x100, b"data"), (FLASH, b"text")]);
        let segments = flash_segments(&file).unwrap();
        assert_eq!(segments, [(0, &b"text"[..]), (0x100, &b"data"[..])]);
        let path = env::temp_dir().join(format!("netboot-rom-{}", std::process::id()));
        write_sparse(&path, &segments).unwrap();
        let flash = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(flash.len(), FLASH_SIZE as usize);
        assert_eq!(&flash[0x100..0x106], b"data\0\0");
    }

    #[test]
    fn what_is_not_in_flash_or_overlaps_is_refused() {
        for segments in [
            &[(0x8000_0000, &b"x"[..])][..],
            &[(FLASH + FLASH_SIZE - 1, &b"xy"[..])],
            &[(FLASH, &b"text"[..]), (FLASH + 3, &b"data"[..])],
            &[],
        ] {
            assert!(flash_segments(&elf(segments)).is_err(), "{segments:?}");
        }
        assert!(flash_segments(b"no ELF").is_err());
    }
}
