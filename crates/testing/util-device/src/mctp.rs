//! The MCTP endpoint.

use crate::device::Device;
use crate::fault::{Fault, Reply};
use crate::input::{Input, Output};
use crate::refusal::Refusal;
use caliptra_util_host_transport::mctp::packet::{PacketHeader, Reassembler};
use core::fmt;

const IANA: [u8; 4] = [0x00, 0x00, 0xA6, 0x7F];
const VENDOR: u8 = 0x7F;
const CONTROL: u8 = 0x00;

impl Device {
    /// Answers a vendor defined message, from the enterprise number on, with the fault that is next. `None`: it is no
    /// request of this protocol, and a device does not answer.
    pub fn vdm(&mut self, request: &[u8], answer: &mut [u8]) -> Option<Reply> {
        let mut input = Input(request);
        if input.array() != Ok(IANA) {
            return None;
        }
        let [control, command] = input.array().ok()?;
        if control != 0x80 {
            return None;
        }
        self.counters.received += 1;
        let fault = self.faults.next();
        let mut out = Output::new(answer);
        out.put(&IANA).ok()?;
        out.put(&[0, command]).ok()?;
        let at = out.len;
        out.u32(0).ok()?;
        let result = match fault {
            Fault::Busy => Err(Refusal::BUSY),
            Fault::Completion(code) => Err(Refusal(code)),
            _ => self.vdm_command(command, input, &mut out),
        };
        match result {
            Ok(()) => {
                self.counters.executed += 1;
                self.counters.payload_octets += input.0.len() as u64;
            }
            Err(refusal) => {
                self.counters.refused += 1;
                out.len = at + 4;
                out.patch(at, refusal.0);
            }
        }
        let len = out.len;
        let mut reply = Reply {
            len,
            delay_ms: 0,
            copies: 1,
        };
        match fault {
            // A message has no checksum of its own: the octet that is altered makes it another command's answer.
            Fault::WrongChecksum => *answer.get_mut(5)? ^= 0x40,
            Fault::Late(ms) => reply.delay_ms = ms,
            Fault::Truncated(octets) => reply.len = octets.min(len),
            Fault::TooLong(octets) => {
                reply.len = (len + octets).min(answer.len());
                answer.get_mut(len..reply.len)?.fill(0xEE);
            }
            Fault::Silent => reply.copies = 0,
            Fault::Twice => reply.copies = 2,
            Fault::Garbage => self.random.fill(answer.get_mut(..len)?),
            Fault::None | Fault::Busy | Fault::Completion(_) | Fault::NotApproved => {}
        }
        Some(reply)
    }

    fn vdm_command(
        &mut self,
        command: u8,
        mut input: Input<'_>,
        out: &mut Output<'_>,
    ) -> Result<(), Refusal> {
        match command {
            1 => {
                let version = self.version(input.u32()?)?;
                input.end()?;
                let room = out.room(32)?;
                room.fill(0);
                for (to, from) in room.iter_mut().zip(version.as_bytes()) {
                    *to = *from;
                }
                Ok(())
            }
            2 => {
                input.end()?;
                out.put(&self.capabilities())
            }
            3 => {
                input.end()?;
                self.get_log_vdm(out)
            }
            4 => {
                input.end()?;
                self.clear_log();
                Ok(())
            }
            _ => Err(Refusal::UNSUPPORTED),
        }
    }
}

/// An endpoint: packets in, a message with its address out.
#[derive(Clone)]
pub struct MctpEndpoint {
    /// The device.
    pub device: Device,
    own: u8,
    incoming: Reassembler<{ crate::MAX_ANSWER }>,
    outgoing: [u8; crate::MAX_ANSWER],
}

impl fmt::Debug for MctpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MctpEndpoint")
            .field("own", &self.own)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl MctpEndpoint {
    /// The endpoint of `device` with the number `own`.
    pub fn new(device: Device, own: u8) -> Self {
        Self {
            device,
            own,
            incoming: Reassembler::new(),
            outgoing: [0; crate::MAX_ANSWER],
        }
    }

    /// Takes a packet. When it completes a request, gives the header that the answer's packets have, and the answer;
    /// [`answer`](Self::answer) has its octets, type first.
    pub fn handle(&mut self, packet: &[u8]) -> Option<(PacketHeader, Reply)> {
        let (header, payload) = PacketHeader::parse(packet)?;
        if header.destination != self.own || !header.owner {
            return None;
        }
        let len = self.incoming.push(&header, payload)?;
        let (kind, request) = self.incoming.message().get(..len)?.split_first()?;
        let (type_octet, answer) = self.outgoing.split_first_mut()?;
        let mut reply = match *kind {
            VENDOR => self.device.vdm(request, answer)?,
            CONTROL => vendor_support(request, answer)?,
            _ => return None,
        };
        *type_octet = *kind;
        reply.len += 1;
        let back = PacketHeader {
            destination: header.source,
            source: self.own,
            owner: false,
            ..header
        };
        Some((back, reply))
    }

    /// The octets of the last answer.
    pub fn answer(&self, reply: &Reply) -> &[u8] {
        self.outgoing.get(..reply.len).unwrap_or_default()
    }
}

/// Answers *Get Vendor Defined Message Support* (DSP0236): one set, IANA format, command set version 1.
fn vendor_support(request: &[u8], answer: &mut [u8]) -> Option<Reply> {
    let [instance, 0x06, _selector] = request else {
        return None;
    };
    let mut out = Output::new(answer);
    out.put(&[instance & 0x1F, 0x06, 0x00, 0xFF, 0x01]).ok()?;
    out.put(&IANA).ok()?;
    out.put(&[0x00, 0x01]).ok()?;
    Some(Reply {
        len: out.len,
        delay_ms: 0,
        copies: 1,
    })
}
