//! What the server does, step by step.

use rustls_pki_types::CertificateDer;
use std::time::Duration;

/// One thing that the server does. Handshake messages are counted in the transcript as they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waits for a ClientHello.
    AwaitHello,
    /// Waits for the client's Finished.
    AwaitFinished,
    /// Waits for an HTTP request that was not waited for.
    AwaitRequest,

    /// ServerHello (RFC 8446, section 4.1.3); handshake keys from here on.
    ServerHello(ServerHello),
    /// HelloRetryRequest (section 4.1.4); wait for the second hello next.
    HelloRetryRequest(HelloRetry),
    /// EncryptedExtensions with these (section 4.3.1).
    EncryptedExtensions(Vec<(u16, Vec<u8>)>),
    /// CertificateRequest (section 4.3.2).
    CertificateRequest {
        /// certificate_request_context; is to be empty in a handshake.
        context: Vec<u8>,
        /// Extensions; signature_algorithms must be there.
        extensions: Vec<(u16, Vec<u8>)>,
    },
    /// Certificate (section 4.4.2).
    Certificate(CertificateEntries),
    /// CertificateVerify (section 4.4.3).
    CertificateVerify(Proof),
    /// Finished (section 4.4.4); application keys from here on, the first time.
    Finished(Seal),
    /// NewSessionTicket (section 4.6.1) for this many seconds.
    NewSessionTicket(u32),
    /// KeyUpdate (section 4.6.3) with this value of request_update; new keys from here on.
    KeyUpdate(u8),
    /// Any handshake message: type and body.
    Handshake(u8, Vec<u8>),
    /// These octets as part of the handshake stream, uncounted in the transcript.
    HandshakeOctets(Vec<u8>),

    /// Application data, in records of up to 16,384 octets or as [`Step::Fragment`] says.
    Data(Vec<u8>),
    /// Alert under the present keys: level and description (section 6).
    Alert(u8, u8),
    /// A record of this type with this content, sealed under the present keys.
    Sealed(u8, Vec<u8>),
    /// A sealed record whose inner plaintext is this: content, type and padding. Empty, or of zeros only,
    /// it has no type.
    SealedInner(Vec<u8>),
    /// A sealed record with another outer type and version.
    SealedAs {
        /// Outer type; 23 is right.
        kind: u8,
        /// legacy_record_version; 0x0303 is right.
        version: u16,
        /// Content, as handshake.
        content: Vec<u8>,
    },
    /// A sealed record of application data whose tag is wrong.
    BadTag(Vec<u8>),
    /// A record in plaintext: type and content.
    Plain(u8, Vec<u8>),
    /// Octets of the stream, records or not.
    Raw(Vec<u8>),
    /// The last record again.
    Replay,
    /// The next record has the number after the one that would be its own.
    SkipSequence,

    /// From here on records, but alerts, have no more than so many octets of content, until 0 says otherwise.
    Fragment(usize),
    /// From here on sealed records have so many zeros of padding.
    Padding(usize),
    /// Handshake messages from here on go out together, in records as full as they can be, with the next
    /// step that is none of them, or when the keys change.
    Coalesce,
    /// Of the next handshake message so many octets are held back and go out before the next one, under
    /// whatever keys there are then.
    HoldBack(usize),
    /// Messages go out under these keys from here on.
    Keys(Epoch),
    /// Does a step so many times.
    Repeat(u32, Box<Step>),
    /// Nothing for so long. In the server of TCP only: the sans-IO server tells who drives it.
    Pause(Duration),

    /// Ends the connection in order, at TCP only.
    Cut,
    /// Resets the connection.
    Reset,
}

/// Under which keys the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    /// None.
    Plain,
    /// Those of the handshake.
    Handshake,
    /// Those of application data.
    Application,
}

/// Fields of ServerHello. [`Default`] is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// legacy_version
    pub version: u16,
    /// random
    pub random: Nonce,
    /// legacy_session_id_echo
    pub session_id: SessionId,
    /// cipher_suite, if another one than the script's.
    pub suite: Option<u16>,
    /// legacy_compression_method
    pub compression: u8,
    /// supported_versions; `None` leaves it out, as TLS 1.2 does.
    pub selected_version: Option<u16>,
    /// key_share
    pub share: KeyShare,
    /// Further extensions.
    pub extensions: Vec<(u16, Vec<u8>)>,
    /// Octets behind the extensions, within the message.
    pub trailing: Vec<u8>,
    /// Octets behind the message, in the same record as far as they fit: part of the next message before
    /// the keys change. They are not counted in the transcript.
    pub behind: Vec<u8>,
}

impl Default for ServerHello {
    fn default() -> Self {
        Self {
            version: 0x0303,
            random: Nonce::Random,
            session_id: SessionId::Echo,
            suite: None,
            compression: 0,
            selected_version: Some(0x0304),
            share: KeyShare::Good,
            extensions: Vec::new(),
            trailing: Vec::new(),
            behind: Vec::new(),
        }
    }
}

impl ServerHello {
    /// As a server sends it that knows TLS 1.2 only.
    pub fn tls_1_2() -> Self {
        Self {
            suite: Some(0xC02B),
            selected_version: None,
            share: KeyShare::None,
            ..Self::default()
        }
    }

    /// As [`tls_1_2`](Self::tls_1_2), from a server that knows TLS 1.3 and was deceived.
    pub fn downgraded() -> Self {
        Self {
            random: Nonce::Downgrade12,
            ..Self::tls_1_2()
        }
    }
}

/// ServerHello.random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonce {
    /// By chance.
    Random,
    /// Its end says that TLS 1.2 was forced on a server of TLS 1.3 (section 4.1.3).
    Downgrade12,
    /// The same for TLS 1.1 and below.
    Downgrade11,
    /// That of HelloRetryRequest.
    HelloRetry,
}

/// ServerHello.legacy_session_id_echo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionId {
    /// What the client has sent.
    Echo,
    /// This.
    Octets(Vec<u8>),
}

/// The extension key_share of ServerHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyShare {
    /// A share on P-256.
    Good,
    /// None.
    None,
    /// A good share under this group's number.
    Group(u16),
    /// These octets as a share of this group.
    Octets(u16, Vec<u8>),
    /// A good share, compressed (SEC 1), which TLS 1.3 does not have.
    Compressed,
    /// A point that is not on the curve.
    OffCurve,
}

/// HelloRetryRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelloRetry {
    /// The group that the client shall send a share of.
    pub group: Option<u16>,
    /// A cookie for its second hello.
    pub cookie: Option<Vec<u8>>,
    /// cipher_suite, if another one than the script's.
    pub suite: Option<u16>,
}

/// Body of Certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateEntries {
    /// certificate_request_context; is to be empty.
    pub context: Vec<u8>,
    /// The chain, if another one than the server's.
    pub chain: Option<Vec<CertificateDer<'static>>>,
    /// Extensions of the first entry.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

/// CertificateVerify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// As it has to be.
    Good,
    /// By a key that is not the certificate's.
    OtherKey,
    /// A good signature under this number of a scheme.
    Scheme(u16),
    /// These octets as a signature.
    Octets(Vec<u8>),
    /// Over the transcript before Certificate.
    OtherTranscript,
    /// With the context of the client's proof.
    ClientContext,
    /// With one bit wrong.
    Corrupt,
}

/// Finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// As it has to be.
    Good,
    /// With one bit wrong.
    Corrupt,
    /// 31 octets.
    Short,
    /// With the key of the client.
    ClientKey,
}

/// What the server does on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Cipher suite: 0x1301 or 0x1303; `None` is the first one of them that the client offers.
    pub suite: Option<u16>,
    /// One after the other.
    pub steps: Vec<Step>,
}

impl Script {
    /// A good handshake, one request, and these octets for an answer; then close_notify and the end.
    pub fn good(answer: &[u8]) -> Self {
        let mut script = Self::handshake();
        script.steps.extend([
            Step::AwaitRequest,
            Step::Data(answer.to_vec()),
            Step::Alert(1, 0),
            Step::Cut,
        ]);
        script
    }

    /// A good handshake, to go on from.
    pub fn handshake() -> Self {
        Self {
            suite: None,
            steps: vec![
                Step::AwaitHello,
                Step::ServerHello(ServerHello::default()),
                Step::EncryptedExtensions(vec![]),
                Step::Certificate(CertificateEntries::default()),
                Step::CertificateVerify(Proof::Good),
                Step::Finished(Seal::Good),
                Step::AwaitFinished,
            ],
        }
    }

    /// With this cipher suite.
    #[must_use]
    pub fn suite(mut self, suite: u16) -> Self {
        self.suite = Some(suite);
        self
    }

    /// With these steps at the end.
    #[must_use]
    pub fn then(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }

    /// Without the steps of which `which` holds.
    #[must_use]
    pub fn without(mut self, which: impl Fn(&Step) -> bool) -> Self {
        self.steps.retain(|step| !which(step));
        self
    }

    /// With `steps` in place of each one of which `which` holds.
    ///
    /// # Panics
    /// When there is none: such a script would test nothing.
    #[must_use]
    pub fn replace(
        mut self,
        which: impl Fn(&Step) -> bool,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        assert!(self.steps.iter().any(&which), "no such step");
        let steps: Vec<_> = steps.into_iter().collect();
        let all = std::mem::take(&mut self.steps);
        for step in all {
            if which(&step) {
                self.steps.extend(steps.iter().cloned());
            } else {
                self.steps.push(step);
            }
        }
        self
    }

    /// With `steps` before the first one of which `which` holds.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn before(
        mut self,
        which: impl Fn(&Step) -> bool,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        let place = self.steps.iter().position(which).expect("such a step");
        self.steps.splice(place..place, steps);
        self
    }

    /// With `steps` after the first one of which `which` holds.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn after(
        mut self,
        which: impl Fn(&Step) -> bool,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        let place = 1 + self.steps.iter().position(which).expect("such a step");
        self.steps.splice(place..place, steps);
        self
    }

    /// The first step of which `first` holds and the first one of which `second` holds change places.
    ///
    /// # Panics
    /// When one of them is missing.
    #[must_use]
    pub fn swap(mut self, first: impl Fn(&Step) -> bool, second: impl Fn(&Step) -> bool) -> Self {
        let first = self.steps.iter().position(first).expect("the first step");
        let second = self.steps.iter().position(second).expect("the second step");
        self.steps.swap(first, second);
        self
    }
}

/// An HTTP/1.1 response with this body that leaves the connection open.
pub fn http_response(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
