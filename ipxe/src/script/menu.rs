//! Menus, kept until an item is chosen.

use super::Fault;
use super::variables::close_gap;
use heapless::Vec;

/// Menus that a script has at the same time.
pub const MAX_MENUS: usize = 4;

/// Items of all menus together.
pub const MAX_ITEMS: usize = 64;

/// Octets of all names, titles, labels and texts together.
pub const MENU_TEXT: usize = 2048;

/// One menu. Its texts follow each other: the name, the title.
#[derive(Clone, Debug)]
struct Head {
    start: u16,
    name: u16,
    title: u16,
    /// Tells whose the items are.
    id: u8,
}

/// One item. Its texts follow each other: the label, the text.
#[derive(Clone, Debug)]
struct Entry {
    start: u16,
    label: u16,
    text: u16,
    menu: u8,
    default: bool,
    key: Option<u32>,
}

/// The menus of a script, and of those that it chains.
#[derive(Clone, Debug, Default)]
pub struct Menus {
    heads: Vec<Head, MAX_MENUS>,
    entries: Vec<Entry, MAX_ITEMS>,
    texts: Vec<u8, MENU_TEXT>,
}

impl Menus {
    /// Makes a store without menus.
    pub const fn new() -> Self {
        Self {
            heads: Vec::new(),
            entries: Vec::new(),
            texts: Vec::new(),
        }
    }

    fn slice(&self, start: u16, len: u16) -> &str {
        let start = usize::from(start);
        let octets = self.texts.get(start..start + usize::from(len));
        core::str::from_utf8(octets.unwrap_or_default()).unwrap_or_default()
    }

    fn find(&self, name: &str) -> Option<&Head> {
        let mut heads = self.heads.iter();
        heads.find(|head| self.slice(head.start, head.name) == name)
    }

    /// Keeps two texts one behind the other. Returns where they start and how long they are.
    fn keep(&mut self, first: &str, second: &str) -> Result<(u16, u16, u16), Fault> {
        let start = self.texts.len();
        if start + first.len() + second.len() > MENU_TEXT {
            return Err(Fault::MenuFull);
        }
        for text in [first, second] {
            self.texts
                .extend_from_slice(text.as_bytes())
                .map_err(|_| Fault::MenuFull)?;
        }
        let short = |len: usize| u16::try_from(len).map_err(|_| Fault::MenuFull);
        Ok((short(start)?, short(first.len())?, short(second.len())?))
    }

    /// Makes a menu without items, in place of one with the same name.
    pub(super) fn make(&mut self, name: &str, title: &str) -> Result<(), Fault> {
        self.delete(name);
        let id = (0..=u8::MAX).find(|id| self.heads.iter().all(|head| head.id != *id));
        let id = id.filter(|_| !self.heads.is_full());
        let id = id.ok_or(Fault::MenuFull)?;
        let (start, name, title) = self.keep(name, title)?;
        let head = Head {
            start,
            name,
            title,
            id,
        };
        self.heads.push(head).map_err(|_| Fault::MenuFull)
    }

    /// Adds an item. One without a label is a gap.
    pub(super) fn add(
        &mut self,
        menu: &str,
        label: &str,
        text: &str,
        key: Option<u32>,
        default: bool,
    ) -> Result<(), Fault> {
        let menu = self.find(menu).ok_or(Fault::NoSuchMenu)?.id;
        if self.entries.is_full() {
            return Err(Fault::MenuFull);
        }
        let (start, label, text) = self.keep(label, text)?;
        let entry = Entry {
            start,
            label,
            text,
            menu,
            default,
            key,
        };
        self.entries.push(entry).map_err(|_| Fault::MenuFull)
    }

    /// Removes a menu with its items, if it is there.
    pub(super) fn delete(&mut self, name: &str) {
        let Some(id) = self.find(name).map(|head| head.id) else {
            return;
        };
        // The texts of later ones move to the front.
        while let Some(entry) = self.entries.iter().find(|entry| entry.menu == id) {
            let (start, len) = (entry.start, entry.label + entry.text);
            let gone = core::cell::Cell::new(false);
            self.entries.retain(|entry| {
                gone.get() || entry.menu != id || {
                    gone.set(true);
                    false
                }
            });
            self.cut(start, len);
        }
        if let Some(head) = self.heads.iter().find(|head| head.id == id) {
            let (start, len) = (head.start, head.name + head.title);
            self.heads.retain(|head| head.id != id);
            self.cut(start, len);
        }
    }

    /// Removes texts.
    fn cut(&mut self, start: u16, len: u16) {
        let from = usize::from(start);
        close_gap(&mut self.texts, from, from + usize::from(len));
        let starts = self.heads.iter_mut().map(|head| &mut head.start);
        let starts = starts.chain(self.entries.iter_mut().map(|entry| &mut entry.start));
        for later in starts.filter(|later| **later > start) {
            *later = later.saturating_sub(len);
        }
    }

    /// Looks at a menu.
    pub(super) fn view(&self, name: &str) -> Result<MenuView<'_>, Fault> {
        let head = self.find(name).ok_or(Fault::NoSuchMenu)?;
        Ok(MenuView { menus: self, head })
    }
}

/// A menu, as whoever shows it sees it.
#[derive(Clone, Copy, Debug)]
pub struct MenuView<'a> {
    menus: &'a Menus,
    head: &'a Head,
}

/// An item of a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MenuItem<'a> {
    /// What the setting gets. Empty for a gap, which cannot be chosen.
    pub label: &'a str,
    /// What is shown.
    pub text: &'a str,
    /// The key that chooses it at once, as the number of a character.
    pub key: Option<u32>,
}

impl<'a> MenuView<'a> {
    /// The title, which may be empty.
    pub fn title(self) -> &'a str {
        let start = self.head.start.saturating_add(self.head.name);
        self.menus.slice(start, self.head.title)
    }

    fn entries(self) -> impl Iterator<Item = &'a Entry> {
        let id = self.head.id;
        let entries = self.menus.entries.iter();
        entries.filter(move |entry| entry.menu == id)
    }

    /// The items in their order. Their places count from 0, gaps included.
    pub fn items(self) -> impl Iterator<Item = MenuItem<'a>> {
        self.entries().map(move |entry| MenuItem {
            label: self.menus.slice(entry.start, entry.label),
            text: self
                .menus
                .slice(entry.start.saturating_add(entry.label), entry.text),
            key: entry.key,
        })
    }

    /// The label of the item at a place. `None` for a gap, and where no item is.
    pub fn label(self, place: usize) -> Option<&'a str> {
        let item = self.items().nth(place)?;
        (!item.label.is_empty()).then_some(item.label)
    }

    /// The item that is chosen at first: the one with this label, or the last one that was made the default, or the first one.
    pub(super) fn default(self, label: Option<&str>) -> Result<usize, Fault> {
        let labelled = self.items().position(|item| Some(item.label) == label);
        let mut flagged = None;
        let mut first = None;
        for (place, entry) in self.entries().enumerate().filter(|(_, e)| e.label > 0) {
            first = first.or(Some(place));
            if entry.default {
                flagged = Some(place);
            }
        }
        let labelled = labelled.filter(|place| self.label(*place).is_some());
        labelled.or(flagged).or(first).ok_or(Fault::EmptyMenu)
    }
}

impl PartialEq for MenuView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.title() == other.title() && self.items().eq(other.items())
    }
}

impl Eq for MenuView<'_> {}
