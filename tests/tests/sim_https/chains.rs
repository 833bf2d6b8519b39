//! Chains as public authorities and hosters send them: cross-signed roots whose older issuer has expired, many names, and two kinds of keys.

use crate::{NOW, boot, certificate, https, names, pki, plan_with, refused, says};
use netboot_core::Coded;
use netboot_tls::TlsError;
use netboot_tls::channel::{LARGE_RECORDS, SMALL_RECORDS};
use netboot_tls::verify::{Role, TimePolicy, VerifyError};
use test_pki::{Identity, KeyKind, Pki, Validity};

/// The chain of a server whose root an older one has signed: the server, the authority, the cross-signed root, the older root.
fn crossed(cross: Validity) -> Identity {
    let names = names();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let identity = pki().cross_signed(&names, cross).expect("an identity");
    assert_eq!(identity.chain.len(), 4);
    identity
}

/// The path to the trusted root is found, whatever else the server sends and in whatever order, and whether or not the station knows the time. Some clients
/// follow the older path to its expired end, and refuse.
#[test]
fn a_root_that_an_expired_one_has_cross_signed() {
    let valid = Validity::default();
    let over = Validity {
        to: (2021, 12, 31),
        ..valid
    };
    for cross in [valid, over] {
        for order in [
            &[0, 1, 2][..],
            &[0, 1, 2, 3],
            &[0, 2, 1],
            &[0, 3, 2, 1],
            &[0, 2, 3, 1],
        ] {
            for time in [
                TimePolicy::Trusted(NOW),
                TimePolicy::Floor(NOW),
                TimePolicy::None,
            ] {
                let plan = plan_with(|https| {
                    https.time = time;
                    let mut shown = crossed(cross);
                    shown.chain = order.iter().map(|at| shown.chain[*at].clone()).collect();
                    https.shown = Some(shown);
                });
                let ended = boot(&plan, |_| {});
                ended.assert_booted(&plan);
            }
        }
    }
}

/// The expired root is the one that the station trusts: nobody is believed who has no other path, once the time is known.
#[test]
fn a_cross_signed_root_does_not_make_the_expired_one_valid() {
    let shown = crossed(Validity::default());
    let old = shown.chain[3].to_vec();
    for (time, booted) in [(TimePolicy::None, true), (TimePolicy::Trusted(NOW), false)] {
        let plan = plan_with(|https| {
            https.time = time;
            https.other_root = Some(old.clone());
            https.shown = Some(shown.clone());
        });
        let ended = boot(&plan, |_| {});
        if booted {
            ended.assert_booted(&plan);
        } else {
            let error = certificate(VerifyError::Expired(Role::Issuer));
            refused("an expired root", &plan, &ended, error);
        }
    }
}

/// The server has an RSA chain too, and prefers it. The station offers no signatures of RSA and is shown the other one.
#[test]
fn an_rsa_chain_beside_that_of_ecdsa() {
    let plan = plan_with(|_| ());
    let ended = boot(&plan, |server| {
        let rsa = pki().with_keys(KeyKind::Rsa2048).server(&["10.0.2.2"]);
        https(server).preferred = Some(rsa.expect("an identity"));
    });
    ended.assert_booted(&plan);
}

/// The names of a hoster's certificate, of which the last two are those of the server.
fn with_names(count: usize) -> Identity {
    let others =
        (2..count).map(|at| format!("customer-{at:03}.many-names.hosting-company.example"));
    let all: Vec<_> = others.chain(names()).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    assert_eq!(all.len(), count);
    pki().server(&all).expect("an identity")
}

fn octets(identity: &Identity) -> usize {
    identity.chain.iter().map(|one| one.len()).sum()
}

#[test]
fn a_certificate_with_62_names() {
    let identity = with_names(62);
    assert!(
        (2_500..4_000).contains(&octets(&identity)),
        "{}",
        octets(&identity)
    );
    for records in [LARGE_RECORDS, SMALL_RECORDS] {
        let plan = plan_with(|https| {
            https.records = records;
            https.max_fragment = (records == SMALL_RECORDS).then_some(4_000);
            https.shown = Some(identity.clone());
        });
        let ended = boot(&plan, |_| {});
        ended.assert_booted(&plan);
    }
}

/// What is too large is said to be, with what to do about it.
#[test]
fn certificates_that_are_larger_than_the_receive_buffer() {
    let many = with_names(402);
    assert!(octets(&many) > 16_384, "{}", octets(&many));
    let deep = Pki {
        intermediates: 12,
        ..Pki::new(21)
    };
    let deep = deep.server(&["10.0.2.2"]).expect("an identity");
    assert!(
        (4_200..16_000).contains(&octets(&deep)),
        "{}",
        octets(&deep)
    );
    for (identity, records) in [(many, LARGE_RECORDS), (deep, SMALL_RECORDS)] {
        let plan = plan_with(|https| {
            https.records = records;
            // The records fit, and the message that they carry does not.
            https.max_fragment = Some(2_000);
            https.shown = Some(identity.clone());
        });
        let ended = boot(&plan, |_| {});
        refused("too large", &plan, &ended, TlsError::MessageTooLarge);
        assert_eq!(ended.error().map(Coded::code), Some(0x0009_000f));
        says(&ended, "a handshake message of the server");
        says(&ended, "larger than the receive buffer");
    }
}
