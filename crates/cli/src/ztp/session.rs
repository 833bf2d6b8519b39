//! A conversation with the shell of a board.
//!
//! Each wait has a deadline, and each deadline one error that says what it means for the board.

use super::place::ByteStream;
use super::row::Row;
use crate::harmless;
use anyhow::{Context, Result, bail};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// What the board writes at the start of a line in its shell.
pub const PROMPT: &str = "netboot> ";
/// The key that ends what a line of the shell does, or the line that is being edited.
const CTRL_C: u8 = 0x03;
/// The key that deletes the line that is being edited, so that nothing that somebody left there is entered.
const CTRL_U: u8 = 0x15;
const ENTER: u8 = b'\r';

/// The console is taken for quiet after this time without an octet.
const QUIET: Duration = Duration::from_millis(150);
/// Longest time for which a console that is not quiet is listened to at the start.
const SETTLE: Duration = Duration::from_secs(1);
/// Longest time until a character that was sent is shown.
const ECHO: Duration = Duration::from_secs(2);
/// Number of times that a line is typed, if something else is written between its characters.
const TRIES: u8 = 3;
/// Most octets that are read of one answer.
const MOST: usize = 1 << 18;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The board is at its prompt again.
    Prompt,
    /// The caller has seen the line that it waited for.
    Seen,
}

/// A board's console.
pub struct Session {
    stream: Box<dyn ByteStream>,
    row: Row,
    /// The last line that was not empty.
    last: Option<String>,
    /// Whether any octet has come.
    heard: bool,
}

impl Session {
    /// At a console that is open.
    pub fn new(stream: Box<dyn ByteStream>) -> Self {
        Self {
            stream,
            row: Row::new(),
            last: None,
            heard: false,
        }
    }

    /// Has the board show its prompt within `limit`. With `interrupt` the board ends what a line of its shell does; otherwise nothing that
    /// runs is disturbed. `on_line` gets each line of the console until then.
    ///
    /// # Errors
    /// When no prompt comes: what that means.
    pub fn prompt(
        &mut self,
        limit: Duration,
        interrupt: bool,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<()> {
        self.settle()?;
        let begun = Instant::now();
        let (half, whole) = (begun + limit / 2, begun + limit);
        if interrupt {
            self.send(&[CTRL_C])?;
        }
        // The answer to the first line may have been torn.
        for until in [half, whole] {
            self.send(&[CTRL_U, ENTER])?;
            if self.until_prompt(until, on_line)? {
                return Ok(());
            }
        }
        bail!(self.absence(limit))
    }

    /// Enters a line at the prompt, character by character: the board shows each one before the next one is sent, so that neither a small FIFO
    /// nor a line of the console between them changes the command.
    ///
    /// # Errors
    /// When the board does not show what it is sent.
    pub fn enter(&mut self, line: &str, limit: Duration) -> Result<()> {
        for attempt in 1..=TRIES {
            if self.typed(line)? {
                return self.send(&[ENTER]);
            }
            if attempt < TRIES {
                self.prompt(limit, false, &mut |_| {})?;
            }
        }
        // Nothing half is left behind for whoever comes next.
        self.send(&[CTRL_U])?;
        bail!(
            "the board does not show {line:?} as it is typed: the line has noise, or somebody else types"
        )
    }

    /// Gives the lines of the answer to `on_line` until it returns true or the board is at its prompt again.
    ///
    /// # Errors
    /// When neither happens within `limit`, or `bounded` is set and the answer does not end.
    pub fn answer(
        &mut self,
        limit: Duration,
        bounded: bool,
        on_line: &mut dyn FnMut(&str) -> Result<bool>,
    ) -> Result<End> {
        let until = Instant::now() + limit;
        let (mut octets, mut is_echo) = (0usize, true);
        loop {
            let is_prompt = self.row.is_prompt(PROMPT);
            let wait = match is_prompt {
                true => until.min(Instant::now() + QUIET),
                false => until,
            };
            let mut seen = Ok(false);
            let read = self.read(wait, &mut |line| {
                let echo = std::mem::take(&mut is_echo);
                if !echo && matches!(seen, Ok(false)) {
                    seen = on_line(line);
                }
            })?;
            if seen? {
                return Ok(End::Seen);
            }
            if is_prompt && read == 0 {
                return Ok(End::Prompt);
            }
            if Instant::now() >= until {
                break;
            }
            octets = octets.saturating_add(read);
            if bounded && octets > MOST {
                bail!("the board's answer does not end: {MOST} octets were read");
            }
        }
        bail!(
            "the board has not ended the command within {} s; {}",
            limit.as_secs(),
            self.last_line()
        )
    }

    /// Reads what the console still has to say, so that an old prompt is not taken for a new one.
    fn settle(&mut self) -> Result<()> {
        let until = Instant::now() + SETTLE;
        while self.read(until.min(Instant::now() + QUIET), &mut |_| {})? > 0 {
            if Instant::now() >= until {
                break;
            }
        }
        self.row = Row::new();
        Ok(())
    }

    /// Types a line; whether the board shows it, and nothing else.
    fn typed(&mut self, line: &str) -> Result<bool> {
        let mut shown = String::from(PROMPT);
        for character in line.chars() {
            self.send(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            shown.push(character);
            let until = Instant::now() + ECHO;
            while !self.row.is(&shown) {
                self.read(until, &mut |_| {})?;
                if Instant::now() >= until && !self.row.is(&shown) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether the prompt comes in time, and nothing behind it for a while.
    fn until_prompt(&mut self, until: Instant, on_line: &mut dyn FnMut(&str)) -> Result<bool> {
        loop {
            let is_prompt = self.row.is_prompt(PROMPT);
            let wait = match is_prompt {
                true => Instant::now() + QUIET,
                false => until,
            };
            let read = self.read(wait, on_line)?;
            if is_prompt && read == 0 {
                return Ok(true);
            }
            if Instant::now() >= until && !self.row.is_prompt(PROMPT) {
                return Ok(false);
            }
            // A console that draws prompts without an end.
            if Instant::now() >= until + SETTLE {
                return Ok(false);
            }
        }
    }

    fn send(&mut self, octets: &[u8]) -> Result<()> {
        let sent = self.stream.write_all(octets);
        sent.context("cannot write to the console")
    }

    /// Reads what is there, and waits for the first octet until `until`. Returns the number of octets; 0 when none has come.
    fn read(&mut self, until: Instant, on_line: &mut dyn FnMut(&str)) -> Result<usize> {
        let left = until.saturating_duration_since(Instant::now());
        let mut octets = [0; 1024];
        let len = match self.stream.read(&mut octets, left) {
            Ok(0) => bail!("the console was closed; {}", self.last_line()),
            Ok(len) => len,
            Err(error) => match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => 0,
                _ => return Err(error).context("cannot read from the console"),
            },
        };
        for octet in octets.iter().take(len) {
            if let Some(line) = self.row.push(*octet) {
                on_line(&line);
                if !line.trim().is_empty() {
                    self.last = Some(line);
                }
            }
        }
        self.heard |= len > 0;
        Ok(len)
    }

    /// What it means that no prompt has come.
    fn absence(&self, limit: Duration) -> String {
        let waited = format!(
            "the board is not at its prompt: none came within {} s",
            limit.as_secs()
        );
        match self.heard {
            false => format!(
                "{waited}, and nothing else. The board is off, its console is elsewhere or has another speed, or what runs there says nothing"
            ),
            true => format!(
                "{waited}; {}. Either something runs there, such as a boot or `ztp run`, which `netboot ztp disable` ends if it was begun at the \
                 prompt; or the board gives no prompt: it needs a build with the shell, and the setting `shell on`",
                self.last_line()
            ),
        }
    }

    fn last_line(&self) -> String {
        let shown = self.row.shown();
        let last = match (&self.last, shown.trim().is_empty()) {
            (_, false) => &shown,
            (Some(last), true) => last,
            (None, true) => return "it has said nothing".into(),
        };
        let short: String = last.chars().take(200).collect();
        format!(
            "the last line of its console is {:?}",
            harmless::text(&short)
        )
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
