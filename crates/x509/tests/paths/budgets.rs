//! What a server may make the client compute: each product of two lists is counted before the work is done.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::pki::{Ca, NAME, NOW};
use netboot_x509::{
    MAX_ALGORITHMS, MAX_CERTIFICATES, MAX_DEPTH, MAX_ROOTS, P256_SHA256, ServerName, TimePolicy,
    Trust, TrustPolicy, VerifyError as E, verify_server,
};
use rcgen::{CertificateParams, GeneralSubtree, NameConstraints, PublicKeyData as _};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// P-256, and how often it was used.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl SignatureVerificationAlgorithm for Counting {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.0.fetch_add(1, Ordering::Relaxed);
        P256_SHA256.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        P256_SHA256.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        P256_SHA256.signature_alg_id()
    }
}

/// The verdict, and how many signatures it took.
fn judge(chain: &[&[u8]], roots: &[&[u8]]) -> (Option<E>, usize) {
    let counting = Counting::default();
    let trust = Trust {
        policy: TrustPolicy::Pinned { roots, keys: &[] },
        time: TimePolicy::Trusted(NOW),
        algorithms: &[&counting],
        max_depth: MAX_DEPTH,
    };
    let verdict = verify_server(chain, &ServerName::Dns(NAME), &trust).err();
    (verdict, counting.0.load(Ordering::Relaxed))
}

/// A value of DER.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap();
    let length = match length {
        0..=0x7F => vec![length as u8],
        0x80..=0xFF => vec![0x81, length as u8],
        _ => [&[0x82][..], &length.to_be_bytes()].concat(),
    };
    [&[tag][..], &length, &content].concat()
}

/// A server's certificate with these common names and DNS names, that nobody has signed.
fn leaf(common: &[&str], names: &[&str]) -> Vec<u8> {
    let algorithm = der(
        0x30,
        &[&der(6, &[&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2]])],
    );
    let attribute = |text: &&str| {
        let text = der(0x0C, &[text.as_bytes()]);
        der(0x31, &[&der(0x30, &[&der(6, &[&[0x55, 4, 3]]), &text])])
    };
    let subject: Vec<u8> = common.iter().flat_map(attribute).collect();
    let names: Vec<u8> = names
        .iter()
        .flat_map(|name| der(0x82, &[name.as_bytes()]))
        .collect();
    let extension = |id: &[u8], value: Vec<u8>| der(0x30, &[&der(6, &[id]), &der(4, &[&value])]);
    let server = [0x2B, 6, 1, 5, 5, 7, 3, 1];
    let extensions = [
        extension(&[0x55, 0x1D, 17], der(0x30, &[&names])),
        extension(&[0x55, 0x1D, 35], der(0x30, &[&der(0x80, &[&[1; 20]])])),
        extension(&[0x55, 0x1D, 37], der(0x30, &[&der(6, &[&server])])),
    ]
    .concat();
    let key = crate::pki::key_of(&rcgen::PKCS_ECDSA_P256_SHA256).subject_public_key_info();
    let tbs = der(
        0x30,
        &[
            &der(0xA0, &[&[2, 1, 2]]),
            &[2, 1, 1],
            &algorithm,
            &der(0x30, &[&attribute(&"nobody")]),
            &der(
                0x30,
                &[
                    &der(0x17, &[b"200101000000Z"]),
                    &der(0x17, &[b"491231000000Z"]),
                ],
            ),
            &der(0x30, &[&subject]),
            &key,
            &der(0xA3, &[&der(0x30, &[&extensions])]),
        ],
    );
    der(0x30, &[&tbs, &algorithm, &der(3, &[&[0; 9]])])
}

#[test]
fn common_names_times_alternative_names() {
    let root = Ca::root();
    let common = |count| vec!["a.b"; count];
    let names = |count| [&[NAME][..], &vec!["c.d"; count], &["a.b"]].concat();
    for (common, names, error) in [
        // What an honest one has.
        (common(1), names(100), E::UnknownIssuer),
        (common(1), names(3_950), E::UnknownIssuer),
        // The work of 41 signatures in one piece, had it been done.
        (common(610), names(3_950), E::BudgetExceeded),
        (common(5), names(3_950), E::BudgetExceeded),
        (common(1_000), names(100), E::BudgetExceeded),
    ] {
        let leaf = leaf(&common, &names);
        let (verdict, signatures) = judge(&[&leaf], &[&root.der]);
        assert_eq!(verdict, Some(error), "{} {}", common.len(), names.len());
        assert_eq!(signatures, 0);
    }
}

/// So many constraints in the CA or the root, and so many names in the server's certificate.
fn constrained(of_root: bool, constraints: usize, names: usize) -> (Option<E>, usize) {
    let constrain = |ca: &mut CertificateParams| {
        let subtree = |number| GeneralSubtree::DnsName(format!("n{number}.example"));
        ca.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![],
            excluded_subtrees: (0..constraints).map(subtree).collect(),
        });
    };
    let keep = |_: &mut CertificateParams| {};
    let root = match of_root {
        true => Ca::root_with(constrain),
        false => Ca::root_with(keep),
    };
    let sub = match of_root {
        true => root.sub("sub", keep),
        false => root.sub("sub", constrain),
    };
    let leaf = sub.leaf_with(|leaf| {
        let more = (1..names).map(|number| format!("h{number}.example.com"));
        let all: Vec<_> = [NAME.to_string()].into_iter().chain(more).collect();
        leaf.subject_alt_names = CertificateParams::new(all).unwrap().subject_alt_names;
    });
    judge(&[&leaf.der, &sub.der], &[&root.der])
}

#[test]
fn name_constraints_times_names() {
    for of_root in [false, true] {
        assert_eq!(constrained(of_root, 100, 100), (None, 2));
        assert_eq!(constrained(of_root, 3, 2_000), (None, 2));
        for (constraints, names) in [(200, 100), (1_000, 20), (10, 2_000)] {
            let found = constrained(of_root, constraints, names);
            assert_eq!(found, (Some(E::BudgetExceeded), 0), "{constraints} {names}");
        }
    }
}

#[test]
fn signatures_when_all_roots_have_one_name() {
    let roots: Vec<_> = (0..MAX_ROOTS).map(|_| Ca::root()).collect();
    let ders: Vec<&[u8]> = roots.iter().map(|root| &root.der[..]).collect();
    // Seven CAs of one name that a namesake of the roots has signed: each has to be tried with each root.
    let stranger = Ca::root();
    let cas: Vec<_> = (1..MAX_CERTIFICATES)
        .map(|_| stranger.sub("ca", |_| {}))
        .collect();
    let leaf = cas[0].leaf();
    let mut chain = vec![&leaf.der[..]];
    chain.extend(cas.iter().map(|ca| &ca.der[..]));
    assert_eq!(judge(&chain, &ders), (Some(E::BudgetExceeded), 16));
}

/// The most that an honest server needs: the deepest path, to the last of eight roots of one name.
#[test]
fn the_deepest_path_to_the_last_namesake() {
    let roots: Vec<_> = (0..MAX_ROOTS).map(|_| Ca::root()).collect();
    let ders: Vec<&[u8]> = roots.iter().map(|root| &root.der[..]).collect();
    let mut cas = vec![roots[MAX_ROOTS - 1].sub("0", |_| {})];
    for name in ["1", "2", "3", "4", "5"] {
        let next = cas.last().unwrap().sub(name, |_| {});
        cas.push(next);
    }
    let leaf = cas.last().unwrap().leaf();
    let mut chain = vec![&leaf.der[..]];
    chain.extend(cas.iter().map(|ca| &ca.der[..]));
    assert_eq!(judge(&chain, &ders), (None, 14));
}

#[test]
fn algorithms_that_are_too_many() {
    let root = Ca::root();
    let leaf = root.leaf();
    let judge = |count| {
        let algorithms = vec![P256_SHA256; count];
        let trust = Trust {
            policy: TrustPolicy::Learnt(&root.der),
            time: TimePolicy::None,
            algorithms: &algorithms,
            max_depth: MAX_DEPTH,
        };
        verify_server(&[&leaf.der], &ServerName::Dns(NAME), &trust).err()
    };
    assert_eq!(judge(MAX_ALGORITHMS), None);
    assert_eq!(judge(MAX_ALGORITHMS + 1), Some(E::TooMuchTrust));
}
