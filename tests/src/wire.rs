//! Frames made and changed by hand, for what stands between the station and its server.

use netboot_core::Instant;
use netsim::{Middle, Side};
use std::net::Ipv4Addr;
use std::ops::Range;
use testbed::ethernet::MAC;

/// Ethernet address of everybody.
pub const EVERYBODY: [u8; 6] = [0xff; 6];
/// Octets of an Ethernet header.
pub(crate) const ETHERNET: usize = 14;
/// Where the payload of a UDP datagram stands in its frame, behind an IPv4 header without options.
pub const UDP_PAYLOAD: usize = ETHERNET + 20 + 8;
/// Where the options of a DHCPv4 message stand in its frame, behind the fixed fields and the cookie (RFC 2131, section 2).
pub const DHCP_OPTIONS: usize = UDP_PAYLOAD + 240;

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

/// The options of a DHCPv4 message in a frame: the number and the place of each value. END (255) comes last and has no value; its place
/// is where it stands. A frame that holds no message for port 67 or 68 has no options.
pub fn dhcp_options(frame: &[u8]) -> Vec<(u8, Range<usize>)> {
    let mut options = Vec::new();
    if !is_udp_to(frame, 67) && !is_udp_to(frame, 68) {
        return options;
    }
    let mut at = DHCP_OPTIONS;
    loop {
        match frame.get(at..) {
            Some([0, ..]) => at += 1,
            Some([255, ..]) => {
                options.push((255, at..at));
                return options;
            }
            Some([code, len, ..]) => {
                let value = at + 2..at + 2 + usize::from(*len);
                at = value.end;
                options.push((*code, value));
            }
            _ => return options,
        }
    }
}

/// Puts `tail` in place of the END option of a DHCPv4 message, and of everything behind it. Another frame stays as it is.
pub fn dhcp_tail(mut frame: Vec<u8>, tail: &[u8]) -> Vec<u8> {
    if let Some((255, end)) = dhcp_options(&frame).pop() {
        frame.truncate(end.start);
        frame.extend(tail);
        mend(&mut frame);
    }
    frame
}

/// Opcode of the TFTP packet in a frame that is no DHCP message (RFC 1350, section 5).
pub fn tftp_opcode(frame: &[u8]) -> Option<u16> {
    let udp = is_ipv4(frame) && frame.get(23) == Some(&17);
    let dhcp = is_udp_to(frame, 67) || is_udp_to(frame, 68);
    match frame.get(UDP_PAYLOAD..UDP_PAYLOAD + 2) {
        Some([high, low]) if udp && !dhcp => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

/// Sends the IP packet of a frame to another address, whose host has this hardware address.
pub fn redirect(frame: &mut [u8], mac: [u8; 6], address: Ipv4Addr) {
    frame[..6].copy_from_slice(&mac);
    frame[30..34].copy_from_slice(&address.octets());
    mend(frame);
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
            mend_header(&mut out);
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

/// Makes length and checksum of the IPv4 header right again; gives its length in octets.
fn mend_header(frame: &mut [u8]) -> Option<usize> {
    if frame.get(12..14) != Some(&[0x08, 0x00]) {
        return None;
    }
    let packet = frame.get_mut(ETHERNET..)?;
    let header = usize::from(packet.first().copied().unwrap_or(0) & 0x0F) * 4;
    if header < 20 || packet.len() < header {
        return None;
    }
    let total = (packet.len() as u16).to_be_bytes();
    packet[2..4].copy_from_slice(&total);
    packet[10..12].fill(0);
    let sum = checksum(packet[..header].chunks(2));
    packet[10..12].copy_from_slice(&sum);
    Some(header)
}

/// Makes length and checksum of IPv4, and checksums of UDP and TCP, right again as far as the frame
/// still has such headers.
pub fn mend(frame: &mut [u8]) {
    let Some(header) = mend_header(frame) else {
        return;
    };
    let packet = &mut frame[ETHERNET..];
    let mut pseudo = packet[12..20].to_vec();
    let protocol = packet[9];
    let length = (packet.len() - header) as u16;
    pseudo.extend([0, protocol]);
    pseudo.extend(length.to_be_bytes());
    let payload = &mut packet[header..];
    let at = match protocol {
        6 => 16,
        17 => 6,
        _ => return,
    };
    if payload.len() < at + 2 {
        return;
    }
    if protocol == 17 {
        payload[4..6].copy_from_slice(&length.to_be_bytes());
    }
    payload[at..at + 2].fill(0);
    let sum = checksum(pseudo.chunks(2).chain(payload.chunks(2)));
    payload[at..at + 2].copy_from_slice(&sum);
}

/// RFC 1071.
fn checksum<'a>(words: impl Iterator<Item = &'a [u8]>) -> [u8; 2] {
    let mut sum: u32 = words
        .map(|word| match *word {
            [high, low] => u32::from(u16::from_be_bytes([high, low])),
            [high] => u32::from(high) << 8,
            _ => 0,
        })
        .sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
