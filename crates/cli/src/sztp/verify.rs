//! Whether a device would believe an answer, by the code that devices have.

use super::{files, judgement};
use crate::clock;
use anyhow::{Context, Result};
use clap::Args;
use netboot_sztp::{Assertion, Credentials};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use std::io::Write;
use std::path::PathBuf;

/// The options of `verify`.
#[derive(Args)]
pub struct VerifyArgs {
    /// The answer of the bootstrap server, JSON
    answer: PathBuf,
    /// Roots of the authority that signs vouchers, as the device has them (PEM or DER)
    #[arg(long, value_name = "FILE")]
    vouchers: PathBuf,
    /// The serial number of the device
    #[arg(long)]
    serial: String,
    /// The IDevID certificate of the device (PEM or DER), for vouchers that name its issuer
    #[arg(long, value_name = "FILE")]
    idevid: Option<PathBuf>,
    /// The nonce that the device sent, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    nonce: Option<String>,
    /// The time on the device's clock, in seconds since 1970-01-01T00:00:00Z [default: now]
    #[arg(long, value_name = "SECONDS", conflicts_with = "no_clock")]
    at: Option<u64>,
    /// The device has no clock: nothing expires
    #[arg(long)]
    no_clock: bool,
    /// The device trusts the server itself, so that unsigned information is believed too
    #[arg(long)]
    trusted: bool,
}

/// Judges; whether a device would believe the answer.
pub fn run(arguments: &VerifyArgs, out: &mut dyn Write) -> Result<bool> {
    let mut body = files::read(&arguments.answer)?;
    let roots = files::certificates(&arguments.vouchers)?;
    let roots: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
    let idevid = match &arguments.idevid {
        Some(path) => files::certificates(path)?.swap_remove(0),
        None => Vec::new(),
    };
    let nonce = arguments
        .nonce
        .as_deref()
        .map(|text| files::hex(text).with_context(|| format!("--nonce {text}")));
    let nonce = nonce.transpose()?;
    let time = match (arguments.no_clock, arguments.at) {
        (true, _) => TimePolicy::None,
        (false, Some(at)) => TimePolicy::Trusted(at),
        (false, None) => TimePolicy::Trusted(clock::since_1970()?.as_secs()),
    };
    let credentials = Credentials {
        serial_number: &arguments.serial,
        idevid: &idevid,
        vouchers: Trust {
            policy: TrustPolicy::Pinned {
                roots: &roots,
                keys: &[],
            },
            time,
            algorithms: DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        },
        assertions: &[Assertion::Verified, Assertion::Logged],
    };
    let nonce = nonce.as_deref();
    let judged = judgement::judged(&mut body, &credentials, nonce, arguments.trusted);
    judgement::show(&judged, out)
}
