//! Whether a device would believe what a server sends, by the code that devices have.

use super::{inspect, message};
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use netboot_app::provisioning::SERVERS;
use netboot_core::{Coded, Uri};
use netboot_sztp::{
    About, Action, Agent, Artifacts, Config, Conveyed, Credentials, Named, SztpError, Verdict,
    judge,
};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use std::io::Write;

/// What a device believes.
pub struct Believed {
    /// The conveyed information.
    pub content: Vec<u8>,
    /// For whom it believes it.
    pub by: By,
}

/// For whom a device believes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The owner, who has signed it.
    Owner,
    /// The server, which the device trusts.
    Server,
    /// Nobody: it is a redirect, which the device follows all the same.
    Nobody,
}

/// Judges an answer, which is decoded where it lies. `trusted` says that the device trusts the server itself.
///
/// # Errors
/// Why the device refuses it.
pub fn judged(
    body: &mut [u8],
    credentials: &Credentials<'_>,
    nonce: Option<&[u8]>,
    trusted: bool,
) -> Result<Believed, SztpError> {
    let artifacts = Artifacts::parse(body)?;
    let judged = judge(&artifacts, credentials, nonce)?;
    let by = match (judged.signed, trusted) {
        (true, _) => By::Owner,
        (false, true) => By::Server,
        (false, false) => By::Nobody,
    };
    match (Conveyed::parse(judged.content)?, by) {
        (Conveyed::Redirect(_), by) => {
            follow(judged.content, by != By::Nobody)?;
        }
        (Conveyed::Onboarding(_), By::Nobody) => return Err(SztpError::Untrusted),
        (Conveyed::Onboarding(_), _) => {}
    }
    Ok(Believed {
        content: judged.content.to_vec(),
        by,
    })
}

/// Has an agent follow a redirect; returns the number of servers that it would ask. Without `trust` their anchors do not count.
///
/// # Errors
/// Why it does not follow: a server's name or anchor is of no use, or there are too many for [`SERVERS`] octets.
pub fn follow(content: &[u8], trust: bool) -> Result<u8, SztpError> {
    // Content that nobody has signed, from a server that has proved itself or not: the simplest message that is believed, or is not.
    let plain = message::plain(message::Kind::Conveyed, content);
    let plain = plain.or(Err(SztpError::ConveyedInformation))?;
    let answer = serde_json::json!({
        "ietf-sztp-bootstrap-server:output": { "conveyed-information": STANDARD.encode(plain) }
    });
    let mut octets = vec![0; SERVERS];
    let config = Config {
        credentials: Credentials {
            serial_number: "",
            idevid: &[],
            vouchers: Trust {
                policy: TrustPolicy::Pinned {
                    roots: &[],
                    keys: &[],
                },
                time: TimePolicy::None,
                algorithms: DEFAULT_ALGORITHMS,
                max_depth: MAX_DEPTH,
            },
            assertions: &[],
        },
        about: About::default(),
        has_anchors: trust,
    };
    let mut agent = Agent::new(config, &mut octets);
    let server = Uri::parse("https://bootstrap.invalid/").or(Err(SztpError::BadServer))?;
    agent.add_server(&server, Named::Configuration)?;
    let Action::Ask(_) = agent.poll(None) else {
        return Err(SztpError::NoServer);
    };
    let mut body = answer.to_string().into_bytes();
    match agent.answered(200, netboot_sztp::MEDIA_TYPE, &mut body)? {
        Verdict::Redirected(servers) => Ok(servers),
        // It is no redirect.
        _ => Err(SztpError::ConveyedInformation),
    }
}

/// Says what a device does with an answer; whether it believes it.
///
/// # Errors
/// When nothing can be written.
pub fn show(judged: &Result<Believed, SztpError>, out: &mut dyn Write) -> Result<bool> {
    let believed = match judged {
        Ok(believed) => believed,
        Err(error) => return refused(error, out),
    };
    let conveyed = match Conveyed::parse(&believed.content) {
        Ok(conveyed) => conveyed,
        Err(error) => return refused(&error, out),
    };
    let why = match believed.by {
        By::Owner => {
            "A device believes it: the owner has signed it, and the voucher is for this device."
        }
        By::Server => "A device believes it, because it trusts the server: nobody has signed it.",
        By::Nobody => "A device follows it, and trusts nobody for it: nobody has signed it.",
    };
    writeln!(out, "{why}")?;
    inspect::conveyed_information(&conveyed, "", out)?;
    Ok(true)
}

fn refused(error: &SztpError, out: &mut dyn Write) -> Result<bool> {
    writeln!(out, "A device refuses it: {error}.")?;
    writeln!(
        out,
        "  number {:#010x}, blame {}",
        error.code(),
        error.blame().as_str()
    )?;
    Ok(false)
}
