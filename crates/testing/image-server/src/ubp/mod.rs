//! A server of the UDP boot protocol: the library's own server, with the files of the image server, and faults. An independent server of this protocol is
//! `tests/peers/ubp_peer.py`.

mod file;

pub use file::UbpFile;

use crate::faults::UbpFault;
use crate::served::{Protocol, Served};
use crate::shared::{Shared, plain};
use crate::stack::{Stack, earlier};
use netboot_core::{Digest, Instant};
use netboot_ubp::server::{Burst, Object, Reply, Server, Store};
use netboot_ubp::wire::{Answer, DATA_MAX, ErrorCode, Meta, Name, REQUEST_MAX, Report, Request};
use netboot_ubp::{Endpoint, PORT};
use netboot_verity::{BLOCK, Tree};
use rand_core::RngCore;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp::{self, UdpMetadata};
use smoltcp::wire::{IpAddress, IpEndpoint};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Messages that a socket can queue.
const QUEUE: usize = 72;

/// The server.
pub struct Ubp {
    socket: Option<SocketHandle>,
    server: Server,
    files: Files,
    bursts: VecDeque<(Burst, UdpMetadata)>,
    /// What befalls each client, by its port, and blocks that were sent to it.
    clients: HashMap<Endpoint, (Vec<UbpFault>, u64)>,
}

/// The files that were asked for, by id.
#[derive(Default)]
struct Files(BTreeMap<u32, Named>);

struct Named {
    name: String,
    file: UbpFile,
}

impl Store for Files {
    fn find(&self, name: &Name<'_>) -> Result<Object, ErrorCode> {
        let is_it = |named: &&Named| match name {
            Name::Path(path) => named.name.as_bytes() == *path,
            Name::Digest(digest) => named.file.object.digest == *digest,
        };
        let found = self.0.values().find(is_it);
        found
            .map(|file| file.file.object)
            .ok_or(ErrorCode::NOT_FOUND)
    }

    fn has(&self, id: u32) -> bool {
        self.0.contains_key(&id)
    }

    fn block(&self, id: u32, number: u32, out: &mut [u8; BLOCK]) -> Option<usize> {
        self.0.get(&id)?.file.block(id, number, out)
    }
}

impl Ubp {
    /// Listens on its port unless the configuration says otherwise.
    pub fn new(stack: &mut Stack, shared: &mut Shared) -> Self {
        let mut key = [0; 16];
        // Other chance does not depend on it.
        shared.rng.clone().fill_bytes(&mut key);
        let listens = shared.config.ubp;
        Self {
            socket: listens.then(|| stack.udp(PORT, QUEUE, DATA_MAX)).flatten(),
            server: Server::new(key, None),
            files: Files::default(),
            bursts: VecDeque::new(),
            clients: HashMap::new(),
        }
    }

    /// Answers messages and goes on with blocks; whether anything was sent.
    pub fn service(&mut self, now: Instant, stack: &mut Stack, shared: &mut Shared) -> bool {
        let Some(handle) = self.socket else {
            return false;
        };
        let socket = stack.sockets.get_mut::<udp::Socket<'_>>(handle);
        let mut changed = false;
        let mut message = [0; REQUEST_MAX];
        while let Ok((len, mut from)) = socket.recv_slice(&mut message) {
            from.meta = Default::default();
            changed = true;
            self.take(now, shared, socket, from, &message[..len]);
        }
        while self.send(now, socket) {
            changed = true;
        }
        changed
    }

    /// When the next block is due.
    pub fn poll_at(&self) -> Option<Instant> {
        let due = self.bursts.iter().map(|(burst, _)| burst.poll_timeout());
        due.fold(None, earlier)
    }

    fn take(
        &mut self,
        now: Instant,
        shared: &mut Shared,
        socket: &mut udp::Socket<'_>,
        from: UdpMetadata,
        message: &[u8],
    ) {
        let to = endpoint(from.endpoint);
        if let Some(Request::Open(open)) = Request::parse(message) {
            // A client that says it again has the same transfer still, unless it was told to come again.
            let was_busy = |fault: &UbpFault| matches!(fault, UbpFault::Busy(_));
            if !self.clients.contains_key(&to) || self.faults(to).iter().any(was_busy) {
                let faults = self.load(shared, &open.name);
                self.clients.insert(to, (faults, 0));
            }
            if self.is_dead(to) {
                return;
            }
            for fault in self.faults(to) {
                let answer = match fault {
                    UbpFault::NoAnswer => return,
                    UbpFault::Busy(retry) => Answer::Busy {
                        token: open.nonce,
                        retry: *retry,
                    },
                    UbpFault::Error(code) => Answer::Error {
                        token: open.nonce,
                        code: ErrorCode(*code),
                    },
                    UbpFault::Hijack => Answer::Meta(Meta {
                        nonce: open.nonce,
                        cookie: 0,
                        descriptor: Tree::of(b"another file").descriptor(),
                        group: None,
                    }),
                    // Somebody on the link answers first, and cannot know the nonce.
                    UbpFault::Forge => Answer::Busy {
                        token: open.nonce ^ 1,
                        retry: 60_000,
                    },
                    _ => continue,
                };
                let mut buf = [0; DATA_MAX];
                let len = answer.emit(&mut buf).unwrap_or(0);
                let _ = socket.send_slice(&buf[..len], from);
                if !matches!(fault, UbpFault::Forge | UbpFault::Hijack) {
                    return;
                }
            }
        }
        let mut buf = [0; DATA_MAX];
        match self.server.handle(now, to, message, &self.files, &mut buf) {
            Reply::None => {}
            // A full queue loses the answer, as the network might.
            Reply::Send(len) => drop(socket.send_slice(&buf[..len], from)),
            Reply::Burst(burst) => self.bursts.push_back((burst, from)),
            Reply::Report(report) => self.record(now, shared, &report),
        }
    }

    /// Whether the server has fallen silent for a client.
    fn is_dead(&self, of: Endpoint) -> bool {
        let sent = self.clients.get(&of).map_or(0, |(_, sent)| *sent);
        let is_over =
            |fault: &UbpFault| matches!(fault, UbpFault::DieAfter(blocks) if sent > *blocks);
        self.faults(of).iter().any(is_over)
    }

    fn faults(&self, of: Endpoint) -> &[UbpFault] {
        self.clients.get(&of).map_or(&[], |(faults, _)| faults)
    }

    /// Reads the file that is asked for. What befalls the transfer.
    fn load(&mut self, shared: &mut Shared, name: &Name<'_>) -> Vec<UbpFault> {
        let path = match name {
            Name::Path(path) => String::from_utf8_lossy(path).into_owned(),
            Name::Digest(digest) => self.named(shared, digest).unwrap_or_default(),
        };
        let faults = shared.config.faults.ubp.strike(plain(&path));
        let mut content = shared.file(&path).cloned();
        for fault in &faults {
            if let UbpFault::Replace(other) = fault {
                content = Some(other.clone());
            }
        }
        self.files.0.retain(|_, file| file.name != path);
        if let Some(content) = content {
            let file = UbpFile::new(&content.to_vec(), None);
            let name = path;
            self.files.0.insert(file.object.id(), Named { name, file });
        }
        faults
    }

    /// The name of the file with this digest.
    fn named(&self, shared: &Shared, digest: &Digest) -> Option<String> {
        let mut files = shared.config.files.iter();
        let found = files.find(|(_, content)| Tree::of(&content.to_vec()).digest() == *digest);
        found.map(|(name, _)| name.clone())
    }

    /// Sends the next block that is due; whether there was one.
    fn send(&mut self, now: Instant, socket: &mut udp::Socket<'_>) -> bool {
        self.bursts
            .retain(|(burst, _)| burst.poll_timeout().is_some());
        let due = |(burst, _): &&mut (Burst, UdpMetadata)| {
            burst.poll_timeout().is_some_and(|at| at <= now)
        };
        let Some((burst, to)) = self.bursts.iter_mut().find(due) else {
            return false;
        };
        if !socket.can_send() {
            return false;
        }
        let mut buf = [0; DATA_MAX];
        let Some(len) = burst.poll_transmit(now, &self.files, &mut buf) else {
            return true;
        };
        let message = &mut buf[..len];
        let number = match Answer::parse(message) {
            Some(Answer::Data { number, .. }) => number,
            _ => 0,
        };
        let client = self.clients.entry(burst.to()).or_default();
        client.1 += 1;
        for fault in &client.0 {
            match fault {
                UbpFault::DieAfter(blocks) if client.1 > *blocks => return true,
                UbpFault::Damage(wrong) if *wrong == number => message[len - 1] ^= 1,
                UbpFault::Forge => {
                    let mut forged = message.to_vec();
                    forged[len - 1] ^= 1;
                    let _ = socket.send_slice(&forged, *to);
                }
                _ => {}
            }
        }
        let _ = socket.send_slice(message, *to);
        true
    }

    fn record(&mut self, now: Instant, shared: &mut Shared, report: &Report) {
        let file = self.files.0.get(&report.id);
        let name = file.map_or("?", |file| plain(&file.name));
        shared.served(Served {
            octets: report.octets,
            status: u16::from(report.error != 0),
            complete: report.error == 0,
            ..Served::begun(now, Protocol::Ubp, name, 0)
        });
    }
}

fn endpoint(of: IpEndpoint) -> Endpoint {
    Endpoint {
        addr: match of.addr {
            IpAddress::Ipv4(address) => address.into(),
            IpAddress::Ipv6(address) => address.into(),
        },
        port: of.port,
    }
}
