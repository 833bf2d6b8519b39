//! The log of a boot: what a person reads who debugs one.

use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;

thread_local! {
    /// The lines of this thread's boot; `None` where nobody listens.
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct Listener;

impl Log for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        LINES.with_borrow(Option::is_some)
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(format!("{} {}", record.level(), record.args()));
            }
        });
    }

    fn flush(&self) {}
}

/// Runs `boot` on this thread, and gives the lines of its log beside its result: the level and the text.
pub fn logged<T>(boot: impl FnOnce() -> T) -> (T, Vec<String>) {
    // Another test may have set it before.
    let _ = log::set_logger(&Listener);
    log::set_max_level(LevelFilter::Debug);
    LINES.set(Some(Vec::new()));
    let result = boot();
    let lines = LINES.take().unwrap_or_default();
    (result, lines)
}
