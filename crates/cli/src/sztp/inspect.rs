//! What is in a file, whoever made it. Nothing is verified, and the text says so where somebody might take it for verified.

use super::files;
use anyhow::{Context, Result};
use cms::cert::x509::der::DateTime;
use netboot_cms::{Certificates, Message, oid};
use netboot_sztp::{Artifacts, Conveyed, Onboarding, SztpError, Voucher};
use netboot_x509::der::{OCTET_STRING, OID, Reader, SEQUENCE, SET, constructed};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Shows a file.
pub fn file(path: &Path, out: &mut dyn Write) -> Result<()> {
    let octets = files::read(path)?;
    if octets.trim_ascii_start().starts_with(b"{") {
        writeln!(out, "{}", path.display())?;
        return json(octets, out);
    }
    let message = files::message(&octets).with_context(|| path.display().to_string())?;
    writeln!(out, "{}", path.display())?;
    self::message(&message, "  ", out)
}

/// Shows what is in a file, if it is something of provisioning, or certificates; whether it is.
pub fn any(octets: Vec<u8>, out: &mut dyn Write) -> Result<bool> {
    if octets.trim_ascii_start().starts_with(b"{") {
        json(octets, out)?;
        return Ok(true);
    }
    if let Ok(sections) = pem::parse_many(&octets)
        && !sections.is_empty()
    {
        for section in sections {
            match section.tag() {
                "CERTIFICATE" => name(section.contents(), "", out)?,
                "CMS" | "PKCS7" => message(section.contents(), "  ", out)?,
                tag if tag.ends_with("PRIVATE KEY") => {
                    writeln!(out, "  private key, of which nothing is shown")?;
                }
                tag => writeln!(out, "  {tag} in PEM")?,
            }
        }
        return Ok(true);
    }
    if x509_parser::parse_x509_certificate(&octets).is_ok() {
        name(&octets, "", out)?;
        return Ok(true);
    }
    // An image may begin like a message. Only what is one to its end is shown as one.
    let Ok(der) = files::message(&octets) else {
        return Ok(false);
    };
    if Message::parse(&der).is_err() {
        return Ok(false);
    }
    message(&der, "  ", out)?;
    Ok(true)
}

/// An answer of a server, or content that somebody has taken out of a message.
fn json(mut octets: Vec<u8>, out: &mut dyn Write) -> Result<()> {
    let copy = octets.clone();
    match Artifacts::parse(&mut octets) {
        Ok(artifacts) => {
            writeln!(out, "  answer of a bootstrap server")?;
            let level = if artifacts.verbose {
                "verbose"
            } else {
                "minimal"
            };
            writeln!(out, "    reporting level: {level}")?;
            let mut parts = vec![("conveyed information", artifacts.conveyed_information)];
            if let Some(both) = artifacts.ownership {
                parts.push(("owner certificate", both.owner_certificate));
                parts.push(("ownership voucher", both.voucher));
            }
            for (name, der) in parts {
                writeln!(out, "    {name}, {} octets", der.len())?;
                message(der, "      ", out)?;
            }
            Ok(())
        }
        Err(SztpError::Answer) => content(&copy, "  ", out),
        Err(error) => Ok(writeln!(out, "  {error}")?),
    }
}

/// A message.
fn message(der: &[u8], indent: &str, out: &mut dyn Write) -> Result<()> {
    match Message::parse(der) {
        Err(error) => writeln!(out, "{indent}{error}")?,
        Ok(Message::Plain(plain)) => {
            writeln!(
                out,
                "{indent}{}, which nobody has signed",
                kind(plain.content_type)
            )?;
            content(plain.content, indent, out)?;
        }
        Ok(Message::Certificates(certificates)) => {
            writeln!(out, "{indent}certificates")?;
            names(certificates, indent, out)?;
        }
        Ok(Message::Signed(signed)) => {
            let kind = kind(signed.content_type());
            let hash = match signed.hash() {
                Ok(hash) => format!("{hash:?}"),
                Err(error) => error.to_string(),
            };
            writeln!(
                out,
                "{indent}{kind}, signed ({hash}); the signature is not verified here"
            )?;
            names(signed.certificates(), indent, out)?;
            match signed_content(der) {
                Some(octets) => content(octets, indent, out)?,
                None => writeln!(out, "{indent}  the content is not in the message")?,
            }
        }
    }
    Ok(())
}

/// The name of a content type.
fn kind(content_type: &[u8]) -> &'static str {
    [
        (oid::DATA, "octets (id-data)"),
        (oid::VOUCHER_JSON, "voucher in JSON"),
        (
            oid::CONVEYED_INFORMATION_JSON,
            "conveyed information in JSON",
        ),
        (oid::CONVEYED_INFORMATION_XML, "conveyed information in XML"),
    ]
    .into_iter()
    .find_map(|(known, name)| (known == content_type).then_some(name))
    .unwrap_or("content of another type")
}

/// The subjects of certificates, and when they are valid.
fn names(certificates: Certificates<'_>, indent: &str, out: &mut dyn Write) -> Result<()> {
    certificates
        .iter()
        .try_for_each(|der| name(der, indent, out))
}

/// The subject of a certificate, and when it is valid.
fn name(der: &[u8], indent: &str, out: &mut dyn Write) -> Result<()> {
    match x509_parser::parse_x509_certificate(der) {
        Ok((_, one)) => writeln!(
            out,
            "{indent}  certificate of {}, issued by {}, from {} to {}",
            one.subject(),
            one.issuer(),
            one.validity().not_before,
            one.validity().not_after
        )?,
        Err(error) => writeln!(out, "{indent}  certificate that cannot be read: {error}")?,
    }
    Ok(())
}

/// The content of a signed message, which nobody has verified.
fn signed_content(der: &[u8]) -> Option<&[u8]> {
    let mut info = Reader::new(der).nested(SEQUENCE)?;
    info.expect(OID)?;
    let mut data = Reader::new(info.expect(constructed(0))?).nested(SEQUENCE)?;
    data.value()?;
    data.expect(SET)?;
    let mut encapsulated = data.nested(SEQUENCE)?;
    encapsulated.expect(OID)?;
    let content = encapsulated.expect(constructed(0))?;
    Reader::new(content).expect(OCTET_STRING)
}

/// Content that may be a voucher or conveyed information.
fn content(octets: &[u8], indent: &str, out: &mut dyn Write) -> Result<()> {
    match (Voucher::parse(octets), Conveyed::parse(octets)) {
        (Ok(voucher), _) => {
            let text = |text: netboot_sztp::Text<'_>| text.chars().collect::<String>();
            writeln!(
                out,
                "{indent}  for serial number {}",
                text(voucher.serial_number)
            )?;
            writeln!(out, "{indent}  made at {}", time(voucher.created_on))?;
            match voucher.expires_on {
                Some(end) => writeln!(out, "{indent}  expires at {}", time(end))?,
                None => writeln!(out, "{indent}  does not expire")?,
            }
            writeln!(out, "{indent}  assertion: {:?}", voucher.assertion)?;
            if voucher.nonce.is_some() {
                writeln!(out, "{indent}  answers one request only (nonce)")?;
            }
            if voucher.revocation_checks {
                writeln!(out, "{indent}  demands revocation checks")?;
            }
        }
        (_, Ok(conveyed)) => conveyed_information(&conveyed, indent, out)?,
        (Err(SztpError::NotJson(_)), Err(SztpError::NotJson(_))) => {
            writeln!(out, "{indent}  {} octets that are no JSON", octets.len())?;
        }
        (Err(voucher), Err(SztpError::ConveyedInformation))
            if !matches!(voucher, SztpError::NotJson(_)) =>
        {
            writeln!(out, "{indent}  {voucher}")?;
        }
        (_, Err(error)) => writeln!(out, "{indent}  {error}")?,
    }
    Ok(())
}

/// A time in UTC.
fn time(unix: u64) -> String {
    match DateTime::from_unix_duration(Duration::from_secs(unix)) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{unix} s after 1970"),
    }
}

/// A redirect, or onboarding information.
pub fn conveyed_information(
    conveyed: &Conveyed<'_>,
    indent: &str,
    out: &mut dyn Write,
) -> Result<()> {
    match conveyed {
        Conveyed::Redirect(redirect) => {
            for server in redirect.servers() {
                let address: String = server.address.chars().collect();
                let anchor = match server.trust_anchor {
                    Some(_) => "with a trust anchor",
                    None => "without a trust anchor",
                };
                writeln!(
                    out,
                    "{indent}  redirect to {address} port {}, {anchor}",
                    server.port
                )?;
            }
        }
        Conveyed::Onboarding(all) => onboarding(all, indent, out)?,
    }
    Ok(())
}

fn onboarding(all: &Onboarding<'_>, indent: &str, out: &mut dyn Write) -> Result<()> {
    if let Some(image) = all.boot_image {
        let text = |text: Option<netboot_sztp::Text<'_>>| match text {
            Some(text) => text.chars().collect(),
            None => String::from("-"),
        };
        let (name, version) = (text(image.os_name), text(image.os_version));
        writeln!(out, "{indent}  boot image {name} {version}")?;
        for place in image.places() {
            let place: String = place.chars().collect();
            writeln!(out, "{indent}    from {place}")?;
        }
        match image.sha256 {
            Some(digest) => writeln!(out, "{indent}    SHA-256 {digest}")?,
            None => writeln!(
                out,
                "{indent}    no SHA-256: only the device's own check is left"
            )?,
        }
    }
    for (name, text) in [
        (
            "script before the configuration",
            all.pre_configuration_script,
        ),
        ("configuration", all.configuration),
        (
            "script behind the configuration",
            all.post_configuration_script,
        ),
    ] {
        if let Some(text) = text {
            let octets = text.chars().count() / 4 * 3;
            writeln!(out, "{indent}  {name}, about {octets} octets")?;
        }
    }
    Ok(())
}
