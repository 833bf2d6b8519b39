//! Errors of the client, with stable numbers.

use crate::packet::ParseError;
use core::fmt;
use core::net::Ipv4Addr;
use netboot_core::{Blame, Coded, Console, Module};

/// Why a datagram was ignored, or why there is no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpError {
    /// A text or identifier in the configuration is too long.
    Config,
    /// No server offered an address.
    NoOffer,
    /// Messages came, and none was an offer that could be used.
    Ignored {
        /// Why the last one was ignored: the number of that error, without the module.
        why: u16,
    },
    /// A server offered an address and then did not confirm it.
    NoAck {
        /// The server.
        server: Ipv4Addr,
    },
    /// A server took its offer back (DHCPNAK) each time.
    Refused {
        /// The server.
        server: Ipv4Addr,
    },
    /// Another host uses the address that the server gave.
    Conflict {
        /// The address.
        address: Ipv4Addr,
        /// Hardware address of the other host.
        mac: [u8; 6],
    },
    /// The client ignored a datagram that is cut short.
    Malformed,
    /// The client ignored a datagram that is no DHCP message for an Ethernet.
    NotDhcp,
    /// The client ignored a message of another client or another transaction.
    NotOurs,
    /// The client ignored a message that it does not wait for in this state.
    Unexpected,
    /// The client ignored an offer without a server identifier, or from another server than the one it chose.
    WrongServer,
    /// The client ignored an address that no host can have, or another one than was agreed on.
    WrongAddress {
        /// The address.
        address: Ipv4Addr,
    },
}

impl From<ParseError> for DhcpError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Malformed => DhcpError::Malformed,
            ParseError::NotDhcp => DhcpError::NotDhcp,
        }
    }
}

impl fmt::Display for DhcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DhcpError::Config => "a text in the DHCP configuration is too long",
            DhcpError::NoOffer => "no DHCP server answered; check link, VLAN and relay",
            DhcpError::Ignored { why } => {
                return write!(
                    f,
                    "DHCP servers answered, and no answer could be used; the last one: 0x{:08x}",
                    Module::Dhcp.code(*why)
                );
            }
            DhcpError::NoAck { server } => {
                return write!(f, "DHCP server {server} did not confirm its offer");
            }
            DhcpError::Refused { server } => {
                return write!(
                    f,
                    "DHCP server {server} refused the address that it had offered"
                );
            }
            DhcpError::Conflict { address, mac } => {
                write!(
                    f,
                    "another host uses {address}, which the DHCP server gave: "
                )?;
                let out: &mut dyn Console = f;
                out.mac(*mac);
                return Ok(());
            }
            DhcpError::Malformed => "ignored a DHCP message that is cut short",
            DhcpError::NotDhcp => "ignored a datagram that is no DHCP message",
            DhcpError::NotOurs => "ignored a DHCP message for another client or transaction",
            DhcpError::Unexpected => "ignored a DHCP message out of turn",
            DhcpError::WrongServer => "ignored a DHCP message from a server not chosen",
            DhcpError::WrongAddress { address } => {
                return write!(f, "ignored a DHCP message with the address {address}");
            }
        })
    }
}

impl core::error::Error for DhcpError {}

impl Coded for DhcpError {
    fn facts(&self, out: &mut dyn Console) {
        match self {
            DhcpError::Ignored { why } => {
                out.key("last");
                out.hex(Module::Dhcp.code(*why));
            }
            DhcpError::NoAck { server } | DhcpError::Refused { server } => {
                out.key("server");
                out.ipv4(server.octets());
            }
            DhcpError::Conflict { address, mac } => {
                out.key("address");
                out.ipv4(address.octets());
                out.key("mac");
                out.mac(*mac);
            }
            _ => {}
        }
    }

    fn code(&self) -> u32 {
        Module::Dhcp.code(match self {
            DhcpError::Config => 1,
            DhcpError::NoOffer => 2,
            DhcpError::NoAck { .. } => 3,
            DhcpError::Refused { .. } => 4,
            DhcpError::Conflict { .. } => 5,
            DhcpError::Ignored { .. } => 6,
            DhcpError::Malformed => 16,
            DhcpError::NotDhcp => 17,
            DhcpError::NotOurs => 18,
            DhcpError::Unexpected => 19,
            DhcpError::WrongServer => 20,
            DhcpError::WrongAddress { .. } => 21,
        })
    }

    fn blame(&self) -> Blame {
        match self {
            DhcpError::Config => Blame::Configuration,
            DhcpError::NoOffer | DhcpError::NoAck { .. } | DhcpError::Conflict { .. } => {
                Blame::Network
            }
            DhcpError::Refused { .. } | DhcpError::Ignored { .. } => Blame::Server,
            DhcpError::Malformed
            | DhcpError::NotDhcp
            | DhcpError::NotOurs
            | DhcpError::Unexpected
            | DhcpError::WrongServer
            | DhcpError::WrongAddress { .. } => Blame::Peer,
        }
    }
}

/// One value of every error, for tests that compare numbers.
#[cfg(test)]
pub(crate) fn samples() -> [DhcpError; 12] {
    let address = Ipv4Addr::new(10, 0, 0, 1);
    [
        DhcpError::Config,
        DhcpError::NoOffer,
        DhcpError::Ignored { why: 16 },
        DhcpError::NoAck { server: address },
        DhcpError::Refused { server: address },
        DhcpError::Conflict {
            address,
            mac: [2, 0, 0, 0, 0, 1],
        },
        DhcpError::Malformed,
        DhcpError::NotDhcp,
        DhcpError::NotOurs,
        DhcpError::Unexpected,
        DhcpError::WrongServer,
        DhcpError::WrongAddress { address },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_are_unique_and_sentences_differ() {
        let numbers: BTreeSet<_> = samples().iter().map(Coded::code).collect();
        assert_eq!(numbers.len(), samples().len());
        assert!(numbers.iter().all(|number| number >> 16 == 4));
        let sentences: BTreeSet<_> = samples().iter().map(ToString::to_string).collect();
        assert_eq!(sentences.len(), samples().len());
    }
}
