//! Numbers of the protocol, and vectors with lengths (RFC 8446, section 3).

/// Record and content types (section 5.1).
pub mod content {
    /// change_cipher_spec
    pub const CCS: u8 = 20;
    /// alert
    pub const ALERT: u8 = 21;
    /// handshake
    pub const HANDSHAKE: u8 = 22;
    /// application_data
    pub const DATA: u8 = 23;
}

/// Handshake types (section 4).
pub mod handshake {
    pub const CLIENT_HELLO: u8 = 1;
    pub const SERVER_HELLO: u8 = 2;
    pub const NEW_SESSION_TICKET: u8 = 4;
    pub const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub const CERTIFICATE: u8 = 11;
    pub const CERTIFICATE_REQUEST: u8 = 13;
    pub const CERTIFICATE_VERIFY: u8 = 15;
    pub const FINISHED: u8 = 20;
    pub const KEY_UPDATE: u8 = 24;
    pub const MESSAGE_HASH: u8 = 254;
}

/// Extension types (section 4.2).
pub mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const SUPPORTED_GROUPS: u16 = 10;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const COOKIE: u16 = 44;
    pub const SUPPORTED_VERSIONS: u16 = 43;
    pub const KEY_SHARE: u16 = 51;
}

/// TLS_AES_128_GCM_SHA256
pub const AES_128_GCM: u16 = 0x1301;
/// TLS_CHACHA20_POLY1305_SHA256
pub const CHACHA20_POLY1305: u16 = 0x1303;
/// The group secp256r1.
pub const P256: u16 = 0x0017;
/// ecdsa_secp256r1_sha256
pub const ECDSA_P256: u16 = 0x0403;

/// `octets` behind their length in `width` octets. What does not fit is cut off: no script needs it.
pub fn vector(width: usize, octets: &[u8]) -> Vec<u8> {
    let length = (octets.len() as u32).to_be_bytes();
    [&length[4 - width..], octets].concat()
}

/// An extension.
pub fn extension_of(number: u16, content: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vector(2, content)].concat()
}

/// A list of extensions behind its length.
pub fn extensions(list: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let all: Vec<u8> = list
        .iter()
        .flat_map(|(number, content)| extension_of(*number, content))
        .collect();
    vector(2, &all)
}

/// A handshake message.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector(3, body)].concat()
}

/// A record in plaintext.
pub fn record(kind: u8, version: u16, content: &[u8]) -> Vec<u8> {
    [&[kind][..], &version.to_be_bytes(), &vector(2, content)].concat()
}

/// Reads fields one after the other.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next octets.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    /// A number of `width` octets, up to 4.
    pub fn number(&mut self, width: usize) -> Option<u32> {
        let octets = self.take(width)?;
        Some(
            octets
                .iter()
                .fold(0, |sum, octet| sum << 8 | u32::from(*octet)),
        )
    }

    /// A vector whose length has `width` octets.
    pub fn vector(&mut self, width: usize) -> Option<&'a [u8]> {
        let length = self.number(width)?;
        self.take(length as usize)
    }

    /// Numbers of two octets in a vector whose length has `width` octets.
    pub fn numbers(&mut self, width: usize) -> Option<Vec<u16>> {
        let pairs = self.vector(width)?.chunks_exact(2);
        Some(
            pairs
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect(),
        )
    }
}
