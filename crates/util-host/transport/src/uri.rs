//! Transports by their addresses, and transports that own their drivers.
//!
//! | address | transport |
//! |---|---|
//! | `udp://HOST:PORT` | mailbox behind UDP |
//! | `mctp+tcp://HOST:PORT[?eid=N][&own=N]` | MCTP frames over TCP |
//! | `mctp+unix:PATH[?eid=N][&own=N]` | MCTP frames over a Unix socket |
//! | `mctp+serial:PATH[?eid=N][&own=N]` | MCTP frames over a serial port |
//! | `mctp+linux:EID[@NETWORK]` | MCTP by the Linux kernel |

use crate::error::{TransportError, TransportResult};
use crate::framed::{Framed, Framing};
use crate::mailbox::{self, MailboxDriver, MailboxFraming, UdpMailbox};
use crate::mctp::stream::{SerialMctp, StreamAddress};
use crate::mctp::{MctpVdmDriver, VdmFraming};
use caliptra_util_host_command_types::CaliptraCommandId;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// The device's endpoint number unless the address tells another.
pub const DEFAULT_EID: u8 = 9;
/// The host's endpoint number unless the address tells another.
pub const DEFAULT_OWN_EID: u8 = 8;

/// A driver of either kind, owned, with its framing.
pub enum OwnedFraming {
    /// The mailbox's framing.
    Mailbox(MailboxFraming<Box<dyn MailboxDriver>>),
    /// The framing of vendor defined messages.
    Mctp(VdmFraming<Box<dyn MctpVdmDriver>>),
}

/// Calls a method that both framings have.
macro_rules! either {
    ($framing:expr, $name:ident => $call:expr) => {
        match $framing {
            OwnedFraming::Mailbox($name) => $call,
            OwnedFraming::Mctp($name) => $call,
        }
    };
}

impl Framing for OwnedFraming {
    const NAME: &'static str = "OwnedTransport";
    const UNKNOWN: &'static str = "the transport does not know the command";

    fn connect(&mut self) -> TransportResult<()> {
        either!(self, framing => framing.connect())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        either!(self, framing => framing.disconnect())
    }

    fn exchange(
        &mut self,
        id: CaliptraCommandId,
        data: &[u8],
        buffer: &mut [u8],
    ) -> TransportResult<usize> {
        either!(self, framing => framing.exchange(id, data, buffer))
    }

    fn is_ready(&self) -> bool {
        either!(self, framing => framing.is_ready())
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        either!(self, framing => framing.set_timeouts(connection_ms, command_ms));
    }
}

/// A transport that owns its driver.
pub type OwnedTransport = Framed<OwnedFraming, Box<[u8]>>;

impl OwnedTransport {
    /// A transport over a mailbox driver.
    pub fn mailbox(driver: Box<dyn MailboxDriver>) -> Self {
        Self::owning(OwnedFraming::Mailbox(MailboxFraming(driver)))
    }

    /// A transport over an MCTP driver.
    pub fn mctp(driver: Box<dyn MctpVdmDriver>) -> Self {
        Self::owning(OwnedFraming::Mctp(VdmFraming(driver)))
    }

    fn owning(framing: OwnedFraming) -> Self {
        let buffer = vec![0; mailbox::DEFAULT_CAPACITY];
        Self::build(framing, buffer.into_boxed_slice())
    }
}

const FORMS: &str = "an address is udp://HOST:PORT, mctp+tcp://HOST:PORT, mctp+unix:PATH, mctp+serial:PATH or mctp+linux:EID";

fn resolve(address: &str) -> TransportResult<SocketAddr> {
    let found = address
        .to_socket_addrs()
        .ok()
        .and_then(|mut all| all.next());
    found.ok_or(TransportError::ConfigurationError(
        "the address's host or port is unknown",
    ))
}

/// Splits off `?eid=N&own=N`.
fn endpoints(rest: &str) -> TransportResult<(&str, u8, u8)> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut peer, mut own) = (DEFAULT_EID, DEFAULT_OWN_EID);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let wrong = TransportError::ConfigurationError(
            "an endpoint is told as eid=N or own=N, N from 8 to 254",
        );
        let (key, value) = pair.split_once('=').ok_or(wrong)?;
        let number: u8 = value.parse().map_err(|_| wrong)?;
        if !(8..255).contains(&number) {
            return Err(wrong);
        }
        match key {
            "eid" => peer = number,
            "own" => own = number,
            _ => return Err(wrong),
        }
    }
    Ok((place, peer, own))
}

/// Makes the transport that an address tells. It is not connected yet.
///
/// # Errors
/// [`ConfigurationError`](TransportError::ConfigurationError) when the address has no known form.
pub fn open(address: &str) -> TransportResult<OwnedTransport> {
    if let Some(place) = address.strip_prefix("udp://") {
        let driver = UdpMailbox::new(resolve(place)?, Duration::from_secs(5));
        return Ok(OwnedTransport::mailbox(Box::new(driver)));
    }
    #[cfg(target_os = "linux")]
    if let Some(place) = address.strip_prefix("mctp+linux:") {
        let (endpoint, network) = place.split_once('@').unwrap_or((place, "1"));
        let wrong =
            TransportError::ConfigurationError("a kernel's endpoint is told as EID or EID@NETWORK");
        let network = network.parse().map_err(|_| wrong)?;
        let endpoint = endpoint.parse().map_err(|_| wrong)?;
        return Ok(OwnedTransport::mctp(Box::new(crate::LinuxMctp::new(
            network, endpoint,
        ))));
    }
    Ok(OwnedTransport::mctp(Box::new(open_channel(address)?)))
}

/// Makes the MCTP stream that an address tells: one of the forms `mctp+tcp`, `mctp+unix` and `mctp+serial`.
///
/// # Errors
/// As for [`open`].
pub fn open_channel(address: &str) -> TransportResult<SerialMctp> {
    let (stream, peer, own) = if let Some(rest) = address.strip_prefix("mctp+tcp://") {
        let (place, peer, own) = endpoints(rest)?;
        (StreamAddress::Tcp(resolve(place)?), peer, own)
    } else if let Some(rest) = address.strip_prefix("mctp+unix:") {
        let (place, peer, own) = endpoints(rest)?;
        (StreamAddress::Unix(place.into()), peer, own)
    } else if let Some(rest) = address.strip_prefix("mctp+serial:") {
        let (place, peer, own) = endpoints(rest)?;
        (StreamAddress::Serial(place.into()), peer, own)
    } else {
        return Err(TransportError::ConfigurationError(FORMS));
    };
    Ok(SerialMctp::new(stream, own, peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        for good in [
            "udp://127.0.0.1:62222",
            "mctp+tcp://127.0.0.1:1?eid=20&own=21",
            "mctp+unix:/run/x",
            "mctp+serial:/dev/ttyS9?eid=8",
            "mctp+linux:9",
            "mctp+linux:9@2",
        ] {
            assert!(open(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "udp:",
            "udp://x",
            "tcp://127.0.0.1:1",
            "mctp+tcp://127.0.0.1:1?eid=7",
            "mctp+tcp://127.0.0.1:1?id=9",
            "mctp+linux:x",
        ] {
            assert!(
                matches!(open(bad), Err(TransportError::ConfigurationError(_))),
                "{bad}"
            );
        }
    }
}
