use super::*;
use std::vec::Vec;

const MAGIC: [u8; 4] = *b"TEST";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Memory([Vec<u8>; 2]);

impl Ledger for Memory {
    type Error = &'static str;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        let octets = &self.0[slot as usize];
        let count = octets.len().min(buffer.len());
        buffer[..count].copy_from_slice(&octets[..count]);
        Ok(count)
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), Self::Error> {
        self.0[slot as usize] = octets.to_vec();
        Ok(())
    }
}

fn put(journal: &mut Journal<Memory>, value: &[u8]) {
    journal
        .store(&mut [0; 256], |buffer| {
            buffer[..value.len()].copy_from_slice(value);
            Ok(value.len())
        })
        .unwrap();
}

fn load(memory: Memory) -> Result<Option<Vec<u8>>, LedgerError<&'static str>> {
    let mut buffer = [0; 256];
    let (_, value) = Journal::open(memory, MAGIC, &mut buffer)?;
    Ok(value.map(<[u8]>::to_vec))
}

fn stored(values: &[&[u8]]) -> Memory {
    let mut buffer = [0; 256];
    let (mut journal, _) = Journal::open(Memory::default(), MAGIC, &mut buffer).unwrap();
    for value in values {
        put(&mut journal, value);
    }
    journal.into_ledger()
}

#[test]
fn the_newest_value_comes_back() {
    assert_eq!(load(stored(&[])), Ok(None));
    assert_eq!(load(stored(&[b"one"])), Ok(Some(b"one".to_vec())));
    assert_eq!(
        load(stored(&[b"one", b"two", b"3"])),
        Ok(Some(b"3".to_vec()))
    );
}

#[test]
fn a_write_torn_at_any_octet_leaves_the_value_before_it() {
    for count in 1..4 {
        let values: [&[u8]; 4] = [b"first", b"second value", b"3", b"and a fourth"];
        let before = stored(&values[..count]);
        let after = stored(&values[..=count]);
        let slot = (0..2)
            .find(|slot| before.0[*slot] != after.0[*slot])
            .unwrap();
        for cut in 0..after.0[slot].len() {
            // What was written, then what was there, then noise.
            let mut torn = before.clone();
            let mut octets = after.0[slot][..cut].to_vec();
            octets.extend(before.0[slot].iter().skip(cut));
            torn.0[slot] = octets;
            assert_eq!(load(torn.clone()), Ok(Some(values[count - 1].to_vec())));
            torn.0[slot].truncate(cut);
            assert_eq!(load(torn.clone()), Ok(Some(values[count - 1].to_vec())));
            torn.0[slot].extend([0xa5; 40]);
            assert_eq!(load(torn.clone()), Ok(Some(values[count - 1].to_vec())));
            // The next write goes to the torn slot, not to the good one.
            let mut buffer = [0; 256];
            let (mut journal, _) = Journal::open(torn, MAGIC, &mut buffer).unwrap();
            put(&mut journal, b"again");
            assert_eq!(load(journal.into_ledger()), Ok(Some(b"again".to_vec())));
        }
    }
}

#[test]
fn a_first_write_that_is_torn_stored_nothing() {
    let whole = stored(&[b"one"]);
    for cut in 0..whole.0[0].len() {
        let mut torn = whole.clone();
        torn.0[0].truncate(cut);
        assert_eq!(load(torn), Ok(None));
    }
}

#[test]
fn two_damaged_slots_are_no_new_node() {
    let mut memory = stored(&[b"one", b"two"]);
    for slot in &mut memory.0 {
        slot[17] ^= 1;
    }
    assert_eq!(load(memory), Err(LedgerError::Damaged));
}

#[test]
fn erased_flash_is_blank() {
    assert_eq!(
        load(Memory([std::vec![0xff; 64], std::vec![0; 64]])),
        Ok(None)
    );
}

#[test]
fn another_ledgers_record_is_refused() {
    let memory = stored(&[b"one", b"two"]);
    let mut buffer = [0; 256];
    let error = Journal::open(memory, *b"ELSE", &mut buffer).unwrap_err();
    assert_eq!(error, LedgerError::Damaged);
}

#[test]
fn every_flipped_bit_is_seen() {
    let memory = stored(&[b"one", b"two"]);
    for bit in 0..memory.0[1].len() * 8 {
        let mut flipped = memory.clone();
        flipped.0[1][bit / 8] ^= 1 << (bit % 8);
        assert_eq!(load(flipped), Ok(Some(b"one".to_vec())));
    }
}
