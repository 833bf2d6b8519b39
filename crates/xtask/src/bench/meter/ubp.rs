//! The UDP boot protocol on the wire (`docs/src/ubp.md`): a fetch lasts from OPEN to the REPORT that says that the file is whole.

use super::{Current, Meter};
use netboot_core::Instant;

/// UDP port of the server.
pub(super) const PORT: u16 = 6910;
/// First octets of messages.
const OPEN: u8 = 0x11;
const GET: u8 = 0x15;
const DATA: u8 = 0x16;
const REPORT: u8 = 0x18;

/// Blocks that a GET was sent for, of which the first has not come: when, and its number.
pub(super) type Asked = Option<(Instant, u32)>;

/// A number of four octets at this place.
fn number(message: &[u8], at: usize) -> Option<u32> {
    let octets = message.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*octets))
}

impl Meter {
    /// The client sent a message.
    pub(super) fn ubp_sent(&mut self, at: Instant, message: &[u8]) {
        match message.first() {
            Some(&OPEN) => {
                // The file may be asked for again, from its start or from where a transfer broke.
                self.current.get_or_insert_with(|| Current::new(at));
            }
            Some(&GET) if self.ubp_asked.is_none() => {
                self.ubp_asked = number(message, 24).map(|first| (at, first));
            }
            Some(&REPORT) if number(message, 24) == Some(0) => {
                self.ubp_asked = None;
                self.end(at);
            }
            _ => {}
        }
    }

    /// A message came to the client.
    pub(super) fn ubp_received(&mut self, at: Instant, message: &[u8]) {
        if message.first() != Some(&DATA) {
            return;
        }
        let block = number(message, 4);
        if let Some((asked, _)) = self.ubp_asked.take_if(|(_, first)| Some(*first) == block)
            && let Some(current) = &mut self.current
        {
            current.trips.push(at.since(asked).as_micros() as f64);
        }
        self.arrived(at);
    }
}
