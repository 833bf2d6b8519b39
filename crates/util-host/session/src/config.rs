//! A session's settings, states and statistics.

/// Where a session is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// There is no connection.
    Disconnected = 0,
    /// The connection is being made.
    Connecting = 1,
    /// Commands can be sent.
    Connected = 2,
    /// Commands can be sent, and the application has authenticated the device.
    Authenticated = 3,
    /// The connection was lost.
    Error = 4,
}

/// A session's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// How long a connection may take, in milliseconds.
    pub connection_timeout_ms: u32,
    /// How long each attempt at a command may take, in milliseconds.
    pub command_timeout_ms: u32,
    /// How often a command is sent again at most.
    pub max_retries: u8,
    /// After how long without a command the session asks the device for a sign of life, in milliseconds; 0 means never.
    pub keepalive_interval_ms: u32,
    /// Whether a lost connection is made anew.
    pub auto_reconnect: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            connection_timeout_ms: 5_000,
            command_timeout_ms: 5_000,
            max_retries: 3,
            keepalive_interval_ms: 30_000,
            auto_reconnect: true,
        }
    }
}

/// What a session did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionStatistics {
    /// Requests given to the transport, repeated ones included.
    pub commands_sent: u64,
    /// Commands that ended with the device's answer.
    pub commands_succeeded: u64,
    /// Commands that ended with an error.
    pub commands_failed: u64,
    /// Octets of payload in the requests given to the transport.
    pub bytes_sent: u64,
    /// Octets of payload in the answers received.
    pub bytes_received: u64,
    /// How often a lost connection was made anew.
    pub reconnect_count: u32,
    /// Errors since the last success.
    pub last_error_count: u32,
}

/// A session at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The number that the session's maker gave it.
    pub session_id: u32,
    /// Where it is.
    pub state: SessionState,
    /// Its settings.
    pub config: SessionConfig,
    /// What it did.
    pub stats: SessionStatistics,
    /// How long nothing was received, in milliseconds.
    pub idle_ms: u64,
}
