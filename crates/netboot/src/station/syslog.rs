//! Lines for the server that takes the log (RFC 5424), one in a datagram (RFC 5426).

use super::station::Station;
use crate::board::Board;
use core::fmt;
use heapless::String;
use netboot_core::{Console, Platform};
use netboot_ipxe::{Severity, WriteLine};

/// Octets of the longest line. With the headers of IPv6 and UDP it fits the shortest MTU of IPv6, and a server has to take 480 octets and should
/// take 2,048 (RFC 5426, section 3.2).
pub(crate) const LINE_MAX: usize = 1_200;
/// UDP port of the server (RFC 5426, section 3.3).
const PORT: u16 = 514;
/// UDP port of the station. Nothing comes back.
const SOURCE: u16 = 514;
/// The facility of all lines: local use 0 (RFC 5424, section 6.2.1).
const FACILITY: u8 = 16;
/// The name of this program in each line (RFC 5424, section 6.2.5).
const APP_NAME: &str = "caliptra-netboot";
/// A line that is cut where it is full.
struct Line {
    text: String<LINE_MAX>,
    full: bool,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // What comes after a piece that was left out would mean something else.
        self.full |= self.full || self.text.push_str(text).is_err();
        Ok(())
    }
}

impl<B: Board> Station<'_, B> {
    /// Sends a line with this text, if there is a server and the pace allows it.
    #[inline(never)]
    pub(crate) fn syslog(&mut self, severity: Severity, id: &str, write: WriteLine<'_>) {
        let now = self.platform.now();
        let told = self
            .configs()
            .into_iter()
            .flatten()
            .find_map(|config| config.log);
        let Some(server) = self.options.syslog.or(told) else {
            return;
        };
        if self.approach(server).is_err() || !self.pace.allows(now, severity) {
            return;
        }
        let mut line = Line {
            text: String::new(),
            full: false,
        };
        self.write_line(&mut line, severity, id, write);
        // A line that waits for a hardware address goes where another one comes: a log never holds a boot up.
        let (from, to) = ((None, SOURCE), (server, PORT));
        let line = line.text.as_bytes();
        self.stack.link.send_datagram(now, from, to, line);
    }

    /// Writes a line: the header of RFC 5424 section 6.2 without a time stamp, as a ROM has no calendar, the station's hardware address, and the text.
    fn write_line(&mut self, line: &mut Line, severity: Severity, id: &str, write: WriteLine<'_>) {
        let mac = self.stack.link.info().mac;
        let config = self.config();
        let out: &mut dyn Console = line;
        out.text("<");
        out.decimal(u64::from(FACILITY * 8 + severity as u8));
        out.text(">1 - ");
        let name = config.map_or("", |config| config.hostname.as_str());
        match config.map(|config| config.address) {
            _ if !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic()) => {
                out.text(name);
            }
            Some(address) => out.ip(address),
            None => out.text("-"),
        }
        for word in [" ", APP_NAME, " - ", id, " -"] {
            out.text(word);
        }
        out.key("mac");
        out.octets(&mac);
        let dropped = self.pace.dropped;
        if dropped > 0 {
            out.number("dropped", dropped.into());
        }
        write(out, config);
        self.pace.dropped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Write;

    #[test]
    fn a_line_is_cut_between_two_pieces() {
        let mut line = Line {
            text: String::new(),
            full: false,
        };
        line.write_str(&"a".repeat(LINE_MAX - 3)).unwrap();
        line.write_str("bcde").unwrap();
        line.write_str("f").unwrap();
        assert_eq!(line.text.len(), LINE_MAX - 3);
    }
}
