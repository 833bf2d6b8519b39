//! What an attacker may send, and by which error it is refused.

use crate::people::{Device, NONCE, NOW, ONBOARDING, PEOPLE, Sent, certificate_of};
use netboot_cms::CmsError;
use netboot_core::Coded;
use netboot_sztp::{Artifact, Assertion, Field, SztpError};
use netboot_x509::{Identity, Role, TimePolicy, VerifyError};
use test_pki::sztp::{self, base64};
use test_pki::{Pki, Usage, Validity};

const DAY: u64 = 86_400;

fn refused(sent: &Sent, device: &Device) -> SztpError {
    sent.judge(device).unwrap_err()
}

#[test]
fn the_owners_information_is_believed() {
    let sent = Sent::signed(ONBOARDING, &PEOPLE.fields());
    let good = Ok((ONBOARDING.as_bytes().to_vec(), true));
    assert_eq!(sent.judge(&Device::default()), good);
    // What was not asked with a nonce cannot be compared with one, and need not.
    let silent = Device {
        nonce: None,
        ..Device::default()
    };
    assert_eq!(sent.judge(&silent), good);
    // Without a clock no time counts (RFC 8572, section 9.1).
    let timeless = Device {
        time: TimePolicy::None,
        ..Device::default()
    };
    let old = PEOPLE
        .fields()
        .with("expires-on", r#""2024-06-02T00:00:00Z""#);
    assert_eq!(Sent::signed(ONBOARDING, &old).judge(&timeless), good);
}

#[test]
fn what_nobody_has_signed_is_told_to_be_unsigned() {
    let sent = Sent::unsigned(ONBOARDING);
    assert_eq!(
        sent.judge(&Device::default()),
        Ok((ONBOARDING.as_bytes().to_vec(), false))
    );
    let data = Sent {
        conveyed: sztp::unsigned(sztp::DATA, ONBOARDING.as_bytes()).unwrap(),
        ownership: None,
    };
    assert_eq!(
        data.judge(&Device::default()),
        Ok((ONBOARDING.as_bytes().to_vec(), false))
    );
    let xml = Sent {
        conveyed: sztp::unsigned(sztp::CONVEYED_XML, b"<x/>").unwrap(),
        ownership: None,
    };
    assert_eq!(
        refused(&xml, &Device::default()),
        SztpError::Xml(Artifact::ConveyedInformation)
    );
    let voucher = Sent {
        conveyed: sztp::unsigned(sztp::VOUCHER_JSON, b"{}").unwrap(),
        ownership: None,
    };
    let error = SztpError::Message(Artifact::ConveyedInformation, CmsError::WrongContentType);
    assert_eq!(refused(&voucher, &Device::default()), error);
}

#[test]
fn both_forms_of_the_issuer_and_the_nonce_are_compared() {
    let own = Identity::of(&PEOPLE.idevid).unwrap();
    let whole = own.authority_key_identifier.unwrap();
    let key = own.issuer_key_identifier.unwrap();
    assert!(whole.len() > key.len());
    for issuer in [whole, key] {
        let fields = PEOPLE
            .fields()
            .with("idevid-issuer", format!("\"{}\"", base64(issuer)));
        assert!(
            Sent::signed(ONBOARDING, &fields)
                .judge(&Device::default())
                .is_ok()
        );
    }
    let other = PEOPLE
        .fields()
        .with("idevid-issuer", format!("\"{}\"", base64(&key[1..])));
    assert_eq!(
        refused(&Sent::signed(ONBOARDING, &other), &Device::default()),
        SztpError::OtherIssuer
    );
    let empty = PEOPLE.fields().with("idevid-issuer", "\"\"");
    assert_eq!(
        refused(&Sent::signed(ONBOARDING, &empty), &Device::default()),
        SztpError::OtherIssuer
    );
    let nonce = |octets: &[u8]| {
        let text = base64(octets);
        // Some writers leave the padding out.
        let fields = PEOPLE
            .fields()
            .without("expires-on")
            .with("nonce", format!("\"{}\"", text.trim_end_matches('=')));
        Sent::signed(ONBOARDING, &fields)
    };
    assert!(nonce(&NONCE).judge(&Device::default()).is_ok());
    assert_eq!(
        refused(&nonce(&NONCE[..15]), &Device::default()),
        SztpError::OtherNonce
    );
    let silent = Device {
        nonce: None,
        ..Device::default()
    };
    assert_eq!(refused(&nonce(&NONCE), &silent), SztpError::OtherNonce);
    let long = PEOPLE
        .fields()
        .with("nonce", format!("\"{}\"", base64(&[0; 300])));
    assert_eq!(
        refused(&Sent::signed(ONBOARDING, &long), &Device::default()),
        SztpError::VoucherField(Field::Nonce)
    );
}

/// The whole table: each attack ends in an error with a number of its own.
#[test]
fn attacks_are_refused_by_name() {
    let people = &*PEOPLE;
    let device = Device::default();
    let good = Sent::signed(ONBOARDING, &people.fields());
    let (good_certificate, good_voucher) = good.ownership.clone().unwrap();
    let conveyed = |error| SztpError::Message(Artifact::ConveyedInformation, error);
    let voucher = |error| SztpError::Message(Artifact::Voucher, error);
    let with = |fields| Sent::signed(ONBOARDING, &fields);
    let changed = |name, value: &str| with(people.fields().with(name, value));
    let signer = CmsError::Signer;
    // The stranger's root has the name of the right one, and another key.
    let unknown = signer(VerifyError::BadSignature);
    let pinned = |der: &[u8]| format!("\"{}\"", base64(der));
    let two_signers = test_pki::sign(
        &[&people.owner, &people.stranger],
        ONBOARDING.as_bytes(),
        &[
            "-nodetach",
            "-nocerts",
            "-econtent_type",
            sztp::CONVEYED_JSON,
        ],
    )
    .unwrap();
    let expired_owner = Pki::with_intermediate(102)
        .signer(
            "Owner",
            Usage::None,
            Validity {
                from: (2023, 1, 1),
                to: (2024, 1, 1),
            },
        )
        .unwrap();
    let table: Vec<(&str, Sent, SztpError)> = vec![
        (
            "a rogue server with a voucher of its own making",
            Sent::by(
                &people.stranger,
                ONBOARDING,
                &people.stranger,
                &people
                    .fields()
                    .with("pinned-domain-cert", pinned(&people.stranger_domain)),
            ),
            voucher(unknown),
        ),
        (
            "a voucher of another board, replayed",
            changed("serial-number", "\"JADA000000000\""),
            SztpError::OtherSerialNumber,
        ),
        (
            "a serial number that only begins as ours",
            changed("serial-number", "\"JADA1234567890\""),
            SztpError::OtherSerialNumber,
        ),
        (
            "conveyed information of a stranger with the owner's voucher and certificate",
            Sent {
                conveyed: sztp::conveyed(&people.stranger, ONBOARDING).unwrap(),
                ..good.clone()
            },
            conveyed(CmsError::NoSignerCertificate),
        ),
        (
            "a stranger's information and certificate with the owner's voucher",
            Sent {
                conveyed: sztp::conveyed(&people.stranger, ONBOARDING).unwrap(),
                ownership: Some((certificate_of(&people.stranger), good_voucher.clone())),
            },
            conveyed(unknown),
        ),
        (
            "signed information whose voucher was taken away",
            Sent {
                ownership: None,
                ..good.clone()
            },
            SztpError::NoVoucher,
        ),
        (
            "two signers",
            Sent {
                conveyed: two_signers,
                ..good.clone()
            },
            conveyed(CmsError::SeveralSigners),
        ),
        (
            "a voucher that nobody has signed",
            Sent {
                ownership: Some((
                    good_certificate.clone(),
                    sztp::unsigned(sztp::VOUCHER_JSON, people.fields().json().as_bytes()).unwrap(),
                )),
                ..good.clone()
            },
            voucher(CmsError::NotSigned),
        ),
        (
            "a voucher that only carries certificates",
            Sent {
                ownership: Some((good_certificate.clone(), good_certificate.clone())),
                ..good.clone()
            },
            voucher(CmsError::NoSigner),
        ),
        (
            "conveyed information in place of a voucher, by the right signer",
            Sent {
                ownership: Some((
                    good_certificate.clone(),
                    sztp::conveyed(&people.masa, &people.fields().json()).unwrap(),
                )),
                ..good.clone()
            },
            voucher(CmsError::WrongContentType),
        ),
        (
            "a voucher in place of conveyed information",
            Sent {
                conveyed: good_voucher.clone(),
                ..good.clone()
            },
            conveyed(CmsError::WrongContentType),
        ),
        (
            "an owner whose certificate has expired",
            Sent::by(&expired_owner, ONBOARDING, &people.masa, &people.fields()),
            conveyed(signer(VerifyError::Expired(Role::Leaf))),
        ),
        (
            "an expired voucher",
            changed("expires-on", r#""2024-12-31T23:59:59Z""#),
            SztpError::Expired,
        ),
        (
            "a voucher from the future",
            changed("created-on", r#""2025-01-02T00:00:00+24:00""#),
            SztpError::VoucherField(Field::CreatedOn),
        ),
        (
            "a voucher of tomorrow",
            changed("created-on", r#""2025-01-02T00:00:00Z""#),
            SztpError::NotYetValid,
        ),
        (
            "an assertion that says less",
            changed("assertion", r#""proximity""#),
            SztpError::WeakAssertion,
        ),
        (
            "revocation checks, which this device cannot do",
            changed("domain-cert-revocation-checks", r#""true""#),
            SztpError::RevocationChecks,
        ),
        (
            "a huge pinned certificate",
            changed("pinned-domain-cert", &pinned(&[0x30; 2400])),
            SztpError::PinnedTooLong,
        ),
        (
            "a pinned certificate that is none",
            changed("pinned-domain-cert", &pinned(b"certificate")),
            SztpError::VoucherField(Field::PinnedDomainCert),
        ),
        (
            "a field twice",
            with(test_pki::sztp::VoucherFields(
                people
                    .fields()
                    .0
                    .into_iter()
                    .chain([("serial-number", "\"OTHER\"".to_owned())])
                    .collect(),
            )),
            SztpError::NotJson(Artifact::Voucher),
        ),
        (
            "an owner certificate without certificates",
            Sent {
                ownership: Some((
                    sztp::unsigned(sztp::DATA, b"").unwrap(),
                    good_voucher.clone(),
                )),
                ..good.clone()
            },
            conveyed(CmsError::NoSignerCertificate),
        ),
    ];
    for (attack, sent, error) in table {
        assert_eq!(refused(&sent, &device), error, "{attack}");
        assert_eq!(error.code() >> 16, 0x000F, "{attack}");
    }
}

/// An owner certificate that has expired, on a device without a clock and on one that knows how late it is at least.
#[test]
fn what_is_known_of_the_time_decides_on_expired_certificates() {
    let short = Validity {
        from: (2023, 1, 1),
        to: (2024, 1, 1),
    };
    let owner = Pki::with_intermediate(102)
        .signer("Owner", Usage::None, short)
        .unwrap();
    let sent = Sent::by(&owner, ONBOARDING, &PEOPLE.masa, &PEOPLE.fields());
    let at = |time| Device {
        time,
        ..Device::default()
    };
    assert!(sent.judge(&at(TimePolicy::None)).is_ok());
    assert!(sent.judge(&at(TimePolicy::Floor(1_700_000_000))).is_ok());
    let expired = SztpError::Message(
        Artifact::ConveyedInformation,
        CmsError::Signer(VerifyError::Expired(Role::Leaf)),
    );
    assert_eq!(refused(&sent, &at(TimePolicy::Floor(NOW))), expired);
    assert_eq!(refused(&sent, &at(TimePolicy::Trusted(NOW))), expired);
    // A floor says nothing of what is not valid yet, and the voucher's end is judged by it.
    let voucher = PEOPLE
        .fields()
        .with("created-on", r#""2025-01-02T00:00:00Z""#)
        .with("expires-on", r#""2025-01-03T00:00:00Z""#);
    let sent = Sent::signed(ONBOARDING, &voucher);
    assert!(sent.judge(&at(TimePolicy::Floor(NOW))).is_ok());
    assert_eq!(
        refused(&sent, &at(TimePolicy::Floor(NOW + 2 * DAY))),
        SztpError::Expired
    );
    assert!(sent.judge(&at(TimePolicy::Trusted(NOW + DAY))).is_ok());
}

/// The pinned certificate may be the root, a CA below it, or the owner's own.
#[test]
fn a_voucher_may_pin_any_certificate_of_the_owners_path() {
    for der in [
        &PEOPLE.domain[..],
        &PEOPLE.owner.chain[1],
        &PEOPLE.owner.chain[0],
    ] {
        let fields = PEOPLE
            .fields()
            .with("pinned-domain-cert", format!("\"{}\"", base64(der)));
        assert!(
            Sent::signed(ONBOARDING, &fields)
                .judge(&Device::default())
                .is_ok()
        );
    }
    let fields = PEOPLE.fields().with("assertion", r#""logged""#);
    assert!(
        Sent::signed(ONBOARDING, &fields)
            .judge(&Device::default())
            .is_ok()
    );
    let strict = Device {
        assertions: &[Assertion::Verified],
        ..Device::default()
    };
    assert_eq!(
        refused(&Sent::signed(ONBOARDING, &fields), &strict),
        SztpError::WeakAssertion
    );
}

/// No octet of any artifact can be changed so that other content is believed.
#[test]
fn a_changed_octet_never_changes_what_is_believed() {
    let good = Sent::signed(ONBOARDING, &PEOPLE.fields());
    let device = Device::default();
    let mut refused = 0;
    let (certificate, voucher) = good.ownership.clone().unwrap();
    for (artifact, octets) in [(0, &good.conveyed), (1, &certificate), (2, &voucher)] {
        // Each signature takes time: every seventh octet, and another one in each part.
        for at in (artifact..octets.len()).step_by(7) {
            for bits in [0x01, 0x80] {
                let mut changed = octets.clone();
                changed[at] ^= bits;
                let mut sent = good.clone();
                match artifact {
                    0 => sent.conveyed = changed,
                    1 => sent.ownership = Some((changed, voucher.clone())),
                    _ => sent.ownership = Some((certificate.clone(), changed)),
                }
                match sent.judge(&device) {
                    Ok((content, signed)) => assert!(
                        signed && content == ONBOARDING.as_bytes(),
                        "{artifact} at {at}"
                    ),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > 500, "{refused}");
}
