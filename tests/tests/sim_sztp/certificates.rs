//! Boards that ask their owner for a certificate of their own (RFC 9646), with OpenSSL as its authority.

use crate::common::{boot_with, digest, flash_digest, octets, place, plan, questions, reports};
use e2e::Boot;
use image_server::Post;
use netboot_core::Blame;
use netboot_sztp::{ASK_PATH, MEDIA_TYPE};
use serde_json::{Value, json};
use test_pki::sztp::{base64, certificate_for, certificates_only};
use testbed::Plan;
use testbed::sztp::{People, SharedStore, Sztp, local_key, onboarding, unsigned};

const P256: &str = "MBMGByqGSM49AgEGCCqGSM49AwEH";

/// A board with a key of its own.
fn board(trusted: bool, store: &SharedStore) -> Plan {
    let mut plan = plan(trusted);
    plan.sztp = Some(Sztp {
        has_anchors: trusted,
        store: Some(store.clone()),
        local_key: Some(local_key()),
        ..Sztp::new()
    });
    plan
}

/// The answer of a server that wants a signing request.
fn wants_request(format: &str, then: Option<Post>) -> Post {
    let request = json!({
        "key-generation": {"selected-algorithm": {"algorithm-identifier": P256}},
        "csr-generation": {"selected-format": {"format-identifier": format}}});
    let error = json!({"error-type": "application", "error-tag": "missing-attribute",
        "error-info": {"ietf-sztp-csr:csr-request": request}});
    Post {
        status: 400,
        media_type: MEDIA_TYPE.into(),
        accept: None,
        content: Some(
            json!({"ietf-restconf:errors": {"error": [error]}})
                .to_string()
                .into_bytes(),
        ),
        then: then.map(Box::new),
    }
}

fn conveys(json: &Value) -> Post {
    Post {
        status: 200,
        media_type: MEDIA_TYPE.into(),
        accept: None,
        content: Some(unsigned(&json.to_string())),
        then: None,
    }
}

/// Boots with a server that gives these answers.
fn boot(plan: &Plan, post: Post) -> Boot {
    boot_with(plan, &[vec![]], |server| {
        server.http.posts.insert(ASK_PATH.into(), post);
    })
}

/// The certificate that the authority issues for the request that the board sends.
fn issued(plan: &Plan, authority: &test_pki::Identity) -> Vec<u8> {
    let boot = boot(plan, wants_request("ietf-ztp-types:p10-csr", None));
    let questions = questions(&boot);
    let support = &questions[0]["ietf-sztp-csr:csr-support"];
    let algorithms = &support["key-generation"]["supported-algorithms"]["algorithm-identifier"];
    assert_eq!(algorithms, &json!([P256]));
    let csr = questions[1]["ietf-sztp-csr:p10-csr"].as_str().unwrap();
    let mut csr = csr.as_bytes().to_vec();
    let len = netboot_core::base64::decode_in_place(&mut csr).unwrap();
    certificate_for(authority, &csr[..len]).unwrap()
}

/// A configuration with this certificate, as base64.
fn keystore(certificate: &[u8]) -> String {
    let certificates = json!([{"name": "an LDevID", "cert-data": base64(certificate)}]);
    let key = json!({"name": "hidden", "certificates": {"certificate": certificates}});
    let keystore =
        json!({"ietf-keystore:keystore": {"asymmetric-keys": {"asymmetric-key": [key]}}});
    base64(keystore.to_string().as_bytes())
}

fn demands(configuration: &str) -> Value {
    json!({"ietf-sztp-conveyed-info:onboarding-information": {
        "configuration-handling": "merge", "configuration": configuration}})
}

#[test]
fn the_certificate_for_the_boards_own_key_is_kept() {
    let store = SharedStore::new(true);
    let plan = board(true, &store);
    let owner = People::new().owner;
    let certificate = issued(&plan, &owner);
    let message = certificates_only(&[&certificate, &owner.chain[0]]).unwrap();
    let last = conveys(&demands(&keystore(&message)));
    let ended = boot(&plan, wants_request("ietf-ztp-types:p10-csr", Some(last)));
    assert_eq!(store.certificate(), message);
    assert_eq!(
        reports(&ended)[..2],
        ["bootstrap-initiated", "bootstrap-complete"]
    );
}

/// The image carries out the rest, but the board's own certificate is there for the next boot.
#[test]
fn the_certificate_is_kept_beside_an_image() {
    let store = SharedStore::new(true);
    let plan = board(true, &store);
    let certificate = issued(&plan, &People::new().owner);
    let places = [&*place("http", "flash.bin")];
    let mut all: Value =
        serde_json::from_str(&onboarding(&places, Some(&flash_digest(&plan)))).unwrap();
    let inner = &mut all["ietf-sztp-conveyed-info:onboarding-information"];
    inner["configuration-handling"] = "merge".into();
    inner["configuration"] = keystore(&certificate).into();
    let boot = boot(
        &plan,
        wants_request("ietf-ztp-types:p10-csr", Some(conveys(&all))),
    );
    boot.assert_booted(&plan);
    assert_eq!(store.certificate(), certificate);
    assert_eq!(digest(&octets(&plan, "flash.bin")), flash_digest(&plan));
}

#[test]
fn another_certificate_or_request_has_its_number_and_keeps_nothing() {
    let store = SharedStore::new(true);
    let plan = board(true, &store);
    let other = keystore(&People::new().idevid);
    let last = conveys(&demands(&other));
    let ended = boot(&plan, wants_request("ietf-ztp-types:p10-csr", Some(last)));
    ended.assert_failed(&plan, 0x000F_0073, Blame::Server);
    assert!(reports(&ended).contains(&"config-error".into()));
    let ended = boot(&plan, wants_request("ietf-ztp-types:cmp-csr", None));
    ended.assert_failed(&plan, 0x000F_0070, Blame::Server);
    assert!(store.certificate().is_empty());
}

/// A server that has proved nothing is offered no request, and its 400 is a refusal.
#[test]
fn an_untrusted_server_is_offered_nothing() {
    let store = SharedStore::new(true);
    let plan = board(false, &store);
    let ended = boot(&plan, wants_request("ietf-ztp-types:p10-csr", None));
    ended.assert_failed(&plan, 0x000F_0003, Blame::Server);
    let questions = questions(&ended);
    assert!(
        questions
            .iter()
            .all(|one| one.get("ietf-sztp-csr:csr-support").is_none())
    );
}
