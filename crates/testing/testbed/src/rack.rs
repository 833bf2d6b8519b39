//! What a rack remembers of its network: the configuration of a plan, as a board's ledger and as a node have it.

use crate::addresses::{CLIENT, SERVER6};
pub use crate::ethernet::MAC;
use bootstore::NetworkConfig;
use bootstore::early::{EarlyNetConfig, V4, V6};
use bootstore::ledger::{Ledger, Slot};
use bootstore::network_config::BLOB_MAX;
use bootstore::stored::{MediumFailed, store};
use image_server::NodeConfig;
use std::fmt::Write as _;
use std::net::Ipv6Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a board without a DHCP server has its network from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// The board's own ledger, which lies in its settings.
    Ledger,
    /// A node on the same network.
    Node,
}

/// A configuration by which a board boots: its address, of IPv6 with `v6`, and the place of the images.
pub fn early(v6: bool, place: &str, generation: u64) -> EarlyNetConfig {
    let mut config = EarlyNetConfig {
        generation,
        ..EarlyNetConfig::default()
    };
    if v6 {
        let [a, b, c, d, ..] = SERVER6.segments();
        config.v6 = Some(V6 {
            prefix: Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0),
            router: None,
            dns: heapless::Vec::new(),
        });
    } else {
        config.v4 = Some(V4 {
            prefix_len: 24,
            router: None,
            dns: heapless::Vec::new(),
            hosts: heapless::Vec::from_slice(&[(MAC, CLIENT)]).expect("there is room"),
        });
    }
    serve(&mut config, place);
    config
}

/// Adds a boot server to a configuration.
///
/// # Panics
/// When there is no room for it.
pub fn serve(config: &mut EarlyNetConfig, uri: &str) {
    let uri = heapless::String::try_from(uri).expect("a URI that fits");
    config.servers.push(uri).expect("room for a server");
}

/// The CBOR of a configuration.
///
/// # Panics
/// When a value in it is outside its range.
pub fn octets(config: &EarlyNetConfig) -> Vec<u8> {
    let mut buffer = [0; BLOB_MAX];
    let len = config.encode(&mut buffer).expect("a valid configuration");
    buffer.get(..len).unwrap_or_default().to_vec()
}

/// The replicated configuration that carries this one.
///
/// # Panics
/// As for [`octets`].
pub fn carried(config: &EarlyNetConfig) -> NetworkConfig {
    NetworkConfig::new(config.generation, &octets(config)).expect("a configuration that fits")
}

/// A healthy node that has this configuration. `number` tells it from others.
pub fn node(number: u8, config: &EarlyNetConfig) -> NodeConfig {
    NodeConfig {
        mac: [2, 0, 0, 0, 1, number],
        network: Some(carried(config)),
        ..NodeConfig::default()
    }
}

/// A ledger in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger(pub [Vec<u8>; 2]);

impl Ledger for MemoryLedger {
    type Error = MediumFailed;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, MediumFailed> {
        let octets = self.0.get(slot as usize).ok_or(MediumFailed)?;
        for (to, octet) in buffer.iter_mut().zip(octets) {
            *to = *octet;
        }
        Ok(octets.len().min(buffer.len()))
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), MediumFailed> {
        let to = self.0.get_mut(slot as usize).ok_or(MediumFailed)?;
        *to = octets.to_vec();
        Ok(())
    }
}

/// A ledger in memory that several boots share.
#[derive(Clone, Debug, Default)]
pub struct SharedLedger(pub Arc<Mutex<MemoryLedger>>);

impl SharedLedger {
    fn lock(&self) -> MutexGuard<'_, MemoryLedger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for SharedLedger {
    type Error = MediumFailed;

    fn read(&mut self, slot: Slot, buffer: &mut [u8]) -> Result<usize, MediumFailed> {
        self.lock().read(slot, buffer)
    }

    fn write(&mut self, slot: Slot, octets: &[u8]) -> Result<(), MediumFailed> {
        self.lock().write(slot, octets)
    }
}

impl MemoryLedger {
    /// A ledger in which these configurations were stored, one after the other.
    ///
    /// # Panics
    /// When one of them cannot be stored.
    pub fn with(configs: &[EarlyNetConfig]) -> Self {
        let mut ledger = Self::default();
        for config in configs {
            store(&mut ledger, &octets(config)).expect("a newer configuration");
        }
        ledger
    }

    /// The lines of the settings that give a board this ledger.
    pub fn settings(&self) -> String {
        let mut text = String::new();
        for (name, slot) in ["a", "b"].iter().zip(&self.0) {
            if slot.is_empty() {
                continue;
            }
            write!(text, "ledger {name} ").expect("a string");
            for octet in slot {
                write!(text, "{octet:02x}").expect("a string");
            }
            text.push('\n');
        }
        text
    }
}
