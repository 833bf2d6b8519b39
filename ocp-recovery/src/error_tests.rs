//! What a report says of each error: its stable number, its culprit and its facts.

use crate::error::{RecoveryError, samples};
use netboot_core::{Blame, Coded};

fn facts(error: RecoveryError) -> String {
    let mut text = String::new();
    error.facts(&mut text);
    text
}

/// The samples have the numbers 1 to 37, in order.
#[test]
fn culprits_by_number() {
    for (number, error) in (1..).zip(samples()) {
        let expected = match number {
            12 | 14 | 15 | 17..=20 => Blame::Caller,
            16 => Blame::Configuration,
            // Its reason is that of a wrong file.
            21 => Blame::Server,
            _ => Blame::Device,
        };
        assert_eq!(error.code(), 0x0006_0000 | number);
        assert_eq!(error.blame(), expected, "{error:?}");
    }
}

#[test]
fn facts_by_number() {
    for (number, error) in (1..).zip(samples()) {
        let expected = match number {
            16 => " octets=0",
            21 => " image=0 reason=0x00000085 device_status=0x0000000e recovery_status=0x0000000d",
            22 => " image=0 device_status=0x00000000 recovery_status=0x00000000",
            29..=32 => " command=36",
            33 => " command=39 octets=3",
            34 => " command=45 protocol_error=2",
            35 => " command=38",
            36 => " sent=63 taken=7",
            37 => " command=34",
            23..=27 => " device_status=0x00000003 recovery_status=0x00000011",
            _ => "",
        };
        assert_eq!(facts(error), expected, "{error:?}");
    }
    let without_a_reason = RecoveryError::DeviceRefused {
        index: 2,
        device_status: 0x0E,
        recovery_status: 0x2C,
        reason: None,
    };
    assert_eq!(
        facts(without_a_reason),
        " image=2 device_status=0x0000000e recovery_status=0x0000002c"
    );
    assert_eq!(
        without_a_reason.to_string(),
        "the device refused image 2 (no reason given) (device status 0xe, recovery status 0x2c)"
    );
}
