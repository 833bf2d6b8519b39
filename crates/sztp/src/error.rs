//! Why a bootstrap server, or what it sent, is not believed or cannot be used.

use crate::step::Step;
use core::fmt;
use netboot_cms::CmsError;
use netboot_core::{Blame, Coded, Console, Module};

/// What a bootstrap server sends, or refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// The conveyed information (RFC 8572, section 3.1).
    ConveyedInformation,
    /// The owner certificate (RFC 8572, section 3.2).
    OwnerCertificate,
    /// The ownership voucher (RFC 8366, section 5).
    Voucher,
    /// The trust anchor of a server that a redirect names (RFC 8572, section 6.3).
    TrustAnchor,
}

/// A field of a voucher (RFC 8366, section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `created-on`
    CreatedOn,
    /// `expires-on`
    ExpiresOn,
    /// `assertion`
    Assertion,
    /// `serial-number`
    SerialNumber,
    /// `idevid-issuer`
    IdevidIssuer,
    /// `pinned-domain-cert`
    PinnedDomainCert,
    /// `domain-cert-revocation-checks`
    RevocationChecks,
    /// `nonce`
    Nonce,
}

impl Field {
    /// The name of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Field::CreatedOn => "created-on",
            Field::ExpiresOn => "expires-on",
            Field::Assertion => "assertion",
            Field::SerialNumber => "serial-number",
            Field::IdevidIssuer => "idevid-issuer",
            Field::PinnedDomainCert => "pinned-domain-cert",
            Field::RevocationChecks => "domain-cert-revocation-checks",
            Field::Nonce => "nonce",
        }
    }
}

/// Why a bootstrap server, or what it sent, is not believed or cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SztpError {
    /// The DHCP option names no bootstrap server in the form `https://host[:port]`.
    NoServerInOption,
    /// Neither DHCP nor the configuration names a bootstrap server.
    NoServer,
    /// The server refused the request with this HTTP status.
    Status(u16),
    /// The answer has another media type than `application/yang-data+json`.
    MediaType,
    /// The answer is no JSON, has more levels than [`MAX_DEPTH`](crate::MAX_DEPTH), or no `output`.
    Answer,
    /// The answer has no conveyed information.
    NoConveyedInformation,
    /// A voucher came without an owner certificate, or the other way round.
    Unpaired,
    /// An artifact is no base64.
    NotBase64(Artifact),
    /// The content of an artifact is in XML, which this build does not read.
    Xml(Artifact),
    /// The content of an artifact is no JSON, or has a member twice.
    NotJson(Artifact),
    /// An artifact has no signature where it has to have one, or a wrong one, or one that nobody vouches for.
    Message(Artifact, CmsError),
    /// A field of the voucher is missing, or is not what RFC 8366 says.
    VoucherField(Field),
    /// The voucher is for a device with another serial number.
    OtherSerialNumber,
    /// The voucher is for a device whose IDevID another authority issued.
    OtherIssuer,
    /// The voucher is the answer to another request: its nonce is not the one that was sent.
    OtherNonce,
    /// The voucher has expired.
    Expired,
    /// The voucher says that it was made later than now.
    NotYetValid,
    /// The way in which the voucher's signer knows the owner is not accepted here.
    WeakAssertion,
    /// The voucher demands that the revocation of the owner's certificates is checked, which this device cannot do.
    RevocationChecks,
    /// The voucher's pinned certificate is longer than [`MAX_PINNED`](crate::MAX_PINNED).
    PinnedTooLong,
    /// Signed conveyed information came without voucher and owner certificate.
    NoVoucher,
    /// The server is not trusted, and what it sent is not signed.
    Untrusted,
    /// The conveyed information is neither a redirect nor onboarding information, or a part of it is not what RFC 8572 says.
    ConveyedInformation,
    /// A redirect names more servers than [`MAX_REDIRECTS`](crate::MAX_REDIRECTS), or more than there is memory for.
    TooManyServers,
    /// More redirects follow each other than [`MAX_DEPTH_OF_REDIRECTS`](crate::MAX_DEPTH_OF_REDIRECTS).
    TooDeep,
    /// More servers than [`MAX_ASKED`](crate::MAX_ASKED) were asked in one round.
    TooManyAsked,
    /// A redirect names a server that cannot be part of a URI.
    BadServer,
    /// The trust anchor of a server that a redirect names is no chain of certificates.
    BadAnchor,
    /// The boot image has no hash by an algorithm that is known here (`sha-256`), but others.
    UnknownHash,
    /// The boot image has no place from where it could be downloaded.
    NoImagePlace,
    /// The server refused a report that has to be accepted, with this HTTP status.
    ReportRefused(u16),
    /// A bootstrap server could not be reached, or did not prove who it is. The network's own error says more.
    Unreachable,
    /// The serial number, or another text of the device's own, is longer than a request may be.
    RequestTooLong,
    /// The device could not carry out what the owner demands.
    Step(Step),
    /// The server asks for a certificate signing request in a format, or with a key, that the device does not have.
    #[cfg(feature = "csr")]
    CsrKind,
    /// The server wants something signed that is no request for a certificate of the device's own key.
    #[cfg(feature = "csr")]
    CsrInfo,
    /// The device's key cannot be used, or its request is longer than [`MAX_CSR`](crate::MAX_CSR).
    #[cfg(feature = "csr")]
    CsrKey,
    /// The configuration has no certificate for the device's own key.
    #[cfg(feature = "csr")]
    NoLocalCertificate,
}

impl fmt::Display for SztpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use SztpError as E;
        f.write_str(match self {
            E::NoServerInOption => "the DHCP option for bootstrap servers names none as https://host[:port]",
            E::NoServer => "neither DHCP nor the configuration names a bootstrap server",
            E::Status(status) => return write!(f, "the bootstrap server refuses with status {status}"),
            E::MediaType => "the bootstrap server answers with another media type than application/yang-data+json",
            E::Answer => "the answer of the bootstrap server is not the JSON of RFC 8572",
            E::NoConveyedInformation => "the bootstrap server sends no conveyed information",
            E::Unpaired => "the bootstrap server sends one of owner certificate and voucher without the other",
            E::NotBase64(artifact) => return write!(f, "{} is not base64", name(*artifact)),
            E::Xml(artifact) => return write!(f, "{} is XML, and only JSON is read", name(*artifact)),
            E::NotJson(artifact) => return write!(f, "the content of {} is not JSON, or has a member twice", name(*artifact)),
            E::Message(artifact, error) => return write!(f, "{}: {error}", name(*artifact)),
            E::VoucherField(field) => return write!(f, "the voucher's {} is missing or malformed", field.as_str()),
            E::OtherSerialNumber => "the voucher is for a device with another serial number",
            E::OtherIssuer => "the voucher is for a device whose IDevID another authority issued",
            E::OtherNonce => "the voucher answers another request: its nonce is not the one that was sent",
            E::Expired => "the voucher has expired",
            E::NotYetValid => "the voucher says that it was made later than now",
            E::WeakAssertion => "the voucher's assertion is of a kind that is not accepted here",
            E::RevocationChecks => "the voucher demands revocation checks, which this device cannot do",
            E::PinnedTooLong => "the voucher's pinned certificate is longer than supported",
            E::NoVoucher => "the conveyed information is signed, but voucher and owner certificate are missing",
            E::Untrusted => "the bootstrap server is not trusted, and what it sends is not signed",
            E::ConveyedInformation => "the conveyed information is not that of RFC 8572",
            E::TooManyServers => "a redirect names more bootstrap servers than there is memory for",
            E::TooDeep => "more redirects follow each other than allowed",
            E::TooManyAsked => "more bootstrap servers are named than are asked in one round",
            E::BadServer => "a redirect names a bootstrap server that cannot be part of a URI",
            E::BadAnchor => "the trust anchor of a redirect is no chain of certificates",
            E::UnknownHash => "the boot image has no SHA-256, but hashes by other algorithms",
            E::NoImagePlace => "the boot image has no place from where it can be downloaded",
            E::ReportRefused(status) => return write!(f, "the bootstrap server refuses a report with status {status}"),
            E::Unreachable => "a bootstrap server cannot be reached, or does not prove who it is",
            E::RequestTooLong => "the device's own names are longer than a request may be",
            E::Step(step) => return write!(f, "the step {} of onboarding failed", step.as_str()),
            #[cfg(feature = "csr")]
            E::CsrKind => "the bootstrap server asks for a signing request of a format or key that the device does not have",
            #[cfg(feature = "csr")]
            E::CsrInfo => "the bootstrap server wants something signed that is no request for the device's own key",
            #[cfg(feature = "csr")]
            E::CsrKey => "the device's own key cannot sign a request",
            #[cfg(feature = "csr")]
            E::NoLocalCertificate => "the configuration has no certificate for the device's own key",
        })
    }
}

const fn name(artifact: Artifact) -> &'static str {
    match artifact {
        Artifact::ConveyedInformation => "the conveyed information",
        Artifact::OwnerCertificate => "the owner certificate",
        Artifact::Voucher => "the voucher",
        Artifact::TrustAnchor => "the trust anchor of a redirect",
    }
}

impl core::error::Error for SztpError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            SztpError::Message(_, error) => Some(error),
            _ => None,
        }
    }
}

/// The number of an artifact, in steps of 0x100.
const fn number(artifact: Artifact) -> u16 {
    match artifact {
        Artifact::ConveyedInformation => 1,
        Artifact::OwnerCertificate => 2,
        Artifact::Voucher => 3,
        Artifact::TrustAnchor => 4,
    }
}

impl Coded for SztpError {
    /// Those of messages are 0x101 to 0x4FF: the upper octet is the artifact, the lower half is [`CmsError`]'s.
    fn code(&self) -> u32 {
        use SztpError as E;
        Module::Sztp.code(match self {
            E::NoServerInOption => 0x01,
            E::NoServer => 0x02,
            E::Status(_) => 0x03,
            E::MediaType => 0x04,
            E::Answer => 0x05,
            E::NoConveyedInformation => 0x06,
            E::Unpaired => 0x07,
            E::NotBase64(artifact) => 0x08 + number(*artifact),
            E::Xml(artifact) => 0x10 + number(*artifact),
            E::NotJson(artifact) => 0x18 + number(*artifact),
            E::VoucherField(field) => 0x20 + *field as u16,
            E::OtherSerialNumber => 0x30,
            E::OtherIssuer => 0x31,
            E::OtherNonce => 0x32,
            E::Expired => 0x33,
            E::NotYetValid => 0x34,
            E::WeakAssertion => 0x35,
            E::RevocationChecks => 0x36,
            E::PinnedTooLong => 0x37,
            E::NoVoucher => 0x38,
            E::Untrusted => 0x40,
            E::ConveyedInformation => 0x41,
            E::TooManyServers => 0x42,
            E::TooDeep => 0x43,
            E::TooManyAsked => 0x44,
            E::BadServer => 0x45,
            E::UnknownHash => 0x46,
            E::NoImagePlace => 0x47,
            E::BadAnchor => 0x48,
            E::ReportRefused(_) => 0x50,
            E::RequestTooLong => 0x51,
            E::Unreachable => 0x52,
            E::Step(step) => 0x60 + *step as u16,
            #[cfg(feature = "csr")]
            E::CsrKind => 0x70,
            #[cfg(feature = "csr")]
            E::CsrInfo => 0x71,
            #[cfg(feature = "csr")]
            E::CsrKey => 0x72,
            #[cfg(feature = "csr")]
            E::NoLocalCertificate => 0x73,
            E::Message(artifact, error) => number(*artifact) << 8 | (error.code() & 0xFF) as u16,
        })
    }

    fn blame(&self) -> Blame {
        use SztpError as E;
        match self {
            E::Message(_, error) => error.blame(),
            E::NoServerInOption | E::NoServer => Blame::Configuration,
            E::RequestTooLong => Blame::Caller,
            E::Unreachable => Blame::Network,
            E::Step(_) => Blame::Device,
            #[cfg(feature = "csr")]
            E::CsrKey => Blame::Device,
            #[cfg(feature = "csr")]
            E::CsrInfo => Blame::Peer,
            // What an attacker would show.
            E::Answer
            | E::OtherSerialNumber
            | E::OtherIssuer
            | E::OtherNonce
            | E::Untrusted
            | E::TooDeep
            | E::TooManyAsked => Blame::Peer,
            _ => Blame::Server,
        }
    }

    fn facts(&self, out: &mut dyn Console) {
        match self {
            SztpError::Status(status) | SztpError::ReportRefused(status) => {
                out.text(" status=");
                out.decimal((*status).into());
            }
            _ => {}
        }
    }
}
