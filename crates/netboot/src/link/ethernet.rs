//! Ethernet headers and VLAN tags (IEEE 802.3, IEEE 802.1Q).

/// A hardware address.
pub(crate) type Mac = [u8; 6];

/// A hardware address as text for the log: `02:00:00:00:00:01`.
pub(crate) struct Shown(pub Mac);

impl core::fmt::Display for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let out: &mut dyn netboot_core::Console = f;
        out.mac(self.0);
        Ok(())
    }
}

/// The hardware address of everybody on the link.
pub(super) const BROADCAST: Mac = [0xff; 6];
/// EtherType of IPv4.
pub(super) const IPV4: u16 = 0x0800;
/// EtherType of ARP (RFC 826).
pub(super) const ARP: u16 = 0x0806;
/// EtherType of IPv6 (RFC 2464, section 3).
#[cfg(feature = "ipv6")]
pub(super) const IPV6: u16 = 0x86dd;
/// EtherType of a VLAN tag.
const TAG: u16 = 0x8100;
/// Octets of the two addresses.
const ADDRESSES: usize = 12;
/// Octets of a header without a tag.
const HEADER: usize = 14;
/// Octets of a tag.
const TAG_LEN: usize = 4;
/// Number of tags that are read. A frame with more is nobody's here.
const TAGS: u8 = 2;
/// The bits of a tag that number the VLAN. 0 is no VLAN: the tag then tells a priority only (IEEE 802.1Q, section 9.6).
const VID: u16 = 0x0fff;

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head<'f> {
    pub destination: &'f Mac,
    pub source: &'f Mac,
    /// Type of the payload, behind all tags.
    pub ethertype: u16,
    /// Octets before the payload.
    pub len: usize,
}

/// Reads the header of a frame for the VLAN with this number; `None` is for frames of no VLAN, with or without a priority.
/// Returns `None` for a frame of another VLAN, and for one that is too short.
#[inline(never)]
pub(super) fn parse(frame: &[u8], vlan: Option<u16>) -> Option<Head<'_>> {
    let (destination, rest) = frame.split_first_chunk::<6>()?;
    let source = rest.first_chunk::<6>()?;
    let mut len = HEADER;
    let mut ethertype = short(frame, ADDRESSES)?;
    let mut number = 0;
    for _ in 0..TAGS {
        if ethertype != TAG {
            break;
        }
        let vid = short(frame, len)? & VID;
        if vid != 0 && number != 0 {
            return None;
        }
        number |= vid;
        len += TAG_LEN;
        ethertype = short(frame, len - 2)?;
    }
    (number == vlan.unwrap_or(0)).then_some(Head {
        destination,
        source,
        ethertype,
        len,
    })
}

/// Octets of the header of a frame in this VLAN.
pub(super) fn header_len(vlan: Option<u16>) -> usize {
    match vlan {
        None => HEADER,
        Some(_) => HEADER + TAG_LEN,
    }
}

/// Writes a header to the start of `frame`.
#[inline(never)]
pub(super) fn emit(
    frame: &mut [u8],
    destination: Mac,
    source: Mac,
    ethertype: u16,
    vlan: Option<u16>,
) {
    let mut header = [0; HEADER + TAG_LEN];
    header[..6].copy_from_slice(&destination);
    header[6..12].copy_from_slice(&source);
    header[12..14].copy_from_slice(&ethertype.to_be_bytes());
    if let Some(vlan) = vlan {
        header[12..14].copy_from_slice(&TAG.to_be_bytes());
        header[14..16].copy_from_slice(&(vlan & VID).to_be_bytes());
        header[16..18].copy_from_slice(&ethertype.to_be_bytes());
    }
    copy(frame, &header[..header_len(vlan)]);
}

/// Whether a hardware address is that of a group, or of everybody.
pub(super) fn is_group(mac: Mac) -> bool {
    let [first, ..] = mac;
    first & 1 != 0
}

/// Copies as many octets as there are in both.
#[inline(never)]
pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// The number in two octets, most significant first.
fn short(frame: &[u8], at: usize) -> Option<u16> {
    let octets = frame.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: Mac = [2, 0, 0, 0, 0, 1];
    const FROM: Mac = [2, 0, 0, 0, 0, 2];

    fn frame(tags: &[u16]) -> Vec<u8> {
        let mut frame = [TO, FROM].concat();
        for tag in tags {
            frame.extend([0x81, 0, (tag >> 8) as u8, *tag as u8]);
        }
        frame.extend([8, 0, 0x45, 0]);
        frame
    }

    #[test]
    fn a_priority_alone_is_no_vlan() {
        for tags in [&[][..], &[0], &[0x6000], &[0x6000, 0x2000]] {
            let frame = frame(tags);
            let head = parse(&frame, None).unwrap();
            assert_eq!((head.ethertype, head.len), (IPV4, 14 + 4 * tags.len()));
            assert_eq!((head.destination, head.source), (&TO, &FROM));
            assert_eq!(parse(&frame, Some(5)), None, "{tags:?}");
        }
    }

    #[test]
    fn frames_of_other_vlans_are_not_ours() {
        assert_eq!(parse(&frame(&[5]), None), None);
        assert_eq!(parse(&frame(&[0, 5]), None), None);
        assert_eq!(parse(&frame(&[5, 7]), Some(5)), None);
        assert_eq!(parse(&frame(&[6]), Some(5)), None);
        for tags in [&[5][..], &[0x6005], &[0, 5], &[5, 0]] {
            let frame = frame(tags);
            let head = parse(&frame, Some(5)).unwrap();
            assert_eq!((head.ethertype, head.len), (IPV4, 14 + 4 * tags.len()));
        }
        // A third tag is not read: what is behind it is no payload that anybody here knows.
        let frame = frame(&[0, 0, 0]);
        let head = parse(&frame, None).unwrap();
        assert_eq!(head.ethertype, TAG);
    }

    #[test]
    fn frames_that_are_cut_short() {
        for tags in [&[][..], &[0], &[0, 0]] {
            let whole = frame(tags);
            let header = whole.len() - 2;
            for len in 0..header {
                assert_eq!(parse(&whole[..len], None), None, "{len} of {header}");
            }
            assert!(parse(&whole[..header], None).is_some());
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for vlan in [None, Some(1), Some(4094)] {
            let mut frame = [0; 60];
            emit(&mut frame, TO, FROM, ARP, vlan);
            let head = Head {
                destination: &TO,
                source: &FROM,
                ethertype: ARP,
                len: header_len(vlan),
            };
            assert_eq!(parse(&frame, vlan), Some(head));
        }
    }
}
