//! Redirects to storage.

use super::plan;
use e2e::{Boot, Sim};
use image_server::{HttpFault, Protocol as Wire, Redirect, Rule};
use netboot_core::{Blame, Duration};
use testbed::{Plan, Protocol};

/// The image lies behind a redirect to `place`, which has `faults`.
fn redirected(plan: &Plan, place: &str, faults: Vec<Rule<HttpFault>>) -> Boot {
    Sim::new(plan)
        .server(|server| {
            let image = server.files["caliptra-fw.bin"].clone();
            server.files.insert("signed/fw.bin".into(), image);
            let location = format!("http://10.0.2.2/{place}");
            let redirect = Redirect {
                status: 302,
                location,
            };
            let redirects = &mut server.http.redirects;
            redirects.insert("/caliptra-fw.bin".into(), redirect);
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

/// The limit is ours, and the server is not accused.
#[test]
fn a_location_that_is_too_long_names_this_clients_limit() {
    let plan = plan(Protocol::Http);
    for octets in [300, 800, 1_400] {
        let place = format!("signed/fw.bin?sig={}", "a".repeat(octets));
        let boot = redirected(&plan, &place, Vec::new());
        boot.assert_failed(&plan, 0x0003_001f, Blame::Caller);
        let told = boot.error().unwrap().to_string();
        assert!(
            told.contains("255") && told.contains("this client"),
            "{told}"
        );
    }
}
