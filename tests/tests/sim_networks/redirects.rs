//! Redirects to storage.

use super::plan;
use e2e::{Boot, Sim};
use image_server::{HttpFault, Protocol as Wire, Redirect, Rule, ServerConfig};
use netboot_core::{Blame, Duration};
use testbed::{Plan, Protocol};

/// Puts the first image behind a redirect to `place`.
fn redirect(server: &mut ServerConfig, place: &str) {
    let image = server.files["caliptra-fw.bin"].clone();
    server.files.insert("signed/fw.bin".into(), image);
    let location = format!("http://10.0.2.2/{place}");
    let redirect = Redirect {
        status: 302,
        location,
    };
    let redirects = &mut server.http.redirects;
    redirects.insert("/caliptra-fw.bin".into(), redirect);
}

/// The image lies behind a redirect to `place`, which has `faults`.
fn redirected(plan: &Plan, place: &str, faults: Vec<Rule<HttpFault>>) -> Boot {
    Sim::new(plan)
        .server(|server| {
            redirect(server, place);
            for rule in faults {
                server.faults.http.add(rule);
            }
        })
        .run()
}

/// The transfer breaks, and by then the signature in the place has expired: whoever has redirected there gives another one.
#[test]
fn a_resumption_asks_the_first_place_again_when_the_redirected_one_refuses() {
    for status in [401, 403, 404, 410] {
        let plan = plan(Protocol::Http);
        let rules = vec![
            Rule::new(HttpFault::CloseAfter(20_000))
                .named("signed/fw.bin")
                .times(1),
            Rule::new(HttpFault::Status(status, None))
                .named("signed/fw.bin")
                .after(1)
                .times(1),
        ];
        let boot = redirected(&plan, "signed/fw.bin?sig=1", rules);
        boot.assert_booted(&plan);
        let asked = boot.served(Wire::Http, "caliptra-fw.bin");
        assert_eq!(asked.len(), 2, "{status}");
        assert_eq!(boot.resumes(0), 1);
        assert!(boot.took() < Duration::from_secs(10));
    }
    // It goes on refusing: an end.
    let plan = plan(Protocol::Http);
    let rules = vec![
        Rule::new(HttpFault::CloseAfter(20_000))
            .named("signed/fw.bin")
            .times(1),
        Rule::new(HttpFault::Status(403, None))
            .named("signed/fw.bin")
            .after(1),
    ];
    let boot = redirected(&plan, "signed/fw.bin?sig=1", rules);
    assert!(boot.error().is_some());
    assert!(boot.took() < Duration::from_secs(60), "{}", boot.took());
}

/// The transfer breaks, and nobody can be spoken to any more at the machine that the place names: whoever has redirected there names another one.
#[test]
fn a_resumption_asks_the_first_place_again_when_the_redirected_one_cannot_be_reached() {
    use e2e::segment::{ACK, RST, SYN, Segment};
    use netsim::Side;
    const STORAGE: std::net::Ipv4Addr = std::net::Ipv4Addr::new(10, 0, 2, 3);
    // The machine is silent, or refuses connections.
    for refuses in [false, true] {
        let plan = plan(Protocol::Http);
        let mut connections = 0;
        let middle = Box::new(move |_, from, frame: Vec<u8>, out: &mut Vec<_>| {
            let opens = Segment::of(&frame).filter(|segment| segment.flags & (SYN | ACK) == SYN);
            let to_storage = from == Side::Client && frame.get(30..34) == Some(&STORAGE.octets());
            if let (true, Some(syn)) = (to_storage, opens) {
                connections += 1;
                if connections > 1 {
                    let mut reset = Segment::crossing(&frame, RST | ACK, b"").expect("a segment");
                    // The SYN counts as one octet (RFC 9293, section 3.4).
                    reset[42..46].copy_from_slice(&(syn.seq.wrapping_add(1)).to_be_bytes());
                    e2e::wire::mend(&mut reset);
                    out.extend(refuses.then_some((Side::Server, reset)));
                    return;
                }
            }
            out.push((from, frame));
        });
        let boot = Sim::new(&plan)
            .server(|server| {
                redirect(server, "signed/fw.bin");
                server.proxy = Some(image_server::ProxyConfig {
                    ip: STORAGE,
                    ..Default::default()
                });
                let away = HttpFault::Redirect(302, format!("http://{STORAGE}/signed/fw.bin"));
                let faults = &mut server.faults.http;
                faults.add(Rule::new(away).named("caliptra-fw.bin").times(1));
                let breaks = Rule::new(HttpFault::CloseAfter(20_000)).named("signed/fw.bin");
                faults.add(breaks.times(1));
            })
            .middle(middle)
            .run();
        boot.assert_booted(&plan);
        let once = ["caliptra-fw.bin", "signed/fw.bin"];
        assert_eq!(paths(&boot), [once, once].concat(), "{refuses}");
        assert_eq!(boot.resumes(0), 1, "{refuses}");
        let longest = Duration::from_secs(if refuses { 5 } else { 15 });
        assert!(boot.took() < longest, "{refuses}: {}", boot.took());
    }
}

/// A signed place as storage services have it, with a path and query of this many octets.
fn signed(octets: usize) -> String {
    let start = "signed/fw.bin?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=";
    format!("{start}{}", "a".repeat(octets - 1 - start.len()))
}

/// The paths of the requests for the first image, in order.
fn paths(boot: &Boot) -> Vec<&str> {
    let served = boot.served.iter().map(|one| one.name.as_str());
    served.filter(|file| file.contains("fw.bin")).collect()
}

#[test]
fn long_places_are_followed() {
    for octets in [300, 319, 819, 1_419, 2_048] {
        let plan = plan(Protocol::Http);
        let boot = redirected(&plan, &signed(octets), Vec::new());
        boot.assert_booted(&plan);
        assert_eq!(
            paths(&boot),
            ["caliptra-fw.bin", "signed/fw.bin"],
            "{octets}"
        );
    }
}

/// The second hop is relative to a place that is long itself, and a fragment is no part of a place.
#[test]
fn a_long_place_leads_on_and_has_no_fragment() {
    let plan = plan(Protocol::Http);
    let boot = Sim::new(&plan)
        .server(|server| {
            let long = format!("{}/b", "d".repeat(600));
            redirect(server, &format!("{long}?sig=1#{}", "f".repeat(400)));
            let on = Redirect {
                status: 307,
                location: "../signed/fw.bin?sig=2".into(),
            };
            server.http.redirects.insert(format!("/{long}"), on);
        })
        .run();
    boot.assert_booted(&plan);
    assert_eq!(boot.served(Wire::Http, "signed/fw.bin").len(), 1);
}

#[test]
fn heads_that_are_longer_than_the_buffer_are_read_line_by_line() {
    let policy = format!(
        "Content-Security-Policy: {}",
        "default-src 'self'; ".repeat(180)
    );
    for (octets, policies) in [(20, 1), (20, 3), (819, 1), (2_048, 2)] {
        let plan = plan(Protocol::Http);
        let boot = with_headers(&plan, octets.max(100), vec![policy.clone(); policies]);
        boot.assert_booted(&plan);
        assert_eq!(
            paths(&boot),
            ["caliptra-fw.bin", "signed/fw.bin"],
            "{octets}"
        );
    }
    // A head without an end.
    let plan = plan(Protocol::Http);
    let boot = with_headers(&plan, 100, vec![policy; 12]);
    boot.assert_failed(&plan, 0x0003_0005, Blame::Caller);
}

fn with_headers(plan: &Plan, octets: usize, headers: Vec<String>) -> Boot {
    Sim::new(plan)
        .server(|server| {
            redirect(server, &signed(octets));
            server.http.headers = headers;
        })
        .run()
}

/// Nobody writes a long place down, so a transfer that breaks there begins at the place that has redirected to it, and goes on
/// with the octet that comes next.
#[test]
fn a_resumption_of_a_long_place_asks_the_first_one_again() {
    let plan = plan(Protocol::Http);
    let broken = Rule::new(HttpFault::CloseAfter(20_000))
        .named("signed/fw.bin")
        .times(2);
    let boot = redirected(&plan, &signed(900), vec![broken]);
    boot.assert_booted(&plan);
    assert_eq!(boot.resumes(0), 2);
    let once = ["caliptra-fw.bin", "signed/fw.bin"];
    assert_eq!(paths(&boot), [once, once, once].concat());
    let octets = boot
        .served(Wire::Http, "signed/fw.bin")
        .iter()
        .map(|one| one.octets)
        .sum::<u64>();
    let size = plan.images[0].bytes.len() as u64;
    assert!(octets < size + 2 * 20_000, "{octets} of {size}");
}

/// The limit is ours, and the server is not accused.
#[test]
fn a_location_that_is_too_long_names_this_clients_limit() {
    let plan = plan(Protocol::Http);
    for octets in [2_049, 2_300] {
        let boot = redirected(&plan, &signed(octets), Vec::new());
        boot.assert_failed(&plan, 0x0003_001f, Blame::Caller);
        let told = boot.error().unwrap().to_string();
        assert!(
            told.contains("2048") && told.contains("this client"),
            "{told}"
        );
    }
    let boot = redirected(&plan, &signed(4_000), Vec::new());
    boot.assert_failed(&plan, 0x0003_0005, Blame::Caller);
}

/// Browsers repair such places, and this client does not guess: what has to be percent-encoded, has to be. The server is told to be the culprit, with the
/// offset.
#[test]
fn a_location_with_characters_that_are_not_allowed_in_a_uri() {
    for (place, octet) in [
        ("signed/fw bin", 9),
        ("signed/fw.bin?a[]=1", 15),
        ("signed/fw.bin?b={c}|d", 16),
        ("signed/f\u{e9}.bin", 8),
    ] {
        let plan = plan(Protocol::Http);
        let boot = redirected(&plan, place, Vec::new());
        boot.assert_failed(&plan, 0x0003_0019, Blame::Server);
        let told = boot.error().unwrap().to_string();
        let offset = "http://10.0.2.2/".len() + octet;
        assert!(told.contains(&offset.to_string()), "{place}: {told}");
    }
}

/// Scheme and host mean the same in either case (RFC 3986, section 6.2.2.1).
#[test]
fn a_location_whose_scheme_is_in_capitals() {
    for scheme in ["HTTP", "Http"] {
        let plan = plan(Protocol::Http);
        let boot = Sim::new(&plan)
            .server(|server| {
                redirect(server, "signed/fw.bin");
                let redirects = &mut server.http.redirects;
                let first = redirects.get_mut("/caliptra-fw.bin").unwrap();
                first.location = format!("{scheme}://10.0.2.2/signed/fw.bin");
            })
            .run();
        boot.assert_booted(&plan);
        assert_eq!(paths(&boot), ["caliptra-fw.bin", "signed/fw.bin"]);
    }
}
