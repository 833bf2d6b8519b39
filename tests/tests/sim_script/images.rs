//! Images: which index each one is for, where it may come from, and what it has to be.

use super::{ALL, asked, boot, copy, plan, serve};
use e2e::Sim;
use image_server::{HttpFault, Rule};
use netboot_core::Blame;
use testbed::Protocol;
use testbed::plan::{FILE_NAMES, SERVER};

const NO_SOURCE: u32 = 0x0007_0001;
const DIGEST: u32 = 0x0007_0003;
const NOT_HTTPS: u32 = 0x0007_0007;
const SCRIPT_ENDED: u32 = 0x0007_0014;
const NOT_VERIFIED: u32 = 0x0007_0016;
const LATCHED: u32 = 0x0007_0017;
const NO_SUCH_IMAGE: u32 = 0x0007_0018;
const FULL: u32 = 0x0007_0019;
const UNSUPPORTED_SCHEME: u32 = 0x0001_0004;
const NOT_FOUND: u32 = 0x0003_0016;

#[test]
fn images_are_bound_by_their_file_names() {
    // In any order, by each protocol.
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let lines =
            "imgfetch mcu-runtime.bin\nimgfetch caliptra-fw.bin\nimgfetch soc-manifest.bin\nboot";
        let plan = plan(protocol, lines);
        let boot = Sim::new(&plan).run();
        boot.assert_booted(&plan);
        assert!(boot.console.contains("source=script"), "{}", boot.console);
    }
}

#[test]
fn images_are_bound_by_names_that_the_script_gives() {
    for names in [
        ["caliptra-fmc-rt", "soc-manifest", "mcu-rt"],
        ["image-0", "image-1", "image-2"],
        ["caliptra-fw", "soc-manifest", "mcu-runtime"],
    ] {
        let lines = format!(
            "imgfetch --name {} z/c\nimgfetch --name {} z/a\nkernel --name {} z/b\nimgexec",
            names[2], names[0], names[1]
        );
        let (plan, boot) = boot(&lines, |server| {
            for (from, to) in FILE_NAMES.into_iter().zip(["z/a", "z/b", "z/c"]) {
                copy(server, from, to);
            }
        });
        boot.assert_booted(&plan);
        // Nothing else is asked for, not even ahead of the next request.
        let elsewhere = |name: &&&str| **name != "boot.ipxe" && !name.starts_with("z/");
        assert_eq!(
            asked(&boot).iter().find(elsewhere),
            None,
            "{:?}",
            asked(&boot)
        );
    }
}

#[test]
fn other_images_are_bound_in_their_order() {
    for lines in [
        "kernel a\ninitrd b\ninitrd c\nboot",
        "imgfetch a\nimgfetch b\nimgfetch c\nimgexec a",
        // One has a name that says its index; the others take what is left.
        "imgfetch --name image-1 b\nimgfetch a\nimgfetch c\nboot",
        // What is activated is forgotten, and the index stays taken.
        "imgfetch --autofree a\nimgfetch --autofree b\nimgfetch c\nboot",
    ] {
        let (plan, boot) = boot(lines, |server| {
            for (from, to) in FILE_NAMES.into_iter().zip(["a", "b", "c"]) {
                copy(server, from, to);
            }
        });
        boot.assert_booted(&plan);
    }
}

#[test]
fn a_script_serves_one_request_after_the_other_by_the_index() {
    // `imgexec` comes back when the device asks for something that the script has not named.
    let lines = ":wait\nisset ${caliptra/image-index} && goto go ||\nsleep 1\ngoto wait\n:go\n:again\n\
        imgexec --name next fw-${caliptra/image-index}.bin && goto again ||\nexit 7";
    let (plan, boot) = boot(lines, |server| {
        for (index, name) in FILE_NAMES.into_iter().enumerate() {
            copy(server, name, &format!("fw-{index}.bin"));
        }
    });
    boot.assert_booted(&plan);
}

#[test]
fn an_image_that_is_named_for_a_request_is_the_answer_unless_its_name_says_otherwise() {
    let lines = "imgfetch b\nimgfetch c\nimgexec --name first a\nimgexec b\nimgexec c";
    let (plan, boot) = boot(lines, |server| {
        for (from, to) in FILE_NAMES.into_iter().zip(["a", "b", "c"]) {
            copy(server, from, to);
        }
    });
    boot.assert_booted(&plan);
}

#[test]
fn the_places_of_an_image_are_its_fail_over_list() {
    // The first server has another file in mid-transfer; the second one is asked.
    let lines = format!(
        "imgfetch --name image-0 bad\nimgfetch --name image-0 http://{SERVER}/caliptra-fw.bin\n\
         imgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nboot"
    );
    let (plan, boot) = boot(&lines, |server| serve(server, "bad", &[7; 20_000]));
    // The prefix that the device got of the wrong file is not the right one's, so nothing can finish it.
    boot.check(&plan).unwrap();
    let (plan, boot) = super::boot(&lines, |server| serve(server, "bad", &[7; 100]));
    // A file of another size is refused before its first octet.
    boot.assert_booted(&plan);
    assert!(asked(&boot).contains(&"bad"));
}

#[test]
fn a_command_that_fails_is_caught_and_another_server_is_tried() {
    let lines = format!(
        "imgfetch http://10.0.2.99/caliptra-fw.bin || imgfetch http://{SERVER}/nothing || imgfetch caliptra-fw.bin\n\
         imgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nboot"
    );
    let (plan, boot) = boot(&lines, |_| ());
    boot.assert_booted(&plan);
    assert!(asked(&boot).contains(&"nothing"));
}

#[test]
fn another_command_goes_on_with_an_image_that_failed_in_the_middle() {
    // The first place breaks for good after some octets; the device holds them, and the second place brings the rest.
    let lines = "imgexec --name image-0 slow/caliptra-fw.bin ||\nimgexec --name image-0 caliptra-fw.bin\n\
        imgexec soc-manifest.bin\nimgexec mcu-runtime.bin";
    let (plan, boot) = boot(lines, |server| {
        copy(server, "caliptra-fw.bin", "slow/caliptra-fw.bin");
        let http = &mut server.faults.http;
        let slow = |fault| Rule::new(fault).named("slow/caliptra-fw.bin");
        http.add(slow(HttpFault::CloseAfter(8_000)).times(1));
        http.add(slow(HttpFault::Status(410, None)).after(1));
    });
    boot.assert_booted(&plan);
    assert!(boot.console.contains("@script"), "{}", boot.console);
    let images = &boot.outcome.report.images;
    assert_eq!(images.len(), 3);
    assert!(images[0].retries >= 1 && images[0].octets == 20_000);
}

#[test]
fn a_script_that_does_not_boot_the_device_is_a_named_failure() {
    for lines in [
        "echo done",
        "imgfetch caliptra-fw.bin",
        "imgexec caliptra-fw.bin",
        "exit 0",
    ] {
        let (plan, boot) = boot(lines, |_| ());
        boot.assert_failed(&plan, SCRIPT_ENDED, Blame::Configuration);
    }
    // One that has nothing for the request says so.
    let (plan, boot) = boot("boot", |_| ());
    boot.assert_failed(&plan, NO_SOURCE, Blame::Configuration);
}

#[test]
fn what_is_verified_is_compared_before_it_is_activated() {
    let digest = |name| {
        let plan = plan(Protocol::Http, "");
        let image = plan.images.iter().find(|image| image.name == name);
        image.unwrap().sha256()
    };
    let fetch: String = FILE_NAMES.map(|name| format!("imgfetch {name}\n")).concat();
    let verify: String = FILE_NAMES
        .map(|name| format!("imgverify --sha256 {} {name}\n", digest(name)))
        .concat();
    let (mut plan, _) = boot(&format!("imgtrust\n{fetch}{verify}boot"), |_| ());
    plan.expect = false;
    Sim::new(&plan).run().assert_booted(&plan);
    // One bit is wrong on the server.
    plan.corrupt = Some(1);
    let wrong = Sim::new(&plan).run();
    wrong.assert_failed(&plan, DIGEST, Blame::Server);
    assert!(!wrong.outcome.images[1].activated);
    // Without `imgverify` nothing is delivered.
    let (plan, boot) = boot(&format!("imgtrust\n{fetch}boot"), |_| ());
    boot.assert_failed(&plan, NOT_VERIFIED, Blame::Configuration);
    assert_eq!(boot.outcome.images[0].octets, 0);
}

#[test]
fn places_of_the_board_and_of_the_network_do_not_get_round_the_trust() {
    let with_defaults = |script: &str| {
        let mut plan = plan(Protocol::Http, script);
        plan.expect = false;
        for (index, image) in plan.images.iter().enumerate() {
            plan.settings += &format!("default {index} http://{SERVER}/{}\n", image.name);
        }
        plan
    };
    // The script fails, and the board has default places. Nobody knows what is there.
    let mut plan = with_defaults("imgtrust --permanent\nexit 1");
    let boot = Sim::new(&plan).run();
    boot.assert_failed(&plan, NOT_VERIFIED, Blame::Configuration);
    assert_eq!(boot.outcome.images[0].octets, 0);
    // What the board itself knows the digest of is verified.
    plan.expect = true;
    Sim::new(&plan).run().assert_booted(&plan);
    // A wish that is not for good ends with the script that had it.
    let plan = with_defaults("imgtrust\nexit 1");
    Sim::new(&plan).run().assert_booted(&plan);
    // The images beside the boot file are no better than others.
    let mut plan = super::plan(Protocol::Http, "");
    plan.script = None;
    plan.expect = false;
    for (trust, boots) in [
        ("imgtrust --permanent", false),
        ("imgtrust", false),
        ("imgtrust --allow", true),
    ] {
        plan.built_in = Some(Box::leak(
            format!("#!ipxe\n{trust}\nautoboot\n").into_boxed_str(),
        ));
        let boot = Sim::new(&plan).run();
        boot.check(&plan).unwrap();
        assert_eq!(boot.outcome.report.error.is_none(), boots, "{trust}");
    }
}

#[test]
fn the_boards_digest_and_the_scripts_have_to_be_the_same() {
    let wrong = "00".repeat(32);
    let lines =
        format!("imgfetch caliptra-fw.bin\nimgverify --sha256 {wrong} caliptra-fw.bin\nboot");
    let (plan, boot) = boot(&lines, |_| ());
    boot.assert_failed(&plan, DIGEST, Blame::Server);
    assert_eq!(boot.outcome.images[0].octets, 0);
}

#[test]
fn trust_that_was_made_permanent_stays() {
    let (plan, boot) = boot("imgtrust --permanent\nimgtrust --allow", |_| ());
    boot.assert_failed(&plan, LATCHED, Blame::Configuration);
    let (_, boot) = super::boot(
        "imgtrust --allow\nimgtrust --permanent\nimgtrust\nimgtrust --permanent\nimgtrust --allow || echo latched",
        |_| (),
    );
    assert_eq!(boot.outcome.screen, "latched\n");
    // What is allowed for good stays allowed, and asking otherwise is no failure, as in iPXE.
    let lines = format!("imgtrust --allow --permanent\nimgtrust\n{ALL}");
    let (plan, boot) = super::boot(&lines, |_| ());
    boot.assert_booted(&plan);
}

#[test]
fn https_that_the_board_requires_binds_the_script() {
    let plan = {
        let mut plan = plan(Protocol::Http, "boot");
        plan.settings += "require https\n";
        plan
    };
    // The script itself has to come by HTTPS.
    Sim::new(&plan)
        .run()
        .assert_failed(&plan, NOT_HTTPS, Blame::Configuration);
    // And so does what the board's own script names.
    let mut plan = plan;
    plan.script = None;
    for command in [
        "imgfetch",
        "imgselect",
        "imgargs",
        "chain",
        "imgexec",
        "sanboot",
        "chain --replace",
    ] {
        plan.built_in = Some(Box::leak(
            format!("#!ipxe\ndhcp ||\n{command} http://{SERVER}/caliptra-fw.bin").into_boxed_str(),
        ));
        let boot = Sim::new(&plan).run();
        boot.assert_failed(&plan, NOT_HTTPS, Blame::Configuration);
        assert_eq!(asked(&boot), [""; 0]);
    }
}

#[test]
fn images_are_shown_and_forgotten() {
    let lines = "imgfetch --name one caliptra-fw.bin a  b\nimgselect --name soc-manifest soc-manifest.bin\n\
        imgstat\nimgargs one c\nimgfree soc-manifest\nimgstat\nimgfree\nimgstat\nimgfree one || echo gone";
    let (_, boot) = boot(lines, |_| ());
    let place = |name| format!("http://{SERVER}/{name}");
    let right = format!(
        "one index=0 {0} \"a b\"\nsoc-manifest index=1 {1} [SELECTED]\none index=0 {0} \"c\"\ngone\n",
        place("caliptra-fw.bin"),
        place("soc-manifest.bin")
    );
    assert_eq!(boot.outcome.screen, right);
}

#[test]
fn arguments_for_a_place_fetch_the_image() {
    let lines = "imgargs mcu-runtime.bin a b\nimgstat\nimgargs mcu-runtime.bin\nimgstat";
    let (_, boot) = boot(lines, |_| ());
    let shown = format!("mcu-runtime.bin index=2 http://{SERVER}/mcu-runtime.bin");
    assert_eq!(boot.outcome.screen, format!("{shown} \"a b\"\n{shown}\n"));
}

#[test]
fn wrong_names_and_too_many_images_are_named() {
    for (lines, code) in [
        ("imgargs nobody a", NOT_FOUND),
        ("imgfree nobody", NO_SUCH_IMAGE),
        (
            "imgverify --sha256 0000000000000000000000000000000000000000000000000000000000000000 nobody",
            NO_SUCH_IMAGE,
        ),
        ("imgfetch nothing", NOT_FOUND),
        (
            "sanboot iscsi:10.0.2.2::::iqn.2026-01.example:disk",
            UNSUPPORTED_SCHEME,
        ),
    ] {
        let (plan, boot) = boot(lines, |_| ());
        boot.assert_failed(&plan, code, Blame::Configuration);
    }
    let many: String = (0..9)
        .map(|nth| format!("imgfetch --name n{nth} caliptra-fw.bin\n"))
        .collect();
    let (plan, boot) = boot(&many, |_| ());
    boot.assert_failed(&plan, FULL, Blame::Configuration);
}
