//! One request by POST with its whole answer: for what is asked and told, not downloaded.

use heapless::String;
use netboot_core::uri::Uri;

/// Octets of the media type of an answer.
pub const MAX_MEDIA_TYPE: usize = 64;

/// What an `https` server has to prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection<'p> {
    /// The server proves that it is the one that the URI names, by a certificate that leads to a root or pin which the network library trusts.
    #[default]
    Verified,
    /// The server proves that it is the one that the URI names, by a certificate that leads to this one in DER, and to no other.
    Anchored(&'p [u8]),
    /// The server proves nothing but that it owns the key it shows; anybody can do that. The caller believes nothing that it
    /// cannot check by other means, and sends nothing that must stay secret (RFC 8572, section 5.3).
    Provisional,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Post<'p> {
    /// Whom to ask.
    pub uri: &'p Uri,
    /// What the server has to prove, for `https`.
    pub protection: Protection<'p>,
    /// Media types that the answer may have; any when empty.
    pub accept: &'p str,
    /// Media type of the content.
    pub media_type: &'p str,
    /// The content.
    pub body: &'p [u8],
}

/// The answer to a request, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Status code, 200 to 999.
    pub status: u16,
    /// `Content-Type` in lower case, parameters included; empty when absent, or when it does not fit.
    pub media_type: String<MAX_MEDIA_TYPE>,
    /// Octets of the content, which is at the start of the caller's buffer.
    pub len: usize,
    /// Seconds to wait before asking again, when the server told.
    pub retry_after: Option<u32>,
}
