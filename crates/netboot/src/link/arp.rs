//! ARP messages that the IP stack neither sends nor reports: probes, announcements and conflicts (RFC 5227), and questions to
//! several neighbours at once (RFC 826).

use core::net::Ipv4Addr;
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
    EthernetRepr,
};

/// Watches for other users of an address.
pub(super) struct Watch {
    address: Option<Ipv4Addr>,
    conflict: bool,
}

impl Watch {
    /// Makes a watch for `address`, or one that looks at nothing.
    pub const fn new(address: Option<Ipv4Addr>) -> Self {
        Self {
            address,
            conflict: false,
        }
    }

    /// Looks at a frame that arrived at the station with the hardware address `mac`.
    #[inline(never)]
    pub fn look(&mut self, frame: &[u8], mac: EthernetAddress) {
        if let Some(address) = self.address
            && claims(frame, address, mac)
        {
            self.conflict = true;
        }
    }

    /// Whether another station was seen to use the address, or to probe for it.
    pub fn conflict(&self) -> bool {
        self.conflict
    }
}

/// A question to everybody on the link: who has `target`, asked in the name of `sender`.
pub(super) struct Question {
    /// The station's hardware address.
    pub mac: EthernetAddress,
    /// The station's address; 0.0.0.0 for a probe.
    pub sender: Ipv4Addr,
    /// The address that is looked for.
    pub target: Ipv4Addr,
}

impl Question {
    /// Octets of the frame: an Ethernet header and an ARP message for IPv4.
    pub const LEN: usize = 42;

    /// Writes the frame into `buffer`, which holds at least [`LEN`](Self::LEN) octets.
    pub fn emit(&self, buffer: &mut [u8]) {
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: self.mac,
            source_protocol_addr: self.sender,
            target_hardware_addr: EthernetAddress([0; 6]),
            target_protocol_addr: self.target,
        };
        let ethernet = EthernetRepr {
            src_addr: self.mac,
            dst_addr: EthernetAddress::BROADCAST,
            ethertype: EthernetProtocol::Arp,
        };
        let mut frame = EthernetFrame::new_unchecked(buffer);
        ethernet.emit(&mut frame);
        arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
    }
}

/// Whether `frame` is an ARP message of another station than `mac` that claims `address`, or probes for it as we do.
fn claims(frame: &[u8], address: Ipv4Addr, mac: EthernetAddress) -> bool {
    let Ok(frame) = EthernetFrame::new_checked(frame) else {
        return false;
    };
    if frame.ethertype() != EthernetProtocol::Arp {
        return false;
    }
    let arp = ArpPacket::new_checked(frame.payload())
        .ok()
        .and_then(|packet| ArpRepr::parse(&packet).ok());
    let Some(ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr,
        target_protocol_addr,
        ..
    }) = arp
    else {
        return false;
    };
    let also_probing = operation == ArpOperation::Request
        && source_protocol_addr == Ipv4Addr::UNSPECIFIED
        && target_protocol_addr == address;
    source_hardware_addr != mac && (source_protocol_addr == address || also_probing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);
    const OTHER: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 2]);
    const WANTED: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
    const ELSE: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 16);

    fn conflict(mac: EthernetAddress, sender: Ipv4Addr, target: Ipv4Addr) -> bool {
        let mut frame = [0; Question::LEN];
        Question {
            mac,
            sender,
            target,
        }
        .emit(&mut frame);
        let mut watch = Watch::new(Some(WANTED));
        watch.look(&frame, OWN);
        watch.conflict()
    }

    #[test]
    fn users_of_the_address_and_other_probes_for_it_are_conflicts() {
        assert!(conflict(OTHER, WANTED, ELSE));
        assert!(conflict(OTHER, WANTED, WANTED));
        assert!(conflict(OTHER, Ipv4Addr::UNSPECIFIED, WANTED));
        assert!(!conflict(OTHER, ELSE, WANTED), "somebody asks for us");
        assert!(!conflict(OTHER, Ipv4Addr::UNSPECIFIED, ELSE));
        assert!(!conflict(OWN, Ipv4Addr::UNSPECIFIED, WANTED), "our own");
    }
}
