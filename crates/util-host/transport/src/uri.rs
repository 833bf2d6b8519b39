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
use crate::mailbox::{self, MailboxDriver, UdpMailbox, hand_over};
use crate::mctp::stream::{SerialMctp, StreamAddress};
use crate::mctp::{self, MctpVdmDriver};
use crate::traits::Transport;
use caliptra_util_host_command_types::{
    CaliptraCommandId, mailbox as mailbox_wire, vdm, wire::copy_out,
};
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// The device's endpoint number unless the address tells another.
pub const DEFAULT_EID: u8 = 9;
/// The host's endpoint number unless the address tells another.
pub const DEFAULT_OWN_EID: u8 = 8;

/// A driver of either kind, owned.
enum Driver {
    Mailbox(Box<dyn MailboxDriver>),
    Mctp(Box<dyn MctpVdmDriver>),
}

/// A transport that owns its driver.
pub struct OwnedTransport {
    driver: Driver,
    buffer: Box<[u8]>,
    response: Option<usize>,
    connected: bool,
}

impl fmt::Debug for OwnedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedTransport")
            .field("connected", &self.connected)
            .finish_non_exhaustive()
    }
}

impl OwnedTransport {
    /// A transport over a mailbox driver.
    pub fn mailbox(driver: Box<dyn MailboxDriver>) -> Self {
        Self::build(Driver::Mailbox(driver))
    }

    /// A transport over an MCTP driver.
    pub fn mctp(driver: Box<dyn MctpVdmDriver>) -> Self {
        Self::build(Driver::Mctp(driver))
    }

    fn build(driver: Driver) -> Self {
        Self {
            driver,
            buffer: vec![0; mailbox::DEFAULT_CAPACITY].into_boxed_slice(),
            response: None,
            connected: false,
        }
    }
}

impl Transport for OwnedTransport {
    fn connect(&mut self) -> TransportResult<()> {
        match &mut self.driver {
            Driver::Mailbox(driver) => driver.connect()?,
            Driver::Mctp(driver) => driver.connect()?,
        }
        self.connected = true;
        Ok(())
    }

    fn disconnect(&mut self) -> TransportResult<()> {
        self.response = None;
        if !std::mem::take(&mut self.connected) {
            return Ok(());
        }
        match &mut self.driver {
            Driver::Mailbox(driver) => driver.disconnect()?,
            Driver::Mctp(driver) => driver.disconnect()?,
        }
        Ok(())
    }

    fn send(&mut self, command_id: u32, data: &[u8]) -> TransportResult<()> {
        self.response = None;
        if !self.connected {
            return Err(TransportError::Disconnected);
        }
        let id = CaliptraCommandId::from_u32(command_id).ok_or(TransportError::NotSupported(
            "the transport does not know the command",
        ))?;
        let len = match &mut self.driver {
            Driver::Mailbox(driver) => {
                let request = mailbox_wire::encode(id, data, &mut self.buffer)?;
                let message = self.buffer.get(..request.len).unwrap_or_default();
                let answer = driver.send_command(request.code, message)?;
                copy_out(mailbox::open(answer)?, &mut self.buffer)?
            }
            Driver::Mctp(driver) => {
                let len = vdm::encode(id, data, &mut self.buffer)?;
                let answer = driver.send_request(self.buffer.get(..len).unwrap_or_default())?;
                mctp::open(id, answer, &mut self.buffer)?
            }
        };
        self.response = Some(len);
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> TransportResult<usize> {
        hand_over(&self.buffer, &mut self.response, buffer)
    }

    fn is_connected(&self) -> bool {
        self.connected
    }

    fn is_ready(&self) -> bool {
        self.connected
            && match &self.driver {
                Driver::Mailbox(driver) => driver.is_ready(),
                Driver::Mctp(driver) => driver.is_ready(),
            }
    }

    fn set_timeouts(&mut self, connection_ms: u32, command_ms: u32) {
        match &mut self.driver {
            Driver::Mailbox(driver) => driver.set_timeouts(connection_ms, command_ms),
            Driver::Mctp(driver) => driver.set_timeouts(connection_ms, command_ms),
        }
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
