//! What the book tells operators to do for HTTPS, done: its commands make the certificates, its lines go into
//! nginx, and what it says to compile in is what a client and a ROM trust.

use crate::http::pointing_to;
use crate::https::{ends, fails_by_tls, over, over_one_connection};
use crate::rom::{asked_for_rom, boots_from};
use crate::{boots, small};
use netboot_tls::TlsError;
use netboot_tls::verify::VerifyError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use testbed::Plan;
use testbed::https::Https;
use testbed::netns::{Lan, SERVER};
use testbed::real::{asked_for, put_files};
use testbed::rom::{self, HttpsRom, RomOptions};
use testbed::servers::{Nginx, Program, Server};
use testbed::tls_servers::HTTPS;

const BOOK: &str = include_str!("../../../docs/src/operators.md");
const NEEDED: [Program; 3] = [Program::Dnsmasq, Program::Nginx, Program::OpenSsl];

/// The blocks of this language in the book's section on HTTPS.
fn blocks(language: &str) -> Vec<&'static str> {
    let (_, section) = BOOK.split_once("\n## HTTPS\n").expect("a section");
    let section = section.split("\n## ").next().expect("its text");
    let begin = format!("```{language}\n");
    let blocks = section.split(&*begin).skip(1);
    let blocks: Vec<_> = blocks
        .map(|rest| rest.split("```").next().expect("an end"))
        .collect();
    assert!(!blocks.is_empty(), "no {language} in the section");
    blocks
}

/// An operator's LAN: nginx as the book configures it, with certificates as the book makes them.
struct Operator {
    lan: Lan,
    place: PathBuf,
    web: Nginx,
    _dhcp: Server,
}

impl Operator {
    fn new(plan: &Plan) -> Self {
        let lan = Lan::new().unwrap();
        let path = put_files(&lan, plan, "firmware/").unwrap();
        let place = lan.server.workspace("operator").unwrap();
        for commands in blocks("sh") {
            let output = Command::new("sh")
                .args(["-e", "-c", commands])
                .current_dir(&place)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{commands}\n{said}");
        }
        // Where it listens and which files it serves is the test's.
        let ours = |line: &&str| {
            let word = line.split_whitespace().next().unwrap_or_default();
            !["server", "listen", "root", "}"].contains(&word)
        };
        let lines = blocks("nginx").concat();
        let lines: String = lines.split_inclusive('\n').filter(ours).collect();
        assert!(lines.contains(" /etc/nginx/"));
        let lines = lines.replace("/etc/nginx/", &format!("{}/", place.display()));
        let web = Nginx::start_at(&lan.server, HTTPS, "ssl", &lines).unwrap();
        let dhcp = pointing_to(&lan, &format!("https://{SERVER}/{path}"));
        Self {
            lan,
            place,
            web,
            _dhcp: dhcp,
        }
    }

    fn file(&self, name: &str) -> String {
        let path = self.place.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

#[test]
fn certificates_for_https_made_by_the_books_commands() {
    if !asked_for(&NEEDED) {
        return;
    }
    let stranger = over(small(), ends());
    let operator = Operator::new(&stranger);
    let root = CertificateDer::from_pem_slice(operator.file("ca.pem").as_bytes());
    let plan = over(
        small(),
        Https {
            other_root: Some(root.unwrap().to_vec()),
            ..ends()
        },
    );
    boots(&operator.lan, &plan);
    over_one_connection(&operator.web.wait_requests(3).unwrap(), &plan);
    let unknown = TlsError::Certificate(VerifyError::UnknownIssuer);
    fails_by_tls(&operator.lan, &stranger, unknown);
    assert_eq!(operator.web.requests().unwrap().len(), 3);
}

#[test]
fn a_rom_for_https_with_the_books_pin() {
    if !asked_for_rom(&NEEDED) {
        return;
    }
    let plan = over(small(), ends());
    let operator = Operator::new(&plan);
    let trust = operator.file("trust.txt");
    assert!(trust.starts_with("sha256/"), "{trust}");
    let built = rom::build(&RomOptions {
        https: Some(HttpsRom {
            trust,
            small_records: false,
        }),
        ..RomOptions::default()
    });
    let built = built.unwrap();
    let booted = boots_from(built.image.clone(), &operator.lan, &plan);
    // The pin is another one each time, and so are the names of the image.
    fs::remove_file(&built.image).unwrap();
    fs::remove_file(&built.elf).unwrap();
    drop(booted);
    over_one_connection(&operator.web.wait_requests(3).unwrap(), &plan);
}
