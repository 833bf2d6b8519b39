//! A device that asks its owner for a certificate of its own (RFC 9646), with OpenSSL as the authority.

use crate::people::{NONCE, PEOPLE, Sent};
use crate::world::with_agent;
use netboot_sztp::{
    Action, Agent, Csr, KeyAlgorithm, LocalKey, MAX_POINT, SztpError, Verdict, local_certificate,
};
use netboot_x509::Identity;
use serde_json::{Value, json};
use test_pki::sztp::{base64, certificate_for, certificates_only};

fn p256(seed: u8) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn p384(seed: u8) -> p384::ecdsa::SigningKey {
    p384::ecdsa::SigningKey::from_slice(&[seed; 48]).unwrap()
}

/// The `SubjectPublicKeyInfo` of a key, as others write it.
fn spki(key: &mut dyn LocalKey) -> Vec<u8> {
    let head: &[u8] = match key.algorithm() {
        KeyAlgorithm::P256 => &[
            0x30, 0x59, 0x30, 0x13, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86,
            0x48, 0xCE, 0x3D, 3, 1, 7, 3, 0x42, 0,
        ],
        KeyAlgorithm::P384 => &[
            0x30, 0x76, 0x30, 0x10, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 5, 0x2B, 0x81, 4,
            0, 0x22, 3, 0x62, 0,
        ],
    };
    let mut point = [0; MAX_POINT];
    let len = key.public_key(&mut point).unwrap();
    [head, &point[..len]].concat()
}

/// What a server asks for.
fn wanted(key: Option<&str>, format: &str, info: Option<&[u8]>) -> Value {
    let mut request = json!({"csr-generation": {"selected-format": {"format-identifier": format}}});
    if let Some(key) = key {
        request["key-generation"] = json!({"selected-algorithm": {"algorithm-identifier": key}});
    }
    if let Some(info) = info {
        request["cert-req-info"] = base64(info).into();
    }
    request
}

/// The answer with status 400 that asks for it.
fn errors(request: &Value) -> Vec<u8> {
    let error = json!({"error-type": "application", "error-tag": "missing-attribute",
        "error-message": "Missing input parameter", "error-info": {"ietf-sztp-csr:csr-request": request}});
    let other = json!({"error-type": "protocol", "error-tag": "x", "error-info": {"other": 1}});
    json!({"ietf-restconf:errors": {"error": [other, error]}})
        .to_string()
        .into_bytes()
}

const P256: &str = "MBMGByqGSM49AgEGCCqGSM49AwEH";
const P384: &str = "MBAGByqGSM49AgEGBSuBBAAi";
const P10: &str = "ietf-ztp-types:p10-csr";

/// The input of the question that the agent asks next.
fn question(agent: &mut Agent<'_, '_>) -> Value {
    match agent.poll(Some(NONCE)) {
        Action::Ask(exchange) => {
            let json: Value = serde_json::from_str(&exchange.body).unwrap();
            json["ietf-sztp-bootstrap-server:input"].clone()
        }
        other => panic!("{other:?}"),
    }
}

/// Has the server ask for this, and the device answer with `key`.
fn prompted(request: &Value, key: &mut dyn LocalKey) -> Result<Csr, SztpError> {
    with_agent(1, true, |agent| {
        agent.offer_request(key.algorithm());
        question(agent);
        let mut body = errors(request);
        match agent.answered(400, "application/yang-data+json", &mut body)? {
            Verdict::Certify(wanted) => wanted.request(&PEOPLE.idevid, key),
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn a_request_goes_to_a_server_that_asks_for_one() {
    let (mut one, mut other) = (p256(1), p384(2));
    let keys: [(&mut dyn LocalKey, &str); 2] = [(&mut one, P256), (&mut other, P384)];
    for (key, algorithm) in keys {
        with_agent(1, true, |agent| {
            agent.offer_request(key.algorithm());
            let input = question(agent);
            assert_eq!(
                input["ietf-sztp-csr:csr-support"],
                json!({"csr-generation": {"supported-formats": {"format-identifier": [P10]}},
                    "key-generation": {"supported-algorithms": {"algorithm-identifier": [algorithm]}}})
            );
            assert_eq!(input["hw-model"], "model-x");
            let mut body = errors(&wanted(Some(algorithm), P10, None));
            let verdict = agent.answered(400, "application/yang-data+json", &mut body);
            let Ok(Verdict::Certify(wanted)) = verdict else {
                panic!("{verdict:?}");
            };
            let csr = wanted.request(&PEOPLE.idevid, key).unwrap();
            agent.certify(&wanted, key).unwrap();
            // The same server is asked again, with the request.
            let input = question(agent);
            assert_eq!(input["ietf-sztp-csr:p10-csr"], base64(&csr));
            assert!(input.get("ietf-sztp-csr:csr-support").is_none());
            // OpenSSL takes it, and the certificate is for the key and the device.
            let certificate = certificate_for(&PEOPLE.owner, &csr).unwrap();
            let issued = Identity::of(&certificate).unwrap();
            assert_eq!(issued.spki, spki(key));
            assert_eq!(
                issued.subject,
                Identity::of(&PEOPLE.idevid).unwrap().subject
            );
            let mut body = Sent::unsigned(crate::people::ONBOARDING).body();
            let verdict = agent.answered(200, "application/yang-data+json", &mut body);
            assert!(matches!(verdict, Ok(Verdict::Onboarding(_))));
        });
    }
}

/// A request whose information the server has made, for this key and with these parts in place of the right ones.
fn info(version: &[u8], key: &[u8], behind: &[u8]) -> Vec<u8> {
    let name = [
        0x30, 0x0D, 0x31, 0x0B, 0x30, 9, 6, 3, 0x55, 4, 3, 0x0C, 2, b'm', b'e',
    ];
    let content = [version, &name, key, &[0xA0, 0], behind].concat();
    [&[0x30, content.len() as u8][..], &content].concat()
}

#[test]
fn what_the_server_has_made_is_signed_only_for_the_devices_key() {
    let mut key = p256(1);
    let own = spki(&mut key);
    let version: &[u8] = &[2, 1, 0];
    let good = info(version, &own, &[]);
    let csr = prompted(&wanted(Some(P256), P10, Some(&good)), &mut key).unwrap();
    let certificate = certificate_for(&PEOPLE.owner, &csr).unwrap();
    assert_eq!(Identity::of(&certificate).unwrap().spki, own);
    assert!(csr.windows(good.len()).any(|part| part == good));
    for bad in [
        info(version, &spki(&mut p256(2)), &[]),
        info(&[2, 1, 1], &own, &[]),
        info(version, &own, &[5, 0]),
        [&good[..], &[0]].concat(),
        good[1..].to_vec(),
        b"a message that somebody else believes".to_vec(),
        vec![],
    ] {
        let csr = prompted(&wanted(Some(P256), P10, Some(&bad)), &mut key);
        assert_eq!(csr, Err(SztpError::CsrInfo), "{bad:02x?}");
    }
    let mut request = wanted(Some(P256), P10, None);
    request["cert-req-info"] = "no base64!".into();
    assert_eq!(prompted(&request, &mut key), Err(SztpError::CsrInfo));
}

#[test]
fn other_formats_and_keys_are_refused() {
    let mut key = p256(1);
    for request in [
        wanted(Some(P256), "ietf-ztp-types:cmc-csr", None),
        wanted(Some(P384), P10, None),
        wanted(Some("AAAA"), P10, None),
        wanted(Some(""), P10, None),
        // The key of the IDevID, which this one is not.
        wanted(None, P10, None),
        json!({}),
        json!({"csr-generation": []}),
        json!({"csr-generation": {"selected-format": {"format-identifier": 1}}}),
    ] {
        assert_eq!(
            prompted(&request, &mut key),
            Err(SztpError::CsrKind),
            "{request}"
        );
    }
    // The names of the drafts.
    assert!(prompted(&wanted(Some(P256), "ietf-sztp-csr:p10", None), &mut key).is_ok());
}

#[test]
fn the_key_of_the_idevid_may_be_certified_again() {
    let board = test_pki::Pki::new(104)
        .client(crate::people::SERIAL)
        .unwrap();
    let pem = board.key_pem();
    let mut key: p256::ecdsa::SigningKey =
        p256::pkcs8::DecodePrivateKey::from_pkcs8_pem(&pem).unwrap();
    assert_eq!(spki(&mut key), Identity::of(&PEOPLE.idevid).unwrap().spki);
    assert!(prompted(&wanted(None, P10, None), &mut key).is_ok());
}

/// A key in hardware that does not answer.
struct Broken(Option<p256::ecdsa::SigningKey>);

impl LocalKey for Broken {
    fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::P256
    }

    fn public_key(&mut self, point: &mut [u8; MAX_POINT]) -> Option<usize> {
        self.0.as_mut()?.public_key(point)
    }

    fn sign(&mut self, _: &[u8], _: &mut [u8; netboot_sztp::MAX_SIGNATURE]) -> Option<usize> {
        None
    }
}

#[test]
fn a_key_that_fails_ends_in_its_own_error() {
    for mut key in [Broken(None), Broken(Some(p256(1)))] {
        let csr = prompted(&wanted(Some(P256), P10, None), &mut key);
        assert_eq!(csr, Err(SztpError::CsrKey));
    }
}

#[test]
fn a_server_that_asks_again_and_again_is_given_up() {
    with_agent(1, true, |agent| {
        agent.offer_request(KeyAlgorithm::P256);
        question(agent);
        for _ in 0..2 {
            certify(agent, &mut p256(1)).unwrap();
            assert!(question(agent).get("ietf-sztp-csr:p10-csr").is_some());
        }
        assert_eq!(certify(agent, &mut p256(1)), Err(SztpError::Status(400)));
    });
    // What the server has refused does not go to it again.
    with_agent(1, true, |agent| {
        agent.offer_request(KeyAlgorithm::P256);
        question(agent);
        certify(agent, &mut p256(1)).unwrap();
        let mut body = errors(&wanted(Some(P256), P10, None));
        let verdict = agent.answered(400, "application/yang-data+json", &mut body);
        assert!(matches!(verdict, Ok(Verdict::Certify(_))));
        assert!(question(agent).get("ietf-sztp-csr:csr-support").is_some());
    });
    // A device that cannot make it asks the next server.
    with_agent(1, true, |agent| {
        agent.offer_request(KeyAlgorithm::P256);
        question(agent);
        let certified = certify(agent, &mut Broken(None));
        assert_eq!(certified, Err(SztpError::CsrKey));
        assert!(matches!(
            agent.poll(None),
            Action::Exhausted(SztpError::CsrKey)
        ));
    });
}

/// Has the server ask for a request, and the device make it.
fn certify(agent: &mut Agent<'_, '_>, key: &mut dyn LocalKey) -> Result<(), SztpError> {
    let mut body = errors(&wanted(Some(P256), P10, None));
    match agent.answered(400, "application/yang-data+json", &mut body)? {
        Verdict::Certify(wanted) => agent.certify(&wanted, key),
        other => panic!("{other:?}"),
    }
}

/// Nobody but a trusted server learns that the device asks for a certificate, or has it sign anything.
#[test]
fn an_untrusted_server_gets_no_request() {
    with_agent(1, false, |agent| {
        agent.offer_request(KeyAlgorithm::P256);
        let input = question(agent);
        assert!(input.get("ietf-sztp-csr:csr-support").is_none());
        let mut body = errors(&wanted(Some(P256), P10, None));
        let verdict = agent.answered(400, "application/yang-data+json", &mut body);
        assert!(
            matches!(verdict, Err(SztpError::Status(400))),
            "{verdict:?}"
        );
    });
    // A device without such a key says nothing of it, and takes a 400 for what it is.
    with_agent(1, true, |agent| {
        assert!(question(agent).get("ietf-sztp-csr:csr-support").is_none());
        let mut body = errors(&wanted(Some(P256), P10, None));
        let verdict = agent.answered(400, "application/yang-data+json", &mut body);
        assert!(
            matches!(verdict, Err(SztpError::Status(400))),
            "{verdict:?}"
        );
    });
    // A 400 for another reason.
    with_agent(1, true, |agent| {
        agent.offer_request(KeyAlgorithm::P256);
        question(agent);
        for body in [
            &b"oops"[..],
            b"{}",
            br#"{"ietf-restconf:errors":{"error":[{}]}}"#,
        ] {
            let mut body = body.to_vec();
            let verdict = agent.answered(400, "text/plain", &mut body);
            assert!(
                matches!(verdict, Err(SztpError::Status(400) | SztpError::Answer)),
                "{verdict:?}"
            );
        }
    });
}

/// A configuration with these certificates for two keys.
fn keystore(first: &[&[u8]], second: &[&[u8]]) -> Vec<u8> {
    let key = |certificates: &[&[u8]]| {
        let certificates: Vec<Value> = certificates
            .iter()
            .map(|one| json!({"name": "x", "cert-data": base64(one)}))
            .collect();
        json!({"name": "a key", "hidden-private-key": [null], "certificates": {"certificate": certificates}})
    };
    json!({"ietf-keystore:keystore": {"asymmetric-keys": {"asymmetric-key": [key(first), key(second)]}}})
        .to_string()
        .into_bytes()
}

#[test]
fn the_certificate_for_the_key_is_found() {
    let mut key = p256(1);
    let csr = prompted(&wanted(Some(P256), P10, None), &mut key).unwrap();
    let own = certificate_for(&PEOPLE.owner, &csr).unwrap();
    let message = certificates_only(&[&own, &PEOPLE.owner.chain[0]]).unwrap();
    let others = certificates_only(&[&PEOPLE.idevid]).unwrap();
    let none = Err(SztpError::NoLocalCertificate);
    for (configuration, found) in [
        (keystore(&[&others, &message], &[]), Ok(Some(&message))),
        (
            keystore(&[&others], &[&PEOPLE.idevid, &own]),
            Ok(Some(&own)),
        ),
        (
            keystore(&[&vec![0x30; 8000], b""], &[&message]),
            Ok(Some(&message)),
        ),
        (keystore(&[&others], &[&PEOPLE.idevid]), none),
        (keystore(&[], &[]), none),
        (
            br#"{"ietf-keystore:keystore":{"asymmetric-keys":[]}}"#.to_vec(),
            none,
        ),
        (b"{}".to_vec(), Ok(None)),
        (b"<keystore/>".to_vec(), Ok(None)),
    ] {
        let certificate = local_certificate(&configuration, &mut key);
        let certificate = certificate.map(|found| found.map(|found| found.to_vec()));
        assert_eq!(certificate, found.map(|found| found.cloned()));
    }
    let configuration = keystore(&[&own], &[]);
    assert_eq!(
        local_certificate(&configuration, &mut p256(2)),
        Err(SztpError::NoLocalCertificate)
    );
    assert_eq!(
        local_certificate(&configuration, &mut Broken(None)),
        Err(SztpError::CsrKey)
    );
}
