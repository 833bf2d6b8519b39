//! Layouts at the edges of their lengths.

use crate::command::Command;
use crate::layout::{DeviceId, DeviceStatus, Layout, LayoutError};
use netboot_core::{Blame, Coded};

/// The longest DEVICE_ID has 255 octets, 24 of them fixed, and the announced length is the one that is there.
#[test]
fn the_longest_vendor_string() {
    for (vendor, whole) in [(230, true), (231, true), (232, false), (255, false)] {
        let mut octets = vec![0; 24 + vendor];
        octets[1] = vendor as u8;
        let parsed = DeviceId::parse(&octets);
        if whole {
            let (fixed, rest) = parsed.unwrap();
            assert_eq!((fixed.vendor_len(), rest.len()), (vendor as u8, vendor));
            // A buffer of just the length, and one octet less.
            let mut out = vec![1; octets.len()];
            assert_eq!(fixed.emit(rest, &mut out), Ok(octets.len()));
            assert_eq!(out, octets);
            out.pop();
            let short = LayoutError::Length {
                command: Command::DeviceId,
                given: octets.len() - 1,
            };
            assert_eq!(fixed.emit(rest, &mut out), Err(short));
            assert!(fixed.emit(rest, &mut out[..23]).is_err());
        } else {
            let given = octets.len();
            let command = Command::DeviceId;
            assert_eq!(parsed, Err(LayoutError::Length { command, given }));
        }
    }
}

#[test]
fn errors_have_numbers_culprits_and_sentences() {
    let octets = [0; 9];
    let vendor = DeviceStatus::parse(&octets).unwrap_err();
    assert_eq!(
        vendor,
        LayoutError::VendorLength {
            command: Command::DeviceStatus,
            announced: 0,
            given: 2,
        }
    );
    assert_eq!(
        vendor.to_string(),
        "command 36 announces 0 vendor octets and has 2"
    );
    let length = DeviceStatus::parse(&octets[..6]).unwrap_err();
    assert_eq!(length.to_string(), "6 octets do not fit command 36");
    assert_eq!((length.code(), vendor.code()), (0x0006_0040, 0x0006_0041));
    assert_eq!((length.blame(), vendor.blame()), (Blame::Peer, Blame::Peer));
}
