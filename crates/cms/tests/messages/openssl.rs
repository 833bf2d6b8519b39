//! OpenSSL, which makes messages and judges them.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustls_pki_types::CertificateDer;
use tempfile::TempDir;
use test_pki::{Identity, pem_of};

/// Runs `openssl` in a folder.
fn run(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is installed");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// PEM of certificates.
fn pem<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> String {
    let certificates = certificates.into_iter();
    certificates
        .map(|der| pem_of(&CertificateDer::from(der)))
        .collect()
}

/// What signers sign, in DER, with more arguments for `openssl cms -sign -binary`.
pub fn sign(signers: &[&Identity], content: &[u8], arguments: &[&str]) -> Vec<u8> {
    test_pki::sign(signers, content, arguments).unwrap()
}

/// What signers sign, with the content in the message.
pub fn attached(signer: &Identity, arguments: &[&str]) -> Vec<u8> {
    let all = [&["-nodetach"], arguments].concat();
    sign(&[signer], crate::people::CONTENT, &all)
}

/// `SignedData` without a signer.
pub fn degenerate(certificates: &[&[u8]]) -> Vec<u8> {
    test_pki::sztp::certificates_only(certificates).unwrap()
}

/// The message in DER, whatever its lengths were.
pub fn to_der(message: &[u8]) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("ber"), message).unwrap();
    let arguments = ["cms", "-cmsout", "-inform", "DER", "-in", "ber"];
    let out = ["-outform", "DER", "-out", "der"];
    run(folder.path(), &[&arguments[..], &out].concat()).unwrap();
    fs::read(folder.path().join("der")).unwrap()
}

/// OpenSSL's opinion of a message, with these roots, and with content that is not in it; `Ok` has the content.
pub fn verify(
    message: &[u8],
    content: Option<&[u8]>,
    roots: &[Vec<u8>],
    certificates: &[Vec<u8>],
) -> Result<Vec<u8>, String> {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("message"), message).unwrap();
    fs::write(at.join("roots.pem"), pem(roots.iter().map(Vec::as_slice))).unwrap();
    let mut all = vec!["cms", "-verify", "-binary", "-inform", "DER"];
    all.extend(["-in", "message", "-CAfile", "roots.pem", "-out", "found"]);
    // The time of `people::NOW`. A root here may be any certificate that is pinned.
    all.extend(["-purpose", "any", "-partial_chain"]);
    all.extend(["-attime", "1735689600"]);
    if let Some(content) = content {
        fs::write(at.join("content"), content).unwrap();
        all.extend(["-content", "content"]);
    }
    if !certificates.is_empty() {
        let text = pem(certificates.iter().map(Vec::as_slice));
        fs::write(at.join("more.pem"), text).unwrap();
        all.extend(["-certfile", "more.pem"]);
    }
    run(at, &all)?;
    Ok(fs::read(at.join("found")).unwrap())
}
