//! A board's own copy of the early network configuration, in a [`Ledger`] of two slots.
//!
//! [`load`] reads it without trusting anything in it: a slot that is damaged, or whose configuration cannot be read, is told by name, and the
//! other slot is used. [`store`] writes it, and is what an authenticated writer calls: the command of an operator, or zero-touch provisioning with
//! a configuration whose signature was verified. An answer from the network is never stored by a board itself.

use crate::early::EarlyNetConfig;
use crate::error::number;
use crate::ledger::{
    self, Journal, Ledger, LedgerError, NETWORK_MAGIC, OVERHEAD, Slot, SlotContent,
};
use crate::network_config::{NetworkConfig, StaleNetworkConfig};
use crate::persist::{NETWORK_MAX, encode_network, read_network};
use crate::wire::WireError;
use core::fmt;
use netboot_core::{Blame, Coded, Console};

/// Octets of the longest record of a network configuration: the size of a slot, and of the buffers here.
pub const RECORD_MAX: usize = NETWORK_MAX + OVERHEAD;

/// The storage of a board could not be read or written. The board's own driver knows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediumFailed;

impl fmt::Display for MediumFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the storage could not be read or written")
    }
}

impl core::error::Error for MediumFailed {}

/// The ledger of a board, which the board's platform implements.
pub type BoardLedger<'l> = dyn Ledger<Error = MediumFailed> + 'l;

/// Why one slot of a board's ledger is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotError {
    /// The medium could not be read.
    Medium,
    /// The slot was written, and its checksum is wrong.
    Torn,
    /// The record is whole, and what it holds is no configuration that this version can read.
    Value(WireError),
    /// The configuration says that it has this generation, and the record another one.
    Generation {
        /// The generation that the configuration itself has.
        found: u64,
    },
    /// Both slots hold a record of the same generation, and the records differ.
    Conflict,
}

impl fmt::Display for SlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Medium => f.write_str("a slot of the board's ledger could not be read"),
            Self::Torn => f.write_str("a slot of the board's ledger is damaged"),
            Self::Value(_) => {
                f.write_str("a slot of the board's ledger holds no configuration that can be read")
            }
            Self::Generation { found } => write!(
                f,
                "the configuration of generation {found} lies under another generation in the board's ledger"
            ),
            Self::Conflict => f.write_str(
                "the two slots of the board's ledger differ and have the same generation",
            ),
        }
    }
}

impl core::error::Error for SlotError {}

impl Coded for SlotError {
    fn code(&self) -> u32 {
        number(match self {
            Self::Medium => 0xa1,
            Self::Torn => 0xa2,
            Self::Value(_) => 0xa3,
            Self::Generation { .. } => 0xa4,
            Self::Conflict => 0xa5,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Device
    }

    fn facts(&self, out: &mut dyn Console) {
        if let Self::Generation { found } = self {
            out.number("generation", *found);
        }
    }
}

/// Reads an early network configuration out of the replicated configuration that carries it, into `config`. After an error it is empty.
///
/// # Errors
/// [`Mismatch::Wire`] for octets that are no early network configuration, and [`Mismatch::Generation`] when the two disagree about the
/// generation.
pub fn read_early(
    generation: u64,
    blob: &[u8],
    config: &mut EarlyNetConfig,
) -> Result<(), Mismatch> {
    config.read(blob).map_err(Mismatch::Wire)?;
    let found = config.generation;
    if found == generation {
        return Ok(());
    }
    config.clear();
    Err(Mismatch::Generation { found })
}

/// Why octets are not the early network configuration that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mismatch {
    /// The octets are none.
    Wire(WireError),
    /// The configuration has another generation than what carries it.
    Generation {
        /// The generation that the configuration itself has.
        found: u64,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => error.fmt(f),
            Self::Generation { found } => {
                write!(
                    f,
                    "the network configuration says that it has generation {found}, and was stored under another"
                )
            }
        }
    }
}

impl core::error::Error for Mismatch {}

/// Reads the newest configuration in the ledger that can be read, into `config`. `told` hears of each slot that is of no use. When the ledger has
/// no configuration, the function gives `false`, and `config` is empty.
#[inline(never)]
pub fn load<L: Ledger + ?Sized>(
    ledger: &mut L,
    config: &mut EarlyNetConfig,
    told: &mut dyn FnMut(Slot, SlotError),
) -> bool {
    config.clear();
    let mut buffer = [0; RECORD_MAX];
    let mut known = [None; 2];
    for (slot, known) in [Slot::A, Slot::B].into_iter().zip(&mut known) {
        match ledger::read_slot(ledger, slot, NETWORK_MAGIC, &mut buffer) {
            Ok(SlotContent::Record {
                generation, crc, ..
            }) => *known = Some((generation, crc)),
            Ok(SlotContent::Blank) => {}
            Ok(SlotContent::Torn) => told(slot, SlotError::Torn),
            Err(_) => told(slot, SlotError::Medium),
        }
    }
    let order = match known {
        [Some((a, one)), Some((b, other))] if a == b && one != other => {
            told(Slot::A, SlotError::Conflict);
            return false;
        }
        [Some((a, _)), Some((b, _))] if a < b => [Slot::B, Slot::A],
        [None, Some(_)] => [Slot::B, Slot::A],
        _ => [Slot::A, Slot::B],
    };
    let count = known.iter().flatten().count();
    for slot in order.into_iter().take(count) {
        match read(ledger, slot, &mut buffer, config) {
            Ok(()) => return true,
            Err(error) => told(slot, error),
        }
    }
    false
}

/// Reads the configuration of one slot.
fn read<L: Ledger + ?Sized>(
    ledger: &mut L,
    slot: Slot,
    buffer: &mut [u8],
    config: &mut EarlyNetConfig,
) -> Result<(), SlotError> {
    let content = ledger::read_slot(ledger, slot, NETWORK_MAGIC, buffer);
    let SlotContent::Record { value, .. } = content.map_err(|_| SlotError::Medium)? else {
        return Err(SlotError::Torn);
    };
    let (generation, blob) = read_network(value).map_err(SlotError::Value)?;
    read_early(generation, blob, config).map_err(|mismatch| match mismatch {
        Mismatch::Wire(error) => SlotError::Value(error),
        Mismatch::Generation { found } => SlotError::Generation { found },
    })
}

/// Why a configuration was not stored. The one before it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError<E> {
    /// The octets are no early network configuration.
    Config(WireError),
    /// The configuration is not newer than the one in the ledger.
    Stale(StaleNetworkConfig),
    /// The ledger cannot be used.
    Ledger(LedgerError<E>),
}

impl<E: fmt::Display> fmt::Display for StoreError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Stale(error) => error.fmt(f),
            Self::Ledger(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for StoreError<E> {}

impl<E: fmt::Display> Coded for StoreError<E> {
    fn code(&self) -> u32 {
        match self {
            Self::Config(error) => error.code(),
            Self::Stale(error) => error.code(),
            Self::Ledger(error) => error.code(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Config(_) => Blame::Configuration,
            Self::Stale(error) => error.blame(),
            Self::Ledger(error) => error.blame(),
        }
    }
}

/// Stores a configuration in a board's ledger, so that the next boot reads it. `octets` are its CBOR ([`early`](crate::early)), as zero-touch
/// provisioning delivers them in its `configuration`, and as `bootstore config set` replicates them. The caller has verified who wrote them: the
/// board trusts what its ledger says more than what a node answers.
///
/// When the function returns `Ok`, the configuration is on the medium. When it fails, or power is lost meanwhile, the one before it is still there.
/// A ledger both of whose slots are damaged, or contradict each other, is begun anew, because the configuration can be had again from whoever
/// wrote it.
///
/// # Errors
/// [`StoreError::Config`] for octets that no board could read, [`StoreError::Stale`] unless the generation is above that of the ledger, and
/// [`StoreError::Ledger`].
#[inline(never)]
pub fn store<L: Ledger>(mut ledger: L, octets: &[u8]) -> Result<(), StoreError<L::Error>> {
    let mut config = EarlyNetConfig::default();
    load(&mut ledger, &mut config, &mut |_, _| ());
    let current = config.generation;
    config.read(octets).map_err(StoreError::Config)?;
    if config.generation <= current {
        return Err(StoreError::Stale(StaleNetworkConfig {
            current,
            tried: config.generation,
        }));
    }
    let bounds = WireError::Bounds { at: octets.len() };
    let carrier =
        NetworkConfig::new(config.generation, octets).ok_or(StoreError::Config(bounds))?;
    let mut buffer = [0; RECORD_MAX];
    match Journal::open(&mut ledger, NETWORK_MAGIC, &mut buffer) {
        Ok(_) => {}
        Err(LedgerError::Damaged | LedgerError::Conflict { .. }) => ledger
            .write(Slot::A, &[])
            .map_err(|error| StoreError::Ledger(LedgerError::Medium(error)))?,
        Err(error) => return Err(StoreError::Ledger(error)),
    }
    let (mut journal, _) =
        Journal::open(&mut ledger, NETWORK_MAGIC, &mut buffer).map_err(StoreError::Ledger)?;
    journal
        .store(&mut buffer, |to| encode_network(&carrier, to))
        .map_err(StoreError::Ledger)
}

#[cfg(test)]
mod tests;
