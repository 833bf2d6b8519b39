//! A session as futures, over any runtime.

use crate::config::{SessionConfig, SessionStatistics};
use crate::error::SessionResult;
use crate::retry::Attempts;
use caliptra_util_host_command_types::{Command, MAX_RESPONSE_SIZE, Writer};
use caliptra_util_host_transport::aio::AsyncTransport;
use core::fmt;

/// A session with a device over an [`AsyncTransport`]. Retries and statistics are those of
/// [`CaliptraSession`](crate::CaliptraSession).
///
/// A future that is dropped before it is done counts as sent and neither as succeeded nor as failed.
pub struct AsyncSession<T> {
    /// The session's settings.
    pub config: SessionConfig,
    /// What the session did.
    pub stats: SessionStatistics,
    transport: T,
    request: [u8; MAX_RESPONSE_SIZE],
    answer: [u8; MAX_RESPONSE_SIZE],
}

impl<T> fmt::Debug for AsyncSession<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncSession")
            .field("config", &self.config)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl<T: AsyncTransport> AsyncSession<T> {
    /// A session over `transport`.
    pub fn new(transport: T, config: SessionConfig) -> Self {
        Self {
            config,
            stats: SessionStatistics::default(),
            transport,
            request: [0; MAX_RESPONSE_SIZE],
            answer: [0; MAX_RESPONSE_SIZE],
        }
    }

    /// Executes a command. The answer may borrow from the session's buffer.
    ///
    /// # Errors
    /// As for [`CaliptraSession::execute`](crate::CaliptraSession::execute).
    pub async fn execute<C: Command>(&mut self, command: &C) -> SessionResult<C::Response<'_>> {
        let result = self.attempts(command).await;
        let result = match result {
            Ok(len) => {
                self.stats.bytes_received = self.stats.bytes_received.saturating_add(len as u64);
                command
                    .decode(self.answer.get(..len).unwrap_or_default())
                    .map_err(Into::into)
            }
            Err(error) => Err(error),
        };
        let stats = &mut self.stats;
        match result {
            Ok(_) => {
                stats.commands_succeeded = stats.commands_succeeded.saturating_add(1);
                stats.last_error_count = 0;
            }
            Err(_) => {
                stats.commands_failed = stats.commands_failed.saturating_add(1);
                stats.last_error_count = stats.last_error_count.saturating_add(1);
            }
        }
        result
    }

    async fn attempts<C: Command>(&mut self, command: &C) -> SessionResult<usize> {
        let mut writer = Writer::new(&mut self.request);
        command.encode(&mut writer)?;
        let len = writer.len();
        let mut attempts = Attempts::new(command.is_idempotent(), self.config.max_retries);
        loop {
            self.stats.commands_sent = self.stats.commands_sent.saturating_add(1);
            self.stats.bytes_sent = self.stats.bytes_sent.saturating_add(len as u64);
            let request = self.request.get(..len).unwrap_or_default();
            let timeout = self.config.command_timeout_ms;
            let done = self
                .transport
                .exchange(C::ID as u32, request, &mut self.answer, timeout)
                .await;
            match done {
                Ok(len) => return Ok(len),
                Err(error) => {
                    let wait = attempts.failed(error)?;
                    self.transport.pause(wait).await;
                }
            }
        }
    }
}
