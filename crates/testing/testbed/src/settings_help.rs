//! What a line of the settings may be, for a person whose line was refused.
//!
//! The ROM only tells the number of such a line. What is allowed stands in the tables of the book's page on the QEMU ROM,
//! `docs/src/qemu.md`, which are read here.

use crate::Plan;
use anyhow::{Result, anyhow};
use rom_parts::settings::{BadLine, Settings};

const PAGE: &str = include_str!("../../../../docs/src/qemu.md");
/// Heading of the page's part on the emulated device.
const DEVICE: &str = "### The emulated device";
/// Settings of a measurement, which the page tells in a sentence.
const BENCH: [(&str, &str); 4] = [
    ("bench", "`bench URI`"),
    ("bench_sink", "`bench_sink ram` or `bench_sink null`"),
    ("bench_repeat", "`bench_repeat N`, 1 or more"),
    ("bench_hash", "`bench_hash 0` or `bench_hash 1`"),
];

/// Which of the two texts a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Settings of the boot application.
    Boot,
    /// Settings of the emulated device.
    Device,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Which::Boot => "settings of the boot application",
            Which::Device => "settings of the device",
        }
    }

    fn rows(self) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        let (boot, device) = PAGE.split_once(DEVICE).unwrap_or((PAGE, ""));
        let part = match self {
            Which::Boot => boot,
            Which::Device => device,
        };
        part.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let usage = cells.next()?;
            let range = cells.next()?;
            let key = usage.split([' ', '`']).next()?;
            // The page has another table, of addresses.
            (!key.starts_with("0x")).then_some((key, usage, range))
        })
    }
}

/// Whether both texts of `plan` can be used.
///
/// # Errors
/// The first line that cannot, with its number and what is allowed, in one line.
pub fn check(plan: &Plan) -> Result<()> {
    let text = plan.settings_text();
    let read = Settings::default().parse(&text);
    read.map_err(|bad| refused(Which::Boot, &text, bad))?;
    let text = plan.device_text();
    let read = rom_parts::device_settings::parse(&text);
    read.map_err(|bad| refused(Which::Device, &text, bad))?;
    Ok(())
}

/// The error for a line of `text`.
pub fn refused(which: Which, text: &str, bad: BadLine) -> anyhow::Error {
    let line = text.lines().zip(1u32..).find(|(_, at)| *at == bad.line);
    let line = line.map_or("", |(line, _)| line).trim();
    let key = line.split_ascii_whitespace().next().unwrap_or_default();
    anyhow!(
        "{}, line {}: {line:?} cannot be used; {}",
        which.name(),
        bad.line,
        allowed(which, key)
    )
}

/// What is allowed for `key`, or which keys there are.
fn allowed(which: Which, key: &str) -> String {
    let mut usages: Vec<String> = which
        .rows()
        .filter(|(name, ..)| *name == key)
        .map(|(_, usage, range)| match range {
            "" => format!("`{usage}"),
            range => format!("`{usage} ({range})"),
        })
        .collect();
    let bench = BENCH.iter().filter(|_| which == Which::Boot);
    usages.extend(
        bench
            .filter(|(name, _)| *name == key)
            .map(|(_, usage)| usage.to_string()),
    );
    if !usages.is_empty() {
        return format!("allowed is {}", usages.join(", or ").replace('`', ""));
    }
    let mut keys: Vec<_> = which.rows().map(|(key, ..)| key).collect();
    keys.dedup();
    format!("the settings are {}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(settings: &str, device: &str) -> String {
        let plan = Plan {
            settings: settings.into(),
            device: device.into(),
            ..Plan::default()
        };
        let text = check(&plan).unwrap_err().to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    }

    #[test]
    fn a_bad_line_names_itself_its_number_and_what_is_allowed() {
        assert_eq!(
            said("retry 1\n\nblksize 7\n", ""),
            "settings of the boot application, line 3: \"blksize 7\" cannot be used; allowed is blksize OCTETS (8 to 65464)"
        );
        assert_eq!(
            said("", "core v3\n"),
            "settings of the device, line 4: \"core v3\" cannot be used; allowed is core VERSION (v1p4, v1p5)"
        );
        let unknown = said("speed 7\n", "");
        assert!(unknown.contains("line 1: \"speed 7\""), "{unknown}");
        assert!(
            unknown.contains("the settings are expect, verity, default, blksize"),
            "{unknown}"
        );
        assert!(!unknown.contains("personality"), "{unknown}");
        let stuck = said("", "stuck nowhere 1\n");
        assert!(
            stuck.contains("stuck startup, or stuck draining INDEX OCTETS"),
            "{stuck}"
        );
        assert!(said("bench_sink x\n", "").contains("bench_sink ram or"));
    }

    #[test]
    fn the_page_has_every_setting() {
        let digest = "00".repeat(32);
        let boot = format!(
            "expect 0 1 {digest}\nverity 0 {digest}\ndefault 0 http://h/\nblksize 8\nwindowsize 1\nprobe off\nip both\nsyslog 10.0.2.2\nvlan 1\ndhcp_ms 1\nstall_ms 1\n\
             connections 1\nconnections_ms 1\nretry 1\nattempt_ms 1\ntotal_ms 1\nsettle_ms 1\nlast_index 0\norder dhcp\n\
             require https\naddress 10.0.2.15/24\nrouter 10.0.2.1\nroute 10.9.0.0/16 10.0.2.9\ndns 10.0.2.3\nboot http://h/\n\
             protocols https http tftp\nbootstore ask\nbootstore_ms 1\nledger a 00\nspread_ms 1\nslow 1 1\nrestarts 1\n\
             sztp https://10.0.2.2\nserial A\nmanufacturer B\nproduct C\nasset D\nuuid 00112233-4455-6677-8899-aabbccddeeff\nshell on\n"
        );
        let device = format!(
            "image 1 {digest}\naccept_any\npersonality rom-2.1.2\ncore v1p4\nrate 0\nverify_ms 1\nrefuse 0 1\nstuck startup\n"
        );
        for (which, text) in [(Which::Boot, &boot), (Which::Device, &device)] {
            let mut used: Vec<_> = text
                .lines()
                .filter_map(|line| line.split(' ').next())
                .collect();
            let mut listed: Vec<_> = which.rows().map(|(key, ..)| key).collect();
            used.sort_unstable();
            listed.sort_unstable();
            listed.dedup();
            assert_eq!(used, listed);
        }
        Settings::default().parse(&boot).unwrap();
        rom_parts::device_settings::parse(&device).unwrap();
    }
}
