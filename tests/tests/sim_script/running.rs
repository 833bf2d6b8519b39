//! How scripts run: from where, how deep, and how they end.

use super::{ALL, asked, boot, copy, plan, serve};
use e2e::Sim;
use image_server::{EtagKind, HttpFault, Rule};
use netboot_core::Blame;
use testbed::plan::{Pointer, SERVER};
use testbed::{Plan, Protocol};

const NOT_ABSOLUTE: u32 = 0x0001_0003;
const SCRIPT_ENDED: u32 = 0x0007_0014;
const NESTING: u32 = 0x0007_0015;
const TOTAL_DEADLINE: u32 = 0x0007_0005;
const TOO_LONG: u32 = 0x000a_0002;
const EXITED: u32 = 0x000a_0017;
const BUDGET: u32 = 0x000a_0016;
const UNKNOWN: u32 = 0x000a_0007;

#[test]
fn the_default_script_boots_what_the_network_names() {
    for pointer in [Pointer::Directory, Pointer::Toc, Pointer::FlashImage] {
        let plan = Plan {
            script: None,
            built_in: Some(netboot_app::DEFAULT_SCRIPT),
            pointer,
            ..plan(Protocol::Http, "")
        };
        let boot = Sim::new(&plan).run();
        boot.assert_booted(&plan);
        // It costs no request more than a boot without scripts.
        let bare = Plan {
            built_in: None,
            ..plan.clone()
        };
        assert_eq!(asked(&boot), asked(&Sim::new(&bare).run()), "{pointer:?}");
    }
}

#[test]
fn the_boards_own_script_may_do_it_all() {
    let plan = Plan {
        script: None,
        built_in: Some(
            "#!ipxe\ndhcp\nset base http://${next-server}\nchain ${base}/first || autoboot\n",
        ),
        ..plan(Protocol::Http, "")
    };
    let boot = Sim::new(&plan)
        .server(|server| {
            server.lease.next_server = Some(SERVER);
            serve(server, "first", format!("#!ipxe\n{ALL}\n").as_bytes());
        })
        .run();
    boot.assert_booted(&plan);
}

#[test]
fn names_in_the_boards_script_are_relative_to_what_the_network_names() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let script = format!("#!ipxe\ndhcp\n{ALL}\n");
        let plan = Plan {
            script: None,
            built_in: Some(Box::leak(script.into_boxed_str())),
            ..plan(protocol, "")
        };
        Sim::new(&plan).run().assert_booted(&plan);
    }
    // As long as there is no network, there is nothing to be relative to.
    let plan = Plan {
        script: None,
        built_in: Some("#!ipxe\nimgfetch caliptra-fw.bin"),
        ..plan(Protocol::Http, "")
    };
    let boot = Sim::new(&plan).run();
    boot.assert_failed(&plan, NOT_ABSOLUTE, Blame::Configuration);
}

#[test]
fn scripts_chain_scripts_and_come_back() {
    let (plan, boot) = boot(
        &format!("set a 1\nchain sub/one.ipxe\necho back ${{a}}\n{ALL}"),
        |server| {
            let one = b"#!ipxe\nset a 2\nchain two.ipxe two.ipxe || echo failed\necho one\n";
            serve(server, "sub/one.ipxe", one);
            // It is found beside the script that names it.
            serve(server, "sub/two.ipxe", b"#!ipxe\necho two ${a}\nexit 3\n");
        },
    );
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "two 2\nfailed\none\nback 2\n");
}

#[test]
fn what_is_chained_and_no_script_is_an_image() {
    let (plan, boot) = boot(
        "imgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nchain caliptra-fw.bin",
        |_| (),
    );
    boot.assert_booted(&plan);
}

#[test]
fn a_script_in_the_place_of_another_one_is_not_nested() {
    // Each one replaces the one before, so that no number of them is too deep.
    let (plan, boot) = boot(
        "set n:int32 0\nchain --replace next\necho never",
        |server| {
            let next = format!(
                "#!ipxe\ninc n\niseq ${{n}} 20 && goto boot ||\nchain --replace next\n:boot\n{ALL}\n"
            );
            serve(server, "next", next.as_bytes());
        },
    );
    boot.assert_booted(&plan);
    assert_eq!(
        asked(&boot).iter().filter(|name| **name == "next").count(),
        20
    );
    assert_eq!(boot.outcome.screen, "");
}

#[test]
fn a_script_that_is_not_there_replaces_nothing() {
    let (plan, boot) = boot(
        "chain --replace none || echo still here\nchain --replace next",
        |server| serve(server, "next", format!("#!ipxe\n{ALL}\n").as_bytes()),
    );
    boot.assert_booted(&plan);
    assert_eq!(boot.outcome.screen, "still here\n");
    // The script that is there is asked for once.
    for name in ["none", "next"] {
        let asked = asked(&boot);
        assert_eq!(asked.iter().filter(|asked| **asked == name).count(), 1);
    }
}

#[test]
fn a_script_whose_transfer_breaks_is_whole_all_the_same() {
    // At each of these octets: within the first word, in the middle, and before the last one.
    let lines = format!("# {}\n{ALL}", "-".repeat(2_000));
    for after in [3, 1_000, 2_090] {
        for etag in [EtagKind::Strong, EtagKind::None] {
            let mut plan = plan(Protocol::Http, &lines);
            plan.settings = "probe off\nretry 3\n".into();
            let boot = Sim::new(&plan)
                .server(|server| {
                    server.http.etag = etag;
                    let fault = Rule::new(HttpFault::CloseAfter(after)).named("boot.ipxe");
                    server.faults.http.add(fault.times(2));
                })
                .run();
            boot.assert_booted(&plan);
            let times = asked(&boot)
                .iter()
                .filter(|name| **name == "boot.ipxe")
                .count();
            assert!(times >= 2, "{after} {etag:?} {times}");
        }
    }
}

#[test]
fn nesting_has_an_end() {
    for lines in ["chain boot.ipxe", "autoboot"] {
        let (plan, boot) = boot(lines, |_| ());
        boot.assert_failed(&plan, NESTING, Blame::Configuration);
    }
}

#[test]
fn scripts_that_replace_each_other_for_ever_end_with_the_boot() {
    // Where no time passes, the number of scripts is what ends it.
    let mut plan = plan(Protocol::Http, "chain --replace boot.ipxe");
    let boot = Sim::new(&plan).run();
    boot.assert_failed(&plan, NESTING, Blame::Configuration);
    plan.settings += "total_ms 5000\n";
    plan.script = Some("#!ipxe\nsleep 1\nchain --replace boot.ipxe\n".into());
    Sim::new(&plan)
        .run()
        .assert_failed(&plan, TOTAL_DEADLINE, Blame::Network);
    plan.script = Some("#!ipxe\n:a\nsleep 1\ngoto a\n".into());
    Sim::new(&plan)
        .run()
        .assert_failed(&plan, TOTAL_DEADLINE, Blame::Network);
}

#[test]
fn a_script_that_fails_ends_the_boot_with_the_reason_and_its_line() {
    for (lines, code, line) in [
        ("\n\nnonsense", UNKNOWN, 4),
        ("exit 3", EXITED, 2),
        (":a\ngoto a", BUDGET, 3),
    ] {
        let (plan, boot) = boot(lines, |_| ());
        boot.assert_failed(&plan, code, Blame::Configuration);
        let said = format!("line={line} code={code:#010x}");
        let told = boot
            .console
            .lines()
            .any(|said_line| said_line.starts_with("@script-failed") && said_line.contains(&said));
        assert!(told, "{said}\n{}", boot.console);
    }
    let (plan, boot) = boot(&format!("# {}\n{ALL}", "a".repeat(4096)), |_| ());
    boot.assert_failed(&plan, TOO_LONG, Blame::Configuration);
}

#[test]
fn a_script_that_failed_is_fetched_again_by_policy() {
    let mut plan = plan(Protocol::Http, ALL);
    plan.settings = "probe off\nretry 3\n".into();
    let boot = Sim::new(&plan)
        .server(|server| {
            server.files.remove("boot.ipxe");
            serve(server, "boot.ipxe", b"#!ipxe\nexit 1\n");
        })
        .at(netboot_core::Instant::from_millis(1_500), {
            let script = format!("#!ipxe\n{ALL}\n");
            move |world| {
                let content = image_server::Content::Bytes(script.as_bytes().into());
                world
                    .server
                    .config_mut()
                    .files
                    .insert("boot.ipxe".into(), content);
            }
        })
        .run();
    boot.assert_booted(&plan);
}

#[test]
fn places_to_fall_back_on_serve_when_the_script_does_not() {
    let mut plan = plan(Protocol::Http, "exit 1");
    for (index, image) in plan.images.iter().enumerate() {
        plan.settings += &format!("default {index} http://{SERVER}/{}\n", image.name);
    }
    let boot = Sim::new(&plan).run();
    boot.assert_booted(&plan);
    assert!(boot.console.contains("@script-failed"));
    assert!(boot.console.contains("source=default"), "{}", boot.console);
}

#[test]
fn a_policy_without_scripts_takes_the_boot_file_for_any_other() {
    let mut plan = plan(Protocol::Http, "exit 1");
    plan.settings += "order toc dhcp\n";
    let boot = Sim::new(&plan).run();
    boot.assert_booted(&plan);
    assert!(!boot.console.contains("@script"), "{}", boot.console);
}

#[test]
fn a_device_that_is_reset_gets_the_script_from_its_beginning() {
    let mut plan = plan(Protocol::Http, ALL);
    plan.can_reset = true;
    plan.corrupt = Some(1);
    let right = plan.images[1].bytes.clone();
    let boot = Sim::new(&plan)
        .at(netboot_core::Instant::from_millis(400), move |world| {
            let content = image_server::Content::Bytes(right);
            world
                .server
                .config_mut()
                .files
                .insert("soc-manifest.bin".into(), content);
        })
        .run();
    boot.check(&plan).unwrap();
    assert!(boot.outcome.report.device_resets > 0 || boot.outcome.report.error.is_none());
    let _ = copy;
    let _ = SCRIPT_ENDED;
}
