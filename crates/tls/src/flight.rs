//! The record layer's sending half: records wait in the send buffer until the transport has taken them.

use crate::TlsError;
use crate::hash::Transcript;
use crate::record::{APPLICATION_DATA, HANDSHAKE, HEADER};
use crate::schedule::TrafficKeys;
use crate::suite::TAG;
use crate::wire::Writer;
use core::ops::Range;

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

    /// How many octets fit into records of at most `limit` octets of contents each.
    fn room(&self, limit: usize) -> usize {
        let free = self.buffer.len().saturating_sub(self.waiting.end);
        let whole = limit.saturating_add(OVERHEAD);
        let rest = (free % whole).saturating_sub(OVERHEAD);
        (free / whole).saturating_mul(limit).saturating_add(rest)
    }

    /// Whether a record with so many octets of contents fits.
    pub fn has_room(&self, octets: usize) -> bool {
        let free = self.buffer.len().saturating_sub(self.waiting.end);
        free >= octets.saturating_add(OVERHEAD)
    }

    /// Appends a handshake message, in as many records as it takes with at most `limit` octets of contents in each; `body`
    /// writes what follows the message's header.
    #[inline(never)]
    pub fn handshake(
        &mut self,
        kind: u8,
        limit: usize,
        keys: Option<&mut TrafficKeys>,
        transcript: Option<&mut Transcript>,
        body: &mut dyn FnMut(&mut Writer<'_>) -> Result<(), TlsError>,
    ) -> Result<(), TlsError> {
        let space = self.contents()?;
        let mut writer = Writer::new(space);
        writer.u8(kind);
        let len = writer.open(3);
        body(&mut writer)?;
        writer.close(len);
        let len = writer.finish()?;
        if let Some(transcript) = transcript {
            transcript.update(space.get(..len).unwrap_or_default());
        }
        self.fragment(HANDSHAKE, len, limit, keys)
    }

    /// Makes records of `len` octets of contents, which lie behind the room for one header. Each record but the
    /// first moves behind the room that those before it take.
    #[inline(never)]
    fn fragment(
        &mut self,
        kind: u8,
        len: usize,
        limit: usize,
        mut keys: Option<&mut TrafficKeys>,
    ) -> Result<(), TlsError> {
        let limit = limit.max(1);
        let overhead = match keys {
            Some(_) => OVERHEAD,
            None => HEADER,
        };
        let first = self.waiting.end.saturating_add(HEADER);
        let mut at = len.saturating_sub(1) / limit * limit;
        // Ends: each round takes `limit` octets off. From the last one on, so that nothing is overwritten.
        while at > 0 {
            let from = first.saturating_add(at);
            let end = first.saturating_add(len.min(at.saturating_add(limit)));
            let to = from.saturating_add((at / limit).saturating_mul(overhead));
            // With the content type and the tag behind it, so that all records fit or none is made.
            let behind = end.saturating_sub(from).saturating_add(overhead - HEADER);
            let fits = to.saturating_add(behind) <= self.buffer.len();
            if !fits || from > end || end > self.buffer.len() {
                return Err(TlsError::SendBuffer);
            }
            self.buffer.copy_within(from..end, to);
            at = at.saturating_sub(limit);
        }
        let mut rest = len;
        while rest > 0 {
            let piece = rest.min(limit);
            self.finish(kind, piece, keys.as_deref_mut())?;
            rest = rest.saturating_sub(piece);
        }
        Ok(())
    }

    /// Appends records of at most `limit` octets of contents each with what `fill` writes into the room that there is; returns
    /// how much it wrote. Nothing makes no record.
    #[inline(never)]
    pub fn records(
        &mut self,
        kind: u8,
        limit: usize,
        keys: Option<&mut TrafficKeys>,
        fill: &mut dyn FnMut(&mut [u8]) -> usize,
    ) -> Result<usize, TlsError> {
        let room = self.room(limit);
        if room == 0 {
            return Ok(0);
        }
        let space = self.contents()?.get_mut(..room).unwrap_or_default();
        let len = fill(space).min(room);
        self.fragment(kind, len, limit, keys)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::MAX_HASH;
    use crate::schedule::application_keys;
    use crate::suite::DEFAULT_SUITES;
    use zeroize::Zeroizing;

    /// A message of 100 octets in records of 30, in a buffer of so many octets.
    fn send(octets: usize, sealed: bool) -> Result<usize, TlsError> {
        let mut buffer = vec![0; octets];
        let mut out = Outgoing::new(&mut buffer);
        let secret = Zeroizing::new([7; MAX_HASH]);
        let mut pair = application_keys(DEFAULT_SUITES[0], &secret, &[7; MAX_HASH]);
        let keys = sealed.then_some(&mut pair.write);
        let mut body = |to: &mut Writer<'_>| {
            to.octets(&[9; 96]);
            Ok(())
        };
        let sent = out.handshake(11, 30, keys, None, &mut body);
        let pending = out.pending();
        if sent.is_ok() && !sealed {
            let records: Vec<_> = pending.chunks(HEADER + 30).collect();
            let contents: Vec<u8> = records
                .iter()
                .flat_map(|one| one[HEADER..].to_vec())
                .collect();
            assert_eq!(contents[..4], [11, 0, 0, 96]);
            assert_eq!(contents[4..], [9; 96]);
            assert!(records.iter().all(|one| one[..4] == [HANDSHAKE, 3, 3, 0]));
        }
        sent.map(|()| pending.len())
            .inspect_err(|_| assert_eq!(pending.len(), 0))
    }

    /// All records of a message fit, or none is made: a part of one would be the last that the server sees.
    #[test]
    fn a_message_goes_out_whole_or_not_at_all() {
        for (sealed, whole) in [(false, 100 + 4 * HEADER), (true, 100 + 4 * OVERHEAD)] {
            for octets in 0..whole {
                assert_eq!(send(octets, sealed), Err(TlsError::SendBuffer), "{octets}");
            }
            for octets in whole..whole + 30 {
                assert_eq!(send(octets, sealed), Ok(whole), "{octets}");
            }
        }
    }

    #[test]
    fn what_is_offered_as_room_fits() {
        for octets in 0..300 {
            let mut buffer = vec![0; octets];
            let mut out = Outgoing::new(&mut buffer);
            let secret = Zeroizing::new([7; MAX_HASH]);
            let mut pair = application_keys(DEFAULT_SUITES[0], &secret, &[7; MAX_HASH]);
            let mut room = 0;
            let filled = out.records(APPLICATION_DATA, 30, Some(&mut pair.write), &mut |space| {
                room = space.len();
                room
            });
            assert_eq!(filled, Ok(room), "{octets}");
            let records = room.div_ceil(30);
            assert_eq!(out.pending().len(), room + records * OVERHEAD);
            // One octet more would not have fitted.
            let more = room + 1 + (room + 1).div_ceil(30) * OVERHEAD;
            assert!(octets < more, "{octets}: {room}");
        }
    }

    #[test]
    fn room_for_one_record_more() {
        let mut buffer = [0; 2 * OVERHEAD + 20];
        let mut out = Outgoing::new(&mut buffer);
        let secret = Zeroizing::new([7; MAX_HASH]);
        let mut pair = application_keys(DEFAULT_SUITES[0], &secret, &[7; MAX_HASH]);
        assert!(out.has_room(20 + OVERHEAD) && !out.has_room(21 + OVERHEAD));
        let keys = Some(&mut pair.write);
        let filled = out.records(APPLICATION_DATA, 30, keys, &mut |_| 15);
        assert_eq!(filled, Ok(15));
        assert!(out.has_room(5) && !out.has_room(6));
        // What was sent gives room only when all was.
        let sent = out.pending().len();
        out.sent(sent - 1);
        assert!(out.pending().len() == 1 && !out.has_room(6));
        out.sent(1);
        assert!(out.pending().is_empty() && out.has_room(20 + OVERHEAD));
    }

    #[test]
    fn a_reset_forgets_what_waits() {
        let mut buffer = [0; 64];
        let mut out = Outgoing::new(&mut buffer);
        let filled = out.records(APPLICATION_DATA, 30, None, &mut |_| 15);
        assert_eq!((filled, out.pending().len()), (Ok(15), 15 + HEADER));
        out.reset();
        assert!(out.pending().is_empty() && out.has_room(64 - OVERHEAD));
    }
}
