//! The ROM under QEMU, by HTTPS, from the simulated image server.

use image_server::Protocol as Served;
use image_server::tls::{CipherSuite, ProtocolVersion};
use netboot_core::Coded as _;
use netboot_tls::TlsError;
use netboot_tls::channel::SMALL_RECORDS;
use netboot_tls::verify::VerifyError;
use std::path::PathBuf;
use test_pki::{Flaw, Pki, Usage, Validity};
use testbed::https::{Https, NAME};
use testbed::plan::{Image, Pointer, SERVER, sha256};
use testbed::qemu::{self, QemuOptions, QemuOutcome};
use testbed::rom::{self, RomOptions};
use testbed::sztp::Sztp;
use testbed::{Plan, Protocol};

/// The ROM that is the client of this.
fn image(https: &Https) -> PathBuf {
    let built = rom::build_once(&RomOptions {
        https: Some(https.rom()),
        ..RomOptions::default()
    });
    built.unwrap().image
}

/// A server with an intermediate authority, and a ROM that trusts the root.
fn ends() -> Https {
    Https::new(Pki::with_intermediate(7))
}

/// The same with records of up to 4,096 octets.
fn small_records() -> Https {
    Https {
        records: SMALL_RECORDS,
        max_fragment: Some(4096),
        ..ends()
    }
}

/// A plan for a ROM: no second lost on the ARP probe, an end that is noticed soon, no second chance.
fn plan(https: Https) -> Plan {
    Plan {
        protocol: Protocol::Https,
        https: Some(https),
        settings: "probe off\nsettle_ms 300\nretry continue\n".into(),
        ..Plan::default()
    }
}

fn run(plan: &Plan) -> QemuOutcome {
    let image = image(plan.https.as_ref().unwrap());
    let outcome = qemu::boot(plan, &QemuOptions::new(image), &mut |_| {}).unwrap();
    let parsed = &outcome.parsed;
    assert_eq!(parsed.unreadable, Vec::<String>::new());
    assert!(parsed.stop.is_none(), "{:?}", parsed.stop);
    outcome
}

/// Boots over one connection.
fn boots(plan: &Plan) -> QemuOutcome {
    boots_over(1, plan)
}

/// Boots; the device must have got each image octet by octet, and run, and the server have sent them over this
/// many connections.
fn boots_over(connections: usize, plan: &Plan) -> QemuOutcome {
    let outcome = run(plan);
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
    assert_eq!(outcome.tls.len(), connections, "{:#?}", outcome.tls);
    let chacha20 = CipherSuite::TLS13_CHACHA20_POLY1305_SHA256;
    for connection in &outcome.tls {
        assert_eq!(connection.version, Some(ProtocolVersion::TLSv1_3));
        assert_eq!(connection.suite, Some(chacha20));
        assert_eq!(connection.error, None);
    }
    let requests: u32 = outcome.tls.iter().map(|one| one.requests).sum();
    let files = |protocol| {
        let served = outcome.served.iter();
        served.filter(|one| one.protocol == protocol).count()
    };
    assert_eq!(files(Served::Https), requests as usize);
    assert_eq!(files(Served::Http) + files(Served::Tftp), 0);
    outcome
}

/// A script of `docs/examples/scripts` that wants signatures.
const VERIFY: &str = include_str!("../../docs/examples/scripts/verify.ipxe");

#[test]
fn a_script_boots_what_the_release_team_has_signed() {
    if !qemu::asked_for("a_script_boots_what_the_release_team_has_signed") {
        return;
    }
    let https = ends();
    let built = rom::build_once(&RomOptions {
        rom_kib: 288,
        ram_kib: 160,
        script: true,
        script_extras: true,
        https: Some(https.rom()),
        ..RomOptions::default()
    });
    let image = built.unwrap().image;
    let release = https
        .pki
        .signer("release", Usage::CodeSigning, Validity::default())
        .unwrap();
    let mut plan = Plan {
        script: Some(VERIFY.into()),
        ..plan(https)
    };
    // One with signed attributes, one without, as iPXE's documentation makes it.
    let arguments: [&[&str]; 3] = [&[], &["-noattr"], &[]];
    plan.files = plan
        .images
        .iter()
        .zip(arguments)
        .map(|(image, arguments)| {
            let signature = test_pki::sign(&[&release], &image.bytes, arguments).unwrap();
            (format!("{}.sig", image.name), signature)
        })
        .collect();
    let outcome = qemu::boot(&plan, &QemuOptions::new(&image), &mut |_| {}).unwrap();
    assert!(outcome.parsed.booted(), "{:#?}", outcome.lines);
    assert_eq!(outcome.exit_code, Some(0));
    // The second image is not what was signed.
    plan.corrupt = Some(1);
    let outcome = qemu::boot(&plan, &QemuOptions::new(&image), &mut |_| {}).unwrap();
    assert!(!outcome.parsed.booted(), "{:#?}", outcome.lines);
    let activated: Vec<usize> = outcome
        .parsed
        .device_images
        .iter()
        .filter(|image| image.activated)
        .map(|image| image.index as usize)
        .collect();
    assert_eq!(
        activated, [0; 0],
        "the script verifies all before it delivers"
    );
}

/// Boots what must not be; the number of the error is on the console, the device has got nothing, the server
/// was asked for nothing.
fn refuses(plan: &Plan, expected: TlsError) -> QemuOutcome {
    let outcome = run(plan);
    let parsed = &outcome.parsed;
    assert_eq!(
        parsed.status(),
        Some(expected.code()),
        "{:#?}",
        outcome.lines
    );
    let number = format!("code={:#010x}", expected.code());
    let told = |line: &String| line.starts_with("@report") && line.contains(&number);
    assert!(outcome.lines.iter().any(told), "{:#?}", outcome.lines);
    assert_ne!(outcome.exit_code, Some(0));
    assert!(parsed.device_images.iter().all(|one| !one.activated));
    assert!(parsed.device_images.iter().all(|one| one.octets == 0));
    let served = outcome.served.iter();
    assert_eq!(
        served.filter(|one| one.protocol == Served::Https).count(),
        0
    );
    outcome
}

#[test]
fn three_images_in_large_and_in_small_records() {
    if !qemu::asked_for("three_images_in_large_and_in_small_records") {
        return;
    }
    let large = boots(&plan(ends())).parsed.memory.unwrap();
    let small = boots(&plan(small_records())).parsed.memory.unwrap();
    // The receive buffers are all the difference.
    assert!(large.static_ram - small.static_ram > 12_000);
}

#[test]
fn table_of_contents_and_whole_flash_image_over_tls() {
    if !qemu::asked_for("table_of_contents_and_whole_flash_image_over_tls") {
        return;
    }
    // Each part of a flash image is asked for to the end of the file, and what comes behind it is cut off.
    for (pointer, connections) in [(Pointer::Toc, 1), (Pointer::FlashImage, 2)] {
        let plan = Plan {
            pointer,
            ..plan(ends())
        };
        let outcome = boots_over(connections, &plan);
        assert_eq!(outcome.parsed.toc_images, Some(3));
    }
}

#[test]
fn servers_that_are_not_trusted() {
    if !qemu::asked_for("servers_that_are_not_trusted") {
        return;
    }
    let names = [NAME, &SERVER.to_string()];
    for (flaw, expected) in [
        (Flaw::OtherCa, VerifyError::UnknownIssuer),
        (Flaw::WrongName, VerifyError::WrongName),
    ] {
        let https = ends();
        let shown = https.pki.flawed(&names, flaw).unwrap();
        let other = Https {
            shown: Some(shown),
            ..https
        };
        let outcome = refuses(&plan(other), TlsError::Certificate(expected));
        // The server was told why.
        let error = outcome.tls[0].error.as_ref().unwrap();
        assert!(error.contains("alert"), "{error}");
    }
}

#[test]
fn a_rom_without_a_seed_has_no_keys() {
    if !qemu::asked_for("a_rom_without_a_seed_has_no_keys") {
        return;
    }
    let poor = Https {
        entropy: false,
        ..ends()
    };
    let outcome = refuses(&plan(poor), TlsError::NoEntropy);
    assert_eq!(outcome.parsed.rom.as_ref().unwrap().entropy, "weak");
    // The same ROM goes on with what needs no keys.
    let mut plan = plan(Https {
        entropy: false,
        ..ends()
    });
    plan.protocol = Protocol::Http;
    assert!(run(&plan).parsed.booted());
}

#[test]
fn a_rom_that_was_built_without_trust_trusts_nobody() {
    if !qemu::asked_for("a_rom_that_was_built_without_trust_trusts_nobody") {
        return;
    }
    let nobody = Https {
        trusted: false,
        ..ends()
    };
    refuses(&plan(nobody), TlsError::Certificate(VerifyError::NoTrust));
}

/// The same RAM as for three small images: the limits of the ROM do not know the image.
#[test]
fn sixteen_mebioctets_through_the_same_ram_over_tls() {
    if !qemu::asked_for("sixteen_mebioctets_through_the_same_ram_over_tls") {
        return;
    }
    let small = boots(&plan(ends())).parsed.memory.unwrap();
    let mut large = plan(ends());
    large.images[0] = Image::pseudo_random("caliptra-fw.bin", 16 << 20, 9);
    let large = boots(&large).parsed.memory.unwrap();
    assert_eq!(small.static_ram, large.static_ram);
    // The depth of the stack depends on which timer falls due when, not on the image.
    assert!(large.stack_used.abs_diff(small.stack_used) < 1024);
}

/// A board that asks a bootstrap server, which wants to see the board's certificate; `trusted` says whether the board has the root of the server.
fn provisioned(trusted: bool) -> (Plan, PathBuf) {
    let mut https = ends();
    (https.mutual, https.client, https.trusted) = (true, true, trusted);
    let mut plan = Plan {
        pointer: Pointer::FlashImage,
        expect: true,
        ..plan(https)
    };
    plan.settings += "order sztp\n";
    let place = format!("https://{SERVER}/flash.bin");
    let sha256 = sha256(&plan.flash_image()).to_string();
    let https = plan.https.as_ref().unwrap();
    let sztp = Sztp::offered(https, trusted, &place, &sha256);
    let built = rom::build_once(&RomOptions {
        rom_kib: 288,
        ram_kib: 160,
        https: Some(https.rom()),
        sztp: Some(sztp.rom()),
        ..RomOptions::default()
    });
    plan.sztp = Some(sztp);
    (plan, built.unwrap().image)
}

/// The owner's signature is believed whoever brings it, and a trusted server is believed without one.
#[test]
fn a_board_finds_its_owner() {
    if !qemu::asked_for("a_board_finds_its_owner") {
        return;
    }
    for trusted in [false, true] {
        let (plan, image) = provisioned(trusted);
        let outcome = qemu::boot(&plan, &QemuOptions::new(image), &mut |_| {}).unwrap();
        let lines = outcome.lines.join("\n");
        assert!(outcome.parsed.booted(), "{lines}");
        let (proof, server) = match trusted {
            false => (" proof=none", " trusted_server=false"),
            true => (" proof=root", " trusted_server=true"),
        };
        for part in [
            "@bootstrap-servers ",
            proof,
            server,
            " source=sztp",
            "@provisioned ",
            " end=rebooting",
        ] {
            assert!(lines.contains(part), "{part} is not in\n{lines}");
        }
        // Each connection came with the certificate of the board.
        assert!(!outcome.tls.is_empty());
        assert!(outcome.tls.iter().all(|one| !one.client_chain.is_empty()));
    }
}

/// The same board with the answer for another one: its voucher was made for another serial number.
#[test]
fn a_board_refuses_an_owner_of_another_board() {
    if !qemu::asked_for("a_board_refuses_an_owner_of_another_board") {
        return;
    }
    let (mut plan, image) = provisioned(false);
    plan.settings += "serial JADA000000000\n";
    let outcome = qemu::boot(&plan, &QemuOptions::new(image), &mut |_| {}).unwrap();
    let report = outcome.parsed.report.as_ref().unwrap();
    assert_eq!(report.status, 0x000F_0030);
    assert!(outcome.parsed.images.is_empty());
}
