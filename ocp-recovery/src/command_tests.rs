//! Commands as OCP Secure Firmware Recovery 1.1 has them, and the registers that stand for them in the I3C core.

use crate::command::{Command, RegisterOctets, Scope, pec};

#[test]
fn lengths_directions_and_scopes() {
    use Command::*;
    let table = [
        (ProtCap, (15, 15), false, Scope::Always),
        (DeviceId, (24, 255), false, Scope::Always),
        (DeviceStatus, (7, 255), false, Scope::Always),
        (DeviceReset, (3, 3), true, Scope::Always),
        (RecoveryCtrl, (3, 3), true, Scope::Always),
        (RecoveryStatus, (2, 2), false, Scope::Recovery),
        (HwStatus, (4, 255), false, Scope::Recovery),
        (IndirectCtrl, (6, 6), true, Scope::Recovery),
        (IndirectStatus, (6, 6), false, Scope::Recovery),
        (IndirectData, (1, 252), true, Scope::Recovery),
        (Vendor, (1, 255), true, Scope::Recovery),
        (IndirectFifoCtrl, (6, 6), true, Scope::Recovery),
        (IndirectFifoStatus, (20, 20), false, Scope::Recovery),
        (IndirectFifoData, (1, 4095), true, Scope::Recovery),
    ];
    for ((command, lengths, writable, scope), listed) in table.into_iter().zip(Command::ALL) {
        assert_eq!(command, listed);
        assert_eq!(command.lengths(), lengths, "{command:?}");
        assert_eq!(command.is_writable(), writable, "{command:?}");
        assert_eq!(command.scope(), scope, "{command:?}");
    }
}

/// Each register of the recovery interface, from its header at 0x00 to the FIFO at 0x68: the first octet and how many.
#[test]
fn the_octets_of_each_register() {
    use Command::*;
    let expected = [
        None,
        Some((ProtCap, 0, 4)),
        Some((ProtCap, 4, 4)),
        Some((ProtCap, 8, 4)),
        Some((ProtCap, 12, 3)),
        Some((DeviceId, 0, 4)),
        Some((DeviceId, 4, 4)),
        Some((DeviceId, 8, 4)),
        Some((DeviceId, 12, 4)),
        Some((DeviceId, 16, 4)),
        Some((DeviceId, 20, 4)),
        None,
        Some((DeviceStatus, 0, 4)),
        Some((DeviceStatus, 4, 3)),
        Some((DeviceReset, 0, 3)),
        Some((RecoveryCtrl, 0, 3)),
        Some((RecoveryStatus, 0, 2)),
        Some((HwStatus, 0, 4)),
        Some((IndirectFifoCtrl, 0, 2)),
        Some((IndirectFifoCtrl, 2, 4)),
        Some((IndirectFifoStatus, 0, 4)),
        Some((IndirectFifoStatus, 4, 4)),
        Some((IndirectFifoStatus, 8, 4)),
        Some((IndirectFifoStatus, 12, 4)),
        Some((IndirectFifoStatus, 16, 4)),
        None,
        None,
    ];
    for (number, expected) in (0..).zip(expected) {
        let expected = expected.map(|(command, first, len)| RegisterOctets {
            command,
            first,
            len,
        });
        assert_eq!(Command::of_register(4 * number), expected, "{number:#x}");
        assert_eq!(Command::of_register(4 * number + 1), None);
    }
}

/// CRC-8 of each single octet: the remainder of the octet times x^8 by x^8 + x^2 + x + 1, by long division.
#[test]
fn the_error_code_of_each_octet() {
    for octet in 0..=u8::MAX {
        let mut rest = u16::from(octet) << 8;
        for bit in (8..16).rev() {
            if rest & (1 << bit) != 0 {
                rest ^= 0x107 << (bit - 8);
            }
        }
        assert_eq!(u16::from(pec(0, &[octet])), rest);
        assert_eq!(pec(octet, &[0]), pec(0, &[octet]));
        assert_eq!(pec(octet, &[]), octet);
    }
}
