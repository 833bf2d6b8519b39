//! `owner-certificate`: the certificates of the owner (RFC 8572, section 3.2).

use crate::output;
use crate::sztp::certificate::{self, subject};
use crate::sztp::{files, message};
use anyhow::{Context, Result};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// The options of `owner-certificate`.
#[derive(Args)]
pub struct OwnerArgs {
    /// The certificate with whose key the owner signs (PEM or DER). Other certificates in the file are taken, too
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// More certificates between it and the one that vouchers pin
    #[arg(long, value_name = "FILE")]
    chain: Vec<PathBuf>,
    /// The owner certificate, a CMS message in DER
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Makes an owner certificate.
pub fn run(arguments: &OwnerArgs, out: &mut dyn Write) -> Result<()> {
    let mut inputs = vec![arguments.certificate.as_path()];
    inputs.extend(arguments.chain.iter().map(PathBuf::as_path));
    let mut all = Vec::new();
    for path in &inputs {
        for one in files::certificates(path)? {
            certificate::read(&one).with_context(|| path.display().to_string())?;
            all.push(one);
        }
    }
    let message = message::certificates_only(&all)?;
    output::write(&arguments.output, &inputs, &message)?;
    writeln!(
        out,
        "{}, {} octets: owner certificate",
        arguments.output.display(),
        message.len()
    )?;
    for one in &all {
        writeln!(out, "  certificate of {}", subject(one))?;
    }
    Ok(())
}
