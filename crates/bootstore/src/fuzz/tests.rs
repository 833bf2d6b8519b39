use super::machine::drive;
use super::{machine, octets};
use crate::persist::{STATE_MAX, encode_state};
use crate::schemes::v0::state::InitialMember;
use crate::schemes::v0::state::StateName;
use crate::schemes::v0::{Message, Request, State};
use crate::trust_quorum::Dealer;
use crate::wire::Msg;
use crate::{Baseboard, RackUuid, RequestId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use std::vec::Vec;

fn noise(rng: &mut ChaCha20Rng, len: usize) -> Vec<u8> {
    let mut noise = std::vec![0; len];
    rng.fill_bytes(&mut noise);
    noise
}

/// Changes, cuts or repeats a few octets.
fn mutate(rng: &mut ChaCha20Rng, octets: &mut Vec<u8>) {
    for _ in 0..=rng.next_u32() % 3 {
        if octets.len() < 2 {
            return;
        }
        let at = 1 + rng.next_u32() as usize % (octets.len() - 1);
        match rng.next_u32() % 5 {
            0 => octets[at] ^= 1 << (rng.next_u32() % 8),
            1 => octets[at] = rng.next_u32() as u8,
            2 => octets.truncate(at),
            3 => octets.insert(at, rng.next_u32() as u8),
            _ => {
                octets.remove(at);
            }
        }
    }
}

/// `BOOTSTORE_FUZZ=100000 cargo test --release -p bootstore --lib fuzz` runs more.
fn rounds() -> u64 {
    match std::env::var("BOOTSTORE_FUZZ") {
        Ok(rounds) => rounds.parse().expect("BOOTSTORE_FUZZ is a number"),
        Err(_) => 400,
    }
}

/// Whole items, each behind the octet that selects its reader.
fn corpus() -> Vec<Vec<u8>> {
    let ids: Vec<_> = (0..3)
        .map(|n| Baseboard::pc(&std::format!("00{n}"), "0").unwrap())
        .collect();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let dealer = Dealer::new(RackUuid([1; 16]), &ids, &mut rng).unwrap();
    let package = dealer.package(0).unwrap();
    let mut buffer = std::vec![0; STATE_MAX];
    let mut corpus = Vec::new();
    let mut put = |reader: u8, octets: &[u8]| {
        corpus.push([&[reader], octets].concat());
    };
    let mut member = InitialMember::new(package.clone(), true);
    member.set_aside(&Baseboard::pc("009", "0").unwrap(), 0);
    let len = encode_state(&State::InitialMember(member), &mut buffer).unwrap();
    put(3, &buffer[..len]);
    let init = Msg::Fsm(Message::Request {
        id: RequestId([2; 16]),
        request: Request::Init(package),
    });
    let len = init.encode(&mut buffer).unwrap();
    put(0, &buffer[..len]);
    put(0, b"\x64Ping");
    put(
        0,
        b"\xa1\x6dNetworkConfig\xa2\x6ageneration\x01\x64blob\x83\x01\x02\x18\xc8",
    );
    put(
        1,
        b"\xa2\x62id\xa3\x64type\x62pc\x6aidentifier\x61a\x65model\x610\x64addr\x82\x90\
          \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x19\x30\x3a",
    );
    put(2, &[0xa3, 0, 1, 1, 1, 5, 0x81, 0x61, b'x']);
    put(4, &[0x83, 1, 5, 0x42, 1, 2]);
    put(5, &[40, 30, 9, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 1, 7]);
    put(6, &[0, 3, 1, 2, 3, 1, 0, 1, 0]);
    let mut record = b"FUZZ\0\0\0\0\0\0\0\x01\0\0\0\x02hi".to_vec();
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&record);
    record.extend(crc.to_be_bytes());
    put(7, &[&[record.len() as u8], &record[..]].concat());
    put(8, b"BSS1");
    corpus
}

#[test]
fn readers_on_a_corpus_and_its_mutations() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    for whole in corpus() {
        octets(&whole);
        let rounds = if whole.len() > 1000 { 300 } else { 3_000 };
        for _ in 0..rounds {
            let mut mutated = whole.clone();
            mutate(&mut rng, &mut mutated);
            octets(&mutated);
        }
    }
    for _ in 0..20_000 {
        let len = rng.next_u32() as usize % 80;
        octets(&noise(&mut rng, len));
    }
}

#[test]
fn machines_on_pseudo_random_inputs() {
    for seed in 0..rounds() {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let len = rng.next_u32() as usize % 200;
        let mut input = noise(&mut rng, len);
        // Peers first, as nothing happens before.
        input.splice(0..0, [6, 1, 6, 2, 6, 4, 6, 5]);
        machine(&input);
    }
}

#[test]
fn hand_made_inputs_reach_deep_states() {
    let whole = [
        // Peers 1, 2 and 4; a rack; the acknowledgments; a load, and a share of 1.
        6, 1, 6, 2, 6, 4, 2, 9, 1, 0x47, 9, 2, 0x47, 4, 9, 1, 0x4d,
        // Peer 4 learns, and 2 helps.
        9, 4, 5, 9, 2, 0x4d,
    ];
    for len in 0..=whole.len() {
        machine(&whole[..len]);
    }
    let reached = drive(&whole);
    assert_eq!(
        (
            reached.state,
            reached.secrets,
            reached.learners,
            reached.pending
        ),
        (StateName::InitialMember, 1, 1, false)
    );
    // Another coordinator's package; then a learner that gets a share.
    let reached = drive(&[6, 1, 9, 1, 2, 0, 0, 9, 1, 3]);
    assert_eq!(reached.state, StateName::InitialMember);
    let reached = drive(&[6, 1, 3, 9, 1, 0x49, 5, 0, 9, 1, 3]);
    assert_eq!(reached.state, StateName::Learned);
    machine(&[]);
}
