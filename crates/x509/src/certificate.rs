//! A certificate's fields, RFC 5280 section 4.1, in place.

use super::der::{
    self, BIT_STRING, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, constructed, flag,
};
use super::time;
use super::{Role, VerifyError};

/// Extensions of one certificate; real ones have about ten.
const MAX_EXTENSIONS: usize = 32;

/// The arc id-ce, 2.5.29: of all extensions that are read here but one.
const ID_CE: [u8; 2] = [0x55, 0x1D];
/// The arc id-pe, 1.3.6.1.5.5.7.1.
const ID_PE: [u8; 7] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01];
/// id-pe-authorityInfoAccess
const AUTHORITY_INFO_ACCESS: [u8; 8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];

/// id-ce-subjectKeyIdentifier
pub(super) const SUBJECT_KEY_ID: u8 = 14;
/// id-ce-keyUsage
pub(super) const KEY_USAGE: u8 = 15;
/// id-ce-subjectAltName
pub(super) const SUBJECT_ALT_NAME: u8 = 17;
/// id-ce-basicConstraints
pub(super) const BASIC_CONSTRAINTS: u8 = 19;
/// id-ce-nameConstraints
pub(super) const NAME_CONSTRAINTS: u8 = 30;
/// id-ce-authorityKeyIdentifier
pub(super) const AUTHORITY_KEY_ID: u8 = 35;
/// id-ce-policyConstraints
pub(super) const POLICY_CONSTRAINTS: u8 = 36;
/// id-ce-extKeyUsage
pub(super) const EXTENDED_KEY_USAGE: u8 = 37;

/// What may be critical, because it is processed.
const PROCESSED: [u8; 5] = [
    KEY_USAGE,
    SUBJECT_ALT_NAME,
    BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
];

/// A version 3 certificate whose syntax is right, as far as it is read.
#[derive(Clone, Copy)]
pub(super) struct Certificate<'a> {
    /// What is signed, tag and length included.
    pub(super) signed: &'a [u8],
    /// Content of the signature's `AlgorithmIdentifier`.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    /// Content of the `INTEGER`.
    pub(super) serial: &'a [u8],
    /// Content of the `Name`.
    pub(super) issuer: &'a [u8],
    /// Content of the `Name`.
    pub(super) subject: &'a [u8],
    /// Unix time in seconds.
    pub(super) not_before: u64,
    /// Unix time in seconds.
    pub(super) not_after: u64,
    /// The `SubjectPublicKeyInfo`, tag and length included.
    pub(super) spki: &'a [u8],
    extensions: Reader<'a>,
}

/// One extension.
#[derive(Clone, Copy)]
pub(super) struct Extension<'a> {
    id: &'a [u8],
    pub(super) critical: bool,
    /// Content of the `OCTET STRING`.
    pub(super) value: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate. Its extensions are unique, and the critical ones are known.
    #[inline(never)]
    pub(super) fn parse(der: &'a [u8], role: Role) -> Result<Self, VerifyError> {
        let certificate = read(der).ok_or(VerifyError::BadCertificate(role))?;
        match certificate.check_extensions() {
            Some(true) => Ok(certificate),
            Some(false) => Err(VerifyError::UnknownCriticalExtension(role)),
            None => Err(VerifyError::BadCertificate(role)),
        }
    }

    /// The extension id-ce-`number`.
    pub(super) fn extension(&self, number: u8) -> Option<Extension<'a>> {
        let mut extensions = self.extensions;
        for _ in 0..MAX_EXTENSIONS {
            let extension = extension(&mut extensions)?;
            if extension.number() == Some(number) {
                return Some(extension);
            }
        }
        None
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// `None`: malformed, too many, or one twice; also one of those that RFC 5280 defines with a value that is none of
    /// its. Whether all critical ones are processed.
    fn check_extensions(&self) -> Option<bool> {
        let mut known = true;
        let mut rest = self.extensions;
        for seen in 0.. {
            if rest.is_empty() {
                break;
            }
            if seen == MAX_EXTENSIONS {
                return None;
            }
            let this = extension(&mut rest)?;
            check_syntax(&this)?;
            let mut before = self.extensions;
            for _ in 0..seen {
                if extension(&mut before)?.id == this.id {
                    return None;
                }
            }
            let processed = this.number().is_some_and(|id| PROCESSED.contains(&id));
            known &= !this.critical || processed;
        }
        Some(known)
    }
}

impl Extension<'_> {
    fn number(&self) -> Option<u8> {
        match self.id.strip_prefix(&ID_CE)? {
            [number] => Some(*number),
            _ => None,
        }
    }
}

/// Whether the value of an extension of RFC 5280 is one value of DER; of authorityInfoAccess (section 4.2.2.1) also what
/// is in it. An extension that is read has its syntax checked where it is read.
fn check_syntax(extension: &Extension<'_>) -> Option<()> {
    let known = extension.id.starts_with(&ID_CE) || extension.id.starts_with(&ID_PE);
    if !known {
        return Some(());
    }
    let mut reader = Reader::new(extension.value);
    let value = reader.value()?;
    if !reader.is_empty() {
        return None;
    }
    if extension.id != AUTHORITY_INFO_ACCESS {
        return Some(());
    }
    let mut descriptions = Reader::new(value.content);
    if value.tag != SEQUENCE || descriptions.is_empty() {
        return None;
    }
    // Each takes octets, so they end.
    while !descriptions.is_empty() {
        let mut description = descriptions.nested(SEQUENCE)?;
        description.expect(OID)?;
        // A `GeneralName` has a tag of the context.
        let place = description.value()?;
        if place.tag & 0xC0 != 0x80 || !description.is_empty() {
            return None;
        }
    }
    Some(())
}

/// `notBefore` of what may be a certificate.
pub(super) fn not_before(der: &[u8]) -> Option<u64> {
    read(der).map(|certificate| certificate.not_before)
}

/// Reads a certificate but for its extensions.
#[inline(never)]
pub(super) fn read(der: &[u8]) -> Option<Certificate<'_>> {
    let mut outer = Reader::new(der::only(der, SEQUENCE)?);
    let signed = outer.value()?;
    if signed.tag != SEQUENCE {
        return None;
    }
    let mut tbs = Reader::new(signed.content);
    let algorithm = outer.expect(SEQUENCE)?;
    let signature = der::octets_of_bits(outer.expect(BIT_STRING)?)?;
    // Version 3 is the number 2.
    let version = der::only(tbs.expect(constructed(0))?, INTEGER)?;
    let serial = tbs.expect(INTEGER)?;
    // Section 4.1.1.2: the same inside and outside of what is signed.
    let same_algorithm = tbs.expect(SEQUENCE)? == algorithm;
    let issuer = tbs.expect(SEQUENCE)?;
    let mut validity = tbs.nested(SEQUENCE)?;
    let not_before = time::unix(validity.value()?)?;
    let not_after = time::unix(validity.value()?)?;
    let subject = tbs.expect(SEQUENCE)?;
    let spki = tbs.value()?;
    // Unique identifiers, which stand before the extensions, are not supported: section 4.1.2.8.
    let extensions = match tbs.optional(constructed(3))? {
        Some(tagged) => der::only(tagged, SEQUENCE)?,
        None => &[],
    };
    let right = version == [2]
        && same_algorithm
        && spki.tag == SEQUENCE
        && not_before <= not_after
        && outer.is_empty()
        && validity.is_empty()
        && tbs.is_empty();
    right.then_some(Certificate {
        signed: signed.whole,
        algorithm,
        signature,
        serial,
        issuer,
        subject,
        not_before,
        not_after,
        spki: spki.whole,
        extensions: Reader::new(extensions),
    })
}

/// The issuer in what is signed of a certificate.
pub(super) fn issuer(signed: &[u8]) -> Option<&[u8]> {
    let mut tbs = Reader::new(der::only(signed, SEQUENCE)?);
    tbs.expect(constructed(0))?;
    tbs.expect(INTEGER)?;
    tbs.expect(SEQUENCE)?;
    tbs.expect(SEQUENCE)
}

fn extension<'a>(extensions: &mut Reader<'a>) -> Option<Extension<'a>> {
    let mut fields = extensions.nested(SEQUENCE)?;
    let id = fields.expect(OID)?;
    let critical = flag(&mut fields)?;
    let value = fields.expect(OCTET_STRING)?;
    fields.is_empty().then_some(Extension {
        id,
        critical,
        value,
    })
}

/// What this parser refuses, whatever rustls-webpki's says.
#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};

    fn made(edit: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["boot.example.com".into()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        edit(&mut params);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    /// With the `nth` of `from` changed to `to`, which is as long.
    fn with(mut der: Vec<u8>, from: &[u8], nth: usize, to: &[u8]) -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let mut places = (0..der.len()).filter(|at| der[*at..].starts_with(from));
        let at = places.nth(nth).expect("what is to be changed");
        der[at..at + to.len()].copy_from_slice(to);
        der
    }

    #[test]
    fn the_version_is_3() {
        const THIRD: &[u8] = &[0xA0, 3, 2, 1, 2];
        assert!(read(&made(|_| {})).is_some());
        for number in [0, 1, 3, 4, 0x82] {
            let other = with(made(|_| {}), THIRD, 0, &[0xA0, 3, 2, 1, number]);
            assert!(read(&other).is_none(), "{number}");
            let parsed = Certificate::parse(&other, Role::Leaf);
            assert_eq!(parsed.err(), Some(VerifyError::BadCertificate(Role::Leaf)));
        }
    }

    #[test]
    fn the_algorithm_is_the_same_inside_and_outside() {
        const SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
        const SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3];
        let inside = with(made(|_| {}), SHA256, 0, SHA384);
        assert!(read(&inside).is_none());
        let outside = with(made(|_| {}), SHA256, 1, SHA384);
        assert!(read(&outside).is_none());
        let both = with(inside, SHA256, 0, SHA384);
        assert!(read(&both).is_some());
    }

    #[test]
    fn the_dates_are_in_order() {
        let at = |from, to| {
            made(|params| {
                params.not_before = date_time_ymd(from, 1, 1);
                params.not_after = date_time_ymd(to, 1, 1);
            })
        };
        assert!(read(&at(2025, 2025)).is_some());
        assert!(read(&at(2026, 2025)).is_none());
    }

    #[test]
    fn nothing_follows_what_is_there() {
        let der = made(|_| {});
        assert!(read(&[&der[..], &[5, 0]].concat()).is_none());
        // A NULL at the end of the certificate, of what is signed in it, and of the validity in that.
        assert_eq!(
            (&der[..2], &der[4..6]),
            (&[0x30, 0x82][..], &[0x30, 0x82][..])
        );
        let validity = der.windows(3).position(|three| three == [0x30, 0x1E, 0x17]);
        let validity = validity.expect("two times of 13 octets");
        let signed = 8 + usize::from(u16::from_be_bytes([der[6], der[7]]));
        for (what, at) in [
            ("certificate", der.len()),
            ("signed", signed),
            ("validity", validity + 32),
        ] {
            let mut longer = der.clone();
            longer[3] += 2;
            if at < der.len() {
                longer[7] += 2;
            }
            if at == validity + 32 {
                longer[validity + 1] += 2;
            }
            longer.splice(at..at, [5, 0]);
            assert!(read(&longer).is_none(), "{what}");
        }
        // A signature that is no whole number of octets.
        let places: Vec<_> = (0..der.len() - 3)
            .filter(|at| der[*at] == 3 && der[at + 2..].starts_with(&[0, 0x30]))
            .collect();
        let mut odd = der.clone();
        odd[places.last().expect("a BIT STRING") + 2] = 1;
        assert!(read(&odd).is_none());
    }
}
