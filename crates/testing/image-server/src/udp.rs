//! The TFTP server on a socket of the kernel's, in real time: for a measurement on a wire that other servers are on, too.
//!
//! Its transfers keep the port of the requests as their transfer id.

use crate::config::TftpConfig;
use crate::content::Content;
use crate::tftp::packet::{self, Request};
use crate::tftp::transfer::Transfer;
use netboot_core::{Duration, Instant};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// The stop flag is looked at so often.
const ATTENTION: Duration = Duration::from_millis(20);
/// A request and its options, or an acknowledgment.
const LONGEST: usize = 1_024;

/// A TFTP server in a thread of its own; it ends with this value.
#[derive(Debug)]
pub struct UdpTftp {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UdpTftp {
    /// Serves `files` by their names on `socket`.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(socket: UdpSocket, files: BTreeMap<String, Content>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let server = Server {
            socket,
            files,
            config: TftpConfig::default(),
            transfers: BTreeMap::new(),
            started: std::time::Instant::now(),
        };
        let thread = thread::Builder::new().name("tftp".into()).spawn(move || {
            if let Err(error) = server.run(&seen) {
                log::error!("the TFTP server ends: {error}");
            }
        })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for UdpTftp {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Server {
    socket: UdpSocket,
    files: BTreeMap<String, Content>,
    config: TftpConfig,
    transfers: BTreeMap<SocketAddr, Transfer>,
    started: std::time::Instant,
}

impl Server {
    fn now(&self) -> Instant {
        Instant::ZERO + Duration::from(self.started.elapsed())
    }

    fn run(mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut buffer = [0; LONGEST];
        while !stop.load(Ordering::Relaxed) {
            let now = self.now();
            self.transfers.retain(|_, transfer| !transfer.is_over(now));
            let due = self.transfers.values().map(Transfer::poll_at).min();
            let wait = due.map_or(ATTENTION, |at| at.since(now).min(ATTENTION));
            // No time at all would be for ever.
            let wait = std::time::Duration::from_micros(wait.as_micros().max(1));
            self.socket.set_read_timeout(Some(wait))?;
            match self.socket.recv_from(&mut buffer) {
                Ok((len, from)) => self.take(from, &buffer[..len]),
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                // A client that is gone, told by ICMP.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            }
            self.send();
        }
        Ok(())
    }

    fn take(&mut self, from: SocketAddr, packet: &[u8]) {
        let now = self.now();
        let Some(request) = Request::parse(packet) else {
            if let Some(transfer) = self.transfers.get_mut(&from) {
                transfer.handle(now, packet);
            }
            return;
        };
        // Repeated because the answer is late: that will be repeated, too.
        if self.transfers.contains_key(&from) {
            return;
        }
        let Some(content) = self.files.get(&request.name) else {
            let answer = packet::error(packet::error::NOT_FOUND, "File not found");
            let _ = self.socket.send_to(&answer, from);
            return;
        };
        let transfer = Transfer::new(now, &request, content.clone(), &self.config, Vec::new());
        self.transfers.insert(from, transfer);
    }

    fn send(&mut self) {
        let now = self.now();
        for (to, transfer) in &mut self.transfers {
            transfer.handle_timeout(now);
            while let Some(packet) = transfer.transmit(now) {
                // What the kernel does not take is lost, as on a wire.
                let _ = self.socket.send_to(&packet, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_in_windows() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let content = Content::Pattern {
            size: 2_500,
            seed: 3,
        };
        let files = BTreeMap::from([("f".to_owned(), content.clone())]);
        let _server = UdpTftp::start(socket, files).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(address).unwrap();
        client
            .set_read_timeout(Some(std::time::Duration::from_secs(10)))
            .unwrap();
        let mut buffer = [0; 2_048];
        let mut answer = |packet: &[u8], answers: usize| -> Vec<Vec<u8>> {
            client.send(packet).unwrap();
            (0..answers)
                .map(|_| {
                    let len = client.recv(&mut buffer).unwrap();
                    buffer[..len].to_vec()
                })
                .collect()
        };
        assert_eq!(answer(b"\0\x01none\0octet\0", 1)[0][..4], [0, 5, 0, 1]);
        let oack = answer(b"\0\x01f\0octet\0blksize\x001000\0windowsize\x002\0", 1);
        assert_eq!(oack[0], b"\0\x06blksize\x001000\0windowsize\x002\0");
        let window = answer(b"\0\x04\0\0", 2);
        let end = answer(b"\0\x04\0\x02", 1);
        let mut expected = vec![0; 2_500];
        content.read(0, &mut expected);
        let blocks = [&window[0][4..], &window[1][4..], &end[0][4..]];
        assert!(blocks.concat() == expected);
        assert!(answer(b"\0\x04\0\x03", 0).is_empty());
    }
}
