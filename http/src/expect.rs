//! What an answer has to fit to.

use crate::method::Method;

/// What the decoder knows of the request that a response answers. [`Request::expect`](crate::Request::expect) makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Method of the request. An answer to HEAD has no body.
    pub method: Method,
    /// Offset of the first octet that was asked for. A 206 must begin there.
    pub range_first: Option<u64>,
    /// Whether the request left the connection open.
    pub keep_alive: bool,
}
