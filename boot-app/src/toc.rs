//! The flash-layout header v3 as a table of contents (caliptra-mcu-sw, `flash_layout.md`).
//!
//! Header (12 octets, little endian): `version u16 = 3, image_count u16, payload_offset u32,
//! header_checksum u32`. Then for each image 84 octets: `identifier u32, offset u32, size u32,
//! filename [u8; 64], image_checksum u32, info_checksum u32`. A checksum is 0 minus the wrapping sum
//! of the octets, its own field left out. They find accidents, not attacks.
//!
//! The table is read as a stream into [`TocReader`], one entry at a time, and the transfer ends after
//! the last entry: the file may be a whole flash image.

use core::fmt;
use netboot_core::{Blame, Coded, Instant, Module};
use netboot_ipxe::{Deliver, SinkFailed};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The version that has file names.
pub const VERSION: u16 = 3;
/// Octets of a file name.
pub const FILENAME: usize = 64;
/// Entries kept: those of the device's recovery images.
pub const MAX_ENTRIES: usize = 4;
/// Most images that a table may list.
pub const MAX_IMAGES: u16 = 256;

/// The header on the wire.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RawHeader {
    /// 3.
    pub version: U16,
    /// Images that follow.
    pub image_count: U16,
    /// Octets from the start of the file to the first image.
    pub payload_offset: U32,
    /// Of the octets before it.
    pub header_checksum: U32,
}

/// One image's entry on the wire.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct RawEntry {
    /// Firmware id: 0 Caliptra FMC and RT, 1 SoC manifest, 2 MCU runtime, others SoC images.
    pub identifier: U32,
    /// Octets from the start of the file to the image.
    pub offset: U32,
    /// Octets of the image.
    pub size: U32,
    /// Path on the server, padded with zeros; all zeros: the image is in this file.
    pub filename: [u8; FILENAME],
    /// Of the image's octets.
    pub image_checksum: U32,
    /// Of the octets of this entry before it.
    pub info_checksum: U32,
}

const HEADER: usize = size_of::<RawHeader>();
const ENTRY: usize = size_of::<RawEntry>();
/// Octets of the checksum at the end of header and entry.
const CHECKSUM: usize = 4;

/// 0 minus the wrapping sum of `octets`.
pub fn checksum(octets: &[u8]) -> u32 {
    octets
        .iter()
        .fold(0u32, |sum, octet| sum.wrapping_sub(u32::from(*octet)))
}

/// One image's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Firmware id, 32 bits.
    pub identifier: u32,
    /// Octets from the start of the file to the image.
    pub offset: u32,
    /// Octets of the image.
    pub size: u32,
    /// Path on the server; empty when the image is in this file.
    pub filename: heapless::String<FILENAME>,
    /// Of the image's octets.
    pub checksum: u32,
}

/// A table of contents: the entries of the device's images, and how many there were in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toc {
    /// Entries with an identifier below [`MAX_ENTRIES`].
    pub entries: heapless::Vec<Entry, MAX_ENTRIES>,
    /// Images listed.
    pub image_count: u16,
}

impl Toc {
    /// The entry of a firmware id.
    pub fn find(&self, identifier: u32) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.identifier == identifier)
    }
}

/// What is wrong with a table of contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TocError {
    /// The file does not begin with a header of version 3: it is something else.
    NotToc,
    /// More images than [`MAX_IMAGES`], or none.
    ImageCount(u16),
    /// The checksum of an entry is wrong.
    EntryChecksum {
        /// Its place in the table.
        entry: u16,
    },
    /// A file name that is not text, or has something behind its end.
    Filename {
        /// Its place in the table.
        entry: u16,
    },
    /// An identifier is listed twice.
    Duplicate {
        /// The identifier.
        identifier: u32,
    },
    /// The file ends before the table does.
    Truncated,
}

impl fmt::Display for TocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TocError::NotToc => f.write_str("boot file is no table of contents"),
            TocError::ImageCount(count) => {
                write!(
                    f,
                    "table of contents lists {} images, 1 to {} allowed",
                    u32::from(*count),
                    u32::from(MAX_IMAGES)
                )
            }
            TocError::EntryChecksum { entry } => {
                let entry = u32::from(*entry);
                write!(f, "table of contents: wrong checksum of entry {entry}")
            }
            TocError::Filename { entry } => {
                let entry = u32::from(*entry);
                write!(f, "table of contents: unusable file name in entry {entry}")
            }
            TocError::Duplicate { identifier } => {
                write!(f, "table of contents: image {identifier:#x} listed twice")
            }
            TocError::Truncated => f.write_str("table of contents is cut short"),
        }
    }
}

impl core::error::Error for TocError {}

impl Coded for TocError {
    fn code(&self) -> u32 {
        Module::Toc.code(match self {
            TocError::NotToc => 1,
            TocError::ImageCount(_) => 2,
            TocError::EntryChecksum { .. } => 3,
            TocError::Filename { .. } => 4,
            TocError::Duplicate { .. } => 5,
            TocError::Truncated => 6,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Configuration
    }
}

/// Why a [`TocReader`] takes no more: the table is read, or is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All entries were read.
    Done,
    /// What is wrong.
    Bad(TocError),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Done => f.write_str("table of contents is read"),
            Stop::Bad(error) => error.fmt(f),
        }
    }
}

impl Coded for Stop {
    fn code(&self) -> u32 {
        match self {
            Stop::Done => Module::Toc.code(7),
            Stop::Bad(error) => error.code(),
        }
    }

    fn blame(&self) -> Blame {
        Blame::Configuration
    }
}

/// Reads a table of contents from the first octets of a file, in constant memory.
#[derive(Debug)]
pub struct TocReader {
    toc: Toc,
    buffer: [u8; ENTRY],
    filled: usize,
    /// Entries read; `None` before the header.
    read: Option<u16>,
    /// Octets taken.
    position: u64,
    /// Why no more are taken.
    stop: Option<Stop>,
}

impl Default for TocReader {
    fn default() -> Self {
        Self::new()
    }
}

impl TocReader {
    /// Nothing read yet.
    pub const fn new() -> Self {
        Self {
            toc: Toc {
                entries: heapless::Vec::new(),
                image_count: 0,
            },
            buffer: [0; ENTRY],
            filled: 0,
            read: None,
            position: 0,
            stop: None,
        }
    }

    /// Why the last delivery into this reader ended.
    pub fn stop(&self) -> Option<Stop> {
        self.stop
    }

    /// The table. Only after [`Stop::Done`] it is whole.
    pub fn into_toc(self) -> Toc {
        self.toc
    }

    /// Takes the next octets.
    ///
    /// # Errors
    /// [`Stop`] when the table is whole or wrong; octets behind it are not looked at.
    pub fn push(&mut self, mut data: &[u8]) -> Result<(), Stop> {
        while !data.is_empty() {
            let need = if self.read.is_none() { HEADER } else { ENTRY };
            let take = need.saturating_sub(self.filled).min(data.len());
            let (now, later) = data.split_at_checked(take).unwrap_or((data, &[]));
            let end = self.filled.saturating_add(take);
            for (to, from) in self.buffer.iter_mut().skip(self.filled).zip(now) {
                *to = *from;
            }
            self.filled = end;
            data = later;
            if self.filled == need {
                self.filled = 0;
                self.take_piece()?;
            }
        }
        Ok(())
    }

    fn take_piece(&mut self) -> Result<(), Stop> {
        let Some(entry) = self.read else {
            self.take_header().map_err(Stop::Bad)?;
            self.read = Some(0);
            return Ok(());
        };
        self.take_entry(entry).map_err(Stop::Bad)?;
        let read = entry.saturating_add(1);
        self.read = Some(read);
        if read >= self.toc.image_count {
            return Err(Stop::Done);
        }
        Ok(())
    }

    fn take_header(&mut self) -> Result<(), TocError> {
        let (header, _) =
            RawHeader::read_from_prefix(&self.buffer).map_err(|_| TocError::NotToc)?;
        let summed = self.buffer.get(..HEADER - CHECKSUM).unwrap_or_default();
        if header.version.get() != VERSION || header.header_checksum.get() != checksum(summed) {
            return Err(TocError::NotToc);
        }
        let count = header.image_count.get();
        if count == 0 || count > MAX_IMAGES {
            return Err(TocError::ImageCount(count));
        }
        self.toc.image_count = count;
        Ok(())
    }

    fn take_entry(&mut self, entry: u16) -> Result<(), TocError> {
        let (raw, _) = RawEntry::read_from_prefix(&self.buffer).map_err(|_| TocError::Truncated)?;
        let summed = self.buffer.get(..ENTRY - CHECKSUM).unwrap_or_default();
        if raw.info_checksum.get() != checksum(summed) {
            return Err(TocError::EntryChecksum { entry });
        }
        let identifier = raw.identifier.get();
        if identifier >= MAX_ENTRIES as u32 {
            return Ok(());
        }
        if self.toc.find(identifier).is_some() {
            return Err(TocError::Duplicate { identifier });
        }
        let len = raw.filename.iter().position(|octet| *octet == 0);
        let (name, rest) = raw
            .filename
            .split_at_checked(len.unwrap_or(FILENAME))
            .unwrap_or((&[], &[]));
        let printable = name.iter().all(|octet| (0x20..0x7f).contains(octet));
        let name = core::str::from_utf8(name)
            .ok()
            .filter(|_| printable && rest.iter().all(|octet| *octet == 0))
            .ok_or(TocError::Filename { entry })?;
        let entry = Entry {
            identifier,
            offset: raw.offset.get(),
            size: raw.size.get(),
            filename: name.try_into().map_err(|_| TocError::Filename { entry })?,
            checksum: raw.image_checksum.get(),
        };
        // Identifiers are below MAX_ENTRIES and differ, so there is room.
        let _ = self.toc.entries.push(entry);
        Ok(())
    }
}

/// A table is delivered like an image, but only looked at. It is not hashed, so a transfer that breaks is read anew.
impl Deliver for TocReader {
    fn position(&self) -> u64 {
        self.position
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn begin(&mut self, _: Instant, _: u64) -> Result<(), SinkFailed> {
        *self = Self::new();
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        true
    }

    fn window(&mut self, _: Instant) -> Result<usize, SinkFailed> {
        Ok(ENTRY)
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        self.position = self.position.saturating_add(data.len() as u64);
        self.push(data).map_err(|stop| {
            self.stop = Some(stop);
            SinkFailed
        })
    }

    fn end(&mut self, _: Instant) -> Result<(), SinkFailed> {
        self.stop = Some(Stop::Bad(match self.read {
            None => TocError::NotToc,
            Some(_) => TocError::Truncated,
        }));
        Err(SinkFailed)
    }
}
