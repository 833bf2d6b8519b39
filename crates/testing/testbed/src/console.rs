//! A machine's serial console that is read and typed at.

use anyhow::{Context, Result, bail};
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A running machine with its console on standard input and output; killed when dropped.
pub struct Console {
    child: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    text: String,
    /// What [`expect`](Self::expect) has seen already: `text[..seen]`.
    seen: usize,
}

impl Drop for Console {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Console {
    /// Starts `command`. What it writes to standard error is not kept.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let input = child.stdin.take().context("no standard input")?;
        let mut output = child.stdout.take().context("no standard output")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(len) = output.read(&mut octets) {
                if len == 0 || sender.send(octets[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            input,
            output: receiver,
            text: String::new(),
            seen: 0,
        })
    }

    /// What it has said so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads what comes within `patience`; whether there may be more.
    pub fn read(&mut self, patience: Duration) -> bool {
        let mut next = self.output.recv_timeout(patience);
        loop {
            match next {
                Ok(octets) => self.text.push_str(&String::from_utf8_lossy(&octets)),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
            next = self.output.recv_timeout(Duration::ZERO);
        }
    }

    /// Waits until `words` come after what was expected before.
    ///
    /// # Errors
    /// When they do not by `deadline`, or the machine ends; with the last of what it said.
    pub fn expect(&mut self, words: &str, deadline: Instant) -> Result<()> {
        const LOOK: Duration = Duration::from_millis(50);
        loop {
            if let Some(at) = self.text[self.seen..].find(words) {
                self.seen += at + words.len();
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no {words:?} on the console; its end is {:?}", self.tail());
            }
            if !self.read(left.min(LOOK)) && !self.text[self.seen..].contains(words) {
                bail!(
                    "the machine ended without {words:?}; its end is {:?}",
                    self.tail()
                );
            }
        }
    }

    /// Types a line.
    ///
    /// # Errors
    /// When the machine has ended.
    pub fn type_line(&mut self, line: &str) -> Result<()> {
        writeln!(self.input, "{line}").context("the machine has ended")
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// Those of the kernel.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The last of what it said.
    pub fn tail(&self) -> &str {
        const LAST: usize = 300;
        let from = self.text.len().saturating_sub(LAST);
        let from = (from..=self.text.len()).find(|&at| self.text.is_char_boundary(at));
        &self.text[from.unwrap_or(0)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::bound_to_us;

    fn shell(script: &str) -> Console {
        let mut command = bound_to_us("/bin/sh");
        command.args(["-c", script]);
        Console::start(command).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn what_is_typed_is_answered() {
        let mut console = shell("printf 'name? '; read name; echo \"hello $name\"; exit 3");
        console.expect("? ", soon()).unwrap();
        console.type_line("board").unwrap();
        console.expect("hello board", soon()).unwrap();
        while console.read(Duration::from_millis(20)) {}
        while console.ended().unwrap().is_none() {
            assert!(Instant::now() < soon());
        }
        assert_eq!(console.ended().unwrap().unwrap().code(), Some(3));
    }

    #[test]
    fn silence_and_an_early_end_are_told_apart() {
        let mut silent = shell("echo here; exec sleep 100");
        let soon = Instant::now() + Duration::from_millis(200);
        let error = silent.expect("there", soon).unwrap_err().to_string();
        assert!(
            error.contains("no \"there\"") && error.contains("here"),
            "{error}"
        );
        let mut gone = shell("echo here");
        let error = gone.expect("there", self::soon()).unwrap_err().to_string();
        assert!(error.contains("ended"), "{error}");
    }
}
