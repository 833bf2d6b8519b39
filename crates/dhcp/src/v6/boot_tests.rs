//! Where to boot from, at the edges of what is kept.

use super::boot::{self, BootParams, PARAMETERS_MAX};
use super::model::{ip, message};
use super::options::code;
use super::packet::{MessageType, Packet};
use netboot_core::boot::{BootInfo, BootOrigin, FILE_MAX};

/// Reads the boot information of a Reply with these options, over what is held from an earlier one.
fn read(wire: &[u8]) -> (BootInfo, BootParams) {
    let earlier = message(
        MessageType::Reply,
        1,
        &[(59, b"old"), (60, b"\0\x03old"), (136, b"old")],
    );
    let (mut boot, mut parameters) = (BootInfo::default(), BootParams::default());
    for wire in [&earlier, wire] {
        let options = Packet::parse(wire).unwrap().options;
        boot::read(&mut boot, &mut parameters, &options, ip(1));
        assert_eq!(boot::is_known_in(&options), boot.is_known());
    }
    (boot, parameters)
}

fn reply(options: &[(u16, &[u8])]) -> Vec<u8> {
    message(MessageType::Reply, 1, options)
}

#[test]
fn a_message_is_read_whole() {
    let url = "tftp://[fd00::1]/é.img";
    let (boot, parameters) = read(&reply(&[
        (code::BOOT_FILE_PARAMETERS, b"\0\x02a \0\0\0\x02\xc3\xa9"),
        (code::BOOT_FILE_URL, url.as_bytes()),
    ]));
    assert_eq!(boot.file, url);
    assert_eq!(
        (boot.server, boot.origin),
        (Some(ip(1).into()), BootOrigin::Dhcp)
    );
    assert!(!boot.oversize && !boot.damaged && !boot.has_bootstrap_servers);
    assert_eq!(parameters.iter().collect::<Vec<_>>(), ["a ", "", "é"]);
    let (boot, parameters) = read(&reply(&[(136, b"\0\x01x")]));
    assert!(boot.has_bootstrap_servers && boot.file.is_empty());
    assert_eq!(parameters.iter().count(), 0);
    assert!(!read(&reply(&[(136, b""), (59, b"")])).0.is_known());
}

#[test]
fn the_longest_url() {
    for (len, oversize) in [(FILE_MAX, false), (FILE_MAX + 1, true), (2_000, true)] {
        let url = "x".repeat(len);
        let (boot, _) = read(&reply(&[(59, url.as_bytes())]));
        assert_eq!((boot.oversize, boot.damaged), (oversize, false));
        assert_eq!(boot.file, if oversize { "" } else { &url });
    }
}

#[test]
fn urls_that_are_no_text() {
    for url in [&b"a\0"[..], b"a\0b", b"\0", b"a\nb", b"\xff", b"a\x7f"] {
        let (boot, _) = read(&reply(&[(59, url)]));
        assert_eq!((boot.file.as_str(), boot.damaged), ("", true), "{url:?}");
    }
}

#[test]
fn parameters_that_do_not_fit_or_are_damaged() {
    let longest = [&[0, 126][..], &[b'x'; 126]].concat();
    assert_eq!(longest.len(), PARAMETERS_MAX);
    let (boot, parameters) = read(&reply(&[(60, &longest)]));
    assert!(!boot.oversize && !boot.damaged);
    assert_eq!(parameters.iter().next().unwrap().len(), 126);
    let longer = [&[0, 127][..], &[b'x'; 127]].concat();
    let (boot, parameters) = read(&reply(&[(60, &longer)]));
    assert_eq!((boot.oversize, boot.damaged), (true, false));
    assert_eq!(parameters.iter().count(), 0);
    for data in [
        &b"\0"[..],
        b"\0\x02a",
        b"\0\x01a\0",
        b"\0\x01\0",
        b"\0\x01\xff",
    ] {
        let (boot, parameters) = read(&reply(&[(59, b"f"), (60, data)]));
        assert_eq!((boot.oversize, boot.damaged), (false, true), "{data:?}");
        assert_eq!((boot.file.as_str(), parameters.iter().count()), ("f", 0));
    }
}

/// The last option of a message that is cut short.
#[test]
fn boot_options_that_are_cut() {
    for (code, damaged) in [(59, true), (60, true), (23, false)] {
        let whole = reply(&[(code, b"\0\x01a")]);
        for len in 8..whole.len() {
            let (boot, _) = read(&whole[..len]);
            assert_eq!(
                (boot.damaged, boot.file.as_str()),
                (damaged, ""),
                "{code} {len}"
            );
        }
    }
}
