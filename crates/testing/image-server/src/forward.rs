//! A UDP port of this machine that leads to a port of the machine under QEMU.
//!
//! The server's network is a socket between two processes, which no other program reaches. A [`Forward`] takes datagrams at a socket
//! of the kernel's and puts them on that network as the server's own, each host with a port of its own, so that the answers find
//! their way back.

use crate::frame::Datagram;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// The server's port for the first host.
const FIRST_PORT: u16 = 40_000;
/// Hosts that are remembered. The next one takes the place of the oldest.
const HOSTS: usize = 1_024;
/// Octets of the longest datagram that fits one frame.
const LONGEST: usize = 1_472;
/// Datagrams that are taken from the hosts before the other side is looked at again.
const BATCH: usize = 64;

/// A forwarded port.
#[derive(Debug)]
pub struct Forward {
    socket: UdpSocket,
    board: SocketAddrV4,
    /// The board's Ethernet address, once a frame of it was seen.
    mac: Option<[u8; 6]>,
    /// Who asked, by the distance of the server's port from the first one.
    hosts: Vec<SocketAddr>,
    /// Where the next host goes.
    next: usize,
}

impl Forward {
    /// Forwards what comes to `socket` to the port `board`.
    ///
    /// # Errors
    /// When the socket cannot be made non-blocking.
    pub fn new(socket: UdpSocket, board: SocketAddrV4) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            board,
            mac: None,
            hosts: Vec::new(),
            next: 0,
        })
    }

    /// Looks at a frame of the board, and passes on what is for a host. Gives whether it was.
    pub(crate) fn take(&mut self, frame: &[u8]) -> bool {
        if let Some(&[a, b, c, d, e, f]) = frame.get(6..12) {
            self.mac = Some([a, b, c, d, e, f]);
        }
        let Some(datagram) = Datagram::parse(frame).filter(|found| found.from == self.board) else {
            return false;
        };
        let index = datagram.to.port().checked_sub(FIRST_PORT);
        let Some(host) = index.and_then(|index| self.hosts.get(usize::from(index))) else {
            return false;
        };
        // A host that has gone gets nothing.
        let _ = self.socket.send_to(datagram.payload, host);
        true
    }

    /// Frames with what hosts have sent, as from the server at `ip` and `mac`. What comes before the board was seen is lost, and so is
    /// what does not fit a frame.
    ///
    /// # Errors
    /// Those of the socket.
    pub(crate) fn frames(&mut self, mac: [u8; 6], ip: Ipv4Addr) -> io::Result<Vec<Vec<u8>>> {
        let mut frames = Vec::new();
        let mut octets = [0; 65_536];
        for _ in 0..BATCH {
            let (len, host) = match self.socket.recv_from(&mut octets) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // ICMP of a host that has gone.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionRefused | ErrorKind::Interrupted
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(to_mac) = self.mac.filter(|_| len <= LONGEST) else {
                continue;
            };
            frames.push(
                Datagram {
                    from_mac: mac,
                    to_mac,
                    from: SocketAddrV4::new(ip, self.port_of(host)),
                    to: self.board,
                    payload: &octets[..len],
                }
                .frame(),
            );
        }
        Ok(frames)
    }

    /// The server's port for `host`.
    fn port_of(&mut self, host: SocketAddr) -> u16 {
        let known = self.hosts.iter().position(|known| *known == host);
        let index = known.unwrap_or_else(|| {
            let index = self.next;
            self.next = (index + 1) % HOSTS;
            match self.hosts.get_mut(index) {
                Some(oldest) => *oldest = host,
                None => self.hosts.push(host),
            }
            index
        });
        FIRST_PORT + index as u16
    }
}

impl AsFd for Forward {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ([u8; 6], Ipv4Addr) = ([2; 6], Ipv4Addr::new(10, 0, 2, 2));
    const BOARD: ([u8; 6], Ipv4Addr) = ([4; 6], Ipv4Addr::new(10, 0, 2, 15));

    /// The board's answer to `frame`: the same octets, in the other order.
    fn answer(frame: &[u8]) -> Vec<u8> {
        let asked = Datagram::parse(frame).unwrap();
        let payload: Vec<u8> = asked.payload.iter().rev().copied().collect();
        Datagram {
            from_mac: asked.to_mac,
            to_mac: asked.from_mac,
            from: asked.to,
            to: asked.from,
            payload: &payload,
        }
        .frame()
    }

    #[test]
    fn each_host_gets_the_answer_to_its_own_question() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = socket.local_addr().unwrap();
        let board = SocketAddrV4::new(BOARD.1, 62_222);
        let mut forward = Forward::new(socket, board).unwrap();
        let hosts = [0, 1].map(|_| {
            let host = UdpSocket::bind("127.0.0.1:0").unwrap();
            host.connect(at).unwrap();
            host
        });
        let frames = |forward: &mut Forward, wanted: usize| {
            let mut frames = Vec::new();
            for _ in 0..200 {
                frames.extend(forward.frames(SERVER.0, SERVER.1).unwrap());
                if frames.len() >= wanted {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            frames
        };
        // The board is not there yet.
        hosts[0].send(b"early").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(forward.frames(SERVER.0, SERVER.1).unwrap().is_empty());
        let mut arp = vec![0xFF; 60];
        arp[6..12].copy_from_slice(&BOARD.0);
        assert!(!forward.take(&arp));

        hosts[0].send(b"abc").unwrap();
        hosts[1].send(b"xyz").unwrap();
        hosts[1].send(&[0; LONGEST + 1]).unwrap();
        let asked = frames(&mut forward, 2);
        assert_eq!(asked.len(), 2);
        // In the other order than they were asked.
        for frame in asked.iter().rev() {
            assert_eq!(Datagram::parse(frame).unwrap().to_mac, BOARD.0);
            assert!(forward.take(&answer(frame)));
        }
        for (host, wanted) in hosts.iter().zip([b"cba", b"zyx"]) {
            let mut octets = [0; 8];
            let timeout = Some(std::time::Duration::from_secs(5));
            host.set_read_timeout(timeout).unwrap();
            let len = host.recv(&mut octets).unwrap();
            assert_eq!(&octets[..len], wanted);
        }
        // Nobody asked by this port, and this is the server's own traffic.
        let mut stray = Datagram::parse(&asked[0]).unwrap();
        stray.from.set_port(FIRST_PORT + 7);
        assert!(!forward.take(&answer(&stray.frame())));
        stray.to.set_port(69);
        assert!(!forward.take(&answer(&stray.frame())));
    }

    #[test]
    fn the_oldest_host_makes_room() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let board = SocketAddrV4::new(BOARD.1, 62_222);
        let mut forward = Forward::new(socket, board).unwrap();
        let host = |number: u16| SocketAddr::from(([127, 0, 0, 1], 1_000 + number));
        for number in 0..HOSTS as u16 {
            assert_eq!(forward.port_of(host(number)), FIRST_PORT + number);
        }
        assert_eq!(forward.port_of(host(5_000)), FIRST_PORT);
        assert_eq!(forward.port_of(host(1)), FIRST_PORT + 1);
        assert_eq!(forward.port_of(host(0)), FIRST_PORT + 1);
    }
}
