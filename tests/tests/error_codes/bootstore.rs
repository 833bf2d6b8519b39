//! The errors of a boot by the bootstore. The rest of that crate's numbers are those of its daemon, and its own test has them.

use super::Row;
use super::lists::{list, same};
use bootstore::board::AnswerError;
use bootstore::board_error::BoardError;
use bootstore::ledger::Slot;
use bootstore::stored::SlotError;
use bootstore::wire::WireError;

pub fn rows() -> Vec<Row> {
    use AnswerError as A;
    use BoardError as B;
    use SlotError as S;
    let mut rows = Vec::new();
    list!(rows, AnswerError, "AnswerError", same,
        A::Malformed => A::Malformed, "Malformed",
            "Something else than a node answers on UDP port 12346, or the answer was damaged: see which machine it is.";
        A::Nonce => A::Nonce, "Nonce",
            "The node answers another board, or somebody makes answers up: see which machine it is.";
        A::Late => A::Late, "Late",
            "The node is slow, or so is the way to it; it has 200 ms after the first answer of any node.";
        A::Config(_) => A::Config(WireError::Malformed { at: 3 }), "Config",
            "The rack has a configuration of another version, or what somebody stored is none: set it anew with `bootstore config set`.";
        A::Generation { .. } => A::Generation { found: 4 }, "Generation",
            "The configuration was not stored by `bootstore config set`, or somebody makes answers up: set it anew.";
        A::Tried { .. } => A::Tried { generation: 9 }, "Tried",
            "See whether the servers of that configuration run. If nobody has set such a generation, a machine on the link lies.";
    );
    let slot = |error| B::Slot {
        slot: Slot::A,
        error,
    };
    list!(rows, SlotError, "SlotError", slot,
        S::Medium => S::Medium, "Medium",
            "The board's driver cannot read its storage: look at the flash.";
        S::Torn => S::Torn, "Torn",
            "Power was lost in the middle of a write, or the flash has lost octets. The other slot serves; the next configuration that is stored mends it.";
        S::Value(_) => S::Value(WireError::Malformed { at: 3 }), "Value",
            "Another version has written the ledger, or not `bootstore::stored::store`: store the configuration anew.";
        S::Generation { .. } => S::Generation { found: 4 }, "Generation",
            "Something else than `bootstore::stored::store` has written the ledger: store the configuration anew.";
        S::Conflict => S::Conflict, "Conflict",
            "Two writers have used the ledger at the same time, or its flash was copied: store the configuration anew.";
    );
    list!(rows, BoardError, "BoardError", same,
        // Errors of the parts keep their own numbers.
        B::Slot { .. } => slot(S::Torn), "Slot", "";
        B::Answer(_) => B::Answer(A::Late), "Answer", "";
        B::NoAnswer => B::NoAnswer, "NoAnswer",
            "See that a node with `boards` in its configuration runs on the same network, and that UDP port 12346 passes; a board without an address asks over IPv6 only.";
        B::NothingNewer => B::NothingNewer, "NothingNewer",
            "Set a newer configuration with `bootstore config set`: what the board has leads to no boot, and the rack has nothing else.";
        B::NoConfig => B::NoConfig, "NoConfig",
            "Store a configuration in the board's ledger, or let the board ask nodes (`BootstoreConfig::ask`).";
        B::NoAddress => B::NoAddress, "NoAddress",
            "List the board's hardware address under `hosts`, or give the configuration a prefix of IPv6 and the board a build that speaks it.";
        B::NoServer => B::NoServer, "NoServer",
            "Name at least one URI under `servers` in the configuration.";
    );
    rows.retain(|row| !row.advice.is_empty());
    rows
}
