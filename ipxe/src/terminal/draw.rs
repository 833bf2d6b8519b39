//! What is written to a terminal: characters of one column, and the escape sequences of a VT100.

use super::Terminal;
use netboot_core::Console;

/// A terminal as a console, for its numbers.
struct Numbers<'a>(&'a mut dyn Terminal);

impl Console for Numbers<'_> {
    fn text(&mut self, text: &str) {
        self.0.write(text);
    }
}

/// Writes a number in decimal.
#[inline(never)]
pub(super) fn number(terminal: &mut dyn Terminal, value: u64) {
    <dyn Console>::decimal(&mut Numbers(terminal), value);
}

/// Writes the character that stands for `character` on a terminal.
pub(super) fn character(terminal: &mut dyn Terminal, character: char) {
    terminal.write(shown(character).encode_utf8(&mut [0; 4]));
}

/// The character that stands for `character` on a terminal: itself where every terminal gives it one column, and `?` otherwise. So a
/// count of characters is a count of columns, and no control character is ever drawn.
pub(super) const fn shown(character: char) -> char {
    match character {
        // ASCII and Latin with its accents.
        ' '..='~' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' |
        // Greek and Cyrillic, without marks that combine.
        '\u{370}'..='\u{377}' | '\u{37a}'..='\u{37f}' | '\u{384}'..='\u{38a}' | '\u{38e}'..='\u{3a1}' | '\u{3a3}'..='\u{482}' |
        '\u{48a}'..='\u{52f}' |
        // More Latin, dashes and quotes, box drawing.
        '\u{1e00}'..='\u{1eff}' | '\u{2010}'..='\u{2027}' | '\u{20a0}'..='\u{20bf}' | '\u{2500}'..='\u{259f}' => character,
        _ => '?',
    }
}

/// Writes `ESC [ count end`, which moves the cursor; nothing for a count of 0.
pub(super) fn go(terminal: &mut dyn Terminal, count: usize, end: &str) {
    if count > 0 {
        terminal.write("\x1b[");
        number(terminal, count as u64);
        terminal.write(end);
    }
}

/// Moves the cursor to a row and a column, both counted from 0.
#[cfg(feature = "script")]
pub(super) fn place(terminal: &mut dyn Terminal, row: usize, column: usize) {
    go(terminal, row.saturating_add(1), ";");
    number(terminal, column.saturating_add(1) as u64);
    terminal.write("H");
}

/// Writes the first characters of a text, at most `columns` of them. Returns their number.
pub(super) fn text(terminal: &mut dyn Terminal, text: &str, columns: usize) -> usize {
    let mut written = 0;
    for next in text.chars().take(columns) {
        character(terminal, next);
        written += 1;
    }
    written
}

/// Clears from the cursor to the end of its line.
pub(super) const CLEAR_LINE: &str = "\x1b[K";

/// Clears the screen.
#[cfg(feature = "script")]
pub(super) const CLEAR_SCREEN: &str = "\x1b[0m\x1b[2J\x1b[H";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::screen::Screen;

    /// The emulator knows the widths that Unicode gives.
    #[test]
    fn each_character_takes_one_column() {
        let mut screen = Screen::new(24, 80);
        for character in '\0'..=char::MAX {
            screen.write("\r");
            super::character(&mut screen, character);
            assert_eq!(screen.cursor(), (0, 1), "{character:?}");
        }
        assert_eq!(shown('é'), 'é');
        assert_eq!(shown('界'), '?');
        assert_eq!(shown('\x1b'), '?');
        assert_eq!(shown('\u{301}'), '?');
        assert_eq!(shown('\u{9b}'), '?');
    }

    #[test]
    fn the_cursor_goes_to_a_place() {
        let mut screen = Screen::new(24, 80);
        #[cfg(feature = "script")]
        {
            place(&mut screen, 22, 78);
            assert_eq!(screen.cursor(), (22, 78));
        }
        go(&mut screen, 100, "D");
        let (row, _) = screen.cursor();
        go(&mut screen, 11, "C");
        go(&mut screen, 0, "C");
        assert_eq!(screen.cursor(), (row, 11));
        assert_eq!(text(&mut screen, "äbc", 2), 2);
        assert_eq!(screen.cursor(), (row, 13));
    }
}
