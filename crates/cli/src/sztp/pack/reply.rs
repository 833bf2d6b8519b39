//! `reply`: the answer to `get-bootstrapping-data` (RFC 8572, section 7.3), as a web server hands it out.

use crate::clock;
use crate::output;
use crate::sztp::{files, judgement};
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use judgement::Believed;
use netboot_app::provisioning::ANSWER;
use netboot_cms::{Content, Message, Policy, oid};
use netboot_sztp::{Artifact, Assertion, Credentials, SztpError, Voucher};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The options of `reply`.
#[derive(Args)]
pub struct ReplyArgs {
    /// The conveyed information (DER, PEM or base64)
    #[arg(long, value_name = "FILE")]
    conveyed: PathBuf,
    /// The owner certificate (DER, PEM or base64)
    #[arg(long, value_name = "FILE", requires = "voucher")]
    owner_certificate: Option<PathBuf>,
    /// The voucher (DER, PEM or base64)
    #[arg(long, value_name = "FILE", requires = "owner_certificate")]
    voucher: Option<PathBuf>,
    /// How much the device reports to a server that it trusts
    #[arg(long, value_enum)]
    reporting_level: Option<Level>,
    /// Roots of the authority that signs vouchers, as the device has them (PEM or DER) [default: the certificates in the voucher]
    #[arg(long, value_name = "FILE", requires = "voucher")]
    vouchers: Option<PathBuf>,
    /// The serial number of the device [default: that of the voucher]
    #[arg(long, value_name = "TEXT", requires = "voucher")]
    serial: Option<String>,
    /// The IDevID certificate of the device (PEM or DER), for vouchers that name its issuer
    #[arg(long, value_name = "FILE", requires = "voucher")]
    idevid: Option<PathBuf>,
    /// Write the answer although a device would refuse it
    #[arg(long)]
    force: bool,
    /// The answer, JSON
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// How much the device reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Level {
    /// What the standard demands
    Minimal,
    /// Each step
    Verbose,
}

/// The messages of an answer.
struct Messages {
    conveyed: Vec<u8>,
    /// Owner certificate and voucher.
    ownership: Option<(Vec<u8>, Vec<u8>)>,
}

/// Makes an answer and judges it; whether it was written.
pub fn run(arguments: &ReplyArgs, out: &mut dyn Write) -> Result<bool> {
    let messages = Messages {
        conveyed: message(&arguments.conveyed)?,
        ownership: match (&arguments.owner_certificate, &arguments.voucher) {
            (Some(certificate), Some(voucher)) => Some((message(certificate)?, message(voucher)?)),
            _ => None,
        },
    };
    let answer = answer(&messages, arguments.reporting_level);
    let judged = judge(arguments, &messages, &answer)?;
    let believed = judgement::show(&judged, out)?;
    if !believed && !arguments.force {
        writeln!(out, "Nothing is written. --force writes it all the same.")?;
        return Ok(false);
    }
    let mut inputs: Vec<&Path> = vec![&arguments.conveyed];
    for path in [
        &arguments.owner_certificate,
        &arguments.voucher,
        &arguments.vouchers,
        &arguments.idevid,
    ] {
        inputs.extend(path.as_deref());
    }
    output::write(&arguments.output, &inputs, answer.as_bytes())?;
    let (path, len) = (arguments.output.display(), answer.len());
    writeln!(out, "{path}, {len} octets: answer of a bootstrap server")?;
    if messages.ownership.is_some() && arguments.vouchers.is_none() {
        writeln!(
            out,
            "  not judged: whether devices know the authority that signed the voucher (--vouchers)"
        )?;
    }
    if len > ANSWER {
        writeln!(
            out,
            "  many devices have {ANSWER} octets for an answer: look at what this one has"
        )?;
    }
    Ok(believed)
}

/// A message, whose content is not looked at.
fn message(path: &Path) -> Result<Vec<u8>> {
    files::message(&files::read(path)?).with_context(|| path.display().to_string())
}

/// The answer in JSON (RFC 8040, section 3.6.2).
fn answer(messages: &Messages, level: Option<Level>) -> String {
    let mut output = json!({ "conveyed-information": STANDARD.encode(&messages.conveyed) });
    if let Some((certificate, voucher)) = &messages.ownership {
        output["owner-certificate"] = STANDARD.encode(certificate).into();
        output["ownership-voucher"] = STANDARD.encode(voucher).into();
    }
    if let Some(level) = level {
        let level = match level {
            Level::Minimal => "minimal",
            Level::Verbose => "verbose",
        };
        output["reporting-level"] = level.into();
    }
    format!(
        "{}\n",
        json!({ "ietf-sztp-bootstrap-server:output": output })
    )
}

/// Judges the answer by what is known of the device: what the command line says, and the voucher where it says nothing.
fn judge(
    arguments: &ReplyArgs,
    messages: &Messages,
    answer: &str,
) -> Result<Result<Believed, SztpError>> {
    let now = clock::since_1970()?.as_secs();
    let roots = match (&arguments.vouchers, &messages.ownership) {
        (Some(path), _) => files::certificates(path)?,
        (None, Some((_, voucher))) => {
            let inside = Message::parse(voucher).map(|message| message.certificates());
            let inside = inside.into_iter().flatten();
            inside.map(<[u8]>::to_vec).collect()
        }
        (None, None) => Vec::new(),
    };
    let roots: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
    let trust = Trust {
        policy: TrustPolicy::Pinned {
            roots: &roots,
            keys: &[],
        },
        time: TimePolicy::Trusted(now),
        algorithms: DEFAULT_ALGORITHMS,
        max_depth: MAX_DEPTH,
    };
    let mut credentials = Credentials {
        serial_number: "",
        idevid: &[],
        vouchers: trust,
        // A device may accept each of them. Which ones it accepts is for its integrator to say.
        assertions: &[
            Assertion::Verified,
            Assertion::Logged,
            Assertion::Proximity,
            Assertion::AgentProximity,
        ],
    };
    let mut body = answer.as_bytes().to_vec();
    // A server that has proved itself may hand out what nobody has signed.
    let Some((_, voucher)) = &messages.ownership else {
        return Ok(judgement::judged(&mut body, &credentials, None, true));
    };
    let idevid = match &arguments.idevid {
        Some(path) => files::certificates(path)?.swap_remove(0),
        None => Vec::new(),
    };
    credentials.idevid = &idevid;
    let policy = Policy {
        trust,
        usage: None,
        content_types: &[oid::VOUCHER_JSON, oid::DATA],
    };
    let verified = Message::parse(voucher)
        .and_then(Message::signed)
        .and_then(|message| message.verify(Content::Encapsulated, &[], &policy));
    let content = match verified {
        Ok(verified) => verified.content.unwrap_or_default(),
        Err(error) => return Ok(Err(SztpError::Message(Artifact::Voucher, error))),
    };
    let fields = match Voucher::parse(content) {
        Ok(fields) => fields,
        Err(error) => return Ok(Err(error)),
    };
    if fields.idevid_issuer.is_some() && idevid.is_empty() && !arguments.force {
        bail!(
            "the voucher names the issuer of the device's IDevID: --idevid FILE is needed to judge it, or --force"
        );
    }
    let serial = match &arguments.serial {
        Some(serial) => serial.clone(),
        None => fields.serial_number.chars().collect(),
    };
    credentials.serial_number = &serial;
    let mut nonce = vec![0; netboot_sztp::MAX_IDENTIFIER];
    let len = fields.nonce.and_then(|text| text.base64(&mut nonce));
    let nonce = len.and_then(|len| nonce.get(..len));
    // Whoever brings a voucher wants to be believed for it, so what the owner has forgotten to sign is refused.
    Ok(judgement::judged(&mut body, &credentials, nonce, false))
}
