//! The bootstrap servers that the agent asks, in bounded memory.
//!
//! Those that the configuration and DHCP name are the sources: they are asked in their order, again and again. Behind them lies what redirects name,
//! as on a stack: the servers of a redirect are asked before the next server of the redirect before it (RFC 8572, section 5.6).

use crate::conveyed::{BootstrapServer, Redirect};
use crate::error::{Artifact, SztpError};
use crate::{MAX_DEPTH_OF_REDIRECTS, MAX_REDIRECTS, MAX_SERVERS};
use core::fmt::Write as _;
use heapless::{String, Vec};
use netboot_cms::{Certificates, Message};
use netboot_core::uri::{Host, MAX_URI, Uri};
use netboot_x509::Identity;

/// Who named a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The board's own configuration.
    Configuration,
    /// DHCP.
    Dhcp,
    /// A redirect by another server.
    Redirect,
}

impl Named {
    /// One word for a log line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Named::Configuration => "configuration",
            Named::Dhcp => "dhcp",
            Named::Redirect => "redirect",
        }
    }
}

/// A server on the list. Its octets are the host with the port, and then its trust anchor in DER.
#[derive(Clone, Copy, Debug)]
struct Entry {
    named: Named,
    /// Number of redirects that led to it.
    depth: u8,
    visited: bool,
    /// Where its octets begin, and where host and anchor end.
    start: usize,
    host_end: usize,
    end: usize,
}

/// The list, whose texts and certificates are in memory of the caller's.
#[derive(Debug)]
pub(crate) struct Servers<'m> {
    entries: Vec<Entry, MAX_SERVERS>,
    /// Number of entries that are sources: the first ones.
    sources: usize,
    /// Number of sources that were taken in this round.
    taken: usize,
    octets: &'m mut [u8],
}

impl<'m> Servers<'m> {
    pub fn new(octets: &'m mut [u8]) -> Self {
        Self {
            entries: Vec::new(),
            sources: 0,
            taken: 0,
            octets,
        }
    }

    /// Adds a source behind the others. It has to come before the first server is taken.
    pub fn add_source(&mut self, uri: &Uri, named: Named) -> Result<(), SztpError> {
        self.forget_redirects();
        self.push(uri.authority(), named, 0)?;
        self.sources = self.entries.len();
        Ok(())
    }

    /// Begins a round at the first source.
    pub fn restart(&mut self) {
        self.forget_redirects();
        self.taken = 0;
    }

    /// Forgets the sources that DHCP named. They come behind those of the configuration.
    pub fn forget_dhcp(&mut self) {
        self.forget_redirects();
        while self
            .entries
            .last()
            .is_some_and(|last| last.named == Named::Dhcp)
        {
            self.entries.pop();
        }
        self.sources = self.entries.len();
    }

    fn forget_redirects(&mut self) {
        self.entries.truncate(self.sources);
    }

    /// Takes the next server, which is the present one from then on. `false` at the end of the round.
    pub fn advance(&mut self) -> bool {
        while self.entries.len() > self.sources {
            match self.entries.last_mut() {
                Some(last) if !last.visited => {
                    last.visited = true;
                    return true;
                }
                _ => {
                    self.entries.pop();
                }
            }
        }
        if self.taken >= self.sources {
            return false;
        }
        self.taken = self.taken.saturating_add(1);
        true
    }

    fn present(&self) -> Option<&Entry> {
        match self.entries.len() > self.sources {
            true => self.entries.last(),
            false => self.entries.get(self.taken.checked_sub(1)?),
        }
    }

    /// The URI of `path` on the present server.
    pub fn uri(&self, path: &str) -> Result<Uri, SztpError> {
        let entry = self.present().ok_or(SztpError::NoServer)?;
        let host = self.octets.get(entry.start..entry.host_end);
        let host = core::str::from_utf8(host.unwrap_or_default()).unwrap_or_default();
        let mut text: String<MAX_URI> = String::new();
        write!(text, "https://{host}{path}").or(Err(SztpError::BadServer))?;
        Uri::parse(&text).or(Err(SztpError::BadServer))
    }

    /// The trust anchor of the present server in DER, if a trusted redirect told one.
    pub fn anchor(&self) -> Option<&[u8]> {
        let entry = self.present()?;
        let anchor = self.octets.get(entry.host_end..entry.end)?;
        (!anchor.is_empty()).then_some(anchor)
    }

    /// Who named the present server, and how many redirects led to it.
    pub fn origin(&self) -> Option<(Named, u8)> {
        self.present().map(|entry| (entry.named, entry.depth))
    }

    /// Adds the servers of a redirect by the present server; returns their number. Without `trust` their anchors do not count.
    #[inline(never)]
    pub fn redirect(&mut self, redirect: Redirect<'_>, trust: bool) -> Result<u8, SztpError> {
        let depth = self.present().map_or(0, |entry| entry.depth);
        if depth >= MAX_DEPTH_OF_REDIRECTS {
            return Err(SztpError::TooDeep);
        }
        let before = self.entries.len();
        let result = self.push_all(redirect, trust, depth.saturating_add(1));
        if result.is_err() {
            self.entries.truncate(before);
        }
        result
    }

    fn push_all(
        &mut self,
        redirect: Redirect<'_>,
        trust: bool,
        depth: u8,
    ) -> Result<u8, SztpError> {
        let mut servers: Vec<BootstrapServer<'_>, { MAX_REDIRECTS as usize }> = Vec::new();
        for server in redirect.servers() {
            servers.push(server).or(Err(SztpError::TooManyServers))?;
        }
        // The last one lies at the bottom.
        for server in servers.iter().rev() {
            let host = host(server)?;
            self.push(&host, Named::Redirect, depth)?;
            if let Some(anchor) = server.trust_anchor.filter(|_| trust) {
                self.push_anchor(anchor)?;
            }
        }
        // There are no more than fit into one octet.
        Ok(servers.len() as u8)
    }

    fn push(&mut self, host: &str, named: Named, depth: u8) -> Result<(), SztpError> {
        let full = SztpError::TooManyServers;
        let start = self.entries.last().map_or(0, |last| last.end);
        let end = start.saturating_add(host.len());
        let to = self.octets.get_mut(start..end).ok_or(full)?;
        for (to, from) in to.iter_mut().zip(host.bytes()) {
            *to = from;
        }
        let entry = Entry {
            named,
            depth,
            visited: false,
            start,
            host_end: end,
            end,
        };
        self.entries.push(entry).or(Err(full))
    }

    /// Adds a trust anchor to the last entry. It comes as a message that carries a chain of certificates, of which the lowest one counts
    /// (RFC 8572, section 6.3, `trust-anchor`).
    #[inline(never)]
    fn push_anchor(&mut self, text: crate::json::Text<'_>) -> Result<(), SztpError> {
        const ARTIFACT: Artifact = Artifact::TrustAnchor;
        let entry = self.entries.last_mut().ok_or(SztpError::TooManyServers)?;
        let space = self.octets.get_mut(entry.end..).unwrap_or_default();
        // The digits do not tell their number of octets exactly, but never fewer.
        let digits = text.place().1;
        if space.len() < digits / 4 * 3 {
            return Err(SztpError::TooManyServers);
        }
        let len = text.base64(space).ok_or(SztpError::NotBase64(ARTIFACT))?;
        let message = space.get(..len).unwrap_or_default();
        let parsed =
            Message::parse(message).map_err(|error| SztpError::Message(ARTIFACT, error))?;
        let anchor = lowest(parsed.certificates()).ok_or(SztpError::BadAnchor)?;
        let from = (anchor.as_ptr() as usize).saturating_sub(message.as_ptr() as usize);
        let until = from.saturating_add(anchor.len());
        let size = anchor.len();
        if until > space.len() {
            return Err(SztpError::BadAnchor);
        }
        // The certificate moves to the front of the message that carried it.
        for to in 0..size {
            let octet = space.get(from.saturating_add(to)).copied();
            if let (Some(place), Some(octet)) = (space.get_mut(to), octet) {
                *place = octet;
            }
        }
        entry.end = entry.end.saturating_add(size);
        Ok(())
    }
}

/// The certificate of a chain that issued no other one of it. `None` when that is not exactly one.
fn lowest(chain: Certificates<'_>) -> Option<&[u8]> {
    let mut found = None;
    for der in chain {
        let subject = Identity::of(der)?.subject;
        let issued = |other: &[u8]| {
            other != der && Identity::of(other).is_some_and(|other| other.issuer == subject)
        };
        if !chain.iter().any(issued) {
            crate::json::once(&mut found, der)?;
        }
    }
    found
}

/// The host of a server with its port, as URIs have it.
fn host(server: &BootstrapServer<'_>) -> Result<String<MAX_URI>, SztpError> {
    let bad = SztpError::BadServer;
    let address: String<MAX_URI> = server.address.copy().ok_or(bad)?;
    let mut host = String::new();
    let written = match address.contains(':') {
        true => write!(host, "[{address}]:{}", server.port),
        false => write!(host, "{address}:{}", server.port),
    };
    written.or(Err(bad))?;
    // Whatever stands there has to be a host, and nothing else of a URI.
    let mut text: String<MAX_URI> = String::new();
    write!(text, "https://{host}/").or(Err(bad))?;
    let uri = Uri::parse(&text).or(Err(bad))?;
    let whole = uri.port() == server.port && uri.target() == "/" && !uri.has_credentials();
    let named = match uri.host() {
        Host::Name(name) => name.eq_ignore_ascii_case(&address),
        Host::V4(_) | Host::V6(_) => true,
    };
    match whole && named {
        true => Ok(host),
        false => Err(bad),
    }
}
