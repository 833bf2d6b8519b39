//! The recovery agent over commands.

use crate::agent::RecoveryAgent;
use crate::commands::bus::CommandBus;
use crate::commands::registers::CommandRegisters;
use crate::config::AgentConfig;
use crate::error::RecoveryError;
use netboot_core::Instant;

/// The [`RecoveryAgent`] of a device that is reached by commands. Make it with
/// [`over_commands`](RecoveryAgent::over_commands).
pub type CommandAgent<B> = RecoveryAgent<CommandRegisters<B>>;

impl<B: CommandBus> CommandAgent<B> {
    /// Makes the agent of the device behind `bus`. Nothing is read or written yet, so the device may still be without power.
    ///
    /// [`poll`](Self::poll) then waits for the device's capabilities. A device that does not acknowledge its address has
    /// [`AgentConfig::request_timeout`] to start up, and any other fault of the bus may last for [`AgentConfig::bus_timeout`]. Then
    /// `poll` fails with [`RecoveryError::Bus`].
    ///
    /// # Errors
    /// None today. The result has the type of [`new`](Self::new), whose caller it replaces.
    pub fn over_commands(bus: B, config: AgentConfig, now: Instant) -> Result<Self, RecoveryError> {
        Self::with_map(
            CommandRegisters::new(bus),
            CommandRegisters::<B>::MAP,
            config,
            now,
        )
    }
}
