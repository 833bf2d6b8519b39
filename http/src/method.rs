//! The methods of requests that this crate makes.

/// The method of a request (RFC 9110 section 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks for the content.
    Get,
    /// Asks for what GET would say about the content, without the content.
    Head,
    /// Hands content to the resource (RFC 9110 section 9.3.3).
    Post,
}

impl Method {
    /// The method's token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
        }
    }
}
