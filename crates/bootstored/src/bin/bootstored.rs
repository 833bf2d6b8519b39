//! The daemon; see `bootstored --help`.

use bootstored::config::{Config, EXAMPLE};
use bootstored::{THREAT_MODEL, daemon};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

/// Keeps this board's share of the rack secret and the rack's network configuration.
#[derive(Parser)]
#[command(version, after_help = "See --help for the configuration file and for what this protects against.",
    after_long_help = long_help())]
struct Arguments {
    /// Configuration file
    #[arg(default_value = "/etc/bootstore.toml")]
    config: PathBuf,
}

fn long_help() -> String {
    format!("Configuration file:\n\n{EXAMPLE}\n\n{THREAT_MODEL}")
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = Config::read(&arguments.config).and_then(|config| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(daemon::run(config))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bootstored: {error:#}");
            ExitCode::FAILURE
        }
    }
}
