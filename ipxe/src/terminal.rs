//! A person at a terminal: keys, a line that can be edited, earlier lines, and menus.
//!
//! All of it is sans-IO and keeps no clock. [`Keys`] turns octets into [`Key`]s, [`LineEditor`] and [`MenuScreen`] take a key and draw
//! on a [`Terminal`]. What they draw needs no more than a VT100 (ECMA-48: `CUF`, `CUB`, `CUP`, `EL`, `ED`, `SGR`). The keys are those of a
//! VT100, of xterm and of the Linux console.
//!
//! Text from outside cannot reach the terminal as a control sequence: a character that does not take exactly one column is drawn as `?`.

mod draw;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod history;
mod key;
mod line;
#[cfg(feature = "script")]
mod menu;
mod octets;
#[cfg(test)]
mod screen;

pub use history::{EarlierLines, History};
pub use key::{ESCAPE_TIME, Key, Keys};
pub use line::{Edited, LineEditor};
#[cfg(feature = "script")]
pub use menu::{MenuEnd, MenuScreen};

/// Columns of a terminal that does not say how many it has.
pub const COLUMNS: u16 = 80;

/// Rows of a terminal that does not say how many it has.
pub const ROWS: u16 = 24;

/// The UART, or whatever else a person sits at.
pub trait Terminal {
    /// Writes text, with escape sequences in it. A terminal that cannot take it drops it.
    fn write(&mut self, text: &str);

    /// Takes the next octet that the person sent. `None` means that none is there; the call never waits.
    fn key(&mut self) -> Option<u8>;
}
