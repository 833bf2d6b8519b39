//! Storage that survives a loss of power in the middle of a write.
//!
//! A [`Ledger`] is two slots: two files, or two areas of flash. A [`Journal`] writes each new value into the
//! slot that does not hold the current one. A record has a generation and a checksum, so that the newest
//! whole record is found again, and a torn write leaves the value before it.
//!
//! ```text
//! magic 4 ‖ generation u64 ‖ length u32 ‖ value ‖ CRC-32 of all before it     (numbers in network order)
//! ```

mod record;

use crate::error::number;
use crate::wire::WireError;
use core::fmt;
use netboot_core::{Blame, Coded};
use record::Content;
pub use record::{OVERHEAD, RECORD_HEAD};

/// Magic of the ledger for the trust quorum's state.
pub const STATE_MAGIC: [u8; 4] = *b"BSF1";
/// Magic of the ledger for the network configuration.
pub const NETWORK_MAGIC: [u8; 4] = *b"BSN1";

/// One of the two slots of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The first slot.
    A,
    /// The second slot.
    B,
}

impl Slot {
    /// The other slot.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Two slots of storage.
///
/// A write may be torn: after a loss of power the slot may hold any mixture of old octets, new octets and
/// noise. It must not touch the other slot, and when it returns, the octets must be on the medium.
pub trait Ledger {
    /// What can go wrong with the medium.
    type Error;

    /// Reads a slot from its start and returns the number of octets. Octets behind a record do no harm. A
    /// slot that was never written has no octets, or erased ones (all 0xFF or all 0).
    ///
    /// # Errors
    /// Those of the medium.
    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, Self::Error>;

    /// Replaces the content of a slot, and returns when it is on the medium.
    ///
    /// # Errors
    /// Those of the medium. The slot may then hold anything.
    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), Self::Error>;
}

/// A borrowed ledger is a ledger.
impl<L: Ledger + ?Sized> Ledger for &mut L {
    type Error = L::Error;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, L::Error> {
        (**self).read(slot, buffer)
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), L::Error> {
        (**self).write(slot, octets)
    }
}

/// What one slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotContent<'b> {
    /// The slot was never written.
    Blank,
    /// A write did not come to its end, or the medium lost octets.
    Torn,
    /// The slot holds a whole record.
    Record {
        /// The generation of the record. It counts the writes of the ledger, and is not that of a configuration in the record.
        generation: u64,
        /// The checksum, by which two records of the same generation are told apart.
        crc: u32,
        /// The value.
        value: &'b [u8],
    },
}

/// Reads one slot into `buffer`, which must have room for a whole record, and tells what it holds. A reader that has a use for an old value
/// when the newest one cannot be read calls this in place of [`Journal::open`].
///
/// # Errors
/// Those of the medium.
pub fn read_slot<'b, L: Ledger + ?Sized>(
    ledger: &mut L,
    slot: Slot,
    magic: [u8; 4],
    buffer: &'b mut [u8],
) -> Result<SlotContent<'b>, L::Error> {
    let read = ledger.read(slot, buffer)?;
    let octets = buffer.get(..read).unwrap_or(&[]);
    Ok(match record::examine(octets, magic) {
        Content::Blank => SlotContent::Blank,
        Content::Torn => SlotContent::Torn,
        Content::Record(found) => match record::value(octets, magic, found) {
            Some(value) => SlotContent::Record {
                generation: found.generation,
                crc: found.crc,
                value,
            },
            None => SlotContent::Torn,
        },
    })
}

/// Why a value cannot be loaded or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerError<E> {
    /// The medium failed.
    Medium(E),
    /// Both slots were written and neither holds a whole record. The node must not start as if it were new.
    Damaged,
    /// Both slots hold a record of the same generation, and the records differ.
    Conflict {
        /// The generation.
        generation: u64,
    },
    /// The value does not fit into the buffer, or cannot be written in octets.
    Value(WireError),
}

impl<E: fmt::Display> fmt::Display for LedgerError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Medium(error) => write!(f, "the storage failed: {error}"),
            Self::Damaged => f.write_str("both copies of the stored state are damaged"),
            Self::Conflict { generation } => write!(
                f,
                "the two copies of the stored state differ and have the same generation {generation}"
            ),
            Self::Value(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for LedgerError<E> {}

impl<E: fmt::Display> Coded for LedgerError<E> {
    fn code(&self) -> u32 {
        match self {
            Self::Medium(_) => number(0x61),
            Self::Damaged => number(0x62),
            Self::Conflict { .. } => number(0x63),
            Self::Value(error) => error.code(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Value(error) => error.blame(),
            _ => Blame::Device,
        }
    }
}

/// The current value of a ledger: which slot holds it, and its generation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Journal<L> {
    ledger: L,
    magic: [u8; 4],
    current: Option<(Slot, u64)>,
}

/// A journal, and its current value.
pub type Opened<'b, L> = (Journal<L>, Option<&'b [u8]>);

impl<L: Ledger> Journal<L> {
    /// Opens a ledger and reads its current value into `buffer`, which must have room for a whole record.
    ///
    /// Returns the journal, and the octets of the value unless nothing was ever stored. When one slot is
    /// blank and the other is torn, nothing was ever stored either: the first write did not return.
    ///
    /// # Errors
    /// [`LedgerError::Medium`], [`LedgerError::Damaged`], [`LedgerError::Conflict`].
    pub fn open(
        mut ledger: L,
        magic: [u8; 4],
        buffer: &mut [u8],
    ) -> Result<Opened<'_, L>, LedgerError<L::Error>> {
        let a = examine(&mut ledger, Slot::A, magic, buffer)?;
        let b = examine(&mut ledger, Slot::B, magic, buffer)?;
        let current = match (a, b) {
            (Content::Record(a), Content::Record(b)) if a.generation == b.generation => {
                if a.crc != b.crc {
                    return Err(LedgerError::Conflict {
                        generation: a.generation,
                    });
                }
                Some((Slot::A, a))
            }
            (Content::Record(a), Content::Record(b)) => Some(if a.generation > b.generation {
                (Slot::A, a)
            } else {
                (Slot::B, b)
            }),
            (Content::Record(a), _) => Some((Slot::A, a)),
            (_, Content::Record(b)) => Some((Slot::B, b)),
            (Content::Torn, Content::Torn) => return Err(LedgerError::Damaged),
            _ => None,
        };
        let journal = |ledger, current| Self {
            ledger,
            magic,
            current,
        };
        let Some((slot, found)) = current else {
            return Ok((journal(ledger, None), None));
        };
        let read = ledger.read(slot, buffer).map_err(LedgerError::Medium)?;
        let octets = buffer.get(..read).unwrap_or(&[]);
        let value = record::value(octets, magic, found).ok_or(LedgerError::Damaged)?;
        Ok((journal(ledger, Some((slot, found.generation))), Some(value)))
    }

    /// Generation of the current value; 0 when there is none.
    pub const fn generation(&self) -> u64 {
        match self.current {
            Some((_, generation)) => generation,
            None => 0,
        }
    }

    /// Stores a value. `value` writes its octets into the buffer that it gets, and returns their number.
    ///
    /// When the function returns `Ok`, the value is on the medium. When it fails, or power is lost
    /// meanwhile, the value before it is still there, and the call can be repeated.
    ///
    /// # Errors
    /// [`LedgerError::Medium`], and [`LedgerError::Value`] when `buffer` is too small.
    pub fn store(
        &mut self,
        buffer: &mut [u8],
        value: impl FnOnce(&mut [u8]) -> Result<usize, WireError>,
    ) -> Result<(), LedgerError<L::Error>> {
        let (slot, generation) = match self.current {
            Some((slot, generation)) => (slot.other(), generation.saturating_add(1)),
            None => (Slot::A, 1),
        };
        let length =
            record::write(buffer, self.magic, generation, value).map_err(LedgerError::Value)?;
        let octets = buffer
            .get(..length)
            .ok_or(LedgerError::Value(WireError::Buffer))?;
        self.ledger
            .write(slot, octets)
            .map_err(LedgerError::Medium)?;
        self.current = Some((slot, generation));
        Ok(())
    }

    /// The ledger.
    pub const fn ledger(&self) -> &L {
        &self.ledger
    }

    /// Ends the journal.
    pub fn into_ledger(self) -> L {
        self.ledger
    }
}

fn examine<L: Ledger>(
    ledger: &mut L,
    slot: Slot,
    magic: [u8; 4],
    buffer: &mut [u8],
) -> Result<Content, LedgerError<L::Error>> {
    let read = ledger.read(slot, buffer).map_err(LedgerError::Medium)?;
    Ok(record::examine(buffer.get(..read).unwrap_or(&[]), magic))
}

#[cfg(test)]
mod tests;
