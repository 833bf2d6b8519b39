//! What may be wrong with a server's chain.

/// A flaw, or a peculiarity that clients are apt to get wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The end entity's certificate ran out in 2020.
    Expired,
    /// The end entity's certificate is valid from 2049 on.
    NotYetValid,
    /// The intermediate authority's certificate ran out in 2020.
    ExpiredIssuer,
    /// The names are those of somebody else.
    WrongName,
    /// There is no subjectAltName; the name stands in the common name only.
    CommonNameOnly,
    /// The issuer is an ordinary end entity (CA:FALSE) of the trusted root.
    LeafIssuer,
    /// The issuer is an end entity of the trusted root without basicConstraints.
    IssuerWithoutConstraints,
    /// extendedKeyUsage is clientAuth only.
    ClientUsage,
    /// An authority with pathLenConstraint 0 has issued another authority's certificate.
    PathLenExceeded,
    /// The intermediate authority may issue for `permitted.example` and 192.0.2.0/24 only.
    NameConstraintsViolated,
    /// The chain leads to a root with another name and key.
    OtherCa,
    /// The chain names the trusted root as its issuer, but another key has signed it.
    ForgedSignature,
    /// The end entity has signed its own certificate.
    SelfSigned,
    /// The intermediate authority's certificate is not sent.
    MissingIntermediate,
    /// A critical extension that nobody knows.
    UnknownCriticalExtension,
    /// One octet of the end entity's signature is wrong.
    CorruptSignature,
    /// The end entity's certificate ends early.
    Truncated,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Expired,
        Self::NotYetValid,
        Self::ExpiredIssuer,
        Self::WrongName,
        Self::CommonNameOnly,
        Self::LeafIssuer,
        Self::IssuerWithoutConstraints,
        Self::ClientUsage,
        Self::PathLenExceeded,
        Self::NameConstraintsViolated,
        Self::OtherCa,
        Self::ForgedSignature,
        Self::SelfSigned,
        Self::MissingIntermediate,
        Self::UnknownCriticalExtension,
        Self::CorruptSignature,
        Self::Truncated,
    ];
}
