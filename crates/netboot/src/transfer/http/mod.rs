//! HTTP and HTTPS (RFC 9110, 9112) over TCP.
//!
//! Each file uses only those below it:
//!
//! | file | what |
//! |---|---|
//! | `download` | the carrier: one file, redirects, resumption by range |
//! | `exchange` | one request with its whole answer, in a buffer (feature `exchange`) |
//! | `lanes` | one file over several connections (feature `parallel`) |
//! | `stripes` | which part of a file comes over which connection (feature `parallel`) |
//! | `reader` | requests out, the decoder of the answer in |
//! | `connections` | the connections, by number |
//! | `connection` | one connection: a TCP socket, and TLS over it for `https` |
//! | `tls` | a TLS channel on its socket (feature `https`) |

mod connection;
mod connections;
mod download;
#[cfg(feature = "exchange")]
mod exchange;
#[cfg(feature = "parallel")]
mod lanes;
mod reader;
#[cfg(feature = "parallel")]
mod stripes;
#[cfg(feature = "https")]
mod tls;

pub(crate) use connection::{Connection, tcp_socket};
pub(crate) use download::Http;
#[cfg(feature = "exchange")]
pub use exchange::{Answer, ExchangeRequest};
#[cfg(feature = "parallel")]
pub(crate) use stripes::LANES;
#[cfg(feature = "https")]
pub use tls::Tls;
