//! Hexadecimal, and hints.

use anyhow::{Result, bail};
use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_session::SessionError;
use caliptra_util_host_transport::TransportError;

/// Octets as hexadecimal digits.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Hexadecimal digits as octets.
pub fn unhex(text: &str) -> Result<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        bail!("'{text}' is not a whole number of octets in hexadecimal");
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = text.get(at..at + 2).unwrap_or_default();
            u8::from_str_radix(pair, 16).map_err(|_| anyhow::anyhow!("'{pair}' is not hexadecimal"))
        })
        .collect()
}

/// What a person can do about an error.
pub fn hint(error: &anyhow::Error) -> Option<&'static str> {
    let api = error.downcast_ref::<CaliptraApiError>()?;
    let transport = match api {
        CaliptraApiError::NotSupported => {
            return Some(
                "'caliptra-util caps' tells what the device has; the mailbox has more commands than MCTP",
            );
        }
        CaliptraApiError::SessionError(SessionError::TransportError(error))
        | CaliptraApiError::SessionError(SessionError::MaxRetriesExceeded {
            last: error, ..
        }) => error,
        _ => return None,
    };
    match transport {
        TransportError::Timeout => {
            Some("is the device up, and is the address right? --timeout gives it more time")
        }
        TransportError::IoError(_) | TransportError::ConnectionFailed(_) => {
            Some("does the server listen there? a kernel without MCTP refuses mctp+linux")
        }
        TransportError::Busy => Some("another program uses the mailbox; --retries waits longer"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_there_and_back() {
        assert_eq!(unhex("00ff7E").unwrap(), [0, 0xFF, 0x7E]);
        assert_eq!(hex(&[0, 0xFF, 0x7E]), "00ff7e");
        for bad in ["0", "0g", "ää"] {
            assert!(unhex(bad).is_err(), "{bad}");
        }
    }
}
