//! What is made is believed, and what was changed or is for another is not.

use crate::desk::{Desk, NONCE, REPLY, SERIAL, URI};
use std::fs;
use test_pki::{Pki, pem_of};

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
        let (code, sum) = desk.run("sha256sum", &["firmware.bin"]);
        assert_eq!(code, 0);
        let hash = image["image-verification"][0]["hash-value"]
            .as_str()
            .unwrap();
        assert_eq!(hash.replace(':', ""), sum[..64]);
        // The owner certificate is a message that OpenSSL can take apart.
        let (code, text) = desk.run(
            "openssl",
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
            fs::remove_file(desk.path("reply.json")).unwrap();
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
