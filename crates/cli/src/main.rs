//! `netboot`: the operator's tool.

use anyhow::Result;
use clap::{Parser, Subcommand};
use netboot_cli::{inspect, pack, publish, sztp};
use std::io::Write;
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
    /// Say what files are: packed files, flash images, scripts, what bootstrap servers hand out. What is wrong with them is told
    Inspect(inspect::InspectArgs),
    /// Make the packed file of an image, each of whose blocks is verified before it is used, and tell its verity digest
    Pack(pack::PackArgs),
    /// Put images into the folder of a web server, by their digests, and write the script that fetches them
    Publish(publish::PublishArgs),
    /// Secure zero-touch provisioning (RFC 8572): makes what a bootstrap server hands out, and looks into it
    #[command(subcommand)]
    Sztp(sztp::Command),
}

/// Runs a command; whether its answer is yes.
fn run(command: &Command, out: &mut dyn Write) -> Result<bool> {
    match command {
        Command::Inspect(arguments) => inspect::run(arguments, out),
        Command::Pack(arguments) => pack::run(arguments, out).map(|()| true),
        Command::Publish(arguments) => publish::run(arguments, out).map(|()| true),
        Command::Sztp(command) => sztp::run(command, out),
    }
}

/// 0: done, and everything that was looked at is right. 1: something is wrong, or a file cannot be read. clap ends with 2 on a wrong call.
fn main() -> ExitCode {
    match run(&Arguments::parse().command, &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("netboot: {error:#}");
            ExitCode::FAILURE
        }
    }
}
