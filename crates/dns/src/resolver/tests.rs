//! Which server is asked for what, and what counts as an answer.

mod edges;

use super::*;
use crate::answer::tests::{a, answer, cname};
use rand_core::{Error, RngCore};

#[derive(Clone)]
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

#[derive(Clone)]
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

    fn searching(name: &'static str, search: &'static [&'static str], servers: &[IpAddr]) -> Self {
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
    fn answer(&mut self, sent: Transmit, mut message: std::vec::Vec<u8>) -> Result<(), Ignored> {
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
        assert!(
            bench.now < Instant::from_millis(60_000),
            "queries without end"
        );
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
        assert!(questions < 20, "{questions}");
        let next = format!("n{questions}.example");
        let alias = answer(&name, &[(name.as_str(), 5, 60, cname(&next))]);
        bench.answer(sent, alias).unwrap();
    }
    assert_eq!(
        bench.resolver.poll(),
        Some(Outcome::Failed(Failure::NotFound))
    );
    assert!(questions > 1, "{questions}");
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
