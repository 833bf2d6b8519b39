//! The blocks that are to be sent, of all clients, in the order of their times. Each GET has its own gap, and none waits for another one.

use netboot_core::Instant;
use netboot_ubp::server::{Burst, Store};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

/// Greatest number of bursts. More GETs are dropped, and their clients ask again.
const MOST: usize = 8192;
/// Greatest number of bursts for one client. It has a window of 64 blocks.
const MOST_OF_ONE: u32 = 64;

/// The bursts on their way.
#[derive(Debug, Default)]
pub struct Bursts {
    /// By the time at which the next block is due, and then in turn.
    due: BTreeMap<(Instant, u64), (SocketAddr, Burst)>,
    /// Number of bursts by client.
    clients: HashMap<SocketAddr, u32>,
    turn: u64,
}

impl Bursts {
    /// Takes a burst for the client that has sent the GET; whether there was room.
    pub fn add(&mut self, to: SocketAddr, burst: Burst) -> bool {
        let Some(at) = burst.poll_timeout() else {
            return true;
        };
        let own = self.clients.get(&to).copied().unwrap_or(0);
        if self.due.len() >= MOST || own >= MOST_OF_ONE {
            return false;
        }
        self.clients.insert(to, own + 1);
        self.put(at, to, burst);
        true
    }

    /// Number of bursts.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Time at which the next block is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// Writes the next block that is due to `buf`, and returns for whom it is and the message's length.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        store: &dyn Store,
        buf: &mut [u8],
    ) -> Option<(SocketAddr, usize)> {
        while self.poll_timeout().is_some_and(|at| at <= now) {
            let (_, (to, mut burst)) = self.due.pop_first()?;
            let len = burst.poll_transmit(now, store, buf);
            match burst.poll_timeout() {
                Some(at) => self.put(at, to, burst),
                None => self.leave(to),
            }
            if let Some(len) = len {
                return Some((to, len));
            }
        }
        None
    }

    fn put(&mut self, at: Instant, to: SocketAddr, burst: Burst) {
        self.turn += 1;
        self.due.insert((at, self.turn), (to, burst));
    }

    fn leave(&mut self, client: SocketAddr) {
        match self.clients.get_mut(&client) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(self.clients.remove(&client)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netboot_core::Digest;
    use netboot_ubp::Endpoint;
    use netboot_ubp::server::{Object, Reply, Server};
    use netboot_ubp::wire::{Answer, DATA_MAX, ErrorCode, Get, Name, Open, REQUEST_MAX, Request};
    use netboot_verity::{BLOCK, Descriptor};

    /// A file of which block `n` has the octet `n` alone, and that lacks block 2.
    struct Blocks;

    impl Store for Blocks {
        fn find(&self, _: &Name<'_>) -> Result<Object, ErrorCode> {
            Ok(Object {
                descriptor: Descriptor {
                    size: 0,
                    root: Digest([0; 32]),
                },
                digest: Digest([0; 32]),
                group: None,
            })
        }

        fn has(&self, _: u32) -> bool {
            true
        }

        fn block(&self, _: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
            out[0] = number as u8;
            (number != 2).then_some(1)
        }
    }

    fn client(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    fn burst(of: SocketAddr, map: u64, gap: u16) -> Burst {
        let mut server = Server::new([1; 16], None);
        let mut buf = [0; DATA_MAX];
        let from = Endpoint {
            addr: of.ip(),
            port: of.port(),
        };
        let mut ask = |request: Request<'_>| {
            let mut message = [0; REQUEST_MAX];
            let len = request.emit(&mut message).unwrap();
            let reply = server.handle(Instant::ZERO, from, &message[..len], &Blocks, &mut buf);
            (reply, buf)
        };
        let (reply, buf) = ask(Request::Open(Open {
            nonce: 1,
            window: 64,
            rate: 0,
            multicast: false,
            name: Name::Path(b"x"),
        }));
        let Reply::Send(len) = reply else {
            panic!("{reply:?}")
        };
        let Some(Answer::Meta(meta)) = Answer::parse(&buf[..len]) else {
            panic!("no META")
        };
        match ask(Request::Get(Get {
            cookie: meta.cookie,
            id: 0,
            first: 0,
            map,
            gap,
        })) {
            (Reply::Burst(burst), _) => burst,
            (other, _) => panic!("{other:?}"),
        }
    }

    /// What is sent at this time: ports and numbers.
    fn sent(bursts: &mut Bursts, micros: u64) -> Vec<(u16, u8)> {
        let mut buf = [0; DATA_MAX];
        let mut sent = Vec::new();
        let now = Instant::from_micros(micros);
        while let Some((to, len)) = bursts.poll_transmit(now, &Blocks, &mut buf) {
            sent.push((to.port(), buf[..len][8]));
        }
        sent
    }

    #[test]
    fn clients_take_turns_and_each_has_its_gap() {
        let mut bursts = Bursts::default();
        assert_eq!(bursts.poll_timeout(), None);
        assert!(bursts.add(client(1), burst(client(1), 0b1111, 0)));
        assert!(bursts.add(client(2), burst(client(2), 0b1011, 0)));
        assert!(bursts.add(client(3), burst(client(3), 0b11, 500)));
        assert!(
            bursts.add(client(4), burst(client(4), 0, 0)),
            "it wants none"
        );
        assert_eq!(bursts.len(), 3);
        let all = [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 3), (2, 3)];
        assert_eq!(sent(&mut bursts, 0), all);
        assert_eq!(bursts.poll_timeout(), Some(Instant::from_micros(500)));
        assert_eq!(sent(&mut bursts, 499), []);
        assert_eq!(sent(&mut bursts, 500), [(3, 1)]);
        assert_eq!((bursts.len(), bursts.clients.len()), (0, 0));
    }

    #[test]
    fn one_client_does_not_take_all_the_room() {
        let mut bursts = Bursts::default();
        let slow = burst(client(1), 0b11, 1000);
        for _ in 0..MOST_OF_ONE {
            assert!(bursts.add(client(1), slow.clone()));
        }
        assert!(!bursts.add(client(1), slow.clone()));
        assert!(bursts.add(client(2), slow.clone()));
        assert_eq!(sent(&mut bursts, 0).len(), 65);
        assert!(!bursts.add(client(1), slow.clone()));
        assert_eq!(sent(&mut bursts, 1000).len(), 65);
        for at in 0..MOST {
            let port = (at / MOST_OF_ONE as usize) as u16;
            assert!(bursts.add(client(port), slow.clone()));
        }
        assert!(!bursts.add(client(5000), slow));
    }
}
