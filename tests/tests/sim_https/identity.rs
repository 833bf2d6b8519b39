//! Who the server is, and who we are.

use crate::{
    NOW, boot, certificate, https, names, nothing_was_activated, pki, plan, plan_with, refused,
    says, size,
};
use image_server::Protocol;
use image_server::tls::CipherSuite;
use netboot_core::Coded;
use netboot_tls::verify::{Role, TimePolicy, VerifyError};
use netboot_tls::{Alert, TlsError};
use test_pki::{Flaw, Pki};
use testbed::plan::{Pointer, SERVER};

#[test]
fn one_handshake_for_three_images() {
    let expected = [
        (Pointer::Directory, &[3][..]),
        // The table comes over the same connection.
        (Pointer::Toc, &[4]),
        // What is behind the table is cut off; the parts of the file are asked for as such.
        (Pointer::FlashImage, &[1, 3]),
    ];
    for (pointer, requests) in expected {
        let mut plan = plan();
        plan.pointer = pointer;
        let boot = boot(&plan, |_| {});
        boot.assert_booted(&plan);
        let made: Vec<_> = boot.tls.iter().map(|one| one.requests).collect();
        assert_eq!(made, requests, "{pointer:?}");
        assert_eq!(boot.handshakes(), requests.len(), "{pointer:?}");
        let served: Vec<_> = boot.served.iter().map(|one| one.protocol).collect();
        assert!(served.contains(&Protocol::Https) && !served.contains(&Protocol::Http));
        if pointer == Pointer::Directory {
            let of_https = boot
                .served
                .iter()
                .filter(|one| one.protocol == Protocol::Https);
            let octets = of_https.map(|one| one.octets).sum::<u64>();
            assert_eq!(octets, plan.images.iter().map(size).sum::<u64>());
        }
    }
}

#[test]
fn each_suite() {
    for suite in [
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS13_AES_256_GCM_SHA384,
    ] {
        let plan = plan();
        let boot = boot(&plan, |server| https(server).suites = vec![suite]);
        boot.assert_booted(&plan);
        assert_eq!(boot.tls[0].suite, Some(suite));
    }
}

/// A name is told to the server (SNI), an address is not (RFC 6066, section 3).
#[test]
fn by_name_and_by_address() {
    let plan = plan();
    let by_address = boot(&plan, |_| {});
    by_address.assert_booted(&plan);
    assert_eq!(by_address.tls[0].server_name, None);
    let by_name = boot(&plan, |server| {
        server.lease.dns = vec![SERVER];
        server.dns.insert("images.example".into(), SERVER);
        server.lease.boot_file = Some("https://images.example/".into());
    });
    by_name.assert_booted(&plan);
    let told: Vec<_> = by_name
        .tls
        .iter()
        .map(|one| one.server_name.as_deref())
        .collect();
    assert_eq!(told, [Some("images.example")]);
}

#[test]
fn a_name_or_address_that_the_certificate_has_not() {
    for (pointer, names) in [
        ("https://images.example/", &["10.0.2.2"][..]),
        ("https://10.0.2.2/", &["images.example"]),
        ("https://10.0.2.2/", &["10.0.2.20", "a.example"]),
    ] {
        let plan = plan_with(|https| {
            https.shown = Some(pki().server(names).expect("an identity"));
        });
        let boot = boot(&plan, |server| {
            server.lease.dns = vec![SERVER];
            server.dns.insert("images.example".into(), SERVER);
            server.lease.boot_file = Some(pointer.into());
        });
        refused(pointer, &plan, &boot, certificate(VerifyError::WrongName));
    }
}

/// What verification says of a flaw when the time is known.
fn verdict(flaw: Flaw) -> VerifyError {
    use VerifyError as E;
    match flaw {
        Flaw::Expired => E::Expired(Role::Leaf),
        Flaw::NotYetValid => E::NotYetValid(Role::Leaf),
        Flaw::ExpiredIssuer => E::Expired(Role::Issuer),
        Flaw::WrongName | Flaw::CommonNameOnly => E::WrongName,
        Flaw::LeafIssuer | Flaw::IssuerWithoutConstraints => E::NotACa(Role::Issuer),
        Flaw::ClientUsage => E::WrongUsage(Role::Leaf),
        Flaw::PathLenExceeded => E::PathTooLong,
        Flaw::NameConstraintsViolated => E::NameConstraint,
        Flaw::OtherCa | Flaw::SelfSigned | Flaw::MissingIntermediate => E::UnknownIssuer,
        Flaw::ForgedSignature | Flaw::CorruptSignature => E::BadSignature,
        Flaw::UnknownCriticalExtension => E::UnknownCriticalExtension(Role::Leaf),
        Flaw::Truncated => E::BadCertificate(Role::Leaf),
    }
}

#[test]
fn every_flaw_has_its_error() {
    let names = names();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for flaw in Flaw::ALL {
        let plan = plan_with(|https| {
            https.time = TimePolicy::Trusted(NOW);
            https.shown = Some(pki().flawed(&names, flaw).expect("an identity"));
        });
        let boot = boot(&plan, |_| {});
        refused(
            &format!("{flaw:?}"),
            &plan,
            &boot,
            certificate(verdict(flaw)),
        );
        // And the server is told that it is refused.
        assert!(boot.tls[0].error.is_some(), "{:?}", boot.tls);
    }
}

/// Without a clock nothing is late that was ever valid together, and the floor knows what is over.
#[test]
fn time_without_a_clock() {
    let names = names();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let with = |time, flaw| {
        let plan = plan_with(|https| {
            https.time = time;
            https.shown = Some(pki().flawed(&names, flaw).expect("an identity"));
        });
        let boot = boot(&plan, |_| {});
        (plan, boot)
    };
    let (plan, ended) = with(TimePolicy::None, Flaw::Expired);
    ended.assert_booted(&plan);
    let (plan, ended) = with(TimePolicy::Floor(NOW), Flaw::Expired);
    refused(
        "floor",
        &plan,
        &ended,
        certificate(VerifyError::Expired(Role::Leaf)),
    );
    let (plan, ended) = with(TimePolicy::Floor(NOW), Flaw::NotYetValid);
    ended.assert_booted(&plan);
}

#[test]
fn no_trust_and_no_entropy_refuse() {
    let plan = plan_with(|https| https.trusted = false);
    let ended = boot(&plan, |_| {});
    refused(
        "nobody is trusted",
        &plan,
        &ended,
        certificate(VerifyError::NoTrust),
    );
    let plan = plan_with(|https| https.entropy = false);
    let ended = boot(&plan, |_| {});
    refused("no secrets", &plan, &ended, TlsError::NoEntropy);
    // Not even a hello left.
    assert!(
        ended
            .tls
            .iter()
            .all(|one| one.error.is_none() && one.server_name.is_none())
    );
}

#[test]
fn another_authority_of_the_same_name() {
    let plan = plan_with(|https| {
        let other = Pki::with_intermediate(22);
        https.shown = Some(other.server(&["10.0.2.2"]).expect("an identity"));
    });
    let boot = boot(&plan, |_| {});
    refused(
        "another key",
        &plan,
        &boot,
        certificate(VerifyError::BadSignature),
    );
}

#[test]
fn mutual_tls() {
    let with = plan_with(|https| (https.mutual, https.client) = (true, true));
    let ended = boot(&with, |_| {});
    ended.assert_booted(&with);
    assert_eq!(ended.tls.len(), 1);
    let shown = pki().client("station").expect("a client").chain;
    assert_eq!(ended.tls[0].client_chain, shown);
    // A server that does not ask is shown nothing.
    let unasked = plan_with(|https| https.client = true);
    let ended = boot(&unasked, |_| {});
    ended.assert_booted(&unasked);
    assert!(ended.tls[0].client_chain.is_empty());

    let without = plan_with(|https| https.mutual = true);
    let ended = boot(&without, |_| {});
    let error = TlsError::Alert(Alert(116));
    ended.assert_failed(&without, error.code(), error.blame());
    says(&ended, "certificate_required");
    nothing_was_activated(&ended);
    // A certificate of somebody else's authority.
    let ended = boot(&with, |server| {
        let other = Pki::new(99).root().expect("a root");
        https(server).client_ca = Some(other);
    });
    let error = ended.error().expect("an error");
    assert_eq!(
        error.code(),
        TlsError::Alert(Alert(0)).code(),
        "{}",
        ended.console
    );
    nothing_was_activated(&ended);
}
