//! Records and the buffer for them.

use crate::{boot, https, nothing_was_activated, plan_with, says};
use netboot_core::Coded;
use netboot_tls::TlsError;
use netboot_tls::channel::{LARGE_RECORDS, SMALL_RECORDS};

#[test]
fn records_of_4096_fit_the_small_profile() {
    for limit in [512, 1_000, 4_096] {
        let plan = plan_with(|https| {
            (https.records, https.max_fragment) = (SMALL_RECORDS, Some(limit));
        });
        let ended = boot(&plan, |_| {});
        ended.assert_booted(&plan);
        assert_eq!(ended.tls.len(), 1, "{limit}");
    }
}

#[test]
fn larger_records_are_named() {
    // rustls heeds neither of the extensions that ask for less.
    let plan = plan_with(|https| (https.records, https.max_fragment) = (SMALL_RECORDS, None));
    let ended = boot(&plan, |_| {});
    let error = TlsError::RecordTooLarge;
    ended.assert_failed(&plan, error.code(), error.blame());
    says(&ended, "ssl_buffer_size");
    nothing_was_activated(&ended);
    let plan = plan_with(|https| (https.records, https.max_fragment) = (LARGE_RECORDS, None));
    boot(&plan, |_| {}).assert_booted(&plan);
}

/// A certificate message in many records, and tickets behind the handshake.
#[test]
fn a_handshake_in_small_records() {
    for (limit, tickets) in [(64, 0), (100, 2), (300, 8)] {
        let plan = plan_with(|https| https.max_fragment = Some(limit));
        let ended = boot(&plan, |server| https(server).tickets = tickets);
        ended.assert_booted(&plan);
        assert_eq!(ended.handshakes(), 1, "{limit}");
    }
}
