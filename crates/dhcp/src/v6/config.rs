//! Says who the client is and how patient it is.

use super::error::Dhcp6Error;
use super::options::code;
use super::packet::{Builder, MessageType};
use crate::config::{ARCH_RISCV32, ARCH_RISCV32_HTTP, AfterDeclines, VendorClass};
use core::net::Ipv6Addr;
use netboot_core::Duration;

/// Octets of the longest DUID: its type, and 128 octets (RFC 8415 section 11.1).
pub const DUID_MAX: usize = 130;

/// Enterprise number of Intel, with which PXE and HTTP boot clients send their vendor class.
pub const ENTERPRISE_INTEL: u32 = 343;

/// Hardware type of Ethernet in a DUID.
const ETHERNET: u8 = 1;

/// The options that the client asks for in each message that may have them (option 6). Two more depend on the message.
const REQUESTED: [u8; 14] = [
    0,
    code::VENDOR_OPTIONS as u8,
    0,
    code::DNS as u8,
    0,
    code::DOMAIN_SEARCH as u8,
    0,
    code::NTP as u8,
    0,
    code::BOOT_FILE_URL as u8,
    0,
    code::BOOT_FILE_PARAMETERS as u8,
    0,
    code::SZTP_REDIRECT as u8,
];
/// What it asks for beside, with an address.
const REQUESTED_STATEFUL: [u8; 2] = code::SOL_MAX_RT.to_be_bytes();
/// What it asks for beside, without one.
const REQUESTED_STATELESS: [u8; 4] = [0, code::REFRESH_TIME as u8, 0, code::INF_MAX_RT as u8];

/// What the client asks for, as the router advertisement says (RFC 4861 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// An address and all that comes with it (M flag).
    #[default]
    Stateful,
    /// Everything but an address (O flag).
    Stateless,
}

/// The DHCP unique identifier of the client (RFC 8415 section 11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duid<'a> {
    /// DUID-UUID, type 4, when there is a [`Config::uuid`] (RFC 6355); else DUID-LL, type 3, with the MAC address.
    #[default]
    Board,
    /// DUID-LL, type 3, with the MAC address.
    LinkLayer,
    /// The whole DUID with its type, 1 to 130 octets.
    Raw(&'a [u8]),
}

/// The identity of the client, and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// MAC address.
    pub mac: [u8; 6],
    /// The client identifier (option 1).
    pub duid: Duid<'a>,
    /// Machine identifier, for the DUID.
    pub uuid: Option<[u8; 16]>,
    /// Number of the interface's identity association (IAID). It has to be the same after each start of the board.
    pub iaid: u32,
    /// Architectures of the client (option 61), the best first, up to 8.
    pub arch: &'a [u16],
    /// User class (option 15): one class, 1 to 32 octets.
    pub user_class: Option<&'a str>,
    /// The vendor class (option 16).
    pub vendor_class: VendorClass<'a>,
    /// Enterprise number of the vendor class.
    pub enterprise: u32,
    /// Whether a server may give an address at once, in two messages (option 14).
    pub rapid_commit: bool,
    /// Longest random delay before the first message (SOL_MAX_DELAY, INF_MAX_DELAY). RFC 8415 has 1 s, so that boards that start together
    /// do not ask together. Zero asks at once.
    pub start_delay: Duration,
    /// Time for which the client waits for a better offer after one without boot information; one with it is taken at once. `None` is the
    /// time of RFC 8415 section 18.2.1, whatever the offer has: until the first Solicit would be repeated, 1.0 to 1.1 s after it.
    pub offer_window: Option<Duration>,
    /// Whether the client has each address probed before its use (duplicate address detection, RFC 4862 section 5.4).
    pub probe: bool,
    /// Number of addresses that the client declines at the most because another host uses them, from 1.
    pub declines: u8,
    /// What the client does then.
    pub after_declines: AfterDeclines,
    /// Number of Solicits or Information-requests in one acquisition, from 1. RFC 8415 has no limit.
    pub attempts: u8,
    /// Number of Requests to one server, from 1, before the client looks for another one. RFC 8415 has 10 (REQ_MAX_RC), which is some three
    /// minutes.
    pub request_attempts: u8,
    /// Time that an acquisition may take, restarts included.
    pub deadline: Duration,
}

impl Config<'_> {
    /// Makes the defaults for this MAC address: a PXE client for RISC-V 32 without rapid commit, with the times of RFC 8415, that has its
    /// address probed, declines 3 addresses at the most, makes 8 attempts and 4 requests, and gives up after 90 s. The IAID is that of the
    /// last four octets of the MAC address.
    pub const fn new(mac: [u8; 6]) -> Self {
        let [_, _, m2, m3, m4, m5] = mac;
        Self {
            mac,
            duid: Duid::Board,
            uuid: None,
            iaid: u32::from_be_bytes([m2, m3, m4, m5]),
            arch: &[ARCH_RISCV32, ARCH_RISCV32_HTTP],
            user_class: None,
            vendor_class: VendorClass::Pxe,
            enterprise: ENTERPRISE_INTEL,
            rapid_commit: false,
            start_delay: Duration::from_secs(1),
            offer_window: None,
            probe: true,
            declines: 3,
            after_declines: AfterDeclines::Use,
            attempts: 8,
            request_attempts: 4,
            deadline: Duration::from_secs(90),
        }
    }
}

/// The part of a [`Config`] that goes into messages, kept by the client.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Option 1.
    pub duid: heapless::Vec<u8, DUID_MAX>,
    pub iaid: u32,
    pub rapid_commit: bool,
    /// Option 61 in wire form.
    arch: heapless::Vec<u8, 16>,
    user_class: heapless::String<32>,
    vendor_class: heapless::String<48>,
    enterprise: u32,
}

/// The fields that differ between the messages of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing<'a> {
    pub message: MessageType,
    pub xid: u32,
    /// Time since the first message of the exchange, in hundredths of a second (option 8).
    pub elapsed: u16,
    /// The server that the message is for (option 2). Empty when it is for any.
    pub server_id: &'a [u8],
    /// The address that the client has or wants (option 5).
    pub address: Option<Ipv6Addr>,
}

impl Identity {
    pub fn new(config: &Config<'_>) -> Result<Self, Dhcp6Error> {
        Self::made(config).ok_or(Dhcp6Error::Config)
    }

    /// `None` when something does not fit.
    fn made(config: &Config<'_>) -> Option<Self> {
        let mut identity = Self {
            duid: heapless::Vec::new(),
            iaid: config.iaid,
            rapid_commit: config.rapid_commit,
            arch: heapless::Vec::new(),
            user_class: heapless::String::new(),
            vendor_class: heapless::String::new(),
            enterprise: config.enterprise,
        };
        let class = &mut identity.vendor_class;
        config.vendor_class.write(config.arch, class)?;
        let (kind, id): (&[u8], &[u8]) = match (config.duid, &config.uuid) {
            (Duid::Raw([]), _) => return None,
            (Duid::Raw(duid), _) => (&[], duid),
            (Duid::Board, Some(uuid)) => (&[0, 4], uuid),
            (Duid::Board, None) | (Duid::LinkLayer, _) => (&[0, 3, 0, ETHERNET], &config.mac),
        };
        identity.duid.extend_from_slice(kind).ok()?;
        identity.duid.extend_from_slice(id).ok()?;
        for arch in config.arch {
            let octets = arch.to_be_bytes();
            identity.arch.extend_from_slice(&octets).ok()?;
        }
        let class = config.user_class.unwrap_or("");
        identity.user_class.push_str(class).ok()?;
        Some(identity)
    }

    /// Writes one message and returns its length in octets. A buffer of 576 octets is always enough.
    #[inline(never)]
    pub fn emit(&self, outgoing: &Outgoing<'_>, buf: &mut [u8]) -> Option<usize> {
        let message = outgoing.message;
        let mut out = Builder::new(buf, message, outgoing.xid);
        out.option(code::CLIENT_ID, &self.duid);
        if !outgoing.server_id.is_empty() {
            out.option(code::SERVER_ID, outgoing.server_id);
        }
        out.option(code::ELAPSED_TIME, &outgoing.elapsed.to_be_bytes());
        let stateless = message == MessageType::InformationRequest;
        if !stateless {
            self.put_association(&mut out, outgoing.address);
        }
        // A server needs no more to take an address back.
        if matches!(message, MessageType::Release | MessageType::Decline) {
            return out.finish();
        }
        let beside = if stateless {
            &REQUESTED_STATELESS[..]
        } else {
            &REQUESTED_STATEFUL
        };
        out.parts(code::REQUESTED, &[&REQUESTED, beside]);
        if message == MessageType::Solicit && self.rapid_commit {
            out.option(code::RAPID_COMMIT, &[]);
        }
        put_class(&mut out, code::USER_CLASS, &[], &self.user_class);
        let enterprise = self.enterprise.to_be_bytes();
        put_class(
            &mut out,
            code::VENDOR_CLASS,
            &enterprise,
            &self.vendor_class,
        );
        if !self.arch.is_empty() {
            out.option(code::ARCHITECTURE, &self.arch);
        }
        // UNDI 3.0, as in the vendor class (RFC 5970 section 3.4).
        out.option(code::INTERFACE, &[1, 3, 0]);
        out.finish()
    }

    /// Appends option 3. T1, T2 and the lifetimes are 0, so that the server chooses them.
    fn put_association(&self, out: &mut Builder<'_>, address: Option<Ipv6Addr>) {
        let iaid = self.iaid.to_be_bytes();
        let octets = address.unwrap_or(Ipv6Addr::UNSPECIFIED).octets();
        let address: [&[u8]; 3] = match address {
            Some(_) => [&[0, code::IA_ADDRESS as u8, 0, 24], &octets, &[0; 8]],
            None => [&[]; 3],
        };
        let [head, octets, times] = address;
        out.parts(code::IA_NA, &[&iaid, &[0; 8], head, octets, times]);
    }
}

/// Appends a class: `first`, then the length of the text in two octets, and the text. An empty text has no option.
fn put_class(out: &mut Builder<'_>, code: u16, first: &[u8], text: &str) {
    let Ok(len @ 1..) = u16::try_from(text.len()) else {
        return;
    };
    out.parts(code, &[first, &len.to_be_bytes(), text.as_bytes()]);
}
