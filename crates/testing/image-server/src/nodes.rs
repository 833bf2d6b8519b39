//! Nodes of a bootstore, which answer boards that ask for their network configuration over UDP.
//!
//! What a healthy node answers is written by [`bootstore::board::answer`], the code that the daemon has. Nodes work on frames, below the IP stack: boards ask a
//! group, and each node has a hardware address of its own.

use crate::frame::{Datagram, Datagram6};
use crate::pending::Pending;
use crate::router::{link_local, udp};
use crate::served::Protocol;
use crate::shared::Shared;
use bootstore::board::{DATAGRAM_LEN, PORT, answer};
use netboot_core::{Duration, Instant};
use rand_core::RngCore;
use std::net::{Ipv6Addr, SocketAddrV4};

/// One node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its hardware address, which its link-local address of IPv6 is made of.
    pub mac: [u8; 6],
    /// The configuration that it has. A node without one does not answer.
    pub network: Option<bootstore::NetworkConfig>,
    /// How long it takes to answer.
    pub delay: Duration,
    /// How often each answer comes.
    pub copies: usize,
    /// Queries that it does not hear.
    pub deaf: u32,
    /// What is wrong with its answers.
    pub fault: Option<NodeFault>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            mac: [2, 0, 0, 0, 1, 1],
            network: None,
            delay: Duration::ZERO,
            copies: 1,
            deaf: 0,
            fault: None,
        }
    }
}

/// What is wrong with the answers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeFault {
    /// One bit of this octet is another one. UDP's checksum is right.
    Flipped(usize),
    /// The answer ends so many octets early.
    Truncated(usize),
    /// The answer is noise of the same length.
    Noise,
    /// The answer is to another board's query.
    Nonce,
    /// The answer says this generation, whatever the configuration in it says.
    Generation(u64),
    /// The node gives its configuration to boards that have a newer one, too.
    Stale,
}

/// A query and its way.
struct Query<'f> {
    mac: [u8; 6],
    from: Way,
    octets: &'f [u8],
}

enum Way {
    V4(SocketAddrV4),
    V6(Ipv6Addr, u16),
}

impl<'f> Query<'f> {
    fn parse(frame: &'f [u8]) -> Option<Self> {
        if let Some(datagram) = Datagram::parse(frame) {
            return (datagram.to.port() == PORT).then_some(Self {
                mac: datagram.from_mac,
                from: Way::V4(datagram.from),
                octets: datagram.payload,
            });
        }
        let datagram = Datagram6::parse(frame)?;
        (datagram.to.1 == PORT).then_some(Self {
            mac: datagram.from_mac,
            from: Way::V6(datagram.from.0, datagram.from.1),
            octets: datagram.payload,
        })
    }
}

/// All nodes of the network.
#[derive(Default)]
pub struct Nodes {
    pending: Pending,
    /// Queries that came.
    heard: u32,
}

impl Nodes {
    /// Looks at a frame that has arrived, and says whether it was a query. Answers are sent by [`poll`](Self::poll).
    pub fn look(&mut self, now: Instant, frame: &[u8], shared: &mut Shared) -> bool {
        let nodes = shared.config.nodes.clone();
        let Some(query) = Query::parse(frame).filter(|_| !nodes.is_empty()) else {
            return false;
        };
        let heard = self.heard;
        self.heard += 1;
        let mut answered = false;
        for node in nodes.iter().filter(|node| heard >= node.deaf) {
            let Some(reply) = reply(node, query.octets, shared) else {
                continue;
            };
            answered = true;
            let frame = match query.from {
                Way::V4(to) => Datagram {
                    from_mac: shared.config.mac,
                    to_mac: query.mac,
                    from: SocketAddrV4::new(shared.config.ip, PORT),
                    to,
                    payload: &reply,
                }
                .frame(),
                Way::V6(to, port) => {
                    let from = (link_local(node.mac), PORT);
                    udp(node.mac, query.mac, from, (to, port), &reply)
                }
            };
            let due = now + node.delay;
            let copies = node.copies.min(self.pending.room());
            for frame in std::iter::repeat_n(frame, copies) {
                self.pending.push(due, frame);
            }
        }
        shared.record(
            now,
            Protocol::Bootstore,
            "query",
            u16::from(answered),
            answered,
        );
        true
    }

    /// Sends what is due.
    pub fn poll(&mut self, now: Instant, send: impl FnMut(Vec<u8>)) {
        self.pending.poll(now, send);
    }

    /// When the next answer is due.
    pub fn poll_at(&self) -> Option<Instant> {
        self.pending.poll_at()
    }
}

/// What `node` answers, with its fault.
fn reply(node: &NodeConfig, query: &[u8], shared: &mut Shared) -> Option<Vec<u8>> {
    let mut query = query.to_vec();
    if node.fault == Some(NodeFault::Stale) {
        // Behind the magic and the nonce: the generation that the board has.
        query.get_mut(20..28)?.fill(0);
    }
    let mut reply = vec![0; DATAGRAM_LEN];
    let len = answer(node.network.as_ref(), &query, &mut reply)?;
    reply.truncate(len);
    match node.fault {
        None | Some(NodeFault::Stale) => {}
        Some(NodeFault::Flipped(at)) => *reply.get_mut(at)? ^= 1,
        Some(NodeFault::Truncated(octets)) => reply.truncate(len.saturating_sub(octets)),
        Some(NodeFault::Noise) => shared.rng.fill_bytes(&mut reply),
        Some(NodeFault::Nonce) => *reply.get_mut(4)? ^= 1,
        Some(NodeFault::Generation(generation)) => reply
            .get_mut(20..28)?
            .copy_from_slice(&generation.to_be_bytes()),
    }
    Some(reply)
}
