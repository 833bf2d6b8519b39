//! Boots over HTTPS in the simulated world: what the server proves, what becomes of a body that is cut, and which
//! error names what was wrong. Never a short image as a whole one, and never one from somebody who proved nothing.

mod accidents;
mod chains;
mod hostile;
mod identity;
mod mixed;
mod records;
mod refused;

use e2e::{Boot, Sim};
use image_server::ServerConfig;
use image_server::tls::HttpsConfig;
use netboot_core::{Blame, Coded, Duration, Instant};
use netboot_tls::TlsError;
use netboot_tls::verify::VerifyError;
use test_pki::Pki;
use testbed::plan::{Image, SERVER, firmware};
use testbed::{Https, Plan, Protocol};

/// Sizes that make a transfer of some length and two short ones.
const SIZES: [usize; 3] = [100_000, 3_000, 2_001];
/// 2026-08-01.
const NOW: u64 = 1_785_542_400;

fn pki() -> Pki {
    Pki::with_intermediate(21)
}

/// A boot over HTTPS that gives up at the first error.
fn plan() -> Plan {
    Plan {
        protocol: Protocol::Https,
        images: firmware(&SIZES),
        settings: "probe off\nretry continue\n".into(),
        https: Some(Https::new(pki())),
        ..Plan::default()
    }
}

/// As [`plan`], with another setting of TLS.
fn plan_with(change: impl FnMut(&mut Https)) -> Plan {
    let mut plan = plan();
    plan.https.as_mut().into_iter().for_each(change);
    plan
}

/// Boots `plan` from a server that `change` has changed.
fn boot(plan: &Plan, change: impl FnOnce(&mut ServerConfig)) -> Boot {
    Sim::new(plan).server(change).run()
}

/// The HTTPS server of a plan that has one.
fn https(server: &mut ServerConfig) -> &mut HttpsConfig {
    server.https.as_mut().expect("an HTTPS server")
}

/// The boot failed for this, in time, and nothing was activated; nor did the server see a request.
#[track_caller]
fn refused(what: &str, plan: &Plan, boot: &Boot, error: TlsError) {
    println!("{what}");
    boot.assert_failed(plan, error.code(), error.blame());
    nothing_was_activated(boot);
    assert!(
        boot.tls.iter().all(|one| one.requests == 0),
        "{what}: {:?}",
        boot.tls
    );
    assert!(
        boot.took() < Duration::from_secs(20),
        "{what}: {}",
        boot.took()
    );
}

#[track_caller]
fn nothing_was_activated(boot: &Boot) {
    for image in &boot.outcome.images {
        assert!(!image.activated && image.octets == 0, "{}", boot.console);
    }
}

/// The sentence of the error has these words for an operator.
#[track_caller]
fn says(boot: &Boot, words: &str) {
    let text = boot.error().expect("an error").to_string();
    assert!(text.contains(words), "{text}");
}

fn seconds(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn certificate(error: VerifyError) -> TlsError {
    TlsError::Certificate(error)
}

/// Names on the certificate of the simulated server.
fn names() -> [String; 2] {
    [testbed::https::NAME.into(), SERVER.to_string()]
}

const fn network(number: u32) -> (u32, Blame) {
    (0x0005_0000 + number, Blame::Network)
}

fn size(image: &Image) -> u64 {
    image.bytes.len() as u64
}
