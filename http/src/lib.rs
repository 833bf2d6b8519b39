#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod chunked;
mod collect;
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
pub use netboot_core::Uri;
pub use redirect::{MAX_REDIRECTS, Redirects};
pub use request::{Content, Method, RangeFrom, Request};
pub use response::{Event, Expect, MAX_INTERIM, Response, Step};
