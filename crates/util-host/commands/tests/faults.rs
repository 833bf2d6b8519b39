//! What goes wrong, and what has no code: each is told by its name.

mod common;

use caliptra_util_host_commands::api::*;
use caliptra_util_host_commands::types::{
    CaliptraCommandId, CommandError, SignatureAlgorithm, checksum,
};
use caliptra_util_host_commands::{CaliptraApiError, CaliptraResult};
use caliptra_util_host_session::{CaliptraSession, SessionError};
use caliptra_util_host_transport::{DeviceFailure, TransportError};
use common::{failing, with};
use util_device::{Device, DeviceConfig, Fault};

#[test]
fn what_the_contract_gives_no_code_is_not_supported_and_not_sent() {
    with(|session| {
        let mut out = [0; 64];
        let all: [CaliptraResult<usize>; 9] = [
            caliptra_cmd_debug_echo(session, b"x", &mut out),
            caliptra_cmd_debug_get_status(session).map(|_| 0),
            caliptra_cmd_get_idevid_cert(session, &mut out),
            caliptra_cmd_get_ldevid_cert(session, &mut out),
            caliptra_cmd_get_fmc_alias_cert(session, &mut out),
            caliptra_cmd_get_rt_alias_cert(session, &mut out),
            caliptra_cmd_get_cert_chain(session, 0, &mut out),
            caliptra_cmd_store_certificate(session, 0, b"der").map(|()| 0),
            caliptra_cmd_export_idevid_csr(session, SignatureAlgorithm::EccP384, &mut out),
        ];
        assert!(
            all.iter()
                .all(|result| *result == Err(CaliptraApiError::NotSupported))
        );
        assert_eq!(
            (session.stats.commands_sent, session.stats.commands_failed),
            (0, 9)
        );
    });
}

#[test]
fn commands_of_ownership_transfer_go_raw() {
    with(|session| {
        let mut out = [0; 32];
        let status = CaliptraCommandId::DotStatus as u32;
        assert_eq!(caliptra_cmd_raw(session, status, &[], &mut out), Ok(12));
        let lock = CaliptraCommandId::DotLock as u32;
        assert!(caliptra_cmd_raw(session, lock, &[], &mut out).is_err());
    });
}

#[test]
fn every_fault_is_told_by_its_name() {
    let ask = |session: &mut CaliptraSession<'_>| caliptra_cmd_get_device_id(session);
    // Faults that pass are outlived.
    for fault in [Fault::WrongChecksum, Fault::Silent, Fault::Late(u32::MAX)] {
        failing(&[fault], |session| {
            assert!(ask(session).is_ok(), "{fault:?}");
            assert_eq!(
                (
                    session.stats.commands_sent,
                    session.stats.commands_succeeded
                ),
                (2, 1)
            );
        });
    }
    failing(&[Fault::WrongChecksum; 4], |session| {
        let Err(CaliptraApiError::SessionError(SessionError::MaxRetriesExceeded {
            attempts: 4,
            last,
        })) = ask(session)
        else {
            panic!("a damaged answer was taken");
        };
        assert!(matches!(
            last,
            TransportError::Command(CommandError::ChecksumMismatch { .. })
        ));
    });
    failing(&[Fault::Completion(5)], |session| {
        let refused = caliptra_cmd_key_status(session);
        let failure = TransportError::Device(DeviceFailure::Mailbox { status: 3 });
        assert_eq!(refused, Err(CaliptraApiError::SessionError(failure.into())));
    });
    for fault in [Fault::Truncated(9), Fault::TooLong(4)] {
        failing(&[fault], |session| {
            let Err(CaliptraApiError::SessionError(SessionError::SerializationError(error))) =
                ask(session)
            else {
                panic!("{fault:?}");
            };
            assert!(matches!(
                error,
                CommandError::InvalidResponseLength { .. } | CommandError::ResponseTooLong { .. }
            ));
        });
    }
    failing(&[Fault::NotApproved], |session| {
        let fips = CommandError::Fips { status: 0x77 };
        assert_eq!(
            ask(session),
            Err(CaliptraApiError::SessionError(
                SessionError::SerializationError(fips)
            ))
        );
    });
}

#[test]
fn the_library_and_the_device_agree_on_the_checksum() {
    let mut device = Device::new(DeviceConfig::default());
    let mut answer = [0; 64];
    for (sum, right) in [
        (checksum(0x4D43_4C47, &[]), true),
        (checksum(0x4D43_4C47, &[]) ^ 1, false),
    ] {
        let done = device.mailbox(0x4D43_4C47, &sum.to_le_bytes(), &mut answer);
        assert_eq!(done.is_ok(), right);
    }
}
