//! Earlier lines.

use super::octets;
use heapless::{Vec, VecView};

const END: u8 = b'\n';

/// The lines that a person has entered, in a store of `N` octets. A line takes one octet more than its text. The oldest lines go when
/// a new one needs their room.
#[derive(Clone, Debug, Default)]
pub struct History<const N: usize> {
    /// The lines, the oldest one first, each with [`END`] behind it.
    store: Vec<u8, N>,
}

impl<const N: usize> History<N> {
    /// A history without lines.
    pub const fn new() -> Self {
        Self { store: Vec::new() }
    }

    /// Keeps a line. A line is left out when it is empty, the same as the newest one, longer than `N` - 1 octets, or has an end of line in it.
    pub fn push(&mut self, line: &str) {
        push(&mut self.store, line);
    }

    /// Forgets all lines.
    pub fn clear(&mut self) {
        self.store.clear();
    }

    /// The lines, for a [`LineEditor`](super::LineEditor).
    pub fn lines(&self) -> EarlierLines<'_> {
        EarlierLines(&self.store)
    }
}

fn push(store: &mut VecView<u8>, line: &str) {
    let octets = line.as_bytes();
    let size = octets.len().saturating_add(1);
    let left_out = octets.is_empty() || octets.contains(&END) || size > store.capacity();
    if left_out || EarlierLines(store).get(1) == Some(line) {
        return;
    }
    while store.len().saturating_add(size) > store.capacity() {
        let end = store.iter().position(|octet| *octet == END);
        let end = end.unwrap_or(store.len());
        octets::remove(store, 0..end.saturating_add(1));
    }
    // There is room for both.
    let _ = store.extend_from_slice(octets);
    let _ = store.push(END);
}

/// Earlier lines as a reader sees them. The default has none.
#[derive(Clone, Copy, Debug, Default)]
pub struct EarlierLines<'a>(&'a [u8]);

impl<'a> EarlierLines<'a> {
    /// The line that is `back` lines back. 1 is the newest one; 0 is none.
    pub fn get(self, back: usize) -> Option<&'a str> {
        let (_, lines) = self.0.split_last()?;
        let mut lines = lines.rsplit(|octet| *octet == END);
        lines.nth(back.checked_sub(1)?).map(octets::text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(lines: EarlierLines<'_>) -> std::vec::Vec<&str> {
        (1..).map_while(|back| lines.get(back)).collect()
    }

    #[test]
    fn lines_come_back_newest_first() {
        let mut history = History::<32>::new();
        assert!(all(history.lines()).is_empty());
        assert_eq!(history.lines().get(0), None);
        for line in ["one", "two", "", "two", "thrée", "a\nb"] {
            history.push(line);
        }
        assert_eq!(all(history.lines()), ["thrée", "two", "one"]);
        assert_eq!(history.lines().get(0), None);
        assert_eq!(history.lines().get(usize::MAX), None);
        history.push("one");
        assert_eq!(all(history.lines()), ["one", "thrée", "two", "one"]);
        history.clear();
        assert!(all(history.lines()).is_empty());
        assert!(all(EarlierLines::default()).is_empty());
    }

    #[test]
    fn the_oldest_lines_go() {
        let mut history = History::<12>::new();
        history.push("123");
        history.push("4567");
        history.push("89");
        assert_eq!(all(history.lines()), ["89", "4567", "123"]);
        history.push("x");
        assert_eq!(all(history.lines()), ["x", "89", "4567"]);
        history.push("12345678901");
        assert_eq!(all(history.lines()), ["12345678901"]);
        history.push("123456789012");
        assert_eq!(all(history.lines()), ["12345678901"]);
        let mut none = History::<0>::new();
        none.push("a");
        assert!(all(none.lines()).is_empty());
    }

    proptest! {
        #[test]
        fn the_newest_lines_that_fit_are_kept(lines in prop::collection::vec("[a-cé]{0,9}", 0..30)) {
            let mut history = History::<20>::new();
            let mut model: std::vec::Vec<&str> = std::vec::Vec::new();
            for line in &lines {
                history.push(line);
                if !line.is_empty() && line.len() < 20 && model.first() != Some(&line.as_str()) {
                    model.insert(0, line);
                }
                while model.iter().map(|line| line.len() + 1).sum::<usize>() > 20 {
                    model.pop();
                }
                prop_assert_eq!(all(history.lines()), model.clone());
            }
        }
    }
}
