//! A session with the device, and the plugins that it may need.

use crate::args::Args;
use anyhow::{Context, Result, anyhow};
use caliptra_util_host_commands::CaliptraApiError;
use caliptra_util_host_plugin::PluginManager;
use caliptra_util_host_session::{CaliptraSession, SessionConfig};
use caliptra_util_host_transport::{Transport, TransportConfig, uri};
use std::path::PathBuf;

/// Loads the plugins of `--load`.
pub fn load(paths: &[PathBuf]) -> Result<PluginManager> {
    let mut manager = PluginManager::new();
    for path in paths {
        manager
            .load(path)
            .with_context(|| format!("cannot load the plugin {}", path.display()))?;
    }
    Ok(manager)
}

/// A session with the device that `--transport` tells, and the plugins that have to live as long.
pub fn with_session<R>(
    args: &Args,
    run: impl FnOnce(&mut CaliptraSession<'_>) -> Result<R>,
) -> Result<R> {
    let plugins = load(&args.load)?;
    let address = args.transport.as_deref().ok_or_else(|| {
        anyhow!("tell where the device is: --transport udp://HOST:PORT, or the variable CALIPTRA_UTIL_TRANSPORT")
    })?;
    let transport: Box<dyn Transport> = match address.strip_prefix("plugin:") {
        Some(name) => {
            let config = TransportConfig {
                timeout_ms: args.timeout,
                ..TransportConfig::default()
            };
            caliptra_util_host_plugin::create_transport(name, &config)
                .with_context(|| format!("cannot make the plugin's transport '{name}'"))?
        }
        None => Box::new(
            uri::open(address).with_context(|| format!("cannot use the address '{address}'"))?,
        ),
    };
    let config = SessionConfig {
        connection_timeout_ms: args.timeout,
        command_timeout_ms: args.timeout,
        max_retries: args.retries,
        keepalive_interval_ms: 0,
        auto_reconnect: true,
    };
    let result = (|| {
        let mut session =
            CaliptraSession::owning(1, transport, config).map_err(CaliptraApiError::from)?;
        session
            .connect()
            .map_err(CaliptraApiError::from)
            .with_context(|| format!("cannot connect to {address}"))?;
        let result = run(&mut session);
        // What the command says counts more than how the connection ends.
        let _ = session.disconnect();
        result
    })();
    drop(plugins);
    result
}
