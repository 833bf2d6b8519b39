//! The files that an operator has.

use anyhow::{Context, Result, bail, ensure};
use netboot_core::base64;
use netboot_core::digest::hex_pair;
use std::fs;
use std::path::Path;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let octets = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(!octets.is_empty(), "{} is empty", path.display());
    Ok(octets)
}

/// A message in DER, whether the file has it as it is, as PEM, or as base64.
pub fn message(octets: &[u8]) -> Result<Vec<u8>> {
    if octets.first() == Some(&0x30) && octets.get(1).is_some_and(|length| !length.is_ascii()) {
        return Ok(octets.to_vec());
    }
    if octets.trim_ascii_start().starts_with(b"-----BEGIN ") {
        return Ok(pem::parse(octets)
            .context("the PEM is damaged")?
            .into_contents());
    }
    let mut text = octets.to_vec();
    match base64::decode_in_place(&mut text) {
        Some(len) => {
            text.truncate(len);
            Ok(text)
        }
        // A short message has a length of one octet.
        None if octets.first() == Some(&0x30) => Ok(octets.to_vec()),
        None => bail!("it is neither JSON nor a message in DER, PEM or base64"),
    }
}

/// Certificates in DER, from a file with one in DER or any number in PEM. A private key in it is left alone.
pub fn certificates(path: &Path) -> Result<Vec<Vec<u8>>> {
    let octets = read(path)?;
    if octets.first() == Some(&0x30) {
        return Ok(vec![octets]);
    }
    let sections = pem::parse_many(&octets);
    let sections = sections.with_context(|| format!("the PEM in {} is damaged", path.display()))?;
    let certificates = sections
        .into_iter()
        .filter(|one| one.tag() == "CERTIFICATE");
    let all: Vec<_> = certificates.map(pem::Pem::into_contents).collect();
    ensure!(
        !all.is_empty(),
        "{} has no certificate in it (DER, or PEM with BEGIN CERTIFICATE)",
        path.display()
    );
    Ok(all)
}

/// The octets that hexadecimal digits stand for.
pub fn hex(text: &str) -> Result<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let octets = pairs.iter().map(|[high, low]| hex_pair(*high, *low));
    let octets: Option<_> = octets.collect();
    octets
        .filter(|_| rest.is_empty())
        .context("hexadecimal digits are needed, two for each octet")
}
