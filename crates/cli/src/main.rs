//! `netboot`: the operator's tool.

use clap::Parser;
use netboot_cli::command::{self, Arguments};
use std::process::ExitCode;

/// 0: done, and everything that was looked at is right. 1: something is wrong, or a file cannot be read. clap ends with 2 on a wrong call.
fn main() -> ExitCode {
    match command::run(&Arguments::parse(), &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("netboot: {error:#}");
            ExitCode::FAILURE
        }
    }
}
