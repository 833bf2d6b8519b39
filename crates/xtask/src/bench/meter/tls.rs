//! A connection with TLS: requests are told by the length of the client's records.

use image_server::frame::Segment;
use netboot_core::Instant;

/// Contents of a TLS record: application data.
const APPLICATION_DATA: u8 = 23;
/// Octets of the longest record that holds a Finished: its header and hash, the content type, a tag.
const FINISHED: usize = 4 + 48 + 1 + 16;

/// What the client sends through TLS, and which of the answers it has.
#[derive(Debug)]
pub(super) struct TlsStream {
    /// Sequence number of the next octet in order.
    pub(super) next: u32,
    /// Octets of the present record that are still to come.
    pub(super) rest: usize,
    /// Octets of the present record's header.
    pub(super) header: Vec<u8>,
    /// The client's acknowledgment number when it sent its latest request.
    pub(super) request: Option<u32>,
    /// Octets of the answer that were acknowledged, and when the latest of them.
    pub(super) acked: Option<(u32, Instant)>,
}

impl TlsStream {
    pub fn new(next: u32) -> Self {
        Self {
            next,
            rest: 0,
            header: Vec::new(),
            request: None,
            acked: None,
        }
    }

    /// Reads a segment of the client's; whether a request begins in it.
    pub fn requests(&mut self, segment: &Segment<'_>) -> bool {
        let old = self.next.wrapping_sub(segment.sequence) as usize;
        // One that comes early is repeated, or so it seems.
        let Some(mut payload) = segment.payload.get(old..) else {
            return false;
        };
        self.next = self.next.wrapping_add(payload.len() as u32);
        let mut found = false;
        while !payload.is_empty() {
            if self.rest > 0 {
                let skipped = self.rest.min(payload.len());
                payload = &payload[skipped..];
                self.rest -= skipped;
                continue;
            }
            self.header.push(payload[0]);
            payload = &payload[1..];
            if let [kind, _, _, high, low] = self.header[..] {
                self.rest = usize::from(u16::from_be_bytes([high, low]));
                found |= kind == APPLICATION_DATA && self.rest > FINISHED;
                self.header.clear();
            }
        }
        found
    }

    /// Octets of the answer that were acknowledged, and when the latest of them.
    pub fn answered(&self) -> (u64, Option<Instant>) {
        match self.acked {
            Some((octets, at)) => (octets.into(), Some(at)),
            None => (0, None),
        }
    }
}
