//! Downloads a file by HTTP: the sans-IO client over a TCP socket. It follows redirections and resumes a broken download
//! where it stopped, if the server can prove that the file is still the same.
//!
//! `cargo run -p netboot-http --example http_get -- URI [OUTPUT]`; without OUTPUT only the size is shown.

use netboot_core::Uri;
use netboot_core::uri::{Host, Scheme};
use netboot_http::{Event, HttpError, Outcome, RangeFrom, Redirects, Request, Response, Validator};
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write, sink};
use std::net::TcpStream;
use std::time::Duration;

/// Number of times that a broken download is resumed.
const RESUMES: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (uri, output) = match words.as_slice() {
        [uri] => (uri, None),
        [uri, output] => (uri, Some(output)),
        _ => return Err("usage: http_get URI [OUTPUT]".into()),
    };
    let mut to: Box<dyn Write> = match output {
        Some(path) => Box::new(File::create(path)?),
        None => Box::new(sink()),
    };
    let mut download = Download {
        uri: Uri::parse(uri)?,
        redirects: Redirects::default(),
        received: 0,
        total: None,
        validator: None,
    };
    for attempt in 0.. {
        match download.run(&mut to) {
            Ok(()) => break,
            // Only what the server has proved to be the same file can be resumed.
            Err(error) if attempt < RESUMES && download.validator.is_some() => {
                println!("resuming at {}: {error}", download.received);
            }
            Err(error) => return Err(error),
        }
    }
    println!("{} octets", download.received);
    Ok(())
}

/// One file, over as many connections as it takes.
struct Download {
    uri: Uri,
    redirects: Redirects,
    received: u64,
    total: Option<u64>,
    validator: Option<Validator>,
}

impl Download {
    /// Downloads what is missing.
    fn run(&mut self, to: &mut dyn Write) -> Result<(), Box<dyn Error>> {
        loop {
            let uri = self.uri.clone();
            let validator = self.validator.clone();
            let mut request = Request::get(&uri);
            request.user_agent = "netboot-example";
            if self.received > 0 {
                request.range = Some(RangeFrom {
                    first: self.received,
                    last: None,
                    if_range: validator.as_ref(),
                });
            }
            let mut response = Response::<4096>::new(request.expect());
            if self.exchange(&request, &mut response, to)? {
                return Ok(());
            }
            let head = response.head();
            self.uri = self
                .redirects
                .follow(&uri, head.status, response.location())?;
            println!("redirected to {}", self.uri);
        }
    }

    /// Does one request and its response. Returns `false` for a redirection.
    fn exchange(
        &mut self,
        request: &Request<'_>,
        response: &mut Response<4096>,
        to: &mut dyn Write,
    ) -> Result<bool, Box<dyn Error>> {
        let mut socket = connect(&self.uri)?;
        let mut wire = [0; 1024];
        let len = request.encode(&mut wire)?;
        socket.write_all(&wire[..len])?;
        let mut buffer = [0; 4096];
        loop {
            let len = socket.read(&mut buffer)?;
            let mut input = &buffer[..len];
            loop {
                let step = response.handle(input)?;
                input = &input[step.consumed..];
                match step.event {
                    Event::NeedInput => break,
                    Event::Head if response.head().outcome() == Outcome::Redirect => {
                        return Ok(false);
                    }
                    Event::Head => self.check(response)?,
                    Event::Body(octets) => {
                        to.write_all(octets)?;
                        self.received += octets.len() as u64;
                        input = &input[octets.len()..];
                        response.body_taken(octets.len());
                    }
                    // `check` has refused every answer that is not the file.
                    Event::OtherBody(_) => return Err(HttpError::Changed.into()),
                    Event::Complete => return Ok(true),
                }
            }
            if len == 0 {
                response.end_of_stream()?;
                return Ok(true);
            }
        }
    }

    /// Decides whether the body that follows belongs to the download.
    fn check(&mut self, response: &Response<4096>) -> Result<(), HttpError> {
        let head = response.head();
        match head.outcome() {
            Outcome::PartialContent => head.continues(self.total, self.validator.as_ref()),
            Outcome::Content if self.received == 0 => {
                self.total = head.total;
                self.validator = head.validator.clone();
                Ok(())
            }
            // The server sends all of it again: the file has changed.
            Outcome::Content | Outcome::Redirect => Err(HttpError::Changed),
            Outcome::Failed(error) => Err(error),
        }
    }
}

/// Connects to the server of `uri`.
fn connect(uri: &Uri) -> Result<TcpStream, Box<dyn Error>> {
    if uri.scheme() != Scheme::Http {
        return Err(format!("{} is not spoken here", uri.scheme().as_str()).into());
    }
    let socket = match uri.host() {
        Host::Name(name) => TcpStream::connect((name, uri.port()))?,
        Host::V4(address) => TcpStream::connect((address, uri.port()))?,
        Host::V6(address) => TcpStream::connect((address, uri.port()))?,
    };
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(socket)
}
