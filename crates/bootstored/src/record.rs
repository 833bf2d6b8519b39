//! The record that a board's own ledger has of a network configuration.

use crate::early_json::EarlyJson;
use anyhow::Result;
use bootstore::ledger::{Ledger, Slot};
use bootstore::stored::{MediumFailed, store};

/// Two slots in memory.
#[derive(Default)]
struct Slots([Vec<u8>; 2]);

impl Ledger for Slots {
    type Error = MediumFailed;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, MediumFailed> {
        let octets = self.0.get(slot as usize).ok_or(MediumFailed)?;
        let count = octets.len().min(buffer.len());
        let (to, from) = (buffer.get_mut(..count), octets.get(..count));
        to.zip(from)
            .map(|(to, from)| to.copy_from_slice(from))
            .ok_or(MediumFailed)?;
        Ok(count)
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), MediumFailed> {
        *self.0.get_mut(slot as usize).ok_or(MediumFailed)? = octets.to_vec();
        Ok(())
    }
}

/// The octets of slot A of a new ledger that has this configuration, with this generation.
///
/// # Errors
/// A value is outside its range, or the whole is too long.
pub fn record(config: &EarlyJson, generation: u64) -> Result<Vec<u8>> {
    let mut ledger = Slots::default();
    store(&mut ledger, &config.encode(generation)?)?;
    let Slots([first, _]) = ledger;
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bootstore::early::EarlyNetConfig;
    use bootstore::stored::load;

    #[test]
    fn a_board_reads_the_record() {
        let json = r#"{ "servers": ["tftp://10.0.2.2/"], "v6": { "prefix": "fd00:1::" } }"#;
        let config: EarlyJson = serde_json::from_str(json).unwrap();
        let mut board = Slots([record(&config, 7).unwrap(), Vec::new()]);
        let mut read = EarlyNetConfig::default();
        assert!(load(&mut board, &mut read, &mut |slot, error| panic!(
            "{slot:?}: {error}"
        )));
        assert_eq!(
            (read.generation, &*read.servers[0]),
            (7, "tftp://10.0.2.2/")
        );
        assert!(record(&config, 0).is_err());
    }
}
