//! Why the client is our own: what a server can do to embedded-tls 0.19.0 behind all three guards that it is known to
//! need (a verifier with path validation, a look at its state after the handshake, a filter for record types), and
//! what the same server does to `Channel`.

#[path = "common/trust.rs"]
mod trust;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use embedded_tls::blocking::{
    Aes128GcmSha256, CertificateEntryRef, CertificateRef, CertificateVerifyRef, CryptoProvider,
    TlsCipherSuite, TlsConfig, TlsConnection, TlsContext, TlsVerifier,
};
use hostile_tls::{Listener, Script, ServerHello, Step, http_response};
use netboot_tls::channel::{LARGE_RECORDS, SEND};
use netboot_tls::verify::{DEFAULT_ALGORITHMS, LeafKey, ServerName, verify_server};
use netboot_tls::{Channel, Config, Verified};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest as _, Sha256};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use test_pki::Pki;
use trust::trust;

const NAME: &str = "images.example";
const BODY: &[u8] = b"octets of firmware";

/// The third guard: a TCP connection that lets through what may come at its stage.
struct Filtered {
    stream: TcpStream,
    record: Vec<u8>,
    sealed: bool,
}

#[derive(Debug)]
struct Refused;

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("refused by the filter")
    }
}

impl core::error::Error for Refused {}

impl embedded_io::Error for Refused {
    fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidData
    }
}

impl ErrorType for Filtered {
    type Error = Refused;
}

impl Read for Filtered {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Refused> {
        if self.record.is_empty() {
            let mut header = [0; 5];
            self.stream.read_exact(&mut header).or(Err(Refused))?;
            let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
            let allowed = match (self.sealed, header[0]) {
                (false, 21 | 22) => true,
                (true, 20) => len == 1,
                (true, 23) => (17..=16_640).contains(&len),
                _ => false,
            };
            if !allowed {
                return Err(Refused);
            }
            self.sealed |= header[0] == 22;
            self.record = header.to_vec();
            self.record.resize(5 + len, 0);
            self.stream
                .read_exact(&mut self.record[5..])
                .or(Err(Refused))?;
        }
        let len = buffer.len().min(self.record.len());
        buffer[..len].copy_from_slice(&self.record[..len]);
        self.record.drain(..len);
        Ok(len)
    }
}

impl Write for Filtered {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Refused> {
        self.stream.write(buffer).or(Err(Refused))
    }

    fn flush(&mut self) -> Result<(), Refused> {
        Ok(())
    }
}

/// The first guard, and what the second one looks at.
#[derive(Default)]
enum State {
    #[default]
    Nothing,
    Chain(Box<(LeafKey, Sha256)>),
    Proven,
}

struct Guard {
    root: Vec<u8>,
    state: State,
    rng: ChaCha20Rng,
}

impl<S: TlsCipherSuite<Hash = Sha256>> TlsVerifier<S> for Guard {
    fn set_hostname_verification(&mut self, _: &str) -> Result<(), embedded_tls::TlsError> {
        Ok(())
    }

    fn verify_certificate(
        &mut self,
        transcript: &Sha256,
        certificate: CertificateRef<'_>,
    ) -> Result<(), embedded_tls::TlsError> {
        let chain: Vec<&[u8]> = certificate
            .entries
            .iter()
            .map(|entry| match entry {
                CertificateEntryRef::X509(der) | CertificateEntryRef::RawPublicKey(der) => *der,
            })
            .collect();
        let key = verify_server(&chain, &ServerName::Dns(NAME), &trust(&[&self.root]))
            .or(Err(embedded_tls::TlsError::InvalidCertificate))?;
        self.state = State::Chain(Box::new((key, transcript.clone())));
        Ok(())
    }

    fn verify_signature(
        &mut self,
        verify: CertificateVerifyRef<'_>,
    ) -> Result<(), embedded_tls::TlsError> {
        let State::Chain(seen) = &self.state else {
            return Err(embedded_tls::TlsError::InvalidHandshake);
        };
        let (key, transcript) = &**seen;
        let mut message = vec![0x20; 64];
        message.extend(b"TLS 1.3, server CertificateVerify\0");
        message.extend(transcript.clone().finalize());
        key.verify(0x0403, &message, verify.signature, DEFAULT_ALGORITHMS)
            .or(Err(embedded_tls::TlsError::InvalidSignature))?;
        self.state = State::Proven;
        Ok(())
    }
}

impl CryptoProvider for &mut Guard {
    type CipherSuite = Aes128GcmSha256;
    type Signature = Vec<u8>;

    fn rng(&mut self) -> impl embedded_tls::CryptoRngCore {
        &mut self.rng
    }

    fn verifier(
        &mut self,
    ) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, embedded_tls::TlsError> {
        Ok(&mut **self)
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream
}

/// What embedded-tls reads from a server behind its guards.
fn guarded(address: SocketAddr, root: &[u8]) -> Result<Vec<u8>, String> {
    let (mut receive, mut send) = (vec![0; 16_640], vec![0; 4096]);
    let mut guard = Guard {
        root: root.to_vec(),
        state: State::Nothing,
        rng: ChaCha20Rng::seed_from_u64(1),
    };
    let transport = Filtered {
        stream: connect(address),
        record: Vec::new(),
        sealed: false,
    };
    let config = TlsConfig::new().with_server_name(NAME);
    let mut connection =
        TlsConnection::<_, Aes128GcmSha256>::new(transport, &mut receive, &mut send);
    let opened = connection.open(TlsContext::new(&config, &mut guard));
    opened.map_err(|error| format!("{error:?}"))?;
    if !matches!(guard.state, State::Proven) {
        return Err("not proven".into());
    }
    let mut write = || {
        connection.write(b"GET / HTTP/1.1\r\n\r\n")?;
        connection.flush()
    };
    write().map_err(|error| format!("{error:?}"))?;
    let mut body = Vec::new();
    let mut buffer = [0; 512];
    loop {
        match connection.read(&mut buffer) {
            Ok(len) => body.extend(&buffer[..len]),
            Err(embedded_tls::TlsError::ConnectionClosed) => return Ok(body),
            Err(error) => return Err(format!("{error:?}")),
        }
    }
}

/// What our own client reads.
fn own(address: SocketAddr, root: &[u8]) -> Result<Vec<u8>, String> {
    let (mut receive, mut send) = (vec![0; LARGE_RECORDS], vec![0; SEND]);
    let mut channel = Channel::<Verified>::new(&mut receive, &mut send);
    let roots = [root];
    let mut config = Config::new(ServerName::Dns(NAME), trust(&roots));
    let mut stream = connect(address);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut body = Vec::new();
    let mut input = Vec::new();
    let mut shake = channel
        .start(&mut config, &mut rng)
        .map_err(|error| error.to_string())?;
    while !shake.is_open() {
        let pending = shake.pending().to_vec();
        stream.write_all(&pending).unwrap();
        shake.sent(pending.len());
        let taken = shake.advance(&input).map_err(|error| error.to_string())?;
        input.drain(..taken);
        if taken == 0 && shake.pending().is_empty() {
            let mut octets = [0; 4096];
            match stream.read(&mut octets) {
                Ok(len) if len > 0 => input.extend(&octets[..len]),
                _ => return Err(shake.end_of_stream().unwrap_err().to_string()),
            }
        }
    }
    channel.write(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    loop {
        let pending = channel.pending();
        stream.write_all(pending).unwrap();
        let sent = pending.len();
        channel.sent(sent);
        body.extend(channel.plaintext());
        channel.consume(channel.plaintext().len());
        if channel.is_finished() {
            return Ok(body);
        }
        let taken = channel.receive(&input).map_err(|error| error.to_string())?;
        input.drain(..taken);
        if taken == 0 && channel.pending().is_empty() && channel.plaintext().is_empty() {
            let mut octets = [0; 4096];
            match stream.read(&mut octets) {
                Ok(len) if len > 0 => input.extend(&octets[..len]),
                _ => return Err(channel.end_of_stream().unwrap_err().to_string()),
            }
        }
    }
}

/// The octets that a client read, or what it has against the server.
type Got = Result<Vec<u8>, String>;

/// What both clients make of a script: embedded-tls may panic.
fn both(script: Script) -> (std::thread::Result<Got>, Got) {
    let pki = Pki::new(5);
    let root = pki.root().unwrap();
    let identity = pki.server(&[NAME]).unwrap();
    let listener = Listener::on_loopback(identity, vec![script.suite(0x1301)], 3).unwrap();
    let address = listener.address();
    let theirs = catch_unwind(AssertUnwindSafe(|| guarded(address, &root)));
    let ours = own(address, &root);
    (theirs, ours)
}

fn good() -> Script {
    Script::good(&http_response(BODY))
}

fn data(step: &Step) -> bool {
    matches!(step, Step::Data(_))
}

#[test]
fn a_server_that_is_right_is_read_by_both() {
    let (theirs, ours) = both(good());
    assert!(theirs.unwrap().unwrap().ends_with(BODY));
    assert!(ours.unwrap().ends_with(BODY));
}

/// Any server can do this, and on a provisional connection it need not even be a known one.
#[test]
fn a_message_after_the_handshake_panics_behind_the_guards() {
    let finished = Step::Handshake(20, vec![0; 32]);
    let (theirs, ours) = both(good().before(data, [finished]));
    assert!(
        theirs.is_err(),
        "no panic any more: look again at embedded-tls"
    );
    assert_eq!(
        ours.unwrap_err(),
        "the server sent a message out of its order"
    );
}

#[test]
fn a_legal_key_update_ends_the_connection_behind_the_guards() {
    let (theirs, ours) = both(good().before(data, [Step::KeyUpdate(0)]));
    assert_eq!(theirs.unwrap(), Err("Unimplemented".into()));
    assert!(ours.unwrap().ends_with(BODY));
}

#[test]
fn legal_fragments_of_the_handshake_fail_behind_the_guards() {
    let hello = |step: &Step| matches!(step, Step::ServerHello(ServerHello { .. }));
    let fragments = good().after(hello, [Step::Fragment(100)]);
    let (theirs, ours) = both(fragments);
    assert!(theirs.unwrap().is_err());
    assert!(ours.unwrap().ends_with(BODY));
}

#[test]
fn the_name_of_an_alert_is_lost_behind_the_guards() {
    let certificate = |step: &Step| matches!(step, Step::Certificate(_));
    let (theirs, ours) = both(good().before(certificate, [Step::Alert(2, 80)]));
    assert_eq!(theirs.unwrap(), Err("InvalidRecord".into()));
    assert!(ours.unwrap_err().ends_with("internal_error (80)"));
}
