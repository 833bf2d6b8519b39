//! The client on a socket, with a ring of frames.

use netboot_core::fuzz::Random;
use netboot_core::{Coded, Digest};
use netboot_ubp::wire::{DATA_HEAD, DATA_MAX, REQUEST_MAX};
use netboot_ubp::{
    Client, Duration, Endpoint, Event, Frames, Instant, Output, Request, Stats, Timing, UbpError,
};
use netboot_verity::Software;
use std::net::{SocketAddr, UdpSocket};

/// Blocks that are held.
const WINDOW: u8 = 32;

/// What came.
pub struct Fetched {
    pub data: Vec<u8>,
    pub stats: Stats,
    pub micros: u64,
}

#[derive(Default)]
struct Ring(Vec<Option<Vec<u8>>>);

impl Frames for Ring {
    fn datagram(&self, slot: u8) -> &[u8] {
        self.0[usize::from(slot)].as_deref().expect("a held frame")
    }
}

struct Board {
    socket: UdpSocket,
    client: Client<Software, 3>,
    ring: Ring,
    data: Vec<u8>,
    began: std::time::Instant,
    random: Random,
    loss: u32,
}

/// Fetches a file. `loss` is the percentage of messages that are thrown away before they are sent.
pub fn fetch(
    server: SocketAddr,
    path: &str,
    digest: Option<Digest>,
    loss: u32,
) -> Result<Fetched, UbpError> {
    let any = match server {
        SocketAddr::V4(_) => "0.0.0.0:0",
        SocketAddr::V6(_) => "[::]:0",
    };
    let request = Request {
        path,
        digest,
        offset: 0,
        window: WINDOW,
        rate: 0,
        multicast: false,
    };
    let endpoint = Endpoint {
        addr: server.ip(),
        port: server.port(),
    };
    let client = Client::new(
        Software::default(),
        endpoint,
        &request,
        Timing::default(),
        0x5eed,
        Instant::ZERO,
    )?;
    let mut board = Board {
        socket: UdpSocket::bind(any).expect("a socket"),
        client,
        ring: Ring(vec![None; usize::from(WINDOW) + 1]),
        data: Vec::new(),
        began: std::time::Instant::now(),
        random: Random(5),
        loss,
    };
    let result = board.run();
    let now = board.now();
    let error = result.as_ref().err().map_or(0, Coded::code);
    board.client.report(now, error, 0);
    board.loss = 0;
    board.transmit();
    result?;
    assert_eq!(board.ring.0.iter().flatten().count(), 0);
    Ok(Fetched {
        data: board.data,
        stats: board.client.stats(),
        micros: now.as_micros(),
    })
}

impl Board {
    fn now(&self) -> Instant {
        Instant::from_micros(self.began.elapsed().as_micros() as u64)
    }

    fn run(&mut self) -> Result<(), UbpError> {
        let mut buf = [0; DATA_MAX + 1];
        while !self.client.is_complete() {
            self.transmit();
            let wait = self.client.poll_timeout().expect("it waits for the server");
            let wait = wait.since(self.now()).max(Duration::from_micros(1));
            let wait = std::time::Duration::from_micros(wait.as_micros());
            self.socket.set_read_timeout(Some(wait)).expect("a wait");
            if let Ok((len, from)) = self.socket.recv_from(&mut buf) {
                self.take(from, &buf[..len])?;
            }
            let now = self.now();
            self.client.handle_timeout(now)?;
        }
        Ok(())
    }

    fn take(&mut self, from: SocketAddr, datagram: &[u8]) -> Result<(), UbpError> {
        let now = self.now();
        let slot = self.ring.0.iter().position(Option::is_none);
        let slot = slot.expect("the ring has room for what is asked for");
        let from = Endpoint {
            addr: from.ip(),
            port: from.port(),
        };
        match self.client.handle(now, from, datagram, slot as u8)? {
            Event::None => {}
            Event::Opened { .. } => self.client.start(now),
            Event::Kept => self.ring.0[slot] = Some(datagram.to_vec()),
        }
        loop {
            match self.client.poll(now, &self.ring)? {
                Output::None => return Ok(()),
                Output::Release { slot } => self.ring.0[usize::from(slot)] = None,
                Output::Data { slot, len, .. } => {
                    let frame = self.ring.0[usize::from(slot)].take().expect("held");
                    self.data
                        .extend_from_slice(&frame[DATA_HEAD..][..usize::from(len)]);
                    self.client.consumed(now);
                }
            }
        }
    }

    fn transmit(&mut self) {
        let mut buf = [0; REQUEST_MAX];
        let now = self.now();
        while let Some((len, to)) = self.client.poll_transmit(now, &mut buf) {
            if !self.random.percent(self.loss) {
                let to = SocketAddr::new(to.addr, to.port);
                self.socket.send_to(&buf[..len], to).expect("it is sent");
            }
        }
    }
}
