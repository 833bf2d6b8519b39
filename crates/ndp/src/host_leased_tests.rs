//! Tests of the addresses that DHCPv6 servers lease, and of probes (RFC 4862, section 5.4).

use crate::host::{Event, Host, Kind, TRANSMIT_MAX};
use crate::host_tests::{OTHER, OWN, Same, Sent, at, config, ip, on_link, run, started};
use netboot_core::Duration;

#[test]
fn a_leased_address_is_probed_for_its_client() {
    let leased = ip("2001:db8::1:1");
    let mut host = on_link();
    host.probe(at(600), leased);
    assert!(host.groups().any(|group| group == ip("ff02::1:ff01:1")));
    let (sent, events) = run(&mut host, at(600), at(700), Duration::ZERO, &mut Same(0));
    assert!(sent.contains(&(600, Sent::Probe(leased))));
    assert_eq!(
        events,
        [Event::Changed, Event::Probed(leased, None), Event::Changed]
    );
    assert_eq!(host.address(Kind::Leased), Some(leased));
    host.probe(at(700), leased);
    assert_eq!(
        host.poll(),
        Some(Event::Probed(leased, None)),
        "it is in use already"
    );
    host.withdraw();
    assert_eq!(host.poll(), Some(Event::Changed));
    assert_eq!(host.address(Kind::Leased), None);
    host.probe(at(800), leased);
    host.conflict(at(810), &mut Same(0), leased, OTHER);
    assert_eq!(host.poll(), Some(Event::Duplicate(leased)));
    assert_eq!(host.poll(), Some(Event::Probed(leased, Some(OTHER))));
    assert_eq!(host.tentative().count(), 0);
    assert_eq!(
        host.address(Kind::LinkLocal),
        Some(ip(OWN)),
        "it has nothing to do with the others"
    );
}

#[test]
fn a_leased_address_can_be_taken_into_use_as_it_is() {
    let leased = ip("2001:db8::1:1");
    let mut host = on_link();
    host.assign(leased);
    assert_eq!((host.poll(), host.poll()), (Some(Event::Changed), None));
    assert_eq!(host.address(Kind::Leased), Some(leased));
    host.assign(leased);
    assert_eq!(host.poll(), None, "it is in use already");
}

/// An address that is in use, or is being probed, says nothing about another one.
#[test]
fn another_lease_is_probed_anew() {
    let (first, second) = (ip("2001:db8::1:1"), ip("2001:db8::2:2"));
    let mut host = on_link();
    host.assign(first);
    assert_eq!(host.poll(), Some(Event::Changed));
    host.probe(at(600), second);
    assert_eq!((host.poll(), host.poll()), (Some(Event::Changed), None));
    assert_eq!(host.tentative().collect::<Vec<_>>(), [second]);
    // Asked for again, it is not in use yet.
    host.probe(at(650), second);
    assert_eq!((host.poll(), host.poll()), (Some(Event::Changed), None));
    let (sent, events) = run(&mut host, at(650), at(800), Duration::ZERO, &mut Same(0));
    assert!(sent.contains(&(650, Sent::Probe(second))), "{sent:?}");
    assert_eq!(events, [Event::Probed(second, None), Event::Changed]);
}

/// `DupAddrDetectTransmits` of zero (RFC 4862, section 5.1): there is no probe, and only a leased address has a client that waits for its result.
#[test]
fn without_probes_a_lease_is_in_use_at_once() {
    let leased = ip("2001:db8::1:1");
    let mut host = Host::new(config(0));
    host.start(at(0), &mut Same(0));
    assert_eq!((host.poll(), host.poll()), (Some(Event::Changed), None));
    host.probe(at(10), leased);
    assert_eq!(host.poll(), Some(Event::Probed(leased, None)));
    assert_eq!((host.poll(), host.poll()), (Some(Event::Changed), None));
    assert_eq!(host.address(Kind::Leased), Some(leased));
}

/// The last question is followed by a wait and not by one more, in whatever order the host is called.
#[test]
fn an_address_has_as_many_questions_as_are_wanted() {
    for count in 1..=3 {
        let mut host = started(count);
        let mut questions = 0;
        for millis in (0..=700).step_by(50) {
            let mut buffer = [0; TRANSMIT_MAX];
            while let Some(len) = host.poll_transmit(at(millis), &mut Same(0), &mut buffer) {
                // ICMPv6 behind the header: a neighbour solicitation (RFC 4861, section 4.3).
                questions += u8::from(buffer[6] == 58 && buffer[40] == 135 && len > 40);
            }
        }
        assert_eq!(questions, count);
        assert_eq!(host.tentative().collect::<Vec<_>>(), [ip(OWN)]);
        host.handle_timeout(at(700));
        assert_eq!(host.address(Kind::LinkLocal), Some(ip(OWN)));
    }
}
