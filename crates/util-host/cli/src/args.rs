//! The command line.

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Asks a Caliptra subsystem what it runs, and recovers it.
#[derive(Debug, Parser)]
#[command(name = "caliptra-util", version, max_term_width = 100)]
pub struct Args {
    /// Where the device is.
    #[arg(
        long,
        short,
        global = true,
        value_name = "ADDRESS",
        env = "CALIPTRA_UTIL_TRANSPORT",
        help = "Where the device is: udp://HOST:PORT, mctp+tcp://HOST:PORT[?eid=N&own=N], mctp+unix:PATH, \
                mctp+serial:PATH, mctp+linux:EID[@NET], or plugin:NAME"
    )]
    pub transport: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// How long each attempt at a command may take, in milliseconds
    #[arg(long, global = true, value_name = "MS", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    pub timeout: u32,
    /// How often a command is sent again at most
    #[arg(long, global = true, value_name = "N", default_value_t = 3)]
    pub retries: u8,
    /// Load this plugin first; may be given several times
    #[arg(long, global = true, value_name = "FILE")]
    pub load: Vec<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What the device is and what it runs
    Info,
    /// What the device can do
    Caps,
    /// The device's log
    Log(LogArgs),
    /// Signed evidence of what the device runs
    Attest(AttestArgs),
    /// Have the device hash a file
    Hash(HashArgs),
    /// Give the device images to run, by OCP recovery
    Recover(RecoverArgs),
    /// Plugins: what they bring, and their commands
    Plugin(PluginArgs),
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// The manual page, troff
    Man,
}

/// Options of `log`.
#[derive(Debug, clap::Args)]
pub struct LogArgs {
    /// The firmware's ELF file, which has the log's texts; without it the raw octets are shown
    #[arg(long, value_name = "FILE")]
    pub elf: Option<PathBuf>,
    /// Write the raw octets to this file
    #[arg(long, value_name = "FILE")]
    pub raw: Option<PathBuf>,
    /// Clear the log instead of reading it
    #[arg(long, conflicts_with_all = ["elf", "raw"])]
    pub clear: bool,
}

/// Options of `attest`.
#[derive(Debug, clap::Args)]
pub struct AttestArgs {
    /// Which evidence
    #[arg(long, value_enum, default_value_t = Format::Eat)]
    pub format: Format,
    /// The algorithm of the signature
    #[arg(long, value_enum, default_value_t = Algorithm::Ecc)]
    pub algorithm: Algorithm,
    /// 32 octets in hexadecimal that have to come back in the evidence; without it they are random
    #[arg(long, value_name = "HEX")]
    pub nonce: Option<String>,
    /// Write the evidence to this file
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A format of evidence.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// OCP entity attestation token
    Eat,
    /// Quote over Caliptra's PCRs
    Pcr,
}

/// An algorithm of signatures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Algorithm {
    /// ECDSA with P-384
    Ecc,
    /// ML-DSA-87
    Mldsa,
}

/// Options of `hash`.
#[derive(Debug, clap::Args)]
pub struct HashArgs {
    /// The hash
    #[arg(long, value_enum, default_value_t = Hash::Sha384)]
    pub algorithm: Hash,
    /// The file; - for the standard input
    pub file: PathBuf,
}

/// A hash.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Hash {
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

/// Options of `recover`.
#[derive(Debug, clap::Args)]
pub struct RecoverArgs {
    /// Where the device is: i3c-tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
    /// The images in the order of their indices: a file, http:, https: or tftp: address; one packed file (flash layout) may hold
    /// all of them
    #[arg(long, value_name = "URI", required_unless_present = "check")]
    pub from: Vec<String>,
    /// The device's address on the bus, 7 bits
    #[arg(long, value_name = "N", default_value = "0x3b", value_parser = bus_address)]
    pub address: u8,
    /// How long the device may take to ask for an image, in seconds
    #[arg(long, value_name = "S", default_value_t = 30)]
    pub wait: u64,
    /// How long nothing may change after the last image before the recovery counts as done, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 3000)]
    pub settle: u64,
    /// Only check that the device's side of the protocol is right; nothing is sent to boot
    #[arg(long)]
    pub check: bool,
}

fn bus_address(text: &str) -> Result<u8, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u8::from_str_radix(digits, 16),
        None => text.parse(),
    };
    match number {
        Ok(number) if (8..0x78).contains(&number) => Ok(number),
        _ => Err("an address goes from 0x08 to 0x77".into()),
    }
}

/// Options of `plugin`.
#[derive(Debug, clap::Args)]
pub struct PluginArgs {
    /// What to do with plugins
    #[command(subcommand)]
    pub action: PluginAction,
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginAction {
    /// What the loaded plugins bring, and the files in CALIPTRA_UTIL_PLUGIN_PATH
    List,
    /// Run a plugin's command
    Run {
        /// The command's name
        name: String,
        /// The payload in hexadecimal
        #[arg(default_value = "")]
        payload: String,
    },
}
