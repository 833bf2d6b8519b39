//! The commands on files that OpenSSL made, as an operator calls them.

use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use test_pki::pem_of;
use test_pki::sztp::{self, VoucherFields};

const SERIAL: &str = "JADA123456789";
/// 2025-01-01.
const NOW: &str = "1735689600";
const ONBOARDING: &str = r#"{"ietf-sztp-conveyed-info:onboarding-information":{"boot-image":{"os-name":"fw","os-version":"2","download-uri":["https://images.example/fw"]}}}"#;
const REDIRECT: &str = r#"{"ietf-sztp-conveyed-info:redirect-information":{"bootstrap-server":[{"address":"next.example","port":9090}]}}"#;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(TempDir::new().unwrap());
        let (masa, root) = sztp::signer(1, "MASA").unwrap();
        let (owner, domain) = sztp::signer(2, "Owner").unwrap();
        files.put("masa.pem", pem_of(&root.as_slice().into()).as_bytes());
        let fields = VoucherFields::new(SERIAL, &domain);
        let voucher = sztp::voucher(&masa, &fields.json()).unwrap();
        let chain: Vec<&[u8]> = owner.chain.iter().map(|der| &**der).collect();
        let certificate = sztp::certificates_only(&chain).unwrap();
        let conveyed = sztp::conveyed(&owner, ONBOARDING).unwrap();
        files.put("voucher.vcj", &voucher);
        files.put("voucher.b64", sztp::base64(&voucher).as_bytes());
        files.put("owner.cms", &certificate);
        files.put("conveyed.cms", &conveyed);
        let ownership = Some((&*certificate, &*voucher));
        files.put("signed.json", sztp::answer(&conveyed, ownership).as_bytes());
        for (name, json) in [("unsigned.json", ONBOARDING), ("redirect.json", REDIRECT)] {
            let plain = sztp::unsigned(sztp::CONVEYED_JSON, json.as_bytes()).unwrap();
            files.put(name, sztp::answer(&plain, None).as_bytes());
        }
        files
    }

    fn put(&self, name: &str, octets: &[u8]) {
        fs::write(self.0.path().join(name), octets).unwrap();
    }

    /// Runs the tool; its exit code and what it wrote.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(Path::new(env!("CARGO_BIN_EXE_netboot")))
            .arg("sztp")
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(text).unwrap(),
        )
    }

    fn verify(&self, answer: &str, more: &[&str]) -> (i32, String) {
        let first = ["verify", answer, "--vouchers", "masa.pem"];
        self.run(&[&first[..], more].concat())
    }
}

#[test]
fn verify_says_what_a_device_would() {
    let files = Files::new();
    let at = ["--serial", SERIAL, "--at", NOW];
    let (code, text) = files.verify("signed.json", &at);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.starts_with("A device believes it: the owner has signed it"),
        "{text}"
    );
    assert!(
        text.contains("boot image fw 2") && text.contains("from https://images.example/fw"),
        "{text}"
    );
    for (answer, arguments, why) in [
        (
            "signed.json",
            &["--serial", "OTHER", "--at", NOW][..],
            "0x000f0030",
        ),
        (
            "signed.json",
            &["--serial", SERIAL, "--at", "1800000000"],
            "0x000f0033",
        ),
        (
            "signed.json",
            &["--serial", SERIAL, "--at", "1600000000"],
            "0x000f0034",
        ),
        ("unsigned.json", &at, "0x000f0040"),
    ] {
        let (code, text) = files.verify(answer, arguments);
        assert!(
            code == 1 && text.starts_with("A device refuses it: ") && text.contains(why),
            "{text}"
        );
    }
    let (code, text) = files.verify("signed.json", &["--serial", SERIAL, "--no-clock"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = files.verify("unsigned.json", &["--serial", SERIAL, "--trusted"]);
    assert!(code == 0 && text.contains("nobody has signed it"), "{text}");
    let (code, text) = files.verify("redirect.json", &at);
    assert!(
        code == 0 && text.contains("redirect to next.example port 9090, without a trust anchor"),
        "{text}"
    );
}

#[test]
fn inspect_shows_each_kind_of_file() {
    let files = Files::new();
    let names = [
        "inspect",
        "signed.json",
        "voucher.vcj",
        "voucher.b64",
        "owner.cms",
        "conveyed.cms",
        "redirect.json",
    ];
    let (code, text) = files.run(&names);
    assert_eq!(code, 0, "{text}");
    for part in [
        "answer of a bootstrap server",
        "voucher in JSON, signed (Sha256); the signature is not verified here",
        "for serial number JADA123456789",
        "certificate of CN=Owner, issued by",
        "conveyed information in JSON, which nobody has signed",
        "boot image fw 2",
        "no SHA-256",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(text.matches("for serial number").count(), 3);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let files = Files::new();
    files.put("empty", b"");
    files.put("text", b"certificate?");
    for (arguments, part) in [
        (&["inspect", "nowhere"][..], "cannot read nowhere"),
        (&["inspect", "empty"], "empty is empty"),
        (&["inspect", "text"], "neither JSON nor a message"),
        (
            &[
                "verify",
                "signed.json",
                "--vouchers",
                "text",
                "--serial",
                "S",
            ],
            "text has no certificate in it",
        ),
        (
            &[
                "verify",
                "signed.json",
                "--vouchers",
                "masa.pem",
                "--serial",
                "S",
                "--nonce",
                "0g",
            ],
            "--nonce 0g",
        ),
    ] {
        let (code, text) = files.run(arguments);
        assert!(
            code == 1 && text.starts_with("netboot: ") && text.contains(part),
            "{text}"
        );
    }
    let (code, _) = files.run(&["verify", "signed.json"]);
    assert_eq!(code, 2);
}
