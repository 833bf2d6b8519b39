//! The record layer's receiving half (RFC 8446, section 5): one record at a time, decrypted where it lies.
//!
//! The buffer holds, from its start, the part of a handshake message that waits for the rest (none most of
//! the time), and behind it the record that is being received or the plaintext of the last one.

use crate::schedule::TrafficKeys;
use crate::suite::TAG;
use crate::{Alert, TlsError};
use core::ops::Range;

/// Octets of a record's header.
pub(crate) const HEADER: usize = 5;
/// Largest plaintext of a record.
pub(crate) const MAX_PLAIN: usize = 1 << 14;
/// Largest contents of a sealed record.
pub(crate) const MAX_SEALED: usize = MAX_PLAIN + 256;
/// Smallest contents of a sealed record: a content type and a tag.
const MIN_SEALED: usize = 1 + TAG;

/// Content types.
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

/// Which records may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before the ServerHello: handshake messages and alerts in the clear, and change_cipher_spec, which means nothing
    /// (section 5).
    Clear,
    /// Up to the server's Finished: sealed ones, and change_cipher_spec.
    Handshake,
    /// Sealed ones only.
    Open,
}

/// What a whole record turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// Nothing that matters.
    Ignored,
    /// So many octets more of handshake messages are in [`Incoming::messages`].
    Handshake(usize),
    /// Octets of the application are in [`Incoming::plaintext`]; there may be none.
    Data,
    Alert(Alert),
}

/// The receive buffer.
pub(crate) struct Incoming<'b> {
    buffer: &'b mut [u8],
    /// Octets of handshake messages at the start.
    kept: usize,
    /// Octets of the present record behind them, header included.
    have: usize,
    /// Application octets that were not taken yet.
    plain: Range<usize>,
}

impl<'b> Incoming<'b> {
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            kept: 0,
            have: 0,
            plain: 0..0,
        }
    }

    pub fn reset(&mut self) {
        self.kept = 0;
        self.have = 0;
        self.plain = 0..0;
    }

    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// Application octets, decrypted and proven.
    pub fn plaintext(&self) -> &[u8] {
        self.buffer.get(self.plain.clone()).unwrap_or_default()
    }

    /// `octets` of the plaintext are done with.
    pub fn consume(&mut self, octets: usize) {
        let start = self.plain.start.saturating_add(octets);
        self.plain.start = start.min(self.plain.end);
    }

    /// Takes octets from the transport, up to the end of a record; returns how many, and whether it is whole.
    #[inline(never)]
    pub fn fill(&mut self, input: &[u8], stage: Stage) -> Result<(usize, bool), TlsError> {
        let mut taken = 0;
        if self.have < HEADER {
            taken = self.copy(input, HEADER)?;
            if self.have < HEADER {
                return Ok((taken, false));
            }
            self.check_header(stage)?;
        }
        let whole = HEADER.saturating_add(self.contents_len());
        let rest = input.get(taken..).unwrap_or_default();
        taken = taken.saturating_add(self.copy(rest, whole)?);
        Ok((taken, self.have == whole))
    }

    /// Copies until `target` octets of the record are there.
    fn copy(&mut self, input: &[u8], target: usize) -> Result<usize, TlsError> {
        let missing = target.saturating_sub(self.have);
        let input = input.get(..missing).unwrap_or(input);
        let start = self.kept.saturating_add(self.have);
        let space = self
            .buffer
            .get_mut(start..start.saturating_add(input.len()));
        space
            .ok_or(TlsError::RecordTooLarge)?
            .copy_from_slice(input);
        self.have = self.have.saturating_add(input.len());
        Ok(input.len())
    }

    fn header(&self) -> [u8; HEADER] {
        let record = self.buffer.get(self.kept..).unwrap_or_default();
        record.first_chunk().copied().unwrap_or_default()
    }

    fn contents_len(&self) -> usize {
        let [_, _, _, high, low] = self.header();
        usize::from(u16::from_be_bytes([high, low]))
    }

    /// Refuses at its header what must not come at this stage, before a single octet of it is looked at.
    fn check_header(&self, stage: Stage) -> Result<(), TlsError> {
        let [kind, major, ..] = self.header();
        let len = self.contents_len();
        let (lengths, overflows) = match (stage, kind) {
            (Stage::Clear, ALERT) => (2..=2, false),
            (Stage::Clear, HANDSHAKE) => (1..=MAX_PLAIN, len > MAX_PLAIN),
            (Stage::Clear | Stage::Handshake, CHANGE_CIPHER_SPEC) => (1..=1, false),
            (Stage::Handshake | Stage::Open, APPLICATION_DATA) => {
                (MIN_SEALED..=MAX_SEALED, len > MAX_SEALED)
            }
            _ => return Err(TlsError::BadRecord),
        };
        // Nothing comes between the parts of a handshake message (section 5.1).
        let interrupts = self.kept > 0 && kind == CHANGE_CIPHER_SPEC;
        if major == 3 && overflows {
            return Err(TlsError::RecordOverflow);
        }
        if !lengths.contains(&len) || major != 3 || interrupts {
            return Err(TlsError::BadRecord);
        }
        let end = self.kept.saturating_add(HEADER).saturating_add(len);
        if end > self.buffer.len() {
            return Err(TlsError::RecordTooLarge);
        }
        Ok(())
    }

    /// Decrypts a whole record and tells what it is. `keys` is `None` while all is in the clear.
    #[inline(never)]
    pub fn open(&mut self, keys: Option<&mut TrafficKeys>) -> Result<Record, TlsError> {
        let header = self.header();
        let start = self.kept.saturating_add(HEADER);
        let end = self.kept.saturating_add(self.have);
        self.have = 0;
        let [kind, ..] = header;
        let (kind, end) = match (kind, keys) {
            (CHANGE_CIPHER_SPEC, _) => {
                // Must be a 1 (section 5).
                return match self.buffer.get(start) {
                    Some(1) => Ok(Record::Ignored),
                    _ => Err(TlsError::BadRecord),
                };
            }
            (APPLICATION_DATA, Some(keys)) => {
                let sealed = self.buffer.get_mut(start..end);
                let (data, tag) = sealed
                    .and_then(<[u8]>::split_last_chunk_mut::<TAG>)
                    .ok_or(TlsError::BadRecord)?;
                keys.open(&header, data, tag)?;
                // With content type and padding (section 5.4).
                if data.len() > MAX_PLAIN + 1 {
                    return Err(TlsError::RecordOverflow);
                }
                // Zeros behind the content type are padding; nothing but zeros is no record (section 5.4).
                let last = data.iter().rposition(|octet| *octet != 0);
                let last = last.ok_or(TlsError::UnexpectedMessage)?;
                let kind = data.get(last).copied().unwrap_or_default();
                (kind, start.saturating_add(last))
            }
            (kind, None) => (kind, end),
            (_, Some(_)) => return Err(TlsError::BadRecord),
        };
        if self.kept > 0 && kind != HANDSHAKE {
            return Err(TlsError::UnexpectedMessage);
        }
        match kind {
            HANDSHAKE => {
                // A handshake record carries at least one octet (section 5.1).
                if start == end {
                    return Err(TlsError::UnexpectedMessage);
                }
                self.buffer.copy_within(start..end, self.kept);
                self.kept = end.saturating_sub(HEADER);
                Ok(Record::Handshake(end.saturating_sub(start)))
            }
            APPLICATION_DATA => {
                self.plain = start..end;
                Ok(Record::Data)
            }
            ALERT => match self.buffer.get(start..end) {
                Some([_, description]) => Ok(Record::Alert(Alert(*description))),
                _ => Err(TlsError::BadMessage),
            },
            _ => Err(TlsError::UnexpectedMessage),
        }
    }

    /// Handshake messages, whole ones and perhaps the start of another.
    pub fn messages(&self) -> &[u8] {
        self.buffer.get(..self.kept).unwrap_or_default()
    }

    /// The first `octets` of the messages are done with.
    pub fn messages_done(&mut self, octets: usize) {
        // A message in many pieces is not moved for each.
        if octets == 0 {
            return;
        }
        let octets = octets.min(self.kept);
        self.buffer.copy_within(octets..self.kept, 0);
        self.kept = self.kept.saturating_sub(octets);
    }
}
