use super::*;
use crate::network_config::BLOB_MAX;
use std::vec;
use std::vec::Vec;

#[derive(Clone, Default)]
struct Memory {
    slots: [Vec<u8>; 2],
    broken: Option<Slot>,
}

impl Ledger for Memory {
    type Error = MediumFailed;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, MediumFailed> {
        if self.broken == Some(slot) {
            return Err(MediumFailed);
        }
        let octets = &self.slots[slot as usize];
        let count = octets.len().min(buffer.len());
        buffer[..count].copy_from_slice(&octets[..count]);
        Ok(count)
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), MediumFailed> {
        if self.broken == Some(slot) {
            return Err(MediumFailed);
        }
        self.slots[slot as usize] = octets.to_vec();
        Ok(())
    }
}

fn octets(generation: u64) -> Vec<u8> {
    let config = EarlyNetConfig {
        generation,
        sztp: true,
        ..EarlyNetConfig::default()
    };
    let mut buffer = [0; BLOB_MAX];
    let len = config.encode(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

fn with(generations: &[u64]) -> Memory {
    let mut memory = Memory::default();
    for generation in generations {
        store(&mut memory, &octets(*generation)).unwrap();
    }
    memory
}

/// The generation that is loaded, and what was told of the slots.
fn loaded(memory: &mut Memory) -> (Option<u64>, Vec<(Slot, SlotError)>) {
    let mut told = Vec::new();
    // As a board has it: behind a pointer, and with the type of its errors alone.
    let ledger: &mut BoardLedger<'_> = memory;
    let mut config = EarlyNetConfig::decode(&octets(99)).unwrap();
    let found = load(ledger, &mut config, &mut |slot, error| {
        told.push((slot, error));
    });
    if !found {
        assert_eq!(config, EarlyNetConfig::default());
    }
    (found.then_some(config.generation), told)
}

/// A record that is whole by its checksum, with this value.
fn record(generation: u64, value: &[u8]) -> Vec<u8> {
    let mut journal = (Memory::default(), vec![0; 64 + value.len()]);
    let (mut one, _) = Journal::open(&mut journal.0, NETWORK_MAGIC, &mut journal.1).unwrap();
    for _ in 0..generation {
        let put = |to: &mut [u8]| {
            to[..value.len()].copy_from_slice(value);
            Ok(value.len())
        };
        one.store(&mut [0; RECORD_MAX], put).unwrap();
    }
    let slot = usize::from(generation.is_multiple_of(2));
    journal.0.slots[slot].clone()
}

#[test]
fn what_was_stored_last_is_loaded() {
    assert_eq!(loaded(&mut Memory::default()), (None, vec![]));
    assert_eq!(loaded(&mut with(&[1])), (Some(1), vec![]));
    assert_eq!(loaded(&mut with(&[1, 5, 6])), (Some(6), vec![]));
    assert_eq!(loaded(&mut with(&[1, 5, 6, 7])), (Some(7), vec![]));
}

#[test]
fn only_what_is_newer_and_can_be_read_is_stored() {
    let mut memory = with(&[5]);
    let before = memory.clone().slots;
    for tried in [1, 4, 5] {
        assert_eq!(
            store(&mut memory, &octets(tried)),
            Err(StoreError::Stale(StaleNetworkConfig { current: 5, tried }))
        );
    }
    for bad in [&b""[..], b"x", &octets(6)[1..]] {
        let error = store(&mut memory, bad);
        assert!(matches!(error, Err(StoreError::Config(_))), "{error:?}");
    }
    assert_eq!(memory.slots, before);
}

#[test]
fn a_damaged_slot_is_told_and_the_other_one_is_used() {
    // Generation 6 lies in slot B.
    for bit in 0..with(&[5, 6]).slots[1].len() * 8 {
        let mut memory = with(&[5, 6]);
        memory.slots[1][bit / 8] ^= 1 << (bit % 8);
        let told = vec![(Slot::B, SlotError::Torn)];
        assert_eq!(loaded(&mut memory), (Some(5), told));
        // The next one goes where the damage is.
        store(&mut memory, &octets(7)).unwrap();
        assert_eq!(loaded(&mut memory), (Some(7), vec![]));
    }
    let mut memory = with(&[5, 6]);
    memory.broken = Some(Slot::A);
    let told = vec![(Slot::A, SlotError::Medium)];
    assert_eq!(loaded(&mut memory), (Some(6), told));
}

#[test]
fn a_whole_record_without_a_configuration_is_told_and_the_other_one_is_used() {
    let good = with(&[5]).slots[0].clone();
    let mut mismatch = [0; RECORD_MAX];
    let carrier = NetworkConfig::new(9, &octets(8)).unwrap();
    let len = encode_network(&carrier, &mut mismatch).unwrap();
    for (value, wanted) in [
        (&b"nonsense"[..], None),
        (&mismatch[..len], Some(SlotError::Generation { found: 8 })),
    ] {
        let mut memory = Memory {
            slots: [good.clone(), record(2, value)],
            broken: None,
        };
        let (generation, told) = loaded(&mut memory);
        assert_eq!(generation, Some(5));
        let [(Slot::B, error)] = told[..] else {
            panic!("{told:?}");
        };
        match wanted {
            Some(wanted) => assert_eq!(error, wanted),
            None => assert!(matches!(error, SlotError::Value(_)), "{error:?}"),
        }
    }
}

#[test]
fn two_useless_slots_are_begun_anew_by_a_writer_and_by_nobody_else() {
    let mut damaged = with(&[5, 6]);
    for slot in &mut damaged.slots {
        slot[20] ^= 1;
    }
    let both = vec![(Slot::A, SlotError::Torn), (Slot::B, SlotError::Torn)];
    assert_eq!(loaded(&mut damaged), (None, both));
    store(&mut damaged, &octets(2)).unwrap();
    assert_eq!(loaded(&mut damaged).0, Some(2));

    let mut memory = Memory {
        slots: [with(&[5]).slots[0].clone(), with(&[6]).slots[0].clone()],
        broken: None,
    };
    let conflict = vec![(Slot::A, SlotError::Conflict)];
    assert_eq!(loaded(&mut memory), (None, conflict));
    store(&mut memory, &octets(3)).unwrap();
    assert_eq!(loaded(&mut memory).0, Some(3));

    let mut dead = with(&[5]);
    dead.broken = Some(Slot::B);
    let error = store(&mut dead, &octets(6));
    assert_eq!(
        error,
        Err(StoreError::Ledger(LedgerError::Medium(MediumFailed)))
    );
    dead.broken = None;
    assert_eq!(loaded(&mut dead), (Some(5), vec![]));
}
