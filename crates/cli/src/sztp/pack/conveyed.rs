//! What `onboarding` and `redirect` have in common: conveyed information, signed by the owner or by nobody (RFC 8572, section 3.1).

use crate::output;
use crate::sztp::message::{self, Kind};
use crate::sztp::signer::Signer;
use anyhow::Result;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Who signs, and where the message goes.
#[derive(Args)]
pub struct ConveyedArgs {
    /// The certificate of the owner (PEM or DER). Without it nobody signs, and only devices that trust the server believe it
    #[arg(long, value_name = "FILE", requires = "key")]
    signer: Option<PathBuf>,
    /// The private key of the owner (PEM): ECDSA on P-256 or P-384
    #[arg(long, value_name = "FILE", requires = "signer")]
    key: Option<PathBuf>,
    /// The conveyed information, a CMS message in DER
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl ConveyedArgs {
    /// Signs the content, and writes the message. `others` are the files of which the content was made.
    pub fn write(&self, content: &str, others: &[&Path], out: &mut dyn Write) -> Result<()> {
        let (message, who) = match (&self.signer, &self.key) {
            (Some(certificate), Some(key)) => {
                let signer = Signer::read(certificate, key, &[])?;
                let message = message::signed(Kind::Conveyed, content.as_bytes(), &signer, false)?;
                let who = format!("signed by {} ({})", signer.name(), signer.key.kind());
                (message, who)
            }
            _ => (
                message::plain(Kind::Conveyed, content.as_bytes())?,
                String::from("nobody has signed it: only devices that trust the server believe it"),
            ),
        };
        let mut inputs = others.to_vec();
        inputs.extend(self.signer.as_deref());
        inputs.extend(self.key.as_deref());
        output::write(&self.output, &inputs, &message)?;
        let (path, len) = (self.output.display(), message.len());
        writeln!(out, "{path}, {len} octets: conveyed information")?;
        writeln!(out, "  {who}")?;
        Ok(())
    }
}
