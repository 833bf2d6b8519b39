//! Images from files, web servers and TFTP servers.

use anyhow::{Context, Result, anyhow, bail, ensure};
use netboot_core::Instant;
use netboot_tftp::client::{Client, Endpoint, Event, Request, TRANSMIT_MAX, Timing};
use std::io::ErrorKind;
use std::net::{ToSocketAddrs, UdpSocket};
use std::time::Duration;

/// Largest image, in octets: more than any of a Caliptra subsystem.
const MAX_IMAGE: u64 = 256 << 20;

/// Reads an image.
pub fn fetch(uri: &str) -> Result<Vec<u8>> {
    let image = match uri.split_once("://") {
        Some(("http" | "https", _)) => http(uri),
        Some(("tftp", rest)) => tftp(rest),
        Some(("file", path)) => file(path),
        Some((scheme, _)) => {
            bail!("'{scheme}:' is not a source of images: give a file, http:, https: or tftp:")
        }
        None => file(uri),
    };
    let image =
        image.with_context(|| format!("cannot get the image {}", without_credentials(uri)))?;
    ensure!(
        !image.is_empty(),
        "the image {} is empty",
        without_credentials(uri)
    );
    Ok(image)
}

/// An address without the user and password that it may have.
fn without_credentials(uri: &str) -> String {
    match uri.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => uri.into(),
    }
}

fn file(path: &str) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path)?.len();
    ensure!(
        size <= MAX_IMAGE,
        "the file has {size} octets, more than any image has"
    );
    Ok(std::fs::read(path)?)
}

fn http(uri: &str) -> Result<Vec<u8>> {
    let config = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_global(Some(Duration::from_secs(600)))
        .build();
    let mut answer = ureq::Agent::new_with_config(config).get(uri).call()?;
    Ok(answer
        .body_mut()
        .with_config()
        .limit(MAX_IMAGE)
        .read_to_vec()?)
}

/// `HOST[:PORT]/FILE`
fn tftp(rest: &str) -> Result<Vec<u8>> {
    let (host, name) = rest
        .split_once('/')
        .ok_or_else(|| anyhow!("a TFTP address is tftp://HOST/FILE"))?;
    let found = match host.contains(':') {
        true => host.to_socket_addrs()?.next(),
        false => (host, 69).to_socket_addrs()?.next(),
    };
    let server = found.ok_or_else(|| anyhow!("the host {host} is not known"))?;
    let any = if server.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any)?;
    let begun = std::time::Instant::now();
    let now =
        || Instant::from_micros(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
    let request = Request {
        filename: name,
        blksize: 1428,
        windowsize: 8,
        timeout: None,
        tsize: true,
    };
    let failed = |error: netboot_tftp::TftpError| anyhow!("{error:?}");
    let endpoint = Endpoint::server(server.ip());
    let mut client = Client::new(endpoint, &request, Timing::default(), now()).map_err(failed)?;
    let (mut image, mut packet, mut datagram) = (vec![], [0; TRANSMIT_MAX], vec![0; 65_536]);
    while !client.is_complete() || client.is_transmit_due() {
        while let Some((len, to)) = client.poll_transmit(now(), &mut packet) {
            // The request goes to the port of the address, everything else to the server's own port.
            let port = if to.port == 69 {
                server.port()
            } else {
                to.port
            };
            socket.send_to(packet.get(..len).unwrap_or_default(), (to.addr, port))?;
        }
        if client.is_complete() {
            break;
        }
        let wait = client
            .poll_timeout()
            .map_or(100, |at| at.since(now()).as_millis())
            .clamp(1, 1000);
        socket.set_read_timeout(Some(Duration::from_millis(wait)))?;
        match socket.recv_from(&mut datagram) {
            Ok((len, from)) => {
                let from = Endpoint {
                    addr: from.ip(),
                    port: from.port(),
                };
                let octets = datagram.get(..len).unwrap_or_default();
                take(&mut client, from, octets, &mut image, &now)?;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                client.handle_timeout(now()).map_err(failed)?;
            }
            Err(error) => return Err(error.into()),
        }
        ensure!(
            image.len() as u64 <= MAX_IMAGE,
            "the file is longer than any image"
        );
    }
    Ok(image)
}

/// Presents a datagram, twice where it opens the transfer and is data as well.
fn take(
    client: &mut Client,
    from: Endpoint,
    octets: &[u8],
    image: &mut Vec<u8>,
    now: &dyn Fn() -> Instant,
) -> Result<()> {
    for _ in 0..2 {
        match client
            .handle(now(), from, octets)
            .map_err(|error| anyhow!("{error:?}"))?
        {
            Event::Opened { again, .. } => {
                client.start(now());
                if again {
                    continue;
                }
            }
            Event::Data { payload, .. } => {
                image.extend_from_slice(payload);
                client.data_consumed(now());
            }
            Event::None => {}
        }
        break;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        assert_eq!(
            without_credentials("https://me:secret@host/a@b"),
            "https://host/a@b"
        );
        assert_eq!(without_credentials("/a/file"), "/a/file");
        let error = format!("{:#}", fetch("http://me:secret@127.0.0.1:1/x").unwrap_err());
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn what_is_no_source_is_told() {
        for (uri, words) in [
            ("gopher://x/y", "not a source"),
            ("/nowhere/at/all", "/nowhere"),
            ("tftp://host", "tftp://HOST/FILE"),
            ("/dev/null", "empty"),
        ] {
            let error = format!("{:#}", fetch(uri).unwrap_err());
            assert!(error.contains(words), "{uri}: {error}");
        }
    }

    /// A server of one file, without options, as RFC 1350 has it.
    #[test]
    fn a_file_by_tftp() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let place = server.local_addr().unwrap();
        let content: Vec<u8> = (0..1300u32).map(|at| at as u8).collect();
        let file = content.clone();
        let serving = std::thread::spawn(move || {
            let mut packet = [0; 600];
            let (_, client) = server.recv_from(&mut packet).unwrap();
            assert!(packet.starts_with(b"\0\x01dir/image\0octet\0"));
            let data = UdpSocket::bind("127.0.0.1:0").unwrap();
            for (at, block) in file.chunks(512).enumerate() {
                let block = [&[0, 3, 0, at as u8 + 1], block].concat();
                data.send_to(&block, client).unwrap();
                let (len, _) = data.recv_from(&mut packet).unwrap();
                assert_eq!(packet[..len], [0, 4, 0, at as u8 + 1]);
            }
        });
        assert_eq!(
            fetch(&format!("tftp://{place}/dir/image")).unwrap(),
            content
        );
        serving.join().unwrap();
    }
}
