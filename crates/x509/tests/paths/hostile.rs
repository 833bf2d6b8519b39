//! Certificates that are broken in any way: never a panic, never accepted.

use std::sync::LazyLock;

use crate::pki::{Ca, NOW, judge};
use netboot_x509::fuzz::fuzz_verify;
use netboot_x509::verify_server;
use proptest::prelude::*;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// A server, two CAs, the root.
static CHAIN: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    let root = Ca::root_with(|ca| {
        ca.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("example.com".into())],
            excluded_subtrees: vec![],
        })
    });
    let one = root.sub("one", |_| {});
    let two = one.sub("two", |_| {});
    [two.leaf().der, two.der, one.der, root.der]
});

/// In the form of [`fuzz_verify`]: server first, root last.
fn input(choice: u8, certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut data = vec![choice];
    data.extend(u32::try_from(NOW).unwrap().to_be_bytes());
    for der in certificates {
        data.extend(u16::try_from(der.len()).unwrap().to_be_bytes());
        data.extend(der);
    }
    data
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn octets_changed_cut_and_copied(
        choice: u8,
        which in 0usize..4,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..4),
    ) {
        let mut chain = CHAIN.clone();
        let der = &mut chain[which];
        for (at, octet, edit) in edits {
            let at = at.index(der.len());
            match edit {
                0 => der[at] = octet,
                1 => der[at] ^= 1 << (octet & 7),
                2 => { der.remove(at); }
                _ => der.insert(at, octet),
            }
        }
        fuzz_verify(&input(choice, &chain));
        let [leaf, two, one, root] = &chain;
        let changed = chain != *CHAIN;
        // An anchor's own signature is nobody's concern; all else is signed.
        if which < 3 && changed {
            prop_assert!(judge(&[leaf, two, one], &[root]).is_err());
        }
    }

    #[test]
    fn octets_at_random(data: Vec<u8>) {
        fuzz_verify(&data);
    }
}

/// Each octet of each certificate, each bit: what is signed cannot change.
#[test]
fn no_bit_of_a_server_s_certificate_may_change() {
    let [leaf, two, one, root] = &*CHAIN;
    assert!(judge(&[leaf, two, one], &[root]).is_ok());
    let mut changed = leaf.clone();
    for at in 0..leaf.len() {
        for bit in 0..8 {
            changed[at] ^= 1 << bit;
            assert!(
                judge(&[&changed, two, one], &[root]).is_err(),
                "octet {at} bit {bit}"
            );
            changed[at] ^= 1 << bit;
        }
    }
}

/// The certificates of x509-limbo, with those of their case and with those of others.
#[test]
fn certificates_of_limbo() {
    let limbo: serde_json::Value =
        serde_json::from_str(include_str!("../data/x509-limbo/limbo.json")).unwrap();
    let mut before: Option<Vec<Vec<u8>>> = None;
    let mut count = 0;
    for case in limbo["testcases"].as_array().unwrap() {
        let list = |name: &str| case[name].as_array().unwrap().iter();
        let pems = [&case["peer_certificate"]]
            .into_iter()
            .chain(list("untrusted_intermediates").take(8))
            .chain(list("trusted_certs").take(1));
        let certificates: Vec<Vec<u8>> = pems
            .map(|pem| CertificateDer::from_pem_slice(pem.as_str().unwrap().as_bytes()).unwrap())
            .map(|der| der.to_vec())
            // One of the pathological ones is longer than a length here.
            .filter(|der| der.len() <= usize::from(u16::MAX))
            .collect();
        for choice in 0..32 {
            fuzz_verify(&input(choice, &certificates));
            if let Some(mut mixed) = before.clone() {
                mixed.truncate(4);
                mixed.extend(certificates.iter().take(4).cloned());
                fuzz_verify(&input(choice, &mixed));
            }
        }
        count += certificates.len();
        before = Some(certificates);
    }
    println!("{count} certificates");
    assert!(count > 260);
}

/// The seeds of the fuzz target whose certificates ask for too much work.
#[test]
fn seeds_that_take_too_much_work() {
    use netboot_x509::{MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy, VerifyError};
    for (name, roots) in [
        ("names-times-names", 1),
        ("constraints-times-names", 1),
        ("namesakes", 2),
    ] {
        let path = format!(
            "{}/../../fuzz/seeds/x509/{name}",
            env!("CARGO_MANIFEST_DIR")
        );
        let data = std::fs::read(path).unwrap();
        let mut certificates: Vec<&[u8]> = Vec::new();
        let mut rest = &data[5..];
        while let Some((length, tail)) = rest.split_first_chunk() {
            let (one, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
            certificates.push(one);
            rest = tail;
        }
        let (chain, roots) = certificates.split_at(certificates.len() - roots);
        let trust = Trust {
            policy: TrustPolicy::Pinned { roots, keys: &[] },
            time: TimePolicy::Trusted(NOW),
            algorithms: netboot_x509::DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        };
        let found = verify_server(chain, &ServerName::Dns(crate::pki::NAME), &trust);
        assert_eq!(found.err(), Some(VerifyError::BudgetExceeded), "{name}");
    }
}
