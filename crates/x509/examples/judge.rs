//! Judges a server's certificates in PEM files as a ROM would, and says what is wrong with them.
//!
//! `cargo run -p netboot-x509 --features p384 --example judge -- HOST ROOT.pem CHAIN.pem [UNIX-TIME]`
//!
//! CHAIN.pem holds the certificates that the server presents, its own first. Without a time the policy is that of a ROM
//! that does not know the time.

use netboot_core::Coded;
use netboot_x509::{
    DEFAULT_ALGORITHMS, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy, verify_server,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::error::Error;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (host, root, chain, time) = match words.as_slice() {
        [host, root, chain] => (host, root, chain, TimePolicy::None),
        [host, root, chain, time] => (host, root, chain, TimePolicy::Trusted(time.parse()?)),
        _ => return Err("usage: judge HOST ROOT.pem CHAIN.pem [UNIX-TIME]".into()),
    };
    let root = CertificateDer::from_pem_file(root)?;
    let chain = CertificateDer::pem_file_iter(chain)?.collect::<Result<Vec<_>, _>>()?;
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &[&root],
            keys: &[],
        },
        time,
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    match verify_server(&chain, &ServerName::from_host(host)?, &trust) {
        Ok(key) => {
            let pin: String = key
                .spki_sha256()
                .iter()
                .map(|o| format!("{o:02x}"))
                .collect();
            println!("{host} is believed; the SHA-256 of its key, for a pin, is {pin}");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let blame = error.blame().as_str();
            println!(
                "{host} is refused: {error} ({:#010x}, blame: {blame})",
                error.code()
            );
            Ok(ExitCode::FAILURE)
        }
    }
}
