//! The same boot in the simulated world, with the same console.

use super::Run;
use anyhow::{Context, Result};
use image_server::SharedWorld;
use log::{LevelFilter, Log, Metadata, Record};
use netboot_lines::Transcript;
use std::cell::RefCell;
use std::fmt::{self, Write};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::Instant;
use testbed::{Plan, device_lines, sim};

/// Boots `plan`; each console line goes to `on_line`.
pub fn run(plan: &Plan, pcap: &Path, on_line: &mut dyn FnMut(&str)) -> Result<Run> {
    let started = Instant::now();
    let world = sim::world(plan);
    let file = File::create(pcap).with_context(|| format!("cannot write {}", pcap.display()))?;
    let capture = Box::new(BufWriter::new(file));
    world.borrow_mut().link.capture(capture);
    log_to_console(&world);
    let mut console = Console {
        partial: String::new(),
        lines: Vec::new(),
        transcript: Transcript::default(),
        on_line,
    };
    let outcome = sim::boot_in(plan, &world, &mut console)?;
    device_lines::write_device(&mut console, &outcome)?;
    BOARD.with_borrow_mut(|board| board.world = None);
    let world = world.borrow();
    Ok(Run {
        world: "the simulated world".into(),
        lines: console.lines,
        transcript: console.transcript,
        served: world.server.served().to_vec(),
        link: world.link.stats(),
        exit_code: None,
        elapsed: started.elapsed(),
    })
}

/// Cuts what is written into lines.
struct Console<'f> {
    partial: String,
    lines: Vec<String>,
    transcript: Transcript,
    on_line: &'f mut dyn FnMut(&str),
}

impl Console<'_> {
    fn line(&mut self, line: String) {
        self.transcript.line(&line);
        (self.on_line)(&line);
        self.lines.push(line);
    }
}

impl Write for Console<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let logged = BOARD.with_borrow_mut(|board| std::mem::take(&mut board.logged));
        logged.into_iter().for_each(|line| self.line(line));
        self.partial.push_str(text);
        while let Some(end) = self.partial.find('\n') {
            let rest = self.partial.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.partial, rest);
            line.pop();
            self.line(line);
        }
        Ok(())
    }
}

/// What the board has logged and not yet written: a logger is global, a world belongs to its thread.
#[derive(Default)]
struct Board {
    world: Option<SharedWorld>,
    logged: Vec<String>,
}

thread_local! {
    static BOARD: RefCell<Board> = RefCell::default();
}

/// As the ROM's console does it.
struct Logger;

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The server's log is not the board's.
        let target = metadata.target();
        ["netboot", "ocp_recovery"]
            .iter()
            .any(|ours| target.starts_with(ours))
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        BOARD.with_borrow_mut(|board| {
            let world = board.world.as_ref();
            let now = world.and_then(|world| Some(world.try_borrow().ok()?.now));
            let Some(now) = now else {
                return;
            };
            let (level, text) = (record.level(), record.args());
            let now = now.to_string();
            board.logged.push(format!("[{now:>10}] {level:5} {text}"));
        });
    }

    fn flush(&self) {}
}

fn log_to_console(world: &SharedWorld) {
    BOARD.with_borrow_mut(|board| board.world = Some(world.clone()));
    // Fails when it was done before, which is as well.
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}
