//! What the ROM trusts, from the file that `NETBOOT_TRUST` names: certificates in PEM, and pins, one a line, as
//! `sha256/` and the base64 of the SHA-256 of a SubjectPublicKeyInfo (the form of RFC 7469 and of curl).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// Writes `trust.rs`: `ROOTS`, `KEYS` and `FLOOR`.
pub fn write(out: &Path) {
    println!("cargo:rerun-if-env-changed=NETBOOT_TRUST");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let text = match env::var("NETBOOT_TRUST") {
        Ok(path) => {
            println!("cargo:rerun-if-changed={path}");
            fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("NETBOOT_TRUST={path}: {error}"))
        }
        Err(_) => {
            println!("cargo:warning=NETBOOT_TRUST is not set: this ROM refuses every HTTPS server");
            String::new()
        }
    };
    let mut source = String::from("pub const ROOTS: &[&[u8]] = &[");
    for root in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let root = root.unwrap_or_else(|error| panic!("NETBOOT_TRUST: {error}"));
        write!(source, "&{:?},", root.as_ref()).expect("a string");
    }
    source += "];\npub const KEYS: &[[u8; 32]] = &[";
    let pins = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("sha256/"));
    for pin in pins {
        let octets = BASE64_STANDARD.decode(pin.trim());
        let key: [u8; 32] = octets
            .ok()
            .and_then(|octets| octets.try_into().ok())
            .unwrap_or_else(|| panic!("NETBOOT_TRUST: sha256/{pin} is no SHA-256 in base64"));
        write!(source, "{key:?},").expect("a string");
    }
    source += "];\n";
    // A build that wants to be reproducible says when it is (reproducible-builds.org).
    let floor = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    writeln!(source, "pub const FLOOR: Option<u64> = {floor:?};").expect("a string");
    fs::write(out.join("trust.rs"), source).expect("OUT_DIR is writable");
}
