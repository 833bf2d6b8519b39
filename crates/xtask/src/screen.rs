//! A terminal in memory, for tests of progress bars.

use indicatif::{ProgressDrawTarget, TermLike};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Number of columns: those of a small terminal.
const WIDTH: u16 = 80;

/// Keeps each piece of text that is written to it. Movements of the cursor are not followed.
#[derive(Clone, Debug, Default)]
pub struct Screen(Arc<Mutex<Vec<String>>>);

impl Screen {
    /// Where a bar is drawn, at each change.
    pub fn target(&self) -> ProgressDrawTarget {
        ProgressDrawTarget::term_like(Box::new(self.clone()))
    }

    /// All texts that are no space, from the first to the last.
    pub fn all(&self) -> Vec<String> {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = written.iter().map(|text| text.trim_end().to_string());
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// The last text.
    pub fn last(&self) -> String {
        self.all().pop().unwrap_or_default()
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        WIDTH
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.push(text.to_string());
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
