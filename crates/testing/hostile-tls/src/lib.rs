//! A TLS 1.3 server (RFC 8446) that misbehaves as a script says, to test clients with.
//!
//! It speaks the protocol by hand (P-256, AES-128-GCM and ChaCha20-Poly1305 with SHA-256) and shares no
//! code with the client under test. A [`Script`] is a list of [`Step`]s; a good one is a whole good
//! connection, and a bad one is made from it with [`Script::replace`], [`Script::before`] and the like.
//!
//! - [`script`]: what the server does, step by step.
//! - [`server`]: one connection, sans-IO: [`Server::feed`] takes octets and gives octets.
//! - [`listener`]: the same over TCP.
//! - [`report`]: what the client did meanwhile.
//!
//! ```
//! use hostile_tls::{Proof, Script, Step};
//!
//! // A server that proves nothing: no Certificate, no CertificateVerify.
//! let script = Script::good(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
//!     .without(|step| matches!(step, Step::Certificate(_) | Step::CertificateVerify(_)));
//! assert!(!script.steps.contains(&Step::CertificateVerify(Proof::Good)));
//! ```
#![forbid(unsafe_code)]

mod hello;
mod keys;
pub mod listener;
mod messages;
pub mod report;
pub mod script;
pub mod server;
mod wire;

pub use hello::ClientHello;
pub use listener::Listener;
pub use report::Report;
pub use script::{
    CertificateEntries, HelloRetry, KeyShare, Nonce, Proof, Script, Seal, ServerHello, SessionId,
    Step, http_response,
};
pub use server::{End, Server};
