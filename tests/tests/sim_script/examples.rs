//! The examples of `docs/examples/scripts` do what they say.

use super::{asked, copy, plan, serve, signatures};
use e2e::Sim;
use testbed::plan::FILE_NAMES;
use testbed::{Plan, Protocol};

/// The text of an example.
fn example(name: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/scripts/");
    std::fs::read_to_string(format!("{root}{name}")).expect("an example")
}

/// A plan whose boot file is an example.
fn of(name: &str) -> Plan {
    Plan {
        script: Some(example(name)),
        ..plan(Protocol::Http, "")
    }
}

#[test]
fn each_example_is_a_script_that_fits_into_the_rom() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/scripts");
    let mut scripts = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".ipxe") {
            let text = example(&name);
            netboot_ipxe::script::Script::new(text.as_bytes()).unwrap();
            assert!(text.len() <= netboot_ipxe::script::SCRIPT_LEN, "{name}");
            scripts += 1;
        }
    }
    assert_eq!(scripts, 7);
}

#[test]
fn the_images_beside_the_script_boot_the_device() {
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let plan = Plan {
            protocol,
            ..of("images.ipxe")
        };
        let boot = Sim::new(&plan).run();
        boot.assert_booted(&plan);
        assert_eq!(boot.outcome.screen.lines().count(), 3);
    }
}

#[test]
fn fail_over_takes_the_second_server_when_the_first_is_dead() {
    // The first one of the example is the server of the simulated world; here it has nothing, so the second place is moved there.
    for (first, second) in [("10.0.2.2", "10.0.2.99"), ("10.0.2.99", "10.0.2.2")] {
        let mut plan = of("fail-over.ipxe");
        let text = plan.script.take().unwrap();
        let text = text
            .replace("10.0.2.3", "SECOND")
            .replace("10.0.2.2", first);
        plan.script = Some(text.replace("SECOND", second));
        let boot = Sim::new(&plan)
            .server(|server| {
                for name in FILE_NAMES {
                    copy(server, name, &format!("fw/{name}"));
                }
            })
            .run();
        boot.assert_booted(&plan);
        assert!(boot.outcome.screen.contains("10.0.2.99/fw does not answer"));
    }
}

const ALL: &[u8] = b"#!ipxe\nimgfetch caliptra-fw.bin\nimgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nboot\n";

#[test]
fn a_board_gets_its_own_script_or_that_of_its_product_or_that_for_all() {
    let mac = "02-00-00-00-00-15";
    for (name, before) in [
        (format!("mac-{mac}.ipxe"), 0),
        ("product-board%202.ipxe".into(), 1),
        ("default.ipxe".into(), 2),
    ] {
        let mut plan = of("by-mac.ipxe");
        plan.settings += "product board_2\n";
        let text = plan.script.take().unwrap();
        plan.script = Some(format!(
            "#!ipxe\nset net0/mac:hex 02:00:00:00:00:15\nset product board 2\n{text}"
        ));
        let boot = Sim::new(&plan)
            .server(|server| {
                let file = name.replace("%20", " ");
                serve(server, &file, ALL);
                serve(server, &name, ALL);
            })
            .run();
        boot.assert_booted(&plan);
        let tried = asked(&boot)
            .iter()
            .filter(|name| name.ends_with(".ipxe"))
            .count();
        assert_eq!(tried, 2 + before, "{:?}", asked(&boot));
    }
}

#[test]
fn the_menu_needs_nobody_and_obeys_whoever_is_there() {
    for (keys, which) in [
        ("", "stable"),
        ("t", "test"),
        ("\x1b[B\r", "previous"),
        ("\u{3}", "stable"),
        ("\x1b[B\x1b[B\x1b[B\recho hello\rexit\r", "stable"),
    ] {
        let mut plan = of("menu.ipxe");
        plan.settings += "serial A17\n";
        plan.keys = keys.into();
        let boot = Sim::new(&plan)
            .server(|server| {
                for name in FILE_NAMES {
                    copy(server, name, &format!("{which}/{name}"));
                }
            })
            .run();
        boot.assert_booted(&plan);
        assert!(boot.outcome.screen.contains("Firmware of A17"));
        assert_eq!(
            boot.outcome.screen.contains("hello"),
            keys.contains("hello")
        );
    }
}

#[test]
fn signed_images_boot_and_others_do_not() {
    let (signed, pki) = signatures::signed("");
    for (pki, boots) in [(pki, true), (test_pki::Pki::with_intermediate(77), false)] {
        let plan = Plan {
            script: Some(example("verify.ipxe")),
            ..signed.clone()
        };
        let boot = signatures::run(&plan, &signatures::release(&pki), &[]);
        assert_eq!(boot.outcome.report.error.is_none(), boots);
        boot.check(&plan).unwrap();
    }
}

#[test]
fn each_request_is_answered_by_the_file_with_its_number() {
    let plan = of("by-index.ipxe");
    let boot = Sim::new(&plan)
        .server(|server| {
            for (index, name) in FILE_NAMES.into_iter().enumerate() {
                copy(server, name, &format!("image-{index}.bin"));
            }
        })
        .run();
    boot.assert_booted(&plan);
    // Without the last one the script says what is the matter.
    let boot = Sim::new(&plan)
        .server(|server| {
            copy(server, FILE_NAMES[0], "image-0.bin");
        })
        .run();
    boot.check(&plan).unwrap();
    assert!(
        boot.outcome
            .screen
            .contains("Image 1 did not come; device status 0x3"),
        "{}",
        boot.outcome.screen
    );
}
