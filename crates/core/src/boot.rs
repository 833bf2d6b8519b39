//! Where the network says that the boot files are.

use core::net::IpAddr;
use heapless::{String, Vec};

/// Octets of the longest server name (DHCP option 66).
pub const SERVER_NAME_MAX: usize = 128;
/// Octets of the longest boot file name or URI (DHCP option 67, DHCPv6 option 59).
pub const FILE_MAX: usize = 255;

/// Number of TFTP servers (DHCP option 150) that a [`BootInfo`] holds.
pub const MAX_TFTP_SERVERS: usize = 2;

/// Who told where the boot files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BootOrigin {
    /// Nobody, or a configuration by hand.
    #[default]
    Static,
    /// The DHCP server that gave the address.
    Dhcp,
    /// A ProxyDHCP or PXE server beside it.
    Proxy,
}

/// Pointers to the boot files. Nothing in them is to be trusted: whoever sits on the network may have sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootInfo {
    /// Name, address or URI of the server: option 66, else the BOOTP field `sname`. Empty when absent.
    pub server_name: String<SERVER_NAME_MAX>,
    /// Path or URI of the boot file: option 67, else the BOOTP field `file`; of DHCPv6 option 59. Empty when absent.
    pub file: String<FILE_MAX>,
    /// Address of the next server: the BOOTP field `siaddr`.
    pub next_server: Option<IpAddr>,
    /// Addresses of TFTP servers: option 150 (RFC 5859), the preferred one first.
    pub tftp_servers: Vec<IpAddr, MAX_TFTP_SERVERS>,
    /// Address of the DHCP server that told these pointers: option 54, else the sender of its message. With DHCPv6 it is the sender,
    /// which may be a relay.
    pub server: Option<IpAddr>,
    /// Who told these pointers.
    pub origin: BootOrigin,
    /// Set when a name was longer than this structure can hold. It was then left out, never cut.
    pub oversize: bool,
    /// Set when a name is no text: it has control characters in it, or octets that are not UTF-8. It was then left out.
    pub damaged: bool,
    /// Set when a list of bootstrap servers for secure zero-touch provisioning came too (option 143, or DHCPv6
    /// option 136).
    pub has_bootstrap_servers: bool,
    /// Set when a PXE server has shown a menu of boot services (option 43), and none of them has given a boot file.
    pub has_pxe_menu: bool,
}

impl BootInfo {
    /// Makes pointers that point nowhere.
    pub const fn new() -> Self {
        Self {
            server_name: String::new(),
            file: String::new(),
            next_server: None,
            tftp_servers: Vec::new(),
            server: None,
            origin: BootOrigin::Static,
            oversize: false,
            damaged: false,
            has_bootstrap_servers: false,
            has_pxe_menu: false,
        }
    }

    /// Whether anything says what to boot: a boot file, or bootstrap servers.
    pub fn is_known(&self) -> bool {
        !self.file.is_empty() || self.has_bootstrap_servers
    }
}
