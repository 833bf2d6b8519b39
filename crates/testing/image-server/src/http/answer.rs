//! What a request is answered: status, head and body, and the faults that change them.

use super::request::{LONGEST_CONTENT, Request, base64};
use super::response::{After, Response};
use crate::config::{EtagKind, Framing, Post};
use crate::content::Content;
use crate::faults::HttpFault;
use crate::served::{Protocol, Served};
use crate::shared::Shared;
use netboot_core::Instant;
use rand_core::RngCore;

/// What becomes of a request.
pub enum Answer {
    /// A response, and its record.
    Response(Box<Response>, Served),
    /// None, for ever.
    Mute,
}

/// A response before it is put into octets.
struct Draft {
    status: u16,
    fields: Vec<String>,
    content: Content,
    offset: u64,
    length: u64,
    framing: Framing,
    keep_alive: bool,
    is_1_1: bool,
    head_only: bool,
}

/// A response without a body that ends the connection.
pub fn bare(status: u16) -> Response {
    let head = format!(
        "HTTP/1.1 {status} {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        reason(status)
    );
    Response::new(head.into_bytes(), "".into(), 0, 0, After::Close)
}

/// Answers `request`, which came by `protocol`; `last` ends the connection afterwards.
pub fn to(
    now: Instant,
    protocol: Protocol,
    request: &Request,
    last: bool,
    shared: &mut Shared,
) -> Answer {
    let faults = shared.config.faults.http.strike(&request.name);
    if faults.contains(&HttpFault::NeverAnswer) {
        return Answer::Mute;
    }
    let mut draft = draft(protocol, request, &faults, shared);
    let ends = last || !shared.config.http.keep_alive || !request.keep_alive || request.has_content;
    draft.keep_alive &= !ends;
    alter(&mut draft, &faults);

    let mut length_field = draft.length;
    let mut after = if draft.keep_alive {
        After::KeepAlive
    } else {
        After::Close
    };
    for fault in &faults {
        match fault {
            HttpFault::ContentLength(error) => {
                length_field = length_field.saturating_add_signed(*error);
                if *error > 0 {
                    after = After::Close;
                }
            }
            HttpFault::SilentClose => after = After::Close,
            _ => {}
        }
    }
    let head = head(&draft, length_field, &faults, shared);
    let mut served = Served::begun(now, protocol, &request.name, draft.status);
    served.offset = draft.offset;
    let length = if draft.head_only { 0 } else { draft.length };
    let mut response = Response::new(head, draft.content, draft.offset, length, after);
    if draft.framing == Framing::Chunked && !draft.head_only {
        let broken = faults.contains(&HttpFault::BadChunk);
        response.chunked(shared.config.http.chunk, broken);
    }
    for fault in &faults {
        match fault {
            HttpFault::Delay(span) => response.not_before(now + *span),
            HttpFault::ResetAfter(octets) => response.cut(*octets, After::Reset),
            HttpFault::CloseAfter(octets) => response.cut(*octets, After::Close),
            HttpFault::StallAfter(octets) => response.cut(*octets, After::Stall),
            HttpFault::TlsCutAfter(octets) => response.cut(*octets, After::Cut),
            HttpFault::TlsRawAfter(after, octets) => response.raw(*after, octets),
            HttpFault::Drip(per_second) => response.drip(now, *per_second),
            HttpFault::Corrupt(offset) => response.corrupt(*offset),
            HttpFault::Trailing(octets) => response.trailing(octets),
            HttpFault::Burst(frames, octets) => shared.burst(*frames, *octets),
            _ => {}
        }
    }
    Answer::Response(Box::new(response), served)
}

/// What a POST is answered with, if its path takes one.
fn post<'s>(request: &Request, shared: &'s Shared) -> Option<&'s Post> {
    let path = request.target.split('?').next().unwrap_or_default();
    let post = shared.config.http.posts.get(path);
    post.filter(|_| request.method == "POST")
}

impl Post {
    /// Whether the request names the media type that it has to accept. A wildcard names none.
    fn is_accepted(&self, request: &Request) -> bool {
        let named = request.accept.as_deref().unwrap_or_default();
        self.accept.as_deref().is_none_or(|wanted| {
            let mut named = named.split(',').map(|one| one.split(';').next());
            named.any(|one| one.is_some_and(|one| one.trim().eq_ignore_ascii_case(wanted)))
        })
    }
}

/// Takes what a POST is answered with, and notes what came with it.
fn take_post(request: &Request, shared: &mut Shared) -> Option<Post> {
    let post = post(request, shared)?.clone();
    let path = request.target.split('?').next().unwrap_or_default();
    if let Some(then) = &post.then {
        let posts = &mut shared.config.http.posts;
        posts.insert(path.to_owned(), (**then).clone());
    }
    shared
        .posted
        .push((path.to_owned(), request.content.clone()));
    Some(post)
}

/// Whether the content of a request is read before it is answered.
pub fn takes_content(request: &Request, shared: &Shared) -> bool {
    post(request, shared).is_some() && request.content_length <= LONGEST_CONTENT
}

/// The answer of a healthy server, apart from faults that replace it.
fn draft(
    protocol: Protocol,
    request: &Request,
    faults: &[HttpFault],
    shared: &mut Shared,
) -> Draft {
    let mut draft = Draft {
        status: 200,
        fields: Vec::new(),
        content: "".into(),
        offset: 0,
        length: 0,
        framing: Framing::Length,
        keep_alive: true,
        is_1_1: request.is_1_1,
        head_only: request.method == "HEAD",
    };
    let mut content = shared.file(&request.name).cloned();
    let redirects = match (protocol, &shared.config.https) {
        (Protocol::Https, Some(https)) => &https.redirects,
        _ => &shared.config.http.redirects,
    };
    let mut redirect = redirects
        .get(request.target.split('?').next().unwrap_or_default())
        .map(|redirect| (redirect.status, redirect.location.clone()));
    let mut status = None;
    for fault in faults {
        match fault {
            HttpFault::Replace(other) => content = Some(other.clone()),
            HttpFault::Redirect(code, location) => redirect = Some((*code, location.clone())),
            HttpFault::RedirectLoop => redirect = Some((302, request.target.clone())),
            HttpFault::Status(code, retry_after) => status = Some((*code, *retry_after)),
            _ => {}
        }
    }
    if let Some((code, retry_after)) = status {
        let retry_after = retry_after.map(|seconds| format!("Retry-After: {seconds}"));
        draft.fields.extend(retry_after);
        draft.without_file(code);
    } else if request.is_1_1 && !request.has_host {
        draft.without_file(400);
    } else if post(request, shared).is_some_and(|post| !post.is_accepted(request)) {
        draft.without_file(406);
    } else if let Some(post) = take_post(request, shared) {
        draft.status = post.status;
        let content = post.content.as_ref().unwrap_or(&request.content);
        draft.length = content.len() as u64;
        draft.content = Content::Bytes(content.as_slice().into());
        draft
            .fields
            .push(format!("Content-Type: {}", post.media_type));
    } else if !matches!(request.method.as_str(), "GET" | "HEAD") {
        draft.fields.push("Allow: GET, HEAD".into());
        draft.without_file(405);
    } else if !is_authorized(request, shared) {
        draft
            .fields
            .push("WWW-Authenticate: Basic realm=\"images\"".into());
        draft.without_file(401);
    } else if let Some((code, location)) = redirect {
        draft.fields.push(format!("Location: {location}"));
        draft.without_file(code);
    } else if let Some(content) = content {
        let ignore_range = faults.contains(&HttpFault::IgnoreRange);
        draft.with_file(request, content, ignore_range, shared);
    } else {
        draft.without_file(404);
    }
    draft
}

impl Draft {
    /// A status with a line of text for people.
    fn without_file(&mut self, status: u16) {
        self.status = status;
        self.offset = 0;
        self.length = 0;
        // RFC 9110 section 6.4.1: these never have content.
        if !matches!(status, 204 | 304) {
            let text = format!("{status} {}\n", reason(status));
            self.length = text.len() as u64;
            self.content = text.as_str().into();
            self.fields.push("Content-Type: text/plain".into());
        }
    }

    /// The file, or the range of it that was asked for.
    fn with_file(
        &mut self,
        request: &Request,
        content: Content,
        ignore_range: bool,
        shared: &mut Shared,
    ) {
        let size = content.len();
        let fingerprint = shared.fingerprint(&content);
        let config = &shared.config.http;
        let etag = match config.etag {
            EtagKind::Strong => Some(format!("\"{fingerprint:016x}\"")),
            EtagKind::Weak => Some(format!("W/\"{fingerprint:016x}\"")),
            EtagKind::None => None,
        };
        // RFC 9110 section 13.1.5: a strong tag, or the exact date.
        let same = request.if_range.as_deref().is_none_or(|condition| {
            let strong = etag.as_deref().filter(|etag| !etag.starts_with("W/"));
            strong == Some(condition) || config.last_modified.as_deref() == Some(condition)
        });
        (self.offset, self.length, self.content) = (0, size, content);
        let wanted = request
            .range
            .filter(|_| config.ranges && same && !ignore_range && request.method == "GET");
        if let Some(range) = wanted {
            let Some((offset, length)) = range.within(size) else {
                self.fields.push(format!("Content-Range: bytes */{size}"));
                return self.without_file(416);
            };
            self.status = 206;
            (self.offset, self.length) = (offset, length);
            let last = offset + length - 1;
            self.fields
                .push(format!("Content-Range: bytes {offset}-{last}/{size}"));
        }
        let units = if config.ranges { "bytes" } else { "none" };
        self.fields.push(format!("Accept-Ranges: {units}"));
        self.fields
            .push("Content-Type: application/octet-stream".into());
        self.fields.extend(etag.map(|etag| format!("ETag: {etag}")));
        let last_modified = config.last_modified.as_ref();
        self.fields
            .extend(last_modified.map(|date| format!("Last-Modified: {date}")));
        self.framing = config.framing;
    }
}

fn is_authorized(request: &Request, shared: &Shared) -> bool {
    let Some((user, password)) = &shared.config.http.basic_auth else {
        return true;
    };
    let expected = base64(format!("{user}:{password}").as_bytes());
    let given = request.authorization.as_deref().unwrap_or_default();
    given.split_once(' ').is_some_and(|(scheme, credentials)| {
        scheme.eq_ignore_ascii_case("basic") && credentials.trim() == expected
    })
}

/// Applies the faults that change framing and fields.
fn alter(draft: &mut Draft, faults: &[HttpFault]) {
    for fault in faults {
        match fault {
            HttpFault::Framing(framing) => draft.framing = *framing,
            HttpFault::BadChunk => draft.framing = Framing::Chunked,
            HttpFault::Http10 => draft.is_1_1 = false,
            HttpFault::Header(line) => draft.fields.push(line.clone()),
            HttpFault::ContentRange(value) if draft.status == 206 => {
                draft
                    .fields
                    .retain(|field| !field.starts_with("Content-Range:"));
                draft.fields.push(format!("Content-Range: {value}"));
            }
            _ => {}
        }
    }
    if !draft.is_1_1 && draft.framing == Framing::Chunked {
        // HTTP/1.0 knows no transfer codings (RFC 9112 section 6.1).
        draft.framing = Framing::Close;
    }
    draft.keep_alive &= draft.is_1_1 && draft.framing != Framing::Close;
}

fn head(draft: &Draft, length: u64, faults: &[HttpFault], shared: &mut Shared) -> Vec<u8> {
    let mut head = String::new();
    for fault in faults {
        match fault {
            HttpFault::GarbageHead => {
                let mut noise = vec![0; 300];
                shared.rng.fill_bytes(&mut noise);
                // No luck may make it begin like a response.
                noise[0] = 0;
                return noise;
            }
            HttpFault::Interim(count) => {
                for number in 0..*count {
                    let line = match number % 2 {
                        0 => "HTTP/1.1 100 Continue\r\n\r\n",
                        _ => "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n",
                    };
                    head.push_str(line);
                }
            }
            _ => {}
        }
    }
    let version = if draft.is_1_1 { "1.1" } else { "1.0" };
    let status = draft.status;
    head.push_str(&format!("HTTP/{version} {status} {}\r\n", reason(status)));
    head.push_str("Server: image-server\r\n");
    let own = draft.fields.iter().chain(&shared.config.http.headers);
    for field in own {
        head.push_str(field);
        head.push_str("\r\n");
    }
    for fault in faults {
        if let HttpFault::HugeHead(octets) = fault {
            head.push_str(&format!(
                "X-Padding: {}\r\n",
                "x".repeat((*octets).min(1 << 24))
            ));
        }
    }
    match draft.framing {
        _ if matches!(status, 204 | 304) => {}
        Framing::Length => head.push_str(&format!("Content-Length: {length}\r\n")),
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Close => {}
    }
    if !draft.keep_alive {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// The phrase for a status (RFC 9110 section 15).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
