//! The commands.

#[cfg(target_os = "linux")]
use crate::serve;
use crate::{inspect, pack, publish, sztp, ztp};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;

/// The operator's tool of the network boot
#[derive(Parser)]
#[command(name = "netboot", version)]
pub struct Arguments {
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
    /// Serve the files of a folder by the UDP boot protocol, whose every block is verified, until SIGTERM or SIGINT comes
    #[cfg(target_os = "linux")]
    Serve(serve::ServeArgs),
    /// Secure zero-touch provisioning (RFC 8572): makes what a bootstrap server hands out, and looks into it
    #[command(subcommand)]
    Sztp(sztp::Command),
    /// Zero-touch provisioning of one board, at the prompt of its console: show how it is, enable, disable, run
    #[command(subcommand)]
    Ztp(ztp::Command),
}

/// Runs a command; whether its answer is yes: everything that was looked at is right.
///
/// # Errors
/// When a file cannot be read or written, or the command is given what it cannot use.
pub fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<bool> {
    match &arguments.command {
        Command::Inspect(arguments) => inspect::run(arguments, out),
        Command::Pack(arguments) => pack::run(arguments, out).map(|()| true),
        Command::Publish(arguments) => publish::run(arguments, out).map(|()| true),
        #[cfg(target_os = "linux")]
        Command::Serve(arguments) => serve::run(arguments, out).map(|()| true),
        Command::Sztp(command) => sztp::run(command, out),
        Command::Ztp(command) => ztp::run(command, out),
    }
}

/// Runs a command line without the name of the program; for programs that have the tool in themselves.
///
/// # Errors
/// As [`run`], and when there is no such command.
pub fn call<I, T>(line: I, out: &mut dyn Write) -> Result<bool>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let line = line.into_iter().map(Into::into);
    let whole = std::iter::once(OsString::from("netboot")).chain(line);
    run(&Arguments::try_parse_from(whole)?, out)
}
