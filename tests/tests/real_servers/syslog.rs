//! The log of a boot, judged by rsyslog, and counted by mtail with the program that the book has.

use super::{DHCP, RANGE, boots, plan};
use serde_json::Value;
use testbed::loggers::{Rsyslog, mtail};
use testbed::netns::Lan;
use testbed::real::{asked_for, put_files};
use testbed::rom::workspace;
use testbed::servers::{Program, dnsmasq};

fn text<'v>(line: &'v Value, key: &str) -> &'v str {
    line[key].as_str().unwrap_or_default()
}

#[test]
fn rsyslog_understands_every_line_and_mtail_counts_them() {
    if !asked_for(&[Program::Dnsmasq, Program::Rsyslogd, Program::Mtail]) {
        return;
    }
    let lan = Lan::new().unwrap();
    let plan = plan();
    let path = put_files(&lan, &plan, "").unwrap();
    let lines =
        format!("{RANGE}\ndhcp-boot=tftp://10.0.2.2/{path}\ndhcp-option=7,10.0.2.2\nenable-tftp");
    let _server = dnsmasq(&lan.server, &lines, &[DHCP, super::TFTP]).unwrap();
    let syslog = Rsyslog::start(&lan.server).unwrap();
    boots(&lan, &plan);
    let lines = syslog.wait(8).unwrap();
    let image = ["opened", "activated"];
    let expected = [&["configured"][..], &image, &image, &image, &["finished"]].concat();
    let ids: Vec<_> = lines.iter().map(|line| text(line, "msgid")).collect();
    assert_eq!(ids, expected);
    for line in &lines {
        assert_eq!(text(line, "protocol-version"), "1", "{line}");
        assert_eq!(text(line, "app-name"), "caliptra-netboot");
        assert_eq!(
            (text(line, "procid"), text(line, "structured-data")),
            ("-", "-")
        );
        // Who has no name has its address, and that is where the line came from.
        assert_eq!(text(line, "hostname"), text(line, "fromhost-ip"));
    }
    let pri = |line: &Value| text(line, "pri").to_owned();
    assert_eq!(pri(&lines[0]), "134", "local0.info");
    assert_eq!(pri(&lines[7]), "133", "local0.notice");
    let last = text(&lines[7], "msg");
    for image in &plan.images {
        let digest = image.sha256();
        assert!(last.contains(&format!("sha256={digest}")), "{last}");
    }

    let program = workspace().join("docs/examples/caliptra-netboot.mtail");
    let counted = mtail(&program, &syslog.lines).unwrap();
    let count = |name: &str| {
        let line = counted.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    assert_eq!(count("netboot_boots_total{"), Some(1.0), "{counted}");
    assert_eq!(count("netboot_last_boot_status{"), Some(0.0));
    assert_eq!(count("netboot_images_total{"), Some(3.0));
    let octets: usize = plan.images.iter().map(|image| image.bytes.len()).sum();
    assert_eq!(count("netboot_octets_total{"), Some(octets as f64));
    assert_eq!(count("netboot_boot_seconds_count{"), Some(1.0));
}
