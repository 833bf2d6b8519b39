//! Error numbers are stable, unique, and belong to this crate's module.

use bootstore::board::AnswerError;
use bootstore::board_error::BoardError;
use bootstore::error::MODULE;
use bootstore::ledger::{LedgerError, Slot};
use bootstore::network_config::StaleNetworkConfig;
use bootstore::node::NodeError;
use bootstore::schemes::v0::error::TooManyPeers;
use bootstore::schemes::v0::{ApiError, MsgError, RemoteError};
use bootstore::seal::SealError;
use bootstore::stored::{SlotError, StoreError};
use bootstore::trust_quorum::TrustQuorumError;
use bootstore::trust_quorum::error::PackageFault;
use bootstore::wire::WireError;
use bootstore::{Baseboard, RackUuid};
use netboot_core::Coded;

#[test]
fn numbers_are_unique_and_stable() {
    let medium: LedgerError<&str> = LedgerError::Medium("worn out");
    let (damaged, conflict): (LedgerError<&str>, LedgerError<&str>) = (
        LedgerError::Damaged,
        LedgerError::Conflict { generation: 3 },
    );
    let stale = StaleNetworkConfig {
        current: 2,
        tried: 2,
    };
    let crowd = TooManyPeers(Baseboard::pc("a", "m").unwrap());
    let rack = RackUuid([1; 16]);
    let remote = RemoteError::RackUuidMismatch {
        expected: rack,
        got: rack,
    };
    let bad = WireError::Buffer;
    let slot = |error| BoardError::Slot {
        slot: Slot::A,
        error,
    };
    let (slots, stale_store) = (
        [
            SlotError::Medium,
            SlotError::Torn,
            SlotError::Value(bad),
            SlotError::Generation { found: 1 },
            SlotError::Conflict,
        ],
        StoreError::<&str>::Stale(stale),
    );
    let board = slots.map(slot);
    let expected: [(&dyn Coded, u16); 68] = [
        (&TrustQuorumError::NoMembers, 0x01),
        (&TrustQuorumError::TooManyMembers { members: 33 }, 0x02),
        (&TrustQuorumError::DuplicateMember, 0x03),
        (&TrustQuorumError::ZeroX, 0x04),
        (&TrustQuorumError::NonCanonical { x: 1 }, 0x05),
        (&TrustQuorumError::DuplicateX { x: 1 }, 0x06),
        (&TrustQuorumError::TooFewShares { have: 1, need: 2 }, 0x07),
        (&TrustQuorumError::UnknownShare { x: 1 }, 0x08),
        (&TrustQuorumError::BadPackage(PackageFault::Epoch), 0x09),
        (&TrustQuorumError::Decryption, 0x0a),
        (&TrustQuorumError::Buffer { need: 1 }, 0x0b),
        (&ApiError::AlreadyInitialized, 0x21),
        (&ApiError::NotInitialized, 0x22),
        (&ApiError::StillLearning, 0x23),
        (&ApiError::NotAMember, 0x24),
        (
            &ApiError::RackInitTimeout {
                acked: 1,
                members: 3,
            },
            0x25,
        ),
        (&ApiError::RackSecretTimeout { have: 1, need: 2 }, 0x26),
        (&ApiError::TooManyRequests, 0x27),
        (&MsgError::NotConnected, 0x31),
        (&MsgError::UnexpectedResponse, 0x32),
        (&MsgError::Remote(remote), 0x33),
        (&MsgError::ShareOfAnother { x: 1 }, 0x34),
        (&MsgError::TooManyRequests, 0x35),
        (&crowd, 0x36),
        (&WireError::Malformed { at: 1 }, 0x41),
        (&WireError::Fields { at: 1 }, 0x42),
        (&WireError::Variant { at: 1 }, 0x43),
        (&WireError::Bounds { at: 1 }, 0x44),
        (&WireError::Trailing { octets: 1 }, 0x45),
        (
            &WireError::FrameLength {
                length: 0,
                limit: 9,
            },
            0x46,
        ),
        (
            &WireError::Scheme {
                scheme: 1,
                version: 0,
            },
            0x47,
        ),
        (&WireError::Buffer, 0x48),
        (&stale, 0x51),
        (&medium, 0x61),
        (&damaged, 0x62),
        (&conflict, 0x63),
        (&SealError::NotSealed, 0x71),
        (&SealError::WrongKey, 0x72),
        (&SealError::Buffer { need: 1 }, 0x73),
        (&SealError::Label, 0x74),
        (&AnswerError::Malformed, 0x81),
        (&AnswerError::Nonce, 0x82),
        (&AnswerError::Late, 0x83),
        (&AnswerError::Config(bad), 0x84),
        (&AnswerError::Generation { found: 1 }, 0x85),
        (&AnswerError::Tried { generation: 1 }, 0x86),
        (&slots[0], 0xa1),
        (&slots[1], 0xa2),
        (&slots[2], 0xa3),
        (&slots[3], 0xa4),
        (&slots[4], 0xa5),
        (&BoardError::NoAnswer, 0xb1),
        (&BoardError::NothingNewer, 0xb2),
        (&BoardError::NoConfig, 0xb3),
        (&BoardError::NoAddress, 0xb4),
        (&BoardError::NoServer, 0xb5),
        (&NodeError::UnknownConnection, 0x91),
        (&NodeError::TooManyConnections, 0x92),
        (&NodeError::OutOfOrder, 0x93),
        (&NodeError::OwnIdentity, 0x94),
        (&NodeError::FalseIdentity, 0x95),
        (&NodeError::WrongDirection, 0x96),
        (&NodeError::WrongAddress, 0x97),
        // An error that only carries another has that one's number.
        (&NodeError::Wire(WireError::Buffer), 0x48),
        (&ApiError::TrustQuorum(TrustQuorumError::ZeroX), 0x04),
        (&board[0], 0xa1),
        (&BoardError::Answer(AnswerError::Late), 0x83),
        (&stale_store, 0x51),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for (index, (error, number)) in expected.iter().enumerate() {
        assert_eq!(error.code(), u32::from(MODULE) << 16 | u32::from(*number));
        let _ = error.blame();
        assert!(
            index >= 63 || seen.insert(*number),
            "{number:#x} is there twice"
        );
    }
    let sentences = [
        ApiError::RackSecretTimeout { have: 1, need: 2 }.to_string(),
        stale.to_string(),
        WireError::FrameLength {
            length: 0,
            limit: 9,
        }
        .to_string(),
    ];
    assert_eq!(
        sentences,
        [
            "only 1 of the 2 shares that unlock the rack came in time; connect more members",
            "generation 2 is not above the current generation 2; read it and try the next one",
            "a frame of 0 octets came, 1 to 9 are allowed",
        ]
    );
}
