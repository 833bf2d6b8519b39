//! A board and a bootstrap server.

use e2e::{Boot, Sim};
use image_server::{Content, ServerConfig};
use netboot_sztp::{ASK_PATH, REPORT_PATH};
use std::collections::HashSet;
use test_pki::Pki;
use testbed::plan::{Pointer, SERVER, firmware, sha256};
use testbed::sztp::{Sztp, option, serve};
use testbed::{Https, Plan, Protocol};

/// The seed of the authorities of the web server.
pub const SEED: u64 = 21;

/// A board that boots nothing but what a bootstrap server names; `trusted` says whether it has the root of the server.
pub fn plan(trusted: bool) -> Plan {
    let mut https = Https::new(Pki::with_intermediate(SEED));
    https.trusted = trusted;
    Plan {
        protocol: Protocol::Https,
        images: firmware(&[20_000, 3_000, 2_004]),
        pointer: Pointer::FlashImage,
        settings: "probe off\nretry 1\norder sztp\n".into(),
        https: Some(https),
        sztp: Some(Sztp {
            has_anchors: trusted,
            ..Sztp::new()
        }),
        ..Plan::default()
    }
}

/// A board that boots by any source.
pub fn open_plan(trusted: bool) -> Plan {
    Plan {
        settings: "probe off\nretry 1\n".into(),
        ..plan(trusted)
    }
}

/// Boots with a bootstrap server that DHCP names and that gives these answers.
pub fn boot(plan: &Plan, answers: &[Vec<u8>]) -> Boot {
    boot_with(plan, answers, |_| ())
}

pub fn boot_with(plan: &Plan, answers: &[Vec<u8>], change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan)
        .server(|server| {
            serve(&mut server.http.posts, answers);
            let named = option(&format!("https://{SERVER}"));
            server.lease.options.push(named);
        })
        .server(change)
        .run()
}

/// A place on the server.
pub fn place(scheme: &str, file: &str) -> String {
    format!("{scheme}://{SERVER}/{file}")
}

/// SHA-256 of the file with all images, in hexadecimal digits.
pub fn flash_digest(plan: &Plan) -> String {
    digest(&octets(plan, "flash.bin"))
}

/// A file of the server.
pub fn octets(plan: &Plan, name: &str) -> Vec<u8> {
    match &plan.server().files[name] {
        Content::Bytes(octets) => octets.to_vec(),
        other => panic!("{other:?}"),
    }
}

pub fn digest(octets: &[u8]) -> String {
    sha256(octets).to_string()
}

/// The reports that the server got, by their types.
pub fn reports(boot: &Boot) -> Vec<String> {
    let posted = boot.posted.iter().filter(|(path, _)| path == REPORT_PATH);
    let types = posted.map(|(_, body)| {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap();
        let input = &json["ietf-sztp-bootstrap-server:input"];
        input["progress-type"].as_str().unwrap().to_owned()
    });
    types.collect()
}

/// The questions that the server got.
pub fn questions(boot: &Boot) -> Vec<serde_json::Value> {
    let posted = boot.posted.iter().filter(|(path, _)| path == ASK_PATH);
    let questions: Vec<serde_json::Value> = posted
        .map(|(_, body)| serde_json::from_slice(body).unwrap())
        .map(|json: serde_json::Value| json["ietf-sztp-bootstrap-server:input"].clone())
        .collect();
    // A nonce is used once.
    let nonces: HashSet<_> = questions
        .iter()
        .map(|one| one["nonce"].to_string())
        .collect();
    assert_eq!(nonces.len(), questions.len());
    questions
}
