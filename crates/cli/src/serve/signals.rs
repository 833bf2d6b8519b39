//! SIGTERM and SIGINT as something that can be waited for together with sockets.

use anyhow::{Context, Result};
use std::os::unix::net::UnixStream;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Takes the two signals from now on. What is returned reads as ended when one of them has come.
///
/// # Errors
/// When the system does not let it.
pub fn watch() -> Result<UnixStream> {
    let failed = "cannot wait for signals";
    let (ends, held) = UnixStream::pair().context(failed)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context(failed)?;
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        let terminate = signal(SignalKind::terminate()).context(failed)?;
        (terminate, signal(SignalKind::interrupt()).context(failed)?)
    };
    // The thread sleeps until then.
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        drop(held);
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(wait).context(failed)?;
    Ok(ends)
}
