//! TCP segments made and changed by hand (RFC 9293), over IPv4 without options.

use crate::wire::{ETHERNET, is_ipv4, mend};

/// Where the TCP header stands in its frame.
const TCP: usize = ETHERNET + 20;
/// Octets of a TCP header without options.
const HEADER: usize = 20;

/// Flag: the sender has no more data.
pub const FIN: u8 = 0x01;
/// Flag: the connection opens.
pub const SYN: u8 = 0x02;
/// Flag: the connection is reset.
pub const RST: u8 = 0x04;
/// Flag: the receiver hands the data on at once.
pub const PSH: u8 = 0x08;
/// Flag: the acknowledgement number counts.
pub const ACK: u8 = 0x10;

/// What a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Port of the sender.
    pub from: u16,
    /// Port of the receiver.
    pub to: u16,
    /// Sequence number of the first octet.
    pub seq: u32,
    /// Sequence number that the sender expects next.
    pub ack: u32,
    /// The flags, such as [`FIN`].
    pub flags: u8,
    /// The data.
    pub data: Vec<u8>,
}

impl Segment {
    /// The segment in a frame. `None` for a frame without one.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let tcp = frame.get(TCP..).filter(|_| is_ipv4(frame))?;
        let number = |at: usize| tcp.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let port = |at: usize| tcp.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes);
        let end = ETHERNET + crate::wire::ip_len(frame);
        let data = usize::from(tcp.get(12)? >> 4) * 4;
        (frame.get(23) == Some(&6)).then_some(Self {
            from: port(0)?,
            to: port(2)?,
            seq: number(4)?,
            ack: number(8)?,
            flags: *tcp.get(13)?,
            data: frame.get(TCP + data..end)?.to_vec(),
        })
    }

    /// Sequence number behind the data.
    pub fn end(&self) -> u32 {
        self.seq.wrapping_add(self.data.len() as u32)
    }

    /// The frame of this segment, with the addresses of `like` and without TCP options.
    pub fn framed(&self, like: &[u8]) -> Vec<u8> {
        let mut frame = like[..TCP].to_vec();
        frame.extend(self.from.to_be_bytes());
        frame.extend(self.to.to_be_bytes());
        frame.extend(self.seq.to_be_bytes());
        frame.extend(self.ack.to_be_bytes());
        frame.extend([(HEADER as u8 / 4) << 4, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(&self.data);
        mend(&mut frame);
        frame
    }

    /// The frame of what the receiver of `frame` has sent before that frame came: `flags` and `data`, at the number that the
    /// frame's sender expects. It acknowledges nothing of the frame.
    pub fn crossing(frame: &[u8], flags: u8, data: &[u8]) -> Option<Vec<u8>> {
        let came = Self::of(frame)?;
        let mut like = frame.to_vec();
        for (one, other, len) in [(0, 6, 6), (26, 30, 4)] {
            like[one..one + len].copy_from_slice(&frame[other..other + len]);
            like[other..other + len].copy_from_slice(&frame[one..one + len]);
        }
        let crossing = Self {
            from: came.to,
            to: came.from,
            seq: came.ack,
            ack: came.seq,
            flags,
            data: data.to_vec(),
        };
        Some(crossing.framed(&like))
    }
}

/// Puts options into the IPv4 header of a frame: a multiple of 4 octets (RFC 791, section 3.1).
pub fn with_ip_options(frame: &[u8], options: &[u8]) -> Vec<u8> {
    let mut out = frame.to_vec();
    if is_ipv4(frame) {
        out[ETHERNET] += (options.len() / 4) as u8;
        out.splice(TCP..TCP, options.iter().copied());
        mend(&mut out);
    }
    out
}

/// Puts options at the end of the TCP header of a frame: a multiple of 4 octets. A frame without a segment stays as it is.
pub fn with_tcp_options(frame: &[u8], options: &[u8]) -> Vec<u8> {
    let mut out = frame.to_vec();
    if Segment::of(frame).is_some() {
        let data = TCP + usize::from(out[TCP + 12] >> 4) * 4;
        out[TCP + 12] += ((options.len() / 4) as u8) << 4;
        out.splice(data..data, options.iter().copied());
        mend(&mut out);
    }
    out
}
