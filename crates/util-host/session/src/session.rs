//! The session.

use crate::config::{SessionConfig, SessionInfo, SessionState, SessionStatistics};
use crate::error::{SessionError, SessionResult};
use crate::retry::Attempts;
use caliptra_util_host_command_types::zerocopy_traits::{FromBytes, Immutable, IntoBytes};
use caliptra_util_host_command_types::{
    CaliptraCommandId, Command, CommandError, CommandRequest, CommandResponse,
    GetDeviceCapabilitiesRequest, MAX_RESPONSE_SIZE, Writer,
};
use caliptra_util_host_osal::{Clock, default_clock};
use caliptra_util_host_transport::{Transport, TransportError};
use core::fmt;

/// Octets of a session's buffer. loom's threads have stacks of a few KiB only.
const SCRATCH: usize = if cfg!(loom) { 64 } else { MAX_RESPONSE_SIZE };

/// The transport, lent or owned.
enum Way<'t> {
    Lent(&'t mut dyn Transport),
    #[cfg(feature = "std")]
    Owned(Box<dyn Transport + 't>),
}

impl<'t> Way<'t> {
    fn get(&mut self) -> &mut (dyn Transport + 't) {
        match self {
            Self::Lent(transport) => *transport,
            #[cfg(feature = "std")]
            Self::Owned(transport) => &mut **transport,
        }
    }

    fn look(&self) -> &(dyn Transport + 't) {
        match self {
            Self::Lent(transport) => *transport,
            #[cfg(feature = "std")]
            Self::Owned(transport) => &**transport,
        }
    }
}

/// A session with a device.
pub struct CaliptraSession<'t> {
    /// The number that the session's maker gave it.
    pub session_id: u32,
    /// Where the session is.
    pub state: SessionState,
    /// The session's settings. A change of the time-outs takes effect with the next connection.
    pub config: SessionConfig,
    /// What the session did.
    pub stats: SessionStatistics,
    transport: Way<'t>,
    clock: &'t dyn Clock,
    last_use_ms: u64,
    /// The request, and then the answer.
    scratch: [u8; SCRATCH],
}

impl fmt::Debug for CaliptraSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaliptraSession")
            .field("session_id", &self.session_id)
            .field("state", &self.state)
            .field("config", &self.config)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl<'t> CaliptraSession<'t> {
    /// A session over `transport` with the default settings.
    ///
    /// # Errors
    /// As for [`with_config`](Self::with_config).
    pub fn new(session_id: u32, transport: &'t mut dyn Transport) -> SessionResult<Self> {
        Self::with_config(session_id, transport, SessionConfig::default())
    }

    /// A session over `transport`.
    ///
    /// # Errors
    /// [`ConfigurationError`](SessionError::ConfigurationError) when a time-out is zero.
    pub fn with_config(
        session_id: u32,
        transport: &'t mut dyn Transport,
        config: SessionConfig,
    ) -> SessionResult<Self> {
        Self::build(session_id, Way::Lent(transport), config)
    }

    /// A session that owns its transport.
    ///
    /// # Errors
    /// As for [`with_config`](Self::with_config).
    #[cfg(feature = "std")]
    pub fn owning(
        session_id: u32,
        transport: Box<dyn Transport + 't>,
        config: SessionConfig,
    ) -> SessionResult<Self> {
        Self::build(session_id, Way::Owned(transport), config)
    }

    fn build(session_id: u32, transport: Way<'t>, config: SessionConfig) -> SessionResult<Self> {
        if config.connection_timeout_ms == 0 || config.command_timeout_ms == 0 {
            return Err(SessionError::ConfigurationError(
                "a time-out of zero leaves no time to answer",
            ));
        }
        Ok(Self {
            session_id,
            state: SessionState::Disconnected,
            config,
            stats: SessionStatistics::default(),
            transport,
            clock: default_clock(),
            last_use_ms: 0,
            scratch: [0; SCRATCH],
        })
    }

    /// Has the session take its time from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: &'t dyn Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Connects to the device.
    ///
    /// # Errors
    /// [`InvalidState`](SessionError::InvalidState) when the session is connected; else as for the transport.
    pub fn connect(&mut self) -> SessionResult<()> {
        if !matches!(self.state, SessionState::Disconnected | SessionState::Error) {
            return Err(self.wrong_state(SessionState::Disconnected));
        }
        self.state = SessionState::Connecting;
        let (connection, command) = (
            self.config.connection_timeout_ms,
            self.config.command_timeout_ms,
        );
        let transport = self.transport.get();
        transport.set_timeouts(connection, command);
        if let Err(error) = transport.connect() {
            self.state = SessionState::Error;
            self.stats.last_error_count = self.stats.last_error_count.saturating_add(1);
            return Err(error.into());
        }
        self.state = SessionState::Connected;
        self.last_use_ms = self.clock.now_ms();
        Ok(())
    }

    /// Disconnects from the device. The session is disconnected even when this fails.
    ///
    /// # Errors
    /// As for the transport.
    pub fn disconnect(&mut self) -> SessionResult<()> {
        self.state = SessionState::Disconnected;
        Ok(self.transport.get().disconnect()?)
    }

    /// Whether commands can be sent.
    pub fn is_ready(&self) -> bool {
        self.is_connected() && self.transport.look().is_ready()
    }

    fn is_connected(&self) -> bool {
        matches!(
            self.state,
            SessionState::Connected | SessionState::Authenticated
        )
    }

    fn wrong_state(&self, expected: SessionState) -> SessionError {
        SessionError::InvalidState {
            current: self.state,
            expected,
        }
    }

    /// Notes that the application has authenticated the device, for example by its evidence.
    ///
    /// # Errors
    /// [`InvalidState`](SessionError::InvalidState) without a connection. A lost connection loses this state.
    pub fn set_authenticated(&mut self) -> SessionResult<()> {
        if !self.is_connected() {
            return Err(self.wrong_state(SessionState::Connected));
        }
        self.state = SessionState::Authenticated;
        Ok(())
    }

    /// Executes a command of fixed size.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub fn execute_command<Req, Resp>(&mut self, command: &Req) -> SessionResult<Resp>
    where
        Req: CommandRequest,
        Resp: CommandResponse,
    {
        let len = self.encode(|scratch| command.to_bytes(scratch))?;
        let id = Req::COMMAND_ID;
        let len = self.exchange(id as u32, id.is_idempotent(), len)?;
        let decoded = Resp::from_bytes(self.scratch.get(..len).unwrap_or_default());
        decoded.map_err(|error| self.undecodable(error))
    }

    /// Executes a command under a number of the caller's choice.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub fn execute_command_with_id<Req>(
        &mut self,
        command_id: CaliptraCommandId,
        request: &Req,
    ) -> SessionResult<Req::Response>
    where
        Req: CommandRequest + IntoBytes,
        Req::Response: FromBytes + Immutable,
    {
        let len = self.encode(|scratch| request.to_bytes(scratch))?;
        let len = self.exchange(command_id as u32, command_id.is_idempotent(), len)?;
        let decoded = Req::Response::from_bytes(self.scratch.get(..len).unwrap_or_default());
        decoded.map_err(|error| self.undecodable(error))
    }

    /// Executes any command. The answer may borrow from the session's buffer.
    ///
    /// # Errors
    /// [`SerializationError`](SessionError::SerializationError) when the request or the answer is not valid;
    /// [`InvalidState`](SessionError::InvalidState) without a connection; else what the transport or the device says, after
    /// as many attempts as the settings allow.
    pub fn execute<C: Command>(&mut self, command: &C) -> SessionResult<C::Response<'_>> {
        let len = self.encode(|scratch| {
            let mut writer = Writer::new(scratch);
            command.encode(&mut writer)?;
            Ok(writer.len())
        })?;
        let len = self.exchange(C::ID as u32, command.is_idempotent(), len)?;
        match command.decode(self.scratch.get(..len).unwrap_or_default()) {
            Ok(answer) => Ok(answer),
            Err(error) => {
                undecodable(&mut self.stats);
                Err(error.into())
            }
        }
    }

    /// Executes a command by its number, with a payload that the caller built, and gives the answer's payload from
    /// `fips_status` on. For commands of plugins and custom transports.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub fn execute_raw(
        &mut self,
        command_id: u32,
        idempotent: bool,
        payload: &[u8],
    ) -> SessionResult<&[u8]> {
        self.execute_with(command_id, idempotent, |writer| writer.bytes(payload))
    }

    /// Executes a command by its number, with a payload that `write` writes.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub fn execute_with(
        &mut self,
        command_id: u32,
        idempotent: bool,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), CommandError>,
    ) -> SessionResult<&[u8]> {
        let len = self.encode(|scratch| {
            let mut writer = Writer::new(scratch);
            write(&mut writer)?;
            Ok(writer.len())
        })?;
        let len = self.exchange(command_id, idempotent, len)?;
        Ok(self.scratch.get(..len).unwrap_or_default())
    }

    fn encode(
        &mut self,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, CommandError>,
    ) -> SessionResult<usize> {
        let encoded = encode(&mut self.scratch);
        if encoded.is_err() {
            // A command that cannot be written was asked for and failed, like any other.
            self.note_failure();
        }
        Ok(encoded?)
    }

    fn undecodable(&mut self, error: CommandError) -> SessionError {
        undecodable(&mut self.stats);
        error.into()
    }

    fn note_failure(&mut self) {
        self.stats.commands_failed = self.stats.commands_failed.saturating_add(1);
        self.stats.last_error_count = self.stats.last_error_count.saturating_add(1);
    }

    /// Sends the request in the first `len` octets of the buffer until an answer is there, and gives its length.
    fn exchange(&mut self, id: u32, idempotent: bool, len: usize) -> SessionResult<usize> {
        let result = self.attempts(id, idempotent, len);
        match result {
            Ok(received) => {
                self.stats.commands_succeeded = self.stats.commands_succeeded.saturating_add(1);
                self.stats.bytes_received =
                    self.stats.bytes_received.saturating_add(received as u64);
                self.stats.last_error_count = 0;
                self.last_use_ms = self.clock.now_ms();
            }
            Err(_) => self.note_failure(),
        }
        result
    }

    fn attempts(&mut self, id: u32, idempotent: bool, len: usize) -> SessionResult<usize> {
        let mut attempts = Attempts::new(idempotent, self.config.max_retries);
        loop {
            let error = match self.attempt(id, len)? {
                Ok(received) => return Ok(received),
                Err(error) => error,
            };
            let wait = attempts.failed(error);
            // A session whose connection is gone has to be told, even when this command ends here. One that could not be
            // connected anew knows already, and tries again after the wait.
            let handled = match self.state {
                SessionState::Error => Ok(()),
                _ => self.handle_error(error.into()),
            };
            let wait = wait?;
            if let Err(other) = handled {
                // A new connection that failed may come about with the next attempt.
                let retry = other.transport().is_some_and(|error| error.is_transient());
                if !self.config.auto_reconnect || !retry {
                    return Err(other);
                }
            }
            self.clock.sleep_ms(wait);
        }
    }

    /// One attempt: the outer error ends the command, the inner one may be tried again.
    fn attempt(&mut self, id: u32, len: usize) -> SessionResult<Result<usize, TransportError>> {
        let lost = self.state == SessionState::Error && self.config.auto_reconnect;
        if let Err(error) = if lost { self.reconnect() } else { Ok(()) } {
            return match error {
                SessionError::TransportError(error) => Ok(Err(error)),
                error => Err(error),
            };
        }
        if !self.is_connected() {
            return Err(self.wrong_state(SessionState::Connected));
        }
        let request = self.scratch.get(..len).unwrap_or_default();
        let transport = self.transport.get();
        let sent = transport.send(id, request);
        if !matches!(
            sent,
            Err(TransportError::Disconnected | TransportError::NotSupported(_))
        ) {
            self.stats.commands_sent = self.stats.commands_sent.saturating_add(1);
            self.stats.bytes_sent = self.stats.bytes_sent.saturating_add(len as u64);
        }
        if let Err(error) = sent {
            return Ok(Err(error));
        }
        Ok(transport.receive(&mut self.scratch))
    }

    fn reconnect(&mut self) -> SessionResult<()> {
        // What is left of the old connection may hold a resource that the new one needs.
        let _ = self.transport.get().disconnect();
        self.state = SessionState::Error;
        self.connect()?;
        self.stats.reconnect_count = self.stats.reconnect_count.saturating_add(1);
        Ok(())
    }

    /// Does what the session can do about an error. When the connection is gone the session makes a new one, if its
    /// settings say so, and else is in the state [`Error`](SessionState::Error). An error that leaves the connection as it is
    /// needs nothing. `execute` and its like call this themselves.
    ///
    /// # Errors
    /// The error itself when the session cannot go on, or that of the new connection.
    pub fn handle_error(&mut self, error: SessionError) -> SessionResult<()> {
        let gone = error
            .transport()
            .is_some_and(|error| error.is_disconnection());
        if !gone {
            return match error {
                SessionError::TransportError(_) | SessionError::SerializationError(_) => Ok(()),
                error => Err(error),
            };
        }
        self.state = SessionState::Error;
        if !self.config.auto_reconnect {
            return Err(error);
        }
        self.reconnect()
    }

    /// Asks the device for a sign of life when none was seen for as long as the settings say. Gives whether it asked. Call
    /// it now and then; [`next_keepalive_ms`](Self::next_keepalive_ms) tells when.
    ///
    /// # Errors
    /// As for [`execute`](Self::execute).
    pub fn poll_keepalive(&mut self) -> SessionResult<bool> {
        if !self.is_connected() || self.next_keepalive_ms() != Some(0) {
            return Ok(false);
        }
        self.execute(&GetDeviceCapabilitiesRequest {})?;
        Ok(true)
    }

    /// Milliseconds until the session should ask for a sign of life. `None`: it never does.
    pub fn next_keepalive_ms(&self) -> Option<u64> {
        match u64::from(self.config.keepalive_interval_ms) {
            0 => None,
            interval => Some(interval.saturating_sub(self.idle_ms())),
        }
    }

    fn idle_ms(&self) -> u64 {
        self.clock.now_ms().saturating_sub(self.last_use_ms)
    }

    /// The session at a glance.
    pub fn get_info(&self) -> SessionInfo {
        SessionInfo {
            session_id: self.session_id,
            state: self.state,
            config: self.config,
            stats: self.stats,
            idle_ms: self.idle_ms(),
        }
    }
}

/// An answer that came and cannot be read is a failure after all.
fn undecodable(stats: &mut SessionStatistics) {
    stats.commands_succeeded = stats.commands_succeeded.saturating_sub(1);
    stats.commands_failed = stats.commands_failed.saturating_add(1);
    stats.last_error_count = stats.last_error_count.saturating_add(1);
}

#[cfg(test)]
mod tests;
