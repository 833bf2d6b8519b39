//! Scripts that were fetched as images, and scripts that nobody has verified.

use super::{ALL, boot, copy, plan, serve};
use e2e::Sim;
use netboot_core::Blame;
use testbed::Protocol;
use testbed::plan::FILE_NAMES;

const DIGEST: u32 = 0x0007_0003;
const NOT_VERIFIED: u32 = 0x0007_0016;
const EXITED: u32 = 0x000a_0017;

#[test]
fn a_script_that_nobody_has_verified_does_not_get_round_the_trust() {
    let script = format!("#!ipxe\nimgtrust --allow || echo latched\n{ALL}");
    let digest = netboot_ipxe::sha256(script.as_bytes()).unwrap();
    let fetch = "imgfetch second.ipxe\n";
    let verify = format!("{fetch}imgverify --sha256 {digest} second.ipxe\n");
    let run = |lines: &str| {
        boot(lines, |server| {
            serve(server, "second.ipxe", script.as_bytes())
        })
    };
    for (lines, runs) in [
        ("imgtrust\nchain second.ipxe", false),
        (&format!("imgtrust\n{fetch}chain second.ipxe"), false),
        (&format!("imgtrust\n{verify}chain second.ipxe"), true),
        (&format!("{fetch}chain second.ipxe"), true),
        ("imgtrust --permanent\nchain second.ipxe", false),
    ] {
        let (mut plan, boot) = run(lines);
        if runs {
            plan.expect = false;
            boot.assert_booted(&plan);
            assert_eq!(boot.outcome.screen, "");
        } else {
            boot.assert_failed(&plan, NOT_VERIFIED, Blame::Configuration);
        }
    }
    // A boot file that latched the trust itself may run again; one that comes after the board's wish may not take it back.
    let mut plan = plan(
        Protocol::Http,
        &format!("imgtrust --permanent || exit 2\nexit 1\n{ALL}"),
    );
    plan.settings = "probe off\nretry 2\n".into();
    let boot = Sim::new(&plan).run();
    boot.assert_failed(&plan, EXITED, Blame::Configuration);
    let mut plan = super::plan(Protocol::Http, &format!("imgtrust --allow\n{ALL}"));
    plan.built_in = Some("#!ipxe\nimgtrust\nautoboot\n");
    Sim::new(&plan)
        .run()
        .assert_failed(&plan, NOT_VERIFIED, Blame::Configuration);
}

#[test]
fn an_image_that_is_a_script_is_chained_by_its_name() {
    let second = format!("#!ipxe\necho second\n{ALL}");
    // The first place does not have it, and the name is another one.
    for lines in [
        "imgfetch second.ipxe\nchain second.ipxe",
        "imgfetch --name next second.ipxe\nchain --replace next",
        "imgfetch --name next second.ipxe ||\nchain --autofree next\nimgstat",
    ] {
        let (plan, boot) = boot(lines, |server| {
            serve(server, "second.ipxe", second.as_bytes())
        });
        boot.assert_booted(&plan);
        assert_eq!(boot.outcome.screen, "second\n", "{lines}");
    }
    // What was fetched and is no script is an image, as it is for `imgexec`.
    let lines = "imgfetch caliptra-fw.bin\nimgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nchain caliptra-fw.bin";
    let (plan, boot) = boot(lines, |_| ());
    boot.assert_booted(&plan);
}

/// A script takes no index from the images that come after it, whether they are bound in their order or by a name.
#[test]
fn a_script_that_is_an_image_is_bound_to_no_index() {
    let second = "#!ipxe\nimgfetch a.bin\nimgfetch b.bin\nimgfetch --name mcu-rt c.bin\nboot";
    let served = |server: &mut image_server::ServerConfig| {
        for (from, to) in FILE_NAMES.iter().zip(["a.bin", "b.bin", "c.bin"]) {
            copy(server, from, to);
        }
        serve(server, "second.ipxe", second.as_bytes());
        serve(server, "third.ipxe", b"#!ipxe\nchain second.ipxe\n");
    };
    for lines in [
        "imgfetch second.ipxe\nchain second.ipxe",
        "imgfetch second.ipxe\nchain --replace second.ipxe",
        "imgfetch third.ipxe\nimgfetch second.ipxe\nchain third.ipxe",
    ] {
        let (plan, boot) = boot(lines, served);
        boot.assert_booted(&plan);
    }
}

#[test]
fn a_script_that_is_an_image_has_several_places_and_its_digest() {
    let second = format!("#!ipxe\n{ALL}");
    let digest = netboot_ipxe::sha256(second.as_bytes()).unwrap();
    let lines = format!(
        "imgfetch --name next a.ipxe\nimgfetch --name next b.ipxe\nimgverify --sha256 {digest} next\nchain next"
    );
    // The first place has another script in the meantime.
    let (mut plan, boot) = boot(&lines, |server| {
        serve(server, "a.ipxe", b"#!ipxe\nexit 1\n");
        serve(server, "b.ipxe", second.as_bytes());
    });
    plan.expect = false;
    boot.assert_booted(&plan);
    let (plan, boot) = super::boot(&lines, |server| {
        serve(server, "a.ipxe", b"#!ipxe\nexit 1\n");
        serve(server, "b.ipxe", b"#!ipxe\nexit 2\n");
    });
    boot.assert_failed(&plan, DIGEST, Blame::Server);
}
