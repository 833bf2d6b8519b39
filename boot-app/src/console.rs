//! A boot as lines of text, for a person and for a program that reads the console.
//!
//! A machine-readable line begins with `@` and a word; then come `key=value` pairs, separated by one
//! blank. `t` is µs since power-on. The value of `message`, always the last, goes to the end of the
//! line; it is there in builds with the feature `texts` only. Log lines have no `@` in front, so both can
//! share a UART.
//!
//! ```text
//! @requested t=1042311 index=0
//! @fetching t=1042320 index=0 uri=tftp://10.0.2.2/caliptra-fw.bin
//! @opened t=1043790 index=0 size=234496 protocol=tftp
//! @attempt-failed t=2043790 index=0 code=0x00020004 blame=network message=the TFTP server ...
//! ```

use crate::observer::{Event, Observer};
use crate::report::{BootReport, ImageReport, Outcome};
use core::fmt::Write;
use netboot_core::{Coded, Console, Instant};

/// Writes each event as a line.
#[derive(Debug)]
pub struct LineObserver<W>(pub W);

impl<W: Write> Observer for LineObserver<W> {
    fn event(&mut self, now: Instant, event: &Event<'_>) {
        write_event(&mut self.0, now, event);
    }
}

#[inline(never)]
fn write_event(out: &mut dyn Console, now: Instant, event: &Event<'_>) {
    out.text("@");
    out.text(match event {
        Event::Configured(_) => "configured",
        Event::Toc { .. } => "toc",
        Event::Requested { .. } => "requested",
        Event::Fetching { .. } => "fetching",
        Event::Opened { .. } => "opened",
        Event::Delivered { .. } => "delivered",
        Event::Verified { .. } => "verified",
        Event::Activated { .. } => "activated",
        Event::AttemptFailed { .. } => "attempt-failed",
        Event::ResetRequired { .. } => "reset-required",
        Event::DeviceReset => "device-reset",
        Event::Finished { .. } => "finished",
    });
    out.number("t", now.as_micros());
    if let Some(index) = event.index() {
        out.number("index", u64::from(index));
    }
    match event {
        Event::Configured(config) => {
            out.key("address");
            out.ip(config.address);
            out.text("/");
            out.decimal(u64::from(config.prefix_len));
            if let Some(router) = config.routers.first() {
                out.key("router");
                out.ip(*router);
            }
        }
        Event::Toc { images } => out.number("images", u64::from(*images)),
        Event::Requested { .. }
        | Event::Activated { .. }
        | Event::ResetRequired { .. }
        | Event::DeviceReset => {}
        Event::Fetching { uri, origin, .. } => {
            out.key("uri");
            out.uri(uri);
            out.word("source", origin.as_str());
        }
        Event::Opened { size, uri, .. } => {
            out.number("size", *size);
            out.word("protocol", uri.scheme_name());
        }
        Event::Delivered { octets, size, .. } => {
            out.number("octets", *octets);
            out.number("size", *size);
        }
        Event::Verified {
            sha256, expected, ..
        } => {
            if let Some(sha256) = sha256 {
                out.key("sha256");
                out.octets(&sha256.0);
            }
            out.flag("expected", *expected);
        }
        Event::AttemptFailed { error, .. } => write_error(out, *error),
        Event::Finished { status } => {
            out.key("status");
            out.hex(*status);
        }
    }
    out.text("\n");
}

/// Writes the pairs of an error: `code` and `blame`, and in a build with `texts` the sentence as `message`.
#[inline(never)]
pub fn write_error(out: &mut dyn Console, error: &dyn Coded) {
    out.key("code");
    out.hex(error.code());
    out.word("blame", error.blame().as_str());
    #[cfg(feature = "texts")]
    {
        out.key("message");
        let _ = core::fmt::write(&mut Formatted(out), format_args!("{error}"));
    }
}

/// A console for `core::fmt`.
#[cfg(feature = "texts")]
struct Formatted<'c>(&'c mut dyn Console);

#[cfg(feature = "texts")]
impl Write for Formatted<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.text(text);
        Ok(())
    }
}

/// Writes a report: one line for the boot, one for each image.
#[inline(never)]
pub fn write_report<N: Coded>(out: &mut dyn Console, report: &BootReport<N>) {
    out.text("@report");
    out.number("started", report.started.as_micros());
    if let Some(at) = report.configured {
        out.number("configured", at.as_micros());
    }
    out.number("ended", report.ended.as_micros());
    out.key("status");
    out.hex(report.status());
    if report.device_resets > 0 {
        out.number("device_resets", u64::from(report.device_resets));
    }
    if report.reset_required {
        out.flag("reset_required", true);
    }
    if let Some(error) = &report.error {
        write_error(out, error);
    }
    out.text("\n");
    for image in &report.images {
        write_image(out, image);
    }
}

#[inline(never)]
fn write_image<N: Coded>(out: &mut dyn Console, image: &ImageReport<N>) {
    out.text("@image");
    out.number("index", u64::from(image.index));
    let outcome = match image.outcome {
        Outcome::NotActivated => "not-activated",
        Outcome::Activated => "activated",
        Outcome::Refused => "refused",
    };
    out.word("outcome", outcome);
    if let Some(uri) = &image.uri {
        out.key("uri");
        out.uri(uri);
        out.word("protocol", uri.scheme_name());
    }
    out.number("octets", image.octets);
    if let Some(sha256) = &image.sha256 {
        out.key("sha256");
        out.octets(&sha256.0);
    }
    out.number("duration_us", image.duration.as_micros());
    out.number("transfer_us", image.transfer.as_micros());
    out.number("octets_per_s", image.throughput());
    out.number("retries", u64::from(image.retries));
    out.number("resumes", u64::from(image.resumes));
    if let Some(error) = &image.error {
        write_error(out, error);
    }
    out.text("\n");
}
