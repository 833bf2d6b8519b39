//! Builds a ROM and shows how far it is: a bar on a terminal, else a line at every quarter.

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};
use testbed::rom::{self, Compiled, Rom, RomOptions};

/// A build that takes less is not spoken of: everything was built already.
const SILENCE: Duration = Duration::from_secs(2);

/// What the bar looks like.
const TEMPLATE: &str = "{prefix} [{bar:30}] {pos}/{len} packages  {wide_msg}";

/// Builds the ROM of these options; `what` names it.
///
/// # Errors
/// As [`rom::build`].
pub fn rom(options: &RomOptions, what: &str) -> Result<Rom> {
    let terminal = std::io::stderr().is_terminal();
    let target = terminal.then(|| ProgressDrawTarget::stderr_with_hz(10));
    let mut building = Building::new(what, target);
    if !terminal {
        println!("{}", forecast(what));
    }
    let begun = Instant::now();
    let built = rom::build_watched(options, &mut |compiled| {
        if let Some(line) = building.compiled(compiled, begun.elapsed()) {
            println!("{line}");
        }
    });
    building.bar.finish_and_clear();
    if let (true, Some(line)) = (built.is_ok(), outcome(what, begun.elapsed())) {
        println!("{line}");
    }
    built
}

/// What is said before a build, to a reader without a terminal.
fn forecast(what: &str) -> String {
    format!("Building {what}: a minute or two, if it is the first time")
}

/// What is said after a build that took `elapsed`.
fn outcome(what: &str, elapsed: Duration) -> Option<String> {
    (elapsed > SILENCE).then(|| format!("Built {what} in {:.0} s", elapsed.as_secs_f64()))
}

/// A build while it goes on.
struct Building {
    /// Is hidden without a terminal.
    bar: ProgressBar,
    /// Quarters of the packages that were built so far.
    quarters: usize,
}

impl Building {
    /// A build of `what` with a bar on `terminal`, or without a bar.
    fn new(what: &str, terminal: Option<ProgressDrawTarget>) -> Self {
        let bar = match terminal {
            Some(target) => ProgressBar::with_draw_target(None, target),
            None => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(format!("Building {what}"));
        Self { bar, quarters: 0 }
    }

    /// Moves the bar. Without a terminal, gives a line at each quarter of a build that takes longer than [`SILENCE`].
    fn compiled(&mut self, compiled: &Compiled, elapsed: Duration) -> Option<String> {
        let Compiled { name, done, total } = compiled;
        self.bar.set_length(*total as u64);
        self.bar.set_position(*done as u64);
        self.bar.set_message(name.clone());
        let before = self.quarters;
        self.quarters = quarter(*done, *total);
        let worth_a_line = self.bar.is_hidden() && self.quarters > before && elapsed > SILENCE;
        worth_a_line.then(|| format!("  {done} of {total} packages are built"))
    }
}

/// The quarter of the whole that is done, 0 to 4.
fn quarter(done: usize, total: usize) -> usize {
    (4 * done).checked_div(total).unwrap_or(0).min(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Screen;

    fn compiled(name: &str, done: usize) -> Compiled {
        Compiled {
            name: name.into(),
            done,
            total: 8,
        }
    }

    #[test]
    fn the_bar_shows_the_package_and_how_many_there_are() {
        let screen = Screen::default();
        let mut building = Building::new("the ROM", Some(screen.target()));
        assert_eq!(building.compiled(&compiled("log", 2), SILENCE * 2), None);
        let line = screen.last();
        assert!(
            line.starts_with("Building the ROM [=======>") && line.contains("] 2/8 packages  log"),
            "{line}"
        );
        assert_eq!(
            building.compiled(&compiled("netboot", 8), SILENCE * 2),
            None
        );
        let line = screen.last();
        let full = format!("[{}] 8/8 packages  netboot", "=".repeat(30));
        assert!(line.contains(&full), "{line}");
    }

    #[test]
    fn without_a_terminal_each_quarter_of_a_long_build_has_a_line() {
        let mut building = Building::new("the ROM", None);
        let lines: Vec<_> = (1..=8)
            .map(|done| building.compiled(&compiled("log", done), SILENCE * 2))
            .collect();
        let said = |done| Some(format!("  {done} of 8 packages are built"));
        let expected = [None, said(2), None, said(4), None, said(6), None, said(8)];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_quick_build_has_no_lines() {
        let mut building = Building::new("the ROM", None);
        for done in 1..=8 {
            assert_eq!(building.compiled(&compiled("log", done), SILENCE), None);
        }
        assert_eq!(outcome("the ROM", SILENCE), None);
    }

    #[test]
    fn what_a_build_takes_is_said_before_and_after_it() {
        assert_eq!(
            forecast("the ROM"),
            "Building the ROM: a minute or two, if it is the first time"
        );
        let told = outcome("the ROM", Duration::from_millis(61_400));
        assert_eq!(told.unwrap(), "Built the ROM in 61 s");
    }

    #[test]
    fn a_quarter_is_reached_and_not_passed() {
        let quarters: Vec<_> = (0..=9).map(|done| quarter(done, 8)).collect();
        assert_eq!(quarters, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(quarter(1, 0), 0);
    }
}
