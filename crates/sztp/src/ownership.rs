//! Whether conveyed information is the owner's: voucher, owner certificate and signature (RFC 8572, section 5.4).

use crate::answer::{Artifacts, Ownership};
use crate::error::{Artifact, Field, SztpError};
use crate::json::Text;
use crate::voucher::{Assertion, Voucher};
use crate::{MAX_IDENTIFIER, MAX_PINNED};
use heapless::Vec;
use netboot_cms::{Content, MAX_CERTIFICATES, Message, Policy, oid};
use netboot_x509::{Identity, TimePolicy, Trust, TrustPolicy};

/// Who this device is, and whom its manufacturer has vouch for owners.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'c> {
    /// The device's serial number, as in its IDevID certificate (RFC 8366, section 5.3).
    pub serial_number: &'c str,
    /// The IDevID certificate in DER. A voucher with `idevid-issuer` needs it.
    pub idevid: &'c [u8],
    /// Roots of those who sign vouchers, what is known of the time, and how signatures are verified.
    pub vouchers: Trust<'c>,
    /// Ways of knowing the owner that are accepted.
    pub assertions: &'c [Assertion],
}

/// Content that somebody has signed who owns this device, or that nobody has signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged<'a> {
    /// The conveyed information, XML or JSON.
    pub content: &'a [u8],
    /// Whether the owner has signed it.
    pub signed: bool,
}

/// Looks who has signed what a server sent. `nonce` is the one that was sent, if there was one. A server from which signed data came is not trusted
/// for that.
///
/// The work is bounded: the verification of two messages with one signature each, and of the certificates of their signers.
///
/// # Errors
/// The signature, the voucher or the owner certificate is wrong, for another device, or not what the standards say. The caller must not use
/// what came then, whoever sent it.
#[inline(never)]
pub fn judge<'a>(
    artifacts: &Artifacts<'a>,
    credentials: &Credentials<'_>,
    nonce: Option<&[u8]>,
) -> Result<Judged<'a>, SztpError> {
    const ARTIFACT: Artifact = Artifact::ConveyedInformation;
    let message = Message::parse(artifacts.conveyed_information);
    let message = message.map_err(|error| SztpError::Message(ARTIFACT, error))?;
    let signed = match message {
        Message::Plain(plain) => {
            check_type(plain.content_type)?;
            return Ok(Judged {
                content: plain.content,
                signed: false,
            });
        }
        other => other
            .signed()
            .map_err(|error| SztpError::Message(ARTIFACT, error))?,
    };
    check_type(signed.content_type())?;
    let ownership = artifacts.ownership.ok_or(SztpError::NoVoucher)?;
    let mut pinned: Vec<u8, MAX_PINNED> = Vec::new();
    check_voucher(&ownership, credentials, nonce, &mut pinned)?;
    let owner = Message::parse(ownership.owner_certificate)
        .map_err(|error| SztpError::Message(Artifact::OwnerCertificate, error))?;
    let mut certificates: Vec<&'a [u8], MAX_CERTIFICATES> = Vec::new();
    for certificate in owner.certificates() {
        // The message has no more of them.
        let _ = certificates.push(certificate);
    }
    let policy = Policy {
        trust: Trust {
            policy: TrustPolicy::Learnt(&pinned),
            ..credentials.vouchers
        },
        usage: None,
        content_types: &[oid::CONVEYED_INFORMATION_JSON, oid::DATA],
    };
    let verified = signed
        .verify(Content::Encapsulated, &certificates, &policy)
        .map_err(|error| SztpError::Message(ARTIFACT, error))?;
    Ok(Judged {
        content: verified.content.unwrap_or_default(),
        signed: true,
    })
}

/// Refuses content of another type than JSON, or than octets of any kind (RFC 8572, section 3.1).
fn check_type(content_type: &[u8]) -> Result<(), SztpError> {
    const ARTIFACT: Artifact = Artifact::ConveyedInformation;
    if content_type == oid::CONVEYED_INFORMATION_XML {
        return Err(SztpError::Xml(ARTIFACT));
    }
    match [oid::CONVEYED_INFORMATION_JSON, oid::DATA].contains(&content_type) {
        true => Ok(()),
        false => Err(SztpError::Message(
            ARTIFACT,
            netboot_cms::CmsError::WrongContentType,
        )),
    }
}

/// Verifies the voucher, and whether it is for this device and for now. The certificate that it pins is in `pinned` afterwards.
#[inline(never)]
fn check_voucher(
    ownership: &Ownership<'_>,
    credentials: &Credentials<'_>,
    nonce: Option<&[u8]>,
    pinned: &mut Vec<u8, MAX_PINNED>,
) -> Result<(), SztpError> {
    let bad = |error| SztpError::Message(Artifact::Voucher, error);
    let message = Message::parse(ownership.voucher).and_then(Message::signed);
    let policy = Policy {
        trust: credentials.vouchers,
        usage: None,
        content_types: &[oid::VOUCHER_JSON, oid::DATA],
    };
    let verified = message.map_err(bad)?;
    let verified = verified.verify(Content::Encapsulated, &[], &policy);
    let content = verified.map_err(bad)?.content.unwrap_or_default();
    let voucher = Voucher::parse(content)?;
    check_time(&voucher, credentials.vouchers.time)?;
    if !credentials.assertions.contains(&voucher.assertion) {
        return Err(SztpError::WeakAssertion);
    }
    if !voucher.serial_number.is(credentials.serial_number) {
        return Err(SztpError::OtherSerialNumber);
    }
    if let Some(issuer) = voucher.idevid_issuer {
        check_issuer(issuer, credentials.idevid)?;
    }
    if let Some(found) = voucher.nonce {
        let mut space = [0; MAX_IDENTIFIER];
        let len = found.base64(&mut space);
        let len = len.ok_or(SztpError::VoucherField(Field::Nonce))?;
        if space.get(..len) != nonce {
            return Err(SztpError::OtherNonce);
        }
    }
    // A revocation list would have to be fetched, and a device without a clock could not tell how old it is.
    if voucher.revocation_checks {
        return Err(SztpError::RevocationChecks);
    }
    let text = voucher.pinned_domain_cert;
    if text.place().1 / 4 * 3 > MAX_PINNED {
        return Err(SztpError::PinnedTooLong);
    }
    let malformed = SztpError::VoucherField(Field::PinnedDomainCert);
    // As much as fits.
    let _ = pinned.resize(MAX_PINNED, 0);
    let len = text.base64(pinned).ok_or(malformed)?;
    pinned.truncate(len);
    Identity::of(pinned).map(|_| ()).ok_or(malformed)
}

/// Judges the voucher's times by what is known of the present one. Without a clock they do not count (RFC 8572, section 9.1).
fn check_time(voucher: &Voucher<'_>, time: TimePolicy) -> Result<(), SztpError> {
    let (earliest, latest) = match time {
        TimePolicy::None => return Ok(()),
        TimePolicy::Floor(floor) => (floor, u64::MAX),
        TimePolicy::Trusted(now) => (now, now),
    };
    if voucher.created_on > latest {
        return Err(SztpError::NotYetValid);
    }
    match voucher.expires_on {
        Some(end) if end <= earliest => Err(SztpError::Expired),
        _ => Ok(()),
    }
}

/// Compares the voucher's `idevid-issuer` with the authorityKeyIdentifier of the device's certificate. It may be the whole extension or the key
/// identifier in it: the standard can be read in both ways (RFC 8366, section 5.3, and its successor's draft).
fn check_issuer(issuer: Text<'_>, idevid: &[u8]) -> Result<(), SztpError> {
    let mut space = [0; MAX_IDENTIFIER];
    let len = issuer.base64(&mut space);
    let len = len.ok_or(SztpError::VoucherField(Field::IdevidIssuer))?;
    let found = space.get(..len).unwrap_or_default();
    let own = Identity::of(idevid).ok_or(SztpError::OtherIssuer)?;
    let whole = own.authority_key_identifier;
    let key = own.issuer_key_identifier;
    match !found.is_empty() && (whole == Some(found) || key == Some(found)) {
        true => Ok(()),
        false => Err(SztpError::OtherIssuer),
    }
}
