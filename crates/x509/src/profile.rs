//! What each certificate of a path has to be, whoever signed it: RFC 5280 section 4, and of the CA/Browser Forum's
//! Baseline Requirements what x509-limbo tests.
//!
//! rustls-webpki checks what links the certificates of a path; here is what it leaves out.

use super::certificate::{
    AUTHORITY_KEY_ID, BASIC_CONSTRAINTS, Certificate, EXTENDED_KEY_USAGE, KEY_USAGE,
    NAME_CONSTRAINTS, POLICY_CONSTRAINTS, SUBJECT_KEY_ID,
};
use super::der::{
    self, BIT_STRING, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, constructed, context, flag,
};
use super::{Role, VerifyError, constraints, subject};

/// id-kp-serverAuth, 1.3.6.1.5.5.7.3.1
pub(super) const SERVER_AUTH: [u8; 8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
/// anyExtendedKeyUsage, 2.5.29.37.0
const ANY_USAGE: [u8; 4] = [0x55, 0x1D, 0x25, 0x00];

/// Bit 0 of `KeyUsage`: digitalSignature.
const DIGITAL_SIGNATURE: u8 = 0x80;
/// Bit 5 of `KeyUsage`: keyCertSign.
const KEY_CERT_SIGN: u8 = 0x04;

/// Octets of a serial number, RFC 5280 section 4.1.2.2.
const MAX_SERIAL: usize = 20;

/// Where a CA stands in its path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between the server and the end.
    Between,
    /// At the end: a root, or a CA whose key is pinned.
    End,
}

/// Whether `now` is within the validity; `ends_only` leaves its beginning out.
pub(super) fn check_validity(
    certificate: &Certificate<'_>,
    role: Role,
    now: u64,
    ends_only: bool,
) -> Result<(), VerifyError> {
    if now > certificate.not_after {
        return Err(VerifyError::Expired(role));
    }
    if now < certificate.not_before && !ends_only {
        return Err(VerifyError::NotYetValid(role));
    }
    Ok(())
}

/// The certificate of a server. One whose key is pinned needs no properties that only say how it was issued: a
/// self-signed one is enough.
#[inline(never)]
pub(super) fn check_leaf(certificate: &Certificate<'_>, pinned: bool) -> Result<(), VerifyError> {
    const ROLE: Role = Role::Leaf;
    let malformed = VerifyError::BadCertificate(ROLE);
    let basic = BasicConstraints::of(certificate).ok_or(malformed)?;
    if basic.ca && !pinned {
        return Err(VerifyError::CaAsLeaf);
    }
    let usage = key_usage(certificate).ok_or(malformed)?;
    if usage.is_some_and(|usage| usage & DIGITAL_SIGNATURE == 0) {
        return Err(VerifyError::WrongKeyUsage(ROLE));
    }
    match extended_key_usage(certificate, &SERVER_AUTH).ok_or(malformed)? {
        Usage::Named => {}
        Usage::None | Usage::Any if pinned => {}
        _ => return Err(VerifyError::WrongUsage(ROLE)),
    }
    if pinned {
        return Ok(());
    }
    check_criticality(certificate, EXTENDED_KEY_USAGE, false, ROLE)?;
    if usage.is_some_and(|usage| usage & KEY_CERT_SIGN != 0) {
        return Err(VerifyError::WrongKeyUsage(ROLE));
    }
    if certificate.extension(NAME_CONSTRAINTS).is_some() {
        return Err(malformed);
    }
    check_issued(certificate, ROLE, Place::Between)?;
    subject::check(certificate)
}

/// The certificate of someone who signs data. It names `usage`, if there is one, pinned or not; one that is pinned needs no
/// properties that only say how it was issued.
#[inline(never)]
pub(super) fn check_signer(
    certificate: &Certificate<'_>,
    pinned: bool,
    usage: Option<&'static [u8]>,
) -> Result<(), VerifyError> {
    const ROLE: Role = Role::Leaf;
    let malformed = VerifyError::BadCertificate(ROLE);
    let basic = BasicConstraints::of(certificate).ok_or(malformed)?;
    if basic.ca && !pinned {
        return Err(VerifyError::CaAsLeaf);
    }
    let bits = key_usage(certificate).ok_or(malformed)?;
    if bits.is_some_and(|bits| bits & DIGITAL_SIGNATURE == 0) {
        return Err(VerifyError::WrongKeyUsage(ROLE));
    }
    if let Some(usage) = usage {
        match extended_key_usage(certificate, usage).ok_or(malformed)? {
            Usage::Named => {}
            _ => return Err(VerifyError::WrongUsage(ROLE)),
        }
    }
    if pinned {
        return Ok(());
    }
    if bits.is_some_and(|bits| bits & KEY_CERT_SIGN != 0) {
        return Err(VerifyError::WrongKeyUsage(ROLE));
    }
    if certificate.extension(NAME_CONSTRAINTS).is_some() {
        return Err(malformed);
    }
    check_issued(certificate, ROLE, Place::Between)
}

/// The certificate of a CA that stands over `cas_below` others in its path, those not counted that are self-issued.
#[inline(never)]
pub(super) fn check_ca(
    certificate: &Certificate<'_>,
    role: Role,
    place: Place,
    cas_below: usize,
) -> Result<(), VerifyError> {
    let malformed = VerifyError::BadCertificate(role);
    let basic = BasicConstraints::of(certificate).ok_or(malformed)?;
    if !basic.ca {
        return Err(VerifyError::NotACa(role));
    }
    check_criticality(certificate, BASIC_CONSTRAINTS, true, role)?;
    let usage = key_usage(certificate).ok_or(malformed)?;
    if usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
        return Err(VerifyError::WrongKeyUsage(role));
    }
    if basic.path_length.is_some_and(|most| cas_below > most) {
        return Err(VerifyError::PathTooLong);
    }
    if role == Role::Root {
        // Baseline Requirements section 7.1.2.1.2.
        if certificate.extension(EXTENDED_KEY_USAGE).is_some() {
            return Err(VerifyError::WrongUsage(role));
        }
    }
    check_criticality(certificate, EXTENDED_KEY_USAGE, false, role)?;
    // Section 4.2.1.2: in each certificate of a CA.
    match key_identifier(certificate).ok_or(malformed)? {
        Some(_) => {}
        None => return Err(VerifyError::NoKeyIdentifier(role)),
    }
    // It has to be critical (section 4.2.1.11), and what is critical and not processed was refused.
    if certificate.extension(POLICY_CONSTRAINTS).is_some() {
        return Err(malformed);
    }
    check_criticality(certificate, NAME_CONSTRAINTS, true, role)?;
    if let Some(extension) = certificate.extension(NAME_CONSTRAINTS) {
        constraints::check(extension.value).ok_or(malformed)?;
    }
    check_issued(certificate, role, place)
}

/// Whether an extension, if it is there, is as critical as it has to be: basicConstraints (section 4.2.1.9) and nameConstraints
/// (section 4.2.1.10) of a CA are, extKeyUsage is not (Baseline Requirements sections 7.1.2.7.6 and 7.1.2.10.1).
fn check_criticality(
    certificate: &Certificate<'_>,
    number: u8,
    critical: bool,
    role: Role,
) -> Result<(), VerifyError> {
    match certificate.extension(number) {
        Some(extension) if extension.critical != critical => {
            Err(VerifyError::WrongCriticality(role))
        }
        _ => Ok(()),
    }
}

/// The subjectKeyIdentifier, if there is one. The outer `None`: malformed.
pub(super) fn key_identifier<'a>(certificate: &Certificate<'a>) -> Option<Option<&'a [u8]>> {
    match certificate.extension(SUBJECT_KEY_ID) {
        None => Some(None),
        Some(extension) => match der::only(extension.value, OCTET_STRING)? {
            [] => None,
            identifier => Some(Some(identifier)),
        },
    }
}

/// The pathLenConstraint, if there is one.
pub(super) fn path_length(certificate: &Certificate<'_>) -> Option<usize> {
    BasicConstraints::of(certificate)?.path_length
}

/// Whether what a CA issues may be for `usage` (section 4.2.1.12), or for anything.
pub(super) fn may_issue_for(certificate: &Certificate<'_>, usage: Option<&'static [u8]>) -> bool {
    usage.is_none_or(|usage| {
        matches!(
            extended_key_usage(certificate, usage),
            Some(Usage::None | Usage::Named)
        )
    })
}

/// The value of the authorityKeyIdentifier, if there is one.
pub(super) fn authority_key_identifier<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    Some(certificate.extension(AUTHORITY_KEY_ID)?.value)
}

/// The identifier of the issuer's key in the authorityKeyIdentifier, if there is one.
pub(super) fn issuer_key_identifier<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    authority_key_identifier(certificate)
        .and_then(|value| der::only(value, SEQUENCE))
        .and_then(|fields| Reader::new(fields).optional(context(0)))
        .flatten()
}

/// Whether the identifier of the issuer's key is that of the certificate's own: so it is self-signed.
pub(super) fn names_itself(certificate: &Certificate<'_>) -> bool {
    key_identifier(certificate) == Some(issuer_key_identifier(certificate))
}

/// Serial number, issuer and key identifiers.
fn check_issued(
    certificate: &Certificate<'_>,
    role: Role,
    place: Place,
) -> Result<(), VerifyError> {
    let serial = match certificate.serial {
        // Section 4.1.2.2: positive. An octet of zeros in front keeps it so.
        [0] | [] => false,
        [first, ..] => first & 0x80 == 0 && certificate.serial.len() <= MAX_SERIAL,
    };
    if !serial || certificate.issuer.is_empty() {
        return Err(VerifyError::BadCertificate(role));
    }
    check_authority_key(certificate, role, place)
}

/// Section 4.2.1.1: the identifier of the issuer's key. Only a self-issued CA at the end of its path may go without. If a
/// self-issued root has one, it is the root's own and stands alone (Baseline Requirements section 7.1.2.1.3).
fn check_authority_key(
    certificate: &Certificate<'_>,
    role: Role,
    place: Place,
) -> Result<(), VerifyError> {
    let malformed = VerifyError::BadCertificate(role);
    let missing = VerifyError::NoKeyIdentifier(role);
    let self_issued = certificate.is_self_issued() && place == Place::End;
    let Some(extension) = certificate.extension(AUTHORITY_KEY_ID) else {
        return self_issued.then_some(()).ok_or(missing);
    };
    let fields = der::only(extension.value, SEQUENCE).ok_or(malformed)?;
    let mut fields = Reader::new(fields);
    let identifier = fields.optional(context(0)).ok_or(malformed)?;
    let issuer = fields.optional(constructed(1)).ok_or(malformed)?;
    let serial = fields.optional(context(2)).ok_or(malformed)?;
    // Issuer and serial number name one certificate together, or are both left out.
    if !fields.is_empty() || issuer.is_some() != serial.is_some() {
        return Err(malformed);
    }
    if identifier.is_none() {
        return Err(missing);
    }
    let own = key_identifier(certificate).ok_or(malformed)?;
    match self_issued && role == Role::Root && (issuer.is_some() || identifier != own) {
        true => Err(malformed),
        false => Ok(()),
    }
}

/// The first eight bits of `KeyUsage`, if it is there (section 4.2.1.3). `None`: malformed.
fn key_usage(certificate: &Certificate<'_>) -> Option<Option<u8>> {
    let Some(extension) = certificate.extension(KEY_USAGE) else {
        return Some(None);
    };
    match der::only(extension.value, BIT_STRING)? {
        [unused @ 0..=7, bits, rest @ ..] if rest.len() <= 1 => {
            // Of one octet the unused bits are no usage.
            let used = match rest {
                [] => 0xFF << unused,
                _ => 0xFF,
            };
            Some(Some(bits & used))
        }
        _ => None,
    }
}

enum Usage {
    /// No such extension.
    None,
    /// The use that was asked for, and not every use.
    Named,
    Any,
    Other,
}

/// Section 4.2.1.12, for one use. `None`: malformed.
fn extended_key_usage(certificate: &Certificate<'_>, usage: &[u8]) -> Option<Usage> {
    let Some(extension) = certificate.extension(EXTENDED_KEY_USAGE) else {
        return Some(Usage::None);
    };
    let mut purposes = Reader::new(der::only(extension.value, SEQUENCE)?);
    let (mut named, mut any) = (false, false);
    // Each takes octets, so they end.
    while !purposes.is_empty() {
        let purpose = purposes.expect(OID)?;
        named |= purpose == usage;
        any |= purpose == ANY_USAGE;
    }
    Some(match (any, named) {
        (true, _) => Usage::Any,
        (false, true) => Usage::Named,
        (false, false) => Usage::Other,
    })
}

/// Section 4.2.1.9; without the extension it is no CA.
#[derive(Default)]
struct BasicConstraints {
    ca: bool,
    path_length: Option<usize>,
}

impl BasicConstraints {
    fn of(certificate: &Certificate<'_>) -> Option<Self> {
        let Some(extension) = certificate.extension(BASIC_CONSTRAINTS) else {
            return Some(Self::default());
        };
        let mut fields = Reader::new(der::only(extension.value, SEQUENCE)?);
        let ca = flag(&mut fields)?;
        let path_length = match fields.optional(INTEGER)? {
            None => None,
            Some([length @ 0..=0x7F]) => Some(usize::from(*length)),
            // More than any path here has.
            Some([0..=0x7F, _, ..]) => Some(usize::MAX),
            Some(_) => return None,
        };
        fields.is_empty().then_some(Self { ca, path_length })
    }
}
