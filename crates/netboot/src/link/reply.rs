//! The hardware address of whoever sent the DHCP messages, known before anybody asks for it (RFC 826).
//!
//! The sender is a neighbour, and mostly the first one that the station speaks to: the server itself, or the router that relays
//! for it. smoltcp is given the ARP reply that this neighbour would give, and takes it only if the address is in the own network.
//! Like every ARP reply it is nothing but somebody's word. The station asks the neighbour all the same, so that the neighbour
//! knows whom to answer; but the first packet follows at once.

use core::net::Ipv4Addr;

/// Octets of a frame with an ARP message.
const FRAME: usize = 42;
/// EtherType of ARP; Ethernet and IPv4, their sizes; a reply.
const REPLY: [u8; 10] = [8, 6, 0, 1, 8, 0, 6, 4, 0, 2];

/// An ARP reply in its frame: addresses of the frame, [`REPLY`], the sender's addresses, the target's.
pub(super) struct Reply([u8; FRAME]);

impl Reply {
    pub const fn new() -> Self {
        Self([0; FRAME])
    }

    /// Becomes the reply of whoever sent `frame`, if that is a DHCP message to a client: IPv4 without options, port 68. That it
    /// is undamaged was seen before.
    #[inline(never)]
    pub fn learn(&mut self, frame: &[u8]) -> bool {
        let Some(head) = frame.first_chunk::<38>() else {
            return false;
        };
        const UDP: u8 = 17;
        let fixed = [head[12], head[13], head[14], head[23], head[36], head[37]];
        if fixed != [8, 0, 0x45, UDP, 0, 68] {
            return false;
        }
        self.0[..12].copy_from_slice(&head[..12]);
        self.0[12..22].copy_from_slice(&REPLY);
        self.0[22..28].copy_from_slice(&head[6..12]);
        self.0[28..32].copy_from_slice(&head[26..30]);
        true
    }

    /// The address whose owner would have sent the reply.
    pub fn sender(&self) -> Ipv4Addr {
        Ipv4Addr::new(self.0[28], self.0[29], self.0[30], self.0[31])
    }

    /// The frame, addressed to the station with this address.
    pub fn to(&mut self, address: Ipv4Addr) -> &[u8] {
        self.0[38..].copy_from_slice(&address.octets());
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smoltcp::wire::{
        ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    };

    /// The head of a frame from 10.0.2.2 to UDP port `port`.
    fn frame(port: u8) -> [u8; 60] {
        let mut frame = [0; 60];
        frame[..6].fill(0xff);
        frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 9]);
        frame[12..15].copy_from_slice(&[8, 0, 0x45]);
        frame[23] = 17;
        frame[26..30].copy_from_slice(&[10, 0, 2, 2]);
        frame[37] = port;
        frame
    }

    #[test]
    fn a_dhcp_message_becomes_its_senders_reply() {
        let mut reply = Reply::new();
        assert!(reply.learn(&frame(68)));
        let own = Ipv4Addr::new(10, 0, 2, 15);
        let frame = EthernetFrame::new_checked(reply.to(own)).unwrap();
        assert_eq!(frame.ethertype(), EthernetProtocol::Arp);
        let arp = ArpPacket::new_checked(frame.payload()).unwrap();
        let ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr,
            target_protocol_addr,
            ..
        } = ArpRepr::parse(&arp).unwrap()
        else {
            panic!("no ARP for IPv4");
        };
        assert_eq!(operation, ArpOperation::Reply);
        assert_eq!(source_hardware_addr, EthernetAddress([2, 0, 0, 0, 0, 9]));
        assert_eq!(source_protocol_addr, Ipv4Addr::new(10, 0, 2, 2));
        assert_eq!(target_protocol_addr, own);
    }

    #[test]
    fn nothing_is_learned_from_anything_else() {
        let mut reply = Reply::new();
        assert!(!reply.learn(&frame(67)));
        assert!(!reply.learn(&frame(68)[..37]));
        for (at, octet) in [(13, 6), (14, 0x46), (23, 6), (36, 1)] {
            let mut frame = frame(68);
            frame[at] = octet;
            assert!(!reply.learn(&frame), "octet {at}");
        }
    }
}
