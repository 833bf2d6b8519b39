//! What is measured: who fetches, by what, over which wire, and how much.

use super::stats;
use netboot_core::Duration;
use netsim::LinkConfig;
use serde::Serialize;

/// Octets of the file where it can be fetched in reasonable time.
pub const LARGE: u64 = 16 << 20;
/// Octets of the file where it cannot.
pub const SMALL: u64 = 1 << 20;
/// Octets of a TFTP block: what an Ethernet frame holds.
pub const BLKSIZE: u64 = 1468;
/// Octets of the file where each one, or each sixteenth, waits for a timer or a long round trip.
pub const TINY: u64 = 256 << 10;
/// What a fetch may take by its limit, in seconds; else a smaller file is fetched.
const PATIENCE: f64 = 6.0;

/// Who fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// The ROM, into a sink in RAM; as the others, it hashes nothing meanwhile.
    Rom,
    /// The ROM as it boots: with SHA-256 over all that passes.
    RomHashing,
    /// U-Boot for riscv64, into RAM.
    UBoot,
    /// iPXE for x86, into RAM.
    Ipxe,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 4] = [Client::Rom, Client::RomHashing, Client::UBoot, Client::Ipxe];

    /// Whether it is ours.
    pub const fn is_rom(self) -> bool {
        matches!(self, Client::Rom | Client::RomHashing)
    }

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Client::Rom => "ROM",
            Client::RomHashing => "ROM, SHA-256",
            Client::UBoot => "U-Boot",
            Client::Ipxe => "iPXE",
        }
    }
}

/// What carries the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// TFTP with this windowsize (RFC 7440).
    Tftp {
        /// Blocks
        windowsize: u16,
    },
    /// HTTP; the client's receive buffer where it is ours to say, and the connections that share the file.
    Http {
        /// Octets of the receive buffer in KiB; 0 is the client's own.
        buffer_kib: u32,
        /// Parallel connections
        connections: u8,
    },
    /// The UDP boot protocol with this window. Every block is verified: SHA-256 is part of it.
    Ubp {
        /// Blocks
        window: u16,
    },
    /// HTTP over TLS, with the ROM's own buffers: TLS 1.3 with ChaCha20-Poly1305 for the ROM, 1.2 with AES-128-GCM for iPXE.
    Https,
}

impl Carrier {
    /// What tables call it.
    pub fn name(self) -> String {
        match self {
            Carrier::Tftp { windowsize } => format!("TFTP, windowsize {windowsize}"),
            Carrier::Http { buffer_kib: 0, .. } => "HTTP".into(),
            Carrier::Http {
                buffer_kib,
                connections: 1,
            } => format!("HTTP, {buffer_kib} KiB"),
            Carrier::Http {
                buffer_kib,
                connections,
            } => format!("HTTP, {connections} x {buffer_kib} KiB"),
            Carrier::Ubp { window } => format!("UBP, window {window}"),
            Carrier::Https => "HTTPS".into(),
        }
    }

    /// Octets that may be on their way; `None` where that is not known.
    pub fn window(self) -> Option<u64> {
        match self {
            Carrier::Tftp { windowsize } => Some(u64::from(windowsize) * BLKSIZE),
            Carrier::Ubp { window } => Some(u64::from(window) << 10),
            Carrier::Http { buffer_kib: 0, .. } | Carrier::Https => None,
            Carrier::Http {
                buffer_kib,
                connections,
            } => Some((u64::from(buffer_kib) << 10) * u64::from(connections)),
        }
    }

    /// The server that is asked.
    pub fn server(self) -> &'static str {
        match self {
            Carrier::Tftp { windowsize: 1 } => "dnsmasq",
            // dnsmasq has no option windowsize, and atftpd adds to a delay between blocks with each loss.
            Carrier::Tftp { .. } => "image server",
            Carrier::Http { .. } | Carrier::Https => "nginx",
            Carrier::Ubp { .. } => "netboot serve",
        }
    }
}

/// The wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// No delay, no loss.
    Clean,
    /// One millisecond one way.
    Near,
    /// Ten milliseconds one way.
    Far,
    /// No delay, one frame in a hundred lost, both ways.
    Lossy,
    /// One millisecond one way, one frame in a hundred lost, both ways.
    NearLossy,
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Clean,
        Self::Near,
        Self::Far,
        Self::Lossy,
        Self::NearLossy,
    ];

    /// What tables call it.
    pub const fn name(self) -> &'static str {
        match self {
            Wire::Clean => "0 ms",
            Wire::Near => "1 ms",
            Wire::Far => "10 ms",
            Wire::Lossy => "0 ms, 1 % loss",
            Wire::NearLossy => "1 ms, 1 % loss",
        }
    }

    const fn millis(self) -> u64 {
        match self {
            Wire::Clean | Wire::Lossy => 0,
            Wire::Near | Wire::NearLossy => 1,
            Wire::Far => 10,
        }
    }

    /// Whether frames are lost.
    pub const fn loses(self) -> bool {
        matches!(self, Wire::Lossy | Wire::NearLossy)
    }

    /// One-way delay.
    pub const fn delay(self) -> Duration {
        Duration::from_millis(self.millis())
    }

    /// The link.
    pub fn link(self) -> LinkConfig {
        LinkConfig {
            loss: if self.loses() { 0.01 } else { 0.0 },
            ..LinkConfig::with_delay(self.delay())
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Case {
    /// Who fetches.
    pub client: Client,
    /// What carries the file.
    pub carrier: Carrier,
    /// The wire.
    pub wire: Wire,
}

impl Case {
    /// What the history calls it.
    pub fn name(&self) -> String {
        format!(
            "{} / {} / {}",
            self.client.name(),
            self.carrier.name(),
            self.wire.name()
        )
    }

    /// Octets per second that one window for each round trip lets through.
    pub fn limit(&self) -> Option<f64> {
        let window = self.carrier.window()?;
        stats::limit(window, self.wire.delay())
    }

    /// Octets of the file: few where a window or loss makes many last too long.
    pub fn octets(&self) -> u64 {
        let limit = self.limit();
        let slow = |octets: u64| limit.is_some_and(|limit| octets as f64 / limit > PATIENCE);
        let lockstep = self.carrier == Carrier::Tftp { windowsize: 1 };
        if slow(SMALL) || lockstep && self.wire.loses() {
            return TINY;
        }
        let waits_for_timers = match self.carrier {
            Carrier::Tftp { .. } => !self.client.is_rom(),
            // Fewer segments on their way than make a fast retransmission (RFC 5681, section 3.2).
            Carrier::Http { buffer_kib, .. } => (1..=8).contains(&buffer_kib),
            Carrier::Https | Carrier::Ubp { .. } => false,
        };
        // The window of the ROM's own buffer, twice: a minute.
        let narrow =
            (self.client, self.carrier, self.wire) == (Client::Rom, Carrier::Https, Wire::Far);
        match slow(LARGE) || narrow || self.wire.loses() && waits_for_timers {
            true => SMALL,
            false => LARGE,
        }
    }

    /// Fetches in one boot; the last one counts. The second has a warm connection, an ARP entry and a congestion
    /// window, so that servers' slow start is not taken for the client's.
    pub fn fetches(&self) -> usize {
        match self.carrier {
            // The first one has the server compute the tree.
            Carrier::Http { .. } | Carrier::Https | Carrier::Ubp { .. } => 2,
            Carrier::Tftp { .. } => 1,
        }
    }
}

/// How many cases there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The few that tell whether something is badly wrong.
    Quick,
    /// What goals and limits need, in half an hour with five runs.
    Usual,
    /// Each carrier over each wire.
    All,
}

/// The cases of `client`.
pub fn cases(client: Client, scope: Scope) -> Vec<Case> {
    let carriers = carriers(client, scope == Scope::Quick).into_iter();
    let cases = carriers.flat_map(|carrier| {
        let wires = wires(client, carrier, scope).iter();
        wires.map(move |&wire| Case {
            client,
            carrier,
            wire,
        })
    });
    cases.collect()
}

/// The wires that `carrier` is measured over.
fn wires(client: Client, carrier: Carrier, scope: Scope) -> &'static [Wire] {
    use Wire::{Clean, Far, Lossy, Near, NearLossy};
    match (scope, client, carrier) {
        (_, Client::RomHashing, _) => &[Clean],
        // More than its receive ring holds: one wire shows what becomes of that.
        (_, Client::UBoot, Carrier::Tftp { windowsize: 64 }) => &[Clean],
        (Scope::Quick, ..) => &[Clean, Near],
        (Scope::All, ..) => &Wire::ALL,
        (_, Client::Rom, Carrier::Tftp { windowsize: 1 }) => &[Clean, Near, Far, Lossy],
        (_, _, Carrier::Tftp { windowsize: 1 }) => &[Clean, Near],
        (_, _, Carrier::Tftp { windowsize: 8 | 32 }) | (_, _, Carrier::Https) => {
            &[Clean, Near, Far]
        }
        // Of the sizes between those that have a goal, two wires show enough.
        (
            _,
            _,
            Carrier::Http {
                buffer_kib: 4 | 8 | 32,
                ..
            },
        ) => &[Clean, Near],
        (
            _,
            _,
            Carrier::Http {
                connections: 2.., ..
            },
        ) => &[Clean, Near, Far, NearLossy],
        _ => &Wire::ALL,
    }
}

fn carriers(client: Client, quick: bool) -> Vec<Carrier> {
    let tftp = |windows: &[u16]| -> Vec<Carrier> {
        let windows = windows.iter();
        windows
            .map(|&windowsize| Carrier::Tftp { windowsize })
            .collect()
    };
    let http = |buffer_kib, connections| Carrier::Http {
        buffer_kib,
        connections,
    };
    match (client, quick) {
        (Client::Rom, true) => {
            let rest = vec![http(16, 1), http(64, 1), Carrier::Ubp { window: 30 }];
            [tftp(&[1, 16]), rest].concat()
        }
        (Client::Rom, false) => {
            let buffers = [4, 8, 16, 32, 64].map(|kib| http(kib, 1));
            let ubp = |window| Carrier::Ubp { window };
            let rest = vec![http(64, 4), Carrier::Https, ubp(14), ubp(30), ubp(62)];
            [tftp(&[1, 8, 16, 32, 64]), buffers.into(), rest].concat()
        }
        (Client::RomHashing, true) => tftp(&[16]),
        (Client::RomHashing, false) => [tftp(&[16]), vec![http(64, 1), Carrier::Https]].concat(),
        (Client::UBoot, true) => tftp(&[16]),
        (Client::UBoot, false) => tftp(&[1, 16, 64]),
        (Client::Ipxe, true) => vec![http(0, 1)],
        (Client::Ipxe, false) => [tftp(&[1]), vec![http(0, 1), Carrier::Https]].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn case(client: Client, carrier: Carrier, wire: Wire) -> Case {
        Case {
            client,
            carrier,
            wire,
        }
    }

    #[test]
    fn a_window_makes_the_limit() {
        let tftp = |windowsize| Carrier::Tftp { windowsize };
        let limit = |carrier, wire| case(Client::Rom, carrier, wire).limit();
        assert_eq!(limit(tftp(1), Wire::Far), Some(73_400.0));
        assert_eq!(limit(tftp(16), Wire::Near), Some(11_744_000.0));
        assert_eq!(limit(tftp(16), Wire::Lossy), None);
        let http = |buffer_kib, connections| Carrier::Http {
            buffer_kib,
            connections,
        };
        assert_eq!(limit(http(64, 1), Wire::Far), Some(3_276_800.0));
        assert_eq!(limit(http(64, 4), Wire::Far), Some(4.0 * 3_276_800.0));
        assert_eq!(limit(http(0, 1), Wire::Far), None);
    }

    #[test]
    fn what_would_last_too_long_is_small() {
        let tftp = |windowsize| Carrier::Tftp { windowsize };
        let octets = |client, carrier, wire| case(client, carrier, wire).octets();
        assert_eq!(octets(Client::Rom, tftp(1), Wire::Clean), LARGE);
        assert_eq!(octets(Client::Rom, tftp(1), Wire::Near), SMALL);
        assert_eq!(octets(Client::Rom, tftp(1), Wire::Far), TINY);
        assert_eq!(octets(Client::Ipxe, tftp(1), Wire::Lossy), TINY);
        assert_eq!(octets(Client::Rom, tftp(16), Wire::Far), SMALL);
        assert_eq!(octets(Client::Rom, tftp(64), Wire::Far), LARGE);
        assert_eq!(octets(Client::Rom, tftp(16), Wire::NearLossy), LARGE);
        assert_eq!(octets(Client::UBoot, tftp(16), Wire::NearLossy), SMALL);
        let own = Carrier::Http {
            buffer_kib: 0,
            connections: 1,
        };
        assert_eq!(octets(Client::Ipxe, own, Wire::Lossy), LARGE);
        assert_eq!(octets(Client::Rom, Carrier::Https, Wire::Far), SMALL);
        assert_eq!(octets(Client::Ipxe, Carrier::Https, Wire::Far), LARGE);
    }

    #[test]
    fn each_case_has_a_name_of_its_own() {
        let clients = [Client::Rom, Client::RomHashing, Client::UBoot, Client::Ipxe];
        let all: Vec<_> = clients
            .iter()
            .flat_map(|&client| cases(client, Scope::All))
            .collect();
        let names: BTreeSet<_> = all.iter().map(Case::name).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.iter().all(|name| !name.contains(['"', ';'])));
        for client in clients {
            let quick = cases(client, Scope::Quick);
            let usual = cases(client, Scope::Usual);
            assert!(usual.iter().all(|case| all.contains(case)));
            assert!(!quick.is_empty() && quick.iter().all(|case| all.contains(case)));
        }
    }
}
