//! What a certificate is for, and when.

/// A day: year, month, day; 00:00 UTC.
pub type Day = (i32, u8, u8);

/// When certificates are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// notBefore.
    pub from: Day,
    /// notAfter.
    pub to: Day,
}

impl Default for Validity {
    /// 2020-01-01 to 2049-12-31: UTCTime on both ends (RFC 5280, section 4.1.2.5).
    fn default() -> Self {
        Self {
            from: (2020, 1, 1),
            to: (2049, 12, 31),
        }
    }
}

/// What an end entity's certificate is for (extendedKeyUsage, RFC 5280, section 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// The extension is left out.
    None,
    /// serverAuth.
    Server,
    /// clientAuth.
    Client,
    /// codeSigning.
    CodeSigning,
}
