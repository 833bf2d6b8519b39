//! Authorities, and the certificates that they issue.

use crate::key::{Key, KeyKind, hash};
use crate::purpose::{Usage, Validity};
use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyUsagePurpose, NameConstraints, SerialNumber, date_time_ymd,
};
use rustls_pki_types::CertificateDer;

/// A certificate to be issued.
pub struct Draft<'a> {
    /// Common name.
    pub subject: &'a str,
    /// DNS names and IP addresses of subjectAltName.
    pub names: Vec<String>,
    /// When it is valid.
    pub validity: Validity,
    /// Whether it is an authority's.
    pub is_ca: IsCa,
    /// extendedKeyUsage, for end entities.
    pub usage: Usage,
    /// nameConstraints, for authorities.
    pub constraints: Option<NameConstraints>,
    /// A critical extension without meaning.
    pub unknown_extension: bool,
}

impl<'a> Draft<'a> {
    /// An end entity's.
    pub fn end_entity(subject: &'a str, names: &[&str], usage: Usage, validity: Validity) -> Self {
        Self {
            subject,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            validity,
            is_ca: IsCa::ExplicitNoCa,
            usage,
            constraints: None,
            unknown_extension: false,
        }
    }

    /// An authority's, which `below` other authorities may follow.
    pub fn authority(subject: &'a str, below: Option<u8>, validity: Validity) -> Self {
        let constraint = below.map_or(BasicConstraints::Unconstrained, |below| {
            BasicConstraints::Constrained(below)
        });
        Self {
            is_ca: IsCa::Ca(constraint),
            ..Self::end_entity(subject, &[], Usage::None, validity)
        }
    }

    /// The certificate for `key`, but for who issues it.
    fn params(&self, key: &Key) -> Result<CertificateParams> {
        let mut params = CertificateParams::new(self.names.clone())
            .with_context(|| format!("names {:?}", self.names))?;
        params
            .distinguished_name
            .push(DnType::CommonName, self.subject);
        let (from, to) = (self.validity.from, self.validity.to);
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        params.is_ca = self.is_ca;
        params.name_constraints = self.constraints.clone();
        params.use_authority_key_identifier_extension = true;
        let mut serial = hash(&[self.subject.as_bytes(), &key.spki()?]);
        // RFC 5280, section 4.1.2.2: positive, at most 20 octets.
        serial[0] = serial[0] & 0x7F | 0x40;
        params.serial_number = Some(SerialNumber::from_slice(&serial[..16]));
        params.key_usages = match params.is_ca {
            IsCa::Ca(_) => vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign],
            IsCa::NoCa | IsCa::ExplicitNoCa => vec![KeyUsagePurpose::DigitalSignature],
        };
        params.extended_key_usages = match self.usage {
            Usage::None => vec![],
            Usage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Usage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Usage::CodeSigning => vec![ExtendedKeyUsagePurpose::CodeSigning],
        };
        if self.unknown_extension {
            /// An arc for documentation (RFC 5612 has it for private enterprises).
            const OID: [u64; 8] = [1, 3, 6, 1, 4, 1, 32_473, 1];
            let mut extension = CustomExtension::from_oid_content(&OID, vec![0x05, 0x00]);
            extension.set_criticality(true);
            params.custom_extensions.push(extension);
        }
        Ok(params)
    }

    /// The certificate for `key`, signed by itself.
    pub fn self_signed(&self, key: &Key) -> Result<CertificateDer<'static>> {
        let certificate = self.params(key)?.self_signed(key);
        Ok(certificate
            .with_context(|| format!("certificate of {}", self.subject))?
            .into())
    }
}

/// Whoever issues certificates, by right or not.
pub struct Authority {
    /// Its own certificate.
    pub certificate: CertificateDer<'static>,
    params: CertificateParams,
    key: Key,
}

impl Authority {
    /// A root.
    pub fn root(draft: &Draft<'_>, seed: u64) -> Result<Self> {
        let key = Key::new(KeyKind::P256, seed, draft.subject)?;
        Ok(Self {
            certificate: draft.self_signed(&key)?,
            params: draft.params(&key)?,
            key,
        })
    }

    /// An authority below this one.
    pub fn subordinate(&self, draft: &Draft<'_>, seed: u64) -> Result<Self> {
        let key = Key::new(KeyKind::P256, seed, draft.subject)?;
        Ok(Self {
            certificate: self.issue(draft, &key)?,
            params: draft.params(&key)?,
            key,
        })
    }

    /// The certificate for `key`, signed by this authority.
    pub fn issue(&self, draft: &Draft<'_>, key: &Key) -> Result<CertificateDer<'static>> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = draft.params(key)?.signed_by(key, &issuer);
        Ok(certificate
            .with_context(|| format!("certificate of {}", draft.subject))?
            .into())
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> Result<Vec<u8>> {
        self.key.spki()
    }
}
