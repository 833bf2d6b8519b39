//! The ROM under QEMU, from the simulated image server.

use image_server::{DhcpFault, Rule, TftpFault};
use netsim::{Duration, LinkConfig};
use std::path::PathBuf;
use std::sync::OnceLock;
use testbed::plan::{Family, Image, Pointer};
use testbed::qemu::{self, QemuOptions, QemuOutcome};
use testbed::rom::{self, Core, RomOptions};
use testbed::{Plan, Protocol};

/// The error of an image whose digest is not the expected one: module 7, number 3.
const DIGEST_MISMATCH: u32 = 0x0007_0003;
/// The error of an image that the device refused: module 6, number 21.
const DEVICE_REFUSED: u32 = 0x0006_0015;

/// The error of a boot file without a server: module 7, number 18.
const NO_SERVER: u32 = 0x0007_0012;
/// The error of a scheme that is not in the build: module 5, number 9.
const UNSUPPORTED: u32 = 0x0005_0009;
/// The error of a host name that nobody can resolve: module 5, number 5.
const NO_DNS_SERVER: u32 = 0x0005_0005;

/// QEMU's exit code after a panic: module 11, number 1, of which the lowest seven bits are left.
const PANIC: i32 = 1;

/// The ROM, built once.
fn image() -> PathBuf {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    IMAGE.get_or_init(|| rom::image().unwrap()).clone()
}

/// A plan for a ROM: no second lost on the ARP probe, an end that is noticed soon.
fn plan(protocol: Protocol) -> Plan {
    Plan {
        protocol,
        settings: "probe off\nsettle_ms 300\n".into(),
        ..Plan::default()
    }
}

fn run(plan: &Plan) -> QemuOutcome {
    run_on(image(), plan)
}

fn run_on(image: PathBuf, plan: &Plan) -> QemuOutcome {
    let outcome = qemu::boot(plan, &QemuOptions::new(image), &mut |_| {}).unwrap();
    let parsed = &outcome.parsed;
    assert_eq!(parsed.unreadable, Vec::<String>::new());
    assert!(parsed.stop.is_none(), "{:?}", parsed.stop);
    outcome
}

/// Boots; the device must have got each image octet by octet, and run.
fn boots(plan: &Plan) -> QemuOutcome {
    boots_on(image(), plan)
}

fn boots_on(image: PathBuf, plan: &Plan) -> QemuOutcome {
    let outcome = run_on(image, plan);
    let parsed = &outcome.parsed;
    assert_eq!(parsed.cause(), None, "{:#?}", outcome.lines);
    assert!(parsed.booted());
    assert_eq!(outcome.exit_code, Some(0));
    assert_eq!(parsed.device_images.len(), plan.images.len());
    for (index, image) in plan.images.iter().enumerate() {
        let sha256 = Some(image.padded_sha256().to_string());
        let got = &parsed.device_images[index];
        assert_eq!(got.sha256, sha256, "image {index}");
        assert!(got.activated && got.verified, "image {index}");
        assert_eq!(got.dropped, 0, "image {index}");
        assert_eq!(parsed.images[index].octets, image.bytes.len() as u64);
    }
    outcome
}

#[test]
fn three_images_by_tftp() {
    if qemu::asked_for("three_images_by_tftp") {
        boots(&plan(Protocol::Tftp));
    }
}

#[test]
fn three_images_by_http_over_one_connection() {
    if qemu::asked_for("three_images_by_http_over_one_connection") {
        boots(&plan(Protocol::Http));
    }
}

#[test]
fn table_of_contents_and_whole_flash_image() {
    if !qemu::asked_for("table_of_contents_and_whole_flash_image") {
        return;
    }
    for (protocol, pointer) in [
        (Protocol::Tftp, Pointer::Toc),
        (Protocol::Http, Pointer::FlashImage),
    ] {
        let outcome = boots(&Plan {
            pointer,
            ..plan(protocol)
        });
        assert_eq!(outcome.parsed.toc_images, Some(3));
    }
}

/// The ROM that speaks TFTP only.
fn tiny() -> PathBuf {
    let options = RomOptions {
        tiny: true,
        ..RomOptions::default()
    };
    rom::build_once(&options).unwrap().image
}

#[test]
fn a_tiny_rom_boots_by_tftp() {
    if !qemu::asked_for("a_tiny_rom_boots_by_tftp") {
        return;
    }
    boots_on(tiny(), &plan(Protocol::Tftp));
    let mut plan = plan(Protocol::Tftp);
    plan.link = lossy();
    plan.expect = true;
    boots_on(tiny(), &plan);
}

/// A transfer that breaks off is not taken up where it was; the image is tried again from its start.
/// The smallest build does not fall back on the DHCP server where nothing names one.
#[test]
fn a_tiny_rom_says_that_no_server_has_the_boot_file() {
    if !qemu::asked_for("a_tiny_rom_says_that_no_server_has_the_boot_file") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.settings += "retry continue\n";
    plan.faults
        .dhcp
        .always(DhcpFault::BootFile("images/".into()));
    let outcome = run_on(tiny(), &plan);
    assert_eq!(
        outcome.parsed.status(),
        Some(NO_SERVER),
        "{:#?}",
        outcome.lines
    );
    assert_ne!(outcome.exit_code, Some(0));
}

#[test]
fn a_tiny_rom_begins_a_broken_transfer_anew() {
    if !qemu::asked_for("a_tiny_rom_begins_a_broken_transfer_anew") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.settings += "retry 3\n";
    plan.faults.tftp.once(TftpFault::DieAfter(100_000));
    let outcome = boots_on(tiny(), &plan);
    let first = &outcome.parsed.images[0];
    assert_eq!((first.resumes, first.retries), (0, 1));
}

#[test]
fn a_tiny_rom_refuses_what_it_does_not_speak() {
    if !qemu::asked_for("a_tiny_rom_refuses_what_it_does_not_speak") {
        return;
    }
    // What is compiled in is tried last, and what it failed of is the image's error.
    let mut by_name = plan(Protocol::Http);
    by_name.settings += "default 0 tftp://boot.example/caliptra-fw.bin\n";
    for (plan, code) in [
        (plan(Protocol::Http), UNSUPPORTED),
        (by_name, NO_DNS_SERVER),
    ] {
        let settings = plan.settings.clone() + "retry continue\n";
        let outcome = run_on(tiny(), &Plan { settings, ..plan });
        assert_eq!(outcome.parsed.status(), Some(code));
        assert_ne!(outcome.exit_code, Some(0));
        let image = &outcome.parsed.images[0];
        assert_eq!(image.error.as_ref().map(|error| error.code), Some(code));
        assert!(!outcome.parsed.device_images[0].activated);
    }
}

/// A way that loses, doubles and reorders frames.
fn lossy() -> LinkConfig {
    LinkConfig {
        delay: Duration::from_millis(2),
        loss: 0.01,
        duplicate: 0.01,
        reorder: 0.01,
        ..LinkConfig::default()
    }
}

/// The ROM of a network coprocessor. It is linked for 64 KiB of flash and 64 KiB of RAM, so what boots fits.
fn network_coprocessor() -> PathBuf {
    let options = RomOptions::network_coprocessor();
    rom::build_once(&options).unwrap().image
}

/// Boots it. Its driver must not have made an access that the device ignores.
fn network_coprocessor_boots(plan: &Plan) -> QemuOutcome {
    let outcome = boots_on(network_coprocessor(), plan);
    let device = outcome.parsed.ethernet.expect("a line of the device");
    assert!(device.queued > 0);
    assert_eq!(device.ignored, 0);
    outcome
}

#[test]
fn a_network_coprocessor_boots_in_64_kib_of_ram() {
    if !qemu::asked_for("a_network_coprocessor_boots_in_64_kib_of_ram") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.expect = true;
    let outcome = network_coprocessor_boots(&plan);
    let memory = outcome.parsed.memory.unwrap();
    assert_eq!(memory.static_ram + memory.stack_size, 64 << 10);
    assert!(memory.stack_used < memory.stack_size);
}

#[test]
fn a_network_coprocessor_boots_over_a_long_and_lossy_way() {
    if !qemu::asked_for("a_network_coprocessor_boots_over_a_long_and_lossy_way") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.link = lossy();
    plan.expect = true;
    let outcome = network_coprocessor_boots(&plan);
    assert!(outcome.link.from_server.lost > 0, "{:?}", outcome.link);
}

#[test]
fn a_network_coprocessor_withholds_a_corrupt_image() {
    if !qemu::asked_for("a_network_coprocessor_withholds_a_corrupt_image") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.expect = true;
    plan.corrupt = Some(1);
    plan.settings += "retry continue\n";
    let outcome = run_on(network_coprocessor(), &plan);
    assert_eq!(outcome.parsed.status(), Some(DIGEST_MISMATCH));
    assert_ne!(outcome.exit_code, Some(0));
    let got = &outcome.parsed.device_images;
    assert!(got[0].verified);
    assert!(!got[1].activated, "{:#?}", outcome.lines);
}

/// More frames at once than the device queues: the device drops some, and the receiver goes on.
#[test]
fn a_network_coprocessor_survives_a_burst_larger_than_its_queue() {
    if !qemu::asked_for("a_network_coprocessor_survives_a_burst_larger_than_its_queue") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.faults.tftp.once(TftpFault::Burst(200, 1400));
    let outcome = network_coprocessor_boots(&plan);
    let device = outcome.parsed.ethernet.unwrap();
    assert!(device.overflow > 0, "{device:?}");
}

#[test]
fn a_rom_with_ipv6_boots_over_ipv6_alone() {
    if !qemu::asked_for("a_rom_with_ipv6_boots_over_ipv6_alone") {
        return;
    }
    let options = RomOptions {
        ipv6: true,
        ..RomOptions::default()
    };
    let image = rom::build_once(&options).unwrap().image;
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let mut plan = plan(protocol);
        plan.family = Family::Ipv6;
        plan.settings = "settle_ms 300\n".into();
        let outcome = boots_on(image.clone(), &plan);
        let line = outcome
            .lines
            .iter()
            .find(|line| line.starts_with("@configured"));
        assert!(
            line.is_some_and(|line| line.contains(" address=fd00:")),
            "{line:?}"
        );
    }
}

/// A boot that fails resets the machine, twice; the third one succeeds. What happened before each reset is still known after it.
/// A ROM for scripts, with all that they can have.
fn with_scripts() -> PathBuf {
    static IMAGE: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let options = RomOptions {
            settings: true,
            script: true,
            script_extras: true,
            ..RomOptions::default()
        };
        rom::build_once(&options).unwrap().image
    };
    IMAGE.get_or_init(build).clone()
}

/// Three images, and their delivery.
const ALL: &str =
    "imgfetch caliptra-fw.bin\nimgfetch soc-manifest.bin\nimgfetch mcu-runtime.bin\nboot\n";

#[test]
fn a_script_boots_the_rom_and_a_menu_needs_nobody() {
    if !qemu::asked_for("a_script_boots_the_rom_and_a_menu_needs_nobody") {
        return;
    }
    let menu = "menu Firmware\nitem a One\nitem b Two\nchoose --default b --timeout 1500 x\n";
    let plan = Plan {
        script: Some(format!(
            "#!ipxe\n{menu}echo chosen ${{x}} for ${{serial}}\nchain two.ipxe || echo alone\n{ALL}"
        )),
        settings: "probe off\nsettle_ms 300\nserial A17\n".into(),
        ..plan(Protocol::Http)
    };
    let outcome = boots_on(with_scripts(), &plan);
    let said = outcome.lines.join("\n");
    assert!(said.contains("chosen b for A17\nalone"), "{said}");
    assert!(said.contains("source=script"), "{said}");
    let memory = outcome.parsed.memory.expect("a @memory line");
    assert!(memory.stack_used < memory.stack_size);
}

#[test]
fn a_person_boots_the_rom_from_its_prompt() {
    if !qemu::asked_for("a_person_boots_the_rom_from_its_prompt") {
        return;
    }
    let plan = Plan {
        settings: "probe off\nsettle_ms 300\nshell on\n".into(),
        keys: "help\rnonsense\rdhcp\rifstat\rset base http://10.0.2.2\r\
               imgfetch ${base}/caliptra-fw.bin\rimgfetch ${base}/soc-manifest.bin\r\
               imgfetch ${base}/mcu-runtime.bin\rimgstat\rboot\r"
            .into(),
        ..plan(Protocol::Http)
    };
    let outcome = boots_on(with_scripts(), &plan);
    let said = outcome.lines.join("\n");
    assert!(said.contains("netboot> "), "{said}");
    assert!(said.contains("error code=0x000a0007"), "{said}");
    assert!(said.contains("mcu-runtime.bin index=2"), "{said}");
}

#[test]
fn a_machine_that_resets_itself_counts_its_attempts() {
    if !qemu::asked_for("a_machine_that_resets_itself_counts_its_attempts") {
        return;
    }
    let options = RomOptions {
        trace: true,
        ..RomOptions::default()
    };
    let image = rom::build_once(&options).unwrap().image;
    let mut plan = plan(Protocol::Tftp);
    plan.settings += "retry continue\nrestarts 2\n";
    let missing = TftpFault::Error(1, "File not found".into());
    let missing = Rule::new(missing).named(&plan.images[0].name).times(2);
    plan.faults.tftp.add(missing);
    let outcome = boots_on(image.clone(), &plan);
    let lines = |word: &str| {
        let lines = outcome.lines.iter();
        let found = lines.filter(|line| line.starts_with(word));
        found.cloned().collect::<Vec<_>>()
    };
    let attempts: Vec<_> = lines("@rom ")
        .iter()
        .map(|line| line.rsplit(' ').next().unwrap().to_string())
        .collect();
    assert_eq!(attempts, ["attempt=1", "attempt=2", "attempt=3"]);
    // The second failure has the events of the first attempt before its own.
    let failed: Vec<_> = lines("@trace ")
        .into_iter()
        .filter(|line| line.contains("event=attempt-failed"))
        .collect();
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert!(
        failed[1].starts_with("@trace attempt=1 ") && failed[2].starts_with("@trace attempt=2 ")
    );
    assert!(
        failed.iter().all(|line| line.ends_with("value=0x00020021")),
        "{failed:?}"
    );
    assert!(lines("@cut-off").is_empty());

    // No more resets than the settings allow.
    plan.settings = plan.settings.replace("restarts 2", "restarts 1");
    let outcome = run_on(image, &plan);
    assert_eq!(outcome.parsed.status(), Some(0x0002_0021));
    assert_ne!(outcome.exit_code, Some(0));
}

/// The same RAM as for 4 KiB: the limits of the ROM do not know the image.
#[test]
fn sixteen_mebioctets_through_the_same_ram() {
    if !qemu::asked_for("sixteen_mebioctets_through_the_same_ram") {
        return;
    }
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let small = boots(&plan(protocol)).parsed.memory.unwrap();
        let mut large = plan(protocol);
        large.images[0] = Image::pseudo_random("caliptra-fw.bin", 16 << 20, 9);
        let large = boots(&large).parsed.memory.unwrap();
        assert_eq!(small.static_ram, large.static_ram);
        // The depth of the stack depends on which timer falls due when, not on the image.
        assert!(large.stack_used.abs_diff(small.stack_used) < 1024);
    }
}

#[test]
fn a_wrong_bit_is_withheld_when_the_digest_is_known() {
    if !qemu::asked_for("a_wrong_bit_is_withheld_when_the_digest_is_known") {
        return;
    }
    let mut plan = plan(Protocol::Http);
    plan.expect = true;
    plan.corrupt = Some(1);
    plan.settings += "retry continue\n";
    let outcome = run(&plan);
    assert_eq!(outcome.parsed.status(), Some(DIGEST_MISMATCH));
    assert_ne!(outcome.exit_code, Some(0));
    let got = &outcome.parsed.device_images;
    assert!(got[0].verified);
    assert!(!got[1].activated, "{:#?}", outcome.lines);
    let cause = outcome.parsed.cause().unwrap();
    assert!(cause.contains("SHA-256"), "{cause}");
}

#[test]
fn a_wrong_bit_is_refused_by_the_device_when_nobody_else_knows() {
    if !qemu::asked_for("a_wrong_bit_is_refused_by_the_device_when_nobody_else_knows") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.corrupt = Some(2);
    let outcome = run(&plan);
    assert_eq!(outcome.parsed.status(), Some(DEVICE_REFUSED));
    let got = &outcome.parsed.device_images;
    assert!(got[1].verified && !got[2].verified);
    let cause = outcome.parsed.cause().unwrap();
    assert!(cause.contains("the device refused image"), "{cause}");
    let error = outcome.parsed.images[2].error.as_ref().unwrap();
    assert_eq!(error.code, DEVICE_REFUSED);
}

/// A build for somebody who debugs says what the other one only numbers.
#[test]
fn a_rom_with_texts_says_what_happened() {
    if !qemu::asked_for("a_rom_with_texts_says_what_happened") {
        return;
    }
    let texts = rom::build(&RomOptions {
        texts: true,
        ..RomOptions::default()
    });
    let mut plan = plan(Protocol::Tftp);
    plan.corrupt = Some(2);
    let options = QemuOptions::new(texts.unwrap().image);
    let outcome = qemu::boot(&plan, &options, &mut |_| {}).unwrap();
    assert_eq!(outcome.parsed.status(), Some(DEVICE_REFUSED));
    let cause = outcome.parsed.cause().unwrap();
    assert!(cause.contains("the device refused image 2 ("), "{cause}");
    let logged = |words: &str| outcome.lines.iter().any(|line| line.contains(words));
    assert!(logged("INFO  dhcp: 10."), "{:#?}", outcome.lines);
}

/// A panic is on record, whichever core library is linked: a line with the place, and an exit code. Before it, the image's own
/// `memcpy` and `memmove` were tried at each alignment.
#[test]
fn a_panic_is_recorded() {
    if !qemu::asked_for("a_panic_is_recorded") {
        return;
    }
    let mut cores = vec![Core::Precompiled];
    if Core::best() == Core::Rebuilt {
        cores.push(Core::Rebuilt);
    }
    for core in cores {
        let panics = RomOptions {
            core,
            panic: true,
            ..RomOptions::default()
        };
        let built = rom::build(&panics).unwrap();
        let options = QemuOptions::new(built.image);
        let outcome = qemu::boot(&plan(Protocol::Tftp), &options, &mut |_| {}).unwrap();
        let parsed = &outcome.parsed;
        let stop = parsed.stop.as_ref().expect("a line with the panic");
        assert_eq!(stop.what, "panic", "{core:?}: {:#?}", outcome.lines);
        assert!(parsed.rom.is_some() && parsed.report.is_none());
        assert!(outcome.lines.iter().any(|line| line == "@copies right"));
        assert_eq!(outcome.exit_code, Some(PANIC), "{core:?}");
        let (_, trace) = stop.detail.split_once("trace=").unwrap();
        assert!(trace.starts_with("0x2000"), "{core:?}: {trace:?}");
        if core == Core::Rebuilt {
            assert!(stop.detail.starts_with("pc=0x2000"), "{}", stop.detail);
        }
    }
}

/// More frames at once than the receive ring has buffers: frames are lost, the receiver is not.
#[test]
fn a_burst_larger_than_the_ring_loses_frames_only() {
    if !qemu::asked_for("a_burst_larger_than_the_ring_loses_frames_only") {
        return;
    }
    let mut plan = plan(Protocol::Tftp);
    plan.faults.tftp.once(TftpFault::Burst(200, 1400));
    boots(&plan);
}

#[test]
fn a_long_and_lossy_way() {
    if !qemu::asked_for("a_long_and_lossy_way") {
        return;
    }
    for protocol in [Protocol::Tftp, Protocol::Http] {
        let mut plan = plan(protocol);
        plan.link = lossy();
        boots(&plan);
    }
}
