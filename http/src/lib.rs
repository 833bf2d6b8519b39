#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod chunked;
mod collect;
mod date;
mod error;
#[cfg(test)]
mod error_tests;
mod expect;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod head;
#[cfg(test)]
mod head_tests;
mod method;
mod redirect;
mod request;
mod response;
mod syntax;
mod validator;

pub use error::HttpError;
pub use expect::Expect;
#[cfg(feature = "media-type")]
pub use head::MAX_MEDIA_TYPE;
pub use head::{Framing, Head, Outcome};
pub use method::Method;
pub use netboot_core::Uri;
pub use redirect::{MAX_REDIRECTS, Redirects};
pub use request::{Content, RangeFrom, Request};
pub use response::{Event, MAX_INTERIM, Response, Step};
pub use validator::{MAX_VALIDATOR, Validator};
