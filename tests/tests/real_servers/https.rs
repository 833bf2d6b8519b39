//! HTTPS from nginx, by the boot application's own TLS.

use crate::http::{SLOW, boots_while, delivered, pointing_to, sizes};
use crate::{DHCP, DNS, RANGE, boots, boots_with, fails, large, plan, small};
use netboot::NetError;
use netboot_app::AppError;
use netboot_core::{Blame, Coded};
use netboot_http::HttpError;
use netboot_tls::TlsError;
use netboot_tls::channel::SMALL_RECORDS;
use netboot_tls::verify::{Role, TimePolicy, VerifyError};
use std::collections::BTreeSet;
use std::time::Duration;
use test_pki::{Flaw, Identity, KeyKind, Pki};
use testbed::https::{Https, NAME};
use testbed::netns::{Lan, SERVER};
use testbed::plan::{Pointer, firmware};
use testbed::real::{asked_for, put_files};
use testbed::servers::{Nginx, Program, Request, Server, dnsmasq};
use testbed::tls_servers::{self, Tls};
use testbed::{Plan, Protocol};

const NEEDED: [Program; 2] = [Program::Dnsmasq, Program::Nginx];

/// A server with an intermediate authority, and a client that trusts the root.
pub fn ends() -> Https {
    Https::new(Pki::with_intermediate(7))
}

/// Receives records of up to 4,096 octets only.
pub fn small_records(https: Https) -> Https {
    Https {
        records: SMALL_RECORDS,
        ..https
    }
}

/// `plan` by HTTPS.
pub fn over(plan: Plan, https: Https) -> Plan {
    Plan {
        protocol: Protocol::Https,
        https: Some(https),
        ..plan
    }
}

/// A LAN with the images of `plan` under `images/`, nginx with `tls` and `lines`, and dnsmasq that points there.
fn world(plan: &Plan, tls: &Tls, lines: &str) -> (Lan, Nginx, Server) {
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, plan, "images/").unwrap();
    let web = tls_servers::nginx(&lan.server, tls, lines).unwrap();
    let server = pointing_to(&lan, &format!("https://{SERVER}/{path}"));
    (lan, web, server)
}

/// The server that the client of `plan` expects.
fn right(plan: &Plan) -> Tls {
    Tls::open(plan.https.as_ref().unwrap().identity())
}

/// A boot that fails with this error of TLS.
pub fn fails_by_tls(lan: &Lan, plan: &Plan, expected: TlsError) {
    let (booted, error) = fails(lan, plan);
    assert_eq!(error, AppError::Network(NetError::Tls(expected)));
    assert_eq!(booted.outcome.report.status(), expected.code());
    assert!(booted.outcome.images.iter().all(|one| !one.activated));
    assert!(booted.outcome.images.iter().all(|one| one.octets == 0));
}

/// Three images over one connection, octet by octet, as the server saw it.
pub fn over_one_connection(requests: &[Request], plan: &Plan) {
    let octets: Vec<_> = requests.iter().map(|one| one.body_octets.clone()).collect();
    assert_eq!(octets, sizes(plan));
    for (number, request) in requests.iter().enumerate() {
        assert_eq!((&*request.status, &*request.tls), ("200", "TLSv1.3"));
        assert_eq!(request.connection, requests[0].connection);
        assert_eq!(request.connection_requests, (number + 1).to_string());
    }
}

#[test]
fn three_images_over_one_connection() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = Plan {
        expect: true,
        ..over(plan(), ends())
    };
    let (lan, web, _server) = world(&plan, &right(&plan), "");
    let booted = boots(&lan, &plan);
    let requests = web.wait_requests(3).unwrap();
    over_one_connection(&requests, &plan);
    assert!(requests.iter().all(|one| one.client_verify == "NONE"));
    assert!(requests.iter().all(|one| one.host == SERVER.to_string()));
    let images = &booted.outcome.report.images;
    assert!(images.iter().all(|one| one.retries + one.resumes == 0));
}

/// With and without nginx's own limit: OpenSSL below it heeds the client's `max_fragment_length`.
#[test]
fn small_records_with_and_without_a_limit_of_the_servers() {
    if !asked_for(&NEEDED) {
        return;
    }
    for lines in ["ssl_buffer_size 4k;", ""] {
        let plan = over(plan(), small_records(ends()));
        let (lan, web, _server) = world(&plan, &right(&plan), lines);
        boots(&lan, &plan);
        over_one_connection(&web.wait_requests(3).unwrap(), &plan);
    }
}

#[test]
fn each_suite_alone() {
    if !asked_for(&NEEDED) {
        return;
    }
    for suite in [
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
    ] {
        let plan = over(plan(), ends());
        let lines = format!("ssl_conf_command Ciphersuites {suite};");
        let (lan, web, _server) = world(&plan, &right(&plan), &lines);
        boots(&lan, &plan);
        let requests = web.wait_requests(3).unwrap();
        over_one_connection(&requests, &plan);
        assert!(requests.iter().all(|one| one.cipher == suite));
    }
}

#[test]
fn a_server_that_is_found_by_its_name() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = over(small(), ends());
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let https = plan.https.as_ref().unwrap();
    // Only the name is in the certificate, and only who asks for it (SNI) gets in.
    let named = Tls::open(https.pki.server(&[NAME]).unwrap());
    let lines = format!("server_name {NAME};\nif ($ssl_server_name != {NAME}) {{ return 403; }}");
    let web = tls_servers::nginx(&lan.server, &named, &lines).unwrap();
    let lines = format!(
        "{RANGE}\nlocal=/example/\nhost-record={NAME},{SERVER}\ndhcp-boot=https://{NAME}/{path}"
    );
    let server = dnsmasq(&lan.server, &lines, &[DHCP, DNS]).unwrap();
    boots(&lan, &plan);
    let requests = web.wait_requests(3).unwrap();
    over_one_connection(&requests, &plan);
    assert!(requests.iter().all(|one| one.host == NAME));
    drop(server);
    let by_address = pointing_to(&lan, &format!("https://{SERVER}/{path}"));
    fails_by_tls(&lan, &plan, TlsError::Certificate(VerifyError::WrongName));
    drop(by_address);
    assert_eq!(web.requests().unwrap().len(), 3);
}

#[test]
fn parts_of_a_flash_image_and_a_table_of_contents() {
    if !asked_for(&NEEDED) {
        return;
    }
    // What comes behind the table of a flash image is cut off; each part is asked for as such.
    for (pointer, statuses, connections) in [
        (Pointer::Toc, ["200", "200", "200", "200"], 1),
        (Pointer::FlashImage, ["200", "206", "206", "206"], 2),
    ] {
        let plan = Plan {
            pointer,
            ..over(plan(), ends())
        };
        let (lan, web, _server) = world(&plan, &right(&plan), "");
        boots(&lan, &plan);
        let requests = web.wait_requests(4).unwrap();
        let told: Vec<_> = requests.iter().map(|one| one.status.as_str()).collect();
        assert_eq!(told, statuses);
        assert!(requests.iter().all(|one| one.tls == "TLSv1.3"));
        let seen: BTreeSet<_> = requests.iter().map(|one| &one.connection).collect();
        assert_eq!(seen.len(), connections);
    }
}

#[test]
fn a_certificate_of_the_client() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = over(
        small(),
        Https {
            client: true,
            ..ends()
        },
    );
    let https = plan.https.as_ref().unwrap();
    let both = Tls::mutual(https.identity(), https.pki);
    let (lan, web, _server) = world(&plan, &both, "");
    boots(&lan, &plan);
    let requests = web.wait_requests(3).unwrap();
    over_one_connection(&requests, &plan);
    assert!(requests.iter().all(|one| one.client_verify == "SUCCESS"));
}

#[test]
fn a_client_without_the_certificate_that_the_server_wants() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = over(small(), ends());
    let https = plan.https.as_ref().unwrap();
    let both = Tls::mutual(https.identity(), https.pki);
    let (lan, web, _server) = world(&plan, &both, "");
    let (booted, error) = fails(&lan, &plan);
    // nginx refuses by HTTP, not by TLS.
    let AppError::Network(NetError::Http(HttpError::Status { status, .. })) = error else {
        panic!("{error:?}");
    };
    assert_eq!((status, error.blame()), (400, Blame::Server));
    assert!(!booted.outcome.images[0].activated);
    assert_eq!(web.wait_requests(1).unwrap()[0].client_verify, "NONE");
}

/// A server that shows `shown` is refused with this error, is told by this alert, and is asked for nothing.
fn refused(shown: Identity, expected: TlsError, alert: &str) {
    refused_by(ends(), shown, expected, alert);
}

/// Like [`refused`], by this client.
fn refused_by(client: Https, shown: Identity, expected: TlsError, alert: &str) {
    let plan = over(small(), client);
    let log = "error_log /dev/stderr info;";
    let (lan, web, _server) = world(&plan, &Tls::open(shown), log);
    fails_by_tls(&lan, &plan, expected);
    web.wait_lines(&[alert], 1).unwrap();
    assert!(web.requests().unwrap().is_empty());
}

#[test]
fn servers_that_are_not_who_they_have_to_be() {
    if !asked_for(&NEEDED) {
        return;
    }
    let https = ends();
    let flawed = |flaw| {
        https
            .pki
            .flawed(&[NAME, &SERVER.to_string()], flaw)
            .unwrap()
    };
    for (flaw, expected, alert) in [
        (
            Flaw::WrongName,
            VerifyError::WrongName,
            "alert certificate unknown",
        ),
        (
            Flaw::SelfSigned,
            VerifyError::UnknownIssuer,
            "alert unknown ca",
        ),
        (
            Flaw::OtherCa,
            VerifyError::UnknownIssuer,
            "alert unknown ca",
        ),
        (
            Flaw::MissingIntermediate,
            VerifyError::UnknownIssuer,
            "alert unknown ca",
        ),
        (
            Flaw::ForgedSignature,
            VerifyError::BadSignature,
            "alert bad certificate",
        ),
        (
            Flaw::ClientUsage,
            VerifyError::WrongUsage(Role::Leaf),
            "alert bad certificate",
        ),
    ] {
        refused(flawed(flaw), TlsError::Certificate(expected), alert);
    }
}

/// As [`TimePolicy`] has it: without a clock all that is known is that the chain was valid once.
#[test]
fn certificates_out_of_their_time() {
    /// 2025-01-01.
    const NOW: u64 = 1_735_689_600;
    if !asked_for(&NEEDED) {
        return;
    }
    let at = |time| Https { time, ..ends() };
    let flawed = |flaw| {
        let names = [NAME, &SERVER.to_string()];
        ends().pki.flawed(&names, flaw).unwrap()
    };
    let told = "alert certificate expired";
    let expired = TlsError::Certificate(VerifyError::Expired(Role::Leaf));
    for time in [TimePolicy::Floor(NOW), TimePolicy::Trusted(NOW)] {
        refused_by(at(time), flawed(Flaw::Expired), expired, told);
    }
    let early = TlsError::Certificate(VerifyError::NotYetValid(Role::Leaf));
    let trusted = at(TimePolicy::Trusted(NOW));
    refused_by(trusted, flawed(Flaw::NotYetValid), early, told);
    for (time, flaw) in [
        (TimePolicy::None, Flaw::Expired),
        (TimePolicy::Floor(NOW), Flaw::NotYetValid),
    ] {
        let plan = over(small(), at(time));
        let (lan, web, _server) = world(&plan, &Tls::open(flawed(flaw)), "");
        boots(&lan, &plan);
        over_one_connection(&web.wait_requests(3).unwrap(), &plan);
    }
}

#[test]
fn a_server_with_an_rsa_key_only() {
    if !asked_for(&NEEDED) {
        return;
    }
    let rsa = Https::new(ends().pki.with_keys(KeyKind::Rsa2048));
    let why = "no suitable signature algorithm";
    refused(rsa.identity(), TlsError::NothingInCommon, why);
}

#[test]
fn a_server_with_tls_1_2_only() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = over(small(), ends());
    let tls = Tls {
        old: true,
        ..right(&plan)
    };
    let (lan, web, _server) = world(&plan, &tls, "");
    fails_by_tls(&lan, &plan, TlsError::NoTls13);
    assert!(web.requests().unwrap().is_empty());
}

#[test]
fn a_client_that_trusts_nobody() {
    if !asked_for(&NEEDED) {
        return;
    }
    let nobody = Https {
        trusted: false,
        ..ends()
    };
    let plan = over(small(), nobody);
    let (lan, web, _server) = world(&plan, &right(&plan), "");
    fails_by_tls(&lan, &plan, TlsError::Certificate(VerifyError::NoTrust));
    assert!(web.requests().unwrap().is_empty());
}

#[test]
fn a_redirect_from_http() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = over(small(), ends());
    let (lan, web, server) = world(&plan, &right(&plan), "");
    drop(server);
    let lines = format!("return 301 https://{SERVER}$request_uri;");
    let plain = Nginx::start(&lan.server, &lines).unwrap();
    let _server = pointing_to(&lan, &format!("http://{SERVER}/images/"));
    boots(&lan, &plan);
    let redirected = plain.wait_requests(3).unwrap();
    assert!(redirected.iter().all(|one| one.status == "301"));
    let requests = web.wait_requests(3).unwrap();
    assert!(
        requests
            .iter()
            .all(|one| (&*one.status, &*one.tls) == ("200", "TLSv1.3"))
    );
}

#[test]
fn a_redirect_back_to_http_is_refused() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = over(small(), ends());
    let lines = format!("return 302 http://{SERVER}$request_uri;");
    let (lan, web, _server) = world(&plan, &right(&plan), &lines);
    let plain = Nginx::start(&lan.server, "").unwrap();
    let (_, error) = fails(&lan, &plan);
    let downgrade = NetError::Http(HttpError::RedirectDowngrade);
    assert_eq!(error, AppError::Network(downgrade));
    assert_eq!(web.wait_requests(1).unwrap()[0].status, "302");
    assert!(plain.requests().unwrap().is_empty());
}

fn slow_plan() -> Plan {
    Plan {
        images: firmware(&[400_000, 1_000, 7]),
        expect: true,
        ..over(plan(), ends())
    }
}

/// What the server says of an image that was taken up again over another connection.
fn taken_up(requests: &[Request]) {
    let resumed = requests.iter().find(|one| one.status == "206").unwrap();
    let from = resumed.range.strip_prefix("bytes=").unwrap();
    let from: u64 = from.trim_end_matches('-').parse().unwrap();
    assert!(from >= 100_000);
    assert!(resumed.if_range.starts_with('"'), "{}", resumed.if_range);
    assert_eq!(resumed.content_range, format!("bytes {from}-399999/400000"));
    assert_eq!(resumed.body_octets, (400_000 - from).to_string());
    assert_eq!(resumed.tls, "TLSv1.3");
    assert_eq!(resumed.connection_requests, "1");
}

#[test]
fn a_cut_connection_is_taken_up_by_range() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = slow_plan();
    let (lan, web, _server) = world(&plan, &right(&plan), SLOW);
    let mut cut = false;
    let booted = boots_with(&lan, &plan, &mut |line| {
        if !cut && delivered(line, 120_000) {
            web.kill_worker().unwrap();
            cut = true;
        }
    });
    assert!(cut);
    let image = &booted.outcome.report.images[0];
    assert!(image.resumes >= 1);
    assert_eq!(image.retries, 0);
    taken_up(&web.wait_requests(3).unwrap());
}

#[test]
fn a_server_that_is_restarted_is_waited_for() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = slow_plan();
    let (lan, mut web, _server) = world(&plan, &right(&plan), SLOW);
    let booted = boots_while(&lan, &plan, 120_000, || {
        web.stop();
        std::thread::sleep(Duration::from_millis(900));
        web.restart(&lan.server).unwrap();
    });
    assert!(booted.outcome.report.images[0].resumes >= 1);
    taken_up(&web.wait_requests(3).unwrap());
}

#[test]
fn sixteen_mebioctets() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = over(large(), ends());
    let (lan, web, _server) = world(&plan, &right(&plan), "");
    boots(&lan, &plan);
    let requests = web.wait_requests(1).unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].body_octets, (16 << 20).to_string());
    assert_eq!(requests[0].tls, "TLSv1.3");
}
