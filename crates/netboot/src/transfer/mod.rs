//! Transfers: a file as a stream of octets that is pumped, whatever carries it.
//!
//! | file | what |
//! |---|---|
//! | `carrier` | the trait that every protocol implements |
//! | `table` | the one place that maps a scheme to its carrier |
//! | `tftp` | TFTP |
//! | `http/` | HTTP and HTTPS |
//! | `ubp` | the UDP boot protocol |

pub mod carrier;
#[cfg(feature = "http")]
pub(crate) mod http;
pub(crate) mod table;
pub(crate) mod tftp;
#[cfg(feature = "ubp")]
pub(crate) mod ubp;
