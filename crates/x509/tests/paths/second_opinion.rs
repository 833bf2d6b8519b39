//! OpenSSL judges the same chains.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::pki::{Ca, NOW, judge_as, key_of};
use netboot_x509::VerifyError as E;
use netboot_x509::{Role, TimePolicy};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P384_SHA384, date_time_ymd,
};
use tempfile::TempDir;

/// A chain and what we think of it.
struct Opinion {
    what: &'static str,
    host: &'static str,
    /// Server first.
    chain: Vec<Vec<u8>>,
    root: Vec<u8>,
    ours: Option<E>,
}

fn names(names: &[&str]) -> impl FnOnce(&mut CertificateParams) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
    move |leaf| leaf.subject_alt_names = CertificateParams::new(names).unwrap().subject_alt_names
}

/// Root, one CA, server.
fn chain(
    what: &'static str,
    host: &'static str,
    ours: Option<E>,
    ca: impl FnOnce(&mut CertificateParams),
    leaf: impl FnOnce(&mut CertificateParams),
) -> Opinion {
    let root = Ca::root();
    let sub = root.sub("sub", ca);
    let leaf = sub.leaf_with(leaf);
    Opinion {
        what,
        host,
        chain: vec![leaf.der, sub.der],
        root: root.der,
        ours,
    }
}

fn opinions() -> Vec<Opinion> {
    let boot = "boot.example.com";
    let constrained = |permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>| {
        move |ca: &mut CertificateParams| {
            ca.name_constraints = Some(NameConstraints {
                permitted_subtrees: permitted,
                excluded_subtrees: excluded,
            })
        }
    };
    let dns = |name: &str| GeneralSubtree::DnsName(name.into());
    let no_ca = |ca: &mut CertificateParams| ca.is_ca = IsCa::ExplicitNoCa;
    let mut all = vec![
        chain("plain", boot, None, |_| {}, |_| {}),
        chain(
            "a wildcard",
            "a.example.com",
            None,
            |_| {},
            names(&["*.example.com"]),
        ),
        chain(
            "an address",
            "192.0.2.1",
            None,
            |_| {},
            names(&["192.0.2.1"]),
        ),
        chain(
            "an IPv6 address",
            "2001:db8::1",
            None,
            |_| {},
            names(&["a.example.com", "2001:db8::1"]),
        ),
        chain(
            "five names",
            "e.example.com",
            None,
            |_| {},
            names(&[
                "a.example.com",
                "b.example.com",
                "c.example.com",
                "d.example.com",
                "e.example.com",
            ]),
        ),
        chain(
            "within name constraints",
            boot,
            None,
            constrained(vec![dns("example.com")], vec![dns("evil.example.com")]),
            |_| {},
        ),
        chain(
            "an address within name constraints",
            "10.1.2.3",
            None,
            constrained(
                vec![GeneralSubtree::IpAddress(CidrSubnet::V4(
                    [10, 0, 0, 0],
                    [255, 0, 0, 0],
                ))],
                vec![],
            ),
            names(&["10.1.2.3"]),
        ),
        chain(
            "pathLen 0",
            boot,
            None,
            |ca| ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)),
            |_| {},
        ),
        chain(
            "no key usage in the server's",
            boot,
            None,
            |_| {},
            |leaf| leaf.key_usages.clear(),
        ),
        chain(
            "another name",
            "other.example.com",
            Some(E::WrongName),
            |_| {},
            |_| {},
        ),
        chain(
            "a wildcard over two labels",
            "a.b.example.com",
            Some(E::WrongName),
            |_| {},
            names(&["*.example.com"]),
        ),
        chain(
            "another address",
            "192.0.2.2",
            Some(E::WrongName),
            |_| {},
            names(&["192.0.2.1"]),
        ),
        chain(
            "expired server",
            boot,
            Some(E::Expired(Role::Leaf)),
            |_| {},
            |leaf| leaf.not_after = date_time_ymd(2024, 1, 1),
        ),
        chain(
            "expired CA",
            boot,
            Some(E::Expired(Role::Issuer)),
            |ca| ca.not_after = date_time_ymd(2024, 1, 1),
            |_| {},
        ),
        chain("no CA", boot, Some(E::NotACa(Role::Issuer)), no_ca, |_| {}),
        chain(
            "a CA that may not sign",
            boot,
            Some(E::WrongKeyUsage(Role::Issuer)),
            |ca| ca.key_usages = vec![KeyUsagePurpose::CrlSign],
            |_| {},
        ),
        chain(
            "a client",
            boot,
            Some(E::WrongUsage(Role::Leaf)),
            |_| {},
            |leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        ),
        chain(
            "outside name constraints",
            boot,
            Some(E::NameConstraint),
            constrained(vec![dns("example.org")], vec![]),
            |_| {},
        ),
        chain(
            "excluded name",
            boot,
            Some(E::NameConstraint),
            constrained(vec![], vec![dns("example.com")]),
            |_| {},
        ),
    ];
    let root = Ca::root();
    let one = root.sub("one", |ca| {
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0))
    });
    let two = one.sub("two", |_| {});
    all.push(Opinion {
        what: "pathLen exceeded",
        host: boot,
        chain: vec![two.leaf().der, two.der, one.der],
        root: root.der,
        ours: Some(E::PathTooLong),
    });
    let root = Ca::self_signed(key_of(&PKCS_ECDSA_P384_SHA384), |_| {});
    let one = root.sub_of(key_of(&PKCS_ECDSA_P384_SHA384), "one", |_| {});
    let two = one.sub("two", |_| {});
    all.push(Opinion {
        what: "P-384 above P-256, three CAs",
        host: boot,
        chain: vec![two.leaf().der, two.der, one.der],
        root: root.der,
        ours: None,
    });
    let root = Ca::root();
    let mut leaf = root.leaf().der;
    *leaf.last_mut().unwrap() ^= 1;
    all.push(Opinion {
        what: "wrong signature",
        host: boot,
        chain: vec![leaf],
        root: root.der,
        ours: Some(E::BadSignature),
    });
    all.push(Opinion {
        what: "another root of the same name",
        host: boot,
        chain: vec![Ca::root().leaf().der],
        root: Ca::root().der,
        ours: Some(E::BadSignature),
    });
    all
}

fn openssl(directory: &Path, opinion: &Opinion) -> std::io::Result<Output> {
    let pem = |name: &str, certificates: &[Vec<u8>]| {
        let path = directory.join(name);
        let text: String = certificates.iter().map(|der| pem_of(der)).collect();
        fs::write(&path, text).map(|()| path)
    };
    let root = pem("root.pem", std::slice::from_ref(&opinion.root))?;
    let leaf = pem("leaf.pem", &opinion.chain[..1])?;
    let others = pem("others.pem", &opinion.chain[1..])?;
    let by = match opinion.host.parse::<std::net::IpAddr>() {
        Ok(_) => "-verify_ip",
        Err(_) => "-verify_hostname",
    };
    let mut command = Command::new("openssl");
    command
        .args(["verify", "-x509_strict", "-purpose", "sslserver"])
        .args(["-no-CAfile", "-no-CApath", "-no-CAstore"])
        .args(["-attime", &NOW.to_string(), by, opinion.host])
        .arg("-CAfile")
        .arg(root);
    if opinion.chain.len() > 1 {
        command.arg("-untrusted").arg(others);
    }
    command.arg(leaf).output()
}

fn pem_of(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let octet = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
            let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
            for digit in 0..4 {
                let used = digit <= group.len();
                let index = (bits >> (18 - 6 * digit) & 63) as usize;
                text.push(if used { char::from(DIGITS[index]) } else { '=' });
            }
        }
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

#[test]
fn openssl_agrees() {
    let version = Command::new("openssl").arg("version").output();
    let version = match version {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_string(),
        Err(error) => {
            println!("NOT RUN: a second opinion on certificates needs openssl: {error}");
            assert!(std::env::var_os("CI").is_none(), "in CI it has to run");
            return;
        }
    };
    let directory = TempDir::new().unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for opinion in opinions() {
        let what = opinion.what;
        let chain: Vec<&[u8]> = opinion.chain.iter().map(Vec::as_slice).collect();
        let time = TimePolicy::Trusted(NOW);
        let ours = judge_as(opinion.host, &chain, &[&opinion.root], time).err();
        assert_eq!(ours, opinion.ours, "{what}");
        let output = openssl(directory.path(), &opinion).unwrap();
        let theirs = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.success(),
            ours.is_none(),
            "{what}: ours {ours:?}, openssl: {theirs}"
        );
        match ours {
            None => accepted += 1,
            Some(_) => refused += 1,
        }
    }
    println!("{version}: {accepted} accepted and {refused} refused by both");
    assert!(accepted > 8 && refused > 8);
}
