//! Kept options at the edges of their buffer.

use crate::model::REPLY;
use crate::packet::MessageType;
use crate::raw::{RawOptions, Scope, Taken};

/// A message with these options and no other but its type, which takes four octets of a buffer.
fn message(options: &[(u8, &[u8])]) -> Vec<u8> {
    crate::model::message(&REPLY, MessageType::Ack, options)
}

fn kept(raw: &RawOptions<'_>, scope: Scope) -> Vec<(u8, Vec<u8>)> {
    raw.iter(scope)
        .map(|(code, data)| (code, data.to_vec()))
        .collect()
}

/// Each option takes three octets more than its data, from both ends of the buffer.
#[test]
fn a_buffer_that_is_just_long_enough() {
    let dhcp = message(&[(12, b"node")]);
    let proxy = message(&[(43, b"ab")]);
    // Options 12 and 53 of the one, 43 and 53 of the other.
    for (len, lost) in [(20, 0), (19, 1)] {
        let mut buffer = vec![0; len];
        let mut raw = RawOptions::new(&mut buffer);
        raw.keep(Taken::Lease, &dhcp).unwrap();
        raw.keep(Taken::Proxy, &proxy).unwrap();
        let node = vec![(12, b"node".to_vec()), (53, vec![5])];
        assert_eq!(kept(&raw, Scope::Dhcp), node);
        let mut other = vec![(53, vec![5]), (43, b"ab".to_vec())];
        if lost > 0 {
            other.remove(0);
        }
        assert_eq!(
            (kept(&raw, Scope::Proxy), raw.lost()),
            (other, lost),
            "{len}"
        );

        let mut buffer = vec![0; len];
        let mut raw = RawOptions::new(&mut buffer);
        raw.keep(Taken::Proxy, &proxy).unwrap();
        raw.keep(Taken::Offer, &dhcp).unwrap();
        let other = vec![(53, vec![5]), (43, b"ab".to_vec())];
        assert_eq!(kept(&raw, Scope::Proxy), other);
        assert_eq!(raw.lost(), lost);
        assert_eq!(raw.get(Scope::Dhcp, 12), Some(&b"node"[..]));
        assert_eq!(raw.get(Scope::Dhcp, 53).is_some(), lost == 0);
    }
    let mut raw = RawOptions::new(&mut []);
    raw.keep(Taken::Offer, &dhcp).unwrap();
    raw.keep(Taken::Proxy, &proxy).unwrap();
    assert_eq!(raw.lost(), 4);
    raw.clear();
    assert_eq!(raw.lost(), 0);
}

/// What a confirmation says again takes the place of what was offered, wherever it stands and however long it is.
#[test]
fn an_option_that_comes_again() {
    let offer = message(&[(12, b"first"), (15, b"domain"), (43, b"xyz")]);
    for code in [12, 15, 43] {
        for data in [&b""[..], b"new", b"very much longer"] {
            let mut buffer = [0; 64];
            let mut raw = RawOptions::new(&mut buffer);
            raw.keep(Taken::Offer, &offer).unwrap();
            raw.keep(Taken::Lease, &message(&[(code, data)])).unwrap();
            let mut expected = vec![
                (12, b"first".to_vec()),
                (15, b"domain".to_vec()),
                (43, b"xyz".to_vec()),
            ];
            expected.retain(|(found, _)| *found != code);
            expected.extend([(code, data.to_vec()), (53, vec![5])]);
            assert_eq!(
                (kept(&raw, Scope::Dhcp), raw.lost()),
                (expected, 0),
                "{code} {data:?}"
            );
        }
    }
    // An option that no longer fits is gone, because its old value is void.
    let mut buffer = [0; 30];
    let mut raw = RawOptions::new(&mut buffer);
    raw.keep(Taken::Offer, &message(&[(12, b"first")])).unwrap();
    raw.keep(Taken::Lease, &message(&[(12, &[7; 60])])).unwrap();
    assert_eq!(
        (kept(&raw, Scope::Dhcp), raw.lost()),
        (vec![(53, vec![5])], 1)
    );
}

/// A better answer of a proxy makes its first one void; what says nothing changes nothing, and what is no DHCP is refused.
#[test]
fn messages_that_replace_others() {
    let mut buffer = [0; 64];
    let mut raw = RawOptions::new(&mut buffer);
    raw.keep(Taken::Proxy, &message(&[(43, b"one")])).unwrap();
    raw.keep(Taken::Proxy, &message(&[(60, b"PXEClient")]))
        .unwrap();
    assert_eq!(raw.get(Scope::Proxy, 43), None);
    assert_eq!(raw.get(Scope::Proxy, 60), Some(&b"PXEClient"[..]));
    raw.keep(Taken::Nothing, b"no message").unwrap();
    assert!(raw.keep(Taken::Offer, b"no message").is_err());
    assert_eq!(raw.iter(Scope::Proxy).count(), 2);
    // The first and the last number that an option can have.
    raw.keep(Taken::Lease, &message(&[(1, b"a"), (254, b"z")]))
        .unwrap();
    assert_eq!(raw.get(Scope::Dhcp, 1), Some(&b"a"[..]));
    assert_eq!(raw.get(Scope::Dhcp, 254), Some(&b"z"[..]));
}
