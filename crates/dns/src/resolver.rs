//! Which server is asked for which name, and what the answers come to.
//!
//! - Every server is asked in turn, after silence and after any answer that has no address.
//! - A name without a dot is looked for in the search domains first, and then as it is.
//! - An alias whose address is not in the same answer is asked for.
//! - Each query has a random number and goes out from a random port. An answer counts only if it comes from the server that was
//!   asked, to that port, with that number and the question (RFC 5452).
//! - The addresses of the last name are kept for as long as the answer says.

use crate::answer::Answer;
use crate::name::Name;
use crate::{MAX_ADDRESSES, PORT};
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

/// What is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordType {
    /// IPv4 addresses.
    #[default]
    A,
    /// IPv6 addresses.
    Aaaa,
}

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

    /// The local port of the query that waits for its answer.
    pub fn port(&self) -> Option<u16> {
        match self.state {
            State::Asking(query) => Some(query.port),
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
            port: EPHEMERAL | (more as u16 & (EPHEMERAL ^ u16::MAX)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::tests::{a, answer, cname};
    use rand_core::{Error, RngCore};

    struct Counter(u32);

    impl RngCore for Counter {
        fn next_u32(&mut self) -> u32 {
            self.0 = self.0.wrapping_mul(0x9E37_79B1).wrapping_add(0x1234_5677);
            self.0 >> 3
        }
        fn next_u64(&mut self) -> u64 {
            self.next_u32().into()
        }
        fn fill_bytes(&mut self, _: &mut [u8]) {}
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Error> {
            Ok(())
        }
    }

    const ONE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 2, 53));
    const TWO: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 2, 54));
    const NAME: &str = "images.example";

    struct Bench {
        resolver: Resolver,
        rng: Counter,
        name: &'static str,
        search: &'static [&'static str],
        buffer: [u8; crate::TRANSMIT_MAX],
        now: Instant,
    }

    impl Bench {
        fn new(name: &'static str, servers: &[IpAddr]) -> Self {
            Self::searching(name, &[], servers)
        }

        fn searching(
            name: &'static str,
            search: &'static [&'static str],
            servers: &[IpAddr],
        ) -> Self {
            let mut bench = Self {
                resolver: Resolver::new(),
                rng: Counter(1),
                name,
                search,
                buffer: [0; crate::TRANSMIT_MAX],
                now: Instant::ZERO,
            };
            bench.start(servers);
            bench
        }

        fn start(&mut self, servers: &[IpAddr]) {
            let timing = Timing::default();
            self.resolver.start(
                self.now,
                &mut self.rng,
                self.name,
                self.search,
                RecordType::A,
                servers,
                timing,
            );
        }

        /// The query that is due: its server, and the name in it.
        fn query(&mut self) -> Option<(IpAddr, String, Transmit)> {
            let sent = self.resolver.poll_transmit(self.now, &mut self.buffer)?;
            let mut labels = Vec::<String, 9>::new();
            let mut at = 12;
            while self.buffer[at] != 0 {
                let len = usize::from(self.buffer[at]);
                let label = &self.buffer[at + 1..=at + len];
                labels
                    .push(String::from_utf8(label.to_vec()).unwrap())
                    .unwrap();
                at += len + 1;
            }
            Some((sent.server, labels.join("."), sent))
        }

        fn asks(&mut self, server: IpAddr, name: &str) -> Transmit {
            let (to, what, sent) = self.query().expect("a query");
            assert_eq!((to, what.as_str()), (server, name));
            assert!(sent.port >= EPHEMERAL);
            sent
        }

        /// An answer to the query that was sent last.
        fn answer(
            &mut self,
            sent: Transmit,
            mut message: std::vec::Vec<u8>,
        ) -> Result<(), Ignored> {
            message[..2].copy_from_slice(&self.buffer[..2]);
            let from = (sent.server, PORT);
            self.resolver
                .handle(self.now, &mut self.rng, from, sent.port, &message)
        }

        /// Waits for the next timer.
        fn wait(&mut self) {
            self.now = self.resolver.poll_timeout().expect("a timer");
            self.resolver
                .handle_timeout(self.now, &mut self.rng, self.search);
        }

        fn found(&self) -> std::vec::Vec<String> {
            assert_eq!(self.resolver.poll(), Some(Outcome::Found));
            let addresses = self.resolver.addresses().iter();
            addresses.map(ToString::to_string).collect()
        }
    }

    fn good(name: &str) -> std::vec::Vec<u8> {
        answer(name, &[(name, 1, 60, a(2)), (name, 1, 60, a(3))])
    }

    fn failing(name: &str, code: u8) -> std::vec::Vec<u8> {
        let mut message = answer(name, &[]);
        message[3] |= code;
        message
    }

    #[test]
    fn all_addresses_are_kept() {
        let mut bench = Bench::new(NAME, &[ONE]);
        let sent = bench.asks(ONE, "images.example");
        assert_eq!(bench.query(), None);
        bench.answer(sent, good("images.example")).unwrap();
        assert_eq!(bench.found(), ["10.0.2.2", "10.0.2.3"]);
        assert_eq!(bench.resolver.poll_timeout(), None);
    }

    #[test]
    fn every_server_is_asked_after_a_failing_answer() {
        for code in [1, 2, 3, 4, 5, 0] {
            let mut bench = Bench::new(NAME, &[ONE, TWO]);
            let sent = bench.asks(ONE, "images.example");
            bench.answer(sent, failing("images.example", code)).unwrap();
            let sent = bench.asks(TWO, "images.example");
            bench.answer(sent, good("images.example")).unwrap();
            assert_eq!(bench.found().len(), 2, "code {code}");
            // The second one has nothing either.
            let mut bench = Bench::new(NAME, &[ONE, TWO]);
            for server in [ONE, TWO] {
                let sent = bench.asks(server, "images.example");
                bench.answer(sent, failing("images.example", code)).unwrap();
            }
            let failed = Some(Outcome::Failed(Failure::NotFound));
            assert_eq!((bench.resolver.poll(), bench.query()), (failed, None));
        }
    }

    #[test]
    fn silent_servers_are_passed_over_and_asked_again() {
        let mut bench = Bench::new(NAME, &[ONE, TWO]);
        bench.asks(ONE, "images.example");
        bench.wait();
        assert_eq!(bench.now, Instant::ZERO + Duration::from_secs(1));
        bench.asks(TWO, "images.example");
        bench.wait();
        assert_eq!(bench.now, Instant::ZERO + Duration::from_secs(2));
        let sent = bench.asks(ONE, "images.example");
        // Calls before the time do nothing.
        let timer = bench.resolver.poll_timeout();
        assert_eq!(timer, Some(bench.now + Duration::from_secs(2)));
        bench
            .resolver
            .handle_timeout(bench.now, &mut bench.rng, &[]);
        assert_eq!(bench.query(), None);
        bench.answer(sent, good("images.example")).unwrap();
        assert_eq!(bench.found().len(), 2);
        // Nobody ever answers: an end, not long after the deadline even when each call is late.
        let mut bench = Bench::new(NAME, &[ONE, TWO]);
        while bench.resolver.poll().is_none() {
            bench.query();
            bench.now = bench.resolver.poll_timeout().unwrap() + Duration::from_millis(700);
            bench
                .resolver
                .handle_timeout(bench.now, &mut bench.rng, &[]);
        }
        assert_eq!(
            bench.resolver.poll(),
            Some(Outcome::Failed(Failure::Timeout))
        );
        assert!(
            bench.now <= Instant::ZERO + Duration::from_secs(21),
            "{}",
            bench.now
        );
    }

    #[test]
    fn an_alias_is_asked_for_at_the_same_server() {
        let mut bench = Bench::new(NAME, &[ONE, TWO]);
        let sent = bench.asks(ONE, "images.example");
        let alias = answer(
            "images.example",
            &[("images.example", 5, 60, cname("b.example"))],
        );
        bench.answer(sent, alias).unwrap();
        let sent = bench.asks(ONE, "b.example");
        bench.answer(sent, good("b.example")).unwrap();
        assert_eq!(bench.found().len(), 2);
        // Aliases without an end.
        let mut bench = Bench::new(NAME, &[ONE]);
        let mut questions = 0;
        while let Some((_, name, sent)) = bench.query() {
            questions += 1;
            let next = format!("n{questions}.example");
            let alias = answer(&name, &[(name.as_str(), 5, 60, cname(&next))]);
            bench.answer(sent, alias).unwrap();
        }
        assert_eq!(
            bench.resolver.poll(),
            Some(Outcome::Failed(Failure::NotFound))
        );
        assert!(questions < 20, "{questions}");
    }

    #[test]
    fn names_without_a_dot_are_looked_for_in_the_search_domains() {
        const SEARCH: &[&str] = &["lab.example", "example", "ignored.example"];
        let mut bench = Bench::searching("fw", SEARCH, &[ONE]);
        for name in ["fw.lab.example", "fw.example", "fw"] {
            let sent = bench.asks(ONE, name);
            bench.answer(sent, failing(name, 3)).unwrap();
            if bench.resolver.poll().is_none() {
                let now = bench.now;
                bench.resolver.handle_timeout(now, &mut bench.rng, SEARCH);
            }
        }
        assert_eq!(
            bench.resolver.poll(),
            Some(Outcome::Failed(Failure::NotFound))
        );
        let mut bench = Bench::searching("fw", SEARCH, &[ONE]);
        let sent = bench.asks(ONE, "fw.lab.example");
        bench.answer(sent, good("fw.lab.example")).unwrap();
        assert_eq!(bench.found().len(), 2);
        for name in ["fw.", "images.example"] {
            let mut bench = Bench::searching(name, SEARCH, &[ONE]);
            bench.asks(ONE, name.strip_suffix('.').unwrap_or(name));
        }
    }

    #[test]
    fn addresses_are_kept_for_as_long_as_the_answer_says() {
        let mut bench = Bench::new(NAME, &[ONE]);
        let sent = bench.asks(ONE, "images.example");
        bench.answer(sent, good("images.example")).unwrap();
        bench.now = Instant::ZERO + Duration::from_secs(59);
        bench.start(&[ONE]);
        assert_eq!(bench.found().len(), 2);
        assert_eq!(bench.query(), None);
        bench.now = Instant::ZERO + Duration::from_secs(60);
        bench.start(&[ONE]);
        bench.asks(ONE, "images.example");
        assert_eq!(bench.resolver.poll(), None);
    }

    #[test]
    fn what_others_send_does_not_count() {
        let mut bench = Bench::new(NAME, &[ONE, TWO]);
        let sent = bench.asks(ONE, "images.example");
        let mut message = good("images.example");
        let handle = |bench: &mut Bench, from, port, message: &[u8]| {
            bench
                .resolver
                .handle(bench.now, &mut bench.rng, from, port, message)
        };
        message[..2].copy_from_slice(&bench.buffer[..2]);
        let wrong = Err(Ignored::WrongPeer);
        assert_eq!(handle(&mut bench, (TWO, PORT), sent.port, &message), wrong);
        assert_eq!(handle(&mut bench, (ONE, 54), sent.port, &message), wrong);
        assert_eq!(
            handle(&mut bench, (ONE, PORT), sent.port ^ 1, &message),
            wrong
        );
        message[0] ^= 1;
        let from = (ONE, PORT);
        assert_eq!(
            handle(&mut bench, from, sent.port, &message),
            Err(Ignored::NotOurs)
        );
        message[0] ^= 1;
        // The name in the question is in another case: that is the same name.
        message[13] = b'I';
        assert_eq!(handle(&mut bench, from, sent.port, &message), Ok(()));
        assert_eq!(
            handle(&mut bench, from, sent.port, &message),
            Err(Ignored::NotAsking)
        );
    }

    #[test]
    fn a_cut_answer_counts_as_far_as_it_has_addresses() {
        let mut bench = Bench::new(NAME, &[ONE, TWO]);
        let sent = bench.asks(ONE, "images.example");
        let mut cut = answer("images.example", &[]);
        cut[2] |= 2;
        bench.answer(sent, cut).unwrap();
        let sent = bench.asks(TWO, "images.example");
        let mut cut = good("images.example");
        cut[2] |= 2;
        bench.answer(sent, cut).unwrap();
        assert_eq!(bench.found().len(), 2);
    }

    #[test]
    fn names_and_servers_that_are_none() {
        let failed = |failure| Some(Outcome::Failed(failure));
        assert_eq!(
            Bench::new("a..b", &[ONE]).resolver.poll(),
            failed(Failure::BadName)
        );
        assert_eq!(
            Bench::new(NAME, &[]).resolver.poll(),
            failed(Failure::NoServer)
        );
    }

    #[test]
    fn numbers_and_ports_differ_from_query_to_query() {
        let mut seen = std::collections::BTreeSet::new();
        let mut bench = Bench::new(NAME, &[ONE]);
        for _ in 0..4 {
            let sent = bench.asks(ONE, "images.example");
            seen.insert((bench.buffer[0], bench.buffer[1], sent.port));
            bench.wait();
        }
        assert_eq!(seen.len(), 4);
    }
}
