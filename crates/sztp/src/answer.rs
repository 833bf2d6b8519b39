//! The answer to `get-bootstrapping-data` (RFC 8572, section 7.3).

use crate::error::{Artifact, SztpError};
use crate::json::{self, Text, Value};

/// What the bootstrap server sent. Nothing of it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Artifacts<'a> {
    /// The conveyed information: a CMS message in DER.
    pub conveyed_information: &'a [u8],
    /// What the owner proves its right with, if the server sent it.
    pub ownership: Option<Ownership<'a>>,
    /// Whether the server asks for more reports than the standard demands (`reporting-level`).
    pub verbose: bool,
}

/// The two artifacts that come together or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership<'a> {
    /// The owner certificate: a CMS message in DER that carries certificates.
    pub owner_certificate: &'a [u8],
    /// The ownership voucher: a signed CMS message in DER.
    pub voucher: &'a [u8],
}

/// Strings of the answer, by where they are in it.
#[derive(Clone, Copy, Default)]
struct Places {
    conveyed_information: Option<(usize, usize)>,
    owner_certificate: Option<(usize, usize)>,
    voucher: Option<(usize, usize)>,
    verbose: bool,
}

impl<'a> Artifacts<'a> {
    /// Reads the content of an answer, and decodes it where it lies.
    ///
    /// # Errors
    /// [`SztpError::Answer`], [`SztpError::NoConveyedInformation`], [`SztpError::Unpaired`], [`SztpError::NotBase64`].
    #[inline(never)]
    pub fn parse(body: &'a mut [u8]) -> Result<Self, SztpError> {
        let places = find(body).ok_or(SztpError::Answer)?;
        let conveyed = places
            .conveyed_information
            .ok_or(SztpError::NoConveyedInformation)?;
        let mut decode = |(at, len): (usize, usize), artifact| {
            let digits = body.get_mut(at..).and_then(|rest| rest.get_mut(..len));
            let octets = digits.and_then(json::base64_in_place);
            octets
                .ok_or(SztpError::NotBase64(artifact))
                .map(|octets| (at, octets))
        };
        let conveyed = decode(conveyed, Artifact::ConveyedInformation)?;
        let ownership = match (places.owner_certificate, places.voucher) {
            (None, None) => None,
            (Some(certificate), Some(voucher)) => Some((
                decode(certificate, Artifact::OwnerCertificate)?,
                decode(voucher, Artifact::Voucher)?,
            )),
            _ => return Err(SztpError::Unpaired),
        };
        let body: &'a [u8] = body;
        let part = |(at, len): (usize, usize)| {
            body.get(at..)
                .and_then(|rest| rest.get(..len))
                .unwrap_or_default()
        };
        Ok(Self {
            conveyed_information: part(conveyed),
            ownership: ownership.map(|(certificate, voucher)| Ownership {
                owner_certificate: part(certificate),
                voucher: part(voucher),
            }),
            verbose: places.verbose,
        })
    }
}

/// `None`: the answer is no JSON, has no output, or a member twice.
fn find(body: &[u8]) -> Option<Places> {
    let mut places = Places::default();
    let mut output = None;
    for (name, value) in Value::parse(body).ok()?.members()? {
        if name.is("ietf-sztp-bootstrap-server:output") {
            json::once(&mut output, value)?;
        }
    }
    let mut level = None;
    for (name, value) in output?.members()? {
        let to = if json::is_named(name, "conveyed-information") {
            &mut places.conveyed_information
        } else if json::is_named(name, "owner-certificate") {
            &mut places.owner_certificate
        } else if json::is_named(name, "ownership-voucher") {
            &mut places.voucher
        } else {
            if json::is_named(name, "reporting-level") {
                json::once(&mut level, value)?;
            }
            continue;
        };
        json::once(to, value.text()?.place())?;
    }
    let level = level.and_then(Value::text);
    places.verbose = level.is_some_and(|level: Text<'_>| level.is("verbose"));
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Conveyed information, owner certificate and voucher, and whether the server is verbose.
    type Read = (Vec<u8>, Option<(Vec<u8>, Vec<u8>)>, bool);

    fn read(answer: &str) -> Result<Read, SztpError> {
        let mut body = answer.as_bytes().to_vec();
        let artifacts = Artifacts::parse(&mut body)?;
        Ok((
            artifacts.conveyed_information.to_vec(),
            artifacts
                .ownership
                .map(|both| (both.owner_certificate.to_vec(), both.voucher.to_vec())),
            artifacts.verbose,
        ))
    }

    fn output(members: &str) -> String {
        format!(r#"{{"ietf-sztp-bootstrap-server:output":{{{members}}}}}"#)
    }

    #[test]
    fn artifacts_are_decoded_where_they_lie() {
        let (conveyed, ownership, verbose) = read(&output(
            r#" "ownership-voucher" : "dm91Y2hlcg==", "reporting-level":"verbose", "other":[{"conveyed-information":"x"}],
                "conveyed-information":"Y29u\/dmV5ZWQ", "ietf-sztp-bootstrap-server:owner-certificate":"b3du\nZXI=" "#,
        ))
        .unwrap();
        assert_eq!(conveyed, b"con\xfd\xd9\x95\xe5\x95\x90");
        assert_eq!(ownership.unwrap(), (b"owner".to_vec(), b"voucher".to_vec()));
        assert!(verbose);
        let (conveyed, ownership, verbose) = read(&output(
            r#""conveyed-information":"","reporting-level":"minimal""#,
        ))
        .unwrap();
        assert!(conveyed.is_empty() && ownership.is_none() && !verbose);
    }

    #[test]
    fn other_answers_are_refused_by_name() {
        for (members, error) in [
            ("", SztpError::NoConveyedInformation),
            (r#""conveyed-information":null"#, SztpError::Answer),
            (
                r#""conveyed-information":"","conveyed-information":"""#,
                SztpError::Answer,
            ),
            (
                r#""conveyed-information":"","ietf-sztp-bootstrap-server:conveyed-information":"""#,
                SztpError::Answer,
            ),
            (
                r#""conveyed-information":"A""#,
                SztpError::NotBase64(Artifact::ConveyedInformation),
            ),
            (
                r#""conveyed-information":"","owner-certificate":"""#,
                SztpError::Unpaired,
            ),
            (
                r#""conveyed-information":"","ownership-voucher":"""#,
                SztpError::Unpaired,
            ),
            (
                r#""conveyed-information":"","ownership-voucher":"","owner-certificate":"\u00e4""#,
                SztpError::NotBase64(Artifact::OwnerCertificate),
            ),
            (
                r#""conveyed-information":"","ownership-voucher":"\\","owner-certificate":"""#,
                SztpError::NotBase64(Artifact::Voucher),
            ),
        ] {
            assert_eq!(read(&output(members)), Err(error), "{members}");
        }
        for answer in [
            "",
            "<output/>",
            "[]",
            "{}",
            r#"{"output":{}}"#,
            r#"{"ietf-sztp-bootstrap-server:output":[]}"#,
        ] {
            assert_eq!(read(answer), Err(SztpError::Answer), "{answer}");
        }
        let twice =
            r#"{"ietf-sztp-bootstrap-server:output":{},"ietf-sztp-bootstrap-server:output":{}}"#;
        assert_eq!(read(twice), Err(SztpError::Answer));
    }
}
