//! From a disk to the part of it that a partition is.

use super::checksum::Checksum;
use super::entry::Scan;
use super::header::{self, Blocks, HEADER, Header, MAX_TABLE, Raw};
use super::{GptError, Selector};
use crate::Part;

/// Blocks of 512 octets and of 4,096, as powers of two.
const SMALL: u32 = 9;
const LARGE: u32 = 12;

/// Octets that a [`GptReader`] asks for at most, whatever the disk says: two tables, and a block for each of the four places where a header may be.
pub const MOST_READ: u64 = 2 * MAX_TABLE as u64 + 4 * (1 << LARGE);

/// What a [`GptReader`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GptStep {
    /// Give this part of the disk to [`GptReader::push`], in pieces of any size and in their order.
    Read(Part),
    /// The partition is this part of the disk.
    Found(Part),
}

/// Where a table is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    blocks: Blocks,
    /// Whether it is the second table, whose header is the last block of the disk. That of the first one is block 1.
    backup: bool,
}

impl Place {
    /// Number of the header's block. `None` on a disk that is too small to have it.
    fn block(self) -> Option<u64> {
        let last = self.blocks.last()?;
        let block = if self.backup { last } else { 1 };
        let needed = if self.backup { 2 } else { 1 };
        (last >= needed).then_some(block)
    }
}

#[derive(Clone, Debug)]
enum State {
    /// A header is read.
    Header {
        /// Number of its block.
        block: u64,
        raw: Raw,
        taken: u32,
        /// Octets of the header, which are known when its fields are there.
        size: u32,
        /// The checksum that it has, and that of its octets.
        expected: u32,
        checksum: Checksum,
    },
    Entries(Scan),
    Done(Result<Part, GptError>),
}

/// Finds a partition of a disk.
///
/// [`GptReader::poll`] says which part of the disk is needed next, and [`GptReader::push`] takes it. A transfer that breaks may be opened
/// again at what `poll` says then.
///
/// The reader looks for a table with blocks of 512 octets, and then for one with blocks of 4,096. When the first table of the disk is damaged, or neither is
/// there, it reads the second one at the disk's end. The protective MBR is not looked at. Nothing outside of the table is trusted to be right: a partition lies
/// within the usable blocks of the disk, or it is an error.
///
/// ```
/// use netboot_ipxe::Part;
/// use netboot_ipxe::san::{GptError, GptReader, GptStep, Selector};
///
/// fn partition(disk: &[u8], label: &str) -> Result<Part, GptError> {
///     let mut reader = GptReader::new(disk.len() as u64, Selector::label(label)?);
///     loop {
///         match reader.poll()? {
///             GptStep::Found(part) => return Ok(part),
///             GptStep::Read(Part { offset, len }) => {
///                 let start = offset as usize;
///                 reader.push(&disk[start..start + len as usize]);
///             }
///         }
///     }
/// }
/// assert_eq!(partition(&[0; 65_536], "firmware"), Err(GptError::NoTable));
/// ```
#[derive(Clone, Debug)]
pub struct GptReader {
    selector: Selector,
    place: Place,
    /// What is wrong with the first table.
    damage: Option<GptError>,
    state: State,
}

impl GptReader {
    /// A reader for a disk of so many octets.
    pub fn new(disk_len: u64, selector: Selector) -> Self {
        let mut reader = Self {
            selector,
            place: Place {
                blocks: Blocks {
                    disk_len,
                    shift: SMALL,
                },
                backup: false,
            },
            damage: None,
            state: State::Done(Err(GptError::NoTable)),
        };
        reader.begin();
        reader
    }

    /// Says what is needed, or what was found.
    ///
    /// # Errors
    /// The disk has no table, both of its tables are damaged (then the error is that of the first table), or not exactly one partition fits.
    pub fn poll(&self) -> Result<GptStep, GptError> {
        match &self.state {
            State::Header {
                block, taken, size, ..
            } => {
                let start = self.place.blocks.offset(*block);
                Ok(GptStep::Read(Part {
                    offset: start.saturating_add(u64::from(*taken)),
                    len: u64::from(size.saturating_sub(*taken)),
                }))
            }
            State::Entries(scan) => Ok(GptStep::Read(scan.wanted())),
            State::Done(result) => result.map(GptStep::Found),
        }
    }

    /// Takes octets of the disk from the offset on that [`GptReader::poll`] says. Returns how many of them were taken. What is left over
    /// belongs to no part that is needed next; it may be dropped.
    pub fn push(&mut self, octets: &[u8]) -> usize {
        let Ok(GptStep::Read(wanted)) = self.poll() else {
            return 0;
        };
        let len = usize::try_from(wanted.len).unwrap_or(usize::MAX);
        let octets = octets.get(..len).unwrap_or(octets);
        match &mut self.state {
            State::Header {
                raw,
                taken,
                checksum,
                ..
            } => {
                let place = *taken as usize;
                *taken += octets.len() as u32;
                if place < HEADER {
                    for (to, octet) in raw.iter_mut().skip(place).zip(octets) {
                        *to = *octet;
                    }
                } else {
                    checksum.update(octets);
                }
            }
            State::Entries(scan) => scan.push(octets, &self.selector),
            State::Done(_) => {}
        }
        if octets.len() == len {
            self.advance();
        }
        octets.len()
    }

    /// Goes on when all that was wanted is there.
    fn advance(&mut self) {
        let next = match &mut self.state {
            State::Header { taken, .. } if *taken as usize == HEADER => self.fields(),
            State::Header { .. } => self.header(),
            State::Entries(scan) if scan.is_whole() => {
                let found = scan.partition(self.place.blocks);
                self.state = State::Done(found);
                return;
            }
            State::Entries(_) => Err(GptError::TableChecksum),
            State::Done(_) => return,
        };
        if let Err(error) = next
            && self.go_on(error)
        {
            self.begin();
        }
    }

    /// Looks at the fields of a header, of which more octets may have to come.
    fn fields(&mut self) -> Result<(), GptError> {
        let State::Header {
            raw,
            size,
            expected,
            checksum,
            ..
        } = &mut self.state
        else {
            return Ok(());
        };
        if !header::is_header(raw) {
            return Err(GptError::NoTable);
        }
        *size = header::size(raw, self.place.blocks)?;
        let is_all = *size as usize == HEADER;
        *expected = header::take_checksum(raw);
        checksum.update(raw);
        if is_all { self.header() } else { Ok(()) }
    }

    /// Looks at a header whose octets are all there.
    fn header(&mut self) -> Result<(), GptError> {
        let State::Header {
            block,
            raw,
            expected,
            checksum,
            ..
        } = &self.state
        else {
            return Ok(());
        };
        if checksum.value() != *expected {
            return Err(GptError::HeaderChecksum);
        }
        let header = Header::check(raw, self.place.blocks, *block)?;
        self.state = State::Entries(Scan::new(header));
        Ok(())
    }

    /// Begins with the header of a place, or of the next place that the disk is large enough for.
    fn begin(&mut self) {
        loop {
            if let Some(block) = self.place.block() {
                self.state = State::Header {
                    block,
                    raw: [0; HEADER],
                    taken: 0,
                    size: HEADER as u32,
                    expected: 0,
                    checksum: Checksum::new(),
                };
                return;
            }
            // There are four places, so this comes to an end.
            if !self.go_on(GptError::NoTable) {
                return;
            }
        }
    }

    /// Turns to the next place because this one failed: [`GptError::NoTable`] without a signature, another error for a damaged table. Without a next place
    /// the reader is done; then it returns false.
    fn go_on(&mut self, error: GptError) -> bool {
        let is_damaged = error != GptError::NoTable;
        let place = &mut self.place;
        let (shift, backup) = match (place.blocks.shift, place.backup) {
            (shift, false) if is_damaged => (shift, true),
            (SMALL, false) => (LARGE, false),
            (_, false) => (SMALL, true),
            (SMALL, true) if !is_damaged && self.damage.is_none() => (LARGE, true),
            _ => {
                self.state = State::Done(Err(self.damage.unwrap_or(error)));
                return false;
            }
        };
        if is_damaged {
            self.damage = Some(error);
        }
        place.blocks.shift = shift;
        place.backup = backup;
        true
    }

    /// What is wrong with the first table, if the second one was or is read in its place.
    pub const fn damage(&self) -> Option<GptError> {
        self.damage
    }

    /// Octets of a block of the disk: 512 or 4,096. It is final when the partition was found.
    pub const fn block_len(&self) -> u32 {
        self.place.blocks.len()
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
