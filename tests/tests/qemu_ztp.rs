//! The operator's tool at the console of the ROM under QEMU: `netboot ztp`.

use anyhow::{Result, bail, ensure};
use netboot_cli::command;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use test_pki::Pki;
use testbed::https::Https;
use testbed::plan::{Pointer, SERVER, sha256};
use testbed::qemu::{self, QemuOptions};
use testbed::rom::{self, RomOptions};
use testbed::sztp::Sztp;
use testbed::{Plan, Protocol, uart};

/// A board with a shell, whose bootstrap server sends what the owner has signed; `order` is its policy.
fn board(order: &str) -> (Plan, PathBuf) {
    let https = Https {
        mutual: true,
        client: true,
        trusted: false,
        ..Https::new(Pki::with_intermediate(7))
    };
    let mut plan = Plan {
        protocol: Protocol::Https,
        pointer: Pointer::FlashImage,
        expect: true,
        settings: format!("probe off\nsettle_ms 300\nretry continue\nshell on\norder {order}\n"),
        ..Plan::default()
    };
    let place = format!("https://{SERVER}/flash.bin");
    let sztp = Sztp::offered(
        &https,
        false,
        &place,
        &sha256(&plan.flash_image()).to_string(),
    );
    let built = rom::build_once(&RomOptions {
        rom_kib: 384,
        ram_kib: 192,
        script: true,
        script_extras: true,
        https: Some(https.rom()),
        sztp: Some(sztp.rom()),
        ..RomOptions::default()
    });
    plan.sztp = Some(sztp);
    plan.https = Some(https);
    (plan, built.unwrap().image)
}

/// Calls the tool; whether the answer is yes, and what it says.
fn ztp(socket: &Path, line: &[&str]) -> Result<(bool, String)> {
    let mut out = Vec::new();
    let socket = socket.to_str().unwrap();
    let line = [&["ztp"], line, &["--console", socket]].concat();
    let yes = command::call(line, &mut out)?;
    let text = String::from_utf8(out)?;
    eprintln!("--- {yes}\n{text}");
    Ok((yes, text))
}

/// Calls the tool, and wants this answer with these parts in it.
fn says(socket: &Path, line: &[&str], expected: bool, parts: &[&str]) -> Result<String> {
    let (yes, text) = ztp(socket, line)?;
    ensure!(yes == expected, "{line:?} answers {yes}: {text}");
    for part in parts {
        ensure!(text.contains(part), "{line:?}: {part} is not in\n{text}");
    }
    Ok(text)
}

#[test]
fn an_operator_governs_the_provisioning_of_a_board() {
    if !qemu::asked_for("an_operator_governs_the_provisioning_of_a_board") {
        return;
    }
    let (plan, image) = board("sztp dhcp");
    let mut visit = |socket: &Path| {
        says(
            socket,
            &["status"],
            true,
            &[
                "has not begun",
                "enabled: ",
                "no bootstrap server was asked",
            ],
        )?;
        let disabled = "Provisioning is disabled until the board's next reset";
        says(socket, &["disable"], true, &[disabled])?;
        says(socket, &["status"], true, &["disabled: "])?;
        let refused = "(number 0x0007001e, blame: configuration)";
        let text = says(socket, &["run"], false, &["The board refuses: ", refused])?;
        ensure!(!text.contains("@requested"), "{text}");
        says(socket, &["enable"], true, &["Provisioning is enabled"])?;
        let raw = says(socket, &["status", "--raw", "--verbose"], true, &[])?;
        ensure!(
            raw.starts_with("ztp enabled=true required=false stage=idle asked=0 "),
            "{raw}"
        );
        says(
            socket,
            &["run"],
            true,
            &["@bootstrap t=", "@provisioned t=", "The board has booted."],
        )?;
        Ok(())
    };
    let outcome = uart::boot(&plan, &QemuOptions::new(image), &mut |_| {}, &mut visit).unwrap();
    assert!(outcome.parsed.booted(), "{:#?}", outcome.lines);
    assert_eq!(outcome.exit_code, Some(0));
}

/// The voucher is for another board: the operator sees why the boot failed, at the prompt and behind it.
#[test]
fn an_operator_sees_why_a_board_believes_nobody() {
    if !qemu::asked_for("an_operator_sees_why_a_board_believes_nobody") {
        return;
    }
    let (mut plan, image) = board("sztp");
    plan.settings += "serial JADA000000000\n";
    // What was typed is lost when the other end closes before it is read.
    let mut open = None;
    let mut visit = |socket: &Path| {
        says(
            socket,
            &["disable"],
            false,
            &["number 0x0007001f, blame: configuration"],
        )?;
        let why = "number 0x000f0030";
        says(
            socket,
            &["run"],
            false,
            &["@bootstrap t=", "@attempt-failed ", why],
        )?;
        let (_, text) = ztp(socket, &["status", "--verbose"])?;
        for part in [
            "Provisioning has failed",
            "required: ",
            "1 question asked, 1 round over all servers failed, none is left",
            "which DHCP named",
            "the server has proved nothing",
            why,
            "time since power-on: began at ",
        ] {
            ensure!(text.contains(part), "{part} is not in\n{text}");
        }
        // The board goes on, and its own boot fails likewise.
        let mut console = UnixStream::connect(socket)?;
        console.write_all(b"exit\r")?;
        open = Some(console);
        Ok(())
    };
    let outcome = uart::boot(&plan, &QemuOptions::new(image), &mut |_| {}, &mut visit).unwrap();
    assert!(!outcome.parsed.booted());
    assert_eq!(outcome.parsed.status(), Some(0x000f_0030));
}

/// The machine of a test that fails does not go on.
#[test]
fn a_visit_that_fails_ends_the_machine() {
    if !qemu::asked_for("a_visit_that_fails_ends_the_machine") {
        return;
    }
    let (plan, image) = board("sztp");
    let begun = Instant::now();
    let mut visit = |_: &Path| bail!("nobody is there");
    let outcome = uart::boot(&plan, &QemuOptions::new(image), &mut |_| {}, &mut visit);
    assert_eq!(outcome.unwrap_err().to_string(), "nobody is there");
    assert!(begun.elapsed() < Duration::from_secs(60));
}
