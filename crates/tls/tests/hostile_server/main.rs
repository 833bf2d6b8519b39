//! The client against a server that misbehaves as a script says: sans-IO in pieces of every size, and over a socket;
//! verified and provisional. Each script has the error it is to end in, and none is accepted, panics or hangs.

mod bodies;
mod chains;
#[path = "../common/mod.rs"]
mod common;
mod hellos;
mod keys;
mod limits;
mod memory;
mod order;
mod proofs;
mod socket;
mod steps;
mod table;

use hostile_tls::{Report, Script, Step, http_response};
use netboot_tls::channel::{LARGE_RECORDS, SEND};
use netboot_tls::verify::{
    DEFAULT_ALGORITHMS, MAX_DEPTH, ServerName, TimePolicy, Trust, TrustPolicy,
};
use netboot_tls::{Config, Level, ProofOnly, Provisional, TlsError, Verified};
use rustls::pki_types::CertificateDer;
use test_pki::{Identity, Pki};

const NAME: &str = "images.example";
const SERVER: ServerName<'_> = ServerName::Dns(NAME);
const BODY: &[u8] = b"forty octets of firmware, or a few more.";
const REQUEST: &[u8] = b"GET /fw.bin HTTP/1.1\r\nHost: images.example\r\n\r\n";
/// 2026-08-01.
const NOW: u64 = 1_785_542_400;

/// What a script ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The whole answer and the server's close_notify.
    Good,
    /// The server is refused before it proved itself: it sees no request.
    Refused(TlsError),
    /// The connection was open, and ends so in the middle of the answer.
    Broken(TlsError),
}

/// What the client got, and what the server saw.
#[derive(Debug)]
struct Got {
    /// The handshake came to its end.
    opened: bool,
    /// Plaintext.
    data: Vec<u8>,
    /// How it ended: `Ok` at the server's close_notify.
    result: Result<(), TlsError>,
    report: Report,
}

/// How the client is set up.
#[derive(Clone)]
struct Setup {
    identity: Identity,
    server: ServerName<'static>,
    /// Octets of the client's receive buffer.
    receive: usize,
    /// The client's own chain and key.
    client: Option<Identity>,
    /// Octets of the client's send buffer.
    send: usize,
    request: &'static [u8],
}

impl Setup {
    fn new() -> Self {
        Self::showing(pki().server(&[NAME]).unwrap())
    }

    fn showing(identity: Identity) -> Self {
        Self {
            identity,
            server: SERVER,
            receive: LARGE_RECORDS,
            client: None,
            send: SEND + 2048,
            request: REQUEST,
        }
    }
}

fn pki() -> Pki {
    Pki::with_intermediate(11)
}

fn root() -> &'static CertificateDer<'static> {
    static ROOT: std::sync::OnceLock<CertificateDer<'static>> = std::sync::OnceLock::new();
    ROOT.get_or_init(|| pki().root().unwrap())
}

fn roots() -> &'static [&'static [u8]] {
    static ROOTS: std::sync::OnceLock<Vec<&'static [u8]>> = std::sync::OnceLock::new();
    ROOTS.get_or_init(|| vec![root()])
}

/// What each level has to be given.
trait Trusting: Level {
    const NAME: &'static str;
    fn given<'a>() -> Self::Trust<'a>;
}

impl Trusting for Verified {
    const NAME: &'static str = "verified";

    fn given<'a>() -> Trust<'a> {
        Trust {
            policy: TrustPolicy::Pinned {
                roots: roots(),
                keys: &[],
            },
            time: TimePolicy::Trusted(NOW),
            algorithms: DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        }
    }
}

impl Trusting for Provisional {
    const NAME: &'static str = "provisional";

    fn given<'a>() -> ProofOnly<'a> {
        ProofOnly(DEFAULT_ALGORITHMS)
    }
}

fn config<L: Trusting>(setup: &Setup) -> Config<'_, 'static, L> {
    Config::new(setup.server, L::given())
}

/// A good connection, to be spoiled.
fn good() -> Script {
    Script::good(&http_response(BODY))
}

/// A good connection with `steps` in the middle of the answer.
fn amid(steps: impl IntoIterator<Item = Step>) -> Script {
    let whole = http_response(BODY);
    let (first, second) = whole.split_at(60);
    let mut all = vec![Step::Data(first.to_vec())];
    all.extend(steps);
    all.push(Step::Data(second.to_vec()));
    good().replace(data, all)
}

fn hello(step: &Step) -> bool {
    matches!(step, Step::ServerHello(_))
}

fn extensions(step: &Step) -> bool {
    matches!(step, Step::EncryptedExtensions(_))
}

fn certificate(step: &Step) -> bool {
    matches!(step, Step::Certificate(_))
}

fn verify(step: &Step) -> bool {
    matches!(step, Step::CertificateVerify(_))
}

fn finished(step: &Step) -> bool {
    matches!(step, Step::Finished(_))
}

fn data(step: &Step) -> bool {
    matches!(step, Step::Data(_))
}

/// `script` ends in `end` at both levels, however its octets come.
#[track_caller]
fn ends(what: &str, script: &Script, end: End) {
    differs(what, &Setup::new(), script, end, end);
}

/// As [`ends`], where more than the script matters: `verified` at one level, `provisional` at the other.
#[track_caller]
fn differs(what: &str, setup: &Setup, script: &Script, verified: End, provisional: End) {
    everywhere::<Verified>(what, setup, script, &[1, 1 << 20], verified);
    everywhere::<Provisional>(what, setup, script, &[1_460], provisional);
}

/// In memory, handing over so many octets at a time, and over a socket.
#[track_caller]
fn everywhere<L: Trusting>(what: &str, setup: &Setup, script: &Script, chunks: &[usize], end: End) {
    for chunk in chunks {
        let got = memory::run::<L>(setup, script, *chunk);
        check(
            &format!("{what}, {}, {chunk} octets a time", L::NAME),
            &got,
            end,
        );
    }
    let got = socket::run::<L>(setup, script);
    check(&format!("{what}, {}, by a socket", L::NAME), &got, end);
}

#[track_caller]
fn check(what: &str, got: &Got, end: End) {
    let report = &got.report;
    match end {
        End::Good => {
            assert_eq!(got.result, Ok(()), "{what}: {got:?}");
            assert!(got.opened && got.data.ends_with(BODY), "{what}: {got:?}");
            assert_eq!(
                (report.finished, report.requests()),
                (Some(true), 1),
                "{what}"
            );
            assert_eq!(report.error, None, "{what}");
        }
        End::Refused(error) => {
            assert_eq!(got.result, Err(error), "{what}: {got:?}");
            assert!(!got.opened, "{what}");
            assert_eq!(got.data, b"", "{what}");
            // Not an octet of the application left the client, nor a Finished.
            assert_eq!(report.data, b"", "{what}");
            assert_eq!(report.finished, None, "{what}");
        }
        End::Broken(error) => {
            assert_eq!(got.result, Err(error), "{what}: {got:?}");
            assert!(got.opened, "{what}");
            assert!(!got.data.ends_with(BODY), "{what}: {got:?}");
        }
    }
}
