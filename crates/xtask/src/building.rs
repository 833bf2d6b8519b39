//! Builds a ROM and shows how far it is: a bar on a terminal, else a line at every quarter.

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};
use testbed::rom::{self, Rom, RomOptions};

/// A build that takes less is not spoken of: everything was built already.
const SILENCE: Duration = Duration::from_secs(2);

/// Builds the ROM of these options; `what` names it.
///
/// # Errors
/// As [`rom::build`].
pub fn rom(options: &RomOptions, what: &str) -> Result<Rom> {
    let terminal = std::io::stderr().is_terminal();
    let bar = match terminal {
        true => ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10)),
        false => ProgressBar::hidden(),
    };
    if let Ok(style) =
        ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} packages  {wide_msg}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(format!("Building {what}"));
    if !terminal {
        println!("Building {what}: a minute or two, if it is the first time");
    }
    let begun = Instant::now();
    let mut quarters = 0;
    let built = rom::build_watched(options, &mut |compiled| {
        bar.set_length(compiled.total as u64);
        bar.set_position(compiled.done as u64);
        bar.set_message(compiled.name.clone());
        let now = quarter(compiled.done, compiled.total);
        if !terminal && now > quarters && begun.elapsed() > SILENCE {
            println!(
                "  {} of {} packages are built",
                compiled.done, compiled.total
            );
        }
        quarters = now;
    });
    bar.finish_and_clear();
    if built.is_ok() && begun.elapsed() > SILENCE {
        println!("Built {what} in {:.0} s", begun.elapsed().as_secs_f64());
    }
    built
}

/// The quarter of the whole that is done, 0 to 4.
fn quarter(done: usize, total: usize) -> usize {
    (4 * done).checked_div(total).unwrap_or(0).min(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_reached_and_not_passed() {
        let quarters: Vec<_> = (0..=9).map(|done| quarter(done, 8)).collect();
        assert_eq!(quarters, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(quarter(1, 0), 0);
    }
}
