//! Says who the client is and how patient it is.

use crate::error::DhcpError;
use crate::options::code;
use crate::packet::{Builder, Header, MessageType};
#[cfg(feature = "robust")]
use crate::pxe::Service;
use core::net::Ipv4Addr;
use netboot_core::Duration;

/// Architecture *RISC-V 32-bit UEFI* of option 93 (IANA, Processor Architecture Types).
pub const ARCH_RISCV32: u16 = 0x19;
/// Architecture *RISC-V 32-bit UEFI boot from HTTP*.
pub const ARCH_RISCV32_HTTP: u16 = 0x1a;

/// Octets of the longest message that the client accepts (option 57): an IP packet that fits one Ethernet frame.
pub const MAX_MESSAGE_SIZE: u16 = 1472;

/// The options that the client asks for (option 55). 121 stands before 3, as RFC 3442 requires.
const PARAMETER_LIST: [u8; 22 + cfg!(feature = "syslog") as usize] = [
    code::SUBNET_MASK,
    code::CLASSLESS_ROUTES,
    code::ROUTERS,
    code::DNS,
    code::HOSTNAME,
    code::DOMAIN,
    code::MTU,
    code::NTP,
    code::VENDOR_SPECIFIC,
    code::LEASE_TIME,
    code::SERVER_ID,
    code::RENEWAL_TIME,
    code::REBINDING_TIME,
    code::CLASS_ID,
    code::TFTP_SERVER,
    code::BOOT_FILE,
    code::USER_CLASS,
    code::ARCHITECTURE,
    code::MACHINE_ID,
    code::SZTP_REDIRECT,
    code::TFTP_SERVERS,
    code::DOMAIN_SEARCH,
    #[cfg(feature = "syslog")]
    code::LOG,
];

/// The client identifier, option 61.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientId<'a> {
    /// Octet 01 and the MAC address.
    #[default]
    Mac,
    /// Octet 00 and [`Config::uuid`], as in PXE. Without a UUID this is the same as [`Mac`](Self::Mac).
    Uuid,
    /// The whole data of the option, up to 32 octets, such as ff, IAID and DUID (RFC 4361).
    Raw(&'a [u8]),
}

/// The vendor class, option 60.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VendorClass<'a> {
    /// `PXEClient:Arch:xxxxx:UNDI:003000` with the first architecture of [`Config::arch`].
    #[default]
    Pxe,
    /// `HTTPClient:Arch:xxxxx:UNDI:003000` with the last architecture of [`Config::arch`].
    HttpClient,
    /// This text, up to 48 octets. An empty text leaves option 60 out.
    Raw(&'a str),
}

impl VendorClass<'_> {
    /// Appends the text of the class for a client of these architectures. `None` when it is too long.
    pub(crate) fn write(self, arch: &[u16], class: &mut heapless::String<48>) -> Option<()> {
        let (name, arch) = match self {
            VendorClass::Pxe => ("PXEClient:Arch:", arch.first()),
            VendorClass::HttpClient => ("HTTPClient:Arch:", arch.last()),
            VendorClass::Raw(text) => (text, None),
        };
        class.push_str(name).ok()?;
        if !matches!(self, VendorClass::Raw(_)) {
            push_five_digits(class, arch.copied().unwrap_or(ARCH_RISCV32));
            class.push_str(":UNDI:003000").ok()?;
        }
        Some(())
    }
}

/// What the client does after it has declined as many addresses as it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterDeclines {
    /// It takes the next address without a probe: that so many addresses are in use says more of the prober than of the pool.
    #[default]
    Use,
    /// It fails with [`DhcpError::Conflict`].
    Fail,
}

/// The identity of the client, and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// MAC address.
    pub mac: [u8; 6],
    /// The client identifier (option 61).
    pub client_id: ClientId<'a>,
    /// Machine identifier, option 97 (RFC 4578 section 2.3).
    pub uuid: Option<[u8; 16]>,
    /// Architectures of the client (option 93), the best first, up to 8.
    pub arch: &'a [u16],
    /// Host name (option 12), up to 63 octets.
    pub hostname: Option<&'a str>,
    /// User class (option 77): one class in the form of RFC 3004, up to 32 octets.
    pub user_class: Option<&'a str>,
    /// The vendor class (option 60).
    pub vendor_class: VendorClass<'a>,
    /// Time for which the client waits for a better offer after the first one that has no boot information. Zero is for a client that
    /// needs no boot information: it takes the first offer of an address at once and asks no PXE server. Boot information that comes all the
    /// same still counts, from the server of the address or from a proxy that answers before the acknowledgement.
    pub offer_window: Duration,
    /// Whether the client has each address probed before its use (RFC 2131 section 4.4.1, RFC 5227).
    /// Without the feature `robust` no address is probed.
    pub probe: bool,
    /// Number of addresses that the client declines at the most because another host uses them, from 1.
    pub declines: u8,
    /// What the client does then.
    pub after_declines: AfterDeclines,
    /// Number of DHCPDISCOVER messages in one acquisition, from 1.
    pub attempts: u8,
    /// Time that an acquisition may take, restarts included.
    pub deadline: Duration,
}

impl Config<'_> {
    /// Makes the defaults for this MAC address: a PXE client for RISC-V 32 that waits 300 ms for better offers, has its address
    /// probed, declines 3 addresses at the most, makes 8 attempts, and gives up after 90 s.
    pub const fn new(mac: [u8; 6]) -> Self {
        Self {
            mac,
            client_id: ClientId::Mac,
            uuid: None,
            arch: &[ARCH_RISCV32, ARCH_RISCV32_HTTP],
            hostname: None,
            user_class: None,
            vendor_class: VendorClass::Pxe,
            offer_window: Duration::from_millis(300),
            probe: true,
            declines: 3,
            after_declines: AfterDeclines::Use,
            attempts: 8,
            deadline: Duration::from_secs(90),
        }
    }
}

/// The part of a [`Config`] that goes into messages, kept by the client.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub mac: [u8; 6],
    client_id: heapless::Vec<u8, 32>,
    uuid: Option<[u8; 16]>,
    /// Option 93 in wire form.
    arch: heapless::Vec<u8, 16>,
    hostname: heapless::String<63>,
    /// Option 77 in wire form.
    user_class: heapless::Vec<u8, 33>,
    vendor_class: heapless::String<48>,
}

/// The fields that differ between the messages of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    pub message: MessageType,
    pub xid: u32,
    pub secs: u16,
    pub broadcast: bool,
    pub ciaddr: Ipv4Addr,
    /// The address that the client asks for (option 50).
    pub requested: Option<Ipv4Addr>,
    /// The server that the message is for (option 54).
    pub server_id: Option<Ipv4Addr>,
    /// Type of the PXE boot service that the client asks for (option 43).
    pub service: Option<u16>,
}

impl Identity {
    pub fn new(config: &Config<'_>) -> Result<Self, DhcpError> {
        let too_long = |_| DhcpError::Config;
        let mut identity = Self {
            mac: config.mac,
            client_id: heapless::Vec::new(),
            uuid: config.uuid,
            arch: heapless::Vec::new(),
            hostname: heapless::String::new(),
            user_class: heapless::Vec::new(),
            vendor_class: heapless::String::new(),
        };
        let (kind, id): (&[u8], &[u8]) = match (config.client_id, &config.uuid) {
            (ClientId::Raw(id), _) => (&[], id),
            (ClientId::Uuid, Some(uuid)) => (&[0], uuid),
            (ClientId::Mac, _) | (ClientId::Uuid, None) => (&[1], &config.mac),
        };
        let client_id = &mut identity.client_id;
        client_id.extend_from_slice(kind).map_err(too_long)?;
        client_id.extend_from_slice(id).map_err(too_long)?;
        for arch in config.arch {
            let octets = arch.to_be_bytes();
            identity.arch.extend_from_slice(&octets).map_err(too_long)?;
        }
        if let Some(class) = config.user_class {
            let len = u8::try_from(class.len()).map_err(|_| DhcpError::Config)?;
            identity.user_class.push(len).map_err(too_long_octet)?;
            let octets = class.as_bytes();
            identity
                .user_class
                .extend_from_slice(octets)
                .map_err(too_long)?;
        }
        identity
            .hostname
            .push_str(config.hostname.unwrap_or(""))
            .map_err(too_long)?;
        let class = &mut identity.vendor_class;
        let written = config.vendor_class.write(config.arch, class);
        written.ok_or(DhcpError::Config)?;
        Ok(identity)
    }

    /// Writes one message and returns its length in octets. A buffer of 576 octets is always enough.
    pub fn emit(&self, outgoing: &Outgoing, buf: &mut [u8]) -> Option<usize> {
        let none = Ipv4Addr::UNSPECIFIED;
        let header = Header {
            reply: false,
            xid: outgoing.xid,
            secs: outgoing.secs,
            broadcast: outgoing.broadcast,
            ciaddr: outgoing.ciaddr,
            yiaddr: none,
            siaddr: none,
            giaddr: none,
            chaddr: self.mac,
        };
        let mut out = Builder::new(buf, &header, outgoing.message, &[], &[]);
        put_text(&mut out, code::CLIENT_ID, &self.client_id);
        if let Some(address) = outgoing.requested {
            out.address(code::REQUESTED_ADDRESS, address);
        }
        if let Some(address) = outgoing.server_id {
            out.address(code::SERVER_ID, address);
        }
        #[cfg(feature = "robust")]
        if let Some(kind) = outgoing.service {
            out.option(code::VENDOR_SPECIFIC, &Service::item(kind));
        }
        // DECLINE and RELEASE must not carry the rest (RFC 2131 table 5).
        if matches!(
            outgoing.message,
            MessageType::Discover | MessageType::Request
        ) {
            out.option(code::MAX_MESSAGE_SIZE, &MAX_MESSAGE_SIZE.to_be_bytes());
            out.option(code::PARAMETER_LIST, &PARAMETER_LIST);
            put_text(&mut out, code::CLASS_ID, self.vendor_class.as_bytes());
            put_text(&mut out, code::USER_CLASS, &self.user_class);
            put_text(&mut out, code::HOSTNAME, self.hostname.as_bytes());
            put_text(&mut out, code::ARCHITECTURE, &self.arch);
            // UNDI 3.0, as in option 60 (RFC 4578 section 2.2).
            out.option(code::INTERFACE, &[1, 3, 0]);
            if let Some(uuid) = &self.uuid {
                let mut id = heapless::Vec::<u8, 17>::new();
                let _ = id.push(0);
                let _ = id.extend_from_slice(uuid);
                out.option(code::MACHINE_ID, &id);
            }
        }
        out.finish()
    }
}

/// Appends an option unless it would be empty, which RFC 2132 forbids for all of these.
fn put_text(out: &mut Builder<'_>, code: u8, data: &[u8]) {
    if !data.is_empty() {
        out.option(code, data);
    }
}

fn too_long_octet(_: u8) -> DhcpError {
    DhcpError::Config
}

fn push_five_digits(text: &mut heapless::String<48>, value: u16) {
    let mut digits = [b'0'; 5];
    let mut rest = value;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add((rest % 10) as u8);
        rest /= 10;
    }
    for digit in digits {
        let _ = text.push(char::from(digit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Packet;

    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
    const DISCOVER: Outgoing = Outgoing {
        message: MessageType::Discover,
        xid: 1,
        secs: 0,
        broadcast: true,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        requested: None,
        server_id: None,
        service: None,
    };

    /// The data of an option in a message.
    fn option(config: &Config<'_>, code: u8) -> Option<Vec<u8>> {
        let mut buf = [0; 576];
        let identity = Identity::new(config).unwrap();
        let len = identity.emit(&DISCOVER, &mut buf).unwrap();
        let packet = Packet::parse(&buf[..len]).unwrap();
        let found = packet.options.iter().find(|(found, _)| *found == code);
        found.map(|(_, data)| data.to_vec())
    }

    #[test]
    fn what_a_pxe_server_looks_for() {
        let config = Config {
            uuid: Some([0xab; 16]),
            user_class: Some("iPXE"),
            ..Config::new(MAC)
        };
        let text = |code| String::from_utf8(option(&config, code).unwrap()).unwrap();
        assert_eq!(text(60), "PXEClient:Arch:00025:UNDI:003000");
        assert_eq!(text(77), "\x04iPXE");
        assert_eq!(option(&config, 61).unwrap(), [1, 2, 0, 0, 0, 0, 1]);
        assert_eq!(option(&config, 93).unwrap(), [0, 0x19, 0, 0x1a]);
        assert_eq!(option(&config, 94).unwrap(), [1, 3, 0]);
        assert_eq!(
            option(&config, 97).unwrap(),
            [&[0][..], &[0xab; 16]].concat()
        );
        assert_eq!(option(&config, 57).unwrap(), [0x05, 0xc0]);
        assert_eq!(option(&config, 12), None);
    }

    #[test]
    fn identities() {
        let config = Config {
            client_id: ClientId::Uuid,
            uuid: Some([7; 16]),
            vendor_class: VendorClass::HttpClient,
            ..Config::new(MAC)
        };
        assert_eq!(option(&config, 61).unwrap(), [&[0][..], &[7; 16]].concat());
        assert_eq!(
            option(&config, 60).unwrap(),
            b"HTTPClient:Arch:00026:UNDI:003000"
        );
        let config = Config {
            client_id: ClientId::Raw(&[0xff, 0, 0, 0, 1, 0, 4]),
            vendor_class: VendorClass::Raw(""),
            ..config
        };
        assert_eq!(option(&config, 61).unwrap(), [0xff, 0, 0, 0, 1, 0, 4]);
        assert_eq!(option(&config, 60), None);
    }

    #[test]
    fn the_longest_message_fits_548_octets() {
        let longest = "x".repeat(63);
        let config = Config {
            client_id: ClientId::Raw(&[9; 32]),
            uuid: Some([1; 16]),
            arch: &[1; 8],
            hostname: Some(&longest),
            user_class: Some(&longest[..32]),
            vendor_class: VendorClass::Raw(&longest[..48]),
            ..Config::new(MAC)
        };
        let outgoing = Outgoing {
            message: MessageType::Request,
            requested: Some(Ipv4Addr::LOCALHOST),
            server_id: Some(Ipv4Addr::LOCALHOST),
            service: Some(1),
            ..DISCOVER
        };
        let mut buf = [0; 548];
        assert!(
            Identity::new(&config)
                .unwrap()
                .emit(&outgoing, &mut buf)
                .is_some()
        );
        for config in [
            Config {
                client_id: ClientId::Raw(&[9; 33]),
                ..config
            },
            Config {
                arch: &[1; 9],
                ..config
            },
            Config {
                user_class: Some(&longest),
                ..config
            },
            Config {
                vendor_class: VendorClass::Raw(&longest),
                ..config
            },
            Config {
                hostname: Some(&"x".repeat(64)),
                ..config
            },
        ] {
            assert_eq!(Identity::new(&config).err(), Some(DhcpError::Config));
        }
    }
}
