//! Settings of the bootstore, where a real board has a ledger in its flash.
//!
//! ```text
//! bootstore ask                       # nodes may be asked, every one on the link
//! bootstore ask fe80::1 10.0.2.3      # these nodes, on UDP port 12346
//! bootstore_ms 3000                   # longest time for one question
//! ledger a 42534e31...                # the record in slot a, in hexadecimal; also slot b
//! ```

use bootstore::board::PORT;
use bootstore::ledger::{Ledger, Slot};
use bootstore::stored::{MediumFailed, RECORD_MAX};
use core::net::SocketAddr;
use heapless::Vec;
use netboot_app::BootstoreConfig;
use netboot_core::Duration;
use netboot_core::digest::hex_pair;
use netboot_core::uri::parse_ip;

/// Greatest number of nodes that can be named.
pub const MAX_NODES: usize = 4;

/// The bootstore as the board uses it.
#[derive(Clone, Debug, Default)]
pub struct BootstoreSettings {
    /// Whether nodes are asked.
    pub ask: bool,
    /// The nodes; empty for every one on the link.
    pub nodes: Vec<SocketAddr, MAX_NODES>,
    /// Longest time for one question.
    pub patience: Option<Duration>,
    /// The records of the board's own ledger, by slot.
    pub ledger: [Vec<u8, RECORD_MAX>; 2],
}

impl BootstoreSettings {
    /// Takes in one setting. `None` when it is none of these; then `Some(None)` when its value does not fit.
    pub(crate) fn line(
        &mut self,
        key: &str,
        words: &mut dyn Iterator<Item = &str>,
    ) -> Option<Option<()>> {
        Some(match key {
            "bootstore" => self.asked(words),
            "bootstore_ms" => words
                .next()
                .and_then(crate::settings::number)
                .map(|millis| self.patience = Some(Duration::from_millis(millis))),
            "ledger" => self.record(words),
            _ => return None,
        })
    }

    fn asked(&mut self, words: &mut dyn Iterator<Item = &str>) -> Option<()> {
        self.ask = words.next()? == "ask";
        self.nodes.clear();
        for word in words {
            let node = SocketAddr::new(parse_ip(word)?, PORT);
            self.nodes.push(node).ok()?;
        }
        self.ask.then_some(())
    }

    fn record(&mut self, words: &mut dyn Iterator<Item = &str>) -> Option<()> {
        let [a, b] = &mut self.ledger;
        let slot = match words.next()? {
            "a" => a,
            "b" => b,
            _ => return None,
        };
        slot.clear();
        let (pairs, rest) = words.next()?.as_bytes().as_chunks::<2>();
        for [high, low] in pairs {
            slot.push(hex_pair(*high, *low)?).ok()?;
        }
        rest.is_empty().then_some(())
    }

    /// What the boot application has to know.
    pub fn config(&self) -> BootstoreConfig<'_> {
        let default = BootstoreConfig::default();
        BootstoreConfig {
            ask: self.ask,
            nodes: &self.nodes,
            patience: self.patience.unwrap_or(default.patience),
        }
    }
}

/// The ledger in the settings, which can only be read.
#[derive(Clone, Copy, Debug)]
pub struct SettingsLedger<'s>(pub &'s BootstoreSettings);

impl Ledger for SettingsLedger<'_> {
    type Error = MediumFailed;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, MediumFailed> {
        let [a, b] = &self.0.ledger;
        let octets = match slot {
            Slot::A => a,
            Slot::B => b,
        };
        for (to, octet) in buffer.iter_mut().zip(octets) {
            *to = *octet;
        }
        Ok(octets.len().min(buffer.len()))
    }

    fn write(&mut self, _: Slot, _: &[u8]) -> Result<(), MediumFailed> {
        Err(MediumFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_ledger_and_the_nodes_are_read() {
        let mut settings = Settings::default();
        let text = "ledger b 00fFa5\nbootstore ask fe80::1 10.0.2.3\nbootstore_ms 3000\norder dhcp bootstore";
        settings.parse(text).unwrap();
        let told = &settings.sources.bootstore;
        let mut buffer = [9; 4];
        let mut ledger = SettingsLedger(told);
        assert_eq!(ledger.read(Slot::B, &mut buffer), Ok(3));
        assert_eq!(buffer, [0, 0xff, 0xa5, 9]);
        assert_eq!(ledger.read(Slot::A, &mut buffer), Ok(0));
        assert_eq!(ledger.read(Slot::B, &mut buffer[..1]), Ok(1));
        assert_eq!(ledger.write(Slot::A, &[]), Err(MediumFailed));
        let config = told.config();
        let nodes = ["[fe80::1]:12346", "10.0.2.3:12346"].map(|node| node.parse().unwrap());
        assert_eq!((config.ask, config.nodes), (true, &nodes[..]));
        assert_eq!(config.patience, Duration::from_secs(3));
        assert!(!Settings::default().sources.bootstore.config().ask);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for text in [
            "ledger c 00",
            "ledger a 0",
            "ledger a 0g",
            "ledger a +1",
            "ledger a",
            "bootstore",
            "bootstore tell",
            "bootstore ask nowhere",
            "bootstore ask ::1 ::2 ::3 ::4 ::5",
            "bootstore_ms soon",
        ] {
            assert!(Settings::default().parse(text).is_err(), "{text}");
        }
    }
}
