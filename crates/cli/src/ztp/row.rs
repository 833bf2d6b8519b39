//! What a person would see in the row of the terminal that the cursor is in.
//!
//! The octets come from a board's UART, from what lies between, and from servers whose texts the board shows. Nothing in them is
//! trusted: a row has a bounded length, a control sequence has a bounded length, and of characters only those are kept that do nothing to
//! the operator's terminal.
//!
//! Of ECMA-48 the reader knows what the board's line editor draws with: `CUF`, `CUB`, `CHA` and `EL`. A jump to another row or a cleared screen
//! begins an empty row. Other sequences are dropped.

use crate::harmless;

/// Most characters of a row. What comes behind them is dropped.
pub const MOST: usize = 4096;
/// Most octets of a control sequence. A longer one is taken for text that was torn.
const SEQUENCE: usize = 64;

/// What the next octet is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// An ESC was the last octet.
    Escape,
    /// A control sequence: its first parameter, and whether that is over; octets so far.
    Sequence {
        first: u16,
        over: bool,
        octets: usize,
    },
    /// The text of a control string, which BEL or ESC ends; octets so far.
    Words {
        octets: usize,
    },
    /// A character of several octets: its bits, octets that are missing, and the least character of this length.
    Character {
        bits: u32,
        missing: u8,
        least: u32,
    },
}

/// The row of the cursor.
#[derive(Debug)]
pub struct Row {
    characters: Vec<char>,
    cursor: usize,
    state: State,
    /// The rest of the row was cleared, and nothing was written since.
    cleared: bool,
}

impl Row {
    /// An empty row.
    pub const fn new() -> Self {
        Self {
            characters: Vec::new(),
            cursor: 0,
            state: State::Text,
            cleared: false,
        }
    }

    /// Takes an octet. Returns the row when a line end has come, which begins the next one.
    pub fn push(&mut self, octet: u8) -> Option<String> {
        match (self.state, octet) {
            // A control character ends whatever was torn.
            (State::Words { .. }, 0x07) => self.state = State::Text,
            (_, 0x1b) => self.state = State::Escape,
            (_, 0..0x20 | 0x7f) => {
                self.tear();
                return self.control(octet);
            }
            (State::Escape, _) => self.state = Self::begun(octet),
            (
                State::Sequence {
                    first,
                    over,
                    octets,
                },
                _,
            ) => self.sequence(octet, first, over, octets),
            (State::Words { octets }, _) => {
                self.state = match octets < SEQUENCE {
                    true => State::Words { octets: octets + 1 },
                    false => State::Text,
                };
            }
            (
                State::Character {
                    bits,
                    missing,
                    least,
                },
                0x80..0xc0,
            ) => self.more(bits << 6 | u32::from(octet & 0x3f), missing - 1, least),
            (State::Character { .. }, _) => {
                self.tear();
                return self.push(octet);
            }
            (State::Text, _) => self.text(octet),
        }
        None
    }

    /// Whether the row has exactly this text, and the cursor behind it.
    pub fn is(&self, text: &str) -> bool {
        self.cursor == self.characters.len() && self.characters.iter().copied().eq(text.chars())
    }

    /// Whether the row is a prompt as the line editor draws it: this text alone, and the rest of the row cleared.
    pub fn is_prompt(&self, text: &str) -> bool {
        self.cleared && self.is(text)
    }

    /// The characters of the row.
    pub fn shown(&self) -> String {
        self.characters.iter().collect()
    }

    /// Begins an empty row.
    fn clear(&mut self) {
        self.characters.clear();
        self.cursor = 0;
        self.cleared = false;
    }

    /// Ends what is not complete. Half a character is shown as `?`.
    fn tear(&mut self) {
        if let State::Character { .. } = self.state {
            self.put('?');
        }
        self.state = State::Text;
    }

    fn control(&mut self, octet: u8) -> Option<String> {
        match octet {
            b'\n' => {
                let line = self.shown();
                self.clear();
                return Some(line);
            }
            b'\r' => self.cursor = 0,
            0x08 => self.cursor = self.cursor.saturating_sub(1),
            b'\t' => self.put(' '),
            _ => {}
        }
        None
    }

    /// What an ESC and this octet begin.
    const fn begun(octet: u8) -> State {
        match octet {
            b'[' => State::Sequence {
                first: 0,
                over: false,
                octets: 0,
            },
            // DCS, SOS, OSC, PM and APC have a text behind them.
            b'P' | b'X' | b']' | b'^' | b'_' => State::Words { octets: 0 },
            // One of two octets, such as ST.
            _ => State::Text,
        }
    }

    fn sequence(&mut self, octet: u8, first: u16, over: bool, octets: usize) {
        self.state = match octet {
            b'0'..=b'9' if !over => State::Sequence {
                first: first
                    .saturating_mul(10)
                    .saturating_add((octet - b'0').into()),
                over,
                octets: octets + 1,
            },
            0x20..=0x3f => State::Sequence {
                first,
                over: true,
                octets: octets + 1,
            },
            _ => State::Text,
        };
        match self.state {
            State::Text => self.draw(octet, first),
            _ if octets >= SEQUENCE => self.state = State::Text,
            _ => {}
        }
    }

    /// Carries a control sequence out.
    fn draw(&mut self, end: u8, parameter: u16) {
        let count = usize::from(parameter);
        match end {
            b'C' => self.go(self.cursor + count.max(1)),
            b'D' => self.cursor = self.cursor.saturating_sub(count.max(1)),
            b'G' => self.go(count.saturating_sub(1)),
            b'K' if count == 0 => {
                self.characters.truncate(self.cursor);
                self.cleared = true;
            }
            b'K' | b'J' if count == 2 => self.clear(),
            b'A' | b'B' | b'E' | b'F' | b'H' | b'd' | b'f' => self.clear(),
            _ => {}
        }
    }

    fn go(&mut self, column: usize) {
        self.cursor = column.min(MOST);
    }

    /// Takes the first octet of a character.
    fn text(&mut self, octet: u8) {
        let (missing, least) = match octet {
            0xc2..0xe0 => (1, 0x80),
            0xe0..0xf0 => (2, 0x800),
            0xf0..0xf5 => (3, 0x1_0000),
            0..0x80 => return self.put(char::from(octet)),
            _ => return self.put('?'),
        };
        let bits = u32::from(octet) & (0x3f >> missing);
        self.state = State::Character {
            bits,
            missing,
            least,
        };
    }

    /// Takes a further octet of a character.
    fn more(&mut self, bits: u32, missing: u8, least: u32) {
        self.state = State::Character {
            bits,
            missing,
            least,
        };
        if missing == 0 {
            self.state = State::Text;
            let character = char::from_u32(bits).filter(|_| bits >= least);
            self.put(character.unwrap_or('?'));
        }
    }

    /// Writes a character at the cursor.
    fn put(&mut self, character: char) {
        if self.cursor >= MOST {
            return;
        }
        if self.characters.len() <= self.cursor {
            self.characters.resize(self.cursor + 1, ' ');
        }
        if let Some(place) = self.characters.get_mut(self.cursor) {
            *place = harmless::character(character);
        }
        self.cursor += 1;
        self.cleared = false;
    }
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
