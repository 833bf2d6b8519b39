//! `netboot`: the operator's tool.

use clap::{Parser, Subcommand};
use netboot_cli::sztp;
use std::process::ExitCode;

/// The operator's tool of the network boot
#[derive(Parser)]
#[command(name = "netboot", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Secure zero-touch provisioning (RFC 8572): looks into what a bootstrap server hands out
    #[command(subcommand)]
    Sztp(sztp::Command),
}

/// 0: done, and for `verify`: a device would believe it. 1: it would not, or a file cannot be read. clap ends with 2 on a wrong call.
fn main() -> ExitCode {
    let Command::Sztp(command) = Arguments::parse().command;
    match sztp::run(&command, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("netboot: {error:#}");
            ExitCode::FAILURE
        }
    }
}
