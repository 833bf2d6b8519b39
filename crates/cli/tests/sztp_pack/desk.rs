//! A folder with the files of a manufacturer, an owner and a stranger, and the tool in it.

use crate::common::Folder;
use std::fs;
use std::ops::Deref;
use test_pki::{Identity, KeyKind, Pki, Usage, Validity, pem_of};

pub const SERIAL: &str = "JADA123456789";
pub const NONCE: &str = "000102030405060708090a0b0c0d0e0f";
pub const URI: &str = "https://10.0.2.2/firmware.bin";

/// A folder with the files of a manufacturer, an owner and a stranger.
pub struct Desk(Folder);

impl Deref for Desk {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.0
    }
}

fn signer(seed: u64, name: &str, keys: KeyKind) -> (Identity, String) {
    let pki = Pki::with_intermediate(seed).with_keys(keys);
    let signer = pki.signer(name, Usage::None, Validity::default()).unwrap();
    (signer, pki.root_pem().unwrap())
}

impl Desk {
    pub fn new() -> Self {
        let desk = Self(Folder::new());
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

    pub fn netboot(&self, line: &str) -> (i32, String) {
        let arguments: Vec<&str> = line.split(' ').collect();
        let (code, text) = self.0.netboot(&arguments);
        for name in ["masa.key", "owner.key", "rsa.key"] {
            let key = self.get(name);
            let key = String::from_utf8(key).unwrap();
            let secret = key.lines().nth(1).unwrap();
            assert!(!text.contains(secret), "{line} shows {name}:\n{text}");
        }
        (code, text)
    }

    /// Runs the tool, which has to succeed.
    pub fn pack(&self, line: &str) -> String {
        let (code, text) = self.netboot(&format!("sztp pack {line}"));
        assert_eq!(code, 0, "{line}:\n{text}");
        text
    }

    /// Runs the tool, which has to refuse with this text and leave the folder as it is.
    pub fn refuses(&self, line: &str, why: &str) {
        let before = self.names();
        let (code, text) = self.netboot(&format!("sztp pack {line}"));
        assert!(code != 0 && text.contains(why), "{line}: {code}\n{text}");
        assert_eq!(self.names(), before, "{line}");
    }

    /// Voucher, owner certificate and conveyed information, with more options for the voucher.
    pub fn all(&self, owner: &str, voucher: &str) {
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
    pub fn openssl(
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
        let (code, text) = self.run("openssl", &arguments);
        let content = fs::read(self.path("content.out"));
        let _ = fs::remove_file(self.path("content.out"));
        match code {
            0 => Ok(content.unwrap()),
            _ => Err(text),
        }
    }

    /// Whether a device believes `reply.json`, and why not.
    pub fn verify(&self, more: &str) -> (bool, String) {
        let (code, text) = self.netboot(&format!(
            "sztp verify reply.json --vouchers masa-ca.pem{more}"
        ));
        (code == 0, text)
    }
}

/// Makes the answer of all that [`Desk::all`] has made.
pub const REPLY: &str = "reply --conveyed conveyed.cms --owner-certificate owner.cms --voucher voucher.vcj -o reply.json";
