//! Scripts that a bootstrap server conveys, and the command `ztp`.

use crate::common::{boot, boot_with, flash_digest, open_plan, place, plan, questions, reports};
use e2e::Boot;
use netboot_app::provisioning::Store;
use netboot_core::Blame;
use test_pki::sztp::base64;
use testbed::Plan;
use testbed::plan::SERVER;
use testbed::sztp::{People, SharedStore, Sztp, onboarding, unsigned};

/// Onboarding information with these members.
fn demands(members: &[(&str, &str)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, script)| format!("\"{name}\":\"{}\"", base64(script.as_bytes())))
        .collect();
    format!(
        r#"{{"ietf-sztp-conveyed-info:onboarding-information":{{{}}}}}"#,
        members.join(",")
    )
}

const BEFORE: &str = "pre-configuration-script";
const BEHIND: &str = "post-configuration-script";

/// A board with the engine for scripts.
fn with_scripts(plan: Plan) -> Plan {
    Plan {
        built_in: Some("#!ipxe\nautoboot\n"),
        ..plan
    }
}

/// A script that boots the images of a plan.
fn booting(plan: &Plan) -> String {
    let mut script = String::from("#!ipxe\n");
    for image in &plan.images {
        script += &format!("imgfetch http://{SERVER}/{}\n", image.name);
    }
    script + "boot\n"
}

fn verbose(answer: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(answer).unwrap();
    let from = "\"conveyed-information\"";
    text.replacen(from, &format!("\"reporting-level\":\"verbose\",{from}"), 1)
        .into_bytes()
}

#[test]
fn the_owners_scripts_run_and_may_boot_the_device() {
    for trusted in [true, false] {
        let plan = with_scripts(plan(trusted));
        let demands = demands(&[
            (BEFORE, "#!ipxe\necho before\n"),
            (BEHIND, &format!("{}echo never\n", booting(&plan))),
        ]);
        let answer = match trusted {
            true => verbose(unsigned(&demands)),
            false => People::new().signed(&demands),
        };
        let boot = boot(&plan, &[answer]);
        boot.assert_booted(&plan);
        assert_eq!(boot.outcome.screen, "before\n");
        assert!(
            boot.console
                .contains(&format!("@script t=\"\" octets=19 uri=https://{SERVER}/"))
                || boot
                    .console
                    .contains(&format!("octets=19 uri=https://{SERVER}/"))
        );
        let expected: &[&str] = match trusted {
            true => &[
                "bootstrap-initiated",
                "parsing-complete",
                "pre-script-initiated",
                "pre-script-complete",
                "post-script-initiated",
                "post-script-complete",
                "bootstrap-complete",
            ],
            false => &[],
        };
        assert_eq!(reports(&boot), expected);
    }
}

/// A step that fails after a script has booted the device is reported. Nobody else is asked: the device runs.
#[test]
fn a_device_that_runs_is_not_provisioned_again() {
    let plan = with_scripts(plan(true));
    let script = base64(booting(&plan).as_bytes());
    let demands = format!(
        r#"{{"ietf-sztp-conveyed-info:onboarding-information":{{"pre-configuration-script":"{script}","configuration-handling":"merge","configuration":"AAAA"}}}}"#
    );
    let boot = boot(&plan, &[unsigned(&demands)]);
    boot.assert_booted(&plan);
    assert_eq!(reports(&boot), ["bootstrap-initiated", "config-error"]);
    assert_eq!(questions(&boot).len(), 1);
}

/// A script that fails is reported, and the next server, or the next round, may do better. What it named does not count any longer.
#[test]
fn a_script_that_fails_is_told_and_leaves_nothing() {
    let plan = with_scripts(plan(true));
    let good = unsigned(&onboarding(
        &[&place("http", "flash.bin")],
        Some(&flash_digest(&plan)),
    ));
    let failing = format!("#!ipxe\nimgfetch http://{SERVER}/mcu-runtime.bin\nexit 3\n");
    let boot = boot(&plan, &[unsigned(&demands(&[(BEFORE, &failing)])), good]);
    boot.assert_booted(&plan);
    assert_eq!(
        reports(&boot),
        [
            "bootstrap-initiated",
            "pre-script-error",
            "bootstrap-initiated",
            "boot-image-installed-rebooting"
        ]
    );
}

#[test]
fn each_bad_script_has_its_number() {
    let plan = with_scripts(plan(true));
    let long = format!("#!ipxe\n{}", "# x\n".repeat(2000));
    for (demands, code, blame) in [
        (demands(&[(BEFORE, "echo x\n")]), 0x000A_0001, Blame::Configuration),
        (demands(&[(BEHIND, "#!ipxe\nexit 3\n")]), 0x000A_0017, Blame::Configuration),
        (demands(&[(BEFORE, &long)]), 0x000A_0002, Blame::Configuration),
        (
            r#"{"ietf-sztp-conveyed-info:onboarding-information":{"pre-configuration-script":"A"}}"#.into(),
            0x000F_0061,
            Blame::Device,
        ),
    ] {
        let boot = boot(&plan, &[unsigned(&demands)]);
        boot.assert_failed(&plan, code, blame);
        assert!(reports(&boot).iter().any(|one| one.ends_with("script-error")), "{code:08x}");
    }
}

/// A script of the owner's is no way around the policy of the board, and its images come from nowhere else.
#[test]
fn a_conveyed_script_keeps_to_the_policy() {
    let mut plan = with_scripts(open_plan(true));
    plan.settings += "require https\n";
    let script = booting(&plan);
    let boot = boot(&plan, &[unsigned(&demands(&[(BEFORE, &script)]))]);
    assert!(boot.console.contains("code=0x00070007"), "{}", boot.console);
    assert!(reports(&boot).contains(&"pre-script-error".into()));
}

/// A board without an engine for scripts says that it cannot run them.
#[test]
fn a_board_without_scripts_refuses_them() {
    let plan = plan(true);
    let boot = boot(&plan, &[unsigned(&demands(&[(BEFORE, "#!ipxe\n")]))]);
    boot.assert_failed(&plan, 0x000F_0061, Blame::Device);
}

/// Boots a plan whose own script consists of these lines.
fn commanded(plan: Plan, script: &'static str) -> (Plan, Boot) {
    let plan = Plan {
        built_in: Some(script),
        ..plan
    };
    let good = unsigned(&onboarding(
        &[&place("http", "flash.bin")],
        Some(&flash_digest(&plan)),
    ));
    let boot = boot_with(&plan, &[good], |_| ());
    (plan, boot)
}

#[test]
fn ztp_status_tells_how_far_it_is() {
    let (plan, boot) = commanded(plan(true), "#!ipxe\nztp status\ndhcp\nztp run\n");
    boot.assert_booted(&plan);
    assert_eq!(
        boot.outcome.screen,
        "ztp enabled=true required=true stage=idle asked=0 rounds=0 rounds_left=2 dhcp_servers=0\n"
    );
}

#[test]
fn ztp_run_begins_anew_and_status_tells_why_it_failed() {
    let mut plan = open_plan(true);
    plan.built_in = Some(
        "#!ipxe\nztp run || echo failed\nztp status --verbose\nztp run || echo again\nztp status\n",
    );
    plan.settings += "order sztp script\nretry continue\n";
    let boot = boot(&plan, &[b"{}".to_vec()]);
    let screen = &boot.outcome.screen;
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines[0], "failed", "{screen}");
    assert_eq!(
        lines[1],
        "ztp enabled=true required=false stage=failed asked=1 rounds=1 rounds_left=0 dhcp_servers=1"
    );
    assert_eq!(
        lines[2],
        format!("ztp server uri=https://{SERVER}/ named=dhcp redirects=0 proven=true signed=false")
    );
    assert!(
        lines[3].starts_with("ztp error code=0x000f0005 blame=peer"),
        "{screen}"
    );
    assert!(lines[4].starts_with("ztp times started_ms="), "{screen}");
    assert_eq!(lines[6], "again");
    // The servers of DHCP are not there twice.
    assert_eq!(lines[7], lines[1]);
}

#[test]
fn a_disabled_board_asks_nobody_until_it_is_enabled() {
    let store = SharedStore::new(true);
    let open = |script| {
        let mut plan = open_plan(true);
        plan.sztp = Some(Sztp {
            has_anchors: true,
            store: Some(store.clone()),
            ..Sztp::new()
        });
        commanded(plan, script)
    };
    let (plan, boot) = open("#!ipxe\nztp disable\nztp run || echo refused\nautoboot\n");
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "ztp disabled\nrefused\n");
    assert!(boot.posted.is_empty());
    // The next boot asks nobody either.
    let (plan, boot) = open("#!ipxe\nautoboot\n");
    boot.assert_booted(&plan);
    assert!(boot.posted.is_empty() && !store.clone().is_enabled());
    let (plan, boot) = open("#!ipxe\nztp enable\nautoboot\n");
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "ztp enabled\n");
    assert!(!boot.posted.is_empty() && store.clone().is_enabled());
}

/// Without a store the choice holds for the boot; a board that has to be provisioned has no choice.
#[test]
fn disabling_says_how_long_it_holds_and_whether_it_may() {
    let (plan, boot) = commanded(open_plan(true), "#!ipxe\nztp disable\nautoboot\n");
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "ztp disabled until the next reset\n");
    assert!(boot.posted.is_empty());
    let (plan, boot) = commanded(
        self::plan(true),
        "#!ipxe\nztp disable || echo refused\nztp stop || echo unknown\nautoboot\n",
    );
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "refused\nunknown\n");
    assert!(!boot.posted.is_empty());
}

/// A store that says no does not keep a board from its only source.
#[test]
fn a_board_that_must_be_provisioned_is_never_disabled() {
    let mut plan = plan(true);
    plan.sztp = Some(Sztp {
        has_anchors: true,
        store: Some(SharedStore::new(false)),
        ..Sztp::new()
    });
    let (plan, boot) = commanded(plan, "#!ipxe\nautoboot\n");
    boot.assert_booted(&plan);
    assert!(!boot.posted.is_empty());
}
