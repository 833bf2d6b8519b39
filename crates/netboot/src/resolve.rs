//! Host name to address.

use crate::NetError;
#[cfg(feature = "dns")]
use crate::stack::Step;
use crate::stack::{Internal, Stack};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::uri::{Host, Uri};
use netboot_core::{Device, Platform};
#[cfg(feature = "dns")]
use smoltcp::socket::dns::GetQueryResultError;
#[cfg(feature = "dns")]
use smoltcp::wire::{DnsQueryType, IpAddress};

impl<D: Device, P: Platform> Stack<'_, D, P> {
    /// The IPv4 address of a URI's host, by DNS if it is a name (RFC 1035).
    #[inline(never)]
    pub fn resolve(&mut self, uri: &Uri) -> Internal<Ipv4Addr> {
        self.await_lease()?;
        let address = match uri.host() {
            Host::V4(address) => IpAddr::V4(address),
            Host::V6(address) => IpAddr::V6(address),
            #[cfg(feature = "dns")]
            Host::Name(name) => IpAddr::V4(self.ask(name)?),
            #[cfg(not(feature = "dns"))]
            Host::Name(_) => return Err(self.fail(NetError::NoDnsServer)),
        };
        let address = self.check_address(address)?;
        #[cfg(feature = "ahead")]
        self.ask_neighbor(address);
        Ok(address)
    }

    #[cfg(feature = "dns")]
    #[inline(never)]
    fn ask(&mut self, name: &str) -> Internal<Ipv4Addr> {
        let servers = self.config.as_ref().map_or(0, |config| config.dns.len());
        if servers == 0 {
            return Err(self.fail(NetError::NoDnsServer));
        }
        let servers = u32::try_from(servers).unwrap_or(u32::MAX);
        #[cfg(feature = "ahead")]
        if let Some(server) = self.config.as_ref().and_then(|config| config.dns.first()) {
            self.ask_neighbor(*server);
        }
        let (socket, iface) = self.dns();
        let Ok(query) = socket.start_query(iface.context(), name, DnsQueryType::A) else {
            return Err(self.fail(NetError::NameNotFound));
        };
        let limit = self.platform.now() + self.options.dns_timeout * servers;
        let mut pending = true;
        let answer = self.run(limit, NetError::DnsTimeout, |stack, _| {
            match stack.dns().0.get_query_result(query) {
                Err(GetQueryResultError::Pending) => Ok(Step::WAIT),
                Err(GetQueryResultError::Failed) => {
                    pending = false;
                    Err(stack.fail(NetError::NameNotFound))
                }
                Ok(addresses) => {
                    pending = false;
                    match addresses.first() {
                        Some(IpAddress::Ipv4(v4)) => Ok(Step::Done(*v4)),
                        None => Err(stack.fail(NetError::NameNotFound)),
                    }
                }
            }
        });
        if pending {
            // The one query slot is needed for the next name.
            self.dns().0.cancel_query(query);
        }
        answer
    }

    /// Sets whom to ask.
    #[cfg(feature = "dns")]
    pub fn set_dns_servers(&mut self, servers: &[Ipv4Addr]) {
        let servers: heapless::Vec<IpAddress, { netboot_ipxe::MAX_DNS }> = servers
            .iter()
            .take(netboot_ipxe::MAX_DNS)
            .map(|server| IpAddress::Ipv4(*server))
            .collect();
        self.dns().0.update_servers(&servers);
    }
}
