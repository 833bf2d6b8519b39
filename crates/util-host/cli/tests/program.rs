//! The program, against servers.

use caliptra_util_host_recover::server::{I3cServer, LinkFaults};
use ocp_recovery::CoreVersion;
use recovery_model::{DeviceConfig as RecoveryConfig, DeviceOutcome, ExpectedImage, Personality};
use std::process::{Command, Output};
use util_device::server::{Link, MctpServer, UdpServer};
use util_device::{Device, DeviceConfig, Fault};

fn util(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_caliptra-util"))
        .args(arguments)
        .env_remove("CALIPTRA_UTIL_TRANSPORT")
        .env_remove("CALIPTRA_UTIL_PLUGIN_PATH")
        .output()
        .unwrap()
}

fn good(arguments: &[&str]) -> String {
    let done = util(arguments);
    assert!(
        done.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

fn bad(arguments: &[&str]) -> String {
    let done = util(arguments);
    assert!(!done.status.success(), "{arguments:?}");
    String::from_utf8(done.stderr).unwrap()
}

fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&good(arguments)).unwrap()
}

fn device() -> Device {
    let mut device = Device::new(DeviceConfig::default());
    device.write_log(b"\x01\x02\x00");
    device
}

fn mailbox() -> (UdpServer, String) {
    let server = UdpServer::start("127.0.0.1:0", device(), Link::default()).unwrap();
    let address = format!("udp://{}", server.address());
    (server, address)
}

#[test]
fn what_a_device_is_by_mailbox_and_by_mctp() {
    let (_server, address) = mailbox();
    let text = good(&["-t", &address, "info"]);
    for words in [
        "2.1.0",
        "2.1.3 (0123456789abcdef)",
        "1ab4:0002",
        "boots from network  yes",
        "5a5a5a",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let found = json(&["-t", &address, "--json", "info"]);
    assert_eq!(found["firmware"]["mcu_runtime"], "2.1.3 (0123456789abcdef)");
    assert_eq!(found["firmware"]["soc"], serde_json::Value::Null);
    assert_eq!(found["network_boot"], true);
    let mctp = MctpServer::start("127.0.0.1:0", device(), 9).unwrap();
    let address = format!("mctp+tcp://{}", mctp.address());
    let found = json(&["-t", &address, "--json", "info"]);
    assert_eq!(found["firmware"]["caliptra"], "2.1.0");
    assert_eq!(found["pci"], serde_json::Value::Null);
    assert!(good(&["-t", &address, "caps"]).contains("network boot"));
    assert_eq!(
        json(&["-t", &address, "--json", "caps"])["mcu_rom"]["bits"],
        4
    );
    assert_eq!(good(&["-t", &address, "log"]).trim(), "010200");
    assert_eq!(good(&["-t", &address, "log"]).trim(), "");
    let refused = bad(&["-t", &address, "hash", "/etc/hostname"]);
    assert!(refused.contains("hint:"), "{refused}");
}

#[test]
fn evidence_and_hashes() {
    let (_server, address) = mailbox();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "abc").unwrap();
    let text = good(&["-t", &address, "hash", file.to_str().unwrap()]);
    assert!(
        text.starts_with("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"),
        "{text}"
    );
    let found = json(&[
        "-t",
        &address,
        "--json",
        "hash",
        "--algorithm",
        "sha512",
        file.to_str().unwrap(),
    ]);
    assert!(
        found["digest"]
            .as_str()
            .unwrap()
            .starts_with("ddaf35a193617abacc417349ae204131")
    );
    let evidence = directory.path().join("evidence");
    let nonce = "42".repeat(32);
    let text = good(&[
        "-t",
        &address,
        "attest",
        "--nonce",
        &nonce,
        "-o",
        evidence.to_str().unwrap(),
    ]);
    assert!(text.contains(&nonce) && std::fs::read(&evidence).unwrap().starts_with(&[0xD2, 0x84]));
    assert_eq!(
        json(&["-t", &address, "--json", "attest"])["nonce_found"],
        true
    );
    assert!(
        bad(&["-t", &address, "attest", "--format", "pcr"]).contains("does not have this format")
    );
    assert!(bad(&["-t", &address, "attest", "--nonce", "4242"]).contains("32 octets"));
}

#[test]
fn the_log_and_what_becomes_of_it() {
    let (_server, address) = mailbox();
    let directory = tempfile::tempdir().unwrap();
    let raw = directory.path().join("raw");
    // A wrong ELF file is told before the log is drained.
    std::fs::write(&raw, "no elf").unwrap();
    bad(&["-t", &address, "log", "--elf", raw.to_str().unwrap()]);
    good(&["-t", &address, "log", "--raw", raw.to_str().unwrap()]);
    assert_eq!(std::fs::read(&raw).unwrap(), b"\x01\x02\x00");
    good(&["-t", &address, "log", "--clear"]);
}

/// An ELF file with the texts of a log, as a firmware with defmt has it.
fn elf(texts: &[(&str, &str)]) -> Vec<u8> {
    use object::write::{Object, Symbol, SymbolSection};
    use object::{
        Architecture, BinaryFormat, Endianness, SectionKind, SymbolFlags, SymbolKind, SymbolScope,
    };
    let mut file = Object::new(BinaryFormat::Elf, Architecture::Riscv32, Endianness::Little);
    let section = file.add_section(vec![], b".defmt".to_vec(), SectionKind::ReadOnlyData);
    file.append_section_data(section, &[0; 16], 1);
    let mut add = |name: String, value: u64, section: SymbolSection| {
        file.add_symbol(Symbol {
            name: name.into_bytes(),
            value,
            size: 1,
            kind: SymbolKind::Data,
            scope: SymbolScope::Linkage,
            weak: false,
            section,
            flags: SymbolFlags::None,
        });
    };
    for (at, (level, text)) in texts.iter().enumerate() {
        let name = serde_json::json!({
            "package": "firmware", "tag": format!("defmt_{level}"), "data": text, "disambiguator": "0", "crate_name": "firmware"
        });
        add(
            name.to_string(),
            at as u64 + 1,
            SymbolSection::Section(section),
        );
    }
    add("_defmt_version_ = 4".into(), 0, SymbolSection::Absolute);
    add(
        "_defmt_encoding_ = rzcobs".into(),
        0,
        SymbolSection::Absolute,
    );
    file.write().unwrap()
}

#[test]
fn the_log_is_decoded_by_defmts_own_decoder() {
    let frame = |octets: &[u8]| [rzcobs::encode(octets), vec![0]].concat();
    let mut device = Device::new(DeviceConfig::default());
    device.write_log(&frame(&[1, 0, 2, 0, 0, 0]));
    device.write_log(&frame(&[2, 0, 3, 0, 0, 0]));
    let server = UdpServer::start("127.0.0.1:0", device, Link::default()).unwrap();
    let address = format!("udp://{}", server.address());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("firmware.elf");
    std::fs::write(
        &path,
        elf(&[("info", "booted image {=u32}"), ("warn", "{=u32} retries")]),
    )
    .unwrap();
    let text = good(&["-t", &address, "log", "--elf", path.to_str().unwrap()]);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(lines, ["info booted image 2", "warn 3 retries"]);
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let none = bad(&["info"]);
    assert!(
        none.contains("--transport") && none.contains("CALIPTRA_UTIL_TRANSPORT"),
        "{none}"
    );
    assert!(bad(&["-t", "nonsense", "info"]).contains("udp://HOST:PORT"));
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("udp://{}", silent.local_addr().unwrap());
    let begun = std::time::Instant::now();
    let text = bad(&["-t", &address, "--timeout", "50", "--retries", "1", "info"]);
    assert!(begun.elapsed().as_secs() < 3);
    assert!(
        text.contains("failed 2 times")
            && text.contains("did not answer in time")
            && text.contains("hint:"),
        "{text}"
    );
    let as_json = util(&[
        "-t",
        &address,
        "--timeout",
        "50",
        "--retries",
        "0",
        "--json",
        "info",
    ]);
    let as_json: serde_json::Value = serde_json::from_slice(&as_json.stdout).unwrap();
    assert!(as_json["error"].as_str().unwrap().contains("in time"));
    let (server, address) = mailbox();
    server
        .device()
        .lock()
        .unwrap()
        .fail_next(Fault::NotApproved);
    assert!(bad(&["-t", &address, "caps"]).contains("approved state"));
    assert!(bad(&["plugin", "run", "x"]).contains("--transport"));
    assert!(bad(&["-t", &address, "plugin", "run", "x"]).contains("--load"));
    assert!(bad(&["--load", "/nowhere.so", "plugin", "list"]).contains("/nowhere.so"));
}

#[test]
fn help_completions_and_manual() {
    let help = good(&["help"]);
    for word in [
        "info",
        "caps",
        "log",
        "attest",
        "hash",
        "recover",
        "plugin",
        "completions",
        "man",
    ] {
        assert!(help.contains(word), "{word}");
    }
    assert!(good(&["recover", "--help"]).contains("i3c-tcp:HOST:PORT"));
    assert!(good(&["completions", "bash"]).contains("complete -F"));
    assert!(good(&["man"]).contains(".TH caliptra-util"));
    assert_eq!(
        json(&["--json", "plugin", "list"])["commands"],
        serde_json::json!([])
    );
}

fn start(faults: LinkFaults) -> (I3cServer, String, Vec<Vec<u8>>) {
    let images: Vec<Vec<u8>> = [700u32, 300, 1000]
        .iter()
        .map(|len| (0..*len).map(|at| (at * 3) as u8).collect())
        .collect();
    let expected: Vec<_> = images
        .iter()
        .map(|image| ExpectedImage::of(image))
        .collect();
    let config = RecoveryConfig::new(CoreVersion::V1p5, Personality::Rom2_1_2, &expected);
    let server = I3cServer::start("127.0.0.1:0", 0x3B, config, faults).unwrap();
    let address = format!("i3c-tcp:{}", server.address());
    (server, address, images)
}

#[test]
fn a_recovery_from_files() {
    let (server, address, images) = start(LinkFaults::default());
    let directory = tempfile::tempdir().unwrap();
    let mut arguments = vec![
        "recover".to_string(),
        "--to".into(),
        address,
        "--settle".into(),
        "100".into(),
    ];
    for (index, image) in images.iter().enumerate() {
        let path = directory.path().join(format!("image{index}"));
        std::fs::write(&path, image).unwrap();
        arguments.extend(["--from".into(), path.display().to_string()]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let text = good(&arguments);
    assert!(
        text.contains("image 2: sent and activated") && text.contains("recovered in"),
        "{text}"
    );
    assert_eq!(server.outcome(), DeviceOutcome::Booted);
}

#[test]
fn a_recovery_that_cannot_be_says_why() {
    let (server, address, _) = start(LinkFaults::default());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("wrong");
    std::fs::write(&path, [7; 700]).unwrap();
    let path = path.to_str().unwrap();
    assert!(bad(&["recover", "--to", "mailbox", "--from", path]).contains("i3c-tcp:HOST:PORT"));
    assert!(bad(&["recover", "--to", &address, "--from", "/nowhere"]).contains("/nowhere"));
    assert!(
        bad(&[
            "recover",
            "--to",
            &address,
            "--address",
            "0x3a",
            "--from",
            path
        ])
        .contains("--address")
    );
    let text = bad(&["recover", "--to", &address, "--from", path]);
    assert!(text.contains("caliptra-util: "), "{text}");
    assert!(matches!(
        server.outcome(),
        DeviceOutcome::Failed { index: 0, .. }
    ));
    let (_server, address, _) = start(LinkFaults::default());
    assert!(good(&["recover", "--to", &address, "--check"]).contains("right"));
}
