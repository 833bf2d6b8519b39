//! Messages that are signed by `openssl cms` (RFC 5652).

use crate::identity::{Identity, pem_of};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// What `signers` sign, in DER, with more arguments for `openssl cms -sign -binary`. The content is not in the message, unless the arguments say so.
///
/// # Errors
/// When OpenSSL is not installed, or does not sign.
pub fn sign(signers: &[&Identity], content: &[u8], arguments: &[&str]) -> Result<Vec<u8>> {
    let folder = TempDir::new()?;
    let at = folder.path();
    fs::write(at.join("content"), content)?;
    let mut command = Command::new("openssl");
    command
        .args("cms -sign -binary -in content -out message -outform DER".split(' '))
        .current_dir(at);
    let mut cas = String::new();
    for (number, signer) in signers.iter().enumerate() {
        let (own, others) = signer.chain.split_first().context("a signer's chain")?;
        let (certificate, key) = (format!("{number}.pem"), format!("{number}.key"));
        fs::write(at.join(&certificate), pem_of(own))?;
        fs::write(at.join(&key), signer.key_pem())?;
        let others: String = others.iter().map(pem_of).collect();
        if !cas.contains(&others) {
            cas += &others;
        }
        command.args(["-signer", &certificate, "-inkey", &key]);
    }
    if !cas.is_empty() && !arguments.contains(&"-nocerts") {
        fs::write(at.join("cas.pem"), cas)?;
        command.args(["-certfile", "cas.pem"]);
    }
    let output = command
        .args(arguments)
        .output()
        .context("cannot run openssl")?;
    ensure!(
        output.status.success(),
        "openssl: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(fs::read(at.join("message"))?)
}
