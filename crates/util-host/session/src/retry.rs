//! When a command is sent again, and how long the session waits before.

use crate::error::SessionError;
use caliptra_util_host_transport::TransportError;

/// The first wait between two attempts.
const FIRST_WAIT_MS: u32 = 20;
/// The longest wait between two attempts.
const LONGEST_WAIT_MS: u32 = 1_000;

/// The attempts at one command.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    idempotent: bool,
    max_retries: u8,
    /// Attempts that failed.
    failed: u32,
}

impl Attempts {
    /// No attempt yet.
    pub const fn new(idempotent: bool, max_retries: u8) -> Self {
        Self {
            idempotent,
            max_retries,
            failed: 0,
        }
    }

    /// Notes a failure. Gives the time to wait before the next attempt, or the error that ends the command.
    ///
    /// # Errors
    /// When the command may not be sent again, or was sent as often as the settings allow.
    pub fn failed(&mut self, error: TransportError) -> Result<u32, SessionError> {
        self.failed = self.failed.saturating_add(1);
        let again = error.is_before_execution() || (self.idempotent && error.is_transient());
        if !again {
            return Err(SessionError::TransportError(error));
        }
        if self.failed > u32::from(self.max_retries) {
            return Err(match self.failed {
                1 => SessionError::TransportError(error),
                attempts => SessionError::MaxRetriesExceeded {
                    attempts,
                    last: error,
                },
            });
        }
        let doublings = self.failed.saturating_sub(1).min(16);
        Ok((FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caliptra_util_host_command_types::{CommandError, CompletionCode};
    use caliptra_util_host_transport::DeviceFailure;

    #[test]
    fn waits_double_up_to_a_second_and_end() {
        let mut attempts = Attempts::new(false, 8);
        let waits: Vec<_> = (0..8)
            .map(|_| attempts.failed(TransportError::Busy).unwrap())
            .collect();
        assert_eq!(waits, [20, 40, 80, 160, 320, 640, 1000, 1000]);
        assert_eq!(
            attempts.failed(TransportError::Busy),
            Err(SessionError::MaxRetriesExceeded {
                attempts: 9,
                last: TransportError::Busy
            })
        );
    }

    #[test]
    fn a_command_whose_fate_is_unknown_is_repeated_only_if_that_is_harmless() {
        let damaged = CommandError::ChecksumMismatch {
            expected: 1,
            found: 2,
        };
        for error in [
            TransportError::Timeout,
            TransportError::Command(damaged),
            TransportError::SendFailed(None),
            TransportError::InvalidMessage,
        ] {
            assert!(Attempts::new(true, 1).failed(error).is_ok());
            assert_eq!(
                Attempts::new(false, 1).failed(error),
                Err(SessionError::TransportError(error))
            );
        }
        let busy = DeviceFailure::Completion(CompletionCode::MAILBOX_BUSY);
        assert!(
            Attempts::new(false, 1)
                .failed(TransportError::Device(busy))
                .is_ok()
        );
        let refused = DeviceFailure::Completion(CompletionCode::INVALID_PARAMETER);
        assert!(
            Attempts::new(true, 1)
                .failed(TransportError::Device(refused))
                .is_err()
        );
        assert!(
            Attempts::new(true, 1)
                .failed(TransportError::NotSupported(""))
                .is_err()
        );
    }
}
