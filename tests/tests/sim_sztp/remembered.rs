//! What an owner conveys for the next boot: a network configuration in the board's own ledger.

use crate::common::{boot_with, flash_digest, open_plan, place};
use bootstore::early::EarlyNetConfig;
use bootstore::stored::{load, store};
use test_pki::sztp::base64;
use testbed::Plan;
use testbed::plan::SERVER;
use testbed::rack::{self, SharedLedger};
use testbed::sztp::{People, unsigned};

/// Onboarding information with an image and a configuration.
fn demands(plan: &Plan, configuration: &[u8]) -> String {
    let image =
        testbed::sztp::onboarding(&[&place("http", "flash.bin")], Some(&flash_digest(plan)));
    let more = format!(
        r#","configuration-handling":"replace","configuration":"{}"}}}}"#,
        base64(configuration)
    );
    image.strip_suffix("}}").unwrap().to_owned() + &more
}

fn generation(ledger: &SharedLedger) -> Option<u64> {
    let mut config = EarlyNetConfig::default();
    let found = load(&mut ledger.clone(), &mut config, &mut |_, _| ());
    found.then_some(config.generation)
}

fn board(trusted: bool, ledger: &SharedLedger) -> Plan {
    let mut plan = open_plan(trusted);
    plan.settings += "order sztp bootstore\n";
    plan.ledger = Some(ledger.clone());
    plan
}

/// The owner's server is asked once. Then the board boots by what it has kept, without DHCP and without that server.
#[test]
fn a_board_boots_by_the_configuration_that_its_owner_conveyed() {
    for trusted in [true, false] {
        let ledger = SharedLedger::default();
        let plan = board(trusted, &ledger);
        // The images of the next boot come by HTTP: the board trusts no HTTPS server in one of the cases.
        let mut early = plan.early(3);
        early.servers.clear();
        rack::serve(&mut early, &place("http", "flash.bin"));
        let json = demands(&plan, &rack::octets(&early));
        let answer = match trusted {
            true => unsigned(&json),
            false => People::new().signed(&json),
        };
        boot_with(&plan, std::slice::from_ref(&answer), |_| ()).assert_booted(&plan);
        assert_eq!(generation(&ledger), Some(3));
        let boot = boot_with(&plan, &[], |server| {
            server.lease.enabled = false;
            server.http.posts.clear();
        });
        boot.assert_booted(&plan);
        assert!(
            boot.console.contains(" source=bootstore"),
            "{}",
            boot.console
        );
        // The same configuration once more is no fault, and an older one changes nothing.
        boot_with(&plan, &[answer], |_| ()).assert_booted(&plan);
        early.generation = 2;
        let old = demands(&plan, &rack::octets(&early));
        boot_with(&plan, &[People::new().signed(&old)], |_| ()).assert_booted(&plan);
        assert_eq!(generation(&ledger), Some(3));
    }
}

/// What nobody has signed, from a server that nobody trusts, is not kept; and a configuration of another kind is for the image.
#[test]
fn only_the_owner_writes_to_the_ledger() {
    let ledger = SharedLedger::default();
    let plan = board(false, &ledger);
    let json = demands(&plan, &rack::octets(&plan.early(1)));
    let boot = boot_with(&plan, &[unsigned(&json)], |_| ());
    assert!(boot.console.contains("code=0x000f0040"), "{}", boot.console);
    assert_eq!(generation(&ledger), None);
    let plan = board(true, &ledger);
    let other = demands(&plan, b"<config/>");
    boot_with(&plan, &[unsigned(&other)], |_| ()).assert_booted(&plan);
    assert_eq!(generation(&ledger), None);
}

/// The image that the owner wants is not there. The boot then goes on with the boot server of the board's own ledger, as if nobody had named an image.
#[test]
fn a_board_whose_image_is_not_there_boots_by_its_ledger() {
    let mut ledger = SharedLedger::default();
    let mut plan = board(true, &ledger);
    let mut early = plan.early(3);
    early.servers.clear();
    rack::serve(&mut early, &place("http", "flash.bin"));
    store(&mut ledger, &rack::octets(&early)).unwrap();
    if let Some(sztp) = &mut plan.sztp {
        sztp.servers.push(format!("https://{SERVER}"));
    }
    let json = testbed::sztp::onboarding(&[&place("http", "nowhere.bin")], None);
    let boot = boot_with(&plan, &[unsigned(&json)], |server| {
        server.lease.enabled = false;
    });
    boot.assert_booted(&plan);
    assert!(boot.console.contains("/nowhere.bin"), "{}", boot.console);
    let fetched = boot.console.matches(" source=bootstore").count();
    assert_eq!(fetched, plan.images.len(), "{}", boot.console);
}

/// The same where DHCP names a boot file that the board's policy forbids: it stays forbidden.
#[test]
fn a_board_whose_image_is_not_there_keeps_to_its_policy() {
    let mut plan = open_plan(true);
    plan.settings += "require https\n";
    let json = testbed::sztp::onboarding(&[&place("https", "nowhere.bin")], None);
    let boot = boot_with(&plan, &[unsigned(&json)], |server| {
        server.lease.boot_file = Some(place("http", "flash.bin"));
    });
    assert!(boot.console.contains("/nowhere.bin"), "{}", boot.console);
    assert!(!boot.console.contains("uri=http://"), "{}", boot.console);
    assert!(boot.outcome.report.error.is_some());
}
