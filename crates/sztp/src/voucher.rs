//! The ownership voucher (RFC 8366, section 5): who owns a device, in the words of its manufacturer.

use crate::error::{Artifact, Field, SztpError};
use crate::json::{self, Text, Value};
use crate::time;

/// How the voucher's signer knows the owner (RFC 8366, section 5.3, `assertion`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assertion {
    /// The ownership was verified.
    Verified,
    /// The voucher was logged.
    Logged,
    /// The owner's registrar was near the device.
    Proximity,
    /// An agent of the owner's was near the device (draft-ietf-anima-rfc8366bis).
    AgentProximity,
}

/// The fields of a voucher (RFC 8366, section 5.3). Strings are those of the document. Who has signed it is not looked at here.
#[derive(Clone, Copy, Debug)]
pub struct Voucher<'a> {
    /// When it was made, Unix time in seconds.
    pub created_on: u64,
    /// When it ends, Unix time in seconds; `None` for one that does not end.
    pub expires_on: Option<u64>,
    /// How its signer knows the owner.
    pub assertion: Assertion,
    /// Serial number of the device.
    pub serial_number: Text<'a>,
    /// Base64 of the authorityKeyIdentifier of the device's IDevID certificate, or of the key identifier in it.
    pub idevid_issuer: Option<Text<'a>>,
    /// Base64 of a certificate in DER, which the owner's certificates lead to.
    pub pinned_domain_cert: Text<'a>,
    /// Whether the revocation of the owner's certificates has to be checked.
    pub revocation_checks: bool,
    /// Base64 of the nonce of the request that the voucher answers.
    pub nonce: Option<Text<'a>>,
}

/// The members as they are in the document.
#[derive(Default)]
struct Members<'a> {
    created_on: Option<Value<'a>>,
    expires_on: Option<Value<'a>>,
    assertion: Option<Value<'a>>,
    serial_number: Option<Value<'a>>,
    idevid_issuer: Option<Value<'a>>,
    pinned_domain_cert: Option<Value<'a>>,
    revocation_checks: Option<Value<'a>>,
    nonce: Option<Value<'a>>,
}

impl<'a> Voucher<'a> {
    /// Reads the content of a voucher's message. Other members than those of the standard are left out, as real vouchers have them.
    ///
    /// # Errors
    /// [`SztpError::Xml`], [`SztpError::NotJson`], [`SztpError::VoucherField`].
    #[inline(never)]
    pub fn parse(content: &'a [u8]) -> Result<Self, SztpError> {
        const ARTIFACT: Artifact = Artifact::Voucher;
        let document = json::document(content, ARTIFACT)?;
        let members = members(document).ok_or(SztpError::NotJson(ARTIFACT))?;
        members.read()
    }
}

/// `None`: no voucher, or a member twice.
fn members(document: Value<'_>) -> Option<Members<'_>> {
    let mut voucher = None;
    for (name, value) in document.members()? {
        if name.is("ietf-voucher:voucher") {
            json::once(&mut voucher, value)?;
        }
    }
    let mut members = Members::default();
    for (name, value) in voucher?.members()? {
        let to = match () {
            () if json::is_named(name, Field::CreatedOn.as_str()) => &mut members.created_on,
            () if json::is_named(name, Field::ExpiresOn.as_str()) => &mut members.expires_on,
            () if json::is_named(name, Field::Assertion.as_str()) => &mut members.assertion,
            () if json::is_named(name, Field::SerialNumber.as_str()) => &mut members.serial_number,
            () if json::is_named(name, Field::IdevidIssuer.as_str()) => &mut members.idevid_issuer,
            () if json::is_named(name, Field::PinnedDomainCert.as_str()) => {
                &mut members.pinned_domain_cert
            }
            () if json::is_named(name, Field::RevocationChecks.as_str()) => {
                &mut members.revocation_checks
            }
            () if json::is_named(name, Field::Nonce.as_str()) => &mut members.nonce,
            () => continue,
        };
        json::once(to, value)?;
    }
    Some(members)
}

impl<'a> Members<'a> {
    fn read(self) -> Result<Voucher<'a>, SztpError> {
        let bad = SztpError::VoucherField;
        let text = |value: Option<Value<'a>>, field| match value {
            None => Ok(None),
            Some(value) => value.text().map(Some).ok_or(bad(field)),
        };
        let moment = |value, field| match text(value, field)? {
            None => Ok(None),
            Some(text) => time::unix(text).map(Some).ok_or(bad(field)),
        };
        let assertion = text(self.assertion, Field::Assertion)?
            .and_then(assertion)
            .ok_or(bad(Field::Assertion))?;
        let revocation_checks = match self.revocation_checks {
            None => false,
            Some(value) => value.boolean().ok_or(bad(Field::RevocationChecks))?,
        };
        Ok(Voucher {
            created_on: moment(self.created_on, Field::CreatedOn)?.ok_or(bad(Field::CreatedOn))?,
            expires_on: moment(self.expires_on, Field::ExpiresOn)?,
            assertion,
            serial_number: text(self.serial_number, Field::SerialNumber)?
                .ok_or(bad(Field::SerialNumber))?,
            idevid_issuer: text(self.idevid_issuer, Field::IdevidIssuer)?,
            pinned_domain_cert: text(self.pinned_domain_cert, Field::PinnedDomainCert)?
                .ok_or(bad(Field::PinnedDomainCert))?,
            revocation_checks,
            nonce: text(self.nonce, Field::Nonce)?,
        })
    }
}

fn assertion(text: Text<'_>) -> Option<Assertion> {
    [
        ("verified", Assertion::Verified),
        ("logged", Assertion::Logged),
        ("proximity", Assertion::Proximity),
        ("agent-proximity", Assertion::AgentProximity),
    ]
    .into_iter()
    .find_map(|(name, assertion)| text.is(name).then_some(assertion))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voucher(members: &str) -> String {
        format!(r#"{{"ietf-voucher:voucher":{{{members}}}}}"#)
    }

    /// The example of RFC 8366, section 5.2, with a certificate of few octets.
    const EXAMPLE: &str = r#""created-on": "2016-10-07T19:31:42Z", "expires-on": "2016-10-21T19:31:42Z", "assertion": "logged",
        "serial-number": "JADA123456789", "idevid-issuer": "AAAA", "pinned-domain-cert": "AAAB", "domain-cert-revocation-checks": "true",
        "last-renewal-date": "2017-10-07T19:31:42Z""#;

    #[test]
    fn the_example_of_the_standard_is_read() {
        let content = voucher(EXAMPLE);
        let voucher = Voucher::parse(content.as_bytes()).unwrap();
        assert_eq!(voucher.created_on, 1_475_868_702);
        assert_eq!(voucher.expires_on, Some(1_477_078_302));
        assert_eq!(voucher.assertion, Assertion::Logged);
        assert!(voucher.serial_number.is("JADA123456789") && voucher.revocation_checks);
        assert!(voucher.idevid_issuer.unwrap().is("AAAA"));
        assert!(voucher.pinned_domain_cert.is("AAAB") && voucher.nonce.is_none());
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let least = [
            (Field::CreatedOn, r#""created-on": "2016-10-07T19:31:42Z""#),
            (Field::Assertion, r#""assertion": "verified""#),
            (Field::SerialNumber, r#""serial-number": "S""#),
            (Field::PinnedDomainCert, r#""pinned-domain-cert": """#),
        ];
        let all: Vec<&str> = least.iter().map(|(_, member)| *member).collect();
        assert!(Voucher::parse(voucher(&all.join(",")).as_bytes()).is_ok());
        for (field, left_out) in least {
            let others: Vec<&str> = all.iter().copied().filter(|one| *one != left_out).collect();
            let read = |more: &str| {
                let members = format!("{}{more}", others.join(","));
                Voucher::parse(voucher(&members).as_bytes()).unwrap_err()
            };
            assert_eq!(read(""), SztpError::VoucherField(field));
            let name = field.as_str();
            assert_eq!(
                read(&format!(r#","{name}":7"#)),
                SztpError::VoucherField(field)
            );
        }
        for (field, value) in [
            (Field::ExpiresOn, r#""tomorrow""#),
            (Field::IdevidIssuer, "null"),
            (Field::RevocationChecks, r#""yes""#),
            (Field::Nonce, "[]"),
        ] {
            let members = format!(r#"{},"{}":{value}"#, all.join(","), field.as_str());
            let error = Voucher::parse(voucher(&members).as_bytes()).unwrap_err();
            assert_eq!(error, SztpError::VoucherField(field));
        }
        let other = EXAMPLE.replace("logged", "guessed");
        let error = Voucher::parse(voucher(&other).as_bytes()).unwrap_err();
        assert_eq!(error, SztpError::VoucherField(Field::Assertion));
    }

    #[test]
    fn other_documents_are_refused() {
        for content in [
            "",
            "{}",
            "[]",
            r#"{"voucher":{}}"#,
            r#"{"ietf-voucher:voucher":1}"#,
            &voucher(&format!(r#"{EXAMPLE},"serial-number":"OTHER""#)),
            &voucher(&format!(r#"{EXAMPLE},"serial\u002dnumber":"OTHER""#)),
            r#"{"ietf-voucher:voucher":{},"ietf-voucher:voucher":{}}"#,
        ] {
            let error = Voucher::parse(content.as_bytes()).unwrap_err();
            assert_eq!(error, SztpError::NotJson(Artifact::Voucher), "{content}");
        }
        let error = Voucher::parse(b"\n<voucher/>").unwrap_err();
        assert_eq!(error, SztpError::Xml(Artifact::Voucher));
    }
}
