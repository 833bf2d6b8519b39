//! Early and late calls of the timer. No real caller is on the dot.

use super::tests::{Bench, ia};
use super::*;
use crate::v6::model::{PROMPT, secs};
use netboot_core::fuzz::Random;

const MICROSECOND: Duration = Duration::from_micros(1);

/// A client in each state in which a timer runs, with the name of the state.
fn running() -> Vec<(&'static str, Bench)> {
    let stateful = || Bench::new(&PROMPT, Mode::Stateful);
    let mut all = Vec::new();
    let config = Config {
        start_delay: secs(1),
        ..PROMPT
    };
    all.push(("waiting", Bench::new(&config, Mode::Stateful)));
    let mut bench = stateful();
    bench.sent(MessageType::Solicit);
    all.push(("asking", bench));
    let mut bench = stateful();
    bench.sent(MessageType::Solicit);
    let wire = bench.answer(MessageType::Advertise, &[(3, &ia())]);
    bench.handle(&wire).unwrap();
    all.push(("with an offer", bench));
    let mut bench = stateful();
    bench.request(&ia());
    all.push(("requesting", bench));
    let probing = Config {
        probe: true,
        ..PROMPT
    };
    let probing = || {
        let mut bench = Bench::new(&probing, Mode::Stateful);
        bench.request(&ia());
        let wire = bench.answer(MessageType::Reply, &[(3, &ia())]);
        bench.handle(&wire).unwrap();
        bench.client.poll(bench.now);
        bench
    };
    all.push(("probing", probing()));
    let mut bench = probing();
    let Bench {
        client,
        random,
        now,
    } = &mut bench;
    client.probe_result(*now, random, Some([2; 6]));
    bench.sent(MessageType::Decline);
    all.push(("declining", bench));
    all.push(("bound", Bench::bound()));
    all.push(("renewing", Bench::renewing()));
    all.push(("rebinding", Bench::rebinding()));
    let mut bench = Bench::bound();
    bench.client.release(bench.now, &mut bench.random);
    bench.sent(MessageType::Release);
    all.push(("releasing", bench));
    let mut bench = Bench::new(&PROMPT, Mode::Stateless);
    bench.sent(MessageType::InformationRequest);
    all.push(("informing", bench));
    let mut bench = Bench::new(&PROMPT, Mode::Stateless);
    bench.sent(MessageType::InformationRequest);
    let wire = bench.answer(MessageType::Reply, &[]);
    bench.handle(&wire).unwrap();
    bench.client.poll(bench.now);
    bench.timer();
    bench.sent(MessageType::InformationRequest);
    all.push(("refreshing", bench));
    all
}

/// What a call of the timer at `now` led to: the client, what it tells, and the type of the message that it sends.
fn call(bench: &Bench, now: Instant) -> (Client, Option<Event>, Option<MessageType>) {
    let mut client = bench.client.clone();
    let mut random = Random(7);
    client.handle_timeout(now, &mut random);
    let told = client.poll(now);
    let mut buf = [0; TRANSMIT_MAX];
    let sent = client.poll_transmit(now, &mut random, &mut buf);
    let kind = sent.and_then(|_| MessageType::from_wire(buf[0]));
    (client, told, kind)
}

#[test]
fn an_early_call_does_nothing() {
    for (name, bench) in running() {
        let at = bench.client.poll_timeout().expect(name);
        for early in [bench.now, at - MICROSECOND] {
            let (client, told, sent) = call(&bench, early);
            assert_eq!((told, sent), (None, None), "{name}");
            assert_eq!(client.state, bench.client.state, "{name}");
        }
    }
}

#[test]
fn a_call_in_time_or_late_does_what_is_due() {
    use MessageType as M;
    let expected = [
        ("waiting", None, Some(M::Solicit)),
        ("asking", None, Some(M::Solicit)),
        ("with an offer", None, Some(M::Request)),
        ("requesting", None, Some(M::Request)),
        ("probing", Some(Event::Bound), None),
        ("declining", None, Some(M::Decline)),
        ("bound", None, Some(M::Renew)),
        ("renewing", None, Some(M::Renew)),
        ("rebinding", None, Some(M::Rebind)),
        ("releasing", None, Some(M::Release)),
        ("informing", None, Some(M::InformationRequest)),
        ("refreshing", None, Some(M::InformationRequest)),
    ];
    for ((name, bench), expected) in running().into_iter().zip(expected) {
        let at = bench.client.poll_timeout().expect(name);
        for late in [Duration::ZERO, MICROSECOND, Duration::from_millis(500)] {
            let (client, told, sent) = call(&bench, at + late);
            assert_eq!((name, told, sent), expected);
            let next = client.poll_timeout();
            assert!(next.is_none_or(|next| next > at + late), "{name}");
        }
    }
}

/// A call that comes after several deadlines goes by the last of them.
#[test]
fn a_call_that_is_very_late() {
    for (name, bench) in running() {
        let (client, told, sent) = call(&bench, Instant::ZERO + secs(100_000));
        let failed = matches!(told, Some(Event::Failed(_)));
        match name {
            "probing" => assert_eq!(told, Some(Event::Bound)),
            "bound" | "renewing" | "rebinding" => {
                assert_eq!(told, Some(Event::Lost(LostReason::Expired)));
                assert_eq!(sent, Some(MessageType::Solicit));
            }
            "releasing" => assert_eq!(sent, Some(MessageType::Release)),
            "refreshing" => assert_eq!(sent, Some(MessageType::InformationRequest)),
            _ => assert!(failed && client.poll_timeout().is_none(), "{name}"),
        }
    }
}

/// T2 and the end of the lease count, although a repetition would be due later.
#[test]
fn what_ends_a_renewal() {
    let mut bench = Bench::bound();
    for (at, kind) in [(799, MessageType::Renew), (1_999, MessageType::Rebind)] {
        bench.at(at);
        bench.sent(kind);
        let end = Instant::ZERO + secs(at + 1);
        assert_eq!(bench.client.poll_timeout(), Some(end));
    }
    let (_, told, _) = call(&bench, Instant::ZERO + secs(2_000) - MICROSECOND);
    assert_eq!(told, None);
    let (client, told, _) = call(&bench, Instant::ZERO + secs(2_000));
    assert_eq!(told, Some(Event::Lost(LostReason::Expired)));
    assert_eq!(client.lease(), None);
}
