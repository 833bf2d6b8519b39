//! Every error of every crate: one value of each number, and what to do about it.

use super::Row;
use bootstore::board_error::BoardError;
use netboot::NetError;
use netboot_app::toc::{Stop, TocError};
use netboot_app::{AppError, Origin};
use netboot_cms::CmsError;
use netboot_core::Digest;
use netboot_core::uri::UriError;
use netboot_dhcp::DhcpError;
use netboot_dhcp::v6::{Dhcp6Error, MessageError};
use netboot_http::HttpError;
use netboot_ipxe::san::GptError;
use netboot_ipxe::script::{Fault, ScriptError};
use netboot_sztp::SztpError;
use netboot_tftp::{ErrorCode, OptionError, TftpError};
use netboot_tls::TlsError;
use netboot_verity::VerityError;
use ocp_recovery::RecoveryError;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A list of the variants of `$type`, each with a value of it and an advice. `$whole` makes the error with
/// the number out of the value.
macro_rules! list {
    ($rows:ident, $type:ty, $name:literal, $whole:expr,
     $($pattern:pat => $value:expr, $variant:literal, $advice:literal;)+) => {
        // Without a wildcard: what is missing here does not compile.
        let _ = |error: &$type| match error {
            $($pattern => {})+
        };
        $($rows.push(Row::of(concat!($name, "::", $variant), &$whole($value), $advice));)+
    };
}
pub(crate) use list;

pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    uri(&mut rows);
    tftp(&mut rows);
    http(&mut rows);
    dhcp(&mut rows);
    dhcp6(&mut rows);
    network(&mut rows);
    app(&mut rows);
    toc(&mut rows);
    rows
}

pub fn same<T>(error: T) -> T {
    error
}

fn uri(rows: &mut Vec<Row>) {
    use UriError as E;
    list!(rows, UriError, "UriError", same,
        E::TooLong => E::TooLong, "TooLong",
            "Shorten the path in the boot file URI or in the table of contents; 255 octets is what DHCP can carry.";
        E::IllegalCharacter { .. } => E::IllegalCharacter { at: 21 }, "IllegalCharacter",
            "Percent-encode the character at that offset (a blank is `%20`), or rename the file.";
        E::NotAbsolute => E::NotAbsolute, "NotAbsolute",
            "Write a whole URI such as `http://10.0.2.2/fw/` where a default is compiled in.";
        E::UnsupportedScheme => E::UnsupportedScheme, "UnsupportedScheme",
            "Point option 67 to a `tftp://` or `http://` URI.";
        E::NoHost => E::NoHost, "NoHost",
            "Put the server's name or address behind `://`.";
        E::BadHost => E::BadHost, "BadHost",
            "Use letters, digits, hyphens and dots only in the server's name.";
        E::BadAddress => E::BadAddress, "BadAddress",
            "Write the server's address as four decimal numbers below 256, or an IPv6 address in brackets.";
        E::BadPort => E::BadPort, "BadPort",
            "Correct the number behind the colon, or leave it out.";
        E::BadEncoding => E::BadEncoding, "BadEncoding",
            "Write a percent sign in a file name as `%25`.";
        E::DecodedControl => E::DecodedControl, "DecodedControl",
            "Remove the encoded control character; if nobody wrote it, ask who else answers DHCP.";
        E::NotText => E::NotText, "NotText",
            "Rename the file to one whose name is UTF-8 text.";
        E::BufferTooSmall => E::BufferTooSmall, "BufferTooSmall",
            "Give the library a buffer of 255 octets for a decoded path.";
        E::TransferMode => E::TransferMode, "TransferMode",
            "Remove `;mode=` from the TFTP URI; images are always fetched in mode octet.";
        E::TftpQuery => E::TftpQuery, "TftpQuery",
            "Remove the query from the TFTP URI, or write `%3F` if the file name has a question mark.";
    );
}

fn tftp(rows: &mut Vec<Row>) {
    use OptionError as O;
    use TftpError as E;
    list!(rows, TftpError, "TftpError", same,
        E::Filename => E::Filename, "Filename",
            "Correct the path in the boot file: 1 to 255 octets, without NUL.";
        E::Parameter => E::Parameter, "Parameter",
            "Set blksize to 8 to 65464 and windowsize to at least 1.";
        E::Closed => E::Closed, "Closed",
            "A defect of the caller, who went on with a transfer that had failed; report it.";
        E::NoAnswer => E::NoAnswer, "NoAnswer",
            "See that a TFTP server runs at that address and that UDP port 69 and its answers from other ports pass the firewall.";
        E::OtherAddress { .. } => E::OtherAddress { address: std::net::Ipv4Addr::new(10, 0, 2, 3).into() }, "OtherAddress",
            "The server has several addresses: name the one that it answers from, or bind it to the one that is named.";
        E::Stalled { .. } => E::Stalled { offset: 46_976 }, "Stalled",
            "See whether the server still runs and the link is up; a lossy line shows in the switch's error counters.";
        E::Oversized { .. } => E::Oversized { len: 1_024, blksize: 512 }, "Oversized",
            "The server ignores what it agreed to: update it, or set blksize 512.";
        E::SizeMismatch { .. } => E::SizeMismatch { expected: 234_496, received: 100_000 }, "SizeMismatch",
            "See whether the file is being replaced on the server, or its disk is full; copy it there anew.";
        // Their own lists follow.
        E::Options(_) => E::Options(O::Malformed), "Options(Malformed)",
            "The server's software is broken: update it, or turn its options off.";
        E::Server { .. } => server_error(0), "Server(0)",
            "Read the server's own words in the text, and its log.";
    );
    list!(rows, OptionError, "TftpError", without_first,
        O::Malformed => None, "Options(Malformed)", "";
        O::NotRequested => Some(E::Options(O::NotRequested)), "Options(NotRequested)",
            "The server breaks RFC 2347: update it, or turn that option off.";
        O::Duplicate => Some(E::Options(O::Duplicate)), "Options(Duplicate)",
            "The server breaks RFC 2347: update it.";
        O::Blksize => Some(E::Options(O::Blksize)), "Options(Blksize)",
            "The server raises blksize beyond what was asked for: update it, or set blksize 512.";
        O::Windowsize => Some(E::Options(O::Windowsize)), "Options(Windowsize)",
            "The server raises windowsize beyond what was asked for: update it, or set windowsize 1.";
        O::Timeout => Some(E::Options(O::Timeout)), "Options(Timeout)",
            "The server changes the timeout that was asked for: update it.";
        O::Tsize => Some(E::Options(O::Tsize)), "Options(Tsize)",
            "The server's tsize is no number: update it.";
    );
    rows.retain(|row| !row.advice.is_empty());
    for (code, name, advice) in [
        (
            1,
            "Server(1)",
            "Put the file under the server's root directory, at the path of the URI in the `@fetching` line before.",
        ),
        (
            2,
            "Server(2)",
            "Make the file readable for the server's user, and see whether the server allows this client.",
        ),
        (
            3,
            "Server(3)",
            "A reader cannot fill a disk: see the server's log for what it means.",
        ),
        (
            4,
            "Server(4)",
            "The server did not understand the request: see whether it is a TFTP server, and update it.",
        ),
        (
            5,
            "Server(5)",
            "The server lost the transfer: it was restarted, or a NAT changed ports on the way.",
        ),
        (
            6,
            "Server(6)",
            "A reader cannot overwrite a file: see the server's log for what it means.",
        ),
        (
            7,
            "Server(7)",
            "The server wants a user that TFTP cannot name: see its access rules.",
        ),
        (
            8,
            "Server(8)",
            "The server refuses any options and a request without them: see its log.",
        ),
    ] {
        rows.push(Row::of(
            &format!("TftpError::{name}"),
            &server_error(code),
            advice,
        ));
    }
    let other =
        "A code that RFC 1350 does not know: read the server's own words in the text, and its log.";
    rows.push(Row::of(
        "TftpError::Server(other)",
        &server_error(99),
        other,
    ));
}

/// An option error; the first one is in the list of its type already.
fn without_first(error: Option<TftpError>) -> TftpError {
    error.unwrap_or(TftpError::Options(OptionError::Malformed))
}

fn server_error(code: u16) -> TftpError {
    let message = if code == 1 { "file not found" } else { "no" };
    TftpError::Server {
        code: ErrorCode(code),
        message: message.into(),
    }
}

fn http(rows: &mut Vec<Row>) {
    use HttpError as E;
    list!(rows, HttpError, "HttpError", same,
        E::RequestField { .. } => E::RequestField { field: "user agent" }, "RequestField",
            "Remove control characters from the text that the integration puts there.";
        E::RequestTooLong => E::RequestTooLong, "RequestTooLong",
            "Shorten URI or password, or enlarge the transmit buffer.";
        E::BodyOvertaken => E::BodyOvertaken, "BodyOvertaken",
            "A defect of the caller of the HTTP client; report it.";
        E::NotHttp => E::NotHttp, "NotHttp",
            "See what listens on that port: a TLS server needs an `https` URI, and HTTP/2 alone is not spoken.";
        E::HeadTooLarge => E::HeadTooLarge, "HeadTooLarge",
            "Let the server or proxy send fewer header fields (2,048 octets in all), such as no cookies.";
        E::BadHead => E::BadHead, "BadHead",
            "A server, proxy or CGI program writes a broken header: fetch the URI with `curl -v` and look.";
        E::UnexpectedUpgrade => E::UnexpectedUpgrade, "UnexpectedUpgrade",
            "The server switches protocols unasked: turn that off for this path.";
        E::TooManyInterim => E::TooManyInterim, "TooManyInterim",
            "The server sends more than eight 1xx responses: turn early hints off for this path.";
        E::BadContentLength => E::BadContentLength, "BadContentLength",
            "The server or a proxy writes a broken Content-Length: fetch the URI with `curl -v` and look.";
        E::ConflictingLength => E::ConflictingLength, "ConflictingLength",
            "Two lengths in one response: a broken proxy, or request smuggling; go to the server directly.";
        E::TransferEncoding => E::TransferEncoding, "TransferEncoding",
            "Let the server send files without a transfer coding other than chunked.";
        E::ContentEncoding => E::ContentEncoding, "ContentEncoding",
            "Turn compression off for firmware files on the server.";
        E::BadContentRange => E::BadContentRange, "BadContentRange",
            "The server's Content-Range cannot be read: update it, or turn ranges off.";
        E::UnexpectedPartial => E::UnexpectedPartial, "UnexpectedPartial",
            "A cache on the way answers with a part: go around it, or clear it.";
        E::WrongRange { .. } => E::WrongRange { wanted: 60_000, first: 0 }, "WrongRange",
            "The server sends another range than asked for: update it, or turn ranges off.";
        E::Changed => E::Changed, "Changed",
            "Do not replace files while boards boot: put new files beside the old ones and change the pointer.";
        E::BadChunk => E::BadChunk, "BadChunk",
            "The server or a proxy breaks chunked framing: let it send Content-Length, or go around the proxy.";
        E::ChunkTooLong => E::ChunkTooLong, "ChunkTooLong",
            "The server's chunk extensions or trailers are too long: turn them off.";
        E::Truncated { .. } => E::Truncated { got: 40_000, expected: Some(234_496) }, "Truncated",
            "The connection ended too early again and again: see the server's log and its time limits.";
        E::BodyTooLong { .. } => E::BodyTooLong { expected: 40_000 }, "BodyTooLong",
            "The server sends more than its range says: update it, or turn ranges off.";
        E::Closed => E::Closed, "Closed",
            "The server hangs up before it answers: see its log, its limits for clients, and any proxy between.";
        E::Status { .. } => E::Status { status: 404, retry_after: None }, "Status",
            "401, 403: set name and password or access rules. 404: put the file there. 5xx: see the server's log.";
        E::RangeNotSatisfiable { .. } => E::RangeNotSatisfiable { total: Some(4_002) }, "RangeNotSatisfiable",
            "The file is shorter than it was, or than the table of contents says: copy it there anew.";
        E::NoLocation => E::NoLocation, "NoLocation",
            "The server redirects to nowhere: correct its rule.";
        E::BadLocation(UriError::TooLong) => E::BadLocation(UriError::TooLong), "BadLocation(TooLong)",
            "Serve the file from a place with a shorter URI: places with a signature in them are longer than this client can keep.";
        E::BadLocation(_) => E::BadLocation(UriError::NoHost), "BadLocation",
            "The server redirects to something that is no URI: correct its rule.";
        E::RedirectDowngrade => E::RedirectDowngrade, "RedirectDowngrade",
            "Let the server redirect to `https`, or point to `http` in the first place.";
        E::RedirectScheme => E::RedirectScheme, "RedirectScheme",
            "Let the server redirect to an `http` URI only.";
        E::RedirectCredentials => E::RedirectCredentials, "RedirectCredentials",
            "Remove name and password from the redirect's target.";
        E::TooManyRedirects => E::TooManyRedirects, "TooManyRedirects",
            "Point to the file's last place, or shorten the chain of redirects.";
        E::RedirectLoop => E::RedirectLoop, "RedirectLoop",
            "Two rules of the server send each other the client: correct one.";
    );
}

fn dhcp(rows: &mut Vec<Row>) {
    use DhcpError as E;
    let address = Ipv4Addr::new(10, 0, 2, 15);
    let server = Ipv4Addr::new(10, 0, 2, 2);
    list!(rows, DhcpError, "DhcpError", same,
        E::Config => E::Config, "Config",
            "Shorten host name, user class or vendor class in the integration's options.";
        E::NoOffer => E::NoOffer, "NoOffer",
            "See that the link is up, the port is in the right VLAN and not blocked by spanning tree, and a DHCP server or relay serves it.";
        E::Ignored { .. } => E::Ignored { why: 16 }, "Ignored",
            "Look up the number in the message: it says what was wrong with the last answer. See also whether two servers answer.";
        E::NoAck { .. } => E::NoAck { server }, "NoAck",
            "The server offers and then falls silent: see its log, and whether two servers share one pool.";
        E::Refused { .. } => E::Refused { server }, "Refused",
            "The server takes its offers back: see its log and its pool for this client's hardware address.";
        E::Conflict { .. } => E::Conflict { address, mac: [2, 0, 0, 0, 0, 1] }, "Conflict",
            "Find the host with that address (`arp -n`), or take the address out of the server's pool.";
        E::Malformed => E::Malformed, "Malformed",
            "Only in a debug log: some server or relay cuts its messages short.";
        E::NotDhcp => E::NotDhcp, "NotDhcp",
            "Only in a debug log: something else sends to UDP port 68.";
        E::NotOurs => E::NotOurs, "NotOurs",
            "Only in a debug log, and normal where several stations boot at once.";
        E::Unexpected => E::Unexpected, "Unexpected",
            "Only in a debug log: a late or repeated message.";
        E::WrongServer => E::WrongServer, "WrongServer",
            "Only in a debug log: a second DHCP server answers, or the server leaves option 54 out.";
        E::WrongAddress { .. } => E::WrongAddress { address: Ipv4Addr::BROADCAST }, "WrongAddress",
            "Only in a debug log, unless nothing else is offered: correct the server's pool.";
    );
}

fn dhcp6(rows: &mut Vec<Row>) {
    use Dhcp6Error as E;
    use MessageError as M;
    let address = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x15);
    let server = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
    let refused = |status| E::Refused {
        status,
        message: "no".into(),
    };
    list!(rows, Dhcp6Error, "Dhcp6Error", same,
        E::Config => E::Config, "Config",
            "Shorten user class, vendor class or DUID in the integration's options.";
        E::NoAnswer => E::NoAnswer, "NoAnswer",
            "See that the link is up, the port is in the right VLAN and not blocked by spanning tree, and a DHCPv6 server or relay serves it.";
        E::Ignored { .. } => E::Ignored { why: 0x53 }, "Ignored",
            "Look up the number in the message: it says what was wrong with the last answer. See also whether two servers answer.";
        E::NoReply { .. } => E::NoReply { server }, "NoReply",
            "The server offers and then falls silent: see its log, and whether two servers share one pool.";
        E::Conflict { .. } => E::Conflict { address, mac: [2, 0, 0, 0, 0, 1] }, "Conflict",
            "Find the host with that address (`ip -6 neigh`), or take the address out of the server's pool.";
        E::Refused { status: 1, .. } => refused(1), "Refused(UnspecFail)",
            "Read the server's own words in the text, and its log.";
        E::Refused { status: 2, .. } => refused(2), "Refused(NoAddrsAvail)",
            "Enlarge the pool of the client's link, or free leases in it; see whether the server knows the link, such as by its relay.";
        E::Refused { status: 3, .. } => refused(3), "Refused(NoBinding)",
            "The server lost its leases and does not make them again: see its log and its lease file.";
        E::Refused { status: 4, .. } => refused(4), "Refused(NotOnLink)",
            "The server takes the client for a host of another link: see its subnets and the relay's link address.";
        E::Refused { status: 5, .. } => refused(5), "Refused(UseMulticast)",
            "The client always sends to the group: see what changes the destination on the way to the server.";
        E::Refused { .. } => refused(6), "Refused(other)",
            "A status that RFC 8415 does not know: read the server's own words in the text, and its log.";
        E::Message(M::Malformed) => E::Message(M::Malformed), "Message(Malformed)",
            "Only in a debug log: some server or relay cuts its messages short.";
        E::Message(M::NotDhcp) => E::Message(M::NotDhcp), "Message(NotDhcp)",
            "Only in a debug log: something else sends to UDP port 546.";
        E::Message(M::NotForClients) => E::Message(M::NotForClients), "Message(NotForClients)",
            "Only in a debug log: a client or relay sends to the port of clients.";
        E::Message(M::Reconfigure) => E::Message(M::Reconfigure), "Message(Reconfigure)",
            "Only in a debug log: turn Reconfigure off on the server. If nobody turned it on, ask who else answers.";
        E::Message(M::OtherTransaction) => E::Message(M::OtherTransaction), "Message(OtherTransaction)",
            "Only in a debug log, and normal for late or repeated messages.";
        E::Message(M::NoClientId) => E::Message(M::NoClientId), "Message(NoClientId)",
            "Only in a debug log: the server's software breaks RFC 8415, section 16: update it.";
        E::Message(M::OtherClient) => E::Message(M::OtherClient), "Message(OtherClient)",
            "Only in a debug log: a relay delivers the messages of another client, or two boards have the same link-local address.";
        E::Message(M::NoServerId) => E::Message(M::NoServerId), "Message(NoServerId)",
            "Only in a debug log: the server leaves option 2 out, or its DUID is longer than RFC 8415 allows.";
        E::Message(M::WrongServer) => E::Message(M::WrongServer), "Message(WrongServer)",
            "Only in a debug log: a second server answers what another one was asked.";
        E::Message(M::Unexpected) => E::Message(M::Unexpected), "Message(Unexpected)",
            "Only in a debug log: a late or repeated message.";
        E::Message(M::NoAddress) => E::Message(M::NoAddress), "Message(NoAddress)",
            "Only in a debug log, unless nothing else is offered: correct the server's pool, its lifetimes, and T1 and T2.";
    );
}

fn network(rows: &mut Vec<Row>) {
    use NetError as E;
    list!(rows, NetError, "NetError", same,
        // Errors of a protocol keep their own numbers.
        E::Uri(_) => E::Uri(UriError::TooLong), "Uri", "";
        E::Dhcp(_) => E::Dhcp(DhcpError::Config), "Dhcp", "";
        E::Dhcp6(_) => E::Dhcp6(Dhcp6Error::Config), "Dhcp6", "";
        E::Tftp(_) => E::Tftp(TftpError::Closed), "Tftp", "";
        E::Ubp(_) => E::Ubp(netboot::UbpError::Busy), "Ubp", "";
        E::Http(_) => E::Http(HttpError::Closed), "Http", "";
        E::Tls(_) => E::Tls(TlsError::Truncated), "Tls", "";
        E::NotConfigured => E::NotConfigured, "NotConfigured",
            "Let the integration call `dhcp` or `ifconfig` before it fetches.";
        E::DhcpTimeout => E::DhcpTimeout, "DhcpTimeout",
            "As for NoOffer: link, VLAN, spanning tree, DHCP server; after a lost lease, see why the server did not renew it.";
        E::BadAddress => E::BadAddress, "BadAddress",
            "Correct the address in the URI, the DNS record or the static configuration: it is broadcast, multicast or 0.0.0.0.";
        E::BadRoute => E::BadRoute, "BadRoute",
            "Give a gateway on the interface's own network; there is room for eight routes.";
        E::NoRoute { .. } => E::NoRoute { address: [192, 0, 2, 1].into() }, "NoRoute",
            "Give a router (option 3 or 121, or in the static configuration), or a server on the station's own network.";
        E::NoDnsServer => E::NoDnsServer, "NoDnsServer",
            "Send option 6 (DNS servers) by DHCP, or write the server's address in place of its name.";
        E::NameNotFound => E::NameNotFound, "NameNotFound",
            "Correct the server's name in the URI, or add an A record for it (AAAA, where the station speaks IPv6); see what `dig` says at the same DNS server.";
        E::DnsTimeout => E::DnsTimeout, "DnsTimeout",
            "See that the DNS servers of option 6 run and UDP port 53 passes the firewall.";
        E::AddressFamily => E::AddressFamily, "AddressFamily",
            "Write an address of the family that the station speaks, or a name that has one; a build without `ipv6` speaks IPv4.";
        E::Unsupported => E::Unsupported, "Unsupported",
            "Use an `http` or `tftp` URI, or a ROM built with TLS.";
        E::ConnectTimeout => E::ConnectTimeout, "ConnectTimeout",
            "See that the server is up and reachable from this network: `ping`, routers of option 3, firewalls.";
        E::ConnectionRefused => E::ConnectionRefused, "ConnectionRefused",
            "Start the web server, or correct the port in the URI.";
        E::ConnectionReset => E::ConnectionReset, "ConnectionReset",
            "See the server's log and limits; a firewall or load balancer between may cut connections.";
        E::Stalled => E::Stalled, "Stalled",
            "See whether the server still runs and is not overloaded, and the link's error counters.";
        E::NoResponse => E::NoResponse, "NoResponse",
            "See the server's log for how long it takes; where the path has a smaller MTU (tunnels, overlays), tell it by option 26 or let the server clamp its MSS.";
        E::Interrupted => E::Interrupted, "Interrupted",
            "Somebody at the console pressed Ctrl-C; enter the command again.";
        E::NoEcho => E::NoEcho, "NoEcho",
            "The host is off, or it or something on the way drops ICMP; see `nstat` for whether it is known on the link.";
        E::TooSlow { .. } => E::TooSlow { octets: 900 }, "TooSlow",
            "Look for loss on the way and for load on the server; name a second source. A path that is always so slow needs another `NetworkOptions::slow`.";
        E::Fragmented { .. } => E::Fragmented { count: 9 }, "Fragmented",
            "A router on the way cuts the server's packets: tell the path's MTU by option 26, or set the server's blksize or MSS.";
        E::NoRouter => E::NoRouter, "NoRouter",
            "See that a router on this link sends advertisements with a prefix that hosts make addresses of (flag A), or starts DHCPv6 (flag M); and that no switch between drops multicast.";
        E::Deadline => E::Deadline, "Deadline",
            "The attempt took longer than the policy allows: see why the transfer is slow, or allow more time.";
        E::StaleHandle => E::StaleHandle, "StaleHandle",
            "A defect of the caller: an image handle lives until the next `imgfetch`.";
        E::PartBeyondEnd => E::PartBeyondEnd, "PartBeyondEnd",
            "Table of contents and flash image do not belong together: build the image anew.";
        E::SizeChanged { .. } => E::SizeChanged { was: 234_496, is: 234_500 }, "SizeChanged",
            "Do not replace files while boards boot: put new files beside the old ones and change the pointer.";
        E::WrongBlock { .. } => E::WrongBlock { offset: 1024 }, "WrongBlock",
            "Compare the packed file on the server: `netboot inspect FILE` names its first wrong block. The boot goes on at the next place.";
        E::ContentChanged => E::ContentChanged, "ContentChanged",
            "As for SizeChanged; see that all servers have the same file, also behind a load balancer.";
        E::Truncated { .. } => E::Truncated { got: 40_000, size: 234_496 }, "Truncated",
            "The file ends too early again and again: compare it with the original, and see the server's log.";
        E::PartRefused => E::PartRefused, "PartRefused",
            "The server answers range requests now and again: see that all servers behind a load balancer are set alike, or allow one connection.";
        E::Internal => E::Internal, "Internal",
            "A defect of this library: report it with the log of the boot.";
        E::AnswerTooLong => E::AnswerTooLong, "AnswerTooLong",
            "The server's answer is longer than the integration has room for: see what it answers, or give a larger buffer.";
    );
    rows.retain(|row| !row.advice.is_empty());
}

fn app(rows: &mut Vec<Row>) {
    use AppError as E;
    list!(rows, AppError<NetError>, "AppError", same::<AppError<NetError>>,
        // Errors of the parts keep their own numbers.
        E::Network(_) => E::Network(NetError::Stalled), "Network", "";
        E::Verity(_) => E::Verity(VerityError::NotPacked), "Verity", "";
        E::Recovery(_) => E::Recovery(RecoveryError::NotOpen), "Recovery", "";
        E::Toc(_) => E::Toc(TocError::NotToc), "Toc", "";
        E::NoSource { .. } => E::NoSource { index: 2 }, "NoSource",
            "Name a boot file or directory by DHCP (option 67), list the image in the table of contents, or compile a default in.";
        E::SizeMismatch { .. } => E::SizeMismatch { expected: 234_496, found: 234_000 }, "SizeMismatch",
            "File and expectation (fuses, settings, table of contents) are of different releases: put both from one build there.";
        E::DigestMismatch { .. } => E::DigestMismatch { found: Digest([0x5A; 32]) }, "DigestMismatch",
            "The file is not the expected one, or was damaged: compare the SHA-256 in the text with the release's; the device never saw an activation.";
        E::ChecksumMismatch { .. } => E::ChecksumMismatch { expected: 0xFFFF_1234, found: 0xFFFF_1235 }, "ChecksumMismatch",
            "Table of contents and file are of different builds, or the file was damaged: copy both there anew.";
        E::TotalDeadline => E::TotalDeadline, "TotalDeadline",
            "Look at the attempts before it for the cause; if they only were slow, allow the boot more time.";
        E::TooManyImages => E::TooManyImages, "TooManyImages",
            "The device asks again and again, as after resets: look at its own log.";
        E::NotHttps { .. } => E::NotHttps { origin: Origin::Dhcp }, "NotHttps",
            "Give an `https` URI there. If that source is DHCP, somebody on the network may be trying to lead boards elsewhere.";
        E::PointerTooLong => E::PointerTooLong, "PointerTooLong",
            "Shorten the boot file's name (255 octets) or its server's (128) in options 67 and 66.";
        E::PointerDamaged => E::PointerDamaged, "PointerDamaged",
            "Correct options 66 and 67, or the fields `sname` and `file`: a line feed or an octet ff stands in a name.";
        E::NoServer => E::NoServer, "NoServer",
            "Name the server: `next-server` (siaddr), option 66 or option 150.";
        E::NoService => E::NoService, "NoService",
            "Name a boot file (option 67), or put a boot service into the PXE menu whose server answers on port 4011; the local disk is none.";
        E::Bootstore(_) => E::Bootstore(BoardError::NoAnswer), "Bootstore", "";
        E::Script(_) => E::Script(ScriptError { line: 2, fault: Fault::Usage }), "Script", "";
        E::Gpt(_) => E::Gpt(GptError::NoTable), "Gpt", "";
        E::Signature(_) => E::Signature(CmsError::Pem), "Signature", "";
        E::Provisioning(_) => E::Provisioning(SztpError::NoServer), "Provisioning", "";
        E::ScriptEnded => E::ScriptEnded, "ScriptEnded",
            "Let the script name an image for each request of the device, and end with `boot`; `@script` has the place of the script.";
        E::ScriptNesting => E::ScriptNesting, "ScriptNesting",
            "Use `chain --replace` where the script has nothing left to do, and look for scripts that chain each other in a circle.";
        E::NotVerified => E::NotVerified, "NotVerified",
            "Let `imgverify` verify the image before it is delivered, or leave `imgtrust` out.";
        E::TrustLatched => E::TrustLatched, "TrustLatched",
            "Look for `imgtrust --permanent` in the scripts that ran before; it holds until power-on.";
        E::NoSuchImage => E::NoSuchImage, "NoSuchImage",
            "Fetch the image first; `imgstat` shows the names.";
        E::ImagesFull => E::ImagesFull, "ImagesFull",
            "Name at most eight images, with places and arguments of 2,048 octets in all; `imgfree` makes room.";
        E::NoSuchInterface => E::NoSuchInterface, "NoSuchInterface",
            "Write `net0`, or leave the interface out.";
        E::NotSupported => E::NotSupported, "NotSupported",
            "The page on scripts says what this device has: menus, the shell, `sanboot` and `imgverify` are features of the build, and disks come by HTTP.";
        E::WrongSigner => E::WrongSigner, "WrongSigner",
            "Compare the name behind `--signer` with the common name in the signer's certificate.";
        E::NoSigners => E::NoSigners, "NoSigners",
            "Have the board say who may sign (`Scripts::with_signers`), or verify by `--sha256`.";
        E::ProvisioningDisabled => E::ProvisioningDisabled, "ProvisioningDisabled",
            "Enter `ztp enable`, and begin again with `ztp run`.";
        E::ProvisioningRequired => E::ProvisioningRequired, "ProvisioningRequired",
            "Only another source in the board's policy (`order`) makes provisioning a choice.";
    );
    rows.retain(|row| !row.advice.is_empty());
}

fn toc(rows: &mut Vec<Row>) {
    use TocError as E;
    list!(rows, TocError, "TocError", same,
        E::NotToc => E::NotToc, "NotToc",
            "Never in a report: such a boot file stands for its directory.";
        E::ImageCount(_) => E::ImageCount(0), "ImageCount",
            "Build the table of contents anew; it may list 1 to 256 images.";
        E::EntryChecksum { .. } => E::EntryChecksum { entry: 1 }, "EntryChecksum",
            "The table was damaged or edited by hand: build it anew and copy it in binary mode.";
        E::Filename { .. } => E::Filename { entry: 1 }, "Filename",
            "Use file names of printable ASCII, at most 64 octets, padded with zeros; then build the table anew.";
        E::Duplicate { .. } => E::Duplicate { identifier: 1 }, "Duplicate",
            "List each image once in the table of contents.";
        E::Truncated => E::Truncated, "Truncated",
            "The table is shorter than its header says: copy it to the server anew.";
    );
    list!(rows, Stop, "Stop", same,
        Stop::Done => Stop::Done, "Done",
            "Never in a report: the table was read to its end.";
        Stop::Bad(_) => Stop::Bad(E::NotToc), "Bad", "";
    );
    rows.retain(|row| !row.advice.is_empty());
}
