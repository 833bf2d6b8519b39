//! The MCTP endpoint behind a TCP stream that stands for a serial line.

use crate::device::Device;
use crate::line::SerialLine;
use crate::mctp::MctpEndpoint;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A server; it ends when it is dropped.
#[derive(Debug)]
pub struct MctpServer {
    address: SocketAddr,
    endpoint: Arc<Mutex<MctpEndpoint>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MctpServer {
    /// Starts a server for `device`, endpoint `own`, at `address`. It serves one connection after the other.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(address: impl ToSocketAddrs, device: Device, own: u8) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let endpoint = Arc::new(Mutex::new(MctpEndpoint::new(device, own)));
        let stop = Arc::<AtomicBool>::default();
        let (shared, stopped) = (Arc::clone(&endpoint), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("mctp-serial".into())
            .spawn(move || {
                while !stopped.load(Ordering::SeqCst) {
                    match listener.accept() {
                        Ok((stream, _)) => {
                            // A broken connection ends; the next may come.
                            let _ = serve(stream, &shared, &stopped);
                        }
                        Err(_) => std::thread::sleep(Duration::from_millis(2)),
                    }
                }
            })?;
        Ok(Self {
            address,
            endpoint,
            stop,
            thread: Some(thread),
        })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does something with the device.
    pub fn with_device<R>(&self, with: impl FnOnce(&mut Device) -> R) -> R {
        with(
            &mut self
                .endpoint
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .device,
        )
    }

    /// Waits until the server ends, which is never by itself.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for MctpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    endpoint: &Mutex<MctpEndpoint>,
    stop: &AtomicBool,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_millis(5)))?;
    let mut serial = SerialLine::new();
    let mut late: Vec<(Instant, Vec<u8>)> = vec![];
    let mut octets = [0; 512];
    while !stop.load(Ordering::SeqCst) {
        let now = Instant::now();
        let mut kept = vec![];
        for (at, line) in late {
            match at <= now {
                true => stream.write_all(&line)?,
                false => kept.push((at, line)),
            }
        }
        late = kept;
        let len = match stream.read(&mut octets) {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        for octet in octets.get(..len).unwrap_or_default() {
            let mut endpoint = endpoint.lock().unwrap_or_else(PoisonError::into_inner);
            let mut line = vec![];
            let mut send = |frame: &[u8]| line.extend_from_slice(frame);
            let Some(reply) = serial.push(*octet, &mut endpoint, &mut send) else {
                continue;
            };
            let at = Instant::now() + Duration::from_millis(u64::from(reply.delay_ms));
            for _ in 0..reply.copies {
                match reply.delay_ms {
                    0 => stream.write_all(&line)?,
                    _ => late.push((at, line.clone())),
                }
            }
        }
    }
    Ok(())
}
