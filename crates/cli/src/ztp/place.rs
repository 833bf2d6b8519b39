//! Where a board's console is, and how it is opened.

use anyhow::{Context, Result, anyhow, bail, ensure};
pub use caliptra_util_host_transport::mctp::stream::ByteStream;
use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Longest time that a socket may take no octet of those that are written.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a console is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A console server: host and port.
    Tcp(String),
    /// A terminal device or a UNIX socket.
    File(PathBuf),
}

impl FromStr for Place {
    type Err = &'static str;

    /// A text with a slash in it is a path, one with a colon in it is a host and a port.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once(':') {
            _ if text.is_empty() => Err("a path, or a host and a port"),
            Some((host, port)) if !text.contains('/') => {
                let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
                match !host.is_empty() && is_port {
                    true => Ok(Self::Tcp(text.into())),
                    false => Err("neither a path nor a host with a port"),
                }
            }
            _ => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Opens a console within `limit`. `baud` is the speed of a terminal device in bits per second; without it the device keeps its speed.
///
/// # Errors
/// When there is no console at that place, or it cannot be opened in time.
pub fn open(place: &Place, baud: Option<u32>, limit: Duration) -> Result<Box<dyn ByteStream>> {
    let (sender, receiver) = mpsc::channel();
    let at = place.clone();
    // Names are looked up, and sockets may be busy, for as long as the system likes.
    thread::spawn(move || sender.send(open_now(&at, baud, limit)));
    let opened = receiver.recv_timeout(limit);
    opened
        .unwrap_or_else(|_| Err(anyhow!("no answer within {} s", limit.as_secs())))
        .with_context(|| format!("cannot open the console {place}"))
}

fn open_now(place: &Place, baud: Option<u32>, limit: Duration) -> Result<Box<dyn ByteStream>> {
    match place {
        Place::Tcp(address) => {
            ensure!(baud.is_none(), "--baud is for terminal devices");
            let mut last = anyhow!("the name has no address");
            for address in address.to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, limit) {
                    Ok(stream) => {
                        stream.set_nodelay(true)?;
                        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                        return Ok(Box::new(stream));
                    }
                    Err(error) => last = error.into(),
                }
            }
            Err(last)
        }
        #[cfg(unix)]
        Place::File(path) => {
            use caliptra_util_host_transport::mctp::stream::SerialPort;
            use std::os::unix::fs::FileTypeExt;
            use std::os::unix::net::UnixStream;
            let kind = std::fs::metadata(path)?.file_type();
            if kind.is_socket() {
                ensure!(baud.is_none(), "--baud is for terminal devices");
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
                Ok(Box::new(stream))
            } else if kind.is_char_device() {
                let mut port = SerialPort::open(path)?;
                if let Some(baud) = baud {
                    let failed = || format!("the device has no speed of {baud} bits per second");
                    port.set_speed(baud).with_context(failed)?;
                }
                Ok(Box::new(port))
            } else {
                bail!("it is neither a terminal device nor a socket")
            }
        }
        #[cfg(not(unix))]
        Place::File(_) => bail!("this system has consoles by TCP only"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn paths_and_addresses_are_told_apart() {
        let file = |path: &str| Ok(Place::File(path.into()));
        let tcp = |address: &str| Ok(Place::Tcp(address.into()));
        for (text, place) in [
            ("/dev/ttyUSB0", file("/dev/ttyUSB0")),
            ("/dev/by-path/pci-0:1:2", file("/dev/by-path/pci-0:1:2")),
            ("console.sock", file("console.sock")),
            ("10.0.0.1:7001", tcp("10.0.0.1:7001")),
            ("[fd00::1]:7001", tcp("[fd00::1]:7001")),
            ("rack.example:23", tcp("rack.example:23")),
        ] {
            assert_eq!(text.parse(), place, "{text}");
        }
        for text in ["", ":7001", "host:", "host:0", "host:65536", "host:ssh"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_console_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp = listener.local_addr().unwrap().to_string();
        let limit = Duration::from_secs(5);
        for (place, baud, part) in [
            (
                file.path().to_str().unwrap(),
                None,
                "neither a terminal device",
            ),
            ("/nowhere/tty", None, "cannot open the console /nowhere/tty"),
            ("/dev/null", None, "cannot open the console /dev/null"),
            (&tcp, Some(9600), "--baud is for terminal devices"),
        ] {
            let opened = open(&place.parse().unwrap(), baud, limit);
            let error = format!("{:#}", opened.err().unwrap());
            assert!(error.contains(part), "{error}");
        }
        assert!(open(&tcp.parse().unwrap(), None, limit).is_ok());
    }
}
