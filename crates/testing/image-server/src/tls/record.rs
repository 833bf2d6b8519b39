//! The record of TLS connections.

use hostile_tls::Report;
use netboot_core::Instant;
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, ProtocolVersion};

/// One TLS connection, good or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConnection {
    /// When the TCP connection came.
    pub began: Instant,
    /// When the handshake was complete for the server, with the client's Finished.
    pub handshake_at: Option<Instant>,
    /// The version agreed.
    pub version: Option<ProtocolVersion>,
    /// The cipher suite agreed.
    pub suite: Option<CipherSuite>,
    /// The name that the client asked for (RFC 6066, section 3).
    pub server_name: Option<String>,
    /// The chain that the client has shown and proven.
    pub client_chain: Vec<CertificateDer<'static>>,
    /// Requests that came over it.
    pub requests: u32,
    /// Why it failed, in rustls's words; alerts of the client among it.
    pub error: Option<String>,
    /// The client has ended it with close_notify.
    pub close_notify: bool,
    /// What the client did, when the connection went by a script: then of all the above only the beginning
    /// and the number of requests are known.
    pub script: Option<Report>,
}

impl TlsConnection {
    /// One that has just begun.
    pub(crate) fn new(began: Instant) -> Self {
        Self {
            began,
            handshake_at: None,
            version: None,
            suite: None,
            server_name: None,
            client_chain: Vec::new(),
            requests: 0,
            error: None,
            close_notify: false,
            script: None,
        }
    }
}
