//! The cases of x509-limbo in `data/x509-limbo`, each with all algorithms and with P-256 alone.

use netboot_x509::{
    DEFAULT_ALGORITHMS, MAX_DEPTH, P256_SHA256, Role, ServerName, TimePolicy, Trust, TrustPolicy,
    VerifyError, verify_server,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use serde::Deserialize;

#[derive(Deserialize)]
struct Limbo {
    testcases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    features: Vec<String>,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: Expected,
    expected_peer_name: Option<PeerName>,
    max_chain_depth: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Expected {
    Success,
    Failure,
}

#[derive(Deserialize)]
struct PeerName {
    value: String,
}

fn cases() -> Vec<Case> {
    let limbo: Limbo = serde_json::from_str(include_str!("../data/x509-limbo/limbo.json"))
        .expect("limbo's format");
    limbo.testcases
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM")
}

/// `2024-03-01T00:00:00+00:00` in Unix time; limbo's fractions are cut off.
fn unix(text: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().expect("digits");
    assert!(text.ends_with("+00:00"), "{text}");
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    // Days from civil, with years that begin in March.
    let (y, m) = (year - i64::from(month <= 2), (month + 9) % 12);
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let seconds = number(11..13) * 3600 + number(14..16) * 60 + number(17..19);
    u64::try_from(days * 86_400 + seconds).expect("after 1970")
}

/// Limbo's "now", where a case has none: the suite's certificates are valid then.
const NOW: u64 = 1_750_000_000;

fn judge(
    case: &Case,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
) -> Result<(), VerifyError> {
    let roots: Vec<_> = case.trusted_certs.iter().map(|pem| der(pem)).collect();
    let roots: Vec<&[u8]> = roots.iter().map(AsRef::as_ref).collect();
    let chain: Vec<_> = [&case.peer_certificate]
        .into_iter()
        .chain(&case.untrusted_intermediates)
        .map(|pem| der(pem))
        .collect();
    let chain: Vec<&[u8]> = chain.iter().map(AsRef::as_ref).collect();
    // A case for clients has no name of a server.
    let host = case.expected_peer_name.as_ref();
    let host = host.map_or("client.example.com", |name| &name.value);
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &roots,
            keys: &[],
        },
        time: TimePolicy::Trusted(case.validation_time.as_deref().map_or(NOW, unix)),
        algorithms,
        max_depth: case.max_chain_depth.unwrap_or(MAX_DEPTH).min(MAX_DEPTH),
    };
    verify_server(&chain, &ServerName::from_host(host)?, &trust).map(|_| ())
}

/// Inputs of cases that [`verify_server`] does not take: without them there is nothing to be refused in these.
/// A ROM has no way to get a revocation list.
const NO_SUCH_INPUT: [(&str, &str); 3] = [
    ("crl::crlnumber-critical", "has-crl"),
    ("crl::crlnumber-missing", "has-crl"),
    ("crl::revoked-certificate-with-crl", "has-crl"),
];

/// Cases that may be accepted and are refused: our error and the reason.
const STRICTER: [(&str, VerifyError, &str); 9] = [
    (
        "cve::cve-2024-0567",
        VerifyError::TooManyCertificates,
        "ten certificates; at most eight may be presented",
    ),
    (
        "pathlen::validation-ignores-pathlen-in-leaf",
        VerifyError::CaAsLeaf,
        "a CA is no server (Baseline Requirements 7.1.2.7.8)",
    ),
    (
        "rfc5280::ca-as-leaf",
        VerifyError::CaAsLeaf,
        "a CA is no server; the same chain has to be refused in webpki::ca-as-leaf",
    ),
    (
        "rfc5280::eku::ee-without-eku",
        VerifyError::WrongUsage(Role::Leaf),
        "serverAuth is asked for; the same chain has to be refused in webpki::eku::ee-without-eku",
    ),
    (
        "rfc5280::nc::nc-permits-email-exact",
        VerifyError::WrongName,
        CLIENT,
    ),
    (
        "rfc5280::nc::nc-permits-email-literal-asterisk-exact-match",
        VerifyError::WrongName,
        CLIENT,
    ),
    (
        "rfc5280::nc::nc-permits-email-literal-mid-asterisk",
        VerifyError::WrongName,
        CLIENT,
    ),
    (
        "webpki::cryptographydotio-chain",
        VerifyError::RsaOnly,
        "RSA",
    ),
    (
        "webpki::nc::permitted-dns-match-noncritical",
        VerifyError::WrongCriticality(Role::Root),
        "RFC 5280 4.2.1.10: name constraints are critical; the Baseline Requirements tolerate others",
    ),
];

const CLIENT: &str = "a client's certificate, which is none of a server";

fn run(name: &str, algorithms: &[&dyn SignatureVerificationAlgorithm]) {
    let cases = cases();
    let (mut agree, mut accepted) = (0, 0);
    let mut wrong = Vec::new();
    for case in &cases {
        let result = judge(case, algorithms);
        accepted += usize::from(result.is_ok());
        if result.is_ok() == (case.expected_result == Expected::Success) {
            agree += 1;
            continue;
        }
        let id = case.id.as_str();
        let reason = match result {
            Ok(()) => NO_SUCH_INPUT
                .iter()
                .find(|(known, _)| *known == id)
                .filter(|(_, feature)| case.features.iter().any(|has| has == feature))
                .map(|(_, feature)| format!("accepted: no input for {feature}")),
            Err(error) => STRICTER
                .iter()
                .find(|(known, expected, _)| *known == id && *expected == error)
                .map(|(_, _, reason)| format!("refused ({error}): {reason}")),
        };
        match reason {
            Some(reason) => println!("{name}: {id}: {reason}"),
            None => wrong.push(format!("{id}: {result:?}")),
        }
    }
    let listed = NO_SUCH_INPUT.len() + STRICTER.len();
    println!(
        "{name}: {agree} of {} agree, {accepted} are accepted",
        cases.len()
    );
    assert!(wrong.is_empty(), "not in the tables: {wrong:#?}");
    assert_eq!(agree + listed, cases.len(), "a table lists what agrees");
    assert_eq!(cases.len(), 130);
}

#[test]
fn with_all_algorithms() {
    run("P-256 and P-384", DEFAULT_ALGORITHMS);
}

/// As without feature `p384`.
#[test]
fn with_p256_alone() {
    run("P-256", &[P256_SHA256]);
}

/// The reasons of refusals, where the case is about one and it is in the chain.
#[test]
fn refusals_name_their_cause() {
    use VerifyError as E;
    let cases = cases();
    for (id, expected) in [
        ("cve::cve-2025-61727", E::NameConstraint),
        ("invalid::invalid-issuer-key", E::BadSignature),
        ("pathlen::intermediate-pathlen-too-long", E::PathTooLong),
        ("pathological::nc-dos-2", E::BudgetExceeded),
        (
            "rfc5280::aki::critical-aki",
            E::UnknownCriticalExtension(Role::Root),
        ),
        (
            "rfc5280::aki::leaf-missing-aki",
            E::NoKeyIdentifier(Role::Leaf),
        ),
        (
            "rfc5280::ski::intermediate-missing-ski",
            E::NoKeyIdentifier(Role::Issuer),
        ),
        ("rfc5280::chain-untrusted-root", E::UnknownIssuer),
        (
            "rfc5280::duplicate-extensions",
            E::BadCertificate(Role::Leaf),
        ),
        ("rfc5280::eku::ee-eku-empty", E::WrongUsage(Role::Leaf)),
        ("rfc5280::nc::excluded-self-issued-leaf", E::NameConstraint),
        (
            "rfc5280::root-missing-basic-constraints",
            E::NotACa(Role::Root),
        ),
        (
            "rfc5280::unknown-critical-extension-intermediate",
            E::UnknownCriticalExtension(Role::Issuer),
        ),
        (
            "rfc5280::validity::expired-1-second",
            E::Expired(Role::Leaf),
        ),
        ("rfc5280::validity::expired-root", E::Expired(Role::Root)),
        (
            "rfc5280::validity::notbefore-fractional",
            E::NotYetValid(Role::Leaf),
        ),
        ("webpki::ee-basicconstraints-ca", E::CaAsLeaf),
        ("webpki::forbidden-weak-rsa-in-leaf", E::RsaOnly),
        ("webpki::forbidden-dsa-leaf", E::UnsupportedKey),
        ("webpki::forbidden-p192-root", E::UnsupportedSignature),
        (
            "webpki::san::public-suffix-multi-label-wildcard-san",
            E::BroadWildcard,
        ),
        ("webpki::san::no-san", E::WrongName),
    ] {
        let case = cases.iter().find(|case| case.id == id).expect(id);
        assert_eq!(judge(case, DEFAULT_ALGORITHMS), Err(expected), "{id}");
    }
}
