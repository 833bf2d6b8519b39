//! Why a server is not believed, and whose fault it is.

use core::fmt;

use netboot_core::{Blame, Coded, Module};

/// Which certificate of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server's own.
    Leaf,
    /// A CA's that the server presented.
    Issuer,
    /// An anchor: pinned or learnt.
    Root,
}

/// Why a server is not who it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The host is neither a name nor an address.
    BadName,
    /// Neither roots nor keys are pinned.
    NoTrust,
    /// More roots than [`MAX_ROOTS`](super::MAX_ROOTS), or more algorithms than [`MAX_ALGORITHMS`](super::MAX_ALGORITHMS).
    TooMuchTrust,
    /// The server presented no certificate.
    NoCertificate,
    /// The server presented more than [`MAX_CERTIFICATES`](super::MAX_CERTIFICATES).
    TooManyCertificates,
    /// Malformed, not version 3, or against the profile of RFC 5280 in a way that has no error of its own.
    BadCertificate(Role),
    /// An authority or subject key identifier is missing (RFC 5280 sections 4.2.1.1 and 4.2.1.2).
    NoKeyIdentifier(Role),
    /// An extension that is critical and not understood.
    UnknownCriticalExtension(Role),
    /// Its `notAfter` is before the time taken ([`TimePolicy`](super::TimePolicy)).
    Expired(Role),
    /// Its `notBefore` is after the time taken.
    NotYetValid(Role),
    /// The certificate names other servers, or none: a common name is no name (RFC 9525 section 2).
    WrongName,
    /// A wildcard for a whole public suffix, as `*.com`.
    BroadWildcard,
    /// The extended key usage of the certificate does not allow TLS servers (RFC 5280 section 4.2.1.12).
    WrongUsage(Role),
    /// The key usage of the certificate does not allow what its key is used for (RFC 5280 section 4.2.1.3).
    WrongKeyUsage(Role),
    /// A CA's certificate is used as a server's.
    CaAsLeaf,
    /// What signed another certificate is no CA (RFC 5280 section 4.2.1.9).
    NotACa(Role),
    /// More CAs below a CA than its `pathLenConstraint` allows.
    PathTooLong,
    /// A name that a CA above may not certify, or a constraint that cannot be checked (RFC 5280 section 4.2.1.10).
    NameConstraint,
    /// No path from the server's certificate to an anchor.
    UnknownIssuer,
    /// Only keys are pinned, and no presented certificate has one of them.
    NotPinned,
    /// The signature of a certificate of the path is wrong.
    BadSignature,
    /// A certificate of the path is signed by an algorithm, or with a kind of key, that is not supported.
    UnsupportedSignature,
    /// The server's key is an RSA key; it needs an ECDSA certificate.
    RsaOnly,
    /// The server's key is of a kind that is not supported.
    UnsupportedKey,
    /// The certificates take more work than a boot may spend.
    BudgetExceeded,
    /// An extension is critical and must not be, or is not critical and has to be (RFC 5280 section 4.2).
    WrongCriticality(Role),
    /// A `dNSName` of the certificate is no host name, such as one with an underscore (RFC 5280 section 4.2.1.6).
    BadHostName,
    /// The common name of the certificate is a host or an address that is none of its subject alternative names
    /// (Baseline Requirements section 7.1.4.3).
    StrayCommonName,
    /// The server's signature over the handshake is wrong: it does not have the key of its certificate.
    WrongProof,
    /// The server signed the handshake with a scheme that does not fit its key, or that is not supported.
    WrongScheme,
}

impl VerifyError {
    /// The place on the path of the certificate that the error is about; `None` for an error that is not about one of them.
    pub fn role(&self) -> Option<Role> {
        use VerifyError as E;
        match *self {
            E::BadCertificate(role)
            | E::NoKeyIdentifier(role)
            | E::UnknownCriticalExtension(role)
            | E::Expired(role)
            | E::NotYetValid(role)
            | E::WrongUsage(role)
            | E::WrongKeyUsage(role)
            | E::NotACa(role)
            | E::WrongCriticality(role) => Some(role),
            _ => None,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use VerifyError as E;
        if let Some(role) = self.role() {
            f.write_str(match role {
                Role::Leaf => "certificate of the server ",
                Role::Issuer => "certificate of a CA that the server presented ",
                Role::Root => "pinned root certificate ",
            })?;
        }
        f.write_str(match self {
            E::BadCertificate(_) => "is malformed or against RFC 5280",
            E::NoKeyIdentifier(_) => {
                "has no key identifier (authorityKeyIdentifier, of a CA also subjectKeyIdentifier)"
            }
            E::UnknownCriticalExtension(_) => "has a critical extension that is not understood",
            E::Expired(_) => "has expired",
            E::NotYetValid(_) => "is not valid yet",
            E::WrongUsage(_) => "does not name TLS servers in its extended key usage",
            E::WrongKeyUsage(_) => "does not allow this use of its key (key usage)",
            E::NotACa(_) => "signed another, but is no CA's",
            E::WrongCriticality(_) => {
                "has an extension that is critical and must not be, or is not and has to be"
            }
            E::BadHostName => {
                "certificate of the server has a DNS name with a character that hosts do not have, such as an underscore"
            }
            E::StrayCommonName => {
                "common name of the server's certificate is a host that is none of its subject alternative names"
            }
            E::BadName => "host is neither a name nor an address",
            E::NoTrust => "neither roots nor keys are pinned, so no HTTPS server can be trusted",
            E::TooMuchTrust => "more root certificates or algorithms are given than supported",
            E::NoCertificate => "server presented no certificate",
            E::TooManyCertificates => "server presented too many certificates",
            E::WrongName => "certificate of the server is for other names",
            E::BroadWildcard => "certificate of the server has a wildcard for a public suffix",
            E::CaAsLeaf => "server presented a CA's certificate as its own",
            E::PathTooLong => "certificate path is longer than a CA in it, or this build, allows",
            E::NameConstraint => "certificate has a name that a CA in its path may not certify",
            E::UnknownIssuer => "certificate of the server leads to no trusted root",
            E::NotPinned => "no key of the server's certificates is pinned",
            E::BadSignature => "signature of a certificate is wrong",
            E::UnsupportedSignature => {
                "certificate is signed by an algorithm or key that is not supported"
            }
            E::RsaOnly => "server has only an RSA certificate; give it an ECDSA certificate",
            E::UnsupportedKey => "key of the server's certificate is of a kind not supported",
            E::BudgetExceeded => "certificates of the server take too much work to check",
            E::WrongProof => "server does not prove to have the key of its certificate",
            E::WrongScheme => "server signed the handshake with a scheme that was not offered",
        })
    }
}

impl core::error::Error for VerifyError {}

impl Coded for VerifyError {
    /// 0x40 to 0x5F; of an issuer's certificate 0x20 more, of a root's 0x40 more.
    fn code(&self) -> u32 {
        use VerifyError as E;
        let of = |number: u16, role: &Role| {
            number
                + match role {
                    Role::Leaf => 0x00,
                    Role::Issuer => 0x20,
                    Role::Root => 0x40,
                }
        };
        Module::Tls.code(match self {
            E::BadName => 0x40,
            E::NoTrust => 0x41,
            E::TooMuchTrust => 0x42,
            E::NoCertificate => 0x43,
            E::TooManyCertificates => 0x44,
            E::BadCertificate(role) => of(0x45, role),
            E::UnknownCriticalExtension(role) => of(0x46, role),
            E::Expired(role) => of(0x47, role),
            E::NotYetValid(role) => of(0x48, role),
            E::WrongName => 0x49,
            E::BroadWildcard => 0x4A,
            E::WrongUsage(role) => of(0x4B, role),
            E::WrongKeyUsage(role) => of(0x4C, role),
            E::CaAsLeaf => 0x4D,
            E::NotACa(role) => of(0x4E, role),
            E::PathTooLong => 0x4F,
            E::NameConstraint => 0x50,
            E::UnknownIssuer => 0x51,
            E::NotPinned => 0x52,
            E::BadSignature => 0x53,
            E::UnsupportedSignature => 0x54,
            E::RsaOnly => 0x55,
            E::UnsupportedKey => 0x56,
            E::BudgetExceeded => 0x57,
            E::WrongProof => 0x58,
            E::WrongScheme => 0x59,
            E::NoKeyIdentifier(role) => of(0x5A, role),
            E::WrongCriticality(role) => of(0x5B, role),
            E::BadHostName => 0x5C,
            E::StrayCommonName => 0x5D,
        })
    }

    fn blame(&self) -> Blame {
        use VerifyError as E;
        match self {
            E::TooMuchTrust => Blame::Caller,
            // What is pinned is wrong, or the URI.
            E::BadName
            | E::NoTrust
            | E::BadCertificate(Role::Root)
            | E::NoKeyIdentifier(Role::Root)
            | E::WrongCriticality(Role::Root)
            | E::UnknownCriticalExtension(Role::Root)
            | E::Expired(Role::Root)
            | E::NotYetValid(Role::Root)
            | E::WrongUsage(Role::Root)
            | E::WrongKeyUsage(Role::Root)
            | E::NotACa(Role::Root) => Blame::Configuration,
            // What an attacker would show.
            E::NoCertificate
            | E::TooManyCertificates
            | E::BadCertificate(_)
            | E::UnknownIssuer
            | E::NotPinned
            | E::BadSignature
            | E::BudgetExceeded
            | E::WrongProof
            | E::WrongScheme => Blame::Peer,
            // Somebody issued or installed the wrong certificate.
            E::NoKeyIdentifier(_)
            | E::WrongCriticality(_)
            | E::BadHostName
            | E::StrayCommonName
            | E::UnknownCriticalExtension(_)
            | E::Expired(_)
            | E::NotYetValid(_)
            | E::WrongName
            | E::BroadWildcard
            | E::WrongUsage(_)
            | E::WrongKeyUsage(_)
            | E::CaAsLeaf
            | E::NotACa(_)
            | E::PathTooLong
            | E::NameConstraint
            | E::UnsupportedSignature
            | E::RsaOnly
            | E::UnsupportedKey => Blame::Server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn samples() -> Vec<VerifyError> {
        use VerifyError as E;
        let mut all = vec![
            E::BadName,
            E::NoTrust,
            E::TooMuchTrust,
            E::NoCertificate,
            E::TooManyCertificates,
            E::WrongName,
            E::BroadWildcard,
            E::CaAsLeaf,
            E::PathTooLong,
            E::NameConstraint,
            E::UnknownIssuer,
            E::NotPinned,
            E::BadSignature,
            E::UnsupportedSignature,
            E::RsaOnly,
            E::UnsupportedKey,
            E::BudgetExceeded,
            E::WrongProof,
            E::WrongScheme,
            E::BadHostName,
            E::StrayCommonName,
        ];
        for role in [Role::Leaf, Role::Issuer, Role::Root] {
            all.extend([
                E::BadCertificate(role),
                E::NoKeyIdentifier(role),
                E::UnknownCriticalExtension(role),
                E::Expired(role),
                E::NotYetValid(role),
                E::WrongUsage(role),
                E::WrongKeyUsage(role),
                E::NotACa(role),
                E::WrongCriticality(role),
            ]);
        }
        all
    }

    #[test]
    fn numbers_are_unique_and_of_this_part_of_tls() {
        let codes: BTreeSet<u32> = samples().iter().map(Coded::code).collect();
        assert_eq!(codes.len(), samples().len());
        let range = Module::Tls.code(0x40)..=Module::Tls.code(0x9F);
        assert!(codes.iter().all(|code| range.contains(code)));
    }

    #[test]
    fn sentences_are_distinct_and_name_the_certificate() {
        let sentences: BTreeSet<String> = samples().iter().map(ToString::to_string).collect();
        assert_eq!(sentences.len(), samples().len());
        assert!(sentences.contains("certificate of the server has expired"));
        assert!(sentences.contains(
            "certificate of a CA that the server presented signed another, but is no CA's"
        ));
    }

    #[test]
    fn a_wrong_root_is_the_operators() {
        assert_eq!(
            VerifyError::Expired(Role::Root).blame(),
            Blame::Configuration
        );
        assert_eq!(VerifyError::Expired(Role::Leaf).blame(), Blame::Server);
        assert_eq!(VerifyError::BadSignature.blame(), Blame::Peer);
    }

    #[test]
    fn an_error_is_small() {
        assert!(size_of::<VerifyError>() <= 2);
    }
}
