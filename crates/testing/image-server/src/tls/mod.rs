//! HTTPS: what stands between an HTTP connection and its TCP socket (RFC 8446, RFC 5246).
//!
//! - `config`: how the server behaves.
//! - `record`: what became of each connection.
//! - `session`: one connection's TLS, by rustls, sans-IO.
//! - `scripted`: the same by a script that misbehaves.
//! - `provider`: rustls's cryptography with chance from a seed.

mod config;
mod provider;
mod record;
mod scripted;
mod session;

pub use config::{HttpsConfig, TlsVersion};
pub use hostile_tls as hostile;
pub use record::TlsConnection;
pub use rustls::{CipherSuite, ProtocolVersion};

pub(crate) use provider::seeded;
pub(crate) use scripted::Scripted;
pub(crate) use session::Session;
