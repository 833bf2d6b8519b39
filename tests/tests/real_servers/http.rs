//! HTTP from nginx.

use crate::{DHCP, RANGE, boots, boots_with, fails, fails_with, large, plan, small};
use netboot::NetError;
use netboot_app::AppError;
use netboot_core::{Blame, Coded};
use netboot_http::HttpError;
use std::fs;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;
use testbed::Plan;
use testbed::netns::{Lan, SERVER};
use testbed::plan::{Pointer, firmware};
use testbed::real::{Booted, asked_for, put_files};
use testbed::servers::{Nginx, Program, Server, dnsmasq};

const NEEDED: [Program; 2] = [Program::Dnsmasq, Program::Nginx];

/// dnsmasq that points to `uri`.
pub fn pointing_to(lan: &Lan, uri: &str) -> Server {
    let lines = format!("port=0\n{RANGE}\ndhcp-boot={uri}");
    dnsmasq(&lan.server, &lines, &[DHCP]).unwrap()
}

/// The URI of `path` on the LAN's own machine.
fn at_server(path: &str) -> String {
    format!("http://{SERVER}/{path}")
}

/// A LAN with the images of `plan` under `images/`, nginx with `lines`, and dnsmasq that points there.
fn world(plan: &Plan, lines: &str) -> (Lan, Nginx, Server) {
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, plan, "images/").unwrap();
    let web = Nginx::start(&lan.server, lines).unwrap();
    let server = pointing_to(&lan, &at_server(&path));
    (lan, web, server)
}

pub fn sizes(plan: &Plan) -> Vec<String> {
    let sizes = plan.images.iter().map(|image| image.bytes.len());
    sizes.map(|size| size.to_string()).collect()
}

#[test]
fn three_images_over_one_connection_and_never_compressed() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = Plan {
        expect: true,
        ..plan()
    };
    let gzip = "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;";
    let (lan, web, _server) = world(&plan, gzip);
    boots(&lan, &plan);
    let requests = web.wait_requests(3).unwrap();
    let octets: Vec<_> = requests.iter().map(|one| one.body_octets.clone()).collect();
    assert_eq!(octets, sizes(&plan));
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(request.status, "200");
        assert_eq!(request.connection, requests[0].connection);
        assert_eq!(request.connection_requests, (number + 1).to_string());
        assert_eq!(request.accept_encoding, "identity");
        assert_eq!(request.content_encoding, "");
        assert_eq!(request.host, SERVER.to_string());
    }
}

/// Each octet is asked for once, in parts, over several connections that nginx keeps.
#[test]
fn one_image_over_several_connections() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = Plan {
        expect: true,
        parallel: true,
        settings: plan().settings + "connections_ms 0\n",
        ..plan()
    };
    let (lan, web, _server) = world(&plan, "");
    boots(&lan, &plan);
    // 16 KiB of receive buffer without the room that is left.
    const STRIPE: usize = 16 * 1024 - 2560;
    let octets = plan.images.iter().map(|image| image.bytes.len());
    let parts: usize = octets.clone().map(|octets| octets.div_ceil(STRIPE)).sum();
    let requests = web.wait_requests(parts).unwrap();
    assert!(requests.iter().all(|one| one.status == "206"));
    let sent = requests.iter().map(|one| one.body_octets.parse::<usize>());
    assert_eq!(
        (requests.len(), sent.map(Result::unwrap).sum()),
        (parts, octets.sum::<usize>())
    );
    let mut connections: Vec<_> = requests.iter().map(|one| &one.connection).collect();
    connections.sort();
    connections.dedup();
    assert!((2..=4).contains(&connections.len()), "{connections:?}");
}

#[test]
fn a_table_of_contents_names_the_files() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = Plan {
        pointer: Pointer::Toc,
        ..plan()
    };
    let (lan, web, _server) = world(&plan, "");
    boots(&lan, &plan);
    let requests = web.wait_requests(4).unwrap();
    let uris: Vec<_> = requests.iter().map(|one| one.uri.as_str()).collect();
    assert_eq!(uris[0], "/images/boot.toc");
    let names = plan
        .images
        .iter()
        .map(|image| format!("/images/{}", image.name));
    assert_eq!(uris[1..], names.collect::<Vec<_>>());
}

#[test]
fn parts_of_a_flash_image_are_asked_for_by_range() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = Plan {
        pointer: Pointer::FlashImage,
        ..plan()
    };
    let (lan, web, _server) = world(&plan, "");
    boots(&lan, &plan);
    let whole = fs::metadata(lan.server.files().join("images/flash.bin"))
        .unwrap()
        .len();
    let requests = web.wait_requests(4).unwrap();
    assert_eq!(requests[0].range, "");
    let mut offset = 12 + 3 * 84;
    for (request, image) in requests[1..].iter().zip(&plan.images) {
        assert_eq!(request.status, "206");
        let last = offset + image.bytes.len() - 1;
        assert_eq!(request.range, format!("bytes={offset}-{last}"));
        assert_eq!(
            request.content_range,
            format!("bytes {offset}-{last}/{whole}")
        );
        offset += image.bytes.len();
    }
}

#[test]
fn redirects_relative_and_absolute() {
    if !asked_for(&NEEDED) {
        return;
    }
    for (absolute, location) in [("off", "/images/"), ("on", "http://10.0.2.2/images/")] {
        let lan = Lan::new().unwrap();
        let plan = small();
        put_files(&lan, &plan, "images/").unwrap();
        let lines =
            format!("absolute_redirect {absolute}; rewrite ^/old/(.*)$ /images/$1 permanent;");
        let web = Nginx::start(&lan.server, &lines).unwrap();
        let _server = pointing_to(&lan, &at_server("old/"));
        let booted = boots(&lan, &plan);
        let requests = web.wait_requests(6).unwrap();
        for (pair, image) in requests.chunks(2).zip(&plan.images) {
            assert_eq!((&*pair[0].status, &*pair[1].status), ("301", "200"));
            assert_eq!(pair[0].uri, format!("/old/{}", image.name));
            assert_eq!(pair[0].location, format!("{location}{}", image.name));
            assert_eq!(pair[1].uri, format!("/images/{}", image.name));
        }
        // The report says where the image came from, not where it was looked for.
        let uri = booted.outcome.report.images[0].uri.as_ref().unwrap();
        assert_eq!(uri.path(), format!("/images/{}", plan.images[0].name));
    }
}

#[test]
fn redirects_in_a_circle_end() {
    if !asked_for(&NEEDED) {
        return;
    }
    let circle = "location /images/ { rewrite ^/images/(.*)$ /other/$1 redirect; }\n\
                  location /other/ { rewrite ^/other/(.*)$ /images/$1 redirect; }";
    let plan = small();
    let (lan, web, _server) = world(&plan, circle);
    let (_, error) = fails(&lan, &plan);
    assert_eq!(
        error,
        AppError::Network(NetError::Http(HttpError::RedirectLoop))
    );
    assert_eq!(web.wait_requests(2).unwrap().len(), 2);
}

#[test]
fn chunked_content_of_unknown_size() {
    if !asked_for(&NEEDED) {
        return;
    }
    // What substitutes may change the length: nginx gives up Content-Length and sends chunks.
    let chunked = "sub_filter_types *; sub_filter '<no image has this in it>' '';";
    let plan = plan();
    let (lan, web, _server) = world(&plan, chunked);
    boots(&lan, &plan);
    // The device wants to know the size first: each is read twice.
    let requests = web.wait_requests(6).unwrap();
    assert_eq!(requests.len(), 6);
    for (pair, image) in requests.chunks(2).zip(&plan.images) {
        for request in pair {
            assert_eq!(request.status, "200");
            assert_eq!(request.transfer_encoding, "chunked");
            assert_eq!(request.uri, format!("/images/{}", image.name));
            // With the framing of the chunks.
            assert!(request.body_octets.parse::<usize>().unwrap() > image.bytes.len());
        }
    }
}

/// A first image that takes 1.5 s after its first 100,000 octets.
pub const SLOW: &str = "limit_rate_after 100k; limit_rate 200k;";

/// Whether a console line says that so many octets of the first image, or more, were delivered.
pub fn delivered(line: &str, octets: u64) -> bool {
    let Some(rest) = line.strip_prefix("@delivered ") else {
        return false;
    };
    let number = rest
        .split(' ')
        .find_map(|pair| pair.strip_prefix("octets="));
    rest.contains("index=0 ")
        && number.is_some_and(|number| number.parse::<u64>().unwrap() >= octets)
}

/// Boots, and calls `meanwhile` when so many octets of the first image were delivered. A server ends with the thread that starts it, so the client gets a
/// thread of its own.
pub fn boots_while(lan: &Lan, plan: &Plan, octets: u64, meanwhile: impl FnOnce()) -> Booted {
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            boots_with(lan, plan, &mut |line| {
                if delivered(line, octets) {
                    let _ = tell.send(());
                }
            })
        });
        told.recv_timeout(Duration::from_secs(20)).unwrap();
        meanwhile();
        client.join().unwrap()
    })
}

fn slow_plan() -> Plan {
    Plan {
        images: firmware(&[400_000, 1_000, 7]),
        expect: true,
        ..plan()
    }
}

#[test]
fn a_cut_connection_is_taken_up_by_range() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = slow_plan();
    let (lan, web, _server) = world(&plan, SLOW);
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
    // The killed worker wrote nothing of the first request.
    let requests = web.wait_requests(3).unwrap();
    let resumed = &requests[0];
    assert_eq!(
        (&*resumed.status, &*resumed.uri),
        ("206", "/images/caliptra-fw.bin")
    );
    let from: u64 = resumed.range["bytes=".len()..]
        .trim_end_matches('-')
        .parse()
        .unwrap();
    assert!(from >= 120_000);
    assert!(
        resumed.if_range.starts_with('"'),
        "a strong tag: {}",
        resumed.if_range
    );
    assert_eq!(resumed.content_range, format!("bytes {from}-399999/400000"));
    assert_eq!(resumed.body_octets, (400_000 - from).to_string());
}

#[test]
fn a_server_that_is_gone_for_a_while_is_waited_for() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = slow_plan();
    let (lan, mut web, _server) = world(&plan, SLOW);
    let booted = boots_while(&lan, &plan, 120_000, || {
        web.stop();
        std::thread::sleep(Duration::from_millis(900));
        web.restart(&lan.server).unwrap();
    });
    assert!(booted.outcome.report.images[0].resumes >= 1);
    let requests = web.wait_requests(3).unwrap();
    assert!(
        requests
            .iter()
            .any(|one| one.status == "206" && !one.if_range.is_empty())
    );
}

#[test]
fn a_file_that_changed_in_the_meantime_is_not_activated() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = Plan {
        expect: false,
        ..slow_plan()
    };
    let (lan, web, _server) = world(&plan, SLOW);
    let mut cut = false;
    let (booted, error) = fails_with(&lan, &plan, &mut |line| {
        if !cut && delivered(line, 120_000) {
            // Of the same size, and another second, as nginx's tags are made of both.
            let file = lan.server.files().join("images/caliptra-fw.bin");
            fs::write(&file, vec![0; 400_000]).unwrap();
            let touched = Command::new("touch")
                .args(["-d", "@1000000000"])
                .arg(&file)
                .status();
            assert!(touched.unwrap().success());
            web.kill_worker().unwrap();
            cut = true;
        }
    });
    assert!(cut);
    let changed = [
        AppError::Network(NetError::ContentChanged),
        AppError::Network(NetError::Http(HttpError::Changed)),
    ];
    assert!(changed.contains(&error), "{error:?}");
    assert!(booted.outcome.report.images[0].octets < 400_000);
}

#[test]
fn a_missing_file_is_status_404() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = small();
    let (lan, web, _server) = world(&plan, "");
    fs::remove_file(lan.server.files().join("images/soc-manifest.bin")).unwrap();
    let (booted, error) = fails(&lan, &plan);
    let AppError::Network(NetError::Http(HttpError::Status { status, .. })) = error else {
        panic!("{error:?}");
    };
    assert_eq!(status, 404);
    assert_eq!(error.blame(), Blame::Configuration);
    assert_eq!(booted.outcome.report.images.len(), 2);
    assert!(booted.outcome.images[0].activated);
    assert_eq!(web.wait_requests(2).unwrap()[1].status, "404");
}

#[test]
fn a_port_without_a_server_refuses_the_connection() {
    if !asked_for(&NEEDED) {
        return;
    }
    let lan = Lan::new().unwrap();
    let _server = pointing_to(&lan, &format!("http://{SERVER}:81/images/"));
    let (_, error) = fails(&lan, &small());
    assert_eq!(error, AppError::Network(NetError::ConnectionRefused));
    assert_eq!(error.blame(), Blame::Server);
}

/// nginx that wants a user and a password.
fn guarded(lan: &Lan) -> Nginx {
    let secrets = lan.server.workspace("htpasswd").unwrap().join("users");
    fs::write(&secrets, "rom:{PLAIN}open sesame\n").unwrap();
    let lines = format!(
        "auth_basic boot; auth_basic_user_file {};",
        secrets.display()
    );
    Nginx::start(&lan.server, &lines).unwrap()
}

#[test]
fn basic_authentication() {
    if !asked_for(&NEEDED) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let web = guarded(&lan);
    let _server = pointing_to(&lan, &format!("http://rom:open%20sesame@{SERVER}/{path}"));
    let booted = boots(&lan, &plan);
    assert!(!booted.console.contains("sesame"));
    let requests = web.wait_requests(3).unwrap();
    assert!(
        requests
            .iter()
            .all(|one| one.status == "200" && one.user == "rom")
    );
}

#[test]
fn a_wrong_password_is_status_401() {
    if !asked_for(&NEEDED) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let web = guarded(&lan);
    let _server = pointing_to(&lan, &format!("http://rom:guess@{SERVER}/{path}"));
    let (booted, error) = fails(&lan, &plan);
    let AppError::Network(NetError::Http(HttpError::Status { status, .. })) = error else {
        panic!("{error:?}");
    };
    assert_eq!(status, 401);
    assert!(!booted.console.contains("guess"));
    assert_eq!(web.wait_requests(1).unwrap()[0].status, "401");
}

#[test]
fn content_compressed_against_our_wish_is_refused() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = small();
    let (lan, web, _server) = world(&plan, "gzip_static always;");
    for image in &plan.images {
        // nginx sends this file as it is and calls it gzip; the client must not get that far.
        lan.server
            .put(&format!("images/{}.gz", image.name), &image.bytes)
            .unwrap();
    }
    let (booted, error) = fails(&lan, &plan);
    assert_eq!(
        error,
        AppError::Network(NetError::Http(HttpError::ContentEncoding))
    );
    assert_eq!(booted.outcome.images[0].octets, 0);
    assert_eq!(web.wait_requests(1).unwrap()[0].content_encoding, "gzip");
}

#[test]
fn a_server_without_keep_alive_gets_a_connection_for_each() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = small();
    let (lan, web, _server) = world(&plan, "keepalive_timeout 0;");
    boots(&lan, &plan);
    let requests = web.wait_requests(3).unwrap();
    assert!(requests.iter().all(|one| one.connection_requests == "1"));
    assert_ne!(requests[0].connection, requests[1].connection);
}

#[test]
fn a_connection_that_the_server_closed_in_the_meantime_is_opened_again() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = Plan {
        device: "verify_ms 600\n".into(),
        settings: small().settings + "settle_ms 800\n",
        ..small()
    };
    let (lan, web, _server) = world(&plan, "keepalive_timeout 300ms;");
    let booted = boots(&lan, &plan);
    let requests = web.wait_requests(3).unwrap();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|one| one.status == "200"));
    // The second is asked for ahead, while the connection is open; the server ends it before the third is.
    let nth: Vec<_> = requests
        .iter()
        .map(|one| one.connection_requests.as_str())
        .collect();
    assert_eq!(nth, ["1", "2", "1"]);
    assert!(
        booted
            .outcome
            .report
            .images
            .iter()
            .all(|image| image.retries == 0)
    );
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = small();
    let busy = "add_header Retry-After 1 always; if (-f $document_root/busy) { return 503; }";
    let (lan, web, _server) = world(&plan, busy);
    lan.server.put("busy", b"").unwrap();
    let file = lan.server.files().join("busy");
    let booted = std::thread::scope(|scope| {
        scope.spawn(|| {
            web.wait_requests(1).unwrap();
            fs::remove_file(file).unwrap();
        });
        boots(&lan, &plan)
    });
    let requests = web.wait_requests(4).unwrap();
    let statuses: Vec<_> = requests.iter().map(|one| one.status.as_str()).collect();
    assert_eq!(statuses, ["503", "200", "200", "200"]);
    assert!(booted.took >= Duration::from_secs(1));
}

#[test]
fn sixteen_mebioctets() {
    if !asked_for(&NEEDED) {
        return;
    }
    let plan = large();
    let (lan, web, _server) = world(&plan, "");
    boots(&lan, &plan);
    let requests = web.wait_requests(1).unwrap();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].body_octets, (16 << 20).to_string());
}
