//! The boot as lines for the server that takes the log (RFC 5424): one for each stage, and one at the end with everything.
//!
//! The pairs are those of the [console](crate::console). A `message` is the last of them, and each `=` in it is sent as `:`. A server may
//! have chosen some of its words, and whoever looks for pairs in the line must find none that the server made up.

use crate::console::{name, write_boot, write_config, write_image, write_message, write_pairs};
use crate::observer::Event;
use crate::report::BootReport;
use netboot_core::Instant;
use netboot_ipxe::{IpxeInterface, Severity};

/// Stands in the place of each `=` in a sentence.
const EQUALS: &str = ":";

/// Sends a line for an event that begins or ends a stage.
#[inline(never)]
pub(crate) fn tell<N: IpxeInterface>(net: &mut N, now: Instant, event: &Event<'_>) {
    let severity = match event {
        #[cfg(feature = "bootstore")]
        Event::Bootstore { .. } => Severity::Informational,
        #[cfg(feature = "negotiate")]
        Event::Server { .. } => Severity::Informational,
        #[cfg(feature = "script")]
        Event::Script { .. } => Severity::Informational,
        #[cfg(feature = "script")]
        Event::ScriptFailed { .. } => Severity::Warning,
        #[cfg(feature = "sztp")]
        Event::BootstrapServers { .. }
        | Event::Bootstrap { .. }
        | Event::Redirected { .. }
        | Event::Onboarding { .. }
        | Event::Provisioned { .. } => Severity::Informational,
        Event::BootFile { .. }
        | Event::Toc { .. }
        | Event::Opened { .. }
        | Event::Activated { .. } => Severity::Informational,
        Event::AttemptFailed { .. } | Event::ResetRequired { .. } | Event::DeviceReset => {
            Severity::Warning
        }
        // What goes on within a stage is for the console, and the other two have lines of their own.
        Event::Requested { .. }
        | Event::Fetching { .. }
        | Event::Delivered { .. }
        | Event::Verified { .. }
        | Event::Configured(_)
        | Event::Finished { .. } => return,
    };
    net.syslog(severity, name(event), &mut |out, _| {
        write_pairs(out, now, event);
        if let Event::AttemptFailed { error, .. } = event {
            write_message(out, *error, EQUALS);
        }
    });
}

/// Sends the line of a station that has an address.
pub(crate) fn configured<N: IpxeInterface>(net: &mut N, now: Instant) {
    let severity = Severity::Informational;
    net.syslog(severity, "configured", &mut |out, config| {
        out.number("t", now.as_micros());
        if let Some(config) = config {
            write_config(out, config);
        }
    });
}

/// Sends the last line: the boot, each image, the lease, and at its end the sentence of the boot's error. The sentence may have words of
/// a server's in it, so that nothing may follow it. The sentences of the images' errors were in lines of their own.
#[inline(never)]
pub(crate) fn finished<N: IpxeInterface>(net: &mut N, report: &BootReport<N::Error>) {
    let severity = match report.error {
        None => Severity::Notice,
        Some(_) => Severity::Error,
    };
    net.syslog(severity, "finished", &mut |out, config| {
        write_boot(out, report);
        for image in &report.images {
            write_image(out, image);
        }
        if let Some(config) = config {
            write_config(out, config);
        }
        if let Some(error) = &report.error {
            write_message(out, error, EQUALS);
        }
    });
}
