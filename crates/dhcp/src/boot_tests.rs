//! Where to boot from, at the edges of what is kept.

use crate::boot;
use crate::model::{REPLY, ip, message};
use crate::options::code;
use crate::packet::{Header, MessageType, Packet};
use netboot_core::boot::{BootInfo, BootOrigin, FILE_MAX};

/// Reads the boot information of an offer from 192.168.7.1 with these options.
fn read(options: &[(u8, &[u8])]) -> BootInfo {
    let header = Header {
        yiaddr: ip(50),
        siaddr: ip(9),
        ..REPLY
    };
    let wire = message(&header, MessageType::Offer, options);
    let packet = Packet::parse(&wire).unwrap();
    boot::parse(&packet, ip(1), BootOrigin::Proxy)
}

/// The boot information of an offer whose file name comes in instances of at most 255 octets (RFC 3396).
fn named(name: &[u8]) -> BootInfo {
    let parts: Vec<_> = name
        .chunks(255)
        .map(|part| (code::BOOT_FILE, part))
        .collect();
    read(&parts)
}

#[test]
fn a_message_is_read_whole() {
    let boot = read(&[
        (code::TFTP_SERVER, b"tftp.example"),
        (code::BOOT_FILE, b"a.img"),
        (code::TFTP_SERVERS, &[192, 168, 7, 3]),
        (code::SZTP_REDIRECT, b"\0\x03x:y"),
    ]);
    assert_eq!(boot.server_name, "tftp.example");
    assert_eq!(boot.file, "a.img");
    assert_eq!(boot.tftp_servers, [ip(3)]);
    assert_eq!(boot.next_server, Some(ip(9).into()));
    assert_eq!(boot.server, Some(ip(1).into()), "no option 54: the sender");
    assert_eq!(boot.origin, BootOrigin::Proxy);
    assert!(boot.has_bootstrap_servers && !boot.oversize && !boot.damaged);
}

/// A NUL behind the longest name does no harm. A longer name is told as such, wherever it is cut.
#[test]
fn the_longest_name() {
    let longest = "x".repeat(FILE_MAX);
    let ended = [longest.as_bytes(), b"\0"].concat();
    for name in [longest.as_bytes(), &ended] {
        let boot = named(name);
        assert_eq!(boot.file, longest.as_str());
        assert!(!boot.oversize && !boot.damaged);
    }
    // A letter of two octets stands at each place around the end of what is read.
    for before in FILE_MAX - 2..=FILE_MAX + 2 {
        let name = format!("{}éé", "x".repeat(before));
        let boot = named(name.as_bytes());
        assert_eq!(boot.file, "");
        assert_eq!((boot.oversize, boot.damaged), (true, false), "{before}");
    }
}
