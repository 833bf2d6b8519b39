//! More than one protocol, or more than one host, in a boot.

use crate::{boot, certificate, https, nothing_was_activated, pki, plan, plan_with};
use image_server::config::Redirect;
use image_server::{Content, Protocol, ServerConfig};
use netboot_core::{Blame, Coded};
use netboot_tls::verify::VerifyError;
use testbed::plan::{FILE_NAMES, Pointer, SERVER};
use testbed::{Image, Plan};

/// The server has another name, too.
fn named(server: &mut ServerConfig) {
    server.lease.dns = vec![SERVER];
    server.dns.insert("images.example".into(), SERVER);
}

fn to(location: &str) -> Redirect {
    Redirect {
        status: 302,
        location: location.into(),
    }
}

/// Images that are named by whole URIs, as a table of contents may have them.
fn elsewhere(plan: &mut Plan, uris: [&str; 3]) {
    for (image, uri) in plan.images.iter_mut().zip(uris) {
        image.name = uri.into();
    }
}

/// The files under their plain names.
fn at_home(server: &mut ServerConfig, images: &[Image]) {
    for (image, name) in images.iter().zip(FILE_NAMES) {
        let bytes = Content::Bytes(image.bytes.clone());
        server.files.insert(name.into(), bytes);
    }
}

const HTTPS_URIS: [&str; 3] = [
    "https://10.0.2.2/caliptra-fw.bin",
    "https://10.0.2.2/soc-manifest.bin",
    "https://10.0.2.2/mcu-runtime.bin",
];

#[test]
fn a_table_by_tftp_that_names_https() {
    for protocol in [testbed::Protocol::Tftp, testbed::Protocol::Http] {
        let mut plan = plan();
        (plan.protocol, plan.pointer) = (protocol, Pointer::Toc);
        elsewhere(&mut plan, HTTPS_URIS);
        let images = plan.images.clone();
        let ended = boot(&plan, |server| at_home(server, &images));
        ended.assert_booted(&plan);
        assert_eq!((ended.tls.len(), ended.tls[0].requests), (1, 3));
    }
}

/// Each image by another protocol, and back: the TLS channel does not outlive its connection.
#[test]
fn one_image_by_each_protocol() {
    let mut plan = plan();
    plan.pointer = Pointer::Toc;
    elsewhere(
        &mut plan,
        [
            "tftp://10.0.2.2/caliptra-fw.bin",
            "http://10.0.2.2/soc-manifest.bin",
            "https://10.0.2.2/mcu-runtime.bin",
        ],
    );
    let images = plan.images.clone();
    let ended = boot(&plan, |server| at_home(server, &images));
    ended.assert_booted(&plan);
    // The table, and after plain HTTP again.
    assert_eq!((ended.tls.len(), ended.handshakes()), (2, 2));
    for (protocol, name) in [
        (Protocol::Tftp, FILE_NAMES[0]),
        (Protocol::Http, FILE_NAMES[1]),
        (Protocol::Https, FILE_NAMES[2]),
    ] {
        assert_eq!(ended.served(protocol, name).len(), 1, "{name}");
    }
}

#[test]
fn a_redirect_from_http_to_https_is_followed() {
    let mut plan = plan();
    plan.protocol = testbed::Protocol::Http;
    let ended = boot(&plan, |server| {
        for name in FILE_NAMES {
            let up = to(&format!("https://10.0.2.2/{name}"));
            server.http.redirects.insert(format!("/{name}"), up);
        }
    });
    ended.assert_booted(&plan);
    for name in FILE_NAMES {
        assert_eq!(ended.served(Protocol::Https, name).len(), 1);
        assert!(
            ended
                .served(Protocol::Http, name)
                .iter()
                .all(|one| one.status == 302)
        );
    }
}

#[test]
fn a_redirect_from_https_to_http_is_refused() {
    let plan = plan();
    for location in [
        "http://10.0.2.2/caliptra-fw.bin",
        "http://images.example/caliptra-fw.bin",
        "tftp://10.0.2.2/caliptra-fw.bin",
    ] {
        let ended = boot(&plan, |server| {
            named(server);
            let redirects = &mut https(server).redirects;
            redirects.insert(format!("/{}", FILE_NAMES[0]), to(location));
        });
        let code = match location.starts_with("http:") {
            true => netboot_http::HttpError::RedirectDowngrade.code(),
            false => 0x0003_001B,
        };
        ended.assert_failed(&plan, code, Blame::Server);
        nothing_was_activated(&ended);
        let plain = [Protocol::Http, Protocol::Tftp];
        assert!(
            ended
                .served
                .iter()
                .all(|one| !plain.contains(&one.protocol))
        );
    }
}

/// A signed place of a storage service, whose request has to fit the TLS channel's send buffer.
#[test]
fn a_long_place_is_followed() {
    let plan = plan();
    for octets in [900, 2_000] {
        let ended = boot(&plan, |server| {
            let content = server.files[FILE_NAMES[0]].clone();
            server.files.insert("signed".into(), content);
            let location = format!(
                "https://10.0.2.2/signed?X-Amz-Signature={}",
                "a".repeat(octets)
            );
            let redirects = &mut https(server).redirects;
            redirects.insert(format!("/{}", FILE_NAMES[0]), to(&location));
        });
        ended.assert_booted(&plan);
        assert_eq!(ended.served(Protocol::Https, "signed").len(), 1, "{octets}");
    }
}

/// The same address and another name is another server: it has to prove itself anew.
#[test]
fn another_host_is_another_handshake() {
    let plan = plan();
    let redirected = |server: &mut ServerConfig| {
        named(server);
        let location = format!("https://images.example/{}", FILE_NAMES[0]);
        let redirects = &mut https(server).redirects;
        redirects.insert(format!("/{}", FILE_NAMES[0]), to(&location));
    };
    // The redirect keeps on redirecting: the file has another name there.
    let ended = boot(&plan, |server| {
        redirected(server);
        moved(server);
    });
    ended.assert_booted(&plan);
    let told: Vec<_> = ended
        .tls
        .iter()
        .map(|one| one.server_name.as_deref())
        .collect();
    assert_eq!(told[..2], [None, Some("images.example")]);

    // A certificate for the first of both only.
    let plan = plan_with(|https| {
        https.shown = Some(pki().server(&["10.0.2.2"]).expect("an identity"));
    });
    let ended = boot(&plan, |server| {
        redirected(server);
        moved(server);
    });
    let error = certificate(VerifyError::WrongName);
    ended.assert_failed(&plan, error.code(), error.blame());
    nothing_was_activated(&ended);
}

/// The first file lies under another path, and the redirect leads there.
fn moved(server: &mut ServerConfig) {
    let file = server.files.remove(FILE_NAMES[0]).expect("the file");
    server.files.insert("moved.bin".into(), file);
    let location = to("https://images.example/moved.bin");
    let redirects = &mut https(server).redirects;
    redirects.insert(format!("/{}", FILE_NAMES[0]), location);
}

/// A table names one server by its address and by its name in turn, all over connections that could be kept.
#[test]
fn a_kept_connection_is_not_used_for_another_host() {
    let mut plan = plan();
    plan.pointer = Pointer::Toc;
    elsewhere(
        &mut plan,
        [
            "https://10.0.2.2/caliptra-fw.bin",
            "https://images.example/soc-manifest.bin",
            "https://images.example/mcu-runtime.bin",
        ],
    );
    let images = plan.images.clone();
    let ended = boot(&plan, |server| {
        named(server);
        at_home(server, &images);
    });
    ended.assert_booted(&plan);
    let told: Vec<_> = ended
        .tls
        .iter()
        .map(|one| (one.server_name.as_deref(), one.requests))
        .collect();
    assert_eq!(told, [(None, 2), (Some("images.example"), 2)]);
    // With a certificate for the address alone, the name is refused.
    plan.https.iter_mut().for_each(|https| {
        https.shown = Some(pki().server(&["10.0.2.2"]).expect("an identity"));
    });
    let ended = boot(&plan, |server| {
        named(server);
        at_home(server, &images);
    });
    let error = certificate(VerifyError::WrongName);
    ended.assert_failed(&plan, error.code(), error.blame());
    assert!(!ended.outcome.images[1].activated);
}
