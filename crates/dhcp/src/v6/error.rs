//! Errors of the DHCPv6 client, with stable numbers: those of the module DHCP from 0x40 on.

use crate::packet::ParseError;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use netboot_core::{Blame, Coded, Console, Module, ServerMessage};

/// Status codes of option 13 (RFC 8415 section 21.13).
pub mod status {
    /// All is well.
    pub const SUCCESS: u16 = 0;
    /// The server failed for a reason that no other code has.
    pub const UNSPEC_FAIL: u16 = 1;
    /// The server has no address for the client.
    pub const NO_ADDRS_AVAIL: u16 = 2;
    /// The server has no record of the client's address.
    pub const NO_BINDING: u16 = 3;
    /// The address does not belong on the client's link.
    pub const NOT_ON_LINK: u16 = 4;
    /// The client has to send to the group of all servers, which this client always does.
    pub const USE_MULTICAST: u16 = 5;
}

/// Why a datagram was ignored, or why there is no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dhcp6Error {
    /// A text or identifier in the configuration is empty or too long.
    Config,
    /// No server answered.
    NoAnswer,
    /// Messages came, and none could be used.
    Ignored {
        /// Why the last one was ignored: the number of that error, without the module.
        why: u16,
    },
    /// A server offered an address and then did not reply to the request for it.
    NoReply {
        /// Where the offer came from: the server, or a relay.
        server: Ipv6Addr,
    },
    /// A server refused in words.
    Refused {
        /// The [`status`] of the server's answer, never [`SUCCESS`](status::SUCCESS).
        status: u16,
        /// What the server says of it: printable ASCII only, cut at 64 octets.
        message: ServerMessage,
    },
    /// Another host uses the address that the server gave.
    Conflict {
        /// The address.
        address: Ipv6Addr,
        /// Hardware address of the other host.
        mac: [u8; 6],
    },
    /// The client ignored a message.
    Message(MessageError),
}

/// Why the client ignored a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageError {
    /// It is a datagram that is shorter than a message.
    Malformed,
    /// It is a datagram that is no DHCPv6 message.
    NotDhcp,
    /// Its type is one that clients never take (RFC 8415 sections 16.2 to 16.9 and 16.12 to 16.14).
    NotForClients,
    /// It is a Reconfigure, and the client has agreed on no key with any server (RFC 8415 section 16.11).
    Reconfigure,
    /// It belongs to another transaction (RFC 8415 sections 16.3 and 16.10).
    OtherTransaction,
    /// It has no client identifier (RFC 8415 sections 16.3 and 16.10).
    NoClientId,
    /// It is for another client (RFC 8415 sections 16.3 and 16.10).
    OtherClient,
    /// It has no server identifier, or one that is empty or longer than 130 octets (RFC 8415
    /// sections 11.1, 16.3 and 16.10).
    NoServerId,
    /// It is from another server than the one that the client asked.
    WrongServer,
    /// The client does not wait for it in this state.
    Unexpected,
    /// It has no address that the client can use: there is none for its identity association, no host can have it,
    /// its lifetimes contradict each other, or it is another one than the client holds.
    NoAddress,
}

/// Why a message is ignored, without the words of a server: it is small, because it travels through many functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ignored {
    Message(MessageError),
    /// A server refused. The client has noted its words.
    Refused,
}

impl MessageError {
    /// Whether the message belongs to somebody else, which says nothing of the client's servers.
    pub(crate) fn is_of_others(self) -> bool {
        matches!(
            self,
            MessageError::OtherTransaction
                | MessageError::OtherClient
                | MessageError::NotForClients
                | MessageError::NotDhcp
        )
    }

    /// The number of the error, without the module.
    const fn number(self) -> u16 {
        match self {
            MessageError::Malformed => 0x50,
            MessageError::NotDhcp => 0x51,
            MessageError::OtherTransaction => 0x52,
            MessageError::Unexpected => 0x53,
            MessageError::WrongServer => 0x54,
            MessageError::NoAddress => 0x55,
            MessageError::NotForClients => 0x56,
            MessageError::Reconfigure => 0x57,
            MessageError::NoClientId => 0x58,
            MessageError::OtherClient => 0x59,
            MessageError::NoServerId => 0x5a,
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            MessageError::Malformed => "ignored a DHCPv6 message that is too short",
            MessageError::NotDhcp => "ignored a datagram that is no DHCPv6 message",
            MessageError::NotForClients => "ignored a DHCPv6 message that is not for clients",
            MessageError::Reconfigure => "ignored a DHCPv6 Reconfigure that nobody agreed on",
            MessageError::OtherTransaction => "ignored a DHCPv6 message for another transaction",
            MessageError::NoClientId => "ignored a DHCPv6 message without a client identifier",
            MessageError::OtherClient => "ignored a DHCPv6 message for another client",
            MessageError::NoServerId => "ignored a DHCPv6 message without a server identifier",
            MessageError::WrongServer => "ignored a DHCPv6 message from a server not chosen",
            MessageError::Unexpected => "ignored a DHCPv6 message out of turn",
            MessageError::NoAddress => "ignored a DHCPv6 message without a usable address",
        }
    }
}

impl fmt::Display for MessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for MessageError {}

impl From<ParseError> for MessageError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Malformed => MessageError::Malformed,
            ParseError::NotDhcp => MessageError::NotDhcp,
        }
    }
}

impl From<MessageError> for Ignored {
    fn from(error: MessageError) -> Self {
        Ignored::Message(error)
    }
}

impl fmt::Display for Dhcp6Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Dhcp6Error::Config => "a text in the DHCPv6 configuration is empty or too long",
            Dhcp6Error::NoAnswer => "no DHCPv6 server answered; check link, VLAN and relay",
            Dhcp6Error::Ignored { why } => {
                return write!(
                    f,
                    "DHCPv6 servers answered, and no answer could be used; the last one: 0x{:08x}",
                    Module::Dhcp.code(*why)
                );
            }
            Dhcp6Error::NoReply { server } => {
                f.write_str("a DHCPv6 server offered an address and did not confirm it (")?;
                let out: &mut dyn Console = f;
                out.ip(IpAddr::V6(*server));
                out.text(")");
                return Ok(());
            }
            Dhcp6Error::Refused { status, message } => {
                let words = match *status {
                    status::NO_ADDRS_AVAIL => "no addresses are available",
                    status::NO_BINDING => "the address is not on record",
                    status::NOT_ON_LINK => "the address is not for this link",
                    status::USE_MULTICAST => "multicast has to be used",
                    status::UNSPEC_FAIL => "a failure without a code",
                    _ => "an unknown status",
                };
                return write!(f, "the DHCPv6 server says: {words} ({message})");
            }
            Dhcp6Error::Conflict { address, mac } => {
                f.write_str("another host uses the address that the DHCPv6 server gave (")?;
                let out: &mut dyn Console = f;
                out.ip(IpAddr::V6(*address));
                out.text("): ");
                out.mac(*mac);
                return Ok(());
            }
            Dhcp6Error::Message(error) => error.sentence(),
        };
        f.write_str(sentence)
    }
}

impl core::error::Error for Dhcp6Error {}

impl Coded for Dhcp6Error {
    fn facts(&self, out: &mut dyn Console) {
        match self {
            Dhcp6Error::Ignored { why } => {
                out.key("last");
                out.hex(Module::Dhcp.code(*why));
            }
            Dhcp6Error::NoReply { server } => {
                out.key("server");
                out.ip(IpAddr::V6(*server));
            }
            Dhcp6Error::Conflict { address, mac } => {
                out.key("mac");
                out.mac(*mac);
                out.key("address");
                out.ip(IpAddr::V6(*address));
            }
            _ => {}
        }
    }

    fn code(&self) -> u32 {
        Module::Dhcp.code(match self {
            Dhcp6Error::Config => 0x41,
            Dhcp6Error::NoAnswer => 0x42,
            Dhcp6Error::NoReply { .. } => 0x43,
            Dhcp6Error::Conflict { .. } => 0x45,
            Dhcp6Error::Ignored { .. } => 0x46,
            Dhcp6Error::Message(error) => error.number(),
            // The server's own status, so that a status register shows it: 0x61 to 0x65, 0x6f for others.
            Dhcp6Error::Refused { status, .. } => match *status {
                known @ status::UNSPEC_FAIL..=status::USE_MULTICAST => 0x60 + known,
                _ => 0x6f,
            },
        })
    }

    fn blame(&self) -> Blame {
        match self {
            Dhcp6Error::Config => Blame::Configuration,
            Dhcp6Error::NoAnswer | Dhcp6Error::NoReply { .. } | Dhcp6Error::Conflict { .. } => {
                Blame::Network
            }
            Dhcp6Error::Refused { .. } | Dhcp6Error::Ignored { .. } => Blame::Server,
            Dhcp6Error::Message(_) => Blame::Peer,
        }
    }
}

#[cfg(test)]
fn refused(status: u16, message: &[u8]) -> Dhcp6Error {
    let message = ServerMessage::new(message);
    Dhcp6Error::Refused { status, message }
}

/// One value of every number, for tests that compare numbers.
#[cfg(test)]
pub(crate) fn samples() -> Vec<Dhcp6Error> {
    let address = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
    let mac = [2, 0, 0, 0, 0, 1];
    let mut all = vec![
        Dhcp6Error::Config,
        Dhcp6Error::NoAnswer,
        Dhcp6Error::Ignored { why: 0x53 },
        Dhcp6Error::NoReply { server: address },
        Dhcp6Error::Conflict { address, mac },
    ];
    all.extend(
        [
            MessageError::Malformed,
            MessageError::NotDhcp,
            MessageError::NotForClients,
            MessageError::Reconfigure,
            MessageError::OtherTransaction,
            MessageError::NoClientId,
            MessageError::OtherClient,
            MessageError::NoServerId,
            MessageError::WrongServer,
            MessageError::Unexpected,
            MessageError::NoAddress,
        ]
        .map(Dhcp6Error::Message),
    );
    all.extend((1..=6).map(|status| refused(status, b"no")));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_are_unique_and_sentences_differ() {
        let all = samples();
        let mut numbers: BTreeSet<_> = all.iter().map(Coded::code).collect();
        assert_eq!(numbers.len(), all.len());
        assert!(numbers.iter().all(|number| *number >> 16 == 4));
        // Both clients share a module.
        let v4 = crate::error::samples();
        numbers.extend(v4.iter().map(Coded::code));
        assert_eq!(numbers.len(), all.len() + v4.len());
        let mut sentences: BTreeSet<_> = all.iter().map(ToString::to_string).collect();
        sentences.extend(v4.iter().map(ToString::to_string));
        assert_eq!(sentences.len(), all.len() + v4.len());
        for error in all {
            if let Dhcp6Error::Message(message) = error {
                assert_eq!(message.to_string(), error.to_string());
            }
        }
    }

    #[test]
    fn numbers_culprits_and_facts() {
        use Blame::{Configuration, Network, Peer, Server};
        let expected = [
            (0x41, Configuration, ""),
            (0x42, Network, ""),
            (0x46, Server, " last=0x00040053"),
            (0x43, Network, " server=fd00::1"),
            (0x45, Network, " mac=02:00:00:00:00:01 address=fd00::1"),
            (0x50, Peer, ""),
            (0x51, Peer, ""),
            (0x56, Peer, ""),
            (0x57, Peer, ""),
            (0x52, Peer, ""),
            (0x58, Peer, ""),
            (0x59, Peer, ""),
            (0x5a, Peer, ""),
            (0x54, Peer, ""),
            (0x53, Peer, ""),
            (0x55, Peer, ""),
            (0x61, Server, ""),
            (0x62, Server, ""),
            (0x63, Server, ""),
            (0x64, Server, ""),
            (0x65, Server, ""),
            (0x6f, Server, ""),
        ];
        let all = samples();
        assert_eq!(all.len(), expected.len());
        for (error, (number, blame, told)) in all.into_iter().zip(expected) {
            let mut facts = String::new();
            error.facts(&mut facts);
            assert_eq!(error.code(), 0x0004_0000 + number, "{error:?}");
            assert_eq!((error.blame(), facts.as_str()), (blame, told), "{error:?}");
        }
    }

    #[test]
    fn the_words_of_the_server_are_harmless() {
        let error = refused(2, b"pool\x1b[2J full\xff");
        let text = "the DHCPv6 server says: no addresses are available (pool[2J full)";
        assert_eq!(error.to_string(), text);
    }
}
