//! MCTP over a serial line, DSP0253.
//!
//! `7E 01 len data FCS 7E`, where 7E and 7D inside the data are written as 7D 5E and 7D 5D. The frame check sequence is that
//! of RFC 1662 over revision, length and data before escaping, without its final complement, most significant octet first,
//! as Linux's driver has it.

use core::fmt;

/// Begins and ends a frame.
pub const FLAG: u8 = 0x7E;
/// Begins an escaped octet.
pub const ESCAPE: u8 = 0x7D;
/// The revision of the binding.
pub const REVISION: u8 = 0x01;
/// Most octets of a packet in a frame.
pub const MAX_PACKET: usize = 255;
/// Most octets of a frame: every octet of the longest packet escaped.
pub const MAX_FRAME: usize = 2 * MAX_PACKET + 6;

/// Goes on with the frame check sequence, which begins as `0xFFFF`.
pub fn fcs(seed: u16, octets: &[u8]) -> u16 {
    let mut crc = seed;
    for octet in octets {
        crc ^= u16::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 0 {
                crc >> 1
            } else {
                (crc >> 1) ^ 0x8408
            };
        }
    }
    crc
}

/// Writes a packet as a frame and gives the frame's length. `None`: the packet is empty or longer than [`MAX_PACKET`], or
/// `out` is too small.
pub fn encode(packet: &[u8], out: &mut [u8]) -> Option<usize> {
    let len = u8::try_from(packet.len()).ok().filter(|len| *len != 0)?;
    let mut at = 0;
    let mut put = |octet: u8| -> Option<()> {
        *out.get_mut(at)? = octet;
        at += 1;
        Some(())
    };
    put(FLAG)?;
    put(REVISION)?;
    put(len)?;
    for octet in packet {
        if matches!(*octet, FLAG | ESCAPE) {
            put(ESCAPE)?;
            put(octet ^ 0x20)?;
        } else {
            put(*octet)?;
        }
    }
    let check = fcs(fcs(0xFFFF, &[REVISION, len]), packet);
    for octet in check.to_be_bytes() {
        put(octet)?;
    }
    put(FLAG)?;
    Some(at)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Search,
    Revision,
    Length,
    Data,
    Escaped,
    Check,
    End,
}

/// Finds packets in the octets of a serial line. Damaged frames are dropped.
#[derive(Clone)]
pub struct Decoder {
    place: Place,
    packet: [u8; MAX_PACKET],
    len: usize,
    expected: usize,
    check: [u8; 2],
    checked: usize,
    dropped: u64,
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("place", &self.place)
            .field("len", &self.len)
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder between two frames.
    pub const fn new() -> Self {
        Self {
            place: Place::Search,
            packet: [0; MAX_PACKET],
            len: 0,
            expected: 0,
            check: [0; 2],
            checked: 0,
            dropped: 0,
        }
    }

    /// Frames that were dropped because they were damaged.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn drop_frame(&mut self, next: Place) {
        self.dropped = self.dropped.saturating_add(1);
        self.place = next;
    }

    fn data(&mut self, octet: u8) {
        if let Some(to) = self.packet.get_mut(self.len) {
            *to = octet;
        }
        self.len += 1;
        self.place = match self.len == self.expected {
            true => Place::Check,
            false => Place::Data,
        };
    }

    /// Takes an octet. Gives the packet when the octet completes it.
    pub fn push(&mut self, octet: u8) -> Option<&[u8]> {
        match self.place {
            Place::Search => {
                if octet == FLAG {
                    self.place = Place::Revision;
                }
            }
            Place::Revision => match octet {
                REVISION => self.place = Place::Length,
                // The end of one frame and the start of the next.
                FLAG => {}
                _ => self.drop_frame(Place::Search),
            },
            Place::Length => {
                self.len = 0;
                self.checked = 0;
                self.expected = usize::from(octet);
                match octet {
                    0 => self.drop_frame(Place::Search),
                    _ => self.place = Place::Data,
                }
            }
            Place::Data => match octet {
                FLAG => self.drop_frame(Place::Revision),
                ESCAPE => self.place = Place::Escaped,
                _ => self.data(octet),
            },
            Place::Escaped => match octet {
                0x5E | 0x5D => self.data(octet ^ 0x20),
                FLAG => self.drop_frame(Place::Revision),
                _ => self.drop_frame(Place::Search),
            },
            Place::Check => {
                if let Some(to) = self.check.get_mut(self.checked) {
                    *to = octet;
                }
                self.checked += 1;
                if self.checked == 2 {
                    self.place = Place::End;
                }
            }
            Place::End => {
                if octet != FLAG {
                    self.drop_frame(Place::Search);
                    return None;
                }
                // The flag may begin the next frame as well.
                self.place = Place::Revision;
                let packet = self.packet.get(..self.len)?;
                let len = u8::try_from(self.len).ok()?;
                if fcs(fcs(0xFFFF, &[REVISION, len]), packet) != u16::from_be_bytes(self.check) {
                    self.dropped = self.dropped.saturating_add(1);
                    return None;
                }
                return Some(packet);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(octets: &[u8]) -> Vec<Vec<u8>> {
        let mut decoder = Decoder::new();
        octets
            .iter()
            .filter_map(|octet| decoder.push(*octet).map(<[u8]>::to_vec))
            .collect()
    }

    #[test]
    fn the_check_sequence_is_that_of_rfc_1662() {
        // The check value of CRC-16/X-25 is the complement of this.
        assert_eq!(!fcs(0xFFFF, b"123456789"), 0x906E);
        let mut out = [0; MAX_FRAME];
        let len = encode(&[1, 9, 0x7E, 0x7D], &mut out).unwrap();
        assert_eq!(out[..9], [0x7E, 1, 4, 1, 9, 0x7D, 0x5E, 0x7D, 0x5D]);
        assert_eq!(out[len - 1], 0x7E);
        assert_eq!(encode(&[], &mut out), None);
        assert_eq!(encode(&[0; 256], &mut out), None);
        assert_eq!(encode(&[0; 20], &mut out[..20]), None);
    }

    proptest! {
        #[test]
        fn what_is_framed_is_found_among_noise(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..256), 1..6),
            noise in prop::collection::vec(any::<u8>().prop_filter("no flag", |octet| *octet != FLAG), 0..20))
        {
            let mut line = noise;
            let mut out = [0; MAX_FRAME];
            for packet in &packets {
                let len = encode(packet, &mut out).unwrap();
                line.extend(&out[..len]);
            }
            prop_assert_eq!(frames(&line), packets);
        }

        #[test]
        fn a_damaged_frame_is_dropped_and_the_next_is_found(packet in prop::collection::vec(any::<u8>(), 4..100),
            at in any::<prop::sample::Index>(), bit in 0..8)
        {
            let mut out = [0; MAX_FRAME];
            let len = encode(&packet, &mut out).unwrap();
            let mut line = out[..len].to_vec();
            let place = at.index(len);
            line[place] ^= 1u8 << bit;
            // A damaged length may swallow what follows, up to its own length.
            for _ in 0..80 {
                line.extend(&out[..len]);
            }
            let found = frames(&line);
            prop_assert!(found.len() >= 30);
            prop_assert!(found.iter().all(|one| *one == packet));
        }

        #[test]
        fn no_octets_make_it_panic(line in prop::collection::vec(prop_oneof![any::<u8>(), Just(FLAG), Just(ESCAPE), Just(1)], 0..2000)) {
            for packet in frames(&line) {
                prop_assert!(!packet.is_empty());
            }
        }
    }
}
