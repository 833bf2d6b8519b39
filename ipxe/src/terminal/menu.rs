//! A menu on the screen, as iPXE's command `choose` draws it.

use super::{Key, Terminal, draw};
use crate::script::{MenuItem, MenuView};
use netboot_core::{Duration, Instant};

/// Fewest rows and columns of a terminal. A smaller one is taken for one with so many.
const FEWEST_ROWS: usize = 6;
const FEWEST_COLUMNS: usize = 16;

/// Row of the title, from 0.
const TITLE_ROW: usize = 1;

/// Row of the first item. Above it there is a mark when items are hidden.
const FIRST_ROW: usize = 3;

/// Rows below the last item: one for the same mark, and one that stays empty.
const ROWS_BELOW: usize = 2;

/// Column of the items, and the number of columns that stay empty at the right.
const MARGIN: usize = 1;

/// How a menu ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuEnd {
    /// An item was chosen: its place in the menu, for [`Outcome::Chosen`](crate::script::Outcome::Chosen).
    Chosen(usize),
    /// The person left the menu, which is [`Outcome::Refused`](crate::script::Outcome::Refused).
    Left,
}

/// Shows a menu and lets a person choose.
///
/// [`MenuScreen::start`] draws the menu, [`MenuScreen::key`] takes each key, and [`MenuScreen::poll`] is for the time. All of them take the
/// same menu. When one of them returns a [`MenuEnd`], the screen is empty again.
///
/// | key | what it does |
/// |---|---|
/// | Up, Down | selects the item before; the next one |
/// | Page up, Page down | moves by as many items as the screen shows |
/// | Home, End | selects the first item; the last one |
/// | the item's own key (`item --key`) | chooses that item |
/// | Enter | chooses the selected item |
/// | Escape, Ctrl-C | leaves |
///
/// A gap is shown and cannot be selected. Any key stops the countdown.
#[derive(Clone, Debug)]
pub struct MenuScreen {
    /// Rows for items.
    rows: usize,
    columns: usize,
    /// Place of the selected item.
    selected: usize,
    /// Place of the item in the first row.
    top: usize,
    /// When the selected item is chosen by itself, and the seconds until then that are shown.
    countdown: Option<(Instant, u64)>,
}

impl MenuScreen {
    /// A menu for a terminal of this size. A terminal has at least 6 rows and 16 columns.
    pub const fn new(rows: u16, columns: u16) -> Self {
        let (rows, columns) = (rows as usize, columns as usize);
        let rows = if rows < FEWEST_ROWS {
            FEWEST_ROWS
        } else {
            rows
        };
        Self {
            rows: rows - FIRST_ROW - ROWS_BELOW,
            columns: if columns < FEWEST_COLUMNS {
                FEWEST_COLUMNS
            } else {
                columns
            },
            selected: 0,
            top: 0,
            countdown: None,
        }
    }

    /// Draws the menu, with the item at the place `default` selected. After `timeout` without a key that item is chosen by
    /// itself; never without a time-out, and never with one of zero, as in iPXE.
    pub fn start(
        &mut self,
        menu: MenuView<'_>,
        default: usize,
        timeout: Option<Duration>,
        now: Instant,
        terminal: &mut dyn Terminal,
    ) {
        let timeout = timeout.filter(|timeout| *timeout > Duration::ZERO);
        self.countdown = timeout.map(|timeout| (now + timeout, seconds(timeout)));
        self.top = 0;
        self.selected = nearest(menu, default, true);
        self.scroll(menu);
        self.redraw(menu, terminal);
    }

    /// Draws the whole screen again, after something else was written.
    pub fn redraw(&self, menu: MenuView<'_>, terminal: &mut dyn Terminal) {
        terminal.write(draw::CLEAR_SCREEN);
        let title = menu.title().chars().count().min(self.columns);
        draw::place(terminal, TITLE_ROW, (self.columns - title) / 2);
        terminal.write("\x1b[1m");
        draw::text(terminal, menu.title(), self.columns);
        terminal.write("\x1b[0m");
        self.draw(menu, terminal);
    }

    /// When [`MenuScreen::poll`] has to be called again, if no key comes before. `None` without a countdown.
    pub fn deadline(&self) -> Option<Instant> {
        let (end, shown) = self.countdown?;
        let later = Duration::from_secs(shown.saturating_sub(1));
        Some(end - later)
    }

    /// Takes a key.
    pub fn key(
        &mut self,
        menu: MenuView<'_>,
        key: Key,
        terminal: &mut dyn Terminal,
    ) -> Option<MenuEnd> {
        let counted = self.countdown.take().is_some();
        let last = menu.items().count().saturating_sub(1);
        let selected = self.selected;
        let (target, forward) = match key {
            Key::Escape | Key::Ctrl('c') => return end(MenuEnd::Left, terminal),
            Key::Enter if menu.label(selected).is_some() => {
                return end(MenuEnd::Chosen(selected), terminal);
            }
            Key::Up => (selected.saturating_sub(1), false),
            Key::Down => (selected + 1, true),
            Key::PageUp => (selected.saturating_sub(self.rows), false),
            Key::PageDown => (selected + self.rows, true),
            Key::Home => (0, true),
            Key::End => (last, false),
            other => {
                let hot = number(other).and_then(|number| hot(menu, number));
                if let Some(place) = hot {
                    return end(MenuEnd::Chosen(place), terminal);
                }
                (selected, true)
            }
        };
        self.selected = nearest(menu, target.min(last), forward);
        let top = self.top;
        self.scroll(menu);
        if top != self.top {
            self.draw(menu, terminal);
        } else if selected != self.selected || counted {
            self.draw_item(menu, selected, terminal);
            self.draw_item(menu, self.selected, terminal);
        }
        None
    }

    /// Says that it is `now`. Counts down, and chooses the selected item when the time is over.
    pub fn poll(
        &mut self,
        menu: MenuView<'_>,
        now: Instant,
        terminal: &mut dyn Terminal,
    ) -> Option<MenuEnd> {
        let (deadline, shown) = self.countdown?;
        if now >= deadline {
            self.countdown = None;
            return end(MenuEnd::Chosen(self.selected), terminal);
        }
        let left = seconds(deadline.since(now));
        if left != shown {
            self.countdown = Some((deadline, left));
            self.draw_item(menu, self.selected, terminal);
        }
        None
    }

    /// Moves the shown part so that the selected item is in it, and gaps at the menu's ends too if they can be.
    fn scroll(&mut self, menu: MenuView<'_>) {
        let selected = self.selected;
        let is_item = |item: MenuItem<'_>| !item.label.is_empty();
        let before = menu.items().take(selected).any(is_item);
        let after = menu.items().skip(selected.saturating_add(1)).any(is_item);
        let highest = match after {
            true => selected,
            false => menu.items().count().saturating_sub(1),
        };
        if !before {
            self.top = 0;
        } else if highest >= self.top.saturating_add(self.rows) {
            self.top = (highest + 1).saturating_sub(self.rows);
        }
        let least = (selected + 1).saturating_sub(self.rows);
        self.top = self.top.max(least).min(selected);
    }

    /// Draws all but the title.
    fn draw(&self, menu: MenuView<'_>, terminal: &mut dyn Terminal) {
        let end = self.top.saturating_add(self.rows);
        let more = menu.items().count() > end;
        for (row, hidden) in [(FIRST_ROW - 1, self.top > 0), (FIRST_ROW + self.rows, more)] {
            draw::place(terminal, row, MARGIN);
            terminal.write(if hidden { " ..." } else { "    " });
        }
        for place in self.top..end {
            self.draw_item(menu, place, terminal);
        }
        self.draw_item(menu, self.selected, terminal);
    }

    /// Draws one row; an empty one behind the last item. The cursor stays on the row of the selected item, if that is drawn last.
    #[inline(never)]
    fn draw_item(&self, menu: MenuView<'_>, place: usize, terminal: &mut dyn Terminal) {
        let row = FIRST_ROW + place.saturating_sub(self.top);
        let text = menu.items().nth(place).map_or("", |item| item.text);
        let is_selected = place == self.selected && menu.label(place).is_some();
        draw::place(terminal, row, MARGIN);
        if !is_selected {
            terminal.write(" ");
            draw::text(terminal, text, self.columns - 2 * MARGIN - 1);
            terminal.write(draw::CLEAR_LINE);
            return;
        }
        // The bar, with the countdown at its end: " (5) ".
        let counter = self.countdown.map(|(_, seconds)| seconds);
        let digits = counter.map_or(0, |seconds| digits(seconds) + 4);
        let width = (self.columns - 2 * MARGIN).saturating_sub(digits + 1);
        terminal.write("\x1b[7m ");
        for _ in draw::text(terminal, text, width)..width {
            terminal.write(" ");
        }
        if let Some(seconds) = counter {
            terminal.write(" (");
            draw::number(terminal, seconds);
            terminal.write(") ");
        }
        terminal.write("\x1b[0m");
        draw::place(terminal, row, MARGIN);
    }
}

/// Clears the screen behind a menu.
fn end(end: MenuEnd, terminal: &mut dyn Terminal) -> Option<MenuEnd> {
    terminal.write(draw::CLEAR_SCREEN);
    Some(end)
}

/// The place of the item that can be selected and is nearest to `from`, in the direction first and then in the other one. `from` in a
/// menu without such an item.
fn nearest(menu: MenuView<'_>, from: usize, forward: bool) -> usize {
    let (mut before, mut after) = (None, None);
    for (place, _) in menu
        .items()
        .enumerate()
        .filter(|(_, item)| !item.label.is_empty())
    {
        if place <= from {
            before = Some(place);
        }
        if place >= from && after.is_none() {
            after = Some(place);
        }
    }
    let nearest = if forward {
        after.or(before)
    } else {
        before.or(after)
    };
    nearest.unwrap_or(from)
}

/// The number of a key that an item may have.
const fn number(key: Key) -> Option<u32> {
    match key {
        Key::Char(character) => Some(character as u32),
        Key::Ctrl(letter) => Some(letter as u32 & 0x1f),
        _ => None,
    }
}

/// The place of the first item with a key.
fn hot(menu: MenuView<'_>, key: u32) -> Option<usize> {
    menu.items()
        .position(|item| item.key == Some(key) && !item.label.is_empty())
}

/// Seconds that are shown of a time: as long as there is any, they are not 0.
fn seconds(left: Duration) -> u64 {
    let micros = left.as_micros().saturating_add(999_999);
    netboot_core::quotient(micros, 1_000_000)
}

/// Number of the digits of a number.
fn digits(mut number: u64) -> usize {
    let mut digits = 1;
    while number > 9 {
        number = netboot_core::quotient(number, 10);
        digits += 1;
    }
    digits
}

#[cfg(test)]
#[path = "menu_tests.rs"]
mod tests;
