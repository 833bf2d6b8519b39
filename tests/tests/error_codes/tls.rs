//! The errors of TLS: the connection's, and those of certificates.

use super::Row;
use super::lists::list;
use netboot_tls::verify::{Role, VerifyError};
use netboot_tls::{Alert, TlsError};

/// Rows of `netboot-tls`.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    connection(&mut rows);
    certificates(&mut rows);
    of_roles(&mut rows);
    rows
}

fn connection(rows: &mut Vec<Row>) {
    use TlsError as E;
    list!(rows, TlsError, "TlsError", std::convert::identity,
        E::Alert(_) => E::Alert(Alert(116)), "Alert",
            "See the server's log for why it gave up; certificate_required and the like: give the board a client certificate that the server's CA has issued.";
        // Numbers of its own: below.
        E::Certificate(_) => E::Certificate(VerifyError::BadName), "Certificate", "";
        E::NoTls13 => E::NoTls13, "NoTls13",
            "Enable TLS 1.3 on the server (nginx: `ssl_protocols TLSv1.3`), or use one that has it.";
        E::HelloRetryRequest => E::HelloRetryRequest, "HelloRetryRequest",
            "Enable the group P-256 on the server (nginx: `ssl_ecdh_curve prime256v1`).";
        E::NothingInCommon => E::NothingInCommon, "NothingInCommon",
            "Give the server an ECDSA certificate on P-256, the group P-256, and AES-128-GCM or ChaCha20-Poly1305.";
        E::UnexpectedMessage => E::UnexpectedMessage, "UnexpectedMessage",
            "The server's TLS does not follow RFC 8446, or somebody is in between: capture the connection and look who answers.";
        E::NoCertificate => E::NoCertificate, "NoCertificate",
            "Give the server a certificate; if it has one, somebody without it answers in its place.";
        E::NoProof => E::NoProof, "NoProof",
            "Somebody shows the server's certificate without having its key: find out who answers at that address.";
        E::WrongFinished => E::WrongFinished, "WrongFinished",
            "The handshake was changed on the way: look for a middlebox that meddles with TLS, or for an attacker.";
        E::BadRecord => E::BadRecord, "BadRecord",
            "See that a TLS server listens on that port; in the middle of a transfer, somebody puts forged octets into the connection.";
        E::BadSeal => E::BadSeal, "BadSeal",
            "Octets were changed on the way: look for damage that checksums do not find, for a middlebox, or for an attacker.";
        E::BadMessage => E::BadMessage, "BadMessage",
            "The server's TLS does not follow RFC 8446: update it, and capture the handshake for who maintains it.";
        E::IllegalParameter => E::IllegalParameter, "IllegalParameter",
            "The server's TLS does not follow RFC 8446: update it, and look for a middlebox that answers in its place.";
        E::UnexpectedExtension => E::UnexpectedExtension, "UnexpectedExtension",
            "The server's TLS does not follow RFC 8446 (section 4.2): update it, or turn off what it sends unasked.";
        E::RecordTooLarge => E::RecordTooLarge, "RecordTooLarge",
            "Limit the server's records to 4,096 octets (nginx: `ssl_buffer_size 4k`), or build the ROM with the large record profile.";
        E::MessageTooLarge => E::MessageTooLarge, "MessageTooLarge",
            "Let the server send fewer or smaller certificates (no root, no RSA) and no long list of CAs, or build the ROM with the large record profile.";
        E::Truncated => E::Truncated, "Truncated",
            "See the server's log and limits; a firewall may cut connections, or somebody ends them early on purpose.";
        E::Flood => E::Flood, "Flood",
            "The server sends records or messages without end, and no data: see what software it runs, or who is in between.";
        E::KeysWornOut => E::KeysWornOut, "KeysWornOut",
            "Serve smaller files, or a server that renews its keys: no real transfer comes to this.";
        E::NoEntropy => E::NoEntropy, "NoEntropy",
            "Give the platform a source of secret random numbers (`Platform::secret_rng`), and see that its health tests pass.";
        E::SendBuffer => E::SendBuffer, "SendBuffer",
            "Give TLS a larger send buffer: 1,280 octets, the client certificates' size more, and 22 octets for each record that the server's limit makes of them.";
        E::Signer => E::Signer, "Signer",
            "See why the board's key does not sign: the hardware that holds it, or the key that was compiled in.";
        E::NotOpen => E::NotOpen, "NotOpen",
            "A defect of the caller: nothing is written before the handshake is done or after the end.";
        E::Deadline => E::Deadline, "Deadline",
            "See whether the server still runs and is not overloaded; a handshake may take the `tls_timeout` at most.";
        E::Transport => E::Transport, "Transport",
            "See the TCP connection below: the server's log, cables, firewalls between.";
        E::RecordOverflow => E::RecordOverflow, "RecordOverflow",
            "The server's TLS does not follow RFC 8446 (section 5): update it, and see that a TLS server listens on that port.";
        E::MissingExtension => E::MissingExtension, "MissingExtension",
            "The server's TLS does not follow RFC 8446 (section 9.2): update it, and look for a middlebox that answers in its place.";
    );
    rows.retain(|row| !row.advice.is_empty());
}

fn certificates(rows: &mut Vec<Row>) {
    use VerifyError as E;
    list!(rows, VerifyError, "VerifyError", std::convert::identity,
        E::BadName => E::BadName, "BadName",
            "Correct the host in the URI: a DNS name of letters, digits and hyphens, or an address.";
        E::NoTrust => E::NoTrust, "NoTrust",
            "Build the ROM with the root certificate of your own CA, or with the pin of the server's key.";
        E::TooMuchTrust => E::TooMuchTrust, "TooMuchTrust",
            "Compile eight root certificates in at most, and give eight algorithms at most: those that the boot needs.";
        E::NoCertificate => E::NoCertificate, "NoCertificate",
            "Give the server a certificate; an empty list is none.";
        E::TooManyCertificates => E::TooManyCertificates, "TooManyCertificates",
            "Let the server send its own certificate and the CAs between, without others.";
        E::BadCertificate(_) => E::BadCertificate(Role::Leaf), "BadCertificate", "";
        E::UnknownCriticalExtension(_) => E::UnknownCriticalExtension(Role::Leaf), "UnknownCriticalExtension", "";
        E::Expired(_) => E::Expired(Role::Leaf), "Expired", "";
        E::NotYetValid(_) => E::NotYetValid(Role::Leaf), "NotYetValid", "";
        E::WrongName => E::WrongName, "WrongName",
            "Issue the certificate for the name or address that the URI has, as a subject alternative name, or correct the URI.";
        E::BroadWildcard => E::BroadWildcard, "BroadWildcard",
            "Issue the certificate for the server's own name.";
        E::WrongUsage(_) => E::WrongUsage(Role::Leaf), "WrongUsage", "";
        E::WrongKeyUsage(_) => E::WrongKeyUsage(Role::Leaf), "WrongKeyUsage", "";
        E::CaAsLeaf => E::CaAsLeaf, "CaAsLeaf",
            "Issue a certificate for the server with CA:FALSE; a CA's own is none for a server.";
        E::NoKeyIdentifier(_) => E::NoKeyIdentifier(Role::Leaf), "NoKeyIdentifier", "";
        E::NotACa(_) => E::NotACa(Role::Issuer), "NotACa", "";
        E::PathTooLong => E::PathTooLong, "PathTooLong",
            "Issue with a CA that its own CA allows to: see `pathLenConstraint` in the certificates above.";
        E::NameConstraint => E::NameConstraint, "NameConstraint",
            "Issue with a CA whose name constraints permit the server's name, or change the constraints.";
        E::UnknownIssuer => E::UnknownIssuer, "UnknownIssuer",
            "Let the server send the CAs between, and see that its root is the one in the ROM; if both are right, somebody else answers.";
        E::NotPinned => E::NotPinned, "NotPinned",
            "Pin the key that the server has, or give the server the key that is pinned; else somebody else answers.";
        E::BadSignature => E::BadSignature, "BadSignature",
            "A certificate was forged or damaged, or a CA has the name of yours and another key: compare the chain with what was issued.";
        E::UnsupportedSignature => E::UnsupportedSignature, "UnsupportedSignature",
            "Issue with ECDSA on P-256 and SHA-256 throughout, or build the ROM with the algorithm.";
        E::RsaOnly => E::RsaOnly, "RsaOnly",
            "Give the server an ECDSA certificate on P-256, beside the RSA one if others need that.";
        E::UnsupportedKey => E::UnsupportedKey, "UnsupportedKey",
            "Give the server a certificate with a key on P-256.";
        E::BudgetExceeded => E::BudgetExceeded, "BudgetExceeded",
            "Let the server send its own certificate and the CAs between, without others; issue it for fewer names, or with a CA that has fewer name constraints.";
        E::BadHostName => E::BadHostName, "BadHostName",
            "Issue the certificate for names of letters, digits and hyphens; rename a host that has an underscore.";
        E::StrayCommonName => E::StrayCommonName, "StrayCommonName",
            "Issue the certificate with a common name that is one of its subject alternative names, letter for letter, or that is no host name.";
        E::WrongCriticality(_) => E::WrongCriticality(Role::Leaf), "WrongCriticality", "";
        E::WrongProof => E::WrongProof, "WrongProof",
            "See that the server's key belongs to its certificate; else somebody shows the certificate without the key.";
        E::WrongScheme => E::WrongScheme, "WrongScheme",
            "The server's TLS does not follow RFC 8446: update it; its key is to sign with ecdsa_secp256r1_sha256.";
    );
    rows.retain(|row| !row.advice.is_empty());
}

/// What may be wrong with a certificate has a number for each place in the chain.
fn of_roles(rows: &mut Vec<Row>) {
    use VerifyError as E;
    type Case = (&'static str, fn(Role) -> VerifyError, &'static str);
    const CASES: [Case; 9] = [
        (
            "BadCertificate",
            E::BadCertificate,
            "Issue the certificate anew with a current tool, as X.509 version 3; see that the file is whole.",
        ),
        (
            "UnknownCriticalExtension",
            E::UnknownCriticalExtension,
            "Issue the certificate without that extension, or with the extension not critical.",
        ),
        (
            "Expired",
            E::Expired,
            "Renew the certificate; if it is valid, see what the board takes for the time.",
        ),
        (
            "NotYetValid",
            E::NotYetValid,
            "Wait, or issue the certificate with an earlier start; if it is valid, see what the board takes for the time.",
        ),
        (
            "WrongUsage",
            E::WrongUsage,
            "Issue the certificate with the extended key usage serverAuth.",
        ),
        (
            "WrongKeyUsage",
            E::WrongKeyUsage,
            "Issue the certificate with the key usage digitalSignature for a server, keyCertSign for a CA.",
        ),
        (
            "NoKeyIdentifier",
            E::NoKeyIdentifier,
            "Issue the certificate with an authority key identifier, and a CA's with a subject key identifier, as any current tool does.",
        ),
        (
            "NotACa",
            E::NotACa,
            "Issue with a CA (CA:TRUE); if nobody of yours issued this, somebody misuses an ordinary certificate.",
        ),
        (
            "WrongCriticality",
            E::WrongCriticality,
            "Issue the certificate with basicConstraints and nameConstraints critical, extKeyUsage not, and subjectAltName only where there is no subject.",
        ),
    ];
    for (name, error, advice) in CASES {
        for role in [Role::Leaf, Role::Issuer, Role::Root] {
            let name = format!("VerifyError::{name}({role:?})");
            rows.push(Row::of(&name, &error(role), advice));
        }
    }
}
