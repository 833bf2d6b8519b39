//! Host name to address.

use crate::NetError;
use crate::stack::{Stack, Step};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::uri::{Host, Uri};
use netboot_core::{Device, Platform};
use smoltcp::socket::dns::GetQueryResultError;
use smoltcp::wire::{DnsQueryType, IpAddress};

impl<D: Device, P: Platform> Stack<'_, D, P> {
    /// The IPv4 address of a URI's host, by DNS if it is a name (RFC 1035).
    pub fn resolve(&mut self, uri: &Uri) -> Result<Ipv4Addr, NetError> {
        self.await_lease()?;
        let name = match uri.host() {
            Host::V4(address) => return self.check_address(IpAddr::V4(address)),
            Host::V6(address) => return self.check_address(IpAddr::V6(address)),
            Host::Name(name) => name,
        };
        let config = self.config.as_ref().ok_or(NetError::NotConfigured)?;
        if config.dns.is_empty() {
            return Err(NetError::NoDnsServer);
        }
        let servers = u32::try_from(config.dns.len()).unwrap_or(u32::MAX);
        let (socket, iface) = self.dns();
        let query = socket
            .start_query(iface.context(), name, DnsQueryType::A)
            .map_err(|_| NetError::NameNotFound)?;
        let limit = self.platform.now() + self.options.dns_timeout * servers;
        let mut pending = true;
        let answer = self.run(limit, NetError::DnsTimeout, |stack, _| {
            match stack.dns().0.get_query_result(query) {
                Err(GetQueryResultError::Pending) => Ok(Step::WAIT),
                Err(GetQueryResultError::Failed) => {
                    pending = false;
                    Err(NetError::NameNotFound)
                }
                Ok(addresses) => {
                    pending = false;
                    let first = addresses.first().map(|IpAddress::Ipv4(v4)| *v4);
                    Ok(Step::Done(first.ok_or(NetError::NameNotFound)?))
                }
            }
        });
        if pending {
            // The one query slot is needed for the next name.
            self.dns().0.cancel_query(query);
        }
        self.check_address(IpAddr::V4(answer?))
    }
}
