//! A line that a person edits.
//!
//! The keys are those of readline's Emacs mode, as in iPXE's shell and its command `read`.

use super::{EarlierLines, Key, Terminal, draw, octets};
use core::ops::Range;
use heapless::{Vec, VecView};

/// Fewest columns that a terminal has. A narrower one is taken for one with so many.
const FEWEST_COLUMNS: usize = 16;

/// Fewest columns that a prompt leaves to the line.
const FEWEST_FOR_TEXT: usize = 8;

/// How an edited line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// The person pressed Enter.
    Entered,
    /// The person pressed Ctrl-C.
    Aborted,
}

/// An editor of one line with at most `N` octets of UTF-8.
///
/// [`LineEditor::start`] writes the prompt and the text that is edited. [`LineEditor::key`] takes each key. The line stays on one row of
/// the terminal: a text that is longer scrolls within it.
///
/// | key | what it does |
/// |---|---|
/// | Left, Ctrl-B; Right, Ctrl-F | moves by a character |
/// | Home, Ctrl-A; End, Ctrl-E | moves to the start; to the end |
/// | Backspace, Ctrl-H; Delete, Ctrl-D | deletes the character before the cursor; at it |
/// | Ctrl-K; Ctrl-U; Ctrl-W | deletes to the end; to the start; the word before the cursor |
/// | Up, Ctrl-P; Down, Ctrl-N | goes to the earlier line; to the later one |
/// | Enter; Ctrl-C | ends; aborts |
///
/// A character for which there is no room is dropped.
#[derive(Clone, Debug)]
pub struct LineEditor<const N: usize> {
    text: Vec<u8, N>,
    /// What was typed before the person went to earlier lines.
    draft: Vec<u8, N>,
    state: State,
}

impl<const N: usize> LineEditor<N> {
    /// An editor for a terminal with so many columns, of which there are at least 16.
    pub const fn new(columns: u16) -> Self {
        let columns = columns as usize;
        Self {
            text: Vec::new(),
            draft: Vec::new(),
            state: State {
                columns: if columns < FEWEST_COLUMNS {
                    FEWEST_COLUMNS
                } else {
                    columns
                },
                room: FEWEST_FOR_TEXT,
                cursor: 0,
                first: 0,
                column: 0,
                back: 0,
                secret: false,
            },
        }
    }

    /// Shows each character as an asterisk. Earlier lines are not offered.
    pub const fn secret(mut self) -> Self {
        self.state.secret = true;
        self
    }

    /// Begins to edit `text`, with the cursor behind it. The prompt is written at the start of the cursor's row. A prompt that is too
    /// wide is cut, and a text that is too long too.
    pub fn start(&mut self, prompt: &str, text: &str, terminal: &mut dyn Terminal) {
        octets::replace(&mut self.text, text);
        self.draft.clear();
        self.state.back = 0;
        self.state.cursor = self.text.len();
        self.redraw(prompt, terminal);
    }

    /// Draws prompt and line again, at the start of the cursor's row: after something else was written, which ended with a line end.
    pub fn redraw(&mut self, prompt: &str, terminal: &mut dyn Terminal) {
        self.state.draw_all(&self.text, prompt, terminal);
    }

    /// Takes a key. Returns how the line ended, when it has: the cursor is on the next row then.
    ///
    /// `earlier` has the lines to which Up goes; [`EarlierLines::default`] is for none. It has to be the same until the line ends.
    pub fn key(
        &mut self,
        key: Key,
        earlier: EarlierLines<'_>,
        terminal: &mut dyn Terminal,
    ) -> Option<Edited> {
        let draft = &mut self.draft;
        self.state
            .key(key, &mut self.text, draft, earlier, terminal)
    }

    /// The line so far.
    pub fn text(&self) -> &str {
        octets::text(&self.text)
    }

    /// Characters before the cursor.
    pub fn cursor(&self) -> usize {
        count(&self.text, 0..self.state.cursor)
    }
}

/// Number of characters in a part of a text.
fn count(text: &[u8], part: Range<usize>) -> usize {
    let part = text.get(part).unwrap_or_default();
    part.iter().filter(|octet| is_start(**octet)).count()
}

/// Whether an octet begins a character.
const fn is_start(octet: u8) -> bool {
    octet & 0xc0 != 0x80
}

#[derive(Clone, Debug)]
struct State {
    /// Columns of the terminal.
    columns: usize,
    /// Columns for the text. The terminal has one more, for the cursor.
    room: usize,
    /// Octets before the cursor.
    cursor: usize,
    /// Characters that are hidden to the left.
    first: usize,
    /// Where the terminal's cursor is, in columns from the end of the prompt.
    column: usize,
    /// How many lines back the shown one is; 0 is the one that is typed.
    back: usize,
    secret: bool,
}

impl State {
    fn draw_all(&mut self, text: &[u8], prompt: &str, terminal: &mut dyn Terminal) {
        terminal.write("\r");
        let most = self.columns.saturating_sub(FEWEST_FOR_TEXT + 1);
        let written = draw::text(terminal, prompt, most);
        self.room = self.columns.saturating_sub(written + 1);
        self.column = 0;
        self.first = 0;
        self.draw(text, Some(0), terminal);
    }

    /// Draws the text from the octet `changed` on, and moves the terminal's cursor to its place. `None` means that only the cursor has moved.
    #[inline(never)]
    fn draw(&mut self, text: &[u8], changed: Option<usize>, terminal: &mut dyn Terminal) {
        let cursor = count(text, 0..self.cursor);
        let mut from = changed.map(|at| count(text, 0..at));
        // With hidden characters one column before the cursor stays in sight: Backspace deletes nothing unseen.
        let least = self.first + usize::from(self.first > 0);
        if cursor < least || cursor > self.first + self.room {
            self.first = cursor.saturating_sub(self.room / 2);
            from = Some(0);
        }
        if let Some(from) = from {
            let end = self.first + self.room;
            let from = from.max(self.first).min(end);
            self.go(from - self.first, terminal);
            let characters = octets::text(text).chars().skip(from);
            for character in characters.take(end - from) {
                draw::character(terminal, if self.secret { '*' } else { character });
                self.column += 1;
            }
            terminal.write(draw::CLEAR_LINE);
        }
        self.go(cursor.saturating_sub(self.first), terminal);
    }

    /// Moves the terminal's cursor within the line.
    fn go(&mut self, column: usize, terminal: &mut dyn Terminal) {
        draw::go(terminal, column.saturating_sub(self.column), "C");
        draw::go(terminal, self.column.saturating_sub(column), "D");
        self.column = column;
    }

    fn key(
        &mut self,
        key: Key,
        text: &mut VecView<u8>,
        draft: &mut VecView<u8>,
        earlier: EarlierLines<'_>,
        terminal: &mut dyn Terminal,
    ) -> Option<Edited> {
        let before = self.cursor;
        match key {
            Key::Char(character) => {
                let octets = &mut [0; 4];
                let octets = character.encode_utf8(octets).as_bytes();
                if octets::insert(text, before, octets) {
                    self.cursor = before + octets.len();
                    self.draw(text, Some(before), terminal);
                }
                return None;
            }
            Key::Enter | Key::Ctrl('c') => {
                terminal.write("\r\n");
                return Some(match key {
                    Key::Enter => Edited::Entered,
                    _ => Edited::Aborted,
                });
            }
            Key::Up | Key::Ctrl('p') => self.travel(true, text, draft, earlier, terminal),
            Key::Down | Key::Ctrl('n') => self.travel(false, text, draft, earlier, terminal),
            Key::Left | Key::Ctrl('b') => self.cursor = self.left(text),
            Key::Right | Key::Ctrl('f') => self.cursor = self.right(text),
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = text.len(),
            Key::Backspace => self.delete(self.left(text)..before, text, terminal),
            Key::Delete | Key::Ctrl('d') => {
                self.delete(before..self.right(text), text, terminal);
            }
            Key::Ctrl('k') => self.delete(before..text.len(), text, terminal),
            Key::Ctrl('u') => self.delete(0..before, text, terminal),
            Key::Ctrl('w') => self.delete(self.word(text)..before, text, terminal),
            _ => {}
        }
        if self.cursor != before {
            self.draw(text, None, terminal);
        }
        None
    }

    /// Where the character before the cursor begins.
    fn left(&self, text: &[u8]) -> usize {
        let before = text.get(..self.cursor).unwrap_or_default();
        let start = before.iter().rposition(|octet| is_start(*octet));
        start.unwrap_or(0)
    }

    /// Where the character behind the one at the cursor begins.
    fn right(&self, text: &[u8]) -> usize {
        let mut place = self.cursor + 1;
        while text.get(place).is_some_and(|octet| !is_start(*octet)) {
            place += 1;
        }
        place.min(text.len())
    }

    /// Where the word before the cursor begins.
    fn word(&self, text: &[u8]) -> usize {
        let is_blank = |place: usize| {
            let octet = place.checked_sub(1).and_then(|place| text.get(place));
            octet.map(|octet| *octet == b' ')
        };
        let mut place = self.cursor;
        while is_blank(place) == Some(true) {
            place -= 1;
        }
        while is_blank(place) == Some(false) {
            place -= 1;
        }
        place
    }

    #[inline(never)]
    fn delete(&mut self, part: Range<usize>, text: &mut VecView<u8>, terminal: &mut dyn Terminal) {
        if part.is_empty() {
            return;
        }
        self.cursor = part.start;
        octets::remove(text, part);
        self.draw(text, Some(self.cursor), terminal);
    }

    /// Goes to the line before the shown one, or to the one behind it.
    fn travel(
        &mut self,
        back: bool,
        text: &mut VecView<u8>,
        draft: &mut VecView<u8>,
        earlier: EarlierLines<'_>,
        terminal: &mut dyn Terminal,
    ) {
        let next = match back {
            true => Some(self.back + 1),
            false => self.back.checked_sub(1),
        };
        let Some(next) = next.filter(|_| !self.secret) else {
            return;
        };
        match (next, earlier.get(next)) {
            (0, _) => octets::replace(text, octets::text(draft)),
            (_, None) => return,
            (_, Some(line)) => {
                if self.back == 0 {
                    octets::replace(draft, octets::text(text));
                }
                octets::replace(text, line);
            }
        }
        self.back = next;
        self.cursor = text.len();
        self.draw(text, Some(0), terminal);
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
