//! A board's answers in words.

use anyhow::Result;
use netboot_lines::Failure;
use netboot_lines::ztp::{Server, Status};
use std::io::Write;

/// Says how provisioning is.
///
/// # Errors
/// When nothing can be written.
pub fn status(status: &Status, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", stage(&status.stage))?;
    writeln!(out, "  {}", policy(status))?;
    writeln!(out, "  attempts: {}", attempts(status))?;
    let servers = counted(status.dhcp_servers, "bootstrap server");
    writeln!(out, "  DHCP named {servers}")?;
    match &status.server {
        None => writeln!(out, "  no bootstrap server was asked")?,
        Some(server) => {
            writeln!(out, "  server: {}, {}", server.uri, named(server))?;
            writeln!(out, "  trust: {}", trust(server))?;
        }
    }
    if status.certified {
        writeln!(
            out,
            "  the owner has issued a certificate for the board's own key"
        )?;
    }
    if let Some(error) = &status.error {
        writeln!(out, "  last error: {}", failure(error))?;
    }
    if let Some(started) = status.started_ms {
        let ended = match status.ended_ms {
            Some(ended) => format!(
                "ended at {}, after {}",
                seconds(ended),
                seconds(ended.saturating_sub(started))
            ),
            None => "has not ended".into(),
        };
        let started = seconds(started);
        writeln!(out, "  time since power-on: began at {started}, {ended}")?;
    }
    for place in &status.places {
        writeln!(out, "  boot image at {place}")?;
    }
    for image in &status.images {
        write!(out, "  image {}: ", image.index)?;
        match (&image.uri, &image.protocol) {
            (Some(uri), protocol) => {
                let octets = counted(image.octets.unwrap_or_default(), "octet");
                let protocol = protocol.as_deref().unwrap_or("an unknown protocol");
                let ms = image.ms.unwrap_or_default();
                writeln!(out, "{octets} by {protocol} from {uri}, in {ms} ms")?;
            }
            (None, _) => writeln!(out, "requested, and delivered from nowhere so far")?,
        }
    }
    Ok(())
}

/// An error with its number.
pub fn failure(failure: &Failure) -> String {
    let Failure {
        code,
        blame,
        message,
        ..
    } = failure;
    format!("{message} (number {code:#010x}, blame: {blame})")
}

fn stage(stage: &str) -> String {
    match stage {
        "idle" => "Provisioning has not begun.".into(),
        "asking" => "Provisioning goes on: bootstrap servers are asked.".into(),
        "installing" => "Provisioning goes on: the boot image is being installed.".into(),
        "rebooting" => {
            "Provisioning has ended well: the boot image is installed, and the device starts it next."
                .into()
        }
        "complete" => "Provisioning has ended well: all that the owner demands was done.".into(),
        "failed" => "Provisioning has failed: no bootstrap server has given what boots.".into(),
        other => format!("Provisioning is in a stage that this tool does not know: {other}."),
    }
}

const fn policy(status: &Status) -> &'static str {
    match (status.enabled, status.required) {
        (_, true) => "required: the board boots nothing but what a bootstrap server names",
        (true, false) => "enabled: boots ask bootstrap servers, and the board may boot otherwise",
        (false, false) => "disabled: boots ask no bootstrap servers",
    }
}

fn attempts(status: &Status) -> String {
    let left = match status.rounds_left {
        None => "more follow as long as there is time".into(),
        Some(0) => "none is left".into(),
        Some(1) => "1 is left".into(),
        Some(left) => format!("{left} are left"),
    };
    format!(
        "{} asked, {} over all servers failed, {left}",
        counted(status.asked, "question"),
        counted(status.rounds, "round")
    )
}

fn named(server: &Server) -> String {
    let by = match server.named.as_str() {
        "configuration" => "which the board knows of itself",
        "dhcp" => "which DHCP named",
        "redirect" => "which another server named",
        other => return format!("named by {other}"),
    };
    match server.redirects {
        0 => by.into(),
        redirects => format!("{by}, after {}", counted(redirects.into(), "redirect")),
    }
}

const fn trust(server: &Server) -> &'static str {
    match (server.proven, server.signed) {
        (Some(true), Some(true)) => {
            "the server has proved itself by a root that the board trusts, and the owner has signed what it sent"
        }
        (Some(true), _) => {
            "the server has proved itself by a root that the board trusts; what it sent is not signed by the owner"
        }
        (Some(false), Some(true)) => {
            "the server has proved nothing; what it sent is believed because the owner has signed it"
        }
        (Some(false), _) => {
            "none: the server has proved nothing, and what it sent is not signed by the owner"
        }
        (None, _) => "not judged: the server has not answered",
    }
}

fn counted(number: u64, thing: &str) -> String {
    match number {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_lines::ztp::Told;

    fn words(answer: &str) -> String {
        let told = answer.lines().filter_map(|line| Told::parse(line).unwrap());
        let mut out = Vec::new();
        status(&Status::of(told).unwrap(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_verbose_status_in_words() {
        let text = words(
            "ztp enabled=true required=true stage=rebooting asked=1 rounds=1 rounds_left=2 dhcp_servers=1 certified=true\n\
             ztp server uri=https://h/ named=redirect redirects=1 proven=false signed=true\n\
             ztp error code=0x000f0030 blame=server\n\
             ztp times started_ms=812 ended_ms=9120\n\
             ztp place uri=https://h/fw\n\
             ztp image index=0 octets=4096 ms=17 protocol=https uri=https://h/fw\n\
             ztp image index=1",
        );
        let error = netboot_lines::sentences::of(0x000f_0030);
        assert_eq!(
            text,
            format!(
                "Provisioning has ended well: the boot image is installed, and the device starts it next.\n\
                 \x20 required: the board boots nothing but what a bootstrap server names\n\
                 \x20 attempts: 1 question asked, 1 round over all servers failed, 2 are left\n\
                 \x20 DHCP named 1 bootstrap server\n\
                 \x20 server: https://h/, which another server named, after 1 redirect\n\
                 \x20 trust: the server has proved nothing; what it sent is believed because the owner has signed it\n\
                 \x20 the owner has issued a certificate for the board's own key\n\
                 \x20 last error: {error} (number 0x000f0030, blame: server)\n\
                 \x20 time since power-on: began at 0.812 s, ended at 9.120 s, after 8.308 s\n\
                 \x20 boot image at https://h/fw\n\
                 \x20 image 0: 4096 octets by https from https://h/fw, in 17 ms\n\
                 \x20 image 1: requested, and delivered from nowhere so far\n"
            )
        );
    }

    #[test]
    fn each_stage_policy_and_trust_has_its_sentence() {
        let mut seen = std::collections::BTreeSet::new();
        for (stage, enabled, trust) in [
            ("idle", "true", ""),
            ("asking", "false", " proven=true signed=true"),
            ("installing", "true", " proven=true signed=false"),
            ("complete", "true", " proven=false signed=false"),
            ("failed", "true", " proven=false signed=true"),
            ("dancing", "true", " proven=false signed=true"),
        ] {
            let text = words(&format!(
                "ztp enabled={enabled} required=false stage={stage} asked=0 rounds=0 dhcp_servers=0\n\
                 ztp server uri=https://h/ named=dhcp redirects=0{trust}"
            ));
            assert!(text.contains("no questions asked"), "{text}");
            seen.insert(text);
        }
        assert_eq!(seen.len(), 6);
    }
}
