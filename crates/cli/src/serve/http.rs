//! A small HTTP server for whoever watches the other one: `GET /metrics` and `GET /healthz`. A connection has one request and a deadline.

use anyhow::{Context, Result};
use netboot_core::{Duration, Instant};
use rustix::event::{PollFd, PollFlags};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

/// Greatest number of connections. More wait in the system's queue.
const CONNECTIONS: usize = 16;
/// Greatest number of octets of a request's head.
const HEAD: usize = 4096;
/// Time that a connection may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The listener and its connections.
#[derive(Debug)]
pub struct Http {
    listener: TcpListener,
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    end: Instant,
    head: Vec<u8>,
    /// What is left to be sent; `None` while the head is being read.
    answer: Option<Vec<u8>>,
}

/// What the server can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The counters.
    Metrics,
    /// Whether all is well.
    Health,
}

impl Http {
    /// Listens at this address.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn bind(at: SocketAddr) -> Result<Self> {
        let failed = || format!("cannot listen at {at} for --metrics");
        let listener = TcpListener::bind(at).with_context(failed)?;
        listener.set_nonblocking(true).with_context(failed)?;
        Ok(Self {
            listener,
            connections: Vec::new(),
        })
    }

    /// The address at which it listens.
    ///
    /// # Errors
    /// Those of the system.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// What it waits for.
    pub fn poll<'s>(&'s self, fds: &mut Vec<PollFd<'s>>) {
        if self.connections.len() < CONNECTIONS {
            fds.push(PollFd::new(&self.listener, PollFlags::IN));
        }
        for one in &self.connections {
            let flags = match one.answer {
                Some(_) => PollFlags::OUT,
                None => PollFlags::IN,
            };
            fds.push(PollFd::new(&one.stream, flags));
        }
    }

    /// When a connection has to be over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.connections.iter().map(|one| one.end).min()
    }

    /// Does what can be done without waiting. `page` makes the status and the text of a page.
    pub fn serve(&mut self, now: Instant, page: &dyn Fn(Page) -> (&'static str, String)) {
        while self.connections.len() < CONNECTIONS
            && let Ok((stream, _)) = self.listener.accept()
        {
            if stream.set_nonblocking(true).is_ok() {
                self.connections.push(Connection {
                    stream,
                    end: now + LIMIT,
                    head: Vec::new(),
                    answer: None,
                });
            }
        }
        self.connections
            .retain_mut(|one| now < one.end && one.serve(page));
    }
}

impl Connection {
    /// Goes on; whether there is more to do.
    fn serve(&mut self, page: &dyn Fn(Page) -> (&'static str, String)) -> bool {
        while self.answer.is_none() {
            let mut piece = [0; 1024];
            let read = match self.stream.read(&mut piece) {
                Ok(0) => return false,
                Ok(read) => piece.get(..read).unwrap_or_default(),
                Err(error) => return is_later(&error),
            };
            self.head.extend_from_slice(read);
            self.answer = answer(&self.head, page);
        }
        let Some(answer) = &mut self.answer else {
            return false;
        };
        while !answer.is_empty() {
            match self.stream.write(answer) {
                Ok(0) => return false,
                Ok(sent) => drop(answer.drain(..sent.min(answer.len()))),
                Err(error) => return is_later(&error),
            }
        }
        // The other end may have gone already.
        let _ = self.stream.shutdown(Shutdown::Write);
        false
    }
}

fn is_later(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// The answer to a request, when its head is complete or too long.
fn answer(head: &[u8], page: &dyn Fn(Page) -> (&'static str, String)) -> Option<Vec<u8>> {
    let is_complete = head.windows(4).any(|end| end == b"\r\n\r\n");
    let (status, text) = match (is_complete, head.len() >= HEAD) {
        (_, true) => ("431 Request Header Fields Too Large", String::new()),
        (true, _) => match asked(head) {
            Ok(one) => page(one),
            Err(status) => (status, String::new()),
        },
        (false, false) => return None,
    };
    let allow = match status.starts_with("405") {
        true => "Allow: GET\r\n",
        false => "",
    };
    let len = text.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {len}\r\n{allow}Connection: close\r\n\r\n{text}"
    );
    Some(answer.into_bytes())
}

/// What the first line of a request asks for, or the status of an error.
fn asked(head: &[u8]) -> Result<Page, &'static str> {
    const BAD: &str = "400 Bad Request";
    let line = head.split(|octet| *octet == b'\r').next();
    let line = line.and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.ok_or(BAD)?.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_http = version.is_some_and(|version| version.starts_with("HTTP/1."));
    if !is_http || words.next().is_some() {
        return Err(BAD);
    }
    if method != Some("GET") {
        return Err("405 Method Not Allowed");
    }
    let path = target.and_then(|target| target.split('?').next());
    match path {
        Some("/metrics") => Ok(Page::Metrics),
        Some("/healthz") => Ok(Page::Health),
        _ => Err("404 Not Found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(page: Page) -> (&'static str, String) {
        ("200 OK", format!("{page:?}"))
    }

    fn answered(head: &str) -> Option<String> {
        answer(head.as_bytes(), &page).map(|octets| String::from_utf8(octets).unwrap())
    }

    #[test]
    fn two_pages_and_nothing_else() {
        for (line, status, text) in [
            ("GET /metrics HTTP/1.1", "200 OK", "Metrics"),
            ("GET /healthz HTTP/1.0", "200 OK", "Health"),
            ("GET /metrics?a=b HTTP/1.1", "200 OK", "Metrics"),
            ("GET / HTTP/1.1", "404 Not Found", ""),
            ("GET /../metrics HTTP/1.1", "404 Not Found", ""),
            ("POST /metrics HTTP/1.1", "405 Method Not Allowed", ""),
            ("GET /metrics HTTP/2", "400 Bad Request", ""),
            ("GET /metrics", "400 Bad Request", ""),
            ("GET /metrics HTTP/1.1 x", "400 Bad Request", ""),
            ("", "400 Bad Request", ""),
        ] {
            let answer = answered(&format!("{line}\r\nHost: x\r\n\r\n")).unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
                "{line}: {answer}"
            );
            assert!(
                answer.ends_with(&format!("\r\n\r\n{text}")),
                "{line}: {answer}"
            );
            let len = format!("Content-Length: {}\r\n", text.len());
            assert!(answer.contains(&len), "{line}: {answer}");
            assert_eq!(answer.contains("Allow: GET\r\n"), status.starts_with("405"));
        }
    }

    #[test]
    fn a_head_has_an_end() {
        let line = "GET /metrics HTTP/1.1\r\n";
        assert_eq!(answered(line), None);
        let long = format!("{line}X: {}", "x".repeat(HEAD));
        let answer = answered(&long).unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert_eq!(answered(&long[..HEAD - 1]), None);
    }

    #[test]
    fn a_connection_that_says_nothing_is_closed_at_its_deadline() {
        let mut http = Http::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let mut client = TcpStream::connect(http.address().unwrap()).unwrap();
        let begin = Instant::from_millis(1);
        while http.connections.is_empty() {
            http.serve(begin, &page);
        }
        assert_eq!(http.poll_timeout(), Some(begin + LIMIT));
        http.serve(Instant::from_millis(LIMIT.as_millis()), &page);
        assert_eq!(http.connections.len(), 1);
        http.serve(begin + LIMIT, &page);
        assert_eq!(http.connections.len(), 0);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    }
}
