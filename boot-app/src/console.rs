//! A boot as lines of text, for a person and for a program that reads the console.
//!
//! A machine-readable line begins with `@` and a word; then come `key=value` pairs, separated by one
//! blank. `t` is µs since power-on. The value of `message`, always the last, goes to the end of the
//! line. Log lines have no `@` in front, so both can share a UART.
//!
//! ```text
//! @requested t=1042311 index=0
//! @fetching t=1042320 index=0 uri=tftp://10.0.2.2/caliptra-fw.bin
//! @opened t=1043790 index=0 size=234496 protocol=tftp
//! @attempt-failed t=2043790 index=0 code=0x00020004 blame=network message=the TFTP server ...
//! ```

use crate::observer::{Event, Observer};
use crate::report::{BootReport, ImageReport, Outcome};
use core::fmt::{self, Write};
use netboot_core::{Coded, Instant};

/// Writes each event as a line.
#[derive(Debug)]
pub struct LineObserver<W>(pub W);

impl<W: Write> Observer for LineObserver<W> {
    fn event(&mut self, now: Instant, event: &Event<'_>) {
        // A console that cannot be written to must not stop a boot.
        let _ = write_event(&mut self.0, now, event);
    }
}

#[inline(never)]
fn write_event(out: &mut dyn Write, now: Instant, event: &Event<'_>) -> fmt::Result {
    let word = match event {
        Event::Configured(_) => "configured",
        Event::Toc { .. } => "toc",
        Event::Requested { .. } => "requested",
        Event::Fetching { .. } => "fetching",
        Event::Opened { .. } => "opened",
        Event::Delivered { .. } => "delivered",
        Event::Verified { .. } => "verified",
        Event::Activated { .. } => "activated",
        Event::AttemptFailed { .. } => "attempt-failed",
        Event::Finished { .. } => "finished",
    };
    write!(out, "@{word}")?;
    number(out, "t", now.as_micros())?;
    if let Some(index) = event.index() {
        number(out, "index", u64::from(index))?;
    }
    match event {
        Event::Configured(config) => {
            write!(out, " address={}/{}", config.address, config.prefix_len)?;
            if let Some(router) = config.routers.first() {
                write!(out, " router={router}")?;
            }
        }
        Event::Toc { images } => number(out, "images", u64::from(*images))?,
        Event::Requested { .. } | Event::Activated { .. } => {}
        Event::Fetching { uri, .. } => write!(out, " uri={uri}")?,
        Event::Opened { size, protocol, .. } => {
            number(out, "size", *size)?;
            write!(out, " protocol={protocol}")?;
        }
        Event::Delivered { octets, size, .. } => {
            number(out, "octets", *octets)?;
            number(out, "size", *size)?;
        }
        Event::Verified {
            sha256, expected, ..
        } => write!(out, " sha256={sha256} expected={expected}")?,
        Event::AttemptFailed { error, .. } => write_error(out, *error)?,
        Event::Finished { status } => write!(out, " status={status:#010x}")?,
    }
    out.write_str("\n")
}

/// One `key=value` pair.
#[inline(never)]
fn number(out: &mut dyn Write, key: &str, value: u64) -> fmt::Result {
    write!(out, " {key}={value}")
}

#[inline(never)]
fn write_error(out: &mut dyn Write, error: &dyn Coded) -> fmt::Result {
    let (code, blame) = (error.code(), error.blame().as_str());
    write!(out, " code={code:#010x} blame={blame} message={error}")
}

/// Writes a report: one line for the boot, one for each image.
///
/// # Errors
/// When `out` cannot be written to.
#[inline(never)]
pub fn write_report<N: Coded>(out: &mut dyn Write, report: &BootReport<N>) -> fmt::Result {
    out.write_str("@report")?;
    number(out, "started", report.started.as_micros())?;
    if let Some(at) = report.configured {
        number(out, "configured", at.as_micros())?;
    }
    let status = report.status();
    number(out, "ended", report.ended.as_micros())?;
    write!(out, " status={status:#010x}")?;
    if let Some(error) = &report.error {
        write_error(out, error)?;
    }
    out.write_str("\n")?;
    report
        .images
        .iter()
        .try_for_each(|image| write_image(out, image))
}

#[inline(never)]
fn write_image<N: Coded>(out: &mut dyn Write, image: &ImageReport<N>) -> fmt::Result {
    let outcome = match image.outcome {
        Outcome::NotActivated => "not-activated",
        Outcome::Activated => "activated",
        Outcome::Refused => "refused",
    };
    out.write_str("@image")?;
    number(out, "index", u64::from(image.index))?;
    write!(out, " outcome={outcome}")?;
    if let Some(uri) = &image.uri {
        write!(out, " uri={uri}")?;
    }
    if let Some(protocol) = image.protocol {
        write!(out, " protocol={protocol}")?;
    }
    number(out, "octets", image.octets)?;
    if let Some(sha256) = &image.sha256 {
        write!(out, " sha256={sha256}")?;
    }
    number(out, "duration_us", image.duration.as_micros())?;
    number(out, "transfer_us", image.transfer.as_micros())?;
    number(out, "octets_per_s", image.throughput())?;
    number(out, "retries", u64::from(image.retries))?;
    number(out, "resumes", u64::from(image.resumes))?;
    if let Some(error) = &image.error {
        write_error(out, error)?;
    }
    out.write_str("\n")
}
