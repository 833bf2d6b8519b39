//! The server over TCP: a thread that takes one connection after the other.

use crate::report::Report;
use crate::script::Script;
use crate::server::{End, Server};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};
use test_pki::Identity;

/// Between two looks whether it is all over.
const LOOK: Duration = Duration::from_millis(5);

/// A server at a TCP port; ends with this value.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    reports: Mutex<Vec<Report>>,
}

impl Shared {
    fn reports(&self) -> MutexGuard<'_, Vec<Report>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Listener {
    /// Serves at `listener`: the nth connection gets the nth script, and all further ones the last.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn start(
        listener: TcpListener,
        identity: Identity,
        scripts: Vec<Script>,
        seed: u64,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || {
                let mut number = 0;
                while !shared.is_over() {
                    let Ok((stream, _)) = listener.accept() else {
                        sleep(LOOK);
                        continue;
                    };
                    let last = scripts.len().saturating_sub(1);
                    let Some(script) = scripts.get(number.min(last)) else {
                        continue;
                    };
                    let seed = seed.wrapping_add(number as u64);
                    let mut server = Server::new(&identity, script, seed);
                    // The client may end the connection in whatever way: the report says how far it came.
                    let _ = serve(stream, &mut server, &shared);
                    shared.reports().push(server.report().clone());
                    number += 1;
                }
            }
        });
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
        })
    }

    /// Serves at a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is none.
    pub fn on_loopback(identity: Identity, scripts: Vec<Script>, seed: u64) -> io::Result<Self> {
        Self::start(TcpListener::bind("127.0.0.1:0")?, identity, scripts, seed)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connections that are over.
    pub fn reports(&self) -> Vec<Report> {
        self.shared.reports().clone()
    }

    /// Waits until `count` connections are over, for five seconds at most, and gives all that are.
    pub fn wait_reports(&self, count: usize) -> Vec<Report> {
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.shared.reports().len() < count && Instant::now() < deadline {
            sleep(LOOK);
        }
        self.reports()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves one connection until the script ends it, or the client does.
fn serve(mut stream: TcpStream, server: &mut Server, shared: &Shared) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut octets = vec![0; 16 * 1024];
    while !shared.is_over() {
        if server.wants_more() {
            let out = server.feed(&[]);
            stream.write_all(&out)?;
        } else {
            match stream.read(&mut octets) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    let out = server.feed(&octets[..length]);
                    stream.write_all(&out)?;
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(pause) = server.pause() {
            sleep(pause);
        }
        match server.end() {
            Some(End::Cut) => return linger(stream, server, shared),
            Some(End::Reset) => return reset(&stream),
            None => {}
        }
    }
    Ok(())
}

/// Says that nothing more comes, and hears the client out, so that nothing sent is lost by a reset.
fn linger(mut stream: TcpStream, server: &mut Server, shared: &Shared) -> io::Result<()> {
    stream.shutdown(std::net::Shutdown::Write)?;
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut octets = vec![0; 16 * 1024];
    while !shared.is_over() && Instant::now() < deadline {
        match stream.read(&mut octets) {
            Ok(0) => break,
            Ok(length) => drop(server.feed(&octets[..length])),
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A socket that is closed with unread octets, or with no time to linger, resets.
fn reset(stream: &TcpStream) -> io::Result<()> {
    rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
    Ok(())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
