//! Zero-touch provisioning of one board, by its console.
//!
//! | file | what |
//! |---|---|
//! | `place` | where the console is: a terminal device, a UNIX socket, a console server |
//! | `row` | the row that a person would see, of octets that nobody trusts |
//! | `session` | the prompt, a line that is entered, the lines of the answer |
//! | `words` | the board's answers in words |

mod place;
mod row;
mod session;
mod words;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use netboot_lines::lines::Said;
use netboot_lines::sentences;
use netboot_lines::ztp::{Status, Told};
use place::Place;
use session::{End, Session};
use std::io::Write;
use std::time::Duration;

/// Seconds until the prompt, and until the end of a short command.
const SHORT: u64 = 10;
/// Most lines that are kept of an answer.
const LINES: usize = 256;

/// Where the board is.
#[derive(Args)]
pub struct Console {
    /// The board's console: a terminal device, a UNIX socket, or the address of a console server
    #[arg(long, value_name = "PATH|HOST:PORT")]
    console: Place,
    /// The speed of a terminal device in bits per second [default: as it is]
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(50..=4_000_000))]
    baud: Option<u32>,
}

/// A board, and how long it may take.
#[derive(Args)]
pub struct Short {
    #[command(flatten)]
    console: Console,
    /// Seconds until the board's prompt, and then until its answer
    #[arg(long, value_name = "SECONDS", default_value_t = SHORT, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Say how far provisioning is, whether it is enabled, and why the bootstrap server is trusted or not. Nothing that runs is disturbed
    Status {
        #[command(flatten)]
        board: Short,
        /// Tell times, places of the image, files and protocols too
        #[arg(long)]
        verbose: bool,
        /// Show the lines as the board sent them
        #[arg(long)]
        raw: bool,
    },
    /// Have later boots ask bootstrap servers again
    Enable {
        #[command(flatten)]
        board: Short,
    },
    /// Have later boots ask no bootstrap servers. A provisioning that was begun at the prompt is ended
    Disable {
        #[command(flatten)]
        board: Short,
    },
    /// Begin provisioning anew, and show the console until the boot is over. What was begun at the prompt before is ended
    Run {
        #[command(flatten)]
        console: Console,
        /// Seconds until the boot has to be over
        #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u64).range(1..=604_800))]
        timeout: u64,
    },
}

/// Runs a command; whether the board has done what it was told.
///
/// # Errors
/// When the console cannot be opened, the board is not at its prompt, or it does not answer in time.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<bool> {
    match command {
        Command::Status {
            board,
            verbose,
            raw,
        } => {
            let line = match verbose {
                true => "ztp status --verbose",
                false => "ztp status",
            };
            let lines = ask(board, line, false, out)?;
            show_status(&lines, *raw, out)
        }
        Command::Enable { board } => {
            let lines = ask(board, "ztp enable", false, out)?;
            show_switch(&lines, true, out)
        }
        Command::Disable { board } => {
            let lines = ask(board, "ztp disable", true, out)?;
            show_switch(&lines, false, out)
        }
        Command::Run { console, timeout } => begin(console, Duration::from_secs(*timeout), out),
    }
}

/// Opens the console and waits for the prompt. With `interrupt` what was begun there is ended, which is told.
fn at_prompt(
    console: &Console,
    limit: Duration,
    interrupt: bool,
    out: &mut dyn Write,
) -> Result<Session> {
    let stream = place::open(&console.console, console.baud, limit)?;
    let mut session = Session::new(stream);
    let mut ended = None;
    session.prompt(limit, interrupt, &mut |line| {
        if let Ok(Some(Told::Failed(failure))) = Told::parse(line) {
            ended = Some(failure);
        }
    })?;
    if let Some(failure) = ended.filter(|_| interrupt) {
        writeln!(
            out,
            "What ran at the prompt has ended: {}",
            words::failure(&failure)
        )?;
    }
    Ok(session)
}

/// Enters a line. Returns the lines of the answer, without those of the console that came between.
fn ask(board: &Short, line: &str, interrupt: bool, out: &mut dyn Write) -> Result<Vec<String>> {
    let limit = Duration::from_secs(board.timeout);
    let mut session = at_prompt(&board.console, limit, interrupt, out)?;
    session.enter(line, limit)?;
    let mut lines = Vec::new();
    session.answer(limit, true, &mut |line| {
        let is_answer = line.starts_with("ztp ") || line.starts_with("error ");
        if is_answer && lines.len() < LINES {
            lines.push(line.to_owned());
        }
        Ok(false)
    })?;
    Ok(lines)
}

/// Reads the lines of an answer.
fn read(lines: &[String]) -> Result<Vec<Told>> {
    let told = lines.iter().map(|line| Told::parse(line));
    let told: Result<Vec<_>, _> = told.collect();
    let told = told.context("the board's answer cannot be read")?;
    Ok(told.into_iter().flatten().collect())
}

/// Tells the last failure of an answer; whether there is one.
fn show_failure(told: &[Told], out: &mut dyn Write) -> Result<bool> {
    let mut failures = told.iter().filter_map(|one| match one {
        Told::Failed(failure) => Some(failure),
        _ => None,
    });
    let Some(failure) = failures.next_back() else {
        return Ok(false);
    };
    let (head, hint) = match failure.code {
        UNKNOWN_COMMAND => (
            "The board refuses",
            "Its build has no command `ztp`: that is the feature `sztp`.\n",
        ),
        NOT_SUPPORTED => (
            "The board refuses",
            "It has no identity for provisioning, or its policy (`order`) does not have `sztp`.\n",
        ),
        DISABLED | REQUIRED => ("The board refuses", ""),
        _ => ("The board has failed", ""),
    };
    write!(out, "{head}: {}\n{hint}", words::failure(failure))?;
    Ok(true)
}

/// `Fault::UnknownCommand`.
const UNKNOWN_COMMAND: u32 = 0x000a_0007;
/// `AppError::NotSupported`.
const NOT_SUPPORTED: u32 = 0x0007_001b;
/// `AppError::ProvisioningDisabled`.
const DISABLED: u32 = 0x0007_001e;
/// `AppError::ProvisioningRequired`.
const REQUIRED: u32 = 0x0007_001f;

fn show_status(lines: &[String], raw: bool, out: &mut dyn Write) -> Result<bool> {
    if raw {
        for line in lines {
            writeln!(out, "{line}")?;
        }
        return Ok(lines.iter().any(|line| line.starts_with("ztp "))
            && !lines.iter().any(|line| line.starts_with("error ")));
    }
    let told = read(lines)?;
    if show_failure(&told, out)? {
        return Ok(false);
    }
    let status = Status::of(told).context("the board has answered nothing that is a status")?;
    words::status(&status, out)?;
    Ok(true)
}

fn show_switch(lines: &[String], wanted: bool, out: &mut dyn Write) -> Result<bool> {
    let told = read(lines)?;
    if show_failure(&told, out)? {
        return Ok(false);
    }
    let switched = told.iter().find_map(|one| match one {
        Told::Switched { enabled, kept } if *enabled == wanted => Some(*kept),
        _ => None,
    });
    let Some(kept) = switched else {
        bail!("the board has not said that it did so");
    };
    let (what, then) = match wanted {
        true => ("enabled", "boots ask bootstrap servers"),
        false => ("disabled", "boots ask no bootstrap servers"),
    };
    match kept {
        true => writeln!(out, "Provisioning is {what}: {then}.")?,
        false => writeln!(
            out,
            "Provisioning is {what} until the board's next reset: until then {then}. The board has nothing that remembers it."
        )?,
    }
    Ok(true)
}

/// `run`: shows the console until the boot is over; whether it has ended well.
fn begin(console: &Console, limit: Duration, out: &mut dyn Write) -> Result<bool> {
    let short = limit.min(Duration::from_secs(SHORT));
    let mut session = at_prompt(console, short, true, out)?;
    session.enter("ztp run", short)?;
    let (mut failed, mut status) = (None, None);
    let end = session.answer(limit, false, &mut |line| {
        writeln!(out, "{line}")?;
        // A person watches.
        out.flush()?;
        if let Ok(Some(told @ Told::Failed(_))) = Told::parse(line) {
            failed = Some(told);
        }
        if let Ok(Some(Said::Finished { status: code, .. })) = Said::parse(line) {
            status = Some(code);
        }
        Ok(status.is_some())
    });
    let end =
        end.context("provisioning goes on at the board, and `netboot ztp disable` ends it")?;
    match (end, status) {
        (End::Seen, Some(0)) => {
            writeln!(out, "The board has booted.")?;
            Ok(true)
        }
        (End::Seen, code) => {
            let code = code.unwrap_or_default();
            let sentence = sentences::of(code);
            writeln!(out, "The boot has failed: {sentence} (number {code:#010x})")?;
            Ok(false)
        }
        (End::Prompt, _) => {
            if !show_failure(&failed.into_iter().collect::<Vec<_>>(), out)? {
                writeln!(out, "The board is at its prompt again, and has not booted.")?;
            }
            Ok(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_board() {
        for (code, part) in [
            (UNKNOWN_COMMAND, "the command is not known"),
            (NOT_SUPPORTED, "does not have what the command asks for"),
            (DISABLED, "provisioning is disabled"),
            (REQUIRED, "provisioning stays enabled"),
        ] {
            let sentence = sentences::of(code);
            assert!(sentence.contains(part), "{code:#010x}: {sentence}");
        }
    }
}
