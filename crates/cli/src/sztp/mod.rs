//! What a bootstrap server hands out, in words.
//!
//! | file | what |
//! |---|---|
//! | `files` | the files that an operator has: answers of servers, messages, certificates |
//! | `certificate`, `signer` | certificates, and private keys with theirs |
//! | `message` | CMS messages: plain, signed, certificates only |
//! | `inspect` | what is in a file, whoever made it |
//! | `judgement` | whether a device would believe an answer |
//! | `pack` | makes vouchers, owner certificates, conveyed information and answers |
//! | `verify` | judges the answer of a server |

mod certificate;
mod files;
pub mod inspect;
mod judgement;
mod message;
mod pack;
mod signer;
mod verify;

use anyhow::Result;
use clap::Subcommand;
use std::io::Write;
use std::path::PathBuf;

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Show what is in files: answers of a bootstrap server, vouchers, owner certificates, conveyed information. Nothing is verified
    Inspect {
        /// JSON as a server answers it, or a message in DER, PEM or base64
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Make vouchers, owner certificates, conveyed information, and the answer of a bootstrap server
    #[command(subcommand)]
    Pack(pack::Command),
    /// Say whether a device would believe an answer of a bootstrap server, and why not
    Verify(verify::VerifyArgs),
}

/// Runs a command; whether its answer is yes.
///
/// # Errors
/// When a file cannot be read, or nothing can be written.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<bool> {
    match command {
        Command::Inspect { files } => {
            let mut first = true;
            for file in files {
                if !std::mem::take(&mut first) {
                    writeln!(out)?;
                }
                inspect::file(file, out)?;
            }
            Ok(true)
        }
        Command::Pack(command) => pack::run(command, out),
        Command::Verify(arguments) => verify::run(arguments, out),
    }
}
