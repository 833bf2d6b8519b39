//! One web server takes over from another, and caches stand between.

use crate::http::{SLOW, boots_while, delivered, pointing_to};
use crate::{boots, boots_with, plan};
use std::process::Command;
use testbed::Plan;
use testbed::caches::{slicing_nginx, varnish};
use testbed::netns::{Host, Lan, OTHER, SERVER};
use testbed::plan::firmware;
use testbed::real::{asked_for, put_files};
use testbed::servers::{Nginx, Program, Request};

/// Octets of image 0.
const SIZE: usize = 400_000;

fn slow_plan() -> Plan {
    Plan {
        images: firmware(&[SIZE, 1_000, 7]),
        expect: true,
        ..plan()
    }
}

/// Copies the files with their times, as `rsync -t` does: nginx makes the entity tag of time and size.
fn mirror(lan: &Lan) -> Host {
    let other = lan.join(OTHER).unwrap();
    let copied = Command::new("cp")
        .args(["-rp", "."])
        .arg(other.files())
        .current_dir(lan.server.files())
        .status();
    assert!(copied.unwrap().success());
    other
}

/// The octet from which a request asks for the rest of image 0, with the tag that it has to have.
fn rest(request: &Request) -> usize {
    assert_eq!(request.status, "206", "{request:?}");
    assert_eq!(request.uri, "/images/caliptra-fw.bin");
    assert!(request.if_range.starts_with('"'), "{}", request.if_range);
    let from = request.range.strip_prefix("bytes=").unwrap();
    from.strip_suffix('-').unwrap().parse().unwrap()
}

/// The first server is killed in mid-image, and stays dead. The mirror sends what is missing and nothing else.
#[test]
fn the_mirror_of_a_killed_server_sends_the_rest_alone() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let mut plan = slow_plan();
    plan.settings += &format!("default 0 http://{OTHER}/images/caliptra-fw.bin\n");
    for name in ["soc-manifest.bin", "mcu-runtime.bin"] {
        let index = plan.images.iter().position(|image| image.name == name);
        let index = index.unwrap();
        plan.settings += &format!("default {index} http://{OTHER}/images/{name}\n");
    }
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let mut first = Nginx::start(&lan.server, SLOW).unwrap();
    let other = mirror(&lan);
    let second = Nginx::start(&other, "").unwrap();
    let _dhcp = pointing_to(&lan, &format!("http://{SERVER}/{path}"));
    let booted = boots_while(&lan, &plan, 120_000, || first.stop());
    assert_eq!(booted.outcome.report.images[0].retries, 1);
    let requests = second.wait_requests(3).unwrap();
    let from = rest(&requests[0]);
    assert!(from >= 120_000);
    assert_eq!(requests[0].body_octets, (SIZE - from).to_string());
    let others = requests[1..].iter().map(|one| one.uri.as_str());
    assert!(others.into_iter().all(|uri| !uri.contains("caliptra-fw")));
}

/// Where the images are for the station: at the cache, while the files are at the origin.
fn cached(plan: &Plan) -> (Lan, Host, String) {
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, plan, "images/").unwrap();
    let origin = mirror(&lan);
    (lan, origin, format!("http://{SERVER}/{path}"))
}

/// The octets of image 0 that the origin has sent.
fn fetched(requests: &[Request]) -> usize {
    let image = requests
        .iter()
        .filter(|one| one.uri.contains("caliptra-fw"));
    image
        .map(|one| one.body_octets.parse::<usize>().unwrap())
        .sum()
}

/// The cache is killed in mid-image. What follows is asked for by a part that begins within a slice, and the origin sends no slice twice.
#[test]
fn a_cache_of_slices_goes_on_within_one() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let plan = slow_plan();
    let (lan, origin, uri) = cached(&plan);
    let source = Nginx::start(&origin, "").unwrap();
    let cache = slicing_nginx(&lan.server, OTHER, SLOW).unwrap();
    let _dhcp = pointing_to(&lan, &uri);
    let mut cut = false;
    let booted = boots_with(&lan, &plan, &mut |line| {
        if !cut && delivered(line, 120_000) {
            cache.kill_worker().unwrap();
            cut = true;
        }
    });
    assert!(cut);
    assert!(booted.outcome.report.images[0].resumes >= 1);
    let requests = cache.wait_requests(3).unwrap();
    assert!(rest(&requests[0]) >= 120_000);
    let slices = source.requests().unwrap();
    assert!(slices.iter().all(|one| one.range.starts_with("bytes=")));
    // One slice may have been under way when the worker died.
    let fetched = fetched(&slices);
    assert!((SIZE..=SIZE + 16 * 1024).contains(&fetched), "{fetched}");
}

/// A second board costs the origin nothing.
#[test]
fn varnish_serves_what_it_has() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx, Program::Varnish]) {
        return;
    }
    let plan = slow_plan();
    let (lan, origin, uri) = cached(&plan);
    let source = Nginx::start(&origin, "").unwrap();
    let _cache = varnish(&lan.server, OTHER).unwrap();
    let _dhcp = pointing_to(&lan, &uri);
    boots(&lan, &plan);
    boots(&lan, &plan);
    let requests = source.requests().unwrap();
    assert_eq!(fetched(&requests), SIZE, "{requests:#?}");
    assert_eq!(requests.len(), 3);
}
