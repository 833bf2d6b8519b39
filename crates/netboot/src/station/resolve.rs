//! Host name to address.

#[cfg(feature = "dns")]
mod names;

use super::station::{Internal, Station};
use crate::board::Board;
#[cfg(not(feature = "dns"))]
use crate::error::NetError;
use core::net::IpAddr;
#[cfg(feature = "dns")]
pub(crate) use names::Names;
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
        Host::Name(name) => names::ask(station, name)?,
        #[cfg(not(feature = "dns"))]
        Host::Name(_) => return Err(station.fail(NetError::NoDnsServer)),
    };
    station
        .approach(address)
        .map_err(|error| station.fail(error))?;
    Ok(address)
}
