//! Settings that few boards need: a static address, and where images may come from.
//!
//! ```text
//! order default dhcp            # sources in the order in which they are tried: toc, dhcp, default
//! require https                 # nothing is fetched by another scheme
//! address 10.0.2.15/24          # in place of DHCP; the next four lines belong to it
//! router 10.0.2.1
//! route 10.9.0.0/16 10.0.2.9
//! dns 10.0.2.3
//! boot http://10.0.2.2/fw/      # the boot file or directory
//! ```

use core::net::IpAddr;
use heapless::Vec;
use netboot_app::{AppConfig, Origin};
use netboot_core::uri::parse_v4;
use netboot_core::{NetworkConfig, Prefix, Route};

/// Number of sources that can stand in an order.
pub const MAX_SOURCES: usize = 4;

/// The static address, and where images may come from.
#[derive(Clone, Debug, Default)]
pub struct SourceSettings {
    /// The sources in the order in which they are tried; empty for the usual order.
    pub order: Vec<Origin, MAX_SOURCES>,
    /// Whether everything has to come by HTTPS.
    pub require_https: bool,
    /// The station's address and what is around it, in place of DHCP.
    pub address: Option<NetworkConfig>,
}

impl SourceSettings {
    /// Takes in one setting; `None` when it is not known or its value does not fit.
    pub(crate) fn line(&mut self, key: &str, words: &mut dyn Iterator<Item = &str>) -> Option<()> {
        if key == "order" {
            self.order.clear();
            for word in words {
                let origin = [Origin::Static, Origin::Toc, Origin::Dhcp, Origin::Default]
                    .into_iter()
                    .find(|origin| origin.as_str() == word)?;
                self.order.push(origin).ok()?;
            }
            return Some(());
        }
        let value = words.next()?;
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
            "router" => self.address.as_mut()?.routers.push(ip(value)?).ok(),
            "dns" => self.address.as_mut()?.dns.push(ip(value)?).ok(),
            "route" => {
                let route = Route {
                    destination: prefix(value)?,
                    gateway: Some(ip(words.next()?)?),
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

    /// Applies the settings to the configuration of a boot application.
    pub fn apply<'c>(&'c self, config: &mut AppConfig<'c>) {
        config.address = self.address.as_ref();
        config.sources.require_https = self.require_https;
        if !self.order.is_empty() {
            config.sources.order = &self.order;
        }
    }
}

fn ip(word: &str) -> Option<IpAddr> {
    parse_v4(word).map(IpAddr::V4)
}

/// Reads an address with the length of its prefix: `10.0.2.15/24`.
fn prefix(word: &str) -> Option<Prefix> {
    let (address, len) = word.split_once('/')?;
    Some(Prefix {
        address: ip(address)?,
        len: len.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
