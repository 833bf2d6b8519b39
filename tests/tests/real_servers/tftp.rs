//! TFTP from dnsmasq, tftpd-hpa and atftpd.

use crate::{DHCP, RANGE, TFTP, boots, fails, large, plan, sent, small};
use netboot::NetError;
use netboot_app::AppError;
use netboot_tftp::{ErrorCode, TftpError};
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use testbed::Plan;
use testbed::netns::Lan;
use testbed::plan::Pointer;
use testbed::real::{asked_for, put_files};
use testbed::servers::{Program, Server, atftpd, dnsmasq, tftpd_hpa};
use testbed::tap::Capture;

/// What went over the wire in TFTP, without payloads.
#[derive(Debug, Default)]
struct Wire {
    /// File name, mode and options of each request.
    requests: Vec<Vec<String>>,
    /// Options of each OACK.
    agreed: Vec<Vec<String>>,
    /// DATA packets received.
    data: usize,
    /// ACK packets sent.
    acks: usize,
    /// Codes of ERROR packets, with whether we sent them.
    errors: Vec<(bool, u8)>,
}

impl Wire {
    fn of(capture: &Capture) -> Self {
        let mut wire = Self::default();
        // DHCP ports are below 69, and so are those of nothing else here.
        for (sent, datagram) in capture
            .datagrams()
            .filter(|(_, datagram)| datagram.from.port() >= 69 && datagram.to.port() >= 69)
        {
            let texts = |octets: &[u8]| -> Vec<String> {
                let text = String::from_utf8_lossy(octets);
                text.trim_end_matches('\0')
                    .split('\0')
                    .map(str::to_owned)
                    .collect()
            };
            match (sent, datagram.payload) {
                (true, [0, 1, request @ ..]) => wire.requests.push(texts(request)),
                (false, [0, 6, options @ ..]) => wire.agreed.push(texts(options)),
                (false, [0, 3, ..]) => wire.data += 1,
                (true, [0, 4, ..]) => wire.acks += 1,
                (sent, [0, 5, _, code, ..]) => wire.errors.push((sent, *code)),
                other => panic!("no packet of TFTP: {other:?}"),
            }
        }
        wire
    }

    /// The value of an option in the OACK of transfer `number`.
    fn option(&self, number: usize, name: &str) -> Option<&str> {
        let options = self.agreed.get(number)?;
        let place = options.iter().position(|word| word == name)?;
        Some(&options[place + 1])
    }
}

/// dnsmasq for addresses only, pointing to `path` on its own machine.
fn addresses(lan: &Lan, path: &str) -> Server {
    let lines = format!("port=0\n{RANGE}\ndhcp-boot={path}");
    dnsmasq(&lan.server, &lines, &[DHCP]).unwrap()
}

/// dnsmasq for both, with further lines.
fn both(lan: &Lan, path: &str, lines: &str) -> Server {
    let lines = format!("port=0\n{RANGE}\nenable-tftp\ndhcp-boot={path}\n{lines}");
    dnsmasq(&lan.server, &lines, &[DHCP, TFTP]).unwrap()
}

/// Blocks that a file of `size` octets takes.
fn blocks(size: usize, blksize: usize) -> usize {
    size / blksize + 1
}

#[test]
fn dnsmasq_with_each_pointer() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    for pointer in [Pointer::Directory, Pointer::Toc, Pointer::FlashImage] {
        let lan = Lan::new().unwrap();
        let plan = Plan {
            pointer,
            expect: true,
            ..plan()
        };
        let path = put_files(&lan, &plan, "images/").unwrap();
        let server = both(&lan, &path, "");
        let booted = boots(&lan, &plan);
        let wire = Wire::of(&booted.capture);
        assert!(wire.requests.iter().all(|request| {
            request.contains(&"blksize".into()) && request.contains(&"windowsize".into())
        }));
        for (number, request) in wire.requests.iter().enumerate() {
            assert_eq!(wire.option(number, "blksize"), Some("1468"), "{request:?}");
            assert!(wire.option(number, "tsize").is_some(), "{request:?}");
        }
        match pointer {
            Pointer::Directory => {
                for (number, image) in plan.images.iter().enumerate() {
                    assert_eq!(sent(&server, &format!("/images/{}", image.name)), 1);
                    let size = image.bytes.len().to_string();
                    assert_eq!(wire.option(number, "tsize"), Some(&*size));
                }
                let sizes = plan.images.iter().map(|image| image.bytes.len());
                let all: usize = sizes.map(|size| blocks(size, 1468)).sum();
                assert!(wire.data >= all);
            }
            Pointer::Toc => {
                assert_eq!(wire.requests.len(), 4);
                assert_eq!(sent(&server, ".bin"), 3);
            }
            Pointer::FlashImage => {
                assert!(
                    wire.requests
                        .iter()
                        .all(|request| request[0] == "images/flash.bin")
                );
                assert_eq!(wire.requests.len(), 4);
            }
        }
    }
}

#[test]
fn dnsmasq_agrees_to_a_window_only_if_it_knows_them() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = plan();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = both(&lan, &path, "");
    let booted = boots(&lan, &plan);
    let wire = Wire::of(&booted.capture);
    match wire.option(0, "windowsize") {
        // From 2.92 on.
        Some(window) => {
            assert!(window.parse::<usize>().unwrap() <= 16);
            assert!(wire.acks < wire.data);
        }
        // An ACK for each block, and one for each OACK.
        None => assert!(wire.acks >= wire.data, "{wire:?}"),
    }
}

#[test]
fn dnsmasq_that_refuses_blksize_sends_blocks_of_512() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = plan();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let server = both(&lan, &path, "tftp-no-blocksize");
    let booted = boots(&lan, &plan);
    let wire = Wire::of(&booted.capture);
    assert_eq!(wire.option(0, "blksize"), None);
    let sizes = plan.images.iter().map(|image| image.bytes.len());
    let all: usize = sizes.map(|size| blocks(size, 512)).sum();
    assert!(wire.data >= all, "{} of {all}", wire.data);
    assert_eq!(sent(&server, "/images/"), 3);
}

#[test]
fn atftpd_agrees_to_windows_of_16_blocks() {
    if !asked_for(&[Program::Dnsmasq, Program::Atftpd]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = plan();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = addresses(&lan, &path);
    let files = atftpd(&lan.server, &[]).unwrap();
    let booted = boots(&lan, &plan);
    let wire = Wire::of(&booted.capture);
    for number in 0..3 {
        assert_eq!(wire.option(number, "windowsize"), Some("16"));
        assert_eq!(wire.option(number, "blksize"), Some("1468"));
    }
    // One ACK for each window, each OACK and each end, if nothing was sent twice.
    let sizes = plan.images.iter().map(|image| image.bytes.len());
    let all: usize = sizes.map(|size| blocks(size, 1468)).sum();
    assert!(wire.data >= all);
    assert!(
        wire.acks <= wire.data / 16 + 6,
        "{} ACK, {} DATA",
        wire.acks,
        wire.data
    );
    for image in &plan.images {
        let name = format!("images/{}", image.name);
        assert!(!files.wait_lines(&["Serving", &name], 1).unwrap().is_empty());
    }
}

#[test]
fn atftpd_without_options() {
    if !asked_for(&[Program::Dnsmasq, Program::Atftpd]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = addresses(&lan, &path);
    let refuse = [
        "--no-blksize",
        "--no-tsize",
        "--no-windowsize",
        "--no-timeout",
    ];
    let _files = atftpd(&lan.server, &refuse).unwrap();
    let booted = boots(&lan, &plan);
    let wire = Wire::of(&booted.capture);
    // atftpd answers with an OACK that has no options. Without tsize, each file is read for its size
    // first.
    assert_eq!(wire.requests.len(), 6);
    assert_eq!(wire.agreed, [[""]; 6]);
}

#[test]
fn tftpd_hpa_serves_and_says_so() {
    if !asked_for(&[Program::Dnsmasq, Program::TftpdHpa]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = Plan {
        pointer: Pointer::Toc,
        ..plan()
    };
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = addresses(&lan, &path);
    let files = tftpd_hpa(&lan.server, &[]).unwrap();
    let booted = boots(&lan, &plan);
    let address = booted.outcome.config.as_ref().unwrap().address;
    let from = format!("RRQ from {address} filename images/");
    let asked = files.wait_lines(&[&from], 4).unwrap();
    assert_eq!(asked.len(), 4, "{asked:#?}");
    let wire = Wire::of(&booted.capture);
    for number in 0..4 {
        assert_eq!(wire.option(number, "blksize"), Some("1468"));
    }
}

#[test]
fn tftpd_hpa_caps_blksize() {
    if !asked_for(&[Program::Dnsmasq, Program::TftpdHpa]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = plan();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = addresses(&lan, &path);
    let _files = tftpd_hpa(&lan.server, &["--blocksize", "1024"]).unwrap();
    let booted = boots(&lan, &plan);
    let wire = Wire::of(&booted.capture);
    for number in 0..3 {
        assert_eq!(wire.option(number, "blksize"), Some("1024"));
    }
}

#[test]
fn tftpd_hpa_that_refuses_every_option() {
    if !asked_for(&[Program::Dnsmasq, Program::TftpdHpa]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = addresses(&lan, &path);
    let refuse = [
        "--refuse", "blksize", "--refuse", "tsize", "--refuse", "timeout",
    ];
    let _files = tftpd_hpa(&lan.server, &refuse).unwrap();
    let booted = boots(&lan, &plan);
    let wire = Wire::of(&booted.capture);
    assert!(wire.option(0, "blksize").is_none());
    assert!(wire.option(0, "tsize").is_none());
}

/// Boots without the second image; the server's own words end up in the report.
fn misses_a_file(lan: &Lan) {
    let plan = small();
    std::fs::remove_file(lan.server.files().join("images/soc-manifest.bin")).unwrap();
    let (booted, error) = fails(lan, &plan);
    let AppError::Network(NetError::Tftp(TftpError::Server { code, .. })) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*code, ErrorCode::FILE_NOT_FOUND);
    let report = &booted.outcome.report;
    assert_eq!(report.status(), 0x0002_0021);
    assert_eq!(report.images.len(), 2);
    assert!(booted.outcome.images[0].activated);
    assert!(Wire::of(&booted.capture).errors.contains(&(false, 1)));
}

#[test]
fn a_missing_file_is_error_1_of_dnsmasq() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, &small(), "images/").unwrap();
    let server = both(&lan, &path, "");
    misses_a_file(&lan);
    // Asked for ahead of need, in vain, and again when the device wanted it.
    assert_eq!(server.lines(&["soc-manifest.bin not found"]).len(), 2);
}

#[test]
fn a_missing_file_is_error_1_of_tftpd_hpa() {
    if !asked_for(&[Program::Dnsmasq, Program::TftpdHpa]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, &small(), "images/").unwrap();
    let _server = addresses(&lan, &path);
    let files = tftpd_hpa(&lan.server, &[]).unwrap();
    misses_a_file(&lan);
    files
        .wait_lines(&["sending NAK (1, File not found)"], 1)
        .unwrap();
}

#[test]
fn a_missing_file_is_error_1_of_atftpd() {
    if !asked_for(&[Program::Dnsmasq, Program::Atftpd]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let path = put_files(&lan, &small(), "images/").unwrap();
    let _server = addresses(&lan, &path);
    let files = atftpd(&lan.server, &[]).unwrap();
    misses_a_file(&lan);
    files
        .wait_lines(&["soc-manifest.bin not found"], 1)
        .unwrap();
}

#[test]
fn a_file_that_is_not_public_is_error_2_of_tftpd_hpa() {
    if !asked_for(&[Program::Dnsmasq, Program::TftpdHpa]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = small();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = addresses(&lan, &path);
    let _files = tftpd_hpa(&lan.server, &[]).unwrap();
    let secret = lan.server.files().join("images/mcu-runtime.bin");
    set_permissions(secret, Permissions::from_mode(0o600)).unwrap();
    let (booted, error) = fails(&lan, &plan);
    let AppError::Network(NetError::Tftp(TftpError::Server { code, .. })) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*code, ErrorCode::ACCESS_VIOLATION);
    assert_eq!(booted.outcome.report.images.len(), 3);
}

#[test]
fn sixteen_mebioctets_from_dnsmasq() {
    if !asked_for(&[Program::Dnsmasq]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = large();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let server = both(&lan, &path, "");
    boots(&lan, &plan);
    assert_eq!(sent(&server, "/caliptra-fw.bin"), 1);
}

#[test]
fn sixteen_mebioctets_from_atftpd() {
    if !asked_for(&[Program::Dnsmasq, Program::Atftpd]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = large();
    let path = put_files(&lan, &plan, "images/").unwrap();
    let _server = addresses(&lan, &path);
    let _files = atftpd(&lan.server, &[]).unwrap();
    let booted = boots(&lan, &plan);
    let wire = Wire::of(&booted.capture);
    assert!(wire.data >= blocks(16 << 20, 1468));
    assert!(
        wire.acks * 8 < wire.data,
        "{} ACK, {} DATA",
        wire.acks,
        wire.data
    );
}
