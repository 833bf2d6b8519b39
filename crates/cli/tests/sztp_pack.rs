//! What `netboot sztp pack` makes is right in the eyes of OpenSSL and of the code that devices have, and odd calls leave nothing behind.

use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use test_pki::{Identity, KeyKind, Pki, Usage, Validity, pem_of};

const SERIAL: &str = "JADA123456789";
const NONCE: &str = "000102030405060708090a0b0c0d0e0f";
const URI: &str = "https://10.0.2.2/firmware.bin";

/// A folder with the files of a manufacturer, an owner and a stranger.
struct Desk(TempDir);

fn signer(seed: u64, name: &str, keys: KeyKind) -> (Identity, String) {
    let pki = Pki::with_intermediate(seed).with_keys(keys);
    let signer = pki.signer(name, Usage::None, Validity::default()).unwrap();
    (signer, pki.root_pem().unwrap())
}

impl Desk {
    fn new() -> Self {
        let desk = Self(TempDir::new().unwrap());
        for (at, (name, keys)) in (201..).zip([
            ("masa", KeyKind::P256),
            ("owner", KeyKind::P256),
            ("owner384", KeyKind::P384),
            ("stranger", KeyKind::P256),
            ("rsa", KeyKind::Rsa2048),
        ]) {
            let (identity, root) = signer(at, name, keys);
            // As real authorities hand it out: the own certificate, and those above it.
            desk.put(&format!("{name}.pem"), identity.chain_pem().as_bytes());
            desk.put(&format!("{name}.key"), identity.key_pem().as_bytes());
            desk.put(&format!("{name}-ca.pem"), root.as_bytes());
            // OpenSSL takes no intermediate authority from `-certfile`.
            let above = [root.as_str(), &pem_of(&identity.chain[1])].concat();
            desk.put(&format!("{name}-cas.pem"), above.as_bytes());
        }
        let idevid = Pki::new(300).client(SERIAL).unwrap();
        desk.put("idevid.pem", pem_of(&idevid.chain[0]).as_bytes());
        desk.put(
            "idevid-ca.pem",
            Pki::new(300).root_pem().unwrap().as_bytes(),
        );
        desk.put("firmware.bin", &[0x5A; 70_000]);
        desk.put("pre.sh", b"#!/bin/sh\n");
        desk.put("network.cbor", &[0xA0]);
        desk
    }

    fn put(&self, name: &str, octets: &[u8]) {
        fs::write(self.0.path().join(name), octets).unwrap();
    }

    fn get(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let names = entries.map(|one| one.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// Runs a program; its exit code and what it wrote.
    fn run(&self, program: &Path, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap(), text)
    }

    fn netboot(&self, line: &str) -> (i32, String) {
        let arguments: Vec<&str> = line.split(' ').collect();
        let (code, text) = self.run(Path::new(env!("CARGO_BIN_EXE_netboot")), &arguments);
        for name in ["masa.key", "owner.key", "rsa.key"] {
            let key = self.get(name);
            let key = String::from_utf8(key).unwrap();
            let secret = key.lines().nth(1).unwrap();
            assert!(!text.contains(secret), "{line} shows {name}:\n{text}");
        }
        (code, text)
    }

    /// Runs the tool, which has to succeed.
    fn pack(&self, line: &str) -> String {
        let (code, text) = self.netboot(&format!("sztp pack {line}"));
        assert_eq!(code, 0, "{line}:\n{text}");
        text
    }

    /// Runs the tool, which has to refuse with this text and leave the folder as it is.
    fn refuses(&self, line: &str, why: &str) {
        let before = self.names();
        let (code, text) = self.netboot(&format!("sztp pack {line}"));
        assert!(code != 0 && text.contains(why), "{line}: {code}\n{text}");
        assert_eq!(self.names(), before, "{line}");
    }

    /// Voucher, owner certificate and conveyed information, with more options for the voucher.
    fn all(&self, owner: &str, voucher: &str) {
        self.pack(&format!(
            "voucher --serial {SERIAL} --owner-ca {owner}-ca.pem --signer masa.pem --key masa.key -o voucher.vcj{voucher}"
        ));
        self.pack(&format!(
            "owner-certificate --certificate {owner}.pem -o owner.cms"
        ));
        self.pack(&format!(
            "onboarding --os-name fw --os-version 2.0 --image {URI} --image-file firmware.bin --signer {owner}.pem --key {owner}.key -o conveyed.cms"
        ));
    }

    /// OpenSSL's opinion of a message: its content.
    fn openssl(
        &self,
        message: &str,
        root: &str,
        certificates: Option<&str>,
    ) -> Result<Vec<u8>, String> {
        let line = format!(
            "cms -verify -binary -inform DER -in {message} -CAfile {root} -purpose any -out content.out"
        );
        let mut arguments: Vec<&str> = line.split(' ').collect();
        arguments.extend(
            certificates
                .into_iter()
                .flat_map(|file| ["-certfile", file]),
        );
        let (code, text) = self.run(Path::new("openssl"), &arguments);
        let content = fs::read(self.0.path().join("content.out"));
        let _ = fs::remove_file(self.0.path().join("content.out"));
        match code {
            0 => Ok(content.unwrap()),
            _ => Err(text),
        }
    }

    /// Whether a device believes `reply.json`, and why not.
    fn verify(&self, more: &str) -> (bool, String) {
        let (code, text) = self.netboot(&format!(
            "sztp verify reply.json --vouchers masa-ca.pem{more}"
        ));
        (code == 0, text)
    }
}

const REPLY: &str = "reply --conveyed conveyed.cms --owner-certificate owner.cms --voucher voucher.vcj -o reply.json";

#[test]
fn openssl_and_a_device_accept_what_is_made() {
    for owner in ["owner", "owner384"] {
        let desk = Desk::new();
        desk.all(owner, "");
        let text = desk.pack(REPLY);
        assert!(
            text.starts_with("A device believes it: the owner has signed it"),
            "{text}"
        );
        let voucher = desk.openssl("voucher.vcj", "masa-ca.pem", None).unwrap();
        let voucher: serde_json::Value = serde_json::from_slice(&voucher).unwrap();
        let voucher = &voucher["ietf-voucher:voucher"];
        assert_eq!(voucher["serial-number"], SERIAL);
        assert_eq!(voucher["assertion"], "verified");
        let chain = format!("{owner}.pem");
        let root = format!("{owner}-cas.pem");
        let content = desk.openssl("conveyed.cms", &root, Some(&chain)).unwrap();
        let content: serde_json::Value = serde_json::from_slice(&content).unwrap();
        let image = &content["ietf-sztp-conveyed-info:onboarding-information"]["boot-image"];
        assert_eq!(image["download-uri"][0], URI);
        let (code, sum) = desk.run(Path::new("sha256sum"), &["firmware.bin"]);
        assert_eq!(code, 0);
        let hash = image["image-verification"][0]["hash-value"]
            .as_str()
            .unwrap();
        assert_eq!(hash.replace(':', ""), sum[..64]);
        // The owner certificate is a message that OpenSSL can take apart.
        let (code, text) = desk.run(
            Path::new("openssl"),
            &[
                "pkcs7",
                "-inform",
                "DER",
                "-in",
                "owner.cms",
                "-print_certs",
                "-noout",
            ],
        );
        assert!(code == 0 && text.matches("subject=").count() == 2, "{text}");
        let (believed, text) = desk.verify(&format!(" --serial {SERIAL}"));
        assert!(believed && text.contains(&format!("from {URI}")), "{text}");
    }
}

#[test]
fn what_was_changed_or_is_for_another_is_refused() {
    let desk = Desk::new();
    desk.all("owner", "");
    desk.pack(REPLY);
    let (believed, text) = desk.verify(" --serial JADA000000000");
    assert!(!believed && text.contains("0x000f0030"), "{text}");
    let position = |octets: &[u8], part: &[u8]| {
        let found = octets.windows(part.len()).position(|window| window == part);
        found.unwrap()
    };
    for (file, part, root, certificates) in [
        ("voucher.vcj", &b"JADA"[..], "masa-ca.pem", None),
        (
            "conveyed.cms",
            b"10.0.2.2",
            "owner-cas.pem",
            Some("owner.pem"),
        ),
    ] {
        let whole = desk.get(file);
        assert!(desk.openssl(file, root, certificates).is_ok());
        // The content, and the signature at the end.
        for at in [position(&whole, part), whole.len() - 1] {
            let mut octets = whole.clone();
            octets[at] ^= 1;
            desk.put(file, &octets);
            assert!(
                desk.openssl(file, root, certificates).is_err(),
                "{file} {at}"
            );
            fs::remove_file(desk.0.path().join("reply.json")).unwrap();
            desk.refuses(REPLY, "A device refuses it: ");
            let (code, text) = desk.netboot(&format!("sztp pack {REPLY} --force"));
            assert!(
                code == 1 && text.contains("A device refuses it: "),
                "{text}"
            );
            let (believed, text) = desk.verify(&format!(" --serial {SERIAL}"));
            assert!(!believed, "{file} {at}: {text}");
        }
        desk.put(file, &whole);
    }
    // Somebody else's signature, with somebody else's certificate.
    desk.pack("owner-certificate --certificate stranger.pem -o owner.cms");
    desk.pack(&format!(
        "onboarding --image {URI} --image-file firmware.bin --signer stranger.pem --key stranger.key -o conveyed.cms"
    ));
    assert!(
        desk.openssl("conveyed.cms", "owner-cas.pem", Some("stranger.pem"))
            .is_err()
    );
    let (code, text) = desk.netboot(&format!("sztp pack {REPLY}"));
    assert!(
        code == 1 && text.contains("A device refuses it: the conveyed information: "),
        "{text}"
    );
    // A voucher by somebody whom no device knows: told only with the roots.
    desk.all("owner", "");
    desk.pack(&format!(
        "voucher --serial {SERIAL} --owner-ca owner-ca.pem --signer stranger.pem --key stranger.key -o voucher.vcj"
    ));
    assert!(desk.openssl("voucher.vcj", "masa-ca.pem", None).is_err());
    assert!(
        desk.pack(REPLY)
            .contains("not judged: whether devices know the authority")
    );
    assert!(!desk.verify(&format!(" --serial {SERIAL}")).0);
    desk.refuses(
        &format!("{REPLY} --vouchers masa-ca.pem"),
        "A device refuses it: the voucher: ",
    );
    let serial = format!("{REPLY} --serial JADA000000000");
    desk.refuses(&serial, "another serial number");
}

#[test]
fn a_voucher_for_one_request_and_one_issuer() {
    let desk = Desk::new();
    desk.all(
        "owner",
        &format!(" --nonce {NONCE} --idevid-issuer idevid-ca.pem --assertion logged"),
    );
    desk.refuses(REPLY, "--idevid FILE is needed");
    desk.pack(&format!("{REPLY} --idevid idevid.pem"));
    let device = format!(" --serial {SERIAL} --idevid idevid.pem");
    let (believed, text) = desk.verify(&format!("{device} --nonce {NONCE}"));
    assert!(believed, "{text}");
    let (believed, text) = desk.verify(&device);
    assert!(!believed && text.contains("0x000f0032"), "{text}");
    let (believed, text) = desk.verify(&format!(
        " --serial {SERIAL} --idevid owner.pem --nonce {NONCE}"
    ));
    assert!(!believed && text.contains("0x000f0031"), "{text}");
    desk.refuses(
        &format!("{REPLY} --idevid masa.pem"),
        "another authority issued",
    );
}

#[test]
fn a_voucher_ends_and_may_demand_what_a_rom_cannot_do() {
    let desk = Desk::new();
    desk.all("owner", " --expires 2040-01-01T00:00:00Z");
    desk.pack(REPLY);
    assert!(
        desk.verify(&format!(" --serial {SERIAL} --at 1900000000"))
            .0
    );
    let (believed, text) = desk.verify(&format!(" --serial {SERIAL} --at 2208988799"));
    assert!(believed, "{text}");
    let (believed, text) = desk.verify(&format!(" --serial {SERIAL} --at 2208988800"));
    assert!(!believed && text.contains("0x000f0033"), "{text}");
    let text = desk.pack(&format!(
        "voucher --serial {SERIAL} --owner-ca owner-ca.pem --signer masa.pem --key masa.key --revocation-checks -o voucher.vcj"
    ));
    assert!(text.contains("a ROM refuses it"), "{text}");
    desk.refuses(REPLY, "demands revocation checks");
}

#[test]
fn everything_that_a_device_can_be_told() {
    let desk = Desk::new();
    desk.pack(&format!(
        "onboarding --image {URI} --image tftp://10.0.2.2/firmware.bin --image-sha256 {} --pre-script pre.sh --configuration network.cbor --handling replace --post-script pre.sh -o conveyed.cms",
        "ab".repeat(32)
    ));
    let text = desk.pack("reply --conveyed conveyed.cms --reporting-level verbose -o reply.json");
    for part in [
        "because it trusts the server: nobody has signed it",
        "from tftp://10.0.2.2/firmware.bin",
        "script before the configuration",
        "script behind the configuration",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let (code, text) = desk.netboot("sztp inspect reply.json");
    assert!(
        code == 0 && text.contains("reporting level: verbose"),
        "{text}"
    );
    let (believed, text) = desk.verify(" --serial S");
    assert!(!believed && text.contains("0x000f0040"), "{text}");
    assert!(desk.verify(" --serial S --trusted").0);
    // An owner who brings a voucher and has forgotten to sign.
    desk.all("owner", "");
    desk.pack(&format!(
        "onboarding --image {URI} --image-file firmware.bin -o conveyed.cms"
    ));
    desk.refuses(REPLY, "is not signed");
}

#[test]
fn a_redirect_has_servers_and_anchors() {
    let desk = Desk::new();
    let text = desk.pack(
        "redirect --server next.example:9090=owner-ca.pem --server [fe80::1] --server 10.0.0.1=masa.pem --signer owner.pem --key owner.key -o conveyed.cms",
    );
    for part in [
        "redirect to next.example port 9090, with a trust anchor",
        "redirect to fe80::1 port 443, without a trust anchor",
        "redirect to 10.0.0.1 port 443, with a trust anchor",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(
        desk.openssl("conveyed.cms", "owner-cas.pem", Some("owner.pem"))
            .is_ok()
    );
    desk.pack(&format!(
        "voucher --serial {SERIAL} --owner-ca owner-ca.pem --signer masa.pem --key masa.key -o voucher.vcj"
    ));
    desk.pack("owner-certificate --certificate owner.pem -o owner.cms");
    desk.pack(REPLY);
    let (believed, text) = desk.verify(&format!(" --serial {SERIAL}"));
    assert!(
        believed && text.contains("redirect to next.example port 9090"),
        "{text}"
    );
    // Two unrelated certificates are no chain.
    let both = [desk.get("owner-ca.pem"), desk.get("stranger-ca.pem")].concat();
    desk.put("both.pem", &both);
    for (servers, why) in [
        (
            "--server next.example=both.pem",
            "is no chain of certificates",
        ),
        ("--server next.example=", "no file is named"),
        (
            "--server next.example=nowhere.pem",
            "cannot read nowhere.pem",
        ),
        ("--server next.example/path", "a server is a host"),
        ("--server user@next.example", "a server is a host"),
        (
            "--server next.example:0",
            "URI port is not a number from 1 to 65535",
        ),
        ("--server 1.2.3", "URI host is not a valid IP address"),
    ] {
        desk.refuses(&format!("redirect {servers} -o other.cms"), why);
    }
    let nine = " --server a.example".repeat(9);
    desk.refuses(
        &format!("redirect{nine} -o other.cms"),
        "there are 9 servers, and a device takes 8 at most",
    );
    let long = format!("{}.example", vec!["a".repeat(60); 4].join("."));
    desk.refuses(
        &format!("redirect --server {long} -o other.cms"),
        "URI is longer than 255 octets",
    );
    // More anchors than the memory of a device holds.
    let pki = Pki::with_intermediate(400);
    let names: Vec<String> = (0..60)
        .map(|at| format!("server-{at}.images.example"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let large = pki.server(&names).unwrap();
    desk.put("large.pem", pem_of(&large.chain[0]).as_bytes());
    let servers: String = (0..4)
        .map(|at| format!(" --server s{at}.example=large.pem"))
        .collect();
    desk.refuses(
        &format!("redirect{servers} -o other.cms"),
        "more bootstrap servers than there is memory for",
    );
}

#[test]
fn the_same_files_give_the_same_octets() {
    let desk = Desk::new();
    let line = format!(
        "onboarding --image {URI} --image-file firmware.bin --signer owner.pem --key owner.key -o "
    );
    desk.pack(&format!("{line}one.cms"));
    desk.pack(&format!("{line}two.cms"));
    assert_eq!(desk.get("one.cms"), desk.get("two.cms"));
}

#[test]
fn keys_as_openssl_writes_them() {
    let desk = Desk::new();
    let openssl = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let (code, text) = desk.run(Path::new("openssl"), &arguments);
        assert_eq!(code, 0, "{text}");
    };
    // As `openssl ecparam -genkey` writes it: parameters, and a key of SEC 1.
    openssl("ec -in owner.key -out sec1.key");
    let parameters =
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let sec1 = desk.get("sec1.key");
    assert!(sec1.starts_with(b"-----BEGIN EC PRIVATE KEY-----"));
    desk.put("sec1.key", &[&parameters[..], &sec1].concat());
    openssl("pkcs8 -topk8 -in owner.key -passout pass:secret -out pkcs8.key");
    openssl("ec -in owner.key -aes256 -passout pass:secret -out old.key");
    openssl("x509 -in owner.pem -outform DER -out owner.der");
    let line = |signer: &str, key: &str| {
        format!(
            "onboarding --image {URI} --image-file firmware.bin --signer {signer} --key {key} -o conveyed.cms"
        )
    };
    desk.refuses(&line("owner.pem", "pkcs8.key"), "is encrypted");
    desk.refuses(&line("owner.pem", "old.key"), "is encrypted");
    desk.refuses(&line("owner.pem", "owner.pem"), "has no private key in PEM");
    desk.refuses(
        &line("owner.pem", "firmware.bin"),
        "has no private key in PEM",
    );
    desk.refuses(
        &line("owner.pem", "masa.key"),
        "the key in masa.key is not that of the certificate in owner.pem",
    );
    desk.refuses(&line("rsa.pem", "rsa.key"), "is not on P-256 or P-384");
    desk.pack(&line("owner.der", "sec1.key"));
    assert!(
        desk.openssl("conveyed.cms", "owner-cas.pem", Some("owner.pem"))
            .is_ok()
    );
}

#[test]
fn certificates_that_devices_refuse() {
    let desk = Desk::new();
    let pki = Pki::with_intermediate(500);
    let old = Validity {
        from: (2000, 1, 1),
        to: (2020, 1, 1),
    };
    for (name, identity) in [
        ("old", pki.signer("old", Usage::None, old).unwrap()),
        (
            "fine",
            pki.signer("fine", Usage::None, Validity::default())
                .unwrap(),
        ),
    ] {
        desk.put(&format!("{name}.pem"), identity.chain_pem().as_bytes());
        desk.put(&format!("{name}.key"), identity.key_pem().as_bytes());
    }
    let line = |name: &str| {
        format!(
            "onboarding --image {URI} --image-file firmware.bin --signer {name}.pem --key {name}.key -o conveyed.cms"
        )
    };
    desk.refuses(
        &line("old"),
        "a device would refuse the signature of CN=old",
    );
    desk.pack(&line("fine"));
    // OpenSSL makes a certificate of version 1 where nothing else is said.
    for line in [
        "req -new -key owner.key -subj /CN=v1 -out v1.csr",
        "x509 -req -in v1.csr -signkey owner.key -out v1.pem",
    ] {
        let arguments: Vec<&str> = line.split(' ').collect();
        assert_eq!(desk.run(Path::new("openssl"), &arguments).0, 0);
    }
    desk.refuses(
        &format!("onboarding --image {URI} --image-file firmware.bin --signer v1.pem --key owner.key -o other.cms"),
        "X.509 version 3",
    );
    desk.refuses(
        "owner-certificate --certificate v1.pem -o other.cms",
        "X.509 version 3",
    );
}

#[test]
fn odd_calls_are_named_and_leave_nothing() {
    let desk = Desk::new();
    desk.put("empty", b"");
    desk.put("text", b"a certificate?");
    let mut broken = desk.get("owner-ca.pem");
    broken.truncate(broken.len() / 2);
    desk.put("broken.pem", &broken);
    let both = [desk.get("owner-ca.pem"), desk.get("stranger-ca.pem")].concat();
    desk.put("both.pem", &both);
    let nine: Vec<u8> = (0..9)
        .flat_map(|at| Pki::new(600 + at).root_pem().unwrap().into_bytes())
        .collect();
    desk.put("nine.pem", &nine);
    let names: Vec<String> = (0..120)
        .map(|at| format!("server-{at}.images.example"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let large = Pki::new(7).server(&names).unwrap();
    assert!(large.chain[0].len() > 2048);
    desk.put("large.pem", pem_of(&large.chain[0]).as_bytes());
    desk.put("script", &vec![b'#'; 60_000]);

    let voucher = |serial: &str, owner: &str, more: &str| {
        format!(
            "voucher --serial {serial} --owner-ca {owner} --signer masa.pem --key masa.key -o new{more}"
        )
    };
    for (line, why) in [
        (voucher("", "owner-ca.pem", ""), "--serial is empty"),
        (
            voucher("S\t", "owner-ca.pem", ""),
            "has blanks at an end, or control characters",
        ),
        (
            voucher(&"9".repeat(65), "owner-ca.pem", ""),
            "longer than 64 characters",
        ),
        (voucher("S", "nowhere.pem", ""), "cannot read nowhere.pem"),
        (voucher("S", "empty", ""), "empty is empty"),
        (voucher("S", "text", ""), "text has no certificate in it"),
        (
            voucher("S", "masa.key", ""),
            "masa.key has no certificate in it",
        ),
        (voucher("S", "broken.pem", ""), "broken.pem"),
        (
            voucher("S", "both.pem", ""),
            "both.pem has 2 certificates, and one is needed",
        ),
        (voucher("S", "large.pem", ""), "a device takes 2048 at most"),
        (
            voucher("S", "owner-ca.pem", " --chain nine.pem"),
            "a device reads 8 at most",
        ),
        (
            voucher("S", "owner-ca.pem", " --expires tomorrow"),
            "--expires tomorrow: a time in UTC such as",
        ),
        (
            voucher("S", "owner-ca.pem", " --expires 2020-01-01T00:00:00Z"),
            "this time has passed",
        ),
        (voucher("S", "owner-ca.pem", " --nonce 0g"), "--nonce 0g"),
        (
            voucher("S", "owner-ca.pem", " --nonce 00"),
            "--nonce has 1 octets, and a device sends 16",
        ),
        (
            voucher(
                "S",
                "owner-ca.pem",
                " --nonce 00 --expires 2099-01-01T00:00:00Z",
            ),
            "cannot be used with",
        ),
        (
            voucher("S", "owner-ca.pem", " --assertion guessed"),
            "invalid value 'guessed'",
        ),
        (
            voucher("S", "owner-ca.pem", " --idevid-issuer text"),
            "text has no certificate in it",
        ),
    ] {
        desk.refuses(&line, why);
    }
    let onboarding = |more: &str| format!("onboarding {more} -o new");
    let image = |uri: &str| onboarding(&format!("--image {uri} --image-file firmware.bin"));
    let nine = format!("{}{URI}", format!("{URI} --image ").repeat(8));
    let long = format!("https://10.0.2.2/{}", "a".repeat(250));
    for (line, why) in [
        (
            image("ftp://10.0.2.2/x"),
            "--image ftp://10.0.2.2/x: URI scheme is none of tftp, http, https",
        ),
        (image("firmware.bin"), "URI has no scheme"),
        (image(&long), "URI is longer than 255 octets"),
        (
            image(&nine),
            "there are 9 places of the image, and a device takes 8 at most",
        ),
        (onboarding(&format!("--image {URI}")), "required"),
        (
            onboarding(&format!("--image {URI} --image-file nowhere")),
            "cannot read nowhere",
        ),
        (
            onboarding(&format!("--image {URI} --image-file empty")),
            "empty is empty",
        ),
        (
            onboarding(&format!("--image {URI} --image-sha256 abcd")),
            "64 hexadecimal digits",
        ),
        (
            onboarding(&format!(
                "--image {URI} --image-file firmware.bin --os-name fw"
            )),
            "--os-version",
        ),
        (onboarding("--image-file firmware.bin"), "--image"),
        (onboarding("--configuration network.cbor"), "--handling"),
        (onboarding("--handling merge"), "--configuration"),
        (onboarding("--pre-script nowhere"), "cannot read nowhere"),
        (
            onboarding("--pre-script script"),
            "a device reads 65539 at most",
        ),
        (
            onboarding("--pre-script pre.sh --signer owner.pem"),
            "--key",
        ),
        (String::from("onboarding -o new"), "there is nothing to do"),
        (String::from("redirect -o new"), "--server"),
        (
            String::from("owner-certificate --certificate owner.key -o new"),
            "owner.key has no certificate in it",
        ),
        (
            String::from("owner-certificate --certificate owner.pem -o nowhere/new"),
            "cannot write nowhere/new",
        ),
        (
            String::from("owner-certificate --certificate owner.pem -o owner.pem"),
            "is one of the files to be read",
        ),
        (
            String::from(
                "onboarding --pre-script pre.sh --signer owner.pem --key owner.key -o owner.key",
            ),
            "is one of the files to be read",
        ),
        (
            String::from("reply --conveyed text -o new"),
            "neither JSON nor a message",
        ),
        (
            String::from("reply --conveyed text --voucher text -o new"),
            "--owner-certificate",
        ),
    ] {
        desk.refuses(&line, why);
    }
}
