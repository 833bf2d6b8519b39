//! Fuzz body: both framings of MCTP on unknown octets, and the requester on unknown packets.

use crate::mctp::packet::{PacketHeader, Reassembler};
use crate::mctp::requester::Requester;
use crate::mctp::serial::{Decoder, MAX_FRAME, encode};

/// Reads `data` as a serial line, as a packet, and as operations of a requester. Only a panic, or an answer that answers nothing,
/// is a finding.
pub fn run(data: &[u8]) {
    let mut decoder = Decoder::new();
    let mut whole = Reassembler::<256>::new();
    for octet in data {
        if let Some(packet) = decoder.push(*octet) {
            assert!(!packet.is_empty());
            let mut frame = [0; MAX_FRAME];
            assert!(encode(packet, &mut frame).is_some());
            if let Some((header, payload)) = PacketHeader::parse(packet) {
                whole.push(&header, payload);
            }
        }
    }
    let mut requester = Requester::<256>::new(8, 9);
    let (mut now, mut open) = (0, false);
    for chunk in data.chunks(9) {
        let Some((operation, rest)) = chunk.split_first() else {
            continue;
        };
        match operation % 4 {
            0 => open = requester.begin(now, b"ask", 64).is_some(),
            1 => {
                requester.abandon(now);
                open = false;
            }
            2 => now += u64::from(*operation) * 64,
            _ => {
                // A packet that is likely to be for this requester.
                let mut packet = [1, 8, 9, 0xC0 | (operation >> 2 & 7), 0, 0, 0, 0];
                for (to, from) in packet.iter_mut().skip(4).zip(rest) {
                    *to = *from;
                }
                if requester.handle(&packet).is_some() {
                    assert!(open, "an answer came without a request");
                    open = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_octets_are_a_finding(data in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x7E), Just(0x7D), Just(1)], 0..600)) {
            super::run(&data);
        }
    }
}
