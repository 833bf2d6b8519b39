//! A boot as lines of text, for a person and for a program that reads the console.
//!
//! A machine-readable line begins with `@` and a word; then come `key=value` pairs, separated by one
//! blank. `t` is µs since power-on. The value of `message`, always the last, goes to the end of the
//! line; it is there in builds with the feature `texts` only. A server may have chosen some of its words. Log lines have no `@` in front, so both can
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
use netboot_core::{Coded, ConfigOrigin, Console, Instant};
use netboot_ipxe::NetworkConfig;

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
    out.text(name(event));
    write_pairs(out, now, event);
    let error = match event {
        Event::AttemptFailed { error, .. } => Some(*error),
        #[cfg(feature = "script")]
        Event::ScriptFailed { error } => {
            let error: &dyn Coded = *error;
            Some(error)
        }
        _ => None,
    };
    end_line(out, error);
}

/// The word for an event.
#[inline(always)]
pub(crate) fn name(event: &Event<'_>) -> &'static str {
    match event {
        Event::Configured(_) => "configured",
        #[cfg(feature = "bootstore")]
        Event::Bootstore { .. } => "bootstore",
        #[cfg(feature = "negotiate")]
        Event::Server { .. } => "server",
        Event::BootFile { .. } => "boot-file",
        #[cfg(feature = "script")]
        Event::Script { .. } => "script",
        #[cfg(feature = "script")]
        Event::ScriptFailed { .. } => "script-failed",
        #[cfg(feature = "sztp")]
        Event::BootstrapServers { .. } => "bootstrap-servers",
        #[cfg(feature = "sztp")]
        Event::Bootstrap { .. } => "bootstrap",
        #[cfg(feature = "sztp")]
        Event::Redirected { .. } => "redirected",
        #[cfg(feature = "sztp")]
        Event::Onboarding { .. } => "onboarding",
        #[cfg(feature = "sztp")]
        Event::Provisioned { .. } => "provisioned",
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
    }
}

/// Writes the pairs of an event, without the sentence of its error.
#[cfg_attr(feature = "syslog", inline(never))]
#[cfg_attr(not(feature = "syslog"), inline(always))]
pub(crate) fn write_pairs(out: &mut dyn Console, now: Instant, event: &Event<'_>) {
    out.number("t", now.as_micros());
    if let Some(index) = event.index() {
        out.number("index", u64::from(index));
    }
    match event {
        Event::Configured(config) => write_config(out, config),
        #[cfg(feature = "bootstore")]
        Event::Bootstore {
            generation,
            teller,
            servers,
            sztp,
        } => {
            match teller {
                crate::sources::Teller::Ledger => out.word("from", "ledger"),
                crate::sources::Teller::Node(address) => {
                    out.key("from");
                    out.ip(*address);
                }
            }
            out.number("generation", *generation);
            out.number("servers", u64::from(*servers));
            out.flag("sztp", *sztp);
        }
        #[cfg(feature = "negotiate")]
        Event::Server { uri, server } => {
            out.key("uri");
            out.uri(uri);
            if let Some(size) = server.size {
                out.number("size", size);
            }
            for (key, number) in [
                ("blksize", server.blksize),
                ("windowsize", server.windowsize),
            ] {
                if let Some(number) = number {
                    out.number(key, u64::from(number));
                }
            }
            out.flag("ranges", server.ranges);
            out.flag("keep_alive", server.keep_alive);
        }
        Event::BootFile { uri } => {
            out.key("uri");
            out.uri(uri);
        }
        #[cfg(feature = "script")]
        Event::Script { uri, octets } => {
            out.number("octets", *octets);
            out.key("uri");
            out.uri(uri);
        }
        #[cfg(feature = "script")]
        Event::ScriptFailed { error } => {
            out.number("line", error.line.into());
            write_code(out, *error);
        }
        #[cfg(feature = "sztp")]
        Event::BootstrapServers { found } => {
            out.number("servers", found.taken.into());
            out.number("ignored", found.ignored.into());
            out.flag("standard", found.form == netboot_sztp::dhcp::Form::Standard);
        }
        #[cfg(feature = "sztp")]
        Event::Bootstrap { uri, proof } => {
            out.key("uri");
            out.uri(uri);
            out.word("proof", proof.as_str());
        }
        #[cfg(feature = "sztp")]
        Event::Redirected { servers } => out.number("servers", (*servers).into()),
        #[cfg(feature = "sztp")]
        Event::Onboarding { trusted } => out.flag("trusted_server", *trusted),
        #[cfg(feature = "sztp")]
        Event::Provisioned { end } => out.word("end", end.as_str()),
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
            sha256,
            #[cfg(feature = "verity")]
            verity,
            expected,
            ..
        } => {
            if let Some(sha256) = sha256 {
                out.key("sha256");
                out.octets(&sha256.0);
            }
            #[cfg(feature = "verity")]
            if let Some(verity) = verity {
                out.key("verity");
                out.octets(&verity.0);
            }
            out.flag("expected", *expected);
        }
        Event::AttemptFailed { error, .. } => write_code(out, *error),
        Event::Finished { status } => {
            out.key("status");
            out.hex(*status);
        }
    }
}

/// Writes the pairs of a configuration: what tells a wrong pointer from a wrong server.
#[inline(never)]
pub(crate) fn write_config(out: &mut dyn Console, config: &NetworkConfig) {
    out.key("address");
    out.with_prefix(config.address, config.prefix_len);
    let dhcp = match &config.origin {
        ConfigOrigin::Dhcp(server) => Some(server),
        ConfigOrigin::Static => None,
    };
    for (key, address) in [
        ("router", config.routers.first()),
        ("dns", config.dns.first()),
        ("dhcp", dhcp),
        ("next_server", config.boot.next_server.as_ref()),
    ] {
        if let Some(address) = address {
            out.key(key);
            out.ip(*address);
        }
    }
    if config.routes_left_out > 0 {
        out.number("routes_left_out", config.routes_left_out.into());
    }
    if let Some(time) = config.lease_time {
        out.number("lease_s", time.as_secs());
    }
    for (key, text) in [
        ("server_name", &*config.boot.server_name),
        ("boot_file", &*config.boot.file),
    ] {
        if !text.is_empty() {
            out.key(key);
            write_told(out, text);
        }
    }
}

/// Writes a text that the network told, as one value. A blank and whatever else is no printable ASCII becomes `?`, and what may be user
/// information becomes `***`: from the first colon, with the slashes behind it, to the last `@`.
#[inline(never)]
fn write_told(out: &mut dyn Console, text: &str) {
    let octets = text.as_bytes();
    let end = octets.iter().rposition(|octet| *octet == b'@').unwrap_or(0);
    let colon = octets.iter().position(|octet| *octet == b':').unwrap_or(0);
    let mut start = true;
    for (at, octet) in octets.iter().enumerate() {
        if at > colon && *octet != b'/' && start {
            start = false;
            if at <= end {
                out.text("***");
            }
        }
        if !start && at < end {
            continue;
        }
        let shown = if octet.is_ascii_graphic() {
            *octet
        } else {
            b'?'
        };
        out.text(core::str::from_utf8(&[shown]).unwrap_or_default());
    }
}

/// Writes the pairs of an error: `code`, `blame` and the facts of the case, and in a build with `texts` the sentence as `message`. The
/// sentence may have words of a server's in it, so that the caller must write nothing more into the line.
#[cfg_attr(feature = "texts", inline(never))]
#[cfg_attr(not(feature = "texts"), inline(always))]
pub fn write_error(out: &mut dyn Console, error: &dyn Coded) {
    write_code(out, error);
    write_message(out, error, "=");
}

/// Writes the pairs of an error that consist of nothing that a server chose freely: `code`, `blame` and the facts of the case.
#[inline(never)]
fn write_code(out: &mut dyn Console, error: &dyn Coded) {
    out.key("code");
    out.hex(error.code());
    out.word("blame", error.blame().as_str());
    error.facts(out);
}

/// Writes the sentence of an error as `message`, in a build with `texts`. Nothing may follow it in the line. `equals` stands in the
/// place of each `=` in the sentence.
#[inline(always)]
pub(crate) fn write_message(out: &mut dyn Console, error: &dyn Coded, equals: &'static str) {
    #[cfg(feature = "texts")]
    {
        out.key("message");
        let _ = core::fmt::write(&mut Formatted { out, equals }, format_args!("{error}"));
    }
    #[cfg(not(feature = "texts"))]
    let _ = (out, error, equals);
}

/// A console for `core::fmt`.
#[cfg(feature = "texts")]
struct Formatted<'c> {
    out: &'c mut dyn Console,
    /// Stands in the place of each `=`.
    equals: &'static str,
}

#[cfg(feature = "texts")]
impl Write for Formatted<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for (place, part) in text.split('=').enumerate() {
            if place > 0 {
                self.out.text(self.equals);
            }
            self.out.text(part);
        }
        Ok(())
    }
}

/// Writes a report: one line for the boot, one for each image.
#[inline(never)]
pub fn write_report<N: Coded>(out: &mut dyn Console, report: &BootReport<N>) {
    out.text("@report");
    write_boot(out, report);
    end_line(out, report.error.as_ref().map(|error| error as _));
    for image in &report.images {
        out.text("@image");
        write_image(out, image);
        end_line(out, image.error.as_ref().map(|error| error as _));
    }
}

/// Ends a line with the sentence of an error, if there is one.
#[cfg_attr(feature = "texts", inline(never))]
#[cfg_attr(not(feature = "texts"), inline(always))]
fn end_line(out: &mut dyn Console, error: Option<&dyn Coded>) {
    if let Some(error) = error {
        write_message(out, error, "=");
    }
    out.text("\n");
}

/// Writes the pairs of a boot, without the sentence of its error.
#[cfg_attr(feature = "syslog", inline(never))]
#[cfg_attr(not(feature = "syslog"), inline(always))]
pub(crate) fn write_boot<N: Coded>(out: &mut dyn Console, report: &BootReport<N>) {
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
    if let Some(last) = report.protocol_error {
        out.number("last_protocol_error", u64::from(last.code));
        out.number("last_command", u64::from(last.command));
    }
    if let Some(error) = &report.error {
        write_code(out, error);
    }
}

/// Writes the pairs of an image, without the sentence of its error.
#[inline(never)]
pub(crate) fn write_image<N: Coded>(out: &mut dyn Console, image: &ImageReport<N>) {
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
    #[cfg(feature = "verity")]
    if let Some(verity) = &image.verity {
        out.key("verity");
        out.octets(&verity.0);
    }
    out.number("duration_us", image.duration.as_micros());
    out.number("transfer_us", image.transfer.as_micros());
    out.number("octets_per_s", image.throughput());
    out.number("retries", u64::from(image.retries));
    out.number("resumes", u64::from(image.resumes));
    if let Some(error) = &image.error {
        write_code(out, error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_network_told_is_one_value_without_credentials() {
        for (told, shown) in [
            ("firmware", "firmware"),
            ("htp://10.0.2.2/fw/", "htp://10.0.2.2/fw/"),
            ("a b\u{e9}", "a?b??"),
            ("http://me:pass@10.0.2.2/fw", "http://***@10.0.2.2/fw"),
            ("htp:/me:p/w@host/", "htp:/***@host/"),
            ("htp:me@host/", "htp:***@host/"),
            ("me:secret@host", "me:***@host"),
            ("", ""),
        ] {
            let mut out = String::new();
            write_told(&mut out, told);
            assert_eq!(out, shown, "{told}");
        }
    }

    #[test]
    fn a_configuration_says_where_everything_comes_from() {
        let mut config = NetworkConfig::new([10, 0, 2, 15].into(), 24);
        let mut out = String::new();
        write_config(&mut out, &config);
        assert_eq!(out, " address=10.0.2.15/24");
        config.origin = ConfigOrigin::Dhcp([10, 0, 2, 2].into());
        config.routers.push([10, 0, 2, 1].into()).unwrap();
        config.dns.push([10, 0, 2, 3].into()).unwrap();
        config.boot.next_server = Some([10, 0, 2, 4].into());
        config.boot.server_name = "tftp.example".try_into().unwrap();
        config.boot.file = "firmware".try_into().unwrap();
        config.lease_time = Some(netboot_core::Duration::from_secs(43_200));
        config.routes_left_out = 2;
        out.clear();
        write_config(&mut out, &config);
        assert_eq!(
            out,
            " address=10.0.2.15/24 router=10.0.2.1 dns=10.0.2.3 dhcp=10.0.2.2 next_server=10.0.2.4 routes_left_out=2 lease_s=43200 \
             server_name=tftp.example boot_file=firmware"
        );
    }
}
