//! What a report says of each error: its culprit, its facts, and whether another try may help.

use crate::error::{HttpError, samples};
use netboot_core::{Blame, Coded};

fn status(status: u16) -> HttpError {
    HttpError::Status {
        status,
        retry_after: None,
    }
}

#[test]
fn culprits_by_number() {
    // Numbers 1 to 31, in order.
    let expected = "CCCPCPPPPPPPPPPSPPNPNSSSSSSSSSC";
    for error in samples() {
        let number = (error.code() & 0xffff) as usize;
        let blame = match expected.as_bytes()[number - 1] {
            b'C' => Blame::Caller,
            b'N' => Blame::Network,
            b'S' => Blame::Server,
            _ => Blame::Peer,
        };
        assert_eq!(error.blame(), blame, "{error:?}");
    }
    for wrong in [401, 403, 404, 410] {
        assert_eq!(status(wrong).blame(), Blame::Configuration, "{wrong}");
    }
    for other in [400, 402, 405, 409, 411, 500, 503] {
        assert_eq!(status(other).blame(), Blame::Server, "{other}");
    }
}

/// RFC 9110 sections 15.5.9 and 15.6, RFC 8470 section 5.2, RFC 6585 section 4.
#[test]
fn what_may_succeed_later() {
    for later in [408, 425, 429, 500, 502, 503, 504] {
        assert!(status(later).is_transient(), "{later}");
    }
    for never in [400, 401, 403, 404, 410, 416, 501, 505] {
        assert!(!status(never).is_transient(), "{never}");
    }
    for error in samples() {
        let transient = matches!(
            error,
            HttpError::Truncated { .. } | HttpError::Closed | HttpError::Status { .. }
        );
        assert_eq!(error.is_transient(), transient, "{error:?}");
    }
}

#[test]
fn the_status_is_a_fact() {
    for error in samples() {
        let mut facts = String::new();
        error.facts(&mut facts);
        let expected = match error {
            HttpError::Status { .. } => " status=503",
            _ => "",
        };
        assert_eq!(facts, expected, "{error:?}");
    }
}

#[test]
fn what_a_status_means() {
    for (code, meaning) in [
        (400, ""),
        (401, " (user name or password needed)"),
        (403, " (forbidden)"),
        (404, " (no such file)"),
        (410, " (gone)"),
        (429, " (too many requests)"),
        (500, ""),
        (503, " (unavailable)"),
    ] {
        let expected = format!("HTTP server answered with status {code}{meaning}");
        assert_eq!(status(code).to_string(), expected);
    }
}
