//! The requester's side of MCTP: which tag a request has, and which packets answer it.
//!
//! There are eight tags, and an answer is known by its tag alone. A tag whose answer did not come in time is therefore not
//! used again until the answer comes after all, or the time has passed after which DSP0236's endpoints forget it.

use crate::mctp::packet::{Fragmenter, PacketHeader, Reassembler};
use core::fmt;

/// How long a tag stays unused after its answer failed to come, in milliseconds. Linux keeps a tag for six seconds.
pub const TAG_REST_MS: u64 = 6_000;

/// State of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Free,
    /// A request waits for its answer.
    Used,
    /// The answer did not come; the tag rests until this time.
    Resting(u64),
}

/// A requester with room for answers of `N` octets.
#[derive(Clone)]
pub struct Requester<const N: usize> {
    own: u8,
    peer: u8,
    tags: [Tag; 8],
    next: u8,
    current: Option<u8>,
    answer: Reassembler<N>,
}

impl<const N: usize> fmt::Debug for Requester<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requester")
            .field("own", &self.own)
            .field("peer", &self.peer)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

impl<const N: usize> Requester<N> {
    /// A requester with the endpoint number `own` that talks to `peer`.
    pub const fn new(own: u8, peer: u8) -> Self {
        Self {
            own,
            peer,
            tags: [Tag::Free; 8],
            next: 0,
            current: None,
            answer: Reassembler::new(),
        }
    }

    /// Begins a request and gives its packets. An open request is given up. `None`: every tag rests.
    pub fn begin<'m>(
        &mut self,
        now_ms: u64,
        message: &'m [u8],
        unit: usize,
    ) -> Option<Fragmenter<'m>> {
        self.abandon(now_ms);
        let tag = (0..8).map(|step| (self.next + step) & 7).find(|tag| {
            match self.tags.get(usize::from(*tag)) {
                Some(Tag::Free) => true,
                Some(Tag::Resting(until)) => now_ms >= *until,
                _ => false,
            }
        })?;
        self.set(tag, Tag::Used);
        self.next = (tag + 1) & 7;
        self.current = Some(tag);
        self.answer.reset();
        let header = PacketHeader {
            destination: self.peer,
            source: self.own,
            start: false,
            end: false,
            sequence: 0,
            owner: true,
            tag,
        };
        Some(Fragmenter::new(header, message, unit))
    }

    fn set(&mut self, tag: u8, state: Tag) {
        if let Some(to) = self.tags.get_mut(usize::from(tag)) {
            *to = state;
        }
    }

    /// Gives up the open request: its tag rests.
    pub fn abandon(&mut self, now_ms: u64) {
        if let Some(tag) = self.current.take() {
            self.set(tag, Tag::Resting(now_ms.saturating_add(TAG_REST_MS)));
        }
        self.answer.reset();
    }

    /// Takes a packet that came. Gives the answer when the packet completes it.
    pub fn handle(&mut self, packet: &[u8]) -> Option<&[u8]> {
        let (header, payload) = PacketHeader::parse(packet)?;
        if header.destination != self.own || header.source != self.peer || header.owner {
            return None;
        }
        if self.current != Some(header.tag) {
            // The late end of an answer: now nothing more can come with this tag.
            if header.end
                && matches!(
                    self.tags.get(usize::from(header.tag)),
                    Some(Tag::Resting(_))
                )
            {
                self.set(header.tag, Tag::Free);
            }
            return None;
        }
        self.answer.push(&header, payload)?;
        self.current = None;
        self.set(header.tag, Tag::Free);
        Some(self.answer.message())
    }

    /// The answer that was completed last.
    pub fn answer(&self) -> &[u8] {
        self.answer.message()
    }

    /// Whether the answer was longer than the buffer; asking clears the mark.
    pub fn take_overflow(&mut self) -> bool {
        self.answer.take_overflow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(requester: &mut Requester<64>, now: u64) -> Option<u8> {
        let mut packets = requester.begin(now, b"ask", 64)?;
        let mut out = [0; 80];
        let len = packets.next_packet(&mut out)?;
        let (header, payload) = PacketHeader::parse(&out[..len])?;
        assert_eq!(payload, b"ask");
        assert!(header.owner);
        Some(header.tag)
    }

    fn answer(tag: u8) -> Vec<u8> {
        let header = PacketHeader {
            destination: 8,
            source: 9,
            start: true,
            end: true,
            sequence: 0,
            owner: false,
            tag,
        };
        let mut packet = header.emit().to_vec();
        packet.extend(b"answer");
        packet
    }

    #[test]
    fn a_tag_without_an_answer_rests() {
        let mut requester = Requester::new(8, 9);
        let first = begin(&mut requester, 0).unwrap();
        requester.abandon(0);
        // Seven more, then all rest.
        for _ in 0..7 {
            let tag = begin(&mut requester, 0).unwrap();
            assert_ne!(tag, first);
            assert_eq!(requester.handle(&answer(first)), None);
            requester.abandon(0);
        }
        // The late answer has freed the first.
        assert_eq!(begin(&mut requester, 0), Some(first));
        requester.abandon(10);
        assert_eq!(begin(&mut requester, 11), None);
        assert!(begin(&mut requester, TAG_REST_MS).is_some());
    }

    #[test]
    fn only_the_peers_answer_with_the_tag_counts() {
        let mut requester = Requester::new(8, 9);
        let tag = begin(&mut requester, 0).unwrap();
        let good = answer(tag);
        for (at, value) in [(0, 2), (1, 7), (2, 7), (3, good[3] ^ 1), (3, good[3] | 8)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(requester.handle(&bad), None);
        }
        assert_eq!(requester.handle(&good), Some(&b"answer"[..]));
        assert_eq!(
            requester.handle(&good),
            None,
            "a second time it answers nothing"
        );
    }
}
