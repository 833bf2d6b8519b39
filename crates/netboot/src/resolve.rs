//! Host name to address.

use crate::NetError;
use crate::stack::{Internal, Stack, Step};
use core::net::{IpAddr, Ipv4Addr};
use netboot_core::uri::{Host, Uri};
use netboot_core::{Device, Platform};
use smoltcp::socket::dns::GetQueryResultError;
use smoltcp::wire::{DnsQueryType, IpAddress};

impl<D: Device, P: Platform> Stack<'_, D, P> {
    /// The IPv4 address of a URI's host, by DNS if it is a name (RFC 1035).
    #[inline(never)]
    pub fn resolve(&mut self, uri: &Uri) -> Internal<Ipv4Addr> {
        self.await_lease()?;
        let name = match uri.host() {
            Host::V4(address) => return self.check_address(IpAddr::V4(address)),
            Host::V6(address) => return self.check_address(IpAddr::V6(address)),
            Host::Name(name) => name,
        };
        let servers = self.config.as_ref().map_or(0, |config| config.dns.len());
        if servers == 0 {
            return Err(self.fail(NetError::NoDnsServer));
        }
        let servers = u32::try_from(servers).unwrap_or(u32::MAX);
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
        self.check_address(IpAddr::V4(answer?))
    }
}
