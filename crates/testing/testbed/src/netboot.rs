//! The operator's tool, as a process.

use crate::netns::{Host, Port};
use crate::rom::{cargo, target_directory, workspace};
use crate::servers::Server;
use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::sync::OnceLock;

/// UDP port of `netboot serve`.
const SERVE: Port = Port::Udp(6910);

/// The program `netboot`, built when it is asked for the first time.
///
/// # Errors
/// When it does not build.
pub fn program() -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = BUILT.get() {
        return Ok(program.clone());
    }
    let mut command = cargo();
    command.args(["build", "--quiet", "-p", "netboot-cli", "--bin", "netboot"]);
    let status = command.current_dir(workspace()).status();
    ensure!(
        status.context("cannot run cargo")?.success(),
        "the program netboot does not build"
    );
    let program = target_directory().join("debug/netboot");
    Ok(BUILT.get_or_init(|| program).clone())
}

/// Starts `netboot serve` on the host's files.
///
/// # Errors
/// When it does not build or does not open its port.
pub fn serve(host: &Host, arguments: &[&str]) -> Result<Server> {
    let log = host.workspace("netboot-serve")?.join("log");
    let mut command = host.namespace.command(program()?);
    command.arg("serve").arg(host.files()).args(arguments);
    Server::start("netboot serve", command, host, log, None, &[SERVE])
}
