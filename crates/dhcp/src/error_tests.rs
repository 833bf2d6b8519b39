//! What a report says of each error: its stable number, its culprit and its facts.

use crate::error::{DhcpError, samples};
use netboot_core::{Blame, Coded};

fn facts(error: DhcpError) -> String {
    let mut text = String::new();
    error.facts(&mut text);
    text
}

#[test]
fn numbers_culprits_and_facts() {
    use Blame::{Configuration, Network, Peer, Server};
    let expected = [
        (1, Configuration, ""),
        (2, Network, ""),
        (6, Server, " last=0x00040010"),
        (3, Network, " server=10.0.0.1"),
        (4, Server, " server=10.0.0.1"),
        (5, Network, " address=10.0.0.1 mac=02:00:00:00:00:01"),
        (16, Peer, ""),
        (17, Peer, ""),
        (18, Peer, ""),
        (19, Peer, ""),
        (20, Peer, ""),
        (21, Peer, ""),
    ];
    for (error, (number, blame, told)) in samples().into_iter().zip(expected) {
        assert_eq!(error.code(), 0x0004_0000 + number, "{error:?}");
        assert_eq!(error.blame(), blame, "{error:?}");
        assert_eq!(facts(error), told, "{error:?}");
    }
    assert_eq!(samples().len(), expected.len());
}
