//! The record layer's sending half: records wait in the send buffer until the transport has taken them.

use crate::TlsError;
use crate::record::{APPLICATION_DATA, HANDSHAKE, HEADER};
use crate::schedule::TrafficKeys;
use crate::suite::TAG;
use crate::wire::Writer;
use core::ops::Range;
use sha2::{Digest, Sha256};

/// What a sealed record has beside its contents.
const OVERHEAD: usize = HEADER + 1 + TAG;

/// The send buffer.
pub(crate) struct Outgoing<'b> {
    buffer: &'b mut [u8],
    waiting: Range<usize>,
}

impl<'b> Outgoing<'b> {
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            waiting: 0..0,
        }
    }

    pub fn reset(&mut self) {
        self.waiting = 0..0;
    }

    /// Octets for the transport.
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.waiting.clone()).unwrap_or_default()
    }

    /// The transport has taken `octets`.
    pub fn sent(&mut self, octets: usize) {
        let start = self.waiting.start.saturating_add(octets);
        self.waiting.start = start.min(self.waiting.end);
        if self.waiting.is_empty() {
            self.waiting = 0..0;
        }
    }

    /// How many octets fit into one more record.
    fn room(&self) -> usize {
        let free = self.buffer.len().saturating_sub(self.waiting.end);
        free.saturating_sub(OVERHEAD)
    }

    /// Appends a handshake message in a record of its own; `body` writes what follows the message's header.
    #[inline(never)]
    pub fn handshake(
        &mut self,
        kind: u8,
        keys: Option<&mut TrafficKeys>,
        transcript: &mut Sha256,
        body: &mut dyn FnMut(&mut Writer<'_>) -> Result<(), TlsError>,
    ) -> Result<(), TlsError> {
        let space = self.contents()?;
        let mut writer = Writer::new(space);
        writer.u8(kind);
        let len = writer.open(3);
        body(&mut writer)?;
        writer.close(len);
        let len = writer.finish()?;
        transcript.update(space.get(..len).unwrap_or_default());
        self.finish(HANDSHAKE, len, keys)
    }

    /// Appends a record of at most `limit` octets that `fill` writes; returns how many it wrote. None, no record.
    #[inline(never)]
    pub fn record(
        &mut self,
        kind: u8,
        limit: usize,
        keys: Option<&mut TrafficKeys>,
        fill: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> Result<usize, TlsError> {
        let limit = limit.min(self.room());
        let space = self.contents()?.get_mut(..limit).unwrap_or_default();
        let len = fill(space).min(limit);
        if len > 0 {
            self.finish(kind, len, keys)?;
        }
        Ok(len)
    }

    /// Where the contents of the next record go.
    fn contents(&mut self) -> Result<&mut [u8], TlsError> {
        let start = self.waiting.end.saturating_add(HEADER);
        self.buffer.get_mut(start..).ok_or(TlsError::SendBuffer)
    }

    /// Puts the header before `len` octets of contents, and seals them when there are keys.
    fn finish(
        &mut self,
        kind: u8,
        len: usize,
        keys: Option<&mut TrafficKeys>,
    ) -> Result<(), TlsError> {
        let start = self.waiting.end;
        let record = self.buffer.get_mut(start..).unwrap_or_default();
        let (header, contents) = record
            .split_first_chunk_mut::<HEADER>()
            .ok_or(TlsError::SendBuffer)?;
        let total = match &keys {
            Some(_) => len.saturating_add(1 + TAG),
            None => len,
        };
        let [high, low] = u16::try_from(total)
            .map_err(|_| TlsError::SendBuffer)?
            .to_be_bytes();
        let outer = if keys.is_some() {
            APPLICATION_DATA
        } else {
            kind
        };
        *header = [outer, 3, 3, high, low];
        if let Some(keys) = keys {
            let sealed = contents.get_mut(..total).ok_or(TlsError::SendBuffer)?;
            let (data, tag) = sealed
                .split_last_chunk_mut::<TAG>()
                .ok_or(TlsError::SendBuffer)?;
            if let Some(last) = data.last_mut() {
                *last = kind;
            }
            keys.seal(header, data, tag)?;
        }
        self.waiting.end = start.saturating_add(HEADER).saturating_add(total);
        Ok(())
    }
}
