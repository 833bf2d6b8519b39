//! What is accepted: names, policies of time and trust, algorithms. Beside each stands what is just not.

use crate::pki::{Ca, NAME, NOW, judge, judge_as, judge_pinned, key_of, leaf_params};
use netboot_x509::{
    Curve, DEFAULT_ALGORITHMS, LeafKey, MAX_DEPTH, P256_SHA256, Role, ServerName, TimePolicy,
    Trust, TrustPolicy, VerifyError as E, leaf_key, verify_server,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, SanType, date_time_ymd,
};

const DAY: u64 = 86_400;

/// A certificate with these names, asked for a host.
fn named(names: &[&str], host: &str) -> Option<E> {
    with_names(
        |leaf| {
            let names = names.iter().map(|name| (*name).to_string());
            leaf.subject_alt_names = CertificateParams::new(names.collect::<Vec<_>>())
                .unwrap()
                .subject_alt_names;
        },
        host,
    )
}

fn with_names(edit: impl FnOnce(&mut CertificateParams), host: &str) -> Option<E> {
    let root = Ca::root();
    let leaf = root.leaf_with(edit);
    judge_as(host, &[&leaf.der], &[&root.der], TimePolicy::Trusted(NOW)).err()
}

#[test]
fn host_names() {
    for (name, host) in [
        ("boot.example.com", "boot.example.com"),
        ("boot.example.com", "BOOT.Example.COM"),
        ("boot.example.com", "boot.example.com."),
        ("bootserver", "bootserver"),
        ("*.example.com", "boot.example.com"),
        ("*.a.b.example.com", "x.a.b.example.com"),
    ] {
        assert_eq!(named(&[name], host), None, "{name} for {host}");
    }
    for (name, host) in [
        ("boot.example.com", "other.example.com"),
        ("boot.example.com", "example.com"),
        ("example.com", "boot.example.com"),
        ("*.example.com", "example.com"),
        ("*.example.com", "a.boot.example.com"),
        ("b*.example.com", "boot.example.com"),
        ("boot.*.com", "boot.example.com"),
        ("*", "bootserver"),
    ] {
        assert_eq!(
            named(&[name], host),
            Some(E::WrongName),
            "{name} for {host}"
        );
    }
    assert_eq!(
        named(&["*.com", "boot.example.com"], NAME),
        Some(E::BroadWildcard)
    );
    assert_eq!(named(&["*.co.uk"], "boot.co.uk"), Some(E::BroadWildcard));
}

#[test]
fn any_number_of_names() {
    let names: Vec<String> = (0..40).map(|n| format!("host{n}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for count in [1, 2, 3, 4, 5, 40] {
        let names = &names[..count];
        assert_eq!(named(names, names[count - 1]), None, "last of {count}");
        assert_eq!(named(names, names[0]), None, "first of {count}");
        assert_eq!(named(names, "host40.example.com"), Some(E::WrongName));
    }
}

#[test]
fn addresses() {
    assert_eq!(named(&["192.0.2.1"], "192.0.2.1"), None);
    assert_eq!(named(&["boot.example.com", "192.0.2.1"], "192.0.2.1"), None);
    assert_eq!(named(&["2001:db8::1"], "[2001:db8::1]"), None);
    assert_eq!(named(&["2001:db8::1"], "2001:db8:0::1"), None);
    for (name, host) in [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::2"),
        ("boot.example.com", "192.0.2.1"),
        ("192.0.2.1", "boot.example.com"),
    ] {
        assert_eq!(
            named(&[name], host),
            Some(E::WrongName),
            "{name} for {host}"
        );
    }
    // An address as a host name is none.
    let text = |leaf: &mut CertificateParams| {
        leaf.subject_alt_names = vec![SanType::DnsName("192.0.2.1".try_into().unwrap())];
    };
    assert_eq!(with_names(text, "192.0.2.1"), Some(E::WrongName));
}

#[test]
fn a_common_name_is_no_name() {
    let common = |text: &'static str, names: &'static [&'static str]| {
        move |leaf: &mut CertificateParams| {
            let names = names.iter().map(|name| (*name).to_string());
            leaf.subject_alt_names = CertificateParams::new(names.collect::<Vec<_>>())
                .unwrap()
                .subject_alt_names;
            leaf.distinguished_name
                .push(DnType::CommonName, DnValue::Utf8String(text.into()));
        }
    };
    assert_eq!(with_names(common(NAME, &[]), NAME), Some(E::WrongName));
    assert_eq!(
        with_names(common(NAME, &["other.example.com"]), NAME),
        Some(E::WrongName)
    );
    // Nor does it harm, unless it misleads.
    for text in [
        "boot server",
        "Bootserver \u{fc}ber 2.0",
        "bootserver",
        "boot.example.com",
        "example.com",
        "192.0.2.1",
        "2001:db8::1",
        "",
    ] {
        let names = &[NAME, "192.0.2.1", "2001:db8::1"];
        assert_eq!(with_names(common(text, names), NAME), None, "{text}");
    }
    for text in [
        "other.example.com",
        "boot.example.org",
        "ample.com",
        "BOOT.example.com",
        "EXAMPLE.com",
        "*.example.com",
        "boot_2.example.com",
        "192.0.2.2",
        "192.0.2.001",
        "0xC0000201",
        "2001:DB8::1",
        "2001:0db8::1",
        "xn--boot-3ya.example.com",
        "b\u{f6}\u{f6}t.example.com",
    ] {
        let names = &[NAME, "192.0.2.1", "2001:db8::1"];
        assert_eq!(
            with_names(common(text, names), NAME),
            Some(E::StrayCommonName),
            "{text}"
        );
    }
}

/// Beside addresses alone any domain is let be, and nothing else.
#[test]
fn a_common_name_beside_addresses() {
    let with = |text: &'static str| {
        with_names(
            move |leaf| {
                let names = CertificateParams::new(vec!["192.0.2.1".to_string()]).unwrap();
                leaf.subject_alt_names = names.subject_alt_names;
                let text = DnValue::Utf8String(text.into());
                leaf.distinguished_name.push(DnType::CommonName, text);
            },
            "192.0.2.1",
        )
    };
    assert_eq!(with("example.com"), None);
    assert_eq!(with("192.0.2.1"), None);
    for text in [
        "192.0.2.2",
        "192.000.002.001",
        "2001:db8::1",
        "a_b.example",
        "xn--a.example",
    ] {
        assert_eq!(with(text), Some(E::StrayCommonName), "{text}");
    }
}

#[test]
fn a_server_without_a_subject() {
    let root = Ca::root();
    let leaf = root.leaf_with(|leaf| leaf.distinguished_name = rcgen::DistinguishedName::new());
    // Its alternative names would have to be critical, which rcgen does.
    assert_eq!(judge(&[&leaf.der], &[&root.der]).err(), None);
}

/// A server valid from day 100 to day 200 of 2025 below a CA valid from day 0 to 300.
struct Timed {
    root: Ca,
    sub: Ca,
    leaf: Vec<u8>,
}

impl Timed {
    fn new() -> Self {
        let at =
            |day: i64| date_time_ymd(2025, 1, 1) + std::time::Duration::from_secs(DAY * day as u64);
        let root = Ca::root();
        let sub = root.sub("sub", |ca| (ca.not_before, ca.not_after) = (at(0), at(300)));
        let leaf = sub.leaf_with(|leaf| (leaf.not_before, leaf.not_after) = (at(100), at(200)));
        Self {
            root,
            sub,
            leaf: leaf.der,
        }
    }

    fn judge(&self, time: TimePolicy) -> Option<E> {
        let chain = [&self.leaf[..], &self.sub.der];
        judge_as(NAME, &chain, &[&self.root.der], time).err()
    }
}

#[test]
fn time_that_is_trusted() {
    let timed = Timed::new();
    let at = |day| timed.judge(TimePolicy::Trusted(NOW + day * DAY));
    assert_eq!(at(99), Some(E::NotYetValid(Role::Leaf)));
    assert_eq!(at(100), None);
    assert_eq!(at(200), None);
    assert_eq!(
        timed.judge(TimePolicy::Trusted(NOW + 200 * DAY + 1)),
        Some(E::Expired(Role::Leaf))
    );
}

#[test]
fn time_with_a_floor() {
    let timed = Timed::new();
    let at = |day| timed.judge(TimePolicy::Floor(NOW + day * DAY));
    assert_eq!(timed.judge(TimePolicy::Floor(0)), None);
    assert_eq!(at(50), None);
    assert_eq!(at(200), None);
    assert_eq!(at(201), Some(E::Expired(Role::Leaf)));
}

#[test]
fn time_that_is_unknown() {
    let timed = Timed::new();
    assert_eq!(timed.judge(TimePolicy::None), None);
    // Long ago and in a far future too, as long as all were valid together.
    for year in [1990, 2090] {
        let root = Ca::root_with(|ca| {
            (ca.not_before, ca.not_after) = (date_time_ymd(1980, 1, 1), date_time_ymd(2199, 1, 1))
        });
        let leaf = root.leaf_with(|leaf| {
            (leaf.not_before, leaf.not_after) =
                (date_time_ymd(year, 1, 1), date_time_ymd(year, 1, 2))
        });
        let found = judge_as(NAME, &[&leaf.der], &[&root.der], TimePolicy::None);
        assert_eq!(found.err(), None, "{year}");
    }
    // The CA ended before the server began.
    let root = Ca::root();
    let sub = root.sub("sub", |ca| ca.not_after = date_time_ymd(2021, 12, 31));
    let leaf = sub.leaf();
    let chain = [&leaf.der[..], &sub.der];
    let found = judge_as(NAME, &chain, &[&root.der], TimePolicy::None);
    assert_eq!(found.err(), Some(E::Expired(Role::Issuer)));
    // So did the root.
    let root = Ca::root_with(|ca| ca.not_after = date_time_ymd(2021, 12, 31));
    let leaf = root.leaf();
    let found = judge_as(NAME, &[&leaf.der], &[&root.der], TimePolicy::None);
    assert_eq!(found.err(), Some(E::Expired(Role::Root)));
    // A root that was renewed after the server's certificate was issued is not "not yet valid".
    let root = Ca::root_with(|ca| ca.not_before = date_time_ymd(2023, 1, 1));
    let leaf = root.leaf();
    for time in [TimePolicy::None, TimePolicy::Floor(0)] {
        assert_eq!(judge_as(NAME, &[&leaf.der], &[&root.der], time).err(), None);
    }
}

fn digest(der: &[u8]) -> [u8; 32] {
    *leaf_key(der).expect("a key").spki_sha256()
}

#[test]
fn the_pinned_key_of_a_server() {
    let root = Ca::root();
    let leaf = root.leaf();
    let pin = [[1; 32], digest(&leaf.der)];
    assert_eq!(judge_pinned(&[&leaf.der], &pin), leaf_key(&leaf.der));
    // Whoever signed it, also nobody.
    let mut forged = leaf.der.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(judge_pinned(&[&forged], &pin).err(), None);
    // Another key with the same name.
    let other = root.leaf();
    assert_eq!(judge_pinned(&[&other.der], &pin).err(), Some(E::NotPinned));
    // What the certificate says still holds.
    let pinned = |edit: fn(&mut CertificateParams)| {
        let leaf = root.leaf_with(edit);
        judge_pinned(&[&leaf.der], &[digest(&leaf.der)]).err()
    };
    assert_eq!(
        pinned(|leaf| leaf.not_after = date_time_ymd(2024, 1, 1)),
        Some(E::Expired(Role::Leaf))
    );
    assert_eq!(
        pinned(|leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
        Some(E::WrongUsage(Role::Leaf))
    );
    assert_eq!(
        pinned(|leaf| leaf.key_usages = vec![KeyUsagePurpose::KeyAgreement]),
        Some(E::WrongKeyUsage(Role::Leaf))
    );
    assert_eq!(
        pinned(|leaf| leaf.subject_alt_names.clear()),
        Some(E::WrongName)
    );
}

/// As `openssl req -x509` makes it: a CA, without usages.
fn self_signed() -> Vec<u8> {
    let mut params = leaf_params();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages.clear();
    params.extended_key_usages.clear();
    let key = key_of(&PKCS_ECDSA_P256_SHA256);
    params.self_signed(&key).unwrap().der().to_vec()
}

#[test]
fn a_server_that_signed_for_itself_and_is_pinned() {
    let der = self_signed();
    assert_eq!(judge_pinned(&[&der], &[digest(&der)]).err(), None);
    // By its certificate.
    assert_eq!(judge(&[&der], &[&der]).err(), None);
    // Another one.
    assert_eq!(judge(&[&self_signed()], &[&der]).err(), Some(E::CaAsLeaf));
}

#[test]
fn the_pinned_key_of_a_ca() {
    let root = Ca::root();
    let sub = root.sub("sub", |_| {});
    let leaf = sub.leaf();
    // Either CA, if it is presented.
    let chain = [&leaf.der[..], &sub.der, &root.der];
    assert_eq!(judge_pinned(&chain, &[digest(&sub.der)]).err(), None);
    assert_eq!(judge_pinned(&chain, &[digest(&root.der)]).err(), None);
    assert_eq!(judge_pinned(&chain[..2], &[digest(&sub.der)]).err(), None);
    assert_eq!(
        judge_pinned(&chain[..2], &[digest(&root.der)]).err(),
        Some(E::NotPinned)
    );
    // The path up to it has to verify, and it has to be a CA that is valid.
    let mut forged = leaf.der.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(
        judge_pinned(&[&forged, &sub.der], &[digest(&sub.der)]).err(),
        Some(E::BadSignature)
    );
    let stranger = Ca::root().leaf();
    assert_eq!(
        judge_pinned(&[&stranger.der, &sub.der], &[digest(&sub.der)]).err(),
        Some(E::NotPinned)
    );
    let ended = root.sub("ended", |ca| ca.not_after = date_time_ymd(2024, 1, 1));
    let below = ended.leaf();
    assert_eq!(
        judge_pinned(&[&below.der, &ended.der], &[digest(&ended.der)]).err(),
        Some(E::Expired(Role::Issuer))
    );
    let plain = root.sub("plain", |ca| ca.is_ca = IsCa::ExplicitNoCa);
    let below = plain.leaf();
    assert_eq!(
        judge_pinned(&[&below.der, &plain.der], &[digest(&plain.der)]).err(),
        Some(E::NotACa(Role::Issuer))
    );
}

#[test]
fn roots_and_keys_together() {
    let (one, two) = (Ca::root(), Ca::root());
    let (by_root, by_key) = (one.leaf(), two.leaf());
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &[&one.der],
            keys: &[digest(&by_key.der)],
        },
        time: TimePolicy::Trusted(NOW),
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    let judge = |der: &[u8]| verify_server(&[der], &ServerName::Dns(NAME), &trust).err();
    assert_eq!(judge(&by_root.der), None);
    assert_eq!(judge(&by_key.der), None);
    assert_eq!(judge(&two.leaf().der), Some(E::BadSignature));
}

#[test]
fn an_anchor_that_was_learnt() {
    let (root, other) = (
        Ca::root(),
        Ca::root_with(|ca| *ca = crate::pki::ca_params("other")),
    );
    let leaf = root.leaf();
    let judge = |anchor: &[u8]| {
        let trust = Trust {
            policy: TrustPolicy::Learnt(anchor),
            time: TimePolicy::None,
            algorithms: DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        };
        verify_server(&[&leaf.der], &ServerName::Dns(NAME), &trust).err()
    };
    assert_eq!(judge(&root.der), None);
    assert_eq!(judge(&other.der), Some(E::UnknownIssuer));
    assert_eq!(judge(&[]), Some(E::BadCertificate(Role::Root)));
    // The server's own certificate.
    assert_eq!(judge(&leaf.der), None);
}

#[test]
fn certificates_in_any_order_and_more_than_needed() {
    let root = Ca::root();
    let one = root.sub("one", |_| {});
    let two = one.sub("two", |_| {});
    let leaf = two.leaf();
    let stray = Ca::root_with(|ca| *ca = crate::pki::ca_params("stray"));
    for chain in [
        [&leaf.der[..], &two.der, &one.der, &root.der, &stray.der],
        [&leaf.der, &stray.der, &one.der, &two.der, &root.der],
        [&leaf.der, &one.der, &one.der, &two.der, b"no certificate"],
    ] {
        assert_eq!(judge(&chain, &[&root.der]).err(), None);
    }
    // Several roots, the right one last, behind a namesake.
    let namesake = Ca::root();
    assert_eq!(
        judge(
            &[&leaf.der, &two.der, &one.der],
            &[&stray.der, &namesake.der, &root.der]
        )
        .err(),
        None
    );
}

#[test]
fn the_deepest_path() {
    let root = Ca::root();
    let mut cas = vec![root.sub("0", |_| {})];
    for name in ["1", "2", "3", "4", "5"] {
        let next = cas.last().unwrap().sub(name, |_| {});
        cas.push(next);
    }
    let leaf = cas.last().unwrap().leaf();
    let chain: Vec<&[u8]> = [&leaf.der[..]]
        .into_iter()
        .chain(cas.iter().map(|ca| &ca.der[..]))
        .collect();
    assert_eq!(judge(&chain, &[&root.der]).err(), None);
}

#[test]
fn both_curves() {
    let algorithms = [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384];
    for root_algorithm in algorithms {
        for leaf_algorithm in algorithms {
            let root = Ca::self_signed(key_of(root_algorithm), |_| {});
            let leaf = root.leaf_of(key_of(leaf_algorithm), |_| {});
            let key = judge(&[&leaf.der], &[&root.der]).unwrap();
            let (curve, octets) = match key.point().len() {
                65 => (Curve::P256, 65),
                _ => (Curve::P384, 97),
            };
            assert_eq!((key.curve(), key.point().len()), (curve, octets));
        }
    }
    let key: LeafKey = leaf_key(
        &Ca::root()
            .leaf_of(key_of(&PKCS_ECDSA_P384_SHA384), |_| {})
            .der,
    )
    .unwrap();
    assert_eq!(key.curve(), Curve::P384);
    assert!(format!("{key:?} {P256_SHA256:?}").contains("P384"));
}
