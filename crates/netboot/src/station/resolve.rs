//! Host name to address.

use super::station::{Internal, Station};
use crate::board::Board;
#[cfg(not(feature = "dns"))]
use crate::error::NetError;
use core::net::IpAddr;
use netboot_core::uri::{Host, Uri};

/// Finds the address of a URI's host, by DNS if it is a name (RFC 1035). Of several addresses it is the one whose turn it is.
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
    use netboot_core::{Instant, Platform};
    use netboot_dns::{Failure, Outcome, PORT, TRANSMIT_MAX};
    use smoltcp::wire::IpEndpoint;

    /// Finds the address of a name.
    #[inline(never)]
    pub(super) fn ask<B: Board>(station: &mut Station<'_, B>, name: &str) -> Internal<IpAddr> {
        let now = station.now();
        let patience = station.options.dns_timeout;
        let (config, names, platform) = station.names_and_config();
        names.start(now, platform.rng(), name, config, patience);
        let result = station.run(Instant::FAR_FUTURE, NetError::DnsTimeout, |station, now| {
            send(station, now);
            let error = match station.names.outcome() {
                Err(at) => return Ok(Step::Again(at)),
                Ok(Outcome::Found) => match station.names.address() {
                    Some(address) => return Ok(Step::Done(address)),
                    None => NetError::Internal,
                },
                Ok(Outcome::Failed(Failure::NoServer)) => NetError::NoDnsServer,
                Ok(Outcome::Failed(Failure::Timeout)) => NetError::DnsTimeout,
                Ok(Outcome::Failed(Failure::NotFound | Failure::BadName)) => NetError::NameNotFound,
            };
            Err(station.fail(error))
        });
        station.stack.link.dns = None;
        let socket = station.names.socket;
        station.stack.udp(socket).close();
        result
    }

    /// Does what is due for the name, and sends the query that comes of it.
    #[inline(never)]
    fn send<B: Board>(station: &mut Station<'_, B>, now: Instant) {
        let mut query = [0; TRANSMIT_MAX];
        let (config, names, platform) = station.names_and_config();
        let Some(sent) = names.advance(now, platform.rng(), config, &mut query) else {
            return;
        };
        let IpAddr::V4(server) = sent.server else {
            return;
        };
        let handle = names.socket;
        station.stack.link.dns = Some(sent.port);
        let socket = station.stack.udp(handle);
        socket.close();
        // A port other than 0 on a closed socket: cannot fail. A full buffer is a lost query, which is asked again.
        let _ = socket.bind(sent.port);
        let query = query.get(..sent.len).unwrap_or_default();
        let _ = socket.send_slice(query, IpEndpoint::new(server.into(), PORT));
        station.flush();
    }
}
