//! Connections: announcing the scheme, TLS, and the tasks that read and write.

use crate::tls::Tls;
use anyhow::{Context, Result, bail};
use bootstore::Baseboard;
use bootstore::node::ConnectionId;
use bootstore::schemes::Scheme;
use bootstore::wire::framing::content_length;
use bootstore::wire::{FRAME_MAX, HANDSHAKE_FRAME_MAX, HELLO_LEN, Hello, LENGTH_LEN, WireError};
use rustls::pki_types::ServerName;
use std::net::SocketAddrV6;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use zeroize::Zeroizing;

/// Time in which a connection has to be open, TLS included.
pub const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of frames that wait to be written on a connection. A peer that is slower is disconnected.
pub const WRITE_QUEUE: usize = 5;

/// Octets in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that is open and, in scheme 1, authenticated.
pub struct Opened {
    /// The octets.
    pub stream: Box<dyn Stream>,
    /// The board that the peer has proved to be; `None` in scheme 0.
    pub proven: Option<Baseboard>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened(proven {:?})", self.proven)
    }
}

/// What a reader has read. The octets are cleared when they are dropped, as they may hold shares.
#[derive(Debug)]
pub enum Incoming {
    /// The first octets.
    Hello([u8; HELLO_LEN]),
    /// The content of a frame.
    Frame(Zeroizing<Vec<u8>>),
    /// The connection has ended, with the reason.
    Closed(String),
}

/// Opens a connection to a peer.
///
/// # Errors
/// The peer cannot be reached within [`OPEN_TIMEOUT`], speaks another scheme, or is not allowed.
pub async fn dial(remote: SocketAddrV6, tls: Option<Tls>) -> Result<Opened> {
    let open = async {
        let stream = TcpStream::connect(remote)
            .await
            .with_context(|| format!("cannot reach {remote}"))?;
        match tls {
            None => plain(stream),
            Some(tls) => {
                let stream = announce(stream).await?;
                let name = ServerName::from(std::net::IpAddr::from(*remote.ip()));
                let stream = TlsConnector::from(tls.client.clone())
                    .connect(name, stream)
                    .await
                    .with_context(|| format!("TLS with {remote} failed"))?;
                let proven = tls.proven(stream.get_ref().1.peer_certificates());
                Ok(Opened {
                    proven: Some(proven.with_context(|| format!("{remote} is refused"))?),
                    stream: Box::new(stream),
                })
            }
        }
    };
    match timeout(OPEN_TIMEOUT, open).await {
        Ok(opened) => opened,
        Err(_) => bail!("{remote} did not answer in time"),
    }
}

/// Takes a connection that a peer has opened.
///
/// # Errors
/// The peer does not finish within [`OPEN_TIMEOUT`], speaks another scheme, or is not allowed.
pub async fn accept(stream: TcpStream, tls: Option<Tls>) -> Result<Opened> {
    let Some(tls) = tls else {
        return plain(stream);
    };
    let open = async {
        let stream = announce(stream).await?;
        let stream = TlsAcceptor::from(tls.server.clone())
            .accept(stream)
            .await
            .context("TLS failed")?;
        let proven = tls.proven(stream.get_ref().1.peer_certificates())?;
        Ok(Opened {
            proven: Some(proven),
            stream: Box::new(stream),
        })
    };
    match timeout(OPEN_TIMEOUT, open).await {
        Ok(opened) => opened,
        Err(_) => bail!("the peer did not finish its handshake in time"),
    }
}

fn plain(stream: TcpStream) -> Result<Opened> {
    stream.set_nodelay(true)?;
    Ok(Opened {
        stream: Box::new(stream),
        proven: None,
    })
}

/// Both sides announce scheme 1 in the clear before TLS starts, so that a peer of another scheme learns why it is
/// refused. The hello comes again inside TLS, so that nobody can have changed it.
async fn announce(mut stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    let hello = Hello { scheme: Scheme::V1 };
    stream.write_all(&hello.to_bytes()).await?;
    let mut theirs = [0; HELLO_LEN];
    stream.read_exact(&mut theirs).await?;
    hello.check(&theirs)?;
    Ok(stream)
}

/// Reads a connection until it ends, and reports everything with the connection's id.
///
/// The length of a frame is checked before its content is read, so no peer makes the daemon reserve more than
/// [`FRAME_MAX`] octets.
pub async fn read(
    id: ConnectionId,
    mut stream: impl AsyncRead + Unpin,
    to: mpsc::Sender<(ConnectionId, Incoming)>,
) {
    let reason = match read_frames(id, &mut stream, &to).await {
        Ok(never) => match never {},
        Err(reason) => reason.to_string(),
    };
    let _ = to.send((id, Incoming::Closed(reason))).await;
}

async fn read_frames(
    id: ConnectionId,
    stream: &mut (impl AsyncRead + Unpin),
    to: &mpsc::Sender<(ConnectionId, Incoming)>,
) -> Result<std::convert::Infallible> {
    let mut hello = [0; HELLO_LEN];
    stream.read_exact(&mut hello).await?;
    to.send((id, Incoming::Hello(hello))).await?;
    let mut limit = HANDSHAKE_FRAME_MAX;
    loop {
        let content = read_frame(stream, limit).await?;
        to.send((id, Incoming::Frame(content))).await?;
        limit = FRAME_MAX;
    }
}

/// Reads one frame. The end of the stream is an error at any place.
///
/// # Errors
/// Those of the stream, and [`WireError::FrameLength`].
pub async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut field = [0; LENGTH_LEN];
    stream.read_exact(&mut field).await?;
    let length = content_length(field, limit).map_err(|error: WireError| anyhow::anyhow!(error))?;
    let mut content = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut content).await?;
    Ok(content)
}

/// Writes what comes until the channel or the connection ends.
pub async fn write(
    mut stream: impl AsyncWrite + Unpin,
    mut from: mpsc::Receiver<Zeroizing<Vec<u8>>>,
) {
    while let Some(octets) = from.recv().await {
        if stream.write_all(&octets).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}
