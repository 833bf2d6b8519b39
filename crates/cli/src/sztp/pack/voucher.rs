//! `voucher`: what the manufacturer's authority says about a device and its owner (RFC 8366).

use crate::clock;
use crate::output;
use crate::sztp::certificate::{self, subject};
use crate::sztp::files;
use crate::sztp::message::{self, Kind};
use crate::sztp::signer::Signer;
use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use cms::cert::x509::der::DateTime;
use netboot_sztp::{MAX_IDENTIFIER, MAX_PINNED, NONCE, Voucher};
use netboot_x509::Identity;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Signs of the longest serial number that an IDevID certificate can have: `ub-serial-number` of X.520.
const MAX_SERIAL: usize = 64;

/// The options of `voucher`.
#[derive(Args)]
pub struct VoucherArgs {
    /// The serial number of the device, as its IDevID certificate has it
    #[arg(long, value_name = "TEXT")]
    serial: String,
    /// The certificate to which the owner's certificates lead (PEM or DER): `pinned-domain-cert`
    #[arg(long, value_name = "FILE")]
    owner_ca: PathBuf,
    /// The certificate of the voucher authority (PEM or DER)
    #[arg(long, value_name = "FILE")]
    signer: PathBuf,
    /// The private key of the voucher authority (PEM): ECDSA on P-256 or P-384
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// More certificates between the signer and the root that devices have
    #[arg(long, value_name = "FILE")]
    chain: Vec<PathBuf>,
    /// How the authority knows the owner
    #[arg(long, value_enum, default_value = "verified")]
    assertion: Assertion,
    /// The end of the voucher, such as 2027-01-01T00:00:00Z [default: it does not end]
    #[arg(long, value_name = "TIME", conflicts_with = "nonce")]
    expires: Option<String>,
    /// The nonce of the request that the voucher answers, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    nonce: Option<String>,
    /// The certificate of the authority that issued the device's IDevID (PEM or DER): the serial number counts only below it
    #[arg(long, value_name = "FILE")]
    idevid_issuer: Option<PathBuf>,
    /// Demand that the revocation of the owner's certificates is checked. A ROM cannot do so, and refuses the voucher
    #[arg(long)]
    revocation_checks: bool,
    /// The voucher, a CMS message in DER
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// How the authority knows the owner (RFC 8366, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Assertion {
    /// The ownership was verified
    Verified,
    /// The voucher was logged
    Logged,
    /// The owner's registrar was near the device. Devices accept it only where their integrator has said so
    Proximity,
}

impl Assertion {
    const fn as_str(self) -> &'static str {
        match self {
            Assertion::Verified => "verified",
            Assertion::Logged => "logged",
            Assertion::Proximity => "proximity",
        }
    }
}

/// Makes a voucher.
pub fn run(arguments: &VoucherArgs, out: &mut dyn Write) -> Result<()> {
    let signer = Signer::read(&arguments.signer, &arguments.key, &arguments.chain)?;
    let pinned = one_certificate(&arguments.owner_ca)?;
    let content = content(arguments, &pinned)?;
    let voucher = message::signed(Kind::Voucher, content.as_bytes(), &signer, true)?;
    let mut inputs = vec![
        arguments.owner_ca.as_path(),
        &arguments.signer,
        &arguments.key,
    ];
    inputs.extend(arguments.chain.iter().map(PathBuf::as_path));
    inputs.extend(arguments.idevid_issuer.as_deref());
    output::write(&arguments.output, &inputs, &voucher)?;
    writeln!(
        out,
        "{}, {} octets: voucher for serial number {}, {}",
        arguments.output.display(),
        voucher.len(),
        arguments.serial,
        arguments.assertion.as_str()
    )?;
    writeln!(out, "  the owner is below {}", subject(&pinned))?;
    writeln!(out, "  signed by {} ({})", signer.name(), signer.key.kind())?;
    match (&arguments.expires, &arguments.nonce) {
        (Some(end), _) => writeln!(out, "  it expires at {end}")?,
        (None, Some(_)) => writeln!(out, "  it answers the request with this nonce only")?,
        (None, None) => writeln!(
            out,
            "  it never expires: whoever has it can use it for ever (--expires, --nonce)"
        )?,
    }
    if arguments.revocation_checks {
        writeln!(
            out,
            "  a ROM refuses it, because it cannot check the revocation that the voucher demands"
        )?;
    }
    Ok(())
}

/// The certificate in a file that has to have one only, so that the wrong one of two is never taken.
fn one_certificate(path: &Path) -> Result<Vec<u8>> {
    let mut all = files::certificates(path)?;
    let last = all.pop().context("a certificate")?;
    ensure!(
        all.is_empty(),
        "{} has {} certificates, and one is needed",
        path.display(),
        all.len().saturating_add(1)
    );
    certificate::read(&last).with_context(|| path.display().to_string())?;
    Ok(last)
}

/// The voucher in JSON.
fn content(arguments: &VoucherArgs, pinned: &[u8]) -> Result<String> {
    let serial = arguments.serial.as_str();
    ensure!(!serial.is_empty(), "--serial is empty");
    ensure!(
        serial.trim() == serial && !serial.contains(char::is_control),
        "--serial {serial:?} has blanks at an end, or control characters"
    );
    ensure!(
        serial.chars().count() <= MAX_SERIAL,
        "--serial is longer than {MAX_SERIAL} characters, which is the most that a certificate can have (X.520, ub-serial-number)"
    );
    ensure!(
        pinned.len() <= MAX_PINNED,
        "the certificate in {} has {} octets, and a device takes {MAX_PINNED} at most",
        arguments.owner_ca.display(),
        pinned.len()
    );
    let now = DateTime::from_unix_duration(clock::since_1970()?);
    let now = now.context("the clock is beyond the year 9999")?;
    let mut voucher = serde_json::json!({
        "created-on": now.to_string(),
        "assertion": arguments.assertion.as_str(),
        "serial-number": serial,
        "pinned-domain-cert": STANDARD.encode(pinned),
    });
    if let Some(text) = &arguments.expires {
        let Ok(end) = text.parse::<DateTime>() else {
            bail!("--expires {text}: a time in UTC such as 2027-01-01T00:00:00Z");
        };
        ensure!(end > now, "--expires {text}: this time has passed");
        voucher["expires-on"] = end.to_string().into();
    }
    if let Some(text) = &arguments.nonce {
        let nonce = files::hex(text).with_context(|| format!("--nonce {text}"))?;
        ensure!(
            nonce.len() == NONCE,
            "--nonce has {} octets, and a device sends {NONCE}",
            nonce.len()
        );
        voucher["nonce"] = STANDARD.encode(nonce).into();
    }
    if let Some(path) = &arguments.idevid_issuer {
        let issuer = one_certificate(path)?;
        let key = Identity::of(&issuer).and_then(|one| one.key_identifier);
        let key = key.with_context(|| {
            format!(
                "the certificate in {} has no subjectKeyIdentifier",
                path.display()
            )
        })?;
        ensure!(
            key.len() <= MAX_IDENTIFIER,
            "the subjectKeyIdentifier in {} has {} octets, and a device takes {MAX_IDENTIFIER} at most",
            path.display(),
            key.len()
        );
        voucher["idevid-issuer"] = STANDARD.encode(key).into();
    }
    if arguments.revocation_checks {
        voucher["domain-cert-revocation-checks"] = true.into();
    }
    let content = serde_json::json!({ "ietf-voucher:voucher": voucher }).to_string();
    Voucher::parse(content.as_bytes()).context("a device would refuse the voucher")?;
    Ok(content)
}
