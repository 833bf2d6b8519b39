//! What is sent to a bootstrap server (RFC 8572, section 7.3): the inputs of its two RPCs as JSON (RFC 8040, section 3.6.1).

#[cfg(feature = "csr")]
use crate::csr::KeyAlgorithm;
use crate::error::SztpError;
use crate::progress::Progress;
use core::fmt::{self, Write as _};
use heapless::String;
use netboot_core::base64;

/// Media type of requests and answers (RFC 8040, section 11.3.2).
pub const MEDIA_TYPE: &str = "application/yang-data+json";
/// Path of the RPC that asks for bootstrapping data.
pub const ASK_PATH: &str = "/restconf/operations/ietf-sztp-bootstrap-server:get-bootstrapping-data";
/// Path of the RPC that reports progress.
pub const REPORT_PATH: &str = "/restconf/operations/ietf-sztp-bootstrap-server:report-progress";
/// Octets of the longest request. One that has a certificate signing request in it is longer.
pub const MAX_REQUEST: usize = if cfg!(feature = "csr") { 1536 } else { 640 };

/// The content of a request.
pub type Body = String<MAX_REQUEST>;

/// What the device tells of itself to a server that it trusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About<'c> {
    /// Model of the hardware.
    pub hw_model: &'c str,
    /// Name of the software that runs, such as the ROM's.
    pub os_name: &'c str,
    /// Its version.
    pub os_version: &'c str,
}

/// The request for bootstrapping data. A server that is not trusted learns nothing of the device (`about` is `None`), and is told that the
/// device believes signed data only (RFC 8572, section 5.3).
///
/// # Errors
/// [`SztpError::RequestTooLong`].
#[inline(never)]
pub fn ask(about: Option<&About<'_>>, nonce: Option<&[u8]>) -> Result<Body, SztpError> {
    input(about, nonce).finish()
}

/// The request for bootstrapping data by a device that can make certificate signing requests with a key of this kind (RFC 9646, section 2.2). With
/// `csr` it has the one that the server has asked for.
///
/// # Errors
/// [`SztpError::RequestTooLong`].
#[cfg(feature = "csr")]
#[inline(never)]
pub(crate) fn ask_for_certificate(
    about: &About<'_>,
    nonce: Option<&[u8]>,
    algorithm: KeyAlgorithm,
    csr: Option<&[u8]>,
) -> Result<Body, SztpError> {
    let mut members = input(Some(about), nonce);
    match csr {
        Some(csr) => members.base64("ietf-sztp-csr:p10-csr", csr),
        None => {
            members.raw(
                "ietf-sztp-csr:csr-support",
                r#"{"csr-generation":{"supported-formats":{"format-identifier":["ietf-ztp-types:p10-csr"]}},"key-generation":{"supported-algorithms":{"algorithm-identifier":["#,
            );
            members.digits(algorithm.of_key());
            members.push("]}}}");
        }
    }
    members.finish()
}

/// The members that each request for bootstrapping data has.
fn input(about: Option<&About<'_>>, nonce: Option<&[u8]>) -> Members {
    let mut members = Members::new();
    match about {
        None => members.raw("signed-data-preferred", "[null]"),
        Some(about) => {
            for (name, text) in [
                ("hw-model", about.hw_model),
                ("os-name", about.os_name),
                ("os-version", about.os_version),
            ] {
                if !text.is_empty() {
                    members.text(name, text);
                }
            }
        }
    }
    if let Some(nonce) = nonce {
        members.base64("nonce", nonce);
    }
    members
}

/// A report of progress. `message` is for people, and may be empty; the end of a long one is cut off.
///
/// # Errors
/// None but [`SztpError::RequestTooLong`], which a report cannot have.
#[inline(never)]
pub fn report(progress: Progress, message: &str) -> Result<Body, SztpError> {
    /// Octets of the message that always fit: each may need six in JSON.
    const LONGEST: usize = 80;
    let mut members = Members::new();
    members.text("progress-type", progress.as_str());
    if !message.is_empty() {
        let mut end = message.len().min(LONGEST);
        while !message.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        members.text("message", message.get(..end).unwrap_or_default());
    }
    members.finish()
}

/// Members of the input, while they are written.
struct Members {
    body: Body,
    /// What became of the writing.
    written: fmt::Result,
    /// What stands before the next member.
    before: &'static str,
}

impl Members {
    fn new() -> Self {
        Self {
            body: Body::new(),
            written: Ok(()),
            before: r#"{"ietf-sztp-bootstrap-server:input":{"#,
        }
    }

    fn push(&mut self, text: &str) {
        self.written = self.written.and_then(|()| self.body.write_str(text));
    }

    fn name(&mut self, name: &str) {
        let before = core::mem::replace(&mut self.before, ",");
        for text in [before, "\"", name, "\":"] {
            self.push(text);
        }
    }

    fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.push(value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.push("\"");
        for character in value.chars() {
            match character {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                control @ '\0'..='\u{1f}' => {
                    self.push("\\u00");
                    let digit = |value| char::from_digit(value, 16).unwrap_or('0');
                    self.character(digit(control as u32 >> 4));
                    self.character(digit(control as u32 & 0xF));
                }
                other => self.character(other),
            }
        }
        self.push("\"");
    }

    fn base64(&mut self, name: &str, octets: &[u8]) {
        self.name(name);
        self.digits(octets);
    }

    fn digits(&mut self, octets: &[u8]) {
        self.push("\"");
        base64::encode(octets.iter().copied(), |digit| self.character(digit.into()));
        self.push("\"");
    }

    fn character(&mut self, character: char) {
        self.written = self.written.and_then(|()| self.body.write_char(character));
    }

    fn finish(mut self) -> Result<Body, SztpError> {
        // An input without members is an empty object.
        if self.before != "," {
            self.push(self.before);
        }
        self.push("}}");
        self.written.or(Err(SztpError::RequestTooLong))?;
        Ok(self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> = About {
        hw_model: "model-x",
        os_name: "caliptra-mcu-rom",
        os_version: "1.0",
    };

    #[test]
    fn a_trusted_server_learns_what_the_device_is() {
        let body = ask(Some(&ABOUT), Some(&[0xFF; 16])).unwrap();
        assert_eq!(
            body,
            r#"{"ietf-sztp-bootstrap-server:input":{"hw-model":"model-x","os-name":"caliptra-mcu-rom","os-version":"1.0","nonce":"/////////////////////w=="}}"#
        );
        let body = ask(Some(&About::default()), None).unwrap();
        assert_eq!(body, r#"{"ietf-sztp-bootstrap-server:input":{}}"#);
    }

    #[test]
    fn another_server_learns_nothing() {
        let body = ask(None, Some(&[0; 16])).unwrap();
        assert_eq!(
            body,
            r#"{"ietf-sztp-bootstrap-server:input":{"signed-data-preferred":[null],"nonce":"AAAAAAAAAAAAAAAAAAAAAA=="}}"#
        );
    }

    #[test]
    fn each_text_is_json() {
        for text in [
            "",
            "a\"b\\c",
            "\0\u{1f}\n\u{7f}",
            "\u{e4}\u{1f600}",
            &"x".repeat(100),
            &"\u{1}".repeat(100),
            &"\u{e4}".repeat(100),
        ] {
            let body = report(Progress::Informational, text).unwrap();
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            let input = &json["ietf-sztp-bootstrap-server:input"];
            assert_eq!(input["progress-type"], "informational");
            match text {
                "" => assert!(input.get("message").is_none()),
                _ => assert!(text.starts_with(input["message"].as_str().unwrap())),
            }
        }
        let long = About {
            hw_model: &"m".repeat(MAX_REQUEST),
            ..ABOUT
        };
        assert_eq!(ask(Some(&long), None), Err(SztpError::RequestTooLong));
    }
}
