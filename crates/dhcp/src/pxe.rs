//! The boot services that a PXE server lists in option 43 (PXE 2.1, section 2.4.3 and table 2-1).
//!
//! Where a network has a PXE menu, the offer has no boot file. It has a list of services and of the servers that have them. A client
//! picks a service, and asks one of its servers on port 4011 for it; the answer has the boot file. Nobody sits before a board that
//! recovers, so it picks the first service of the menu.

use crate::options::code;
use crate::packet::Packet;
use core::net::Ipv4Addr;
use netboot_core::net::is_host;

/// `PXE_BOOT_SERVERS`: for each type of service its servers.
const BOOT_SERVERS: u8 = 8;
/// `PXE_BOOT_MENU`: the types of service, in the order of the menu.
const BOOT_MENU: u8 = 9;
/// `PXE_BOOT_ITEM`: the service that a request asks for, or an answer is about.
const BOOT_ITEM: u8 = 71;
/// Octets of a list that are looked at.
const LIST_MAX: usize = 512;
/// The end of the list.
const END: u8 = 255;
/// The type of the menu's entry that boots from the disk of the machine.
const LOCAL: u16 = 0;

/// A boot service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Type of the service.
    pub kind: u16,
    /// The server that has it; `None` where the list names none, and the PXE server itself is to be asked.
    pub server: Option<Ipv4Addr>,
}

/// What a message says of boot services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Menu {
    /// The first service of the menu, but for the local disk. Without a menu it is the first one that has servers. `None` where there is nothing
    /// but the disk.
    pub first: Option<Service>,
}

impl Menu {
    /// The menu in a message; `None` in a message without one.
    #[inline(never)]
    pub fn of(packet: &Packet<'_>) -> Option<Self> {
        let mut buf = [0; LIST_MAX];
        let (list, _) = packet.options.join(code::VENDOR_SPECIFIC, &mut buf)?;
        let mut kind = None;
        let mut menu = item(list, BOOT_MENU);
        while let (None, [high, low, len, rest @ ..]) = (kind, menu) {
            kind = Some(u16::from_be_bytes([*high, *low])).filter(|found| *found != LOCAL);
            menu = rest.get(usize::from(*len)..).unwrap_or_default();
        }
        let mut server = None;
        let mut servers = item(list, BOOT_SERVERS);
        if servers.is_empty() && item(list, BOOT_MENU).is_empty() {
            return None;
        }
        while let (None, [high, low, count, rest @ ..]) = (server, servers) {
            let found = u16::from_be_bytes([*high, *low]);
            let octets = usize::from(*count) * 4;
            let (addresses, rest) = rest.split_at_checked(octets).unwrap_or((rest, &[]));
            if let [a, b, c, d, ..] = *addresses
                && *kind.get_or_insert(found) == found
            {
                server = Some(Ipv4Addr::new(a, b, c, d)).filter(|server| is_host(*server));
            }
            servers = rest;
        }
        let first = kind.map(|kind| Service { kind, server });
        Some(Self { first })
    }
}

impl Service {
    /// The data of option 43 in a request for this type of service: the type and layer 0, which is the boot file itself.
    pub fn item(kind: u16) -> [u8; 7] {
        let [high, low] = kind.to_be_bytes();
        [BOOT_ITEM, 4, high, low, 0, 0, END]
    }
}

/// What the first item `tag` of a list says; nothing when there is none.
fn item(mut list: &[u8], tag: u8) -> &[u8] {
    loop {
        match *list {
            [0, ref rest @ ..] => list = rest,
            [] | [END, ..] | [_] => return &[],
            [found, len, ref rest @ ..] => {
                let len = usize::from(len);
                if found == tag {
                    return rest.get(..len).unwrap_or(rest);
                }
                list = rest.get(len..).unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{REPLY, message};
    use crate::packet::MessageType;
    use proptest::prelude::*;

    fn first(pieces: &[&[u8]]) -> Option<Service> {
        let pieces = pieces.iter().map(|piece| (code::VENDOR_SPECIFIC, *piece));
        let wire = message(&REPLY, MessageType::Offer, &pieces.collect::<Vec<_>>());
        Menu::of(&Packet::parse(&wire).unwrap())?.first
    }

    fn service(kind: u16, server: Option<[u8; 4]>) -> Option<Service> {
        Some(Service {
            kind,
            server: server.map(Into::into),
        })
    }

    /// Two services on three servers, behind the local disk in the menu; a prompt, and discovery by unicast alone.
    const MENU: &[u8] = b"\x06\x01\x07\
        \x08\x13\x80\x01\x02\x0a\x00\x02\x07\x0a\x00\x02\x08\x80\x00\x01\x0a\x00\x02\x09\x00\x01\x00\
        \x09\x12\x00\x00\x04disk\x80\x00\x01a\x80\x01\x01b\
        \x0a\x05\x00Boot\xff";

    #[test]
    fn the_first_of_the_menu() {
        assert_eq!(first(&[MENU]), service(0x8000, Some([10, 0, 2, 9])));
        // The octets of one option, cut anywhere.
        for at in 0..=MENU.len() {
            let (one, two) = MENU.split_at(at);
            assert_eq!(first(&[one, two]), first(&[MENU]), "{at}");
        }
    }

    #[test]
    fn what_is_missing() {
        assert_eq!(first(&[]), None);
        assert_eq!(first(&[b"\x06\x01\x08\xff"]), None);
        // A menu without servers, and servers without a menu.
        assert_eq!(
            first(&[b"\x09\x04\x80\x05\x01x\xff"]),
            service(0x8005, None)
        );
        let servers = b"\x08\x07\x00\x0f\x01\x0a\x00\x02\x07\xff";
        assert_eq!(first(&[servers]), service(15, Some([10, 0, 2, 7])));
        // No server of the service that is picked, and one without an address of a host.
        let other = b"\x08\x07\x00\x0f\x01\x0a\x00\x02\x07\x09\x03\x00\x02\x00";
        assert_eq!(first(&[other]), service(2, None));
        let nobody = b"\x08\x07\x00\x02\x01\x00\x00\x00\x00\x09\x03\x00\x02\x00";
        assert_eq!(first(&[nobody]), service(2, None));
    }

    #[test]
    fn a_menu_with_nothing_but_the_disk_is_a_menu() {
        let menu = |list: &[u8]| {
            let wire = message(&REPLY, MessageType::Offer, &[(code::VENDOR_SPECIFIC, list)]);
            Menu::of(&Packet::parse(&wire).unwrap())
        };
        let disk: &[u8] = b"\x09\x03\x00\x00\x00\xff";
        assert_eq!(menu(disk), Some(Menu { first: None }));
        // Option 43 may be about anything else.
        for other in [&b"\x06\x01\x08\xff"[..], b"\x09\x00\xff", b"\xff", b""] {
            assert_eq!(menu(other), None, "{other:?}");
        }
    }

    #[test]
    fn what_is_behind_the_end_or_cut_short() {
        assert_eq!(first(&[b"\xff\x09\x03\x00\x02\x00"]), None);
        assert_eq!(first(&[b"\x00\x00\x09\x03\x00\x02\x00"]), service(2, None));
        for len in 0..MENU.len() {
            if let Some(found) = first(&[&MENU[..len]]) {
                assert!([0x8000, 0x8001].contains(&found.kind), "{len}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_octets(data in proptest::collection::vec(any::<u8>(), 0..255)) {
            if let Some(found) = first(&[&data]) {
                prop_assert!(found.server.is_none_or(is_host));
            }
        }
    }
}
