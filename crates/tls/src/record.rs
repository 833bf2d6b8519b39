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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{MAX_HASH, Secret};
    use crate::schedule::application_keys;
    use crate::suite::DEFAULT_SUITES;

    const BAD: Result<bool, TlsError> = Err(TlsError::BadRecord);
    const OVERFLOW: Result<bool, TlsError> = Err(TlsError::RecordOverflow);

    fn header(kind: u8, major: u8, len: usize) -> [u8; HEADER] {
        let [high, low] = (len as u16).to_be_bytes();
        [kind, major, 3, high, low]
    }

    /// Whether a record with this header, and all that it tells of, is whole.
    fn whole(stage: Stage, kind: u8, len: usize) -> Result<bool, TlsError> {
        let mut buffer = vec![0; HEADER + MAX_SEALED];
        let mut incoming = Incoming::new(&mut buffer);
        let record = [&header(kind, 3, len)[..], &vec![7; len]].concat();
        let (taken, whole) = incoming.fill(&record, stage)?;
        assert_eq!(taken, record.len());
        Ok(whole)
    }

    #[test]
    fn lengths_of_records() {
        assert_eq!((MAX_PLAIN, MAX_SEALED, MIN_SEALED), (16_384, 16_640, 17));
        for (stage, kind, least, most, beyond) in [
            (Stage::Clear, ALERT, 2, 2, BAD),
            (Stage::Clear, HANDSHAKE, 1, MAX_PLAIN, OVERFLOW),
            (Stage::Clear, CHANGE_CIPHER_SPEC, 1, 1, BAD),
            (Stage::Handshake, CHANGE_CIPHER_SPEC, 1, 1, BAD),
            (
                Stage::Handshake,
                APPLICATION_DATA,
                MIN_SEALED,
                MAX_SEALED,
                OVERFLOW,
            ),
            (
                Stage::Open,
                APPLICATION_DATA,
                MIN_SEALED,
                MAX_SEALED,
                OVERFLOW,
            ),
        ] {
            for len in [least, most] {
                assert_eq!(whole(stage, kind, len), Ok(true), "{stage:?} {kind} {len}");
            }
            for len in 0..least {
                assert_eq!(whole(stage, kind, len), BAD, "{stage:?} {kind} {len}");
            }
            assert_eq!(whole(stage, kind, most + 1), beyond, "{stage:?} {kind}");
        }
        for (stage, kind) in [
            (Stage::Clear, APPLICATION_DATA),
            (Stage::Handshake, HANDSHAKE),
            (Stage::Handshake, ALERT),
            (Stage::Open, CHANGE_CIPHER_SPEC),
            (Stage::Open, HANDSHAKE),
            (Stage::Clear, 24),
        ] {
            assert_eq!(whole(stage, kind, 2), BAD, "{stage:?} {kind}");
        }
    }

    /// The major version is told from the length: octets that are no TLS are not called a record that is too long.
    #[test]
    fn what_is_no_record() {
        for len in [1, MAX_PLAIN, MAX_PLAIN + 1] {
            let mut buffer = vec![0; HEADER + MAX_SEALED];
            let mut incoming = Incoming::new(&mut buffer);
            let filled = incoming.fill(&header(HANDSHAKE, 2, len), Stage::Clear);
            assert_eq!(filled, Err(TlsError::BadRecord), "{len}");
        }
    }

    #[test]
    fn a_record_in_pieces_of_every_size() {
        let record = [&header(HANDSHAKE, 3, 6)[..], b"\x02\0\0\x02ab"].concat();
        for size in 1..=record.len() + 3 {
            let mut buffer = [0; 64];
            let mut incoming = Incoming::new(&mut buffer);
            let behind = [&record[..], b"next"].concat();
            let mut start = 0;
            for _ in 0..record.len() {
                let end = behind.len().min(start + size);
                let (taken, whole) = incoming.fill(&behind[start..end], Stage::Clear).unwrap();
                start += taken;
                if whole {
                    break;
                }
                assert_eq!(start, end, "{size}");
            }
            assert_eq!(start, record.len(), "{size}");
            assert_eq!(incoming.open(None), Ok(Record::Handshake(6)));
            assert_eq!(incoming.messages(), &record[HEADER..]);
        }
    }

    /// A record has to fit behind the part of a message that waits for its rest.
    #[test]
    fn room_behind_a_message() {
        for (room, fits) in [(14, true), (13, false)] {
            let mut buffer = vec![0; room];
            let mut incoming = Incoming::new(&mut buffer);
            assert_eq!(incoming.capacity(), room);
            let part = [&header(HANDSHAKE, 3, 4)[..], &[2, 0, 0, 5]].concat();
            assert_eq!(incoming.fill(&part, Stage::Clear), Ok((9, true)));
            assert_eq!(incoming.open(None), Ok(Record::Handshake(4)));
            // Nothing is in between.
            let between = incoming.fill(&[CHANGE_CIPHER_SPEC, 3, 3, 0, 1], Stage::Clear);
            assert_eq!(between, Err(TlsError::BadRecord));
            incoming.have = 0;
            let rest = [&header(HANDSHAKE, 3, 5)[..], b"abcde"].concat();
            let filled = incoming.fill(&rest, Stage::Clear);
            match fits {
                true => assert_eq!(filled, Ok((10, true))),
                false => assert_eq!(filled, Err(TlsError::RecordTooLarge)),
            }
        }
    }

    #[test]
    fn messages_that_are_done_make_room_for_the_next() {
        let mut buffer = [0; 64];
        let mut incoming = Incoming::new(&mut buffer);
        let record = [&header(HANDSHAKE, 3, 7)[..], b"onetwo3"].concat();
        incoming.fill(&record, Stage::Clear).unwrap();
        incoming.open(None).unwrap();
        incoming.messages_done(0);
        assert_eq!(incoming.messages(), b"onetwo3");
        incoming.messages_done(3);
        assert_eq!(incoming.messages(), b"two3");
        incoming.messages_done(4);
        assert_eq!(incoming.messages(), b"");
        incoming.fill(&record, Stage::Clear).unwrap();
        incoming.open(None).unwrap();
        incoming.reset();
        assert_eq!(incoming.messages(), b"");
    }

    /// Opens a sealed record with these contents, content type and padding included, behind so many octets of a message.
    fn opened(inner: &[u8], kept: usize) -> (Result<Record, TlsError>, Vec<u8>) {
        let secret = Secret::new([7; MAX_HASH]);
        let keys = || application_keys(DEFAULT_SUITES[0], &secret, &[7; MAX_HASH]).read;
        let header = header(APPLICATION_DATA, 3, inner.len() + TAG);
        let (mut data, mut tag) = (inner.to_vec(), [0; TAG]);
        keys().seal(&header, &mut data, &mut tag).unwrap();
        let mut buffer = vec![0; 20_000];
        let mut incoming = Incoming::new(&mut buffer);
        incoming.kept = kept;
        let record = [&header[..], &data, &tag].concat();
        let filled = incoming.fill(&record, Stage::Open);
        assert_eq!(filled, Ok((record.len(), true)));
        let record = incoming.open(Some(&mut keys()));
        (record, incoming.plaintext().to_vec())
    }

    /// RFC 8446, section 5.4: a content type and zeros behind it.
    #[test]
    fn sealed_records() {
        let unexpected = Err(TlsError::UnexpectedMessage);
        assert_eq!(opened(b"ab\x17", 0), (Ok(Record::Data), b"ab".to_vec()));
        assert_eq!(opened(b"ab\x17\0\0", 0), (Ok(Record::Data), b"ab".to_vec()));
        assert_eq!(opened(b"\x17", 0), (Ok(Record::Data), vec![]));
        assert_eq!(opened(b"\0\0", 0), (unexpected, vec![]));
        assert_eq!(opened(b"a\x14", 0), (unexpected, vec![]));
        assert_eq!(opened(b"ab\x16", 0).0, Ok(Record::Handshake(2)));
        assert_eq!(opened(b"\x16", 0).0, unexpected);
        let alert = Ok(Record::Alert(Alert(90)));
        assert_eq!(opened(b"\x01\x5A\x15", 0).0, alert);
        for contents in [&b"\x15"[..], b"\x01\x15", b"\x01\x5A\x01\x15"] {
            assert_eq!(opened(contents, 0).0, Err(TlsError::BadMessage));
        }
        // Nothing but its rest may stand behind a part of a message.
        assert_eq!(opened(b"ab\x17", 3).0, unexpected);
        assert_eq!(opened(b"\x01\x5A\x15", 3).0, unexpected);
        assert_eq!(opened(b"ab\x16", 3).0, Ok(Record::Handshake(2)));
        // The most that TLS allows, and one octet more.
        let longest = [&vec![1; MAX_PLAIN][..], &[APPLICATION_DATA]].concat();
        assert_eq!(opened(&longest, 0), (Ok(Record::Data), vec![1; MAX_PLAIN]));
        let longer = [&longest[..], &[0]].concat();
        assert_eq!(opened(&longer, 0).0, Err(TlsError::RecordOverflow));
    }

    #[test]
    fn plaintext_is_consumed_from_its_start() {
        let mut buffer = [0; 16];
        let mut incoming = Incoming::new(&mut buffer);
        incoming.buffer[5..9].copy_from_slice(b"data");
        incoming.plain = 5..9;
        incoming.consume(0);
        assert_eq!(incoming.plaintext(), b"data");
        incoming.consume(3);
        assert_eq!(incoming.plaintext(), b"a");
        incoming.consume(7);
        assert_eq!(incoming.plaintext(), b"");
    }
}
