//! A session for several threads.

use crate::config::SessionInfo;
use crate::error::{SessionError, SessionResult};
use crate::session::CaliptraSession;
use crate::sync::{Arc, Mutex, MutexGuard};
use caliptra_util_host_command_types::Command;
use caliptra_util_host_osal::OsalError;
use core::fmt;

/// A session that several threads use. One command runs at a time; the others wait for it. Clones share the session.
pub struct SharedSession<'t> {
    session: Arc<Mutex<CaliptraSession<'t>>>,
}

impl Clone for SharedSession<'_> {
    fn clone(&self) -> Self {
        Self {
            session: Arc::clone(&self.session),
        }
    }
}

impl fmt::Debug for SharedSession<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSession").finish_non_exhaustive()
    }
}

impl<'t> SharedSession<'t> {
    /// Shares a session.
    pub fn new(session: CaliptraSession<'t>) -> Self {
        Self {
            session: Arc::new(Mutex::new(session)),
        }
    }

    /// The session itself, for several commands that no other thread's may come between.
    ///
    /// # Errors
    /// [`OsalError::Poisoned`] when a thread panicked while it had the session.
    pub fn lock(&self) -> SessionResult<MutexGuard<'_, CaliptraSession<'t>>> {
        self.session
            .lock()
            .map_err(|_| SessionError::OsalError(OsalError::Poisoned))
    }

    /// Executes a command and gives what `take` makes of its answer.
    ///
    /// # Errors
    /// As for [`CaliptraSession::execute`] and [`lock`](Self::lock).
    pub fn execute<C: Command, R>(
        &self,
        command: &C,
        take: impl FnOnce(C::Response<'_>) -> R,
    ) -> SessionResult<R> {
        let mut session = self.lock()?;
        session.execute(command).map(take)
    }

    /// Connects to the device.
    ///
    /// # Errors
    /// As for [`CaliptraSession::connect`] and [`lock`](Self::lock).
    pub fn connect(&self) -> SessionResult<()> {
        self.lock()?.connect()
    }

    /// Disconnects from the device.
    ///
    /// # Errors
    /// As for [`CaliptraSession::disconnect`] and [`lock`](Self::lock).
    pub fn disconnect(&self) -> SessionResult<()> {
        self.lock()?.disconnect()
    }

    /// The session at a glance.
    ///
    /// # Errors
    /// As for [`lock`](Self::lock).
    pub fn get_info(&self) -> SessionResult<SessionInfo> {
        Ok(self.lock()?.get_info())
    }
}

/// A thread that keeps a session alive. It ends when this value is dropped.
#[derive(Debug)]
pub struct KeepAlive {
    stop: Option<std::sync::mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[cfg(not(loom))]
impl SharedSession<'static> {
    /// Starts a thread that asks the device for a sign of life whenever the session's settings say so. Errors of the
    /// keep-alive show in the session's statistics.
    ///
    /// # Errors
    /// [`OsalError::Thread`] when the thread cannot be started.
    pub fn keep_alive(&self) -> SessionResult<KeepAlive> {
        use std::sync::mpsc::RecvTimeoutError;
        use std::time::Duration;
        let session = self.clone();
        let (stop, stopped) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("caliptra-keep-alive".into())
            .spawn(move || {
                let mut wait = 0;
                while let Err(RecvTimeoutError::Timeout) =
                    stopped.recv_timeout(Duration::from_millis(wait))
                {
                    let Ok(mut session) = session.lock() else {
                        return;
                    };
                    // A failure is counted; the next sign of life is asked for after another interval.
                    let failed = session.poll_keepalive().is_err();
                    let interval = u64::from(session.config.keepalive_interval_ms);
                    let next = session.next_keepalive_ms().unwrap_or(1_000);
                    wait = if failed { interval } else { next }.max(1);
                }
            });
        let thread = thread.map_err(|_| SessionError::OsalError(OsalError::Thread))?;
        Ok(KeepAlive {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has poisoned the session, whose next user is told.
            let _ = thread.join();
        }
    }
}
