//! The MCTP endpoint behind a serial line.

use crate::fault::Reply;
use crate::mctp::MctpEndpoint;
use caliptra_util_host_transport::mctp::packet::{BASELINE_UNIT, Fragmenter};
use caliptra_util_host_transport::mctp::serial::{Decoder, MAX_FRAME, MAX_PACKET, encode};

/// A serial line with MCTP in the frames of DSP0253.
#[derive(Debug, Default)]
pub struct SerialLine {
    decoder: Decoder,
}

impl SerialLine {
    /// A line between two frames.
    pub const fn new() -> Self {
        Self {
            decoder: Decoder::new(),
        }
    }

    /// Takes an octet from the line. When it completes a request, the endpoint answers it, and `send` gets each frame of the answer.
    /// Gives the answer's reply then, whose delay and copies are the caller's to carry out.
    pub fn push(
        &mut self,
        octet: u8,
        endpoint: &mut MctpEndpoint,
        send: &mut dyn FnMut(&[u8]),
    ) -> Option<Reply> {
        let packet = self.decoder.push(octet)?;
        let (header, reply) = endpoint.handle(packet)?;
        let mut packets = Fragmenter::new(header, endpoint.answer(&reply), BASELINE_UNIT);
        let (mut packet, mut frame) = ([0; MAX_PACKET], [0; MAX_FRAME]);
        while let Some(len) = packets.next_packet(&mut packet) {
            if let Some(len) = encode(packet.get(..len).unwrap_or_default(), &mut frame) {
                send(frame.get(..len).unwrap_or_default());
            }
        }
        Some(reply)
    }
}
