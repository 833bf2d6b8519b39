//! The host library as futures over tokio: several devices at once on one thread.
//!
//! `cargo run -p caliptra-util-host-commands --example tokio -- 127.0.0.1:62222 [more ...]`; without an address it starts a device.

use caliptra_util_host_commands::types::{GetDeviceIdRequest, GetFirmwareVersionRequest};
use caliptra_util_host_session::{AsyncSession, SessionConfig};
use caliptra_util_host_transport::aio::{AsyncDatagram, Datagrams, Framing, Timer};
use caliptra_util_host_transport::{TransportError, TransportResult};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::time::{Instant, Sleep, sleep};

/// A socket of tokio, a new one after each answer.
pub struct Socket(UdpSocket, SocketAddr);

impl Socket {
    /// A socket to `server`.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn open(server: SocketAddr) -> TransportResult<Self> {
        let failed = |_| TransportError::IoError("cannot make a socket");
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").map_err(failed)?;
        socket.connect(server).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        Ok(Self(UdpSocket::from_std(socket).map_err(failed)?, server))
    }
}

impl Datagrams for Socket {
    fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<TransportResult<()>> {
        let sent = ready!(self.0.poll_send(cx, message));
        Poll::Ready(sent.map(drop).map_err(|_| TransportError::SendFailed(None)))
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<TransportResult<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let received = ready!(self.0.poll_recv(cx, &mut buffer));
        let len = buffer.filled().len();
        Poll::Ready(
            received
                .map(|()| len)
                .map_err(|_| TransportError::ReceiveFailed(None)),
        )
    }

    fn renew(&mut self) -> TransportResult<()> {
        *self = Self::open(self.1)?;
        Ok(())
    }
}

/// A timer of tokio.
pub struct Clock(pub Pin<Box<Sleep>>);

impl Timer for Clock {
    fn start(&mut self, ms: u32) {
        self.0
            .as_mut()
            .reset(Instant::now() + Duration::from_millis(u64::from(ms)));
    }

    fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

async fn ask(server: SocketAddr) -> Result<String, Box<dyn std::error::Error>> {
    let clock = Clock(Box::pin(sleep(Duration::ZERO)));
    let transport = AsyncDatagram::<_, _>::new(Socket::open(server)?, clock, Framing::UdpMailbox);
    let mut session = Box::new(AsyncSession::new(transport, SessionConfig::default()));
    let version = session
        .execute(&GetFirmwareVersionRequest { index: 1 })
        .await?;
    let [major, minor, patch, _] = version.version;
    let id = session.execute(&GetDeviceIdRequest {}).await?;
    Ok(format!(
        "{server}: vendor {:04x}, MCU runtime {major}.{minor}.{patch}",
        id.vendor_id
    ))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut servers = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<Vec<SocketAddr>, _>>()?;
    let device = util_device::Device::new(util_device::DeviceConfig::default());
    let own = util_device::server::UdpServer::start(
        "127.0.0.1:0",
        device,
        util_device::server::Link::default(),
    )?;
    if servers.is_empty() {
        servers.push(own.address());
    }
    let asked: Vec<_> = servers.into_iter().map(ask).collect();
    for one in asked {
        println!("{}", one.await?);
    }
    Ok(())
}
