//! Commands that wait for a person: `prompt`, `choose`, `read` and `shell`.

use super::{boot, plan};
use e2e::{Boot, Sim};
use netboot_core::Blame;
use testbed::{Plan, Protocol};

const NOT_CONFIRMED: u32 = 0x000a_0015;
const TOTAL_DEADLINE: u32 = 0x0007_0005;
const BOOT: &str =
    "imgfetch caliptra-fw.bin\nimgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nboot";

/// Boots with this script while a person types.
fn typed(lines: &str, keys: &str) -> (Plan, Boot) {
    let plan = Plan {
        keys: keys.into(),
        ..plan(Protocol::Http, lines)
    };
    let boot = Sim::new(&plan).run();
    (plan, boot)
}

#[test]
fn a_prompt_goes_on_with_a_key_and_fails_without() {
    for (line, keys, screen) in [
        ("prompt Press any key", "x", "Press any key\nyes\n"),
        ("prompt --key x Press x", "x", "Press x\nyes\n"),
        ("prompt --key x Press x", "y", "Press x\nno\n"),
        ("prompt --timeout 3000", "", "no\n"),
        (
            "prompt --key 0x02 --timeout 3000 Ctrl-B",
            "\u{2}",
            "Ctrl-B\nyes\n",
        ),
    ] {
        let (plan, boot) = typed(&format!("{line} && echo yes || echo no\n{BOOT}"), keys);
        boot.assert_booted(&plan);
        assert_eq!(boot.outcome.screen, screen, "{line} {keys}");
    }
    let (plan, boot) = boot("prompt --timeout 1000", |_| ());
    boot.assert_failed(&plan, NOT_CONFIRMED, Blame::Configuration);
}

#[test]
fn nobody_at_a_prompt_ends_the_boot_by_its_deadline() {
    let plan = Plan {
        settings: "probe off\nretry continue\ntotal_ms 60000\n".into(),
        ..plan(Protocol::Http, "menu\nitem a\nchoose x")
    };
    let boot = Sim::new(&plan).run();
    boot.assert_failed(&plan, TOTAL_DEADLINE, Blame::Network);
}

#[test]
fn a_menu_is_shown_and_an_item_chosen() {
    let menu = "menu Which firmware?\nitem --key s stable The stable one\nitem --gap --\nitem test The test one\n";
    for (choose, keys, chosen) in [
        ("choose x", "\r", "stable"),
        ("choose x", "\x1b[B\r", "test"),
        ("choose x", "\x1b[B\x1b[A\r", "stable"),
        ("choose --default test x", "\r", "test"),
        ("choose --default test x", "s", "stable"),
        ("choose --timeout 5000 x", "", "stable"),
        ("choose --default test --timeout 5000 x", "", "test"),
        ("choose x || echo left && set x none", "\u{3}", "none"),
    ] {
        let (plan, boot) = typed(&format!("{menu}{choose}\necho chosen ${{x}}\n{BOOT}"), keys);
        boot.assert_booted(&plan);
        let screen = &boot.outcome.screen;
        assert!(screen.contains("Which firmware?") && screen.contains("The test one"));
        assert!(
            screen.ends_with(&format!("chosen {chosen}\n")),
            "{choose} {screen}"
        );
    }
}

#[test]
fn a_menu_of_one_script_is_chosen_from_in_another() {
    let plan = plan(
        Protocol::Http,
        &format!("menu --name m T\nitem --menu m a A\nchain two\n{BOOT}"),
    );
    let boot = Sim::new(&plan)
        .server(|server| {
            let two = b"#!ipxe\nitem --menu m b B\nchoose --menu m --default b --timeout 100 x\necho ${x}\n";
            super::serve(server, "two", two);
        })
        .run();
    boot.assert_booted(&plan);
    assert!(boot.outcome.screen.ends_with("b\n"));
}

#[test]
fn a_setting_is_edited() {
    for (lines, keys, value) in [
        ("read name", "abc\r", "abc"),
        ("set name abc\nread name", "\x7f\x7fX\r", "aX"),
        ("set name abc\nread name", "\u{1}Z\r", "Zabc"),
        ("set name abc\nread --timeout 2000 name ||", "", "abc"),
        ("read net0/ip", "\u{15}10.0.0.9\r", ""),
    ] {
        let (plan, boot) = typed(
            &format!("{lines}\necho [${{name}}]\nclear net0/ip\n{BOOT}"),
            keys,
        );
        boot.assert_booted(&plan);
        assert!(
            boot.outcome.screen.ends_with(&format!("[{value}]\n")),
            "{lines} {}",
            boot.outcome.screen
        );
    }
}

#[test]
fn a_person_boots_the_device_from_the_shell() {
    // A mistake is told and costs nothing; an earlier line comes back.
    let keys = "nonsense\rhelp\rimgfetch nothing\rset base http://10.0.2.2\recho ${base}\r\u{3}\
         imgfetch ${base}/caliptra-fw.bin\rimgfetch ${base}/soc-manifest.bin\r\
         imgfetch ${base}/mcu-runtime.bin\rimgstat\rboot\r";
    let (plan, boot) = typed("shell\nexit 1", keys);
    boot.assert_booted(&plan);
    let screen = &boot.outcome.screen;
    assert!(screen.contains("error code=0x000a0007"), "{screen}");
    assert!(
        screen.contains("imgverify") && screen.contains("http://10.0.2.2\n"),
        "{screen}"
    );
    assert!(screen.contains("mcu-runtime.bin index=2"), "{screen}");
}

#[test]
fn the_script_goes_on_behind_the_shell() {
    let (plan, boot) = typed(&format!("shell\necho back\n{BOOT}"), "set a 1\rexit\r");
    boot.assert_booted(&plan);
    assert!(boot.outcome.screen.ends_with("back\n"));
}

#[test]
fn what_the_network_told_begins_no_line_of_the_console() {
    let (_, boot) = boot(
        "set e:hex 0a:40:61\necho x${e:string}y\nprompt --timeout 1 ${e:string} ||\nshow e:string",
        |_| (),
    );
    let screen = &boot.outcome.screen;
    assert!(screen.starts_with("x@ay\n@a\n"), "{screen}");
}

#[test]
fn ctrl_c_ends_what_a_line_does_and_nothing_else() {
    // Nobody is at that address, and nobody wants to sleep for so long.
    for line in ["imgfetch http://10.0.2.99/x", "sleep 500"] {
        let plan = Plan {
            built_in: Some("#!ipxe\ndhcp\nshell\nautoboot\n"),
            script: None,
            keys: format!("{line}\recho next\rexit\r"),
            ..plan(Protocol::Http, "")
        };
        let at = netboot_core::Instant::from_millis(2_000);
        let boot = Sim::new(&plan).interrupted(at).run();
        boot.assert_booted(&plan);
        let report = &boot.outcome.report;
        let took = report.ended.since(report.started);
        assert!(
            took < netboot_core::Duration::from_secs(20),
            "{line} {took}"
        );
        let screen = &boot.outcome.screen;
        assert!(screen.contains("next\n"), "{screen}");
        assert!(screen.contains("code=0x0005001d"), "{screen}");
    }
}

#[test]
fn a_script_that_runs_by_itself_is_not_interrupted() {
    let plan = plan(Protocol::Http, &format!("sleep 5\n{BOOT}"));
    let at = netboot_core::Instant::from_millis(1_000);
    let boot = Sim::new(&plan).interrupted(at).run();
    boot.assert_booted(&plan);
}
