//! Keys out of octets.
//!
//! A key beside the letters sends an escape sequence (ECMA-48, section 5.4; the xterm control sequences, "PC-Style Function Keys"). A lone
//! octet ESC is the key Escape. The two are told apart by time alone.

use super::Terminal;
use netboot_core::{Duration, Instant};

/// How long an escape sequence may take from its first octet. A lone ESC becomes [`Key::Escape`] when it is over. At 9,600 baud a sequence
/// of four octets takes 4 ms; a serial line over a network may tear it apart.
pub const ESCAPE_TIME: Duration = Duration::from_millis(100);

/// Most octets that one call of [`Keys::read`] takes from a terminal.
const OCTETS_PER_READ: usize = 64;

const ESC: u8 = 0x1b;

/// A key of a person's keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character that is no control character.
    Char(char),
    /// Ctrl with a letter, which is lower case here. The key Tab is Ctrl with `i`.
    Ctrl(char),
    /// Enter: CR, LF, or both together as CR LF.
    Enter,
    /// Backspace, which deletes to the left: 0x08 or 0x7f.
    Backspace,
    /// Delete, which deletes at the cursor.
    Delete,
    /// The arrow to the left.
    Left,
    /// The arrow to the right.
    Right,
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Escape.
    Escape,
}

/// What has come of a key that has more than one octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// CR was a key; an LF that follows belongs to it.
    AfterCr,
    /// A character of UTF-8 lacks octets.
    Utf8 {
        value: u32,
        /// Octets that it lacks.
        left: u8,
        /// The smallest number that takes so many octets.
        least: u32,
    },
    /// ESC.
    Escape,
    /// ESC O, which one octet ends.
    Ss3,
    /// ESC [ and its parameters. `number` is the first one, `None` when a later one has begun.
    Csi {
        number: u8,
        first: bool,
    },
    /// ESC [ [, which one octet ends: a function key of the Linux console.
    Linux,
}

/// Turns the octets of a terminal into keys.
///
/// Give it each octet by [`Keys::push`]. When the terminal has no more octets for now, call [`Keys::poll`]. [`Keys::read`] does both.
///
/// A key that nobody here needs, such as F1 or Insert, is no key at all. Modifiers of other keys than letters are ignored: Alt with `x` is `x`,
/// and Ctrl with the arrow to the left is that arrow. An octet that is not UTF-8 is dropped.
#[derive(Clone, Debug)]
pub struct Keys {
    state: State,
    /// When the escape sequence is too late.
    deadline: Instant,
    escape_time: Duration,
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

impl Keys {
    /// A decoder that waits [`ESCAPE_TIME`] for the rest of a sequence.
    pub const fn new() -> Self {
        Self::with_escape_time(ESCAPE_TIME)
    }

    /// A decoder that waits `escape_time` for the rest of a sequence.
    pub const fn with_escape_time(escape_time: Duration) -> Self {
        Self {
            state: State::Start,
            deadline: Instant::FAR_FUTURE,
            escape_time,
        }
    }

    /// When [`Keys::poll`] has to be called again, if no octet comes before. `None` means that nothing is waited for.
    pub fn deadline(&self) -> Option<Instant> {
        self.is_sequence().then_some(self.deadline)
    }

    const fn is_sequence(&self) -> bool {
        matches!(
            self.state,
            State::Escape | State::Ss3 | State::Csi { .. } | State::Linux
        )
    }

    /// Takes the next key from a terminal. `None` means that the person has pressed no other key so far. A call takes at most 64 octets, so that
    /// it ends whatever the line sends; it may be called again at once.
    pub fn read(&mut self, terminal: &mut dyn Terminal, now: Instant) -> Option<Key> {
        for _ in 0..OCTETS_PER_READ {
            match terminal.key() {
                Some(octet) => {
                    if let Some(key) = self.push(octet, now) {
                        return Some(key);
                    }
                }
                None => return self.poll(now),
            }
        }
        None
    }

    /// Says that the terminal has no more octets at `now`. Returns [`Key::Escape`] when a lone ESC has become one.
    pub fn poll(&mut self, now: Instant) -> Option<Key> {
        if !self.is_sequence() || now < self.deadline {
            return None;
        }
        let state = core::mem::replace(&mut self.state, State::Start);
        (state == State::Escape).then_some(Key::Escape)
    }

    /// Takes the next octet, which was read at `now`. Returns the key that it completes.
    pub fn push(&mut self, octet: u8, now: Instant) -> Option<Key> {
        let state = core::mem::replace(&mut self.state, State::Start);
        match (state, octet) {
            (State::AfterCr, b'\n') => None,
            (State::Utf8 { value, left, least }, 0x80..=0xbf) => {
                let value = (value << 6) | u32::from(octet & 0x3f);
                match left {
                    0 | 1 => char::from_u32(value)
                        .filter(|_| value >= least)
                        .and_then(printable),
                    _ => {
                        let left = left - 1;
                        self.state = State::Utf8 { value, left, least };
                        None
                    }
                }
            }
            (State::Escape, ESC) => {
                self.begin_sequence(now);
                Some(Key::Escape)
            }
            (State::Escape, b'[') => self.go_on(State::Csi {
                number: 0,
                first: true,
            }),
            (State::Escape, b'O') => self.go_on(State::Ss3),
            (
                State::Csi {
                    number: 0,
                    first: true,
                },
                b'[',
            ) => self.go_on(State::Linux),
            (State::Csi { number, first }, 0x20..=0x3f) => {
                let digit = octet.wrapping_sub(b'0');
                let first = first && digit <= 9;
                let number = match first {
                    true => number.saturating_mul(10).saturating_add(digit),
                    false => number,
                };
                self.go_on(State::Csi { number, first })
            }
            // A parameter before the end is the key's modifier, as old terminals send it.
            (State::Ss3, b'0'..=b'9') => self.go_on(State::Ss3),
            (State::Csi { number, .. }, b'~') => match number {
                1 | 7 => Some(Key::Home),
                3 => Some(Key::Delete),
                4 | 8 => Some(Key::End),
                5 => Some(Key::PageUp),
                6 => Some(Key::PageDown),
                _ => None,
            },
            (State::Ss3, b'M') => Some(Key::Enter),
            (State::Csi { .. } | State::Ss3, 0x40..=0x7e) => match octet {
                b'A' => Some(Key::Up),
                b'B' => Some(Key::Down),
                b'C' => Some(Key::Right),
                b'D' => Some(Key::Left),
                b'F' => Some(Key::End),
                b'H' => Some(Key::Home),
                _ => None,
            },
            (State::Linux, 0x40..=0x7e) => None,
            // Whatever was there before is given up.
            _ => self.first(octet, now),
        }
    }

    fn go_on(&mut self, state: State) -> Option<Key> {
        self.state = state;
        None
    }

    fn begin_sequence(&mut self, now: Instant) {
        self.state = State::Escape;
        self.deadline = now + self.escape_time;
    }

    /// Takes an octet with which a key begins.
    fn first(&mut self, octet: u8, now: Instant) -> Option<Key> {
        let (bits, left, least) = match octet {
            b'\r' => {
                self.state = State::AfterCr;
                return Some(Key::Enter);
            }
            b'\n' => return Some(Key::Enter),
            0x08 | 0x7f => return Some(Key::Backspace),
            0x01..=0x1a => return Some(Key::Ctrl(char::from(octet | 0x60))),
            ESC => {
                self.begin_sequence(now);
                return None;
            }
            b' '..=b'~' => return Some(Key::Char(char::from(octet))),
            0xc2..=0xdf => (octet & 0x1f, 1, 0x80),
            0xe0..=0xef => (octet & 0x0f, 2, 0x800),
            0xf0..=0xf4 => (octet & 0x07, 3, 0x1_0000),
            _ => return None,
        };
        let value = u32::from(bits);
        self.go_on(State::Utf8 { value, left, least })
    }
}

/// The key of a character, which is none for a control character of ISO 6429's upper set.
fn printable(character: char) -> Option<Key> {
    (character >= '\u{a0}').then_some(Key::Char(character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The keys of octets that come all at once, and then nothing for a second.
    fn keys(octets: &[u8]) -> Vec<Key> {
        let mut keys = Keys::new();
        let mut found: Vec<Key> = octets
            .iter()
            .filter_map(|octet| keys.push(*octet, Instant::ZERO))
            .collect();
        found.extend(keys.poll(Instant::from_millis(1_000)));
        found
    }

    #[test]
    fn terminals_send_these_sequences() {
        for (key, sequences) in [
            (Key::Up, ["\x1b[A", "\x1bOA", "\x1b[1;2A", "\x1b[1;5A"]),
            (Key::Down, ["\x1b[B", "\x1bOB", "\x1b[1;2B", "\x1bO5B"]),
            (Key::Right, ["\x1b[C", "\x1bOC", "\x1b[1;5C", "\x1b[C"]),
            (Key::Left, ["\x1b[D", "\x1bOD", "\x1b[1;3D", "\x1b[D"]),
            (Key::Home, ["\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"]),
            (Key::End, ["\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"]),
            (Key::Delete, ["\x1b[3~", "\x1b[3;5~", "\x1b[3~", "\x1b[3~"]),
            (Key::PageUp, ["\x1b[5~", "\x1b[5;5~", "\x1b[5~", "\x1b[5~"]),
            (
                Key::PageDown,
                ["\x1b[6~", "\x1b[6;2~", "\x1b[6~", "\x1b[6~"],
            ),
            (Key::Enter, ["\r", "\n", "\r\n", "\x1bOM"]),
            (Key::Backspace, ["\x08", "\x7f", "\x1b\x7f", "\x1b\x08"]),
            (Key::Escape, ["\x1b", "\x1b", "\x1b", "\x1b"]),
            (Key::Char('x'), ["x", "\x1bx", "\0x", "\x1b[x"]),
            (
                Key::Ctrl('a'),
                ["\x01", "\x1b\x01", "\x1b[\x01", "\x1bO\x01"],
            ),
            (
                Key::Ctrl('z'),
                ["\x1a", "\x1b[1\x1a", "\x1b[[\x1a", "\x1c\x1a"],
            ),
        ] {
            for sequence in sequences {
                let expected = match sequence {
                    "\x1b[x" => vec![],
                    _ => vec![key],
                };
                assert_eq!(keys(sequence.as_bytes()), expected, "{sequence:?}");
            }
        }
    }

    #[test]
    fn other_keys_are_none() {
        for sequence in [
            "\x1bOP",
            "\x1b[11~",
            "\x1b[24~",
            "\x1b[2~",
            "\x1b[[A",
            "\x1b[[E",
            "\x1b[Z",
            "\x1b[200~",
            "\x1b[?1;2c",
            "\x1b[27;5;9~",
            "\x1b[",
            "\x1bO",
            "\x1b[[",
            "\x1b[1;",
            "\x1b[30~",
            "\x1b[256~",
            "\x1b[ A"[..2].as_ref(),
        ] {
            assert_eq!(keys(sequence.as_bytes()), [], "{sequence:?}");
        }
    }

    #[test]
    fn line_ends_are_one_key_each() {
        assert_eq!(keys(b"\r\n\r\n"), [Key::Enter; 2]);
        assert_eq!(keys(b"\n\r\r"), [Key::Enter; 3]);
        assert_eq!(keys(b"\r\n\n"), [Key::Enter; 2]);
        assert_eq!(keys(b"\r\0"), [Key::Enter]);
        assert_eq!(keys(b"\rx\n"), [Key::Enter, Key::Char('x'), Key::Enter]);
        // The LF may be late.
        let mut late = Keys::new();
        assert_eq!(late.push(b'\r', Instant::ZERO), Some(Key::Enter));
        assert_eq!(late.poll(Instant::from_millis(5_000)), None);
        assert_eq!(late.push(b'\n', Instant::from_millis(5_000)), None);
    }

    #[test]
    fn a_lone_esc_is_told_by_time() {
        let at = Instant::from_micros;
        let mut keys = Keys::new();
        assert_eq!(keys.deadline(), None);
        assert_eq!(keys.push(ESC, at(7)), None);
        assert_eq!(keys.deadline(), Some(at(100_007)));
        assert_eq!(keys.poll(at(100_006)), None);
        assert_eq!(keys.poll(at(100_007)), Some(Key::Escape));
        assert_eq!(keys.poll(at(200_000)), None);
        // What comes after it is for itself.
        assert_eq!(keys.push(b'[', at(200_000)), Some(Key::Char('[')));
        // A sequence that goes on within the time is one, and the time runs from its start.
        let mut keys = Keys::with_escape_time(Duration::from_millis(20));
        assert_eq!(keys.push(ESC, at(0)), None);
        assert_eq!(keys.push(b'[', at(19_000)), None);
        assert_eq!(keys.poll(at(19_999)), None);
        assert_eq!(keys.push(b'A', at(19_999)), Some(Key::Up));
        // One that breaks off is dropped.
        assert_eq!(keys.push(ESC, at(30_000)), None);
        assert_eq!(keys.push(b'[', at(30_001)), None);
        assert_eq!(keys.poll(at(50_000)), None);
        assert_eq!(keys.push(b'A', at(50_000)), Some(Key::Char('A')));
        // Two of them are one key and a beginning.
        assert_eq!(keys.push(ESC, at(60_000)), None);
        assert_eq!(keys.push(ESC, at(61_000)), Some(Key::Escape));
        assert_eq!(keys.push(b'[', at(62_000)), None);
        assert_eq!(keys.push(b'A', at(63_000)), Some(Key::Up));
    }

    #[test]
    fn damaged_utf8_is_dropped() {
        let text = |octets: &[u8]| -> String {
            let characters = keys(octets).into_iter().map(|key| match key {
                Key::Char(character) => character,
                other => panic!("{other:?}"),
            });
            characters.collect()
        };
        // The first and the last one of each length among them.
        let good = "aé界🦀\u{a0}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}";
        assert_eq!(text(good.as_bytes()), good);
        assert_eq!(text(b"\xc3x\xa9y"), "xy");
        assert_eq!(text(b"\xe0\x80\x80z"), "z", "longer than it has to be");
        assert_eq!(text(b"\xf0\x8f\xbf\xbfz"), "z", "longer than it has to be");
        assert_eq!(text(b"\xed\xa0\x80z"), "z", "a surrogate");
        assert_eq!(text(b"\xf4\x90\x80\x80z"), "z", "beyond Unicode");
        assert_eq!(text(b"\xc2\x9bz"), "z", "a control character");
        assert_eq!(text(b"\xc1\xbf\xff\x80z"), "z");
        assert_eq!(text(b"\x1b\xc3\xa9"), "é");
    }

    /// What a person sends.
    struct Line(Vec<u8>);

    impl Terminal for Line {
        fn write(&mut self, _: &str) {}
        fn key(&mut self) -> Option<u8> {
            (!self.0.is_empty()).then(|| self.0.remove(0))
        }
    }

    #[test]
    fn keys_are_read_from_a_terminal() {
        let mut line = Line(b"a\x1b[A\x1b".to_vec());
        let mut keys = Keys::new();
        let mut read = |millis| keys.read(&mut line, Instant::from_millis(millis));
        assert_eq!(read(0), Some(Key::Char('a')));
        assert_eq!(read(0), Some(Key::Up));
        assert_eq!(read(0), None);
        assert_eq!(read(99), None);
        assert_eq!(read(100), Some(Key::Escape));
        assert_eq!(read(101), None);
        // A line that never stops is looked at 64 times.
        let mut noise = Line(vec![0; 100]);
        assert_eq!(keys.read(&mut noise, Instant::ZERO), None);
        assert_eq!(noise.0.len(), 36);
    }

    proptest! {
        #[test]
        fn text_is_its_characters(text: String) {
            let expected: Vec<Key> = text
                .chars()
                .filter(|character| !character.is_control())
                .map(Key::Char)
                .collect();
            let clean: String = text.chars().filter(|character| !character.is_control()).collect();
            prop_assert_eq!(keys(clean.as_bytes()), expected);
        }

        /// After any octets a pause leaves nothing behind.
        #[test]
        fn a_pause_ends_all_sequences(octets: Vec<u8>) {
            let mut keys = Keys::new();
            for octet in &octets {
                let _ = keys.push(*octet, Instant::ZERO);
            }
            let _ = keys.poll(Instant::ZERO + ESCAPE_TIME);
            prop_assert_eq!(keys.deadline(), None);
            prop_assert_eq!(keys.push(b'k', Instant::from_millis(200)), Some(Key::Char('k')));
        }
    }
}
