//! Odd calls: each is named, and leaves nothing behind.

use crate::desk::{Desk, URI};
use test_pki::{Pki, Usage, Validity, pem_of};

#[test]
fn keys_as_openssl_writes_them() {
    let desk = Desk::new();
    let openssl = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let (code, text) = desk.run("openssl", &arguments);
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
        assert_eq!(desk.run("openssl", &arguments).0, 0);
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
