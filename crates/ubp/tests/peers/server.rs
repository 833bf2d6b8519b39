//! The server on a socket, in a thread.

use netboot_core::fuzz::Random;
use netboot_ubp::server::{Bucket, Burst, Object, Reply, Server, Store};
use netboot_ubp::wire::{DATA_MAX, ErrorCode, Name, Report};
use netboot_ubp::{Endpoint, Instant};
use netboot_verity::{BLOCK, Tree};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A file that is served as `/fw.bin`.
pub struct Served {
    pub data: Vec<u8>,
    pub object: Object,
    blocks: Vec<Vec<u8>>,
}

impl Served {
    pub fn new(data: Vec<u8>) -> Self {
        let tree = Tree::of(&data);
        let packed = tree.pack(&data).expect("a file below 1 GiB");
        Self {
            object: Object {
                descriptor: tree.descriptor(),
                digest: tree.digest(),
                group: None,
            },
            blocks: packed[BLOCK..].chunks(BLOCK).map(<[u8]>::to_vec).collect(),
            data,
        }
    }
}

impl Store for Served {
    fn find(&self, name: &Name<'_>) -> Result<Object, ErrorCode> {
        let found = match name {
            Name::Path(path) => *path == b"/fw.bin",
            Name::Digest(digest) => *digest == self.object.digest,
        };
        found.then_some(self.object).ok_or(ErrorCode::NOT_FOUND)
    }

    fn has(&self, id: u32) -> bool {
        id == self.object.id()
    }

    fn block(&self, _: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
        let block = self.blocks.get(number as usize)?;
        out[..block.len()].copy_from_slice(block);
        Some(block.len())
    }
}

/// A server that runs.
pub struct Running {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Report>>,
}

impl Running {
    /// Serves the file. `loss` is the percentage of messages that are thrown away before they are sent.
    pub fn start(at: SocketAddr, file: Arc<Served>, budget: Option<Bucket>, loss: u32) -> Self {
        let socket = UdpSocket::bind(at).expect("a socket");
        let address = socket.local_addr().expect("a bound socket");
        let stop = Arc::new(AtomicBool::new(false));
        let ends = stop.clone();
        let thread = std::thread::spawn(move || serve(&socket, &file, budget, loss, &ends));
        Self {
            address,
            stop,
            thread,
        }
    }

    /// Stops it. Returns the reports of its clients.
    pub fn stop(self) -> Vec<Report> {
        // What is on its way is taken first: the socket is read until nothing comes for 50 ms.
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a server that does not panic")
    }
}

fn serve(
    socket: &UdpSocket,
    file: &Served,
    budget: Option<Bucket>,
    loss: u32,
    stop: &AtomicBool,
) -> Vec<Report> {
    let began = std::time::Instant::now();
    let now = || Instant::from_micros(began.elapsed().as_micros() as u64);
    let mut server = Server::new([9; 16], budget);
    let mut random = Random(11);
    let mut reports = Vec::new();
    let (mut message, mut buf) = ([0; 2048], [0; DATA_MAX]);
    let wait = std::time::Duration::from_millis(50);
    socket.set_read_timeout(Some(wait)).expect("a wait");
    let mut send = |octets: &[u8], to: SocketAddr| {
        if !random.percent(loss) {
            let _ = socket.send_to(octets, to);
        }
    };
    loop {
        let Ok((len, from)) = socket.recv_from(&mut message) else {
            if stop.load(Ordering::Relaxed) {
                return reports;
            }
            continue;
        };
        let client = Endpoint {
            addr: from.ip(),
            port: from.port(),
        };
        match server.handle(now(), client, &message[..len], file, &mut buf) {
            Reply::None => {}
            Reply::Send(len) => send(&buf[..len], from),
            Reply::Report(report) => reports.push(report),
            Reply::Burst(burst) => blocks(burst, file, &now, &mut |octets| send(octets, from)),
        }
    }
}

/// Sends the blocks of a GET, and waits between them as it asks.
fn blocks(mut burst: Burst, file: &Served, now: &dyn Fn() -> Instant, send: &mut dyn FnMut(&[u8])) {
    let mut buf = [0; DATA_MAX];
    while let Some(at) = burst.poll_timeout() {
        let wait = at.since(now()).as_micros();
        std::thread::sleep(std::time::Duration::from_micros(wait));
        if let Some(len) = burst.poll_transmit(now(), file, &mut buf) {
            send(&buf[..len]);
        }
    }
}
