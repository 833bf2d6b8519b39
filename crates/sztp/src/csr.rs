//! Certificate signing requests: the device asks its owner for a certificate of its own, an LDevID (RFC 9646, IEEE 802.1AR).
//!
//! The first question to a trusted server says that the device can make such a request. A server that wants one answers 400 with a
//! `csr-request`; the next question has the request in PKCS #10 (RFC 2986). The certificate comes in the configuration that the owner conveys.

use crate::error::SztpError;
use crate::json::{self, Text, Value};
use heapless::Vec;
use netboot_x509::Identity;
use netboot_x509::der::{INTEGER, Reader, SEQUENCE, constructed};
use signature::Signer as _;

/// Octets of the longest request.
pub const MAX_CSR: usize = 640;
/// Octets of the longest public key, as a point without compression.
pub const MAX_POINT: usize = 97;
/// Octets of the longest signature in DER.
pub const MAX_SIGNATURE: usize = 104;
/// Requests that one server may ask for, one after the other.
pub(crate) const MAX_PROMPTS: u8 = 2;

/// Octets of the longest `SubjectPublicKeyInfo`.
const MAX_SPKI: usize = MAX_POINT + 32;

/// A request in DER.
pub type Csr = Vec<u8, MAX_CSR>;

/// The kind of a key, with the hash that its signatures are made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    P256,
    /// ECDSA with P-384 and SHA-384.
    P384,
}

impl KeyAlgorithm {
    /// The `AlgorithmIdentifier` of a key (RFC 5480, section 2.1.1).
    pub(crate) const fn of_key(self) -> &'static [u8] {
        match self {
            Self::P256 => {
                b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
            }
            Self::P384 => {
                b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"
            }
        }
    }

    /// The `AlgorithmIdentifier` of a signature (RFC 5758, section 3.2).
    const fn of_signature(self) -> &'static [u8] {
        match self {
            Self::P256 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
            Self::P384 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
        }
    }
}

/// The key that the owner certifies. It may lie in hardware and never be seen.
pub trait LocalKey {
    /// What kind of key it is.
    fn algorithm(&self) -> KeyAlgorithm;

    /// Writes the public key as a point without compression (SEC 1, section 2.3.3): 65 octets, or 97 with P-384. Returns their number;
    /// `None` when the key cannot be had.
    fn public_key(&mut self, point: &mut [u8; MAX_POINT]) -> Option<usize>;

    /// Signs `message`, and writes the signature as an `ECDSA-Sig-Value` in DER (RFC 3279, section 2.2.3). Returns the number of its octets;
    /// `None` when that is not possible.
    fn sign(&mut self, message: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Option<usize>;
}

impl LocalKey for p256::ecdsa::SigningKey {
    fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::P256
    }

    fn public_key(&mut self, point: &mut [u8; MAX_POINT]) -> Option<usize> {
        put(
            self.verifying_key().to_encoded_point(false).as_bytes(),
            point,
        )
    }

    fn sign(&mut self, message: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Option<usize> {
        let made: p256::ecdsa::DerSignature = self.try_sign(message).ok()?;
        put(made.as_bytes(), signature)
    }
}

#[cfg(feature = "p384")]
impl LocalKey for p384::ecdsa::SigningKey {
    fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::P384
    }

    fn public_key(&mut self, point: &mut [u8; MAX_POINT]) -> Option<usize> {
        put(
            self.verifying_key().to_encoded_point(false).as_bytes(),
            point,
        )
    }

    fn sign(&mut self, message: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Option<usize> {
        let made: p384::ecdsa::DerSignature = self.try_sign(message).ok()?;
        put(made.as_bytes(), signature)
    }
}

/// Copies octets to the front of a buffer; returns their number. `None` when they do not fit.
fn put(octets: &[u8], to: &mut [u8]) -> Option<usize> {
    let to = to.get_mut(..octets.len())?;
    for (to, from) in to.iter_mut().zip(octets) {
        *to = *from;
    }
    Some(octets.len())
}

/// What a server wants to have signed (RFC 9646, section 2.3, `csr-request`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'b> {
    /// The `CertificationRequestInfo` in DER that the server has made. `None`: the device makes it, with the subject of its IDevID.
    info: Option<&'b [u8]>,
    /// Whether the key has to be that of the IDevID.
    same_key: bool,
}

impl<'b> Wanted<'b> {
    /// Reads the errors that a server answers with status 400 (RFC 8040, section 7.1). `Ok(None)`: none of them asks for a request.
    ///
    /// # Errors
    /// [`SztpError::CsrKind`]: a request of a format, or of a key, that the device does not have.
    #[inline(never)]
    pub fn parse(body: &'b mut [u8], algorithm: KeyAlgorithm) -> Result<Option<Self>, SztpError> {
        let Some(places) = find(body) else {
            return Ok(None);
        };
        let places = places.ok_or(SztpError::CsrKind)?;
        let selected = places.algorithm.is_none_or(|(at, len)| {
            // Several writers have the algorithm without the curve's name, or with blanks in the base64.
            octets(body, at, len).is_some_and(|digits| {
                let mut copy: Vec<u8, 64> = Vec::new();
                let known = copy.extend_from_slice(digits).is_ok();
                known
                    && json::base64_in_place(&mut copy)
                        .is_some_and(|len| copy.get(..len) == Some(algorithm.of_key()))
            })
        });
        if !selected {
            return Err(SztpError::CsrKind);
        }
        let info = match places.info {
            None => None,
            Some((at, len)) => {
                let digits = body.get_mut(at..).and_then(|rest| rest.get_mut(..len));
                let len = digits.and_then(json::base64_in_place);
                let len = len.ok_or(SztpError::CsrInfo)?;
                octets(body, at, len)
            }
        };
        Ok(Some(Self {
            info,
            same_key: places.algorithm.is_none(),
        }))
    }

    /// Makes the request with the device's key. `idevid` is its IDevID certificate in DER.
    ///
    /// # Errors
    /// [`SztpError::CsrInfo`]: the server wants something else signed than a request for this key. [`SztpError::CsrKind`]: it wants the
    /// key of the IDevID, which this one is not. [`SztpError::CsrKey`]: the key cannot be used, or the request is longer than [`MAX_CSR`].
    #[inline(never)]
    pub fn request(&self, idevid: &[u8], key: &mut dyn LocalKey) -> Result<Csr, SztpError> {
        let identity = Identity::of(idevid);
        let spki = spki(key).ok_or(SztpError::CsrKey)?;
        let is_same = identity.is_some_and(|identity| identity.spki == spki.as_slice());
        if self.same_key && !is_same {
            return Err(SztpError::CsrKind);
        }
        let info: Csr = match self.info {
            Some(info) if is_for(info, &spki) => {
                Vec::from_slice(info).or(Err(SztpError::CsrKey))?
            }
            Some(_) => return Err(SztpError::CsrInfo),
            None => identity
                .and_then(|identity| made(&identity, &spki))
                .ok_or(SztpError::CsrKey)?,
        };
        signed(&info, key).ok_or(SztpError::CsrKey)
    }
}

/// The whole request, once its information is there.
fn signed(info: &[u8], key: &mut dyn LocalKey) -> Option<Csr> {
    let mut signature = [0; MAX_SIGNATURE];
    let len = key.sign(info, &mut signature)?;
    let bits: Vec<u8, { MAX_SIGNATURE + 8 }> = value(0x03, &[&[0], signature.get(..len)?])?;
    value(SEQUENCE, &[info, key.algorithm().of_signature(), &bits])
}

/// The `SubjectPublicKeyInfo` of a key.
pub(crate) fn spki(key: &mut dyn LocalKey) -> Option<Vec<u8, MAX_SPKI>> {
    let mut point = [0; MAX_POINT];
    let len = key.public_key(&mut point)?;
    let bits: Vec<u8, MAX_SPKI> = value(0x03, &[&[0], point.get(..len)?])?;
    value(SEQUENCE, &[key.algorithm().of_key(), &bits])
}

/// The `CertificationRequestInfo` with the subject of the device's IDevID, and without attributes (RFC 2986, section 4.1).
fn made(identity: &Identity<'_>, spki: &[u8]) -> Option<Csr> {
    let subject: Csr = value(SEQUENCE, &[identity.subject])?;
    value(
        SEQUENCE,
        &[&[INTEGER, 1, 0], &subject, spki, &[constructed(0), 0]],
    )
}

/// Whether these octets are a `CertificationRequestInfo` with this key: nothing else is signed, so that no server gets another signature by the key.
fn is_for(info: &[u8], spki: &[u8]) -> bool {
    let read = || {
        let mut outer = Reader::new(info);
        let mut fields = outer.nested(SEQUENCE)?;
        let version = fields.expect(INTEGER)?;
        fields.expect(SEQUENCE)?;
        let key = fields.value()?.whole;
        fields.expect(constructed(0))?;
        let whole = outer.is_empty() && fields.is_empty();
        (whole && version == [0] && key == spki).then_some(())
    };
    read().is_some()
}

/// A value of DER that consists of these parts.
fn value<const N: usize>(tag: u8, parts: &[&[u8]]) -> Option<Vec<u8, N>> {
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::new();
    out.push(tag).ok()?;
    // A request has fewer than 65,536 octets.
    let [.., high, low] = len.to_be_bytes();
    match len {
        0..=0x7F => out.push(low).ok()?,
        0x80..=0xFF => out.extend_from_slice(&[0x81, low]).ok()?,
        _ => out.extend_from_slice(&[0x82, high, low]).ok()?,
    }
    for part in parts {
        out.extend_from_slice(part).ok()?;
    }
    Some(out)
}

/// Where the parts of a `csr-request` are: position and length of what stands between the quotation marks.
#[derive(Clone, Copy, Default)]
struct Places {
    algorithm: Option<(usize, usize)>,
    info: Option<(usize, usize)>,
}

fn octets(body: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    body.get(at..)?.get(..len)
}

/// The `csr-request` of the errors. `None`: there is none. `Some(None)`: it cannot be used.
fn find(body: &[u8]) -> Option<Option<Places>> {
    let errors = member(Value::parse(body).ok()?, "errors")?;
    let mut errors = member(errors, "error")?.elements()?;
    let request = errors.find_map(|error| {
        let info = member(error, "error-info")?;
        // The drafts of RFC 9646 had the other name.
        member(info, "csr-request").or_else(|| member(info, "request-info"))
    })?;
    Some(places(request))
}

fn places(request: Value<'_>) -> Option<Places> {
    let format = member(request, "csr-generation")?;
    let format = member(member(format, "selected-format")?, "format-identifier")?.text()?;
    if !["p10-csr", "p10"]
        .iter()
        .any(|name| json::is_named(format, name))
    {
        return None;
    }
    let algorithm = match member(request, "key-generation") {
        None => None,
        Some(generation) => {
            let selected = member(generation, "selected-algorithm")?;
            Some(member(selected, "algorithm-identifier")?.text()?.place())
        }
    };
    let info = match member(request, "cert-req-info") {
        None => None,
        Some(info) => Some(info.text()?.place()),
    };
    Some(Places { algorithm, info })
}

/// The member of an object with this name. The first one counts.
pub(crate) fn member<'a>(object: Value<'a>, name: &str) -> Option<Value<'a>> {
    let mut members = object.members()?;
    members.find_map(|(found, value): (Text<'a>, _)| json::is_named(found, name).then_some(value))
}
