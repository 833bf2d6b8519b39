//! The settings that a script reads: its own, those of the board, of the network and of the device.

use super::board::Facts;
use crate::sources::network::networks;
use core::net::IpAddr;
use heapless::String;
use netboot_core::net::ConfigOrigin;
use netboot_ipxe::script::{Setting, SettingError, SettingName, SettingType, Settings};
use netboot_ipxe::{InterfaceInfo, IpxeInterface, NetworkConfig, OptionScope};
use ocp_recovery::Reason;

/// The scopes of the one interface. `netX` is the one that was opened last.
const INTERFACE: [&str; 3] = ["", "net0", "netX"];
/// Octets of the longest name of a setting with the scope of an interface before it.
const LONG_NAME: usize = 64;
/// DHCP option of the root path (RFC 2132, section 3.19).
const ROOT_PATH: u16 = 17;
/// DHCP option of the user class (RFC 3004).
const USER_CLASS: u16 = 77;
/// DHCP option of the server's address (RFC 2132, section 9.7).
const DHCP_SERVER: u16 = 54;

/// What the device says, as settings of the scope `caliptra`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DeviceFacts {
    /// `caliptra/image-index`: the index that it asks for; `None` while it asks for none.
    pub image_index: Option<u8>,
    /// `caliptra/device-status`: DEV_STATUS.
    pub device_status: u8,
    /// `caliptra/recovery-reason`: the reason of DEVICE_STATUS.
    pub reason: Reason,
}

/// All settings at one moment.
pub(crate) struct BootSettings<'s, N> {
    /// Those that scripts have made up. They come first.
    pub variables: &'s mut dyn Settings,
    pub facts: &'s Facts<'s>,
    pub net: &'s N,
    pub interface: Option<InterfaceInfo>,
    pub device: DeviceFacts,
}

impl<N: IpxeInterface> Settings for BootSettings<'_, N> {
    fn get(&self, name: SettingName<'_>) -> Option<Setting> {
        self.variable(name).or_else(|| self.told(name))
    }

    fn set(&mut self, name: SettingName<'_>, value: &Setting) -> Result<(), SettingError> {
        match name.scope() {
            "caliptra" => Err(SettingError::ReadOnly),
            _ => self.variables.set(name, value),
        }
    }

    fn clear(&mut self, name: SettingName<'_>) -> Result<(), SettingError> {
        self.variables.clear(name)
    }

    fn default_type(&self, name: SettingName<'_>) -> SettingType {
        match name.name() {
            "ip" | "netmask" | "gateway" | "dns" | "next-server" | "dhcp-server" | "syslog"
            | "ntp" => SettingType::Ipv4,
            "ip6" | "gateway6" | "dns6" | "syslog6" => SettingType::Ipv6,
            "mac" | "user-class" => SettingType::Hex,
            "uuid" => SettingType::Uuid,
            "len6" => SettingType::Uint8,
            "mtu" => SettingType::Uint16,
            _ => SettingType::String,
        }
    }
}

impl<N: IpxeInterface> BootSettings<'_, N> {
    /// What a script has set, under any name of the interface.
    pub fn variable(&self, name: SettingName<'_>) -> Option<Setting> {
        let exact = self.variables.get(name);
        if exact.is_some() || !INTERFACE.contains(&name.scope()) {
            return exact;
        }
        INTERFACE.into_iter().find_map(|scope| {
            let mut long: String<LONG_NAME> = String::new();
            if !scope.is_empty() {
                long.push_str(scope).ok()?;
                long.push('/').ok()?;
            }
            long.push_str(name.name()).ok()?;
            self.variables.get(SettingName::new(&long))
        })
    }

    /// What the board, the network or the device tells.
    fn told(&self, name: SettingName<'_>) -> Option<Setting> {
        match name.scope() {
            scope if INTERFACE.contains(&scope) => self
                .of_board(name.name(), scope)
                .or_else(|| self.of_interface(name.name()))
                .or_else(|| self.option(OptionScope::Dhcp, name))
                .or_else(|| self.option(OptionScope::Proxy, name)),
            "dhcp" | "net0.dhcp" | "netX.dhcp" => self.of_server(OptionScope::Dhcp, name),
            "proxydhcp" | "net0.proxydhcp" | "netX.proxydhcp" => {
                self.of_server(OptionScope::Proxy, name)
            }
            "dhcpv6" | "net0.dhcpv6" | "netX.dhcpv6" => self.option(OptionScope::Dhcp6, name),
            "caliptra" => self.of_device(name.name()),
            _ => None,
        }
    }

    fn of_board(&self, name: &str, scope: &str) -> Option<Setting> {
        if scope.is_empty() {
            let mut more = self.facts.more.iter();
            if let Some((_, value)) = more.find(|(of, _)| *of == name) {
                return text(value);
            }
            let value = match name {
                "uuid" if self.facts.uuid != [0; 16] => {
                    return Setting::new(SettingType::Uuid, &self.facts.uuid);
                }
                "serial" => self.facts.serial,
                "manufacturer" => self.facts.manufacturer,
                "product" => self.facts.product,
                "asset" => self.facts.asset,
                "platform" => "caliptra",
                "buildarch" => BUILD_ARCH,
                "version" => env!("CARGO_PKG_VERSION"),
                _ => "",
            };
            if !value.is_empty() {
                return text(value);
            }
        }
        None
    }

    /// The configuration that settings of one family are read from.
    fn config(&self, ipv6: bool) -> Option<&NetworkConfig> {
        let mut configs = networks(self.net).into_iter().flatten();
        configs.find(|config| config.address.is_ipv6() == ipv6)
    }

    fn of_interface(&self, name: &str) -> Option<Setting> {
        match name {
            "mac" => return Setting::new(SettingType::Hex, &self.interface?.mac),
            "ifname" => return text("net0"),
            "mtu" => return self.mtu(),
            _ => {}
        }
        // What belongs to no family is read from the configuration that comes first.
        let first = self.net.config();
        match name {
            "domain" => return text(&first?.domain),
            "hostname" => return text(&first?.hostname),
            "filename" => return text(&first?.boot.file),
            "root-path" => return self.raw(OptionScope::Dhcp, ROOT_PATH, SettingType::String),
            "user-class" => return self.raw(OptionScope::Dhcp, USER_CLASS, SettingType::Hex),
            "dhcp-server" => {
                if let Some(ConfigOrigin::Dhcp(server)) = first.map(|first| first.origin) {
                    return address(server);
                }
                return self.raw(OptionScope::Dhcp, DHCP_SERVER, SettingType::Ipv4);
            }
            _ => {}
        }
        let (name, ipv6) = match name.strip_suffix('6') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let config = self.config(ipv6)?;
        match name {
            "ip" => address(config.address),
            "netmask" if !ipv6 => {
                let bits = u32::MAX.checked_shl(32 - u32::from(config.prefix_len.min(32)));
                Setting::new(SettingType::Ipv4, &bits.unwrap_or(0).to_be_bytes())
            }
            "len" if ipv6 => Setting::new(SettingType::Uint8, &[config.prefix_len]),
            "gateway" => address(*config.routers.first()?),
            "dns" => addresses(&config.dns),
            "ntp" if !ipv6 => addresses(&config.ntp),
            "syslog" => address(config.log?),
            "next-server" if !ipv6 => address(config.boot.next_server?),
            _ => None,
        }
    }

    /// A setting that one DHCP server has told.
    fn of_server(&self, scope: OptionScope, name: SettingName<'_>) -> Option<Setting> {
        let option = match name.name() {
            "filename" => (67, SettingType::String),
            "root-path" => (ROOT_PATH, SettingType::String),
            "dhcp-server" => (DHCP_SERVER, SettingType::Ipv4),
            "dns" => (6, SettingType::Ipv4),
            "gateway" => (3, SettingType::Ipv4),
            "netmask" => (1, SettingType::Ipv4),
            "domain" => (15, SettingType::String),
            "hostname" => (12, SettingType::String),
            "user-class" => (USER_CLASS, SettingType::Hex),
            // Fields of the message rather than options.
            "ip" | "next-server" if scope == OptionScope::Dhcp => {
                let config = self.config(false)?;
                return match config.origin {
                    ConfigOrigin::Dhcp(_) => self.of_interface(name.name()),
                    _ => None,
                };
            }
            _ => return self.option(scope, name),
        };
        self.raw(scope, option.0, option.1)
    }

    /// An option by its number, or a suboption: `175.3` is the option 3 inside of option 175.
    fn option(&self, scope: OptionScope, name: SettingName<'_>) -> Option<Setting> {
        let (code, inner) = name.option()?;
        let octets = self.net.dhcp_option(scope, code)?;
        let octets = match inner {
            None => octets,
            Some(inner) => suboption(octets, inner)?,
        };
        Setting::new(SettingType::String, octets)
    }

    fn raw(&self, scope: OptionScope, code: u16, of_type: SettingType) -> Option<Setting> {
        Setting::new(of_type, self.net.dhcp_option(scope, code)?)
    }

    fn mtu(&self) -> Option<Setting> {
        let told = self.config(false).and_then(|config| config.mtu);
        let mtu = told.or(self.interface.map(|interface| interface.mtu))?;
        Setting::new(SettingType::Uint16, &mtu.to_be_bytes())
    }

    fn of_device(&self, name: &str) -> Option<Setting> {
        match name {
            // It is decimal, so that it can be a part of a file's name.
            "image-index" => Setting::new(SettingType::Int8, &[self.device.image_index?]),
            "device-status" => Setting::new(SettingType::Uint8, &[self.device.device_status]),
            "recovery-reason" => {
                let reason = self.device.reason.0.to_be_bytes();
                Setting::new(SettingType::Uint16, &reason)
            }
            _ => None,
        }
    }
}

/// The architecture as iPXE names it.
const BUILD_ARCH: &str = match () {
    () if cfg!(target_arch = "riscv32") => "riscv32",
    () if cfg!(target_arch = "riscv64") => "riscv64",
    () if cfg!(target_arch = "x86_64") => "x86_64",
    () if cfg!(target_arch = "aarch64") => "arm64",
    () => "unknown",
};

fn text(value: &str) -> Option<Setting> {
    Setting::new(SettingType::String, value.as_bytes())
}

fn address(address: IpAddr) -> Option<Setting> {
    addresses(&[address])
}

/// The addresses of the first one's family, one behind the other.
fn addresses(addresses: &[IpAddr]) -> Option<Setting> {
    let mut octets: heapless::Vec<u8, 64> = heapless::Vec::new();
    let first = addresses.first()?;
    for address in addresses {
        let kept = match address {
            IpAddr::V4(v4) if first.is_ipv4() => octets.extend_from_slice(&v4.octets()),
            IpAddr::V6(v6) if first.is_ipv6() => octets.extend_from_slice(&v6.octets()),
            _ => Ok(()),
        };
        kept.ok()?;
    }
    let of_type = match first {
        IpAddr::V4(_) => SettingType::Ipv4,
        IpAddr::V6(_) => SettingType::Ipv6,
    };
    Setting::new(of_type, &octets)
}

/// Finds a suboption in an option that has others inside, each as number, length and value (RFC 2132, section 8.4).
fn suboption(mut octets: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        match octets {
            [0, rest @ ..] => octets = rest,
            [255, ..] => return None,
            [code, len, rest @ ..] => {
                let (value, rest) = rest.split_at_checked(usize::from(*len))?;
                if *code == wanted {
                    return Some(value);
                }
                octets = rest;
            }
            _ => return None,
        }
    }
}
