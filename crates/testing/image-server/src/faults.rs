//! What goes wrong: rules that say which fault befalls which request, and how often.
//!
//! ```
//! use image_server::faults::{Faults, HttpFault, Rule, TftpFault};
//! let mut faults = Faults::default();
//! // The first transfer of fw.bin dies, the second one goes through.
//! faults.tftp.add(Rule::new(TftpFault::DieAfter(100_000)).named("fw.bin").times(1));
//! // From the third HTTP request on nothing is answered.
//! faults.http.add(Rule::new(HttpFault::NeverAnswer).after(2));
//! ```

use crate::content::Content;
use hostile_tls::Script;
use netboot_core::{Duration, Instant};
use std::net::Ipv4Addr;
use test_pki::Identity;

/// All faults of the server.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// For DHCP messages; the name is that of the message: `discover`, `request`, `inform`.
    pub dhcp: Rules<DhcpFault>,
    /// For DHCPv6 messages; the name is that of the message: `solicit`, `request6`, `renew`, `rebind`, `information-request`.
    pub dhcp6: Rules<Dhcp6Fault>,
    /// For DNS queries; the name is the one asked for.
    pub dns: Rules<DnsFault>,
    /// For read requests; the name is the file's.
    pub tftp: Rules<TftpFault>,
    /// For HTTP and HTTPS requests; the name is the path without its first `/`.
    pub http: Rules<HttpFault>,
    /// For transfers by the UDP boot protocol, as they begin; the name is the file's.
    pub ubp: Rules<UbpFault>,
    /// For TLS connections, as they begin; the name is empty.
    pub tls: Rules<TlsFault>,
    /// From here on the server is dead: it receives nothing and sends nothing.
    pub dies_at: Option<Instant>,
}

/// One fault and whom it befalls: unless restricted, every request.
#[derive(Clone, Debug)]
pub struct Rule<F> {
    fault: F,
    name: Option<String>,
    skip: u32,
    left: Option<u32>,
    hits: u32,
}

impl<F> Rule<F> {
    /// Befalls every request.
    pub fn new(fault: F) -> Self {
        Self {
            fault,
            name: None,
            skip: 0,
            left: None,
            hits: 0,
        }
    }

    /// Only requests for `name`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Not the first `skip` requests it would befall.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// No more than `times` requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.left = Some(times);
        self
    }
}

/// The rules for one protocol. All rules that apply to a request take effect together.
#[derive(Clone, Debug)]
pub struct Rules<F>(Vec<Rule<F>>);

impl<F> Default for Rules<F> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Clone> Rules<F> {
    /// Adds a rule.
    pub fn add(&mut self, rule: Rule<F>) {
        self.0.push(rule);
    }

    /// Adds a fault for every request.
    pub fn always(&mut self, fault: F) {
        self.add(Rule::new(fault));
    }

    /// Adds a fault for the next request.
    pub fn once(&mut self, fault: F) {
        self.add(Rule::new(fault).times(1));
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many requests were befallen, over all rules.
    pub fn hits(&self) -> u32 {
        self.0.iter().map(|rule| rule.hits).sum()
    }

    /// The faults that befall this request for `name`, which counts.
    pub(crate) fn strike(&mut self, name: &str) -> Vec<F> {
        let mut faults = Vec::new();
        for rule in &mut self.0 {
            if rule.name.as_deref().is_some_and(|wanted| wanted != name) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            match &mut rule.left {
                Some(0) => continue,
                Some(left) => *left -= 1,
                None => {}
            }
            rule.hits += 1;
            faults.push(rule.fault.clone());
        }
        faults
    }
}

/// What a DHCP server does wrong with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DhcpFault {
    /// No answer.
    Silent,
    /// A REQUEST is refused.
    Nak,
    /// The answer carries no boot file, server name or `siaddr`, nor further options.
    NoBootInfo,
    /// The answer comes this much later.
    Delay(Duration),
    /// The answer is damaged.
    Malformed(DhcpDamage),
    /// Options continue in `file` and `sname` (option 52, RFC 2132 section 9.3).
    Overload,
    /// Every option of two or more octets comes in two pieces (RFC 3396).
    SplitOptions,
    /// PAD options between all options.
    Padded,
    /// The transaction id is another one.
    WrongXid,
    /// The client hardware address is another one.
    WrongChaddr,
    /// The message type is this one.
    MessageType(u8),
    /// No option 54.
    NoServerId,
    /// No option 51.
    NoLeaseTime,
    /// The boot file is this one, in option 67 alone.
    BootFile(String),
    /// `yiaddr` is this one.
    Address(Ipv4Addr),
    /// The answer comes twice.
    Duplicate,
}

/// What a DHCPv6 server does wrong with one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dhcp6Fault {
    /// No answer.
    Silent,
    /// The answer comes this much later.
    Delay(Duration),
    /// The answer comes twice.
    Duplicate,
    /// The transaction id is another one.
    WrongId,
    /// The answer is for another client.
    WrongClient,
    /// The answer does not say which server it comes from.
    NoServerId,
    /// There is no address for the client.
    NoAddress,
    /// The server does not know the client's address.
    NoBinding,
    /// The answer names no boot file.
    NoBootFile,
    /// The answer ends early.
    Truncated,
    /// All options are noise.
    Garbage,
}

/// Damage to a DHCP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpDamage {
    /// The magic cookie is wrong.
    Cookie,
    /// The message ends within the fixed fields.
    Short,
    /// The last option's length points beyond the message.
    Overrun,
    /// No END option, nor padding.
    NoEnd,
    /// Options have lengths that their types do not allow.
    OptionLengths,
    /// It is a request, not a reply (`op` = 1).
    Opcode,
    /// All of it is noise.
    Noise,
}

/// What a DNS server does wrong with one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// No answer.
    Silent,
    /// This response code, such as 2 (SERVFAIL), and no answer section.
    Rcode(u8),
    /// The id is another one.
    WrongId,
    /// The TC bit is set and the answer section is empty.
    Truncated,
    /// The address follows an alias (CNAME).
    Alias,
    /// The answer's name is a compression pointer to itself.
    PointerLoop,
    /// The answer ends within a record.
    Short,
    /// The answer is this address.
    Address(Ipv4Addr),
    /// The answer section has this number of records, and these octets.
    Records(u8, Vec<u8>),
    /// The answer comes this much later.
    Delay(Duration),
}

/// What a server of the UDP boot protocol does wrong with one transfer, or somebody on the link does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UbpFault {
    /// OPEN is not answered.
    NoAnswer,
    /// OPEN is answered by BUSY, with this time in ms.
    Busy(u32),
    /// OPEN is answered by ERROR with this code.
    Error(u16),
    /// The server falls silent after this many blocks.
    DieAfter(u64),
    /// The block with this number is wrong.
    Damage(u32),
    /// Before each message there is a forged one, of somebody who sees the link and does not know what the client sends.
    Forge,
    /// Somebody who sees the link answers OPEN first, by META with another file.
    Hijack,
    /// The file is this one.
    Replace(Content),
}

/// What a TFTP server does wrong with one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TftpFault {
    /// The read request is not answered.
    NoAnswer,
    /// Before each packet but the first a DATA packet of noise comes from another port.
    ForeignTid,
    /// The file ends, properly, after this many octets; `tsize` is the whole size.
    Truncate(u64),
    /// `tsize` in the OACK is this.
    Tsize(u64),
    /// The OACK has these options, whatever was asked for; DATA follows what was agreed properly.
    Oack(Vec<(String, String)>),
    /// The options are followed, but the OACK grants twice the `blksize` asked for.
    LargerBlksize,
    /// The OACK is a list of names without values and without the final NUL.
    MalformedOack,
    /// Error 8 when the request has options.
    RefuseOptions,
    /// No OACK: DATA with 512 octets follows the request.
    IgnoreOptions,
    /// An error in place of the file.
    Error(u16, String),
    /// An error after this many octets.
    ErrorAfter(u64, u16, String),
    /// Silence after this many octets.
    DieAfter(u64),
    /// Every DATA packet comes twice.
    DuplicateData,
    /// The bits of the octet at this offset are inverted.
    Corrupt(u64),
    /// This content is served in place of the file's.
    Replace(Content),
    /// A pause before each window.
    Slow(Duration),
    /// This block (counted from 1, without roll-over) is not sent the first time.
    LoseBlock(u64),
    /// Before the answer come this many broadcast frames of this many octets.
    Burst(usize, usize),
    /// Before the answer comes a packet with an opcode that does not exist.
    UnknownOpcode,
}

/// What an HTTP server does wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpFault {
    /// The request is received and never answered.
    NeverAnswer,
    /// The answer begins this much later.
    Delay(Duration),
    /// The connection is reset after this many octets of the body.
    ResetAfter(u64),
    /// The connection is closed after this many octets of the body.
    CloseAfter(u64),
    /// Nothing more comes after this many octets of the body; the connection stays open.
    StallAfter(u64),
    /// The response comes at this many octets per second.
    Drip(u64),
    /// `Content-Length` is wrong by this much. Too long a one ends with the connection.
    ContentLength(i64),
    /// `Content-Range` of a 206 response is this.
    ContentRange(String),
    /// `Range` is ignored.
    IgnoreRange,
    /// This content is served in place of the file's, with its own entity tag.
    Replace(Content),
    /// The bits of the octet at this offset of the file are inverted, with the right entity tag.
    Corrupt(u64),
    /// A redirect to the same path.
    RedirectLoop,
    /// A redirect with this status and location.
    Redirect(u16, String),
    /// This status without the file; `Retry-After` in seconds if given.
    Status(u16, Option<u32>),
    /// The head is noise.
    GarbageHead,
    /// The head has a field of this many octets.
    HugeHead(usize),
    /// This many interim (1xx) responses come before the final one.
    Interim(u32),
    /// The body is delimited in this way.
    Framing(crate::answers::Framing),
    /// The second chunk's size is not a number; implies chunked framing.
    BadChunk,
    /// HTTP/1.0, without keep-alive.
    Http10,
    /// The connection is closed after the response without saying so.
    SilentClose,
    /// Octets that belong to nothing follow the response.
    Trailing(Vec<u8>),
    /// A header line, without CRLF, is added.
    Header(String),
    /// Before the answer come this many broadcast frames of this many octets.
    Burst(usize, usize),
    /// Over TLS, these octets stand in the stream after so many octets of the body, between two records.
    /// Nothing over plain TCP.
    TlsRawAfter(u64, Vec<u8>),
    /// The connection is closed after this many octets of the body; over TLS without close_notify.
    TlsCutAfter(u64),
}

impl HttpFault {
    /// What somebody on the way, who has no key, does to end a body early: an alert close_notify (RFC 8446,
    /// section 6.1) in plaintext after this many octets of it, and the end of the connection.
    pub fn forged_close_notify(octets: u64) -> [Self; 2] {
        let alert = vec![21, 3, 3, 0, 2, 1, 0];
        [Self::TlsRawAfter(octets, alert), Self::TlsCutAfter(octets)]
    }
}

/// What a TLS server does wrong with one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The client is never answered.
    Silent,
    /// The server's part of the handshake comes this much after the client's first octets.
    Delay(Duration),
    /// The client's first octets are answered with these, and nothing more.
    Garbage(Vec<u8>),
    /// The connection is closed when the client's first octets come.
    Close,
    /// The connection is reset when the client's first octets come.
    Reset,
    /// The server shows this chain.
    Identity(Box<Identity>),
    /// The connection goes by this script, with no HTTP behind it: the server's own key must be on P-256.
    Script(Box<Script>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_count() {
        let mut rules = Rules::default();
        rules.add(Rule::new(1).named("a").after(1).times(2));
        rules.always(9);
        rules.once(5);
        assert_eq!(rules.strike("a"), [9, 5]);
        assert_eq!(rules.strike("b"), [9]);
        assert_eq!(rules.strike("a"), [1, 9]);
        assert_eq!(rules.strike("a"), [1, 9]);
        assert_eq!(rules.strike("a"), [9]);
        assert_eq!(rules.hits(), 8);
        rules.clear();
        assert!(rules.strike("a").is_empty());
    }
}
