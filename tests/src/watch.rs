//! Many boots on two threads, each with an eye on the real clock.

use std::fmt::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Boots that run at a time.
const THREADS: usize = 2;
/// A boot that takes longer in real time hangs without ever waiting.
const REAL_LIMIT: Duration = Duration::from_secs(60);

/// Runs `run` for each seed below `count`; the results, in the order of the seeds.
///
/// # Panics
/// When runs fail or panic, after all of them, with their seeds and the first line of what each says;
/// `again` tells how to run one of them.
pub fn each<T: Send + 'static>(
    count: u64,
    again: &str,
    run: impl Fn(u64) -> Result<T, String> + Copy + Send + Sync + 'static,
) -> Vec<T> {
    let results = all(0..count, again, run);
    let mut failures = String::new();
    let mut good = Vec::new();
    for (seed, result) in results {
        match result {
            Ok(value) => good.push(value),
            Err(what) => {
                let first = what.lines().next().unwrap_or_default();
                writeln!(failures, "seed {seed}: {first}").expect("a string");
            }
        }
    }
    let failed = failures.lines().count();
    assert!(
        failed == 0,
        "{failed} of {count} failed; again: {again}\n{failures}"
    );
    good
}

/// Runs `run` for each of these seeds; the results, in the order of the seeds. A run that panics has failed.
///
/// # Panics
/// When no thread can be started.
pub fn all<T: Send + 'static>(
    seeds: Range<u64>,
    again: &str,
    run: impl Fn(u64) -> Result<T, String> + Copy + Send + Sync + 'static,
) -> Vec<(u64, Result<T, String>)> {
    let next = AtomicU64::new(seeds.start);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let result = watched(seed, again, run);
                    results.lock().expect("no poison").push((seed, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no poison");
    results.sort_by_key(|(seed, _)| *seed);
    results
}

/// A number in the environment.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs one seed in a thread of its own; gives up the whole process if that thread hangs.
fn watched<T: Send + 'static>(
    seed: u64,
    again: &str,
    run: impl Fn(u64) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (done, wait) = channel();
    let thread = std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| run(seed)));
        // Nobody listens any more only when the process ends.
        let _ = done.send(result);
    });
    match wait.recv_timeout(REAL_LIMIT) {
        Ok(result) => {
            let _ = thread.join();
            result.unwrap_or_else(|panic| {
                let text = panic
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or(panic.downcast_ref::<&str>().copied());
                Err(format!("panicked: {}", text.unwrap_or("with no text")))
            })
        }
        Err(_) => {
            eprintln!("seed {seed} hangs in real time; again: {again}");
            std::process::exit(101);
        }
    }
}
