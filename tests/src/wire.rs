//! Frames made and changed by hand, for what stands between the station and its server.

use netboot_core::Instant;
use netsim::{Middle, Side};
use std::net::Ipv4Addr;
use testbed::ethernet::MAC;

/// Ethernet address of everybody.
pub const EVERYBODY: [u8; 6] = [0xff; 6];
/// Octets of an Ethernet header.
const ETHERNET: usize = 14;

/// An ARP message in its frame (RFC 826): `operation` 1 asks, 2 tells.
pub fn arp(
    to: [u8; 6],
    operation: u8,
    sender: ([u8; 6], Ipv4Addr),
    target: ([u8; 6], Ipv4Addr),
) -> Vec<u8> {
    let mut frame = [to, sender.0].concat();
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, operation]);
    for (mac, address) in [sender, target] {
        frame.extend(mac);
        frame.extend(address.octets());
    }
    frame.resize(60, 0);
    frame
}

/// Sender and target of an ARP request.
pub fn arp_request(frame: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let address = |at: usize| <[u8; 4]>::try_from(frame.get(at..at + 4)?).ok();
    let request = frame.get(12..14) == Some(&[8, 6]) && frame.get(21) == Some(&1);
    let found = (address(28)?.into(), address(38)?.into());
    request.then_some(found)
}

/// Whether a frame holds IPv4.
pub fn is_ipv4(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[8, 0])
}

/// Octets of the IP packet in a frame.
pub fn ip_len(frame: &[u8]) -> usize {
    match frame.get(16..18) {
        Some([high, low]) if is_ipv4(frame) => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    }
}

/// Whether a frame holds a UDP datagram to this port.
pub fn is_udp_to(frame: &[u8], port: u16) -> bool {
    is_ipv4(frame) && frame.get(23) == Some(&17) && frame.get(36..38) == Some(&port.to_be_bytes())
}

/// Sends the IP packet of a frame to another address, whose host has this hardware address.
pub fn redirect(frame: &mut [u8], mac: [u8; 6], address: Ipv4Addr) {
    frame[..6].copy_from_slice(&mac);
    frame[30..34].copy_from_slice(&address.octets());
    crate::hostile::mend(frame);
}

/// Puts a VLAN tag into a frame (IEEE 802.1Q).
pub fn tagged(frame: &[u8], tag: u16) -> Vec<u8> {
    let mut out = frame[..12].to_vec();
    out.extend([0x81, 0, (tag >> 8) as u8, tag as u8]);
    out.extend(&frame[12..]);
    out
}

/// Takes a VLAN tag out of a frame: the tag and the frame without it, or nothing.
pub fn untagged(frame: &[u8]) -> Option<(u16, Vec<u8>)> {
    let tag = frame.get(12..16)?;
    let out = [frame.get(..12)?, frame.get(16..)?].concat();
    (tag[..2] == [0x81, 0]).then(|| (u16::from_be_bytes([tag[2], tag[3]]), out))
}

/// Cuts the IP packet of a frame into fragments of at most `mtu` octets (RFC 791, section 3.2). A packet that fits stays whole.
pub fn fragments(frame: &[u8], mtu: usize) -> Vec<Vec<u8>> {
    let len = ip_len(frame);
    if len <= mtu {
        return vec![frame.to_vec()];
    }
    let header = usize::from(frame[ETHERNET] & 0xf) * 4;
    let data = &frame[ETHERNET + header..ETHERNET + len];
    let step = (mtu - header) & !7;
    data.chunks(step)
        .enumerate()
        .map(|(at, chunk)| {
            let last = (at + 1) * step >= data.len();
            let mut out = frame[..ETHERNET + header].to_vec();
            let offset = (at * step / 8) as u16 | if last { 0 } else { 0x2000 };
            out[20..22].copy_from_slice(&offset.to_be_bytes());
            out.extend(chunk);
            crate::hostile::mend_header(&mut out);
            out
        })
        .collect()
}

/// Something between the two ends that does with each frame of the server what `change` says, and lets all others pass.
pub fn from_server(
    mut change: impl FnMut(Instant, Vec<u8>) -> Vec<Vec<u8>> + Send + 'static,
) -> Middle {
    Box::new(move |now, from, frame, out| match from {
        Side::Server => out.extend(change(now, frame).into_iter().map(|frame| (from, frame))),
        Side::Client => out.push((from, frame)),
    })
}

/// Whether a frame is for the station alone.
pub fn is_for_station(frame: &[u8]) -> bool {
    frame.get(..6) == Some(&MAC)
}

/// Makes length and checksums of IPv4, UDP and TCP right again.
pub fn mend(frame: &mut [u8]) {
    crate::hostile::mend(frame);
}
