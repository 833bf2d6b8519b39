//! Host name to address.

use super::station::{Internal, Station};
use crate::board::Board;
#[cfg(not(feature = "dns"))]
use crate::error::NetError;
use core::net::IpAddr;
use netboot_core::uri::{Host, Uri};

/// Finds the address of a URI's host, by DNS if it is a name (RFC 1035).
///
/// # Errors
/// When there is no address, the name has none that can be spoken to, or no DNS server answers in time.
#[inline(never)]
pub fn resolve<B: Board>(station: &mut Station<'_, B>, uri: &Uri) -> Internal<IpAddr> {
    station.await_lease()?;
    let address = match uri.host() {
        Host::V4(address) => IpAddr::V4(address),
        Host::V6(address) => IpAddr::V6(address),
        #[cfg(feature = "dns")]
        Host::Name(name) => dns::ask(station, name)?,
        #[cfg(not(feature = "dns"))]
        Host::Name(_) => return Err(station.fail(NetError::NoDnsServer)),
    };
    station
        .approach(address)
        .map_err(|error| station.fail(error))?;
    Ok(address)
}

#[cfg(feature = "dns")]
mod dns {
    use crate::board::Board;
    use crate::error::NetError;
    use crate::station::{Internal, Station, Step};
    use core::net::IpAddr;
    use netboot_core::Platform;
    use netboot_core::net::MAX_DNS;
    use smoltcp::socket::dns::GetQueryResultError;
    use smoltcp::wire::{DnsQueryType, IpAddress};

    #[inline(never)]
    pub(super) fn ask<B: Board>(station: &mut Station<'_, B>, name: &str) -> Internal<IpAddr> {
        let mut servers = heapless::Vec::<IpAddress, MAX_DNS>::new();
        for server in station.config().into_iter().flat_map(|config| &config.dns) {
            if let IpAddr::V4(server) = server {
                // There is room for as many as a configuration has.
                let _ = servers.push(IpAddress::Ipv4(*server));
            }
        }
        if servers.is_empty() {
            return Err(station.fail(NetError::NoDnsServer));
        }
        let handle = station.dns;
        let (socket, iface) = station.stack.dns(handle);
        socket.update_servers(&servers);
        let Ok(query) = socket.start_query(iface.context(), name, DnsQueryType::A) else {
            return Err(station.fail(NetError::NameNotFound));
        };
        let servers = u32::try_from(servers.len()).unwrap_or(u32::MAX);
        let limit = station.platform.now() + station.options.dns_timeout * servers;
        let mut pending = true;
        let answer = station.run(limit, NetError::DnsTimeout, |station, _| {
            match station.stack.dns(handle).0.get_query_result(query) {
                Err(GetQueryResultError::Pending) => Ok(Step::WAIT),
                Err(GetQueryResultError::Failed) => {
                    pending = false;
                    Err(station.fail(NetError::NameNotFound))
                }
                Ok(addresses) => {
                    pending = false;
                    match addresses.first() {
                        Some(IpAddress::Ipv4(v4)) => Ok(Step::Done(IpAddr::V4(*v4))),
                        None => Err(station.fail(NetError::NameNotFound)),
                    }
                }
            }
        });
        if pending {
            // The one query slot is needed for the next name.
            station.stack.dns(handle).0.cancel_query(query);
        }
        answer
    }
}
