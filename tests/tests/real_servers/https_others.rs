//! HTTPS from servers other than nginx: OpenSSL's own, and GnuTLS's. Both serve one request a connection.

use crate::http::pointing_to;
use crate::https::{ends, fails_by_tls, over, small_records};
use crate::{boots, fails, plan, small};
use netboot::NetError;
use netboot_app::AppError;
use netboot_core::{Blame, Coded as _};
use netboot_tls::{Alert, TlsError};
use test_pki::Pki;
use testbed::Plan;
use testbed::https::Https;
use testbed::netns::{Lan, SERVER};
use testbed::plan::{FIRMWARE_SIZES, Image};
use testbed::real::{asked_for, put_files};
use testbed::servers::{Program, Server};
use testbed::tls_servers::{self, Tls};

const OPENSSL: [Program; 2] = [Program::Dnsmasq, Program::OpenSsl];
const GNUTLS: [Program; 2] = [Program::Dnsmasq, Program::GnutlsServ];

/// A LAN with `s_server` on the images of `plan`, and dnsmasq that points there.
fn openssl(plan: &Plan, tls: &Tls, arguments: &[&str]) -> (Lan, Server, Server) {
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, plan, "images/").unwrap();
    let web = tls_servers::openssl(&lan.server, tls, arguments).unwrap();
    let server = pointing_to(&lan, &format!("https://{SERVER}/{path}"));
    (lan, web, server)
}

/// A LAN with `gnutls-serv` that answers with the one image of `plan`, and dnsmasq that points there.
fn gnutls(plan: &Plan, tls: &Tls, arguments: &[&str]) -> (Lan, Server, Server) {
    let lan = Lan::new().unwrap();
    let web = tls_servers::gnutls_serv(&lan.server, tls, &plan.images[0].bytes, arguments);
    let server = pointing_to(&lan, &format!("https://{SERVER}/images/"));
    (lan, web.unwrap(), server)
}

/// One image of a real size.
fn one_image() -> Plan {
    Plan {
        images: vec![Image::pseudo_random(
            "caliptra-fw.bin",
            FIRMWARE_SIZES[0],
            1,
        )],
        settings: plan().settings + "last_index 0\n",
        ..plan()
    }
}

/// The server that the client of `plan` expects.
fn right(plan: &Plan) -> Tls {
    Tls::open(plan.https.as_ref().unwrap().identity())
}

/// The server that wants a certificate of the client of `plan`.
fn mutual(plan: &Plan) -> Tls {
    let https = plan.https.as_ref().unwrap();
    Tls::mutual(https.identity(), https.pki)
}

fn with_certificate() -> Https {
    Https {
        client: true,
        ..ends()
    }
}

#[test]
fn openssl_serves_each_image_over_a_connection_of_its_own() {
    if !asked_for(&OPENSSL) {
        return;
    }
    for (https, arguments) in [
        (ends(), &[][..]),
        (ends(), &["-max_send_frag", "4096"]),
        (small_records(ends()), &["-max_send_frag", "4096"]),
        // Heeds max_fragment_length.
        (small_records(ends()), &[]),
    ] {
        let plan = over(plan(), https);
        let (lan, web, _server) = openssl(&plan, &right(&plan), arguments);
        boots(&lan, &plan);
        let files = web.wait_lines(&["FILE:images/"], 3).unwrap();
        let names = plan.images.iter();
        let names = names.map(|image| format!("FILE:images/{}", image.name));
        assert_eq!(files, names.collect::<Vec<_>>());
    }
}

#[test]
fn openssl_wants_a_certificate_of_the_client() {
    if !asked_for(&OPENSSL) {
        return;
    }
    let plan = over(small(), with_certificate());
    let (lan, web, _server) = openssl(&plan, &mutual(&plan), &[]);
    boots(&lan, &plan);
    assert_eq!(web.wait_lines(&["FILE:images/"], 3).unwrap().len(), 3);
    let plan = over(small(), ends());
    let (lan, web, _server) = openssl(&plan, &mutual(&plan), &[]);
    let (_, error) = fails(&lan, &plan);
    let AppError::Network(NetError::Tls(TlsError::Alert(alert))) = error else {
        panic!("{error:?}");
    };
    assert_eq!(alert, Alert::CERTIFICATE_REQUIRED);
    assert!(web.lines(&["FILE:"]).is_empty());
}

#[test]
fn openssl_with_nothing_that_we_have() {
    if !asked_for(&OPENSSL) {
        return;
    }
    let plan = over(small(), ends());
    for (old, arguments, expected) in [
        (true, &[][..], TlsError::NoTls13),
        (false, &["-groups", "X25519"], TlsError::NothingInCommon),
    ] {
        let tls = Tls {
            old,
            ..right(&plan)
        };
        let (lan, web, _server) = openssl(&plan, &tls, arguments);
        fails_by_tls(&lan, &plan, expected);
        assert!(web.lines(&["FILE:"]).is_empty());
    }
}

#[test]
fn gnutls_serves_an_image() {
    if !asked_for(&GNUTLS) {
        return;
    }
    // Small records: it heeds record_size_limit.
    for https in [ends(), small_records(ends())] {
        let plan = over(one_image(), https);
        let (lan, web, _server) = gnutls(&plan, &right(&plan), &[]);
        boots(&lan, &plan);
        let versions = web.wait_lines(&["Version: TLS1.3"], 1).unwrap();
        assert_eq!(versions.len(), 1);
    }
}

#[test]
fn gnutls_wants_a_certificate_of_the_client() {
    if !asked_for(&GNUTLS) {
        return;
    }
    let plan = over(one_image(), with_certificate());
    let (lan, _web, _server) = gnutls(&plan, &mutual(&plan), &[]);
    boots(&lan, &plan);
    let plan = over(one_image(), ends());
    let (lan, _web, _server) = gnutls(&plan, &mutual(&plan), &[]);
    let (_, error) = fails(&lan, &plan);
    let AppError::Network(NetError::Tls(TlsError::Alert(_))) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.blame(), Blame::Server);
}

/// Its limit on records is kept by a client whose chain is longer, and holds for requests too.
#[test]
fn gnutls_with_a_small_record_size_and_a_long_client_chain() {
    if !asked_for(&GNUTLS) {
        return;
    }
    for https in [with_certificate(), small_records(with_certificate())] {
        let https = Https {
            pki: Pki {
                intermediates: 3,
                ..https.pki
            },
            ..https
        };
        let chain = https.station().chain;
        assert!(chain.iter().map(|one| one.len()).sum::<usize>() > 1_600);
        let plan = over(one_image(), https);
        let (lan, _web, _server) = gnutls(&plan, &mutual(&plan), &["--recordsize=512"]);
        boots(&lan, &plan);
    }
}

#[test]
fn gnutls_with_tls_1_2_only() {
    if !asked_for(&GNUTLS) {
        return;
    }
    let plan = over(one_image(), ends());
    let tls = Tls {
        old: true,
        ..right(&plan)
    };
    let (lan, _web, _server) = gnutls(&plan, &tls, &[]);
    // Its alert is handshake_failure, where OpenSSL's is protocol_version.
    fails_by_tls(&lan, &plan, TlsError::NothingInCommon);
}
