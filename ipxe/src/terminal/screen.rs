//! What a person sees: a terminal emulator that knows nothing of this crate.

use super::Terminal;
use core::num::NonZeroU16;
use std::string::String;

/// The emulator. It has no keys to offer.
pub struct Screen(pub vt100::Parser);

impl Terminal for Screen {
    fn write(&mut self, text: &str) {
        self.0.process(text.as_bytes());
    }

    fn key(&mut self) -> Option<u8> {
        None
    }
}

impl Screen {
    pub fn new(rows: u16, columns: u16) -> Self {
        let size = |number| NonZeroU16::new(number).unwrap();
        Self(vt100::Parser::new(size(rows), size(columns), 0))
    }

    /// Row and column of the cursor, from 0. Behind the last column it is as many as there are columns.
    pub fn cursor(&self) -> (u16, u16) {
        self.0.screen().cursor_position()
    }

    /// The text of a row, without the blanks at its end.
    pub fn row(&self, row: u16) -> String {
        let (_, columns) = self.0.screen().size();
        let rows = self.0.screen().rows(0, columns.get()).nth(row.into());
        rows.unwrap().trim_end().into()
    }

    /// Whether the character at a place is inverse.
    #[cfg(feature = "script")]
    pub fn is_inverse(&self, row: u16, column: u16) -> bool {
        self.0.screen().cell(row, column).unwrap().inverse()
    }
}
