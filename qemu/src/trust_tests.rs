//! What a file for `NETBOOT_TRUST` may have in it, and how each wrong one is refused.

use crate::trust::{Trusted, read};
use test_pki::{KeyKind, Pki};

const PIN: &str = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn root(seed: u64) -> String {
    Pki::new(seed).root_pem().unwrap()
}

/// A certificate with a key of this kind. What the key may do does not matter here.
fn of_kind(kind: KeyKind) -> String {
    let pki = Pki::new(1).with_keys(kind);
    pki.server(&["images.example"]).unwrap().chain_pem()
}

fn refused(file: impl AsRef<[u8]>) -> String {
    let fault = read(file.as_ref()).expect_err("a file that is refused");
    assert_eq!(fault.lines().count(), 1, "{fault}");
    fault
}

#[test]
fn roots_and_pins_are_read() {
    let text = format!(
        "The owner's:\n{}\n# the server's key\n  {PIN}\n{}",
        root(1),
        root(2)
    );
    let trusted = read(text.as_bytes()).unwrap();
    assert_eq!(
        trusted.roots,
        [1, 2].map(|seed| Pki::new(seed).root().unwrap().to_vec())
    );
    assert_eq!(trusted.keys.len(), 1);
    assert_eq!(trusted.keys[0][..4], [0xE3, 0xB0, 0xC4, 0x42]);
}

#[test]
fn a_pin_as_curl_writes_it_is_the_same() {
    let curl = PIN.replace("sha256/", "sha256//");
    assert_eq!(read(curl.as_bytes()), read(PIN.as_bytes()));
    // A digest may begin with a slash, too.
    let slash = "sha256//7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    assert_eq!(read(slash.as_bytes()).unwrap().keys[0][0], 0xFF);
}

#[test]
fn an_empty_file_is_refused_by_name() {
    assert!(refused("").starts_with("the file is empty"));
    assert!(refused(" \n\n").starts_with("the file is empty"));
}

#[test]
fn a_private_key_is_refused_by_name() {
    let identity = Pki::new(1).server(&["images.example"]).unwrap();
    for file in [
        identity.key_pem(),
        // Servers want both in one file.
        identity.chain_pem() + &identity.key_pem(),
        identity.key_pem().replace("PRIVATE KEY", "EC PRIVATE KEY"),
        identity
            .key_pem()
            .replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
    ] {
        assert!(refused(file).starts_with("the file has a private key in it"));
    }
}

#[test]
fn a_root_that_cannot_be_verified_is_refused_by_name() {
    for (kind, named) in [
        (KeyKind::Rsa2048, "section 1 has an RSA key"),
        (KeyKind::P384, "section 1 has a key on P-384"),
        (KeyKind::Ed25519, "section 1 has a key that is not on P-256"),
    ] {
        let fault = refused(of_kind(kind));
        assert!(fault.contains(named), "{fault}");
    }
    let second = root(1) + &of_kind(KeyKind::Rsa2048);
    assert!(refused(second).contains("section 2 has an RSA key"));
}

#[test]
fn what_is_no_pem_is_refused_by_name() {
    assert!(refused("hello").starts_with("the file is no PEM and has no pin"));
    assert!(refused(&Pki::new(1).root().unwrap()[..]).contains("-inform DER"));
    assert!(refused(root(1).replace("CERTIFICATE", "PUBLIC KEY")).contains("is a PUBLIC KEY"));
    let cut: String = root(1)
        .lines()
        .take(3)
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(refused(cut).starts_with("the PEM is damaged"));
    let other = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(refused(other).contains("section 1 is no X.509 certificate"));
    assert!(refused("sha256/AAAA").contains("sha256/AAAA is no SHA-256"));
}

#[test]
fn a_bundle_is_refused() {
    let roots = |count| (1..=count).map(root).collect::<String>();
    assert_eq!(
        read(roots(8).as_bytes()).map(|trusted| trusted.roots.len()),
        Ok(8)
    );
    assert!(refused(roots(9)).contains("9 certificates"));
    assert_ne!(read(PIN.as_bytes()), Ok(Trusted::default()));
}
