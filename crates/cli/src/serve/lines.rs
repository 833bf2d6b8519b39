//! What the operator reads while the server runs: a line for each transfer that a client reports, and for each name that is refused.

use crate::harmless;
use netboot_core::{Duration, Instant};
use netboot_lines::sentences;
use netboot_ubp::wire::{ErrorCode, Name, Report};
use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// Greatest number of refusals that are told in a second. Whoever asks has proved no address, and may ask often.
const REFUSALS: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);

/// The lines, as long as somebody wants them.
pub struct Lines<'o> {
    out: Option<&'o mut dyn Write>,
    /// When refusals are told again, and how many may be told until then.
    next: Instant,
    left: u32,
}

impl<'o> Lines<'o> {
    /// Makes lines that go to `out`. Without it nothing is printed.
    pub fn new(out: Option<&'o mut dyn Write>) -> Self {
        Self {
            out,
            next: Instant::ZERO,
            left: 0,
        }
    }

    /// Tells how a transfer ended.
    pub fn report(&mut self, from: SocketAddr, name: &str, report: &Report) {
        self.print(|| words(from, name, report));
    }

    /// Tells that a client did not get a file.
    pub fn refusal(&mut self, now: Instant, from: SocketAddr, name: &Name<'_>, code: ErrorCode) {
        if now >= self.next {
            self.next = now + SECOND;
            self.left = REFUSALS;
        }
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.print(|| {
                let name = match name {
                    Name::Path(path) => harmless::text(&String::from_utf8_lossy(path)),
                    Name::Digest(digest) => digest.to_string(),
                };
                format!("{} {name}: refused: {}", plain(from), code.as_str())
            });
        }
    }

    fn print(&mut self, line: impl FnOnce() -> String) {
        let Some(out) = &mut self.out else { return };
        // Who reads the lines may end before the server does.
        let printed = writeln!(out, "{}", line()).and_then(|()| out.flush());
        if printed.is_err() {
            self.out = None;
        }
    }
}

/// A report in one line.
fn words(from: SocketAddr, name: &str, report: &Report) -> String {
    let Report {
        octets,
        millis,
        error,
        ..
    } = report;
    let end = match error {
        0 => String::from("done"),
        error => format!("error {error:#010x}: {}", sentences::of(*error)),
    };
    let from = plain(from);
    format!("{from} {name}: {octets} octets in {millis} ms, {end}")
}

/// An address as people write it: that of an IPv4 client has no `::ffff:`.
fn plain(from: SocketAddr) -> SocketAddr {
    match from.ip().to_canonical() {
        IpAddr::V4(address) => SocketAddr::from((address, from.port())),
        IpAddr::V6(_) => from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line() {
        let report = |error| Report {
            octets: 5000,
            millis: 97,
            error,
            ..Report::default()
        };
        let v4 = "[::ffff:10.0.0.7]:5000".parse().unwrap();
        assert_eq!(
            words(v4, "/fw.bin", &report(0)),
            "10.0.0.7:5000 /fw.bin: 5000 octets in 97 ms, done"
        );
        let v6 = "[fe80::1]:7".parse().unwrap();
        assert_eq!(
            words(v6, "/fw.bin", &report(0x0007_0003)),
            "[fe80::1]:7 /fw.bin: 5000 octets in 97 ms, error 0x00070003: SHA-256 not as expected, not activated; found another value"
        );
        let unknown = words(v6, "x", &report(u32::MAX));
        assert!(unknown.ends_with("error 0xffffffff: an error that the table lacks"));
    }

    #[test]
    fn refusals_have_no_control_characters_and_a_bound() {
        let mut out = Vec::new();
        let mut lines = Lines::new(Some(&mut out));
        let from = "10.0.0.7:5000".parse().unwrap();
        let name = Name::Path(b"/a\x1b[2J\xff\xe2\x80\xae b");
        for at in [0, 1, 2] {
            for _ in 0..20 {
                let now = Instant::from_millis(at * 500);
                lines.refusal(now, from, &name, ErrorCode::NOT_FOUND);
            }
        }
        let text = String::from_utf8(out).unwrap();
        let told: Vec<_> = text.lines().collect();
        let line = "10.0.0.7:5000 /a?[2J?? b: refused: file not found";
        assert_eq!(told, [line; 20]);
        Lines::new(None).refusal(Instant::ZERO, from, &name, ErrorCode::REFUSED);
    }
}
