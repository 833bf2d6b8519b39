//! HTTP/1.1 client, sans-IO: RFC 9110 (semantics) and RFC 9112 (messages).
//!
//! [`Request::encode`] writes the request, and [`Response`] reads the answer in place:
//! body octets are never copied, and nothing of the body is ever kept. [`Redirects`] decides whether
//! a redirection may be followed. Time, sockets and retries are the caller's.
//!
//! ```text
//! Request::encode -> octets to the server
//! octets from the server -> Response::handle -> Head -> { Body, body_taken }* -> Complete
//!                                 closed early -> end_of_stream -> Truncated
//! ```
//!
//! The crate refuses what a boot ROM has no use for, and never guesses: content codings, upgrades, multipart
//! ranges, folded fields, a length that is given twice in two ways.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod chunked;
mod date;
mod error;
#[cfg(test)]
mod error_tests;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod head;
#[cfg(test)]
mod head_tests;
mod redirect;
mod request;
mod response;
mod syntax;

pub use error::HttpError;
#[cfg(feature = "media-type")]
pub use head::MAX_MEDIA_TYPE;
pub use head::{Framing, Head, MAX_VALIDATOR, Outcome, Validator};
pub use redirect::{MAX_REDIRECTS, Redirects};
pub use request::{Content, Method, RangeFrom, Request};
pub use response::{Event, Expect, MAX_INTERIM, Response, Step};

/// The examples of the README, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
