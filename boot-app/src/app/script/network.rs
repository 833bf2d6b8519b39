//! Commands of the interface.

use super::person::Screen;
use super::{Reply, settings};
use crate::app::{AppError, BootApp, Result};
use crate::observer::Observer;
use crate::script::{BootSettings, DeviceFacts};
use crate::sources::networks;
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::uri::UriError;
use netboot_core::{Console, NetworkConfig};
use netboot_ipxe::IpxeInterface;
use netboot_ipxe::script::{Arguments, Command, Setting, SettingName, SettingType};
use ocp_recovery::RegisterBus;

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    pub(super) fn network_command(&mut self, command: Command<'_>) -> Result<Reply> {
        match command {
            Command::IfOpen(interfaces) => {
                self.check_names(interfaces)?;
                self.open()?;
            }
            Command::IfClose(interfaces) => {
                self.check_names(interfaces)?;
                self.net.exit();
            }
            Command::IfStat(interfaces) => {
                self.check_names(interfaces)?;
                self.show_interface();
            }
            Command::IfConf {
                interfaces,
                configurator,
                timeout,
            } => {
                self.check_names(interfaces)?;
                if !self.net.use_family(configurator) {
                    return Err(self.fail(AppError::NotSupported));
                }
                let now = self.net.now();
                let before = self.deadline;
                if let Some(timeout) = timeout {
                    self.deadline = before.min(now + timeout);
                }
                let configured = self.configure();
                self.deadline = before;
                self.net.use_family(None);
                configured?;
            }
            Command::Route => self.show_routes(),
            #[cfg(feature = "ping")]
            Command::NStat => self.show_neighbors(),
            Command::NsLookup { host, .. } => {
                return Ok(Reply::Address(self.look_up(host)?));
            }
            #[cfg(feature = "ping")]
            Command::Ping {
                host,
                size,
                count,
                timeout,
                quiet,
            } => {
                let to = self.look_up(host)?;
                self.ping(to, size, count, timeout, quiet)?;
            }
            _ => return Err(self.fail(AppError::NotSupported)),
        }
        Ok(Reply::Done)
    }

    /// The address of a host.
    #[inline(never)]
    fn look_up(&mut self, host: &str) -> Result<IpAddr> {
        self.start_attempt()?;
        match self.net.nslookup(host) {
            Some(Ok(address)) => Ok(address),
            Some(Err(error)) => Err(self.fail_net(error)),
            None => Err(self.fail(AppError::NotSupported)),
        }
    }

    /// Refuses interfaces that do not exist. There is one, `net0`; `netX` is the one that was opened last.
    #[inline(never)]
    fn check_names(&mut self, interfaces: Arguments<'_>) -> Result {
        let known = (0..interfaces.len())
            .filter_map(|nth| interfaces.get(nth))
            .all(|name| matches!(name, "net0" | "netX"));
        match known {
            true => Ok(()),
            false => Err(self.fail(AppError::NoSuchInterface)),
        }
    }

    /// `ifopen`: an interface whose address a script has set is configured by the settings.
    #[inline(never)]
    fn open(&mut self) -> Result {
        let interface = self.net.interface();
        let Some(scripts) = &mut self.scripts else {
            return Ok(());
        };
        let settings = settings(scripts, &self.net, interface, DeviceFacts::default());
        let Some(config) = by_settings(&settings) else {
            return Ok(());
        };
        match self.net.ifconfig(&config) {
            Ok(()) => self.is_configured(),
            Err(error) => Err(self.fail_net(error)),
        }
    }

    fn show_interface(&mut self) {
        let interface = self.net.interface();
        let Some(scripts) = &mut self.scripts else {
            return;
        };
        let mut out = Screen(scripts.terminal);
        let out: &mut dyn Console = &mut out;
        out.text("net0:");
        if let Some(interface) = interface {
            out.text(" ");
            out.mac(interface.mac);
            out.number("mtu", interface.mtu.into());
            out.text(match interface.link {
                Some(true) => " [Link:up]",
                Some(false) => " [Link:down]",
                None => "",
            });
        }
        for config in networks(&self.net).into_iter().flatten() {
            out.text(" ");
            out.with_prefix(config.address, config.prefix_len);
        }
        out.text("\n");
    }

    #[cfg(feature = "ping")]
    fn show_neighbors(&mut self) {
        let Some(scripts) = &mut self.scripts else {
            return;
        };
        let mut out = Screen(scripts.terminal);
        let out: &mut dyn Console = &mut out;
        let mut nth = 0;
        while let Some((address, mac)) = self.net.neighbor(nth) {
            nth += 1;
            out.text(match address {
                IpAddr::V4(_) => "net0 IPv4 ",
                IpAddr::V6(_) => "net0 IPv6 ",
            });
            out.ip(address);
            out.text(" is Ethernet ");
            out.mac(mac);
            out.text("\n");
        }
    }

    fn show_routes(&mut self) {
        let Some(scripts) = &mut self.scripts else {
            return;
        };
        let mut out = Screen(scripts.terminal);
        let out: &mut dyn Console = &mut out;
        for config in networks(&self.net).into_iter().flatten() {
            out.text("net0: ");
            out.with_prefix(config.address, config.prefix_len);
            for router in &config.routers {
                out.text(" gw ");
                out.ip(*router);
            }
            out.text("\n");
            for route in &config.routes {
                out.text("net0: ");
                out.with_prefix(route.destination.address, route.destination.len);
                if let Some(gateway) = route.gateway {
                    out.text(" gw ");
                    out.ip(gateway);
                }
                out.text("\n");
            }
        }
    }
}

/// The address that a setting has, of either family. Of several it is the first.
fn address_of(setting: Option<Setting>) -> Option<IpAddr> {
    let setting = setting?;
    match setting.octets() {
        [a, b, c, d, ..] if setting.setting_type() != SettingType::Ipv6 => {
            Some(Ipv4Addr::new(*a, *b, *c, *d).into())
        }
        octets => Some(IpAddr::from(<[u8; 16]>::try_from(octets).ok()?)),
    }
}

/// The configuration that a script has set: an address and a netmask, and what else it has set.
#[inline(never)]
fn by_settings<N: IpxeInterface>(settings: &BootSettings<'_, N>) -> Option<NetworkConfig> {
    // What the network told is no wish of the script.
    let get = |name| settings.variable(SettingName::new(name));
    let set = |name| address_of(get(name));
    let (ip, len) = match (set("ip"), set("ip6")) {
        (Some(ip), _) => {
            let mask = match set("netmask") {
                Some(IpAddr::V4(mask)) => u32::from(mask),
                _ => u32::MAX << 8,
            };
            (ip, mask.leading_ones())
        }
        (None, Some(ip)) => {
            let len = get("len6");
            let len = len.and_then(|len| len.octets().last().copied());
            (ip, len.unwrap_or(64).into())
        }
        (None, None) => return None,
    };
    let mut config = NetworkConfig::new(ip, u8::try_from(len).unwrap_or(0));
    let (gateway, dns) = match ip {
        IpAddr::V4(_) => ("gateway", "dns"),
        IpAddr::V6(_) => ("gateway6", "dns6"),
    };
    // Each list has room for one.
    let _ = set(gateway).map(|router| config.routers.push(router));
    let _ = set(dns).map(|server| config.dns.push(server));
    config.log = set("syslog");
    config.boot.next_server = set("next-server");
    // What is too long is left out: a name that is cut is another one.
    config.domain = text_of(&get("domain")).try_into().unwrap_or_default();
    config.hostname = text_of(&get("hostname")).try_into().unwrap_or_default();
    config.boot.file = text_of(&get("filename")).try_into().unwrap_or_default();
    Some(config)
}

/// The text of a setting. It is empty without one, and for one that is no text.
fn text_of(setting: &Option<Setting>) -> &str {
    let octets = setting.as_ref().map(Setting::octets);
    core::str::from_utf8(octets.unwrap_or_default()).unwrap_or_default()
}
