//! The files that are served at present: found by name, known by their id, each with its tree. The memory and the open files have bounds.

use super::verified::{Reading, Verified};
use super::webroot::{Stamp, Webroot, clean};
use crate::harmless;
use crate::publish::PACKED;
use netboot_core::{Duration, Instant};
use netboot_ubp::server::{Object, Store};
use netboot_ubp::wire::{ErrorCode, Name};
use netboot_verity::{BLOCK, Digest};
use std::cell::{Cell, RefCell};

/// Greatest number of files that are open.
const FILES: usize = 256;
/// Greatest number of octets of all trees together. A file has a thirty-second of its size.
const TREES: usize = 256 << 20;
/// Greatest number of files whose trees are on their way.
const READINGS: usize = 4;
/// Time for which a file stays at the least after a GET.
const HOLD: Duration = Duration::from_secs(10);
/// Time after which a file that cannot be served is read again, even if nothing tells that it has changed.
const AGAIN: Duration = Duration::from_secs(10);
/// Number of blocks that are read in one step.
const STEP: u32 = 64;
/// Number of steps that are done at once when a file is asked for. A plain file of up to 2 MiB is answered at once.
const AT_ONCE: u32 = 32;

/// The files of a folder.
#[derive(Debug)]
pub struct Catalogue {
    webroot: Webroot,
    entries: RefCell<Vec<Entry>>,
    now: Cell<Instant>,
    /// Whether the last name that was looked for will be answered later.
    is_pending: Cell<bool>,
}

/// A file.
#[derive(Debug)]
struct Entry {
    /// Its name below the folder.
    name: String,
    stamp: Stamp,
    state: State,
    /// Octets of memory for its tree.
    octets: usize,
    /// When it was opened.
    opened: Instant,
    /// When somebody asked for it last.
    asked: Instant,
    /// Until when it stays whatever else is asked for.
    held: Instant,
}

#[derive(Debug)]
enum State {
    /// The tree is on its way.
    Reading(Reading),
    /// The file is served. The flag says that a block was found changed.
    Ready(Verified, Object, Cell<bool>),
    /// The file cannot be served as it is.
    Failed(ErrorCode),
}

impl Entry {
    /// Whether it is served under this id.
    fn is(&self, of: u32) -> bool {
        matches!(&self.state, State::Ready(_, object, changed) if object.id() == of && !changed.get())
    }

    /// Whether what is known of the file still holds. `stamp` is that of the file that has the name now.
    fn is_same(&self, stamp: &Stamp, now: Instant) -> bool {
        let is_over = match &self.state {
            State::Reading(_) => false,
            State::Ready(_, _, changed) => changed.get(),
            State::Failed(_) => now >= self.opened + AGAIN,
        };
        self.stamp == *stamp && !is_over
    }

    /// Goes on with the tree.
    fn advance(&mut self, steps: u32) {
        for _ in 0..steps {
            let State::Reading(reading) = &mut self.state else {
                return;
            };
            let step = reading.step(STEP);
            if step == Ok(false) {
                continue;
            }
            // A state has to stand there while the reading is taken out.
            let State::Reading(reading) =
                std::mem::replace(&mut self.state, State::Failed(ErrorCode::FAILED))
            else {
                return;
            };
            match step.and_then(|_| self.ready(reading.finish())) {
                Ok(state) => self.state = state,
                Err(_) => {
                    self.octets = 0;
                    complain(&self.name);
                }
            }
        }
    }

    /// The state of a file whose tree is complete.
    fn ready(&self, file: Verified) -> Result<State, ErrorCode> {
        let digest = file.digest();
        let changed = Stamp::of(file.file())? != self.stamp;
        let wrong = match object(&self.name) {
            Some(name) => name != digest || !file.is_packed(),
            None => self.name.ends_with(".nbv") && !file.is_packed(),
        };
        if changed || wrong {
            return Err(ErrorCode::FAILED);
        }
        let object = Object {
            descriptor: file.descriptor(),
            digest,
            group: None,
        };
        Ok(State::Ready(file, object, Cell::new(false)))
    }
}

impl Catalogue {
    /// Makes a catalogue in which no file is open.
    pub fn new(webroot: Webroot) -> Self {
        Self {
            webroot,
            entries: RefCell::default(),
            now: Cell::new(Instant::ZERO),
            is_pending: Cell::new(false),
        }
    }

    /// The folder.
    pub fn webroot(&self) -> &Webroot {
        &self.webroot
    }

    /// Tells the time. It is to be called before each message.
    pub fn set_now(&self, now: Instant) {
        self.now.set(now);
        self.is_pending.set(false);
    }

    /// Whether the last name cannot be answered yet: no answer is to be sent, and the client asks again.
    pub fn is_pending(&self) -> bool {
        self.is_pending.get()
    }

    /// Number of files that are served at present.
    pub fn files(&self) -> usize {
        let entries = self.entries.borrow();
        let ready = entries
            .iter()
            .filter(|entry| matches!(entry.state, State::Ready(..)));
        ready.count()
    }

    /// Does one step for a file whose tree is on its way; whether there is one.
    pub fn work(&self) -> bool {
        let mut entries = self.entries.borrow_mut();
        let reading = |entry: &&mut Entry| matches!(entry.state, State::Reading(_));
        match entries.iter_mut().find(reading) {
            Some(entry) => {
                entry.advance(1);
                true
            }
            None => false,
        }
    }

    /// How a file with this id is called for people: its path, or its digest if it is one of the objects.
    pub fn shown(&self, id: u32) -> Option<String> {
        let entries = self.entries.borrow();
        let entry = entries.iter().find(|entry| entry.is(id))?;
        Some(shown(&entry.name))
    }

    /// The object of an entry, if it can be told now.
    fn told(&self, entry: &Entry) -> Result<Object, ErrorCode> {
        match &entry.state {
            State::Ready(_, object, _) => Ok(*object),
            State::Failed(code) => Err(*code),
            State::Reading(_) => self.later(),
        }
    }

    /// Notes that the client is not answered this time. The code is never sent.
    fn later(&self) -> Result<Object, ErrorCode> {
        self.is_pending.set(true);
        Err(ErrorCode::FAILED)
    }

    /// Makes room for one more file with such a tree; whether there is some.
    fn make_room(entries: &mut Vec<Entry>, now: Instant, octets: usize) -> bool {
        let is_free =
            |entry: &Entry| now >= entry.held && !matches!(entry.state, State::Reading(_));
        loop {
            let held: usize = entries.iter().map(|entry| entry.octets).sum();
            if entries.len() < FILES && held.saturating_add(octets) <= TREES {
                return true;
            }
            let free = entries
                .iter()
                .enumerate()
                .filter(|(_, entry)| is_free(entry));
            match free.min_by_key(|(_, entry)| entry.asked) {
                Some((at, _)) => entries.swap_remove(at),
                None => return false,
            };
        }
    }
}

impl Store for Catalogue {
    fn find(&self, name: &Name<'_>) -> Result<Object, ErrorCode> {
        let name = match name {
            Name::Path(path) => clean(path)?,
            Name::Digest(digest) => format!("{PACKED}/{digest}"),
        };
        let now = self.now.get();
        let opened = self.webroot.open(&name);
        let mut entries = self.entries.borrow_mut();
        if let Some(at) = entries.iter().position(|entry| entry.name == name) {
            let same = entries.get(at).zip(opened.as_ref().ok());
            let same = same.is_some_and(|(entry, (_, stamp))| entry.is_same(stamp, now));
            match entries.get_mut(at) {
                Some(entry) if same => {
                    entry.asked = now;
                    return self.told(entry);
                }
                _ => drop(entries.swap_remove(at)),
            }
        }
        let (file, stamp) = opened?;
        let reading = |entry: &&Entry| matches!(entry.state, State::Reading(_));
        if entries.iter().filter(reading).count() >= READINGS {
            return self.later();
        }
        let (state, octets) = match Reading::begin(file, stamp.size) {
            Ok(reading) => {
                let octets = reading.octets();
                (State::Reading(reading), octets)
            }
            Err(code) => {
                complain(&name);
                (State::Failed(code), 0)
            }
        };
        if !Self::make_room(&mut entries, now, octets) {
            return self.later();
        }
        let mut entry = Entry {
            name,
            stamp,
            state,
            octets,
            opened: now,
            asked: now,
            held: now,
        };
        entry.advance(AT_ONCE);
        let told = self.told(&entry);
        entries.push(entry);
        told
    }

    fn has(&self, id: u32) -> bool {
        let mut entries = self.entries.borrow_mut();
        // The same file may be there under several names, of which one was changed.
        entries.retain(|entry| {
            let is_same = || {
                let opened = self.webroot.open(&entry.name);
                opened.is_ok_and(|(_, stamp)| stamp == entry.stamp)
            };
            match &entry.state {
                State::Ready(_, object, changed) if object.id() == id => {
                    !changed.get() && is_same()
                }
                _ => true,
            }
        });
        match entries.iter_mut().find(|entry| entry.is(id)) {
            Some(entry) => {
                entry.asked = self.now.get();
                entry.held = self.now.get() + HOLD;
                true
            }
            None => false,
        }
    }

    fn block(&self, id: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
        let entries = self.entries.borrow();
        for entry in entries.iter().filter(|entry| entry.is(id)) {
            if let State::Ready(file, _, changed) = &entry.state {
                match file.block(number, out) {
                    Ok(0) => return None,
                    Ok(len) => return Some(len),
                    Err(_) => changed.set(true),
                }
            }
        }
        None
    }
}

/// Tells the operator why clients are told that a file cannot be read.
fn complain(name: &str) {
    eprintln!(
        "netboot: {}: not served: it cannot be read, is damaged, has more than 1 GiB, or changed while it was read",
        shown(name)
    );
}

/// The digest that an object is named by. `None` for the name of another file.
fn object(name: &str) -> Option<Digest> {
    let digest = name.strip_prefix(PACKED)?.strip_prefix('/')?;
    Digest::from_hex(digest)
}

/// A name for people.
fn shown(name: &str) -> String {
    match object(name) {
        Some(digest) => digest.to_string(),
        None => format!("/{}", harmless::text(name)),
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
