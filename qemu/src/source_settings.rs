//! Settings that few boards need: a static address, and where images may come from.
//!
//! ```text
//! order default dhcp            # sources in the order in which they are tried: sztp, script, toc, dhcp, default
//! protocols https http tftp     # by which a server is asked that DHCP names without one, in builds with `negotiate`
//! require https                 # nothing is fetched by another scheme
//! address 10.0.2.15/24          # in place of DHCP; the next four lines belong to it
//! router 10.0.2.1
//! route 10.9.0.0/16 10.0.2.9
//! dns 10.0.2.3
//! boot http://10.0.2.2/fw/      # the boot file or directory
//! bootstore ask                 # with more settings in `bootstore_settings`, in builds with `bootstore`
//! serial A1234                  # for scripts and bootstrap servers, in builds with `script` or `sztp`: also manufacturer, product, asset and uuid
//! sztp https://10.0.2.2         # a bootstrap server beside those that DHCP names, in builds with `sztp`; up to two
//! shell on                      # the boot begins with a prompt, in builds with `script`
//! ```

#[cfg(any(feature = "script", feature = "sztp"))]
use heapless::String;
use heapless::Vec;
use netboot_app::{AppConfig, Origin};
#[cfg(feature = "negotiate")]
use netboot_core::uri::Scheme;
#[cfg(feature = "sztp")]
use netboot_core::uri::Uri;
use netboot_core::uri::parse_ip;
use netboot_core::{NetworkConfig, Prefix, Route};

/// Number of sources that can stand in an order.
pub const MAX_SOURCES: usize =
    5 + cfg!(feature = "bootstore") as usize + cfg!(feature = "sztp") as usize;

/// The sources that an order can name.
const ORIGINS: &[Origin] = &[
    Origin::Static,
    #[cfg(feature = "script")]
    Origin::Script,
    Origin::Toc,
    Origin::Dhcp,
    #[cfg(feature = "bootstore")]
    Origin::Bootstore,
    Origin::Default,
    #[cfg(feature = "sztp")]
    Origin::Sztp,
];

/// Number of protocols that can stand in an order.
#[cfg(feature = "negotiate")]
pub const MAX_PROTOCOLS: usize = 3;

/// The static address, and where images may come from.
#[derive(Clone, Debug, Default)]
pub struct SourceSettings {
    /// The sources in the order in which they are tried; empty for the usual order.
    pub order: Vec<Origin, MAX_SOURCES>,
    /// The protocols by which a server is asked of which DHCP tells none.
    #[cfg(feature = "negotiate")]
    pub protocols: Vec<Scheme, MAX_PROTOCOLS>,
    /// Whether everything has to come by HTTPS.
    pub require_https: bool,
    /// The station's address and what is around it, in place of DHCP.
    pub address: Option<NetworkConfig>,
    /// How the bootstore is used, and what the board's own ledger has.
    #[cfg(feature = "bootstore")]
    pub bootstore: crate::bootstore_settings::BootstoreSettings,
    /// Bootstrap servers that the board asks before those that DHCP names.
    #[cfg(feature = "sztp")]
    pub bootstrap_servers: Vec<Uri, 2>,
    /// What the board knows of itself, for scripts and for bootstrap servers.
    #[cfg(any(feature = "script", feature = "sztp"))]
    pub board: BoardSettings,
}

/// What the board knows of itself.
#[cfg(any(feature = "script", feature = "sztp"))]
#[derive(Clone, Debug, Default)]
pub struct BoardSettings {
    /// The UUID of the system; zeros for none.
    pub uuid: [u8; 16],
    /// The serial number.
    pub serial: String<FACT>,
    /// Who made the system.
    pub manufacturer: String<FACT>,
    /// What the system is.
    pub product: String<FACT>,
    /// The owner's number for it.
    pub asset: String<FACT>,
    /// Whether the boot begins with a prompt at the UART.
    pub shell: bool,
}

/// Octets of the longest fact.
#[cfg(any(feature = "script", feature = "sztp"))]
pub const FACT: usize = 32;

impl SourceSettings {
    /// Takes in one setting; `None` when it is not known or its value does not fit.
    pub(crate) fn line(&mut self, key: &str, words: &mut dyn Iterator<Item = &str>) -> Option<()> {
        if key == "order" {
            self.order.clear();
            for word in words {
                let origin = ORIGINS.iter().find(|origin| origin.as_str() == word)?;
                self.order.push(*origin).ok()?;
            }
            return Some(());
        }
        #[cfg(feature = "negotiate")]
        if key == "protocols" {
            self.protocols.clear();
            for word in words {
                self.protocols.push(Scheme::parse(word)?).ok()?;
            }
            return Some(());
        }
        #[cfg(feature = "bootstore")]
        if let Some(taken) = self.bootstore.line(key, words) {
            return taken;
        }
        let value = words.next()?;
        #[cfg(any(feature = "script", feature = "sztp"))]
        if let Some(taken) = self.board.line(key, value) {
            return taken;
        }
        #[cfg(feature = "sztp")]
        if key == "sztp" {
            return self.bootstrap_servers.push(Uri::parse(value).ok()?).ok();
        }
        match key {
            "require" => {
                self.require_https = value == "https";
                self.require_https.then_some(())
            }
            "address" => {
                let Prefix { address, len } = prefix(value)?;
                self.address = Some(NetworkConfig::new(address, len));
                Some(())
            }
            "router" => self.address.as_mut()?.routers.push(parse_ip(value)?).ok(),
            "dns" => self.address.as_mut()?.dns.push(parse_ip(value)?).ok(),
            "route" => {
                let route = Route {
                    destination: prefix(value)?,
                    gateway: Some(parse_ip(words.next()?)?),
                };
                self.address.as_mut()?.routes.push(route).ok()
            }
            "boot" => {
                self.address.as_mut()?.boot.file = value.try_into().ok()?;
                Some(())
            }
            _ => None,
        }
    }

    /// What the board knows of itself.
    #[cfg(feature = "script")]
    pub fn facts(&self) -> netboot_app::Facts<'_> {
        netboot_app::Facts {
            uuid: self.board.uuid,
            serial: &self.board.serial,
            manufacturer: &self.board.manufacturer,
            product: &self.board.product,
            asset: &self.board.asset,
            more: &[],
        }
    }

    /// Applies the settings to the configuration of a boot application.
    pub fn apply<'c>(&'c self, config: &mut AppConfig<'c>) {
        config.address = self.address.as_ref();
        config.sources.require_https = self.require_https;
        #[cfg(feature = "negotiate")]
        {
            config.sources.protocols = &self.protocols;
        }
        #[cfg(feature = "bootstore")]
        {
            config.bootstore = self.bootstore.config();
        }
        if !self.order.is_empty() {
            config.sources.order = &self.order;
        }
    }
}

#[cfg(any(feature = "script", feature = "sztp"))]
impl BoardSettings {
    /// Takes in one setting. `None` when it is none of these; then `Some(None)` when its value does not fit.
    fn line(&mut self, key: &str, value: &str) -> Option<Option<()>> {
        let to = match key {
            "uuid" => {
                let uuid = netboot_core::uuid::parse(value).map(|uuid| self.uuid = uuid);
                return Some(uuid);
            }
            "shell" => {
                self.shell = value == "on";
                return Some(matches!(value, "on" | "off").then_some(()));
            }
            "serial" => &mut self.serial,
            "manufacturer" => &mut self.manufacturer,
            "product" => &mut self.product,
            "asset" => &mut self.asset,
            _ => return None,
        };
        to.clear();
        Some(to.push_str(value).ok())
    }
}

/// Reads an address with the length of its prefix: `10.0.2.15/24`.
fn prefix(word: &str) -> Option<Prefix> {
    let (address, len) = word.split_once('/')?;
    Some(Prefix {
        address: parse_ip(address)?,
        len: len.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn read(text: &str) -> Option<SourceSettings> {
        let mut settings = SourceSettings::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            let key = words.next()?;
            settings.line(key, &mut words)?;
        }
        Some(settings)
    }

    #[test]
    fn a_static_address_with_what_is_around_it() {
        let text = "address 10.0.2.15/24\nrouter 10.0.2.1\nroute 10.9.0.0/16 10.0.2.9\n\
            dns 10.0.2.3\nboot http://10.0.2.2/fw/\nrequire https\norder default toc dhcp";
        let settings = read(text).unwrap();
        let config = settings.address.unwrap();
        assert_eq!(
            (config.address, config.prefix_len),
            ([10, 0, 2, 15].into(), 24)
        );
        assert_eq!(config.routers, [IpAddr::from([10, 0, 2, 1])]);
        assert_eq!(config.routes[0].destination.len, 16);
        assert_eq!(config.routes[0].gateway, Some([10, 0, 2, 9].into()));
        assert_eq!(config.dns, [IpAddr::from([10, 0, 2, 3])]);
        assert_eq!(config.boot.file, "http://10.0.2.2/fw/");
        assert!(settings.require_https);
        assert_eq!(settings.order, [Origin::Default, Origin::Toc, Origin::Dhcp]);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for text in [
            "router 10.0.2.1",
            "address 10.0.2.15",
            "address 10.0.2/24",
            "require tftp",
            "order dhcp nowhere",
            "nonsense 1",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
