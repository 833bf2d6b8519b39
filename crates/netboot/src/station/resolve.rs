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
    #[cfg(all(feature = "dns", feature = "ipv6"))]
    {
        station.names.literal = !matches!(uri.host(), Host::Name(_));
    }
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
    #[cfg(feature = "ipv6")]
    {
        station.peer_is_ipv6 = address.is_ipv6();
    }
    Ok(address)
}

#[cfg(feature = "dns")]
mod dns {
    use crate::board::Board;
    use crate::error::NetError;
    use crate::station::names::FAMILIES;
    use crate::station::station::present;
    use crate::station::{Internal, Names, Station, Step};
    use core::net::IpAddr;
    use netboot_core::net::NetworkConfig;
    use netboot_core::{Duration, Instant, Platform};
    use netboot_dns::{Failure, Outcome, PORT, RecordType, TRANSMIT_MAX};

    /// Time for the addresses of a family, once there are some of the other one. RFC 8305 has 50 ms, for people who wait.
    const SECOND: Duration = Duration::from_millis(500);

    /// Finds the address of a name.
    #[inline(never)]
    pub(super) fn ask<B: Board>(station: &mut Station<'_, B>, name: &str) -> Internal<IpAddr> {
        let families = station.families();
        let mut result = Err(NetError::NotConfigured);
        for (nth, family) in families.into_iter().enumerate().take(FAMILIES) {
            let Some(kind) = family else {
                continue;
            };
            let found = result.is_ok();
            let now = station.now();
            // A family that did not answer before is not waited for long while there is another one to ask.
            #[cfg(feature = "ipv6")]
            let known = found
                || station.names.silent.get(nth) == Some(&true)
                    && families.iter().skip(nth + 1).any(Option::is_some);
            #[cfg(not(feature = "ipv6"))]
            let known = found;
            let patience = match known {
                true => SECOND,
                false => station.options.dns_timeout,
            };
            let (config, names, platform) = station.names_and_config(kind);
            names.start(now, platform.rng(), name, config, (nth, kind), patience);
            let outcome = station.run(Instant::FAR_FUTURE, NetError::DnsTimeout, |station, now| {
                send(station, now, kind);
                Ok(match station.names.outcome() {
                    Err(at) => Step::Again(at),
                    Ok(outcome) => Step::Done(outcome),
                })
            });
            station.stack.link.dns = None;
            let outcome = outcome?;
            #[cfg(feature = "ipv6")]
            if let Some(silent) = station.names.silent.get_mut(nth) {
                *silent = matches!(outcome, Outcome::Failed(Failure::Timeout));
            }
            let outcome = match outcome {
                Outcome::Found => Ok(()),
                Outcome::Failed(Failure::NoServer) => Err(NetError::NoDnsServer),
                Outcome::Failed(Failure::Timeout) => Err(NetError::DnsTimeout),
                Outcome::Failed(Failure::NotFound | Failure::BadName) => {
                    Err(NetError::NameNotFound)
                }
            };
            if !found {
                result = outcome;
            }
        }
        let address = match result {
            Ok(()) => station.names.address().ok_or(NetError::Internal),
            Err(error) => Err(error),
        };
        address.map_err(|error| station.fail(error))
    }

    /// Does what is due for the name, and sends the query that comes of it.
    #[inline(never)]
    fn send<B: Board>(station: &mut Station<'_, B>, now: Instant, kind: RecordType) {
        let mut query = [0; TRANSMIT_MAX];
        let (config, names, platform) = station.names_and_config(kind);
        let Some(sent) = names.advance(now, platform.rng(), config, &mut query) else {
            return;
        };
        station.stack.link.dns = Some(sent.port);
        let query = query.get(..sent.len).unwrap_or_default();
        let (from, to) = ((None, sent.port), (sent.server, PORT));
        station.stack.link.send_datagram(now, from, to, query);
    }

    impl<'a, B: Board> Station<'a, B> {
        /// What is known of names, and what it takes to learn addresses of this kind. Each family asks the servers that it was told of, so that
        /// servers of one family that do not answer cost no more than that family; a family that was told of none asks those of the other.
        pub(crate) fn names_and_config(
            &mut self,
            kind: RecordType,
        ) -> (Option<&NetworkConfig>, &mut Names<'a>, &mut B::Platform) {
            let config = present(&self.source, &self.lease);
            #[cfg(feature = "ipv6")]
            let config = {
                let (own, other) = match kind {
                    RecordType::A => (config, self.ipv6.config()),
                    RecordType::Aaaa => (self.ipv6.config(), config),
                };
                own.filter(|config| !config.dns.is_empty())
                    .or(other)
                    .or(own)
            };
            #[cfg(not(feature = "ipv6"))]
            let _ = kind;
            (config, &mut self.names, &mut self.platform)
        }
    }
}
