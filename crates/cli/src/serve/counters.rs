//! What has happened since the start, in numbers, and as Prometheus wants to read it.

use netboot_ubp::wire::{Answer, Request};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Greatest number of error numbers that are counted apart. Clients choose them, and each has a line.
const NUMBERS: usize = 64;

/// Numbers of what has happened. None of them ever falls.
#[derive(Debug, Default)]
pub struct Counters {
    opens: u64,
    gets: u64,
    reports: u64,
    wrong_cookies: u64,
    ignored: u64,
    later: u64,
    dropped: u64,
    blocks: u64,
    octets: u64,
    unsent: u64,
    busy: u64,
    /// Messages ERROR by their code.
    errors: BTreeMap<u16, u64>,
    /// Reports by their error number.
    ends: BTreeMap<u32, u64>,
    /// Reports with one more error number than have a place in `ends`.
    other_ends: u64,
}

impl Counters {
    /// Counts a message that came. `is_answered` says that the server did something with it.
    pub fn came(&mut self, message: &[u8], is_answered: bool) {
        let number = match Request::parse(message) {
            Some(Request::Open(_)) => &mut self.opens,
            Some(Request::Get(_) | Request::Report(_)) if !is_answered => &mut self.wrong_cookies,
            Some(Request::Get(_)) => &mut self.gets,
            Some(Request::Report(_)) => &mut self.reports,
            None => &mut self.ignored,
        };
        *number += 1;
    }

    /// Counts a message that was sent.
    pub fn sent(&mut self, message: &[u8]) {
        self.octets += message.len() as u64;
        match Answer::parse(message) {
            Some(Answer::Busy { .. }) => self.busy += 1,
            Some(Answer::Error { code, .. }) => *self.errors.entry(code.0).or_default() += 1,
            Some(Answer::Data { .. }) => self.blocks += 1,
            _ => {}
        }
    }

    /// Counts a message that the system did not send.
    pub fn unsent(&mut self) {
        self.unsent += 1;
    }

    /// Counts an OPEN that is answered when the client asks again.
    pub fn later(&mut self) {
        self.later += 1;
    }

    /// Counts a GET for which there was no room.
    pub fn dropped(&mut self) {
        self.dropped += 1;
    }

    /// Counts how a transfer ended.
    pub fn ended(&mut self, error: u32) {
        let known = self.ends.len();
        match self.ends.entry(error) {
            std::collections::btree_map::Entry::Vacant(_) if known >= NUMBERS => {
                self.other_ends += 1;
            }
            entry => *entry.or_default() += 1,
        }
    }

    /// All of it in the text format of Prometheus, version 0.0.4. `files` and `bursts` are numbers of the moment.
    pub fn text(&self, files: usize, bursts: usize) -> String {
        let mut text = String::new();
        for (name, help, value) in [
            ("opens", "OPEN messages that came.", self.opens),
            (
                "gets",
                "GET messages with a right cookie that came.",
                self.gets,
            ),
            (
                "reports",
                "REPORT messages with a right cookie that came.",
                self.reports,
            ),
            (
                "wrong_cookies",
                "GET and REPORT messages with a wrong cookie.",
                self.wrong_cookies,
            ),
            (
                "ignored",
                "Datagrams that were no message of a client.",
                self.ignored,
            ),
            (
                "later",
                "OPEN messages without an answer while a tree was computed or files had no room.",
                self.later,
            ),
            (
                "dropped",
                "GET messages for which there was no room.",
                self.dropped,
            ),
            ("blocks", "Blocks that were sent.", self.blocks),
            (
                "octets",
                "Octets of all messages that were sent.",
                self.octets,
            ),
            (
                "unsent",
                "Messages that the system did not send.",
                self.unsent,
            ),
            ("busy", "BUSY messages that were sent.", self.busy),
        ] {
            head(&mut text, name, help);
            line(&mut text, &format!("netboot_ubp_{name}_total"), value);
        }
        head(
            &mut text,
            "errors",
            "ERROR messages that were sent, by their code.",
        );
        for (code, value) in &self.errors {
            let name = format!("netboot_ubp_errors_total{{code=\"{code}\"}}");
            line(&mut text, &name, *value);
        }
        head(
            &mut text,
            "transfers",
            "Transfers that clients have reported, by the error number; 0x00000000 if all went well.",
        );
        for (error, value) in &self.ends {
            let name = format!("netboot_ubp_transfers_total{{error=\"{error:#010x}\"}}");
            line(&mut text, &name, *value);
        }
        if self.other_ends > 0 {
            let name = "netboot_ubp_transfers_total{error=\"other\"}";
            line(&mut text, name, self.other_ends);
        }
        for (name, help, value) in [
            ("files", "Files that are open.", files),
            (
                "bursts",
                "GET messages whose blocks are being sent.",
                bursts,
            ),
        ] {
            // Writing into a string does not fail.
            let _ = write!(
                text,
                "# HELP netboot_ubp_{name} {help}\n# TYPE netboot_ubp_{name} gauge\n"
            );
            line(&mut text, &format!("netboot_ubp_{name}"), value as u64);
        }
        text
    }
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = write!(
        text,
        "# HELP netboot_ubp_{name}_total {help}\n# TYPE netboot_ubp_{name}_total counter\n"
    );
}

fn line(text: &mut String, name: &str, value: u64) {
    let _ = writeln!(text, "{name} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_of_clients_have_a_bound() {
        let mut counters = Counters::default();
        for error in 0..100 {
            counters.ended(error);
            counters.ended(0);
        }
        let text = counters.text(3, 4);
        let lines = text.lines().filter(|line| line.contains("{error="));
        assert_eq!(lines.count(), NUMBERS + 1);
        for line in [
            "netboot_ubp_transfers_total{error=\"0x00000000\"} 101",
            "netboot_ubp_transfers_total{error=\"0x0000003f\"} 1",
            "netboot_ubp_transfers_total{error=\"other\"} 36",
            "netboot_ubp_files 3",
            "netboot_ubp_bursts 4",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_counted_apart() {
        let mut counters = Counters::default();
        counters.came(b"garbage", false);
        counters.came(&[0x15; 32], false);
        counters.came(&[0x11; 288], false);
        let text = counters.text(0, 0);
        for line in ["ignored_total 2", "wrong_cookies_total 1", "opens_total 0"] {
            assert!(text.contains(&format!("netboot_ubp_{line}\n")), "{text}");
        }
    }
}
