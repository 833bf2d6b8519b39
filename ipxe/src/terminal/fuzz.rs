//! The body of the fuzz target: any octets from a keyboard, at each thing that takes keys.

use super::{History, Keys, LineEditor, Terminal};
use netboot_core::fuzz::Input;
use netboot_core::{Duration, Instant};

/// Octets that one key may draw: 80 columns of four octets, and the sequences around them.
const MOST_DRAWN: usize = 400;

/// A terminal that looks at what it is given.
#[derive(Default)]
struct Watched {
    written: usize,
}

impl Terminal for Watched {
    fn write(&mut self, text: &str) {
        self.written += text.len();
        let is_allowed = |octet: u8| octet >= b' ' && octet != 0x7f || b"\x1b\r\n".contains(&octet);
        assert!(text.bytes().all(is_allowed), "{text:?}");
    }

    fn key(&mut self) -> Option<u8> {
        None
    }
}

/// Types the input into a line editor that has earlier lines. An octet 0xff is a pause of some milliseconds.
///
/// # Panics
/// When the line is no longer text, or when a key draws a control character or without an end.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    let columns = u16::from(input.octet());
    let secret = input.flag();
    let mut terminal = Watched::default();
    let mut editor = LineEditor::<64>::new(columns.min(80));
    if secret {
        editor = editor.secret();
    }
    let start = input.octet();
    let start = core::str::from_utf8(input.take(usize::from(start))).unwrap_or("start");
    let mut history = History::<96>::new();
    let mut keys = Keys::new();
    let mut now = Instant::ZERO;
    editor.start("> ", start, &mut terminal);
    while !input.is_empty() {
        let key = match input.octet() {
            0xff => {
                now += Duration::from_millis(u64::from(input.octet()));
                keys.poll(now)
            }
            octet => keys.push(octet, now),
        };
        assert!(keys.deadline().is_none_or(|deadline| deadline > now));
        let Some(key) = key else { continue };
        terminal.written = 0;
        let ended = editor.key(key, history.lines(), &mut terminal);
        assert!(terminal.written <= MOST_DRAWN, "{key:?}");
        let text = editor.text();
        assert!(text.len() <= 64 && editor.cursor() <= text.chars().count());
        if ended.is_some() {
            history.push(text);
            editor.start("> ", "", &mut terminal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_octets(input: Vec<u8>) {
            run(&input);
        }

        #[test]
        fn keys_that_mean_something(
            columns: u8,
            keys in prop::collection::vec(
                prop::sample::select(vec![
                    "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[3~", "\r", "\r\n", "\x7f", "\x15", "\x17", "\x0b", "\x03", "é",
                    "word ", "a long text of many characters ",
                ]),
                0..80,
            ),
        ) {
            let mut input = vec![columns, 0, 0];
            input.extend(keys.concat().bytes());
            run(&input);
        }
    }
}
