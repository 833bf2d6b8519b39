//! Which server is asked for which name, and what the answers come to.
//!
//! - Every server is asked in turn, after silence and after any answer that has no address.
//! - A name without a dot is looked for in the search domains first, and then as it is.
//! - An alias whose address is not in the same answer is asked for.
//! - Each query has a random number and goes out from a random port. An answer counts only if it comes from the server that was
//!   asked, to that port, with that number and the question (RFC 5452).
//! - The addresses of the last name are kept for as long as the answer says.

#[cfg(test)]
mod tests;

use crate::answer::{Answer, RecordType};
use crate::name::Name;
use crate::{MAX_ADDRESSES, PORT};
use core::fmt;
use core::net::IpAddr;
use heapless::Vec;
use netboot_core::net::MAX_DNS;
use netboot_core::{Duration, Instant};
use rand_core::RngCore;

/// Number of aliases that are asked for, one after another.
const ALIASES: u8 = 8;
/// Number of search domains.
pub const MAX_SEARCH: usize = 2;
/// First ephemeral port (RFC 6335, section 6).
const EPHEMERAL: u16 = 49152;
/// Longest time for which addresses are kept, whatever an answer says.
const LONGEST_TTL: Duration = Duration::from_secs(3600);
/// Wait for the first answer of each server; it doubles with each round.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How patient the resolver is.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Time for one name, for each server that there is.
    pub patience: Duration,
}

impl Default for Timing {
    /// 10 s for each server.
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
        }
    }
}

/// Why a name was not resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The text is no domain name.
    BadName,
    /// There is no server to ask.
    NoServer,
    /// Servers answered, and none had an address.
    NotFound,
    /// No server answered.
    Timeout,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Failure::BadName => "the text is no domain name",
            Failure::NoServer => "there is no DNS server to ask",
            Failure::NotFound => "the DNS servers answered, and none had an address",
            Failure::Timeout => "no DNS server answered in time",
        })
    }
}

impl core::error::Error for Failure {}

/// Why a datagram was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// Nothing is being asked.
    NotAsking,
    /// It does not come from the server that was asked, or not to the port of the query.
    WrongPeer,
    /// It is no answer to the query.
    NotOurs,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ignored::NotAsking => "the datagram came while no name is asked for",
            Ignored::WrongPeer => "the datagram does not come from the DNS server that was asked, or not to the port of the query",
            Ignored::NotOurs => "the datagram is no answer to the query",
        })
    }
}

impl core::error::Error for Ignored {}

/// What looking for a name came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// [`Resolver::addresses`] has at least one address.
    Found,
    /// There is none.
    Failed(Failure),
}

/// A query that the caller sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Length of the query at the start of the buffer, in octets.
    pub len: usize,
    /// The server. The port is [`PORT`].
    pub server: IpAddr,
    /// The local port.
    pub port: u16,
}

/// One question to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Query {
    id: u16,
    port: u16,
    /// Which server.
    server: usize,
    /// Set when the query has to be sent.
    due: bool,
    /// When to go on to the next server.
    at: Instant,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Asking(Query),
    /// Every server has answered the question, and had nothing. The next form of the name comes.
    NextForm,
    Ended(Outcome),
}

/// A resolver for one name at a time.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    state: State,
    kind: RecordType,
    servers: Vec<IpAddr, MAX_DNS>,
    /// The name that the caller looks for, as the cache knows it.
    asked: Name,
    /// The name in question: the caller's, in a search domain, or an alias of it.
    question: Name,
    /// Servers that have answered the question, and had nothing.
    answered: u8,
    /// Set when any server has answered anything.
    heard: bool,
    /// Number of forms of the name: in each search domain, and as it is.
    forms: usize,
    /// Which form comes next.
    form: usize,
    aliases: u8,
    wait: Duration,
    deadline: Instant,
    addresses: Vec<IpAddr, MAX_ADDRESSES>,
    /// Until when the addresses count.
    fresh_until: Instant,
}

impl Resolver {
    /// Makes a resolver that knows nothing.
    pub const fn new() -> Self {
        Self {
            state: State::Idle,
            kind: RecordType::A,
            servers: Vec::new(),
            asked: Name::new(),
            question: Name::new(),
            answered: 0,
            heard: false,
            forms: 0,
            form: 0,
            aliases: 0,
            wait: FIRST_WAIT,
            deadline: Instant::ZERO,
            addresses: Vec::new(),
            fresh_until: Instant::ZERO,
        }
    }

    /// Begins to look for a name; with a dot at its end it is looked for as it is. A name without a dot is looked for in the domains
    /// of `search` first, the preferred one first; [`MAX_SEARCH`] are used. [`poll`](Self::poll) has the outcome at once when the
    /// addresses are known still.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are what a question is made of"
    )]
    pub fn start(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        name: &str,
        search: &[&str],
        kind: RecordType,
        servers: &[IpAddr],
        timing: Timing,
    ) {
        let mut asked = Name::new();
        if asked.set(name).is_err() {
            self.state = State::Ended(Outcome::Failed(Failure::BadName));
            return;
        }
        let known = now < self.fresh_until && self.kind == kind && self.asked == asked;
        if known && !self.addresses.is_empty() {
            self.state = State::Ended(Outcome::Found);
            return;
        }
        self.servers.clear();
        for server in servers.iter().take(MAX_DNS) {
            let _ = self.servers.push(*server);
        }
        if self.servers.is_empty() {
            self.state = State::Ended(Outcome::Failed(Failure::NoServer));
            return;
        }
        let label = !name.bytes().any(|octet| octet == b'.');
        let domains = search.iter().take(MAX_SEARCH).filter(|_| label);
        self.forms = domains.count().saturating_add(1);
        self.form = 0;
        self.asked = asked;
        self.kind = kind;
        self.heard = false;
        self.wait = FIRST_WAIT;
        let servers = u32::try_from(self.servers.len()).unwrap_or(u32::MAX);
        self.deadline = now + timing.patience * servers;
        self.addresses.clear();
        self.next_form(now, rng, search);
    }

    /// Takes one datagram that arrived on UDP port `port`, from `from`.
    ///
    /// # Errors
    /// Tells why the datagram was ignored, for a log. The resolver goes on as if the datagram had not come.
    pub fn handle(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        from: (IpAddr, u16),
        port: u16,
        datagram: &[u8],
    ) -> Result<(), Ignored> {
        let State::Asking(query) = self.state else {
            return Err(Ignored::NotAsking);
        };
        let peer = self.servers.get(query.server).copied();
        if peer != Some(from.0) || from.1 != PORT || port != query.port || query.due {
            return Err(Ignored::WrongPeer);
        }
        let answer = Answer::parse(datagram, &self.question, self.kind)
            .filter(|answer| answer.id == query.id)
            .ok_or(Ignored::NotOurs)?;
        self.heard = true;
        let found = match answer.code {
            0 => answer.follow(&mut self.question, self.kind),
            _ => {
                self.refused(now, rng, query.server);
                return Ok(());
            }
        };
        if !found.addresses.is_empty() {
            self.addresses = found.addresses;
            let ttl = Duration::from_secs(found.ttl.into());
            self.fresh_until = now + ttl.min(LONGEST_TTL);
            self.state = State::Ended(Outcome::Found);
        } else if found.alias && !answer.truncated && self.aliases < ALIASES {
            self.aliases = self.aliases.saturating_add(1);
            self.answered = 0;
            self.ask(now, rng, query.server);
        } else {
            self.refused(now, rng, query.server);
        }
        Ok(())
    }

    /// Writes the query that is due to the start of `buf` of [`TRANSMIT_MAX`](crate::TRANSMIT_MAX) octets.
    pub fn poll_transmit(&mut self, now: Instant, buf: &mut [u8]) -> Option<Transmit> {
        let State::Asking(query) = &mut self.state else {
            return None;
        };
        if !core::mem::take(&mut query.due) {
            return None;
        }
        query.at = now + self.wait;
        let [id_high, id_low] = query.id.to_be_bytes();
        // A standard query with one question, and recursion asked for.
        let head = [id_high, id_low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let [kind_high, kind_low] = self.kind.number().to_be_bytes();
        let tail = [kind_high, kind_low, 0, 1];
        let mut len = 0usize;
        for part in [&head[..], self.question.octets(), &tail] {
            let end = len.checked_add(part.len())?;
            buf.get_mut(len..end)?.copy_from_slice(part);
            len = end;
        }
        Some(Transmit {
            len,
            server: *self.servers.get(query.server)?,
            port: query.port,
        })
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). `None` when there is nothing to wait for.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Asking(query) => Some(query.at.min(self.deadline)),
            State::NextForm => Some(Instant::ZERO),
            State::Idle | State::Ended(_) => None,
        }
    }

    /// Goes on to the next server or to the next form of the name, or gives up, when that is due at `now`. Early calls do nothing.
    /// `search` has to be what it was at the [`start`](Self::start).
    pub fn handle_timeout(&mut self, now: Instant, rng: &mut dyn RngCore, search: &[&str]) {
        match self.state {
            State::Asking(_) | State::NextForm if now >= self.deadline => self.fail(),
            State::Asking(query) if now >= query.at && !query.due => {
                self.next_server(now, rng, query.server);
            }
            State::NextForm => self.next_form(now, rng, search),
            State::Asking(_) | State::Idle | State::Ended(_) => {}
        }
    }

    /// The outcome, once it is there.
    pub fn poll(&self) -> Option<Outcome> {
        match self.state {
            State::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// The addresses of the name that was found last, in the server's order.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Goes on to the next form of the name: in the next search domain, and at last as it is.
    fn next_form(&mut self, now: Instant, rng: &mut dyn RngCore, search: &[&str]) {
        self.answered = 0;
        self.aliases = 0;
        while self.form < self.forms {
            let form = self.form;
            self.form = form.saturating_add(1);
            let domain = match self.form == self.forms {
                true => "",
                false => search.get(form).copied().unwrap_or_default(),
            };
            // A domain with which the name is too long is passed over.
            if self.question.join(&self.asked, domain).is_ok() {
                self.ask(now, rng, 0);
                return;
            }
        }
        self.fail();
    }

    /// Asks a server.
    fn ask(&mut self, now: Instant, rng: &mut dyn RngCore, server: usize) {
        let [chance, more] = [rng.next_u32(), rng.next_u32()];
        self.state = State::Asking(Query {
            id: chance as u16,
            port: EPHEMERAL | more as u16,
            server,
            due: true,
            at: now + self.wait,
        });
    }

    /// Notes that a server has answered and has nothing.
    fn refused(&mut self, now: Instant, rng: &mut dyn RngCore, server: usize) {
        self.answered |= 1 << (server & 7);
        self.next_server(now, rng, server);
    }

    /// Goes on to the next server that has not answered the question; when all have, the next form of the name is due.
    fn next_server(&mut self, now: Instant, rng: &mut dyn RngCore, server: usize) {
        let count = self.servers.len();
        let mut next = server;
        for _ in 0..count {
            next = next.saturating_add(1);
            if next >= count {
                next = 0;
                self.wait = self.wait * 2u32;
            }
            if self.answered & (1 << (next & 7)) == 0 {
                self.ask(now, rng, next);
                return;
            }
        }
        self.state = match self.form < self.forms {
            true => State::NextForm,
            false => State::Ended(Outcome::Failed(Failure::NotFound)),
        };
    }

    fn fail(&mut self) {
        let failure = match self.heard {
            true => Failure::NotFound,
            false => Failure::Timeout,
        };
        self.state = State::Ended(Outcome::Failed(failure));
    }
}
