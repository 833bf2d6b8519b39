//! The errors of secure zero-touch provisioning.

use super::Row;
use super::lists::list;
use netboot_cms::CmsError;
use netboot_sztp::{Artifact, Field, Step, SztpError};

pub fn rows() -> Vec<Row> {
    use SztpError as E;
    let mut rows = Vec::new();
    list!(rows, SztpError, "SztpError", |error| error,
        E::NoServerInOption => E::NoServerInOption, "NoServerInOption",
            "Write option 143 (DHCPv6: 136) as a length of two octets and `https://host[:port]`; [the page](sztp.md) has lines for dnsmasq and Kea.";
        E::NoServer => E::NoServer, "NoServer",
            "Have DHCP send option 143 (DHCPv6: 136), or give the board a bootstrap server of its own.";
        E::Status(_) => E::Status(404), "Status",
            "See the server's log: 401 is an unknown device, 404 one for which nothing is configured, 406 a server that wants another `Accept`.";
        E::MediaType => E::MediaType, "MediaType",
            "Let the server answer with `Content-Type: application/yang-data+json`.";
        E::Answer => E::Answer, "Answer",
            "See what the server sends: `curl --data-binary @input.json` with both media types. It may be cut.";
        E::NoConveyedInformation => E::NoConveyedInformation, "NoConveyedInformation",
            "Configure what is conveyed to this device.";
        E::Unpaired => E::Unpaired, "Unpaired",
            "Configure both voucher and owner certificate, or neither.";
        E::NotBase64(Artifact::ConveyedInformation) => E::NotBase64(Artifact::ConveyedInformation), "NotBase64(ConveyedInformation)",
            "Put the message there as base64 in one string.";
        E::NotBase64(Artifact::OwnerCertificate) => E::NotBase64(Artifact::OwnerCertificate), "NotBase64(OwnerCertificate)",
            "Put the message there as base64 in one string.";
        E::NotBase64(Artifact::Voucher) => E::NotBase64(Artifact::Voucher), "NotBase64(Voucher)",
            "Put the message there as base64 in one string.";
        E::NotBase64(Artifact::TrustAnchor) => E::NotBase64(Artifact::TrustAnchor), "NotBase64(TrustAnchor)",
            "Put the message there as base64 in one string.";
        E::Xml(Artifact::ConveyedInformation) => E::Xml(Artifact::ConveyedInformation), "Xml(ConveyedInformation)",
            "Convey JSON: content type 1.2.840.113549.1.9.16.1.43.";
        E::Xml(Artifact::Voucher | Artifact::OwnerCertificate | Artifact::TrustAnchor) => E::Xml(Artifact::Voucher), "Xml(Voucher)",
            "Ask the manufacturer for a voucher in JSON.";
        E::NotJson(Artifact::ConveyedInformation) => E::NotJson(Artifact::ConveyedInformation), "NotJson(ConveyedInformation)",
            "See what was signed: `openssl cms -cmsout -print -inform DER -in FILE`. OpenSSL without `-binary` changes line ends.";
        E::NotJson(Artifact::Voucher | Artifact::OwnerCertificate | Artifact::TrustAnchor) => E::NotJson(Artifact::Voucher), "NotJson(Voucher)",
            "See what was signed: `openssl cms -cmsout -print -inform DER -in FILE`. It needs `ietf-voucher:voucher`, and each member once.";
        E::Message(Artifact::ConveyedInformation, _) => E::Message(Artifact::ConveyedInformation, CmsError::BadSignature), "Message(ConveyedInformation, ...)",
            "The last two digits are those of a number 0x000e00xx of signed messages: do what is said there. The signer is the owner.";
        E::Message(Artifact::OwnerCertificate, _) => E::Message(Artifact::OwnerCertificate, CmsError::Pem), "Message(OwnerCertificate, ...)",
            "As above: `openssl crl2pkcs7 -nocrl -certfile owner.pem -outform DER` makes such a message.";
        E::Message(Artifact::Voucher, _) => E::Message(Artifact::Voucher, CmsError::BadSignature), "Message(Voucher, ...)",
            "As above. The signer is the manufacturer's authority, whose root was built into the ROM.";
        E::Message(Artifact::TrustAnchor, _) => E::Message(Artifact::TrustAnchor, CmsError::Pem), "Message(TrustAnchor, ...)",
            "As above: `openssl crl2pkcs7 -nocrl -certfile ca.pem -outform DER` makes such a message.";
        E::VoucherField(Field::CreatedOn) => E::VoucherField(Field::CreatedOn), "VoucherField(CreatedOn)",
            "Ask the manufacturer for a voucher that follows RFC 8366.";
        E::VoucherField(Field::ExpiresOn) => E::VoucherField(Field::ExpiresOn), "VoucherField(ExpiresOn)", "Ask the manufacturer for a voucher that follows RFC 8366.";
        E::VoucherField(Field::Assertion) => E::VoucherField(Field::Assertion), "VoucherField(Assertion)", "Ask the manufacturer for a voucher that follows RFC 8366.";
        E::VoucherField(Field::SerialNumber) => E::VoucherField(Field::SerialNumber), "VoucherField(SerialNumber)", "Ask the manufacturer for a voucher that follows RFC 8366.";
        E::VoucherField(Field::IdevidIssuer) => E::VoucherField(Field::IdevidIssuer), "VoucherField(IdevidIssuer)", "Ask the manufacturer for a voucher that follows RFC 8366.";
        E::VoucherField(Field::PinnedDomainCert) => E::VoucherField(Field::PinnedDomainCert), "VoucherField(PinnedDomainCert)",
            "Ask the manufacturer for a voucher that follows RFC 8366: it is a certificate in DER, as base64.";
        E::VoucherField(Field::RevocationChecks) => E::VoucherField(Field::RevocationChecks), "VoucherField(RevocationChecks)", "Ask the manufacturer for a voucher that follows RFC 8366.";
        E::VoucherField(Field::Nonce) => E::VoucherField(Field::Nonce), "VoucherField(Nonce)", "Ask the manufacturer for a voucher that follows RFC 8366.";
        E::OtherSerialNumber => E::OtherSerialNumber, "OtherSerialNumber",
            "Configure the voucher of this very device; its serial number is in its IDevID certificate.";
        E::OtherIssuer => E::OtherIssuer, "OtherIssuer",
            "The serial number is that of two devices of different manufacturers: configure the voucher of this one.";
        E::OtherNonce => E::OtherNonce, "OtherNonce",
            "Let the server ask for a voucher with the nonce of this request, or use one without a nonce. If it does, somebody replays old vouchers.";
        E::Expired => E::Expired, "Expired", "Ask the manufacturer for a new voucher.";
        E::NotYetValid => E::NotYetValid, "NotYetValid", "Look at the clocks of the device and of whoever made the voucher.";
        E::WeakAssertion => E::WeakAssertion, "WeakAssertion",
            "Ask for a voucher that was verified or logged, or build the ROM to accept this kind.";
        E::RevocationChecks => E::RevocationChecks, "RevocationChecks",
            "Ask for a voucher without `domain-cert-revocation-checks`.";
        E::PinnedTooLong => E::PinnedTooLong, "PinnedTooLong", "Pin a certificate of at most 2,048 octets.";
        E::NoVoucher => E::NoVoucher, "NoVoucher", "Configure voucher and owner certificate for this device.";
        E::Untrusted => E::Untrusted, "Untrusted",
            "Sign what is conveyed, and send voucher and owner certificate; or build the ROM with the root of this server. If the server is not yours, somebody else's DHCP was faster.";
        E::ConveyedInformation => E::ConveyedInformation, "ConveyedInformation",
            "Compare what is conveyed with RFC 8572, section 6.3: a configuration needs its handling, a hash has 32 octets.";
        E::TooManyServers => E::TooManyServers, "TooManyServers",
            "Name at most eight servers in a redirect, with short chains of certificates, or give the board more memory for them.";
        E::TooDeep => E::TooDeep, "TooDeep", "Look for servers that redirect to each other.";
        E::TooManyAsked => E::TooManyAsked, "TooManyAsked", "Name fewer servers in redirects.";
        E::BadServer => E::BadServer, "BadServer", "Name a host or an address in `address`, and the port in `port`.";
        E::UnknownHash => E::UnknownHash, "UnknownHash", "Give the image a hash by `sha-256`.";
        E::NoImagePlace => E::NoImagePlace, "NoImagePlace", "Give the image a `download-uri`.";
        E::BadAnchor => E::BadAnchor, "BadAnchor", "Put one chain of certificates into the trust anchor.";
        E::ReportRefused(_) => E::ReportRefused(500), "ReportRefused",
            "See the server's log; it has to answer a report with 204.";
        E::Unreachable => E::Unreachable, "Unreachable",
            "The line before has the error of the network: do what is said of it.";
        E::RequestTooLong => E::RequestTooLong, "RequestTooLong", "Give the board shorter names: hardware model, software and its version have 400 octets in all.";
        E::Step(Step::BootImage) => E::Step(Step::BootImage), "Step(BootImage)",
            "The line before has the error of the image: do what is said of it.";
        E::Step(Step::PreScript) => E::Step(Step::PreScript), "Step(PreScript)",
            "Leave the script to the image that is booted, or give the board somebody who runs it.";
        E::Step(Step::Configuration) => E::Step(Step::Configuration), "Step(Configuration)",
            "Leave the configuration to the image that is booted, or give the board somebody who keeps it.";
        E::Step(Step::PostScript) => E::Step(Step::PostScript), "Step(PostScript)",
            "Leave the script to the image that is booted, or give the board somebody who runs it.";
        E::CsrKind => E::CsrKind, "CsrKind",
            "Have the server ask for PKCS #10 (`p10-csr`), with a key of the kind that `csr-support` names.";
        E::CsrInfo => E::CsrInfo, "CsrInfo",
            "Leave `cert-req-info` out, or give it the public key of this board. If it does neither, somebody wants a signature by the board's key.";
        E::CsrKey => E::CsrKey, "CsrKey",
            "See why the key cannot be used; a subject of more than 300 octets in the IDevID makes the request too long.";
        E::NoLocalCertificate => E::NoLocalCertificate, "NoLocalCertificate",
            "Issue the certificate for the key in the board's request, and put it into `ietf-keystore:keystore`.";
    );
    rows
}
