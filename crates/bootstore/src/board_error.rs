//! Why a board has no network configuration from the bootstore.

use crate::board::AnswerError;
use crate::error::number;
use crate::ledger::Slot;
use crate::stored::SlotError;
use core::fmt;
use netboot_core::{Blame, Coded, Console};

/// Why a board cannot boot by the bootstore, or one part of it is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoardError {
    /// A slot of the board's own ledger is of no use. The other slot is tried, and then the nodes are asked.
    Slot {
        /// The slot.
        slot: Slot,
        /// What is wrong with it.
        error: SlotError,
    },
    /// A node answered, and its answer is of no use. No other node gave a better one.
    Answer(AnswerError),
    /// No node answered in time.
    NoAnswer,
    /// Nodes answered, and none has a configuration that is newer than the board's own.
    NothingNewer,
    /// The board's ledger has no configuration, and the board may not ask nodes.
    NoConfig,
    /// The configuration has no address for this board's hardware address, in no family that the board speaks.
    NoAddress,
    /// The configuration names no boot server.
    NoServer,
}

impl fmt::Display for BoardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot { error, .. } => error.fmt(f),
            Self::Answer(error) => error.fmt(f),
            Self::NoAnswer => f.write_str("no node of the bootstore answered"),
            Self::NothingNewer => f.write_str(
                "nodes of the bootstore answered, and none has a newer configuration than the board",
            ),
            Self::NoConfig => f.write_str(
                "the board's ledger has no network configuration, and no node may be asked",
            ),
            Self::NoAddress => {
                f.write_str("the network configuration has no address for this board")
            }
            Self::NoServer => f.write_str("the network configuration names no boot server"),
        }
    }
}

impl core::error::Error for BoardError {}

impl Coded for BoardError {
    fn code(&self) -> u32 {
        number(match self {
            Self::Slot { error, .. } => return error.code(),
            Self::Answer(error) => return error.code(),
            Self::NoAnswer => 0xb1,
            Self::NothingNewer => 0xb2,
            Self::NoConfig => 0xb3,
            Self::NoAddress => 0xb4,
            Self::NoServer => 0xb5,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Slot { error, .. } => error.blame(),
            Self::Answer(error) => error.blame(),
            Self::NoAnswer => Blame::Network,
            Self::NothingNewer | Self::NoConfig | Self::NoAddress | Self::NoServer => {
                Blame::Configuration
            }
        }
    }

    fn facts(&self, out: &mut dyn Console) {
        if let Self::Answer(error) = self {
            error.facts(out);
        }
        if let Self::Slot { slot, error } = self {
            error.facts(out);
            out.word(
                "slot",
                match slot {
                    Slot::A => "a",
                    Slot::B => "b",
                },
            );
        }
    }
}
