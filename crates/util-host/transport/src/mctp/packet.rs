//! MCTP packets, DSP0236: a message is cut into packets and put together again.

use core::fmt;

/// Octets of a packet's header.
pub const HEADER_SIZE: usize = 4;
/// Octets of payload that every endpoint takes, the baseline transmission unit.
pub const BASELINE_UNIT: usize = 64;
/// The header version.
const VERSION: u8 = 1;

const START: u8 = 0x80;
const END: u8 = 0x40;
const OWNER: u8 = 0x08;

/// A packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketHeader {
    /// Endpoint to which the packet goes.
    pub destination: u8,
    /// Endpoint from which it comes.
    pub source: u8,
    /// Whether it is a message's first.
    pub start: bool,
    /// Whether it is a message's last.
    pub end: bool,
    /// Number of the packet in its message, modulo 4.
    pub sequence: u8,
    /// Whether the sender chose the tag, as the sender of a request does.
    pub owner: bool,
    /// The message tag, 0 to 7.
    pub tag: u8,
}

impl PacketHeader {
    /// The header's octets.
    pub const fn emit(&self) -> [u8; HEADER_SIZE] {
        let mut flags = ((self.sequence & 3) << 4) | (self.tag & 7);
        if self.start {
            flags |= START;
        }
        if self.end {
            flags |= END;
        }
        if self.owner {
            flags |= OWNER;
        }
        [VERSION, self.destination, self.source, flags]
    }

    /// Reads a packet. `None`: it is too short, or of another version.
    pub fn parse(packet: &[u8]) -> Option<(Self, &[u8])> {
        let ([version, destination, source, flags], payload) = packet.split_first_chunk()?;
        if version & 0xF != VERSION {
            return None;
        }
        let header = Self {
            destination: *destination,
            source: *source,
            start: flags & START != 0,
            end: flags & END != 0,
            sequence: (flags >> 4) & 3,
            owner: flags & OWNER != 0,
            tag: flags & 7,
        };
        Some((header, payload))
    }
}

/// Cuts a message into packets.
#[derive(Clone, Debug)]
pub struct Fragmenter<'m> {
    header: PacketHeader,
    rest: &'m [u8],
    unit: usize,
    done: bool,
}

impl<'m> Fragmenter<'m> {
    /// Packets of at most `unit` octets of payload, at least 1, with the addresses and the tag of `header`.
    pub fn new(header: PacketHeader, message: &'m [u8], unit: usize) -> Self {
        Self {
            header: PacketHeader {
                start: true,
                sequence: 0,
                ..header
            },
            rest: message,
            unit: unit.max(1),
            done: message.is_empty(),
        }
    }

    /// Writes the next packet and gives its length; `None` when the message is done or `out` too small for a packet.
    pub fn next_packet(&mut self, out: &mut [u8]) -> Option<usize> {
        if self.done {
            return None;
        }
        let (payload, rest) = self.rest.split_at(self.unit.min(self.rest.len()));
        self.header.end = rest.is_empty();
        let (head, body) = out.split_first_chunk_mut()?;
        body.get_mut(..payload.len())?.copy_from_slice(payload);
        *head = self.header.emit();
        self.header.start = false;
        self.header.sequence = (self.header.sequence + 1) & 3;
        self.rest = rest;
        self.done = rest.is_empty();
        Some(payload.len() + HEADER_SIZE)
    }
}

/// Puts a message together, in a buffer of `N` octets.
///
/// A message in progress is dropped when another begins, a number is left out, or it grows beyond the buffer (DSP0236,
/// *dropped packets*).
#[derive(Clone)]
pub struct Reassembler<const N: usize> {
    buffer: [u8; N],
    len: usize,
    /// Header of the message in progress, with the sequence number that comes next.
    current: Option<PacketHeader>,
    /// A message was longer than the buffer.
    overflowed: bool,
}

impl<const N: usize> fmt::Debug for Reassembler<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reassembler")
            .field("len", &self.len)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl<const N: usize> Default for Reassembler<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Reassembler<N> {
    /// An empty one.
    pub const fn new() -> Self {
        Self {
            buffer: [0; N],
            len: 0,
            current: None,
            overflowed: false,
        }
    }

    /// Drops the message in progress.
    pub fn reset(&mut self) {
        self.current = None;
        self.len = 0;
        self.overflowed = false;
    }

    /// Whether a message was dropped because it is longer than the buffer; asking clears the mark.
    pub fn take_overflow(&mut self) -> bool {
        core::mem::take(&mut self.overflowed)
    }

    /// Takes a packet. Gives the length of the message that it completes; [`message`](Self::message) has the octets.
    pub fn push(&mut self, header: &PacketHeader, payload: &[u8]) -> Option<usize> {
        if header.start {
            self.len = 0;
        } else {
            let expected = self.current.take()?;
            let same = (
                expected.source,
                expected.destination,
                expected.tag,
                expected.owner,
            ) == (header.source, header.destination, header.tag, header.owner);
            if !same {
                // Another message's packet: this one goes on.
                self.current = Some(expected);
                return None;
            }
            if expected.sequence != header.sequence {
                return None;
            }
        }
        self.current = None;
        let end = self.len.checked_add(payload.len())?;
        let Some(to) = self.buffer.get_mut(self.len..end) else {
            self.overflowed = true;
            return None;
        };
        to.copy_from_slice(payload);
        self.len = end;
        if header.end {
            return Some(self.len);
        }
        self.current = Some(PacketHeader {
            sequence: (header.sequence + 1) & 3,
            ..*header
        });
        None
    }

    /// The message that was completed last.
    pub fn message(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: PacketHeader = PacketHeader {
        destination: 9,
        source: 8,
        start: false,
        end: false,
        sequence: 0,
        owner: true,
        tag: 5,
    };

    fn packets(message: &[u8], unit: usize) -> Vec<Vec<u8>> {
        let mut fragmenter = Fragmenter::new(HEADER, message, unit);
        let mut out = [0; 300];
        let mut all = vec![];
        while let Some(len) = fragmenter.next_packet(&mut out) {
            all.push(out[..len].to_vec());
        }
        all
    }

    #[test]
    fn octets_of_a_header() {
        assert_eq!(
            packets(b"xyz", 2),
            [vec![1, 9, 8, 0x8D, b'x', b'y'], vec![1, 9, 8, 0x5D, b'z']]
        );
        assert_eq!(PacketHeader::parse(&[2, 9, 8, 0]), None);
        assert_eq!(PacketHeader::parse(&[1, 9, 8]), None);
    }

    proptest! {
        #[test]
        fn what_is_cut_comes_together(message in prop::collection::vec(any::<u8>(), 1..1000), unit in 1usize..256) {
            let mut whole = Reassembler::<1000>::new();
            let all = packets(&message, unit);
            for (at, packet) in all.iter().enumerate() {
                let (header, payload) = PacketHeader::parse(packet).unwrap();
                let done = whole.push(&header, payload);
                prop_assert_eq!(done.is_some(), at + 1 == all.len());
            }
            prop_assert_eq!(whole.message(), &message[..]);
        }

        /// A message with a packet lost or doubled is dropped. (Numbers repeat after four packets: DSP0236 cannot tell when four
        /// in a row are lost.)
        #[test]
        fn a_broken_message_is_never_given(
            message in prop::collection::vec(any::<u8>(), 130..600),
            at in any::<prop::sample::Index>(),
            lost in 0usize..4,
        ) {
            let mut all = packets(&message, 64);
            let at = at.index(all.len());
            let packet = all[at].clone();
            match lost {
                0 => all.insert(at, packet),
                lost => {
                    all.drain(at..all.len().min(at + lost));
                }
            }
            let mut whole = Reassembler::<1000>::new();
            for packet in &all {
                let (header, payload) = PacketHeader::parse(packet).unwrap();
                if whole.push(&header, payload).is_some() {
                    // A doubled first or last packet leaves the message whole.
                    prop_assert_eq!(whole.message(), &message[..]);
                    prop_assert_eq!(lost, 0);
                }
            }
        }

        #[test]
        fn no_packets_make_it_panic(all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40)) {
            let mut whole = Reassembler::<100>::new();
            for packet in all {
                if let Some((header, payload)) = PacketHeader::parse(&packet) {
                    whole.push(&header, payload);
                    prop_assert!(whole.message().len() <= 100);
                }
            }
        }
    }
}
