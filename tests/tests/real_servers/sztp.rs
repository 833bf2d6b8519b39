//! Secure zero-touch provisioning as the book has it: OpenSSL makes what manufacturer and owner sign, dnsmasq or Kea names the server, nginx is the bootstrap
//! server and wants to see the board's certificate.

use crate::rom::{asked_for_rom, boots_from};
use crate::{DHCP, RANGE, boots, plan};
use std::fs;
use std::process::Command;
use tempfile::TempDir;
use test_pki::Pki;
use testbed::https::Https;
use testbed::netns::Lan;
use testbed::plan::Pointer;
use testbed::real::asked_for;
use testbed::rom::{self, HttpsRom, RomOptions, SztpRom};
use testbed::servers::{Nginx, Program, dnsmasq};
use testbed::sztp::Sztp;
use testbed::tls_servers::HTTPS;
use testbed::{Plan, Protocol, isc};

const PAGE: &str = include_str!("../../../docs/src/sztp.md");
const REPORT: &str = "/restconf/operations/ietf-sztp-bootstrap-server:report-progress";

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("\n```{language}\n");
    let parts = PAGE.split(fence.as_str()).skip(1);
    parts
        .map(|part| part.split("\n```").next().unwrap())
        .collect()
}

/// What the page's commands make, and the web server with it.
struct Owner {
    folder: TempDir,
    lan: Lan,
    web: Nginx,
}

impl Owner {
    fn new(plan: &Plan) -> Self {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        fs::write(at.join("firmware.bin"), plan.flash_image()).unwrap();
        let script = format!("set -eu\n{}", blocks("sh").join("\n"));
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(at)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let lan = Lan::new().unwrap();
        for name in ["reply.json", "firmware.bin"] {
            lan.server
                .put(name, &fs::read(at.join(name)).unwrap())
                .unwrap();
        }
        let lines = blocks("nginx")
            .concat()
            .replace("/etc/netboot", at.to_str().unwrap());
        let web = Nginx::start_at(&lan.server, HTTPS, "ssl", &lines).unwrap();
        Self { folder, lan, web }
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// The device that this owner owns. With `trusted` it has the root of the web server.
    fn device(&self, trusted: bool) -> Plan {
        let mut https = Https::new(Pki::new(1));
        https.trusted = trusted;
        https.trust = Some(if trusted {
            self.file("owner-ca.pem")
        } else {
            String::new()
        });
        let identity = test_pki::Identity::from_pem(
            &self.file("JADA123456789.pem"),
            &self.file("JADA123456789.key"),
        )
        .unwrap();
        let root =
            test_pki::Identity::from_pem(&self.file("masa-ca.pem"), &self.file("masa-ca.key"))
                .unwrap();
        let sztp = Sztp {
            voucher_root: root.chain[0].to_vec(),
            idevid: identity.chain[0].to_vec(),
            time: netboot_x509::TimePolicy::Floor(1_700_000_000),
            has_anchors: trusted,
            identity: self.file("idevid.pem"),
            ..Sztp::new()
        };
        https.own = Some(identity);
        https.client = true;
        Plan {
            protocol: Protocol::Https,
            pointer: Pointer::FlashImage,
            https: Some(https),
            sztp: Some(sztp),
            settings: "probe off\norder sztp\n".into(),
            expect: true,
            ..plan()
        }
    }

    fn rom(&self, trusted: bool) -> RomOptions {
        RomOptions {
            rom_kib: 288,
            ram_kib: 160,
            https: Some(HttpsRom {
                trust: if trusted {
                    self.file("owner-ca.pem")
                } else {
                    String::new()
                },
                small_records: false,
            }),
            sztp: Some(SztpRom {
                vouchers: self.file("masa-ca.pem"),
                idevid: self.file("idevid.pem"),
            }),
            ..RomOptions::default()
        }
    }

    /// Number of reports that the web server got. Each request came with the board's certificate.
    fn reports(&self) -> usize {
        let requests = self.web.requests().unwrap();
        assert!(!requests.is_empty());
        for request in &requests {
            assert_eq!(
                (&*request.client_verify, &*request.tls),
                ("SUCCESS", "TLSv1.3")
            );
        }
        let reports = requests.iter().filter(|one| one.uri == REPORT);
        reports.inspect(|one| assert_eq!(one.status, "204")).count()
    }
}

#[test]
fn sztp_by_dnsmasq_and_nginx_as_the_book_has_it() {
    if !asked_for(&[Program::Dnsmasq, Program::Nginx]) {
        return;
    }
    let owner = Owner::new(&plan());
    let lines = format!("port=0\nno-ping\n{RANGE}\n{}", owner.file("sztp.dnsmasq"));
    let _dhcp = dnsmasq(&owner.lan.server, &lines, &[DHCP]).unwrap();
    boots(&owner.lan, &owner.device(false));
    assert_eq!(owner.reports(), 0);
}

#[test]
fn sztp_of_the_rom_by_kea_and_nginx_with_mutual_tls() {
    if !asked_for_rom(&[Program::Kea4, Program::Nginx]) {
        return;
    }
    let owner = Owner::new(&plan());
    let kea = isc::kea4(&owner.lan.server, blocks("json")[0]).unwrap();
    for (trusted, reports) in [(false, 0), (true, 2)] {
        let built = rom::build(&owner.rom(trusted)).unwrap();
        let booted = boots_from(built.image.clone(), &owner.lan, &owner.device(trusted));
        // The certificates are other ones each time, and so are the names of the image.
        fs::remove_file(&built.image).unwrap();
        fs::remove_file(&built.elf).unwrap();
        drop(booted);
        assert_eq!(owner.reports(), reports);
    }
    assert!(
        !kea.lines(&["DHCP4_LEASE_ALLOC"]).is_empty(),
        "{}",
        kea.log()
    );
}
