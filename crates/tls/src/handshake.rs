//! The handshake's state machine (RFC 8446, appendix A.1), strict: one message is allowed at each step, but for the
//! CertificateRequest, which may be left out.

use crate::TlsError;
use crate::algorithms::Algorithms;
use crate::flight::Outgoing;
use crate::hash::{Hash, MAX_HASH, Secret, Transcript, wipe_stack};
use crate::hello::{Answer, ClientHello, ServerHello};
use crate::identity::Identity;
use crate::message::{
    self, Asked, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS, FINISHED, KEY_UPDATE, NEW_SESSION_TICKET, SERVER_HELLO,
};
use crate::record::{MAX_PLAIN, Stage};
use crate::schedule::{KeyPair, application_keys, handshake_keys};
use crate::suite::Suite;
use crate::verify::{LeafKey, ServerName, Trust, VerifyError, leaf_key, schemes, verify_server};
use crate::wire::{Reader, Writer};
use p256::SecretKey;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

/// Tries at drawing a key: more than one is as likely as a working random source is to be wrong.
const DRAWS: usize = 8;
/// Before what the server signs, and before what we sign (section 4.4.3).
const SERVER_PROOF: &[u8; 34] = b"TLS 1.3, server CertificateVerify\0";
const CLIENT_PROOF: &[u8; 34] = b"TLS 1.3, client CertificateVerify\0";
/// Octets of a KeyUpdate.
const KEY_UPDATE_LEN: usize = 5;

/// What the server has to be and what we offer it: a [`Config`](crate::Config) without its type, so that the machinery exists
/// once.
pub(crate) struct Check<'c, 'a> {
    pub server: &'c ServerName<'c>,
    pub trust: Option<&'c Trust<'a>>,
    pub algorithms: Algorithms<'a>,
    pub suites: &'a [Suite],
    pub identity: Option<&'c mut Identity<'a>>,
}

/// What has to come next. Only [`State::Open`] lets application data through, and only
/// [`Handshake::finished`] leads there, from the one state that the proof of the key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    ServerHello,
    EncryptedExtensions,
    /// Or a CertificateRequest.
    Certificate,
    CertificateOnly,
    CertificateVerify,
    Finished,
    Open,
}

/// A handshake message.
pub(crate) struct Message<'m> {
    pub kind: u8,
    /// With its header, as the transcript wants it.
    pub whole: &'m [u8],
    pub body: Reader<'m>,
    /// Nothing follows it in what was received.
    pub alone: bool,
}

/// State, keys and transcript of one connection.
pub(crate) struct Handshake {
    state: State,
    transcript: Transcript,
    /// The client's random, the same in both hellos.
    random: [u8; 32],
    ephemeral: Option<SecretKey>,
    /// As the HelloRetryRequest or the ServerHello has it.
    suite: Option<Suite>,
    keys: Option<KeyPair>,
    main: Secret,
    leaf: Option<LeafKey>,
    /// The server wants our certificate, and whether it can check our signature.
    requested: Option<bool>,
    /// Octets of the receive buffer, as the ClientHello told.
    receive: usize,
    /// Octets of contents that the server takes in a record.
    pub limit: usize,
    /// A KeyUpdate that is owed to the server, with this request_update: 0 is an answer to one or more of its own, 1 asks
    /// for new keys of the server's.
    owed: Option<u8>,
    /// New keys were asked for, and have not come yet.
    asked: bool,
}

impl Handshake {
    pub fn new() -> Self {
        Self {
            state: State::Idle,
            transcript: Transcript::new(),
            random: [0; 32],
            ephemeral: None,
            suite: None,
            keys: None,
            main: Secret::new([0; MAX_HASH]),
            leaf: None,
            requested: None,
            receive: 0,
            limit: MAX_PLAIN,
            owed: None,
            asked: false,
        }
    }

    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    pub fn stage(&self) -> Stage {
        match self.state {
            State::Idle | State::ServerHello => Stage::Clear,
            State::Open => Stage::Open,
            _ => Stage::Handshake,
        }
    }

    pub fn keys(&mut self) -> Option<&mut KeyPair> {
        self.keys.as_mut()
    }

    /// The server's key, once it has proved that it is its own.
    pub fn leaf(&self) -> Option<&LeafKey> {
        self.leaf.as_ref().filter(|_| self.is_open())
    }

    pub fn suite(&self) -> Option<Suite> {
        self.suite
    }

    /// Wipes all secrets, and what there may be of them on the stack. Nothing can be sent or received any more.
    pub fn forget_keys(&mut self) {
        self.keys = None;
        self.ephemeral = None;
        self.main = Secret::new([0; MAX_HASH]);
        wipe_stack();
    }

    /// The hash over all messages so far.
    fn hash(&self) -> Result<Hash, TlsError> {
        let suite = self.suite.ok_or(TlsError::NotOpen)?;
        Ok(self.transcript.hash(suite.hash()))
    }

    /// Sends the ClientHello.
    #[inline(never)]
    pub fn start(
        &mut self,
        check: &Check<'_, '_>,
        receive: usize,
        rng: &mut dyn CryptoRngCore,
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        // Without an algorithm there is nothing that the server could prove itself by.
        if schemes(check.algorithms).next().is_none() {
            return Err(TlsError::NotOpen);
        }
        self.ephemeral = Some(draw_key(rng)?);
        rng.try_fill_bytes(&mut self.random)
            .map_err(|_| TlsError::NoEntropy)?;
        self.receive = receive;
        self.say_hello(check, &[], out)?;
        self.state = State::ServerHello;
        Ok(())
    }

    /// The ClientHello, which is the same each time but for the cookie (section 4.1.2).
    #[inline(never)]
    fn say_hello(
        &mut self,
        check: &Check<'_, '_>,
        cookie: &[u8],
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        let own = self.ephemeral.as_ref().ok_or(TlsError::NotOpen)?;
        let hello = ClientHello {
            random: self.random,
            key: &own.public_key(),
            suites: check.suites,
            server: check.server,
            algorithms: check.algorithms,
            receive: self.receive,
            cookie,
        };
        let mut body = |to: &mut Writer<'_>| {
            hello.write(to);
            Ok(())
        };
        let transcript = Some(&mut self.transcript);
        out.handshake(CLIENT_HELLO, MAX_PLAIN, None, transcript, &mut body)
    }

    /// One message of the server, up to its Finished.
    #[inline(never)]
    pub fn handle(
        &mut self,
        message: Message<'_>,
        check: &mut Check<'_, '_>,
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        let Message {
            kind,
            whole,
            body,
            alone,
        } = message;
        // Keys change after these: what follows would be read under the wrong ones (section 5.1).
        if matches!(kind, SERVER_HELLO | FINISHED) && !alone {
            return Err(TlsError::UnexpectedMessage);
        }
        if self.state == State::CertificateVerify && kind == CERTIFICATE_VERIFY {
            // Signs what came before it.
            self.certificate_verify(body, check)?;
        } else if self.state == State::Finished && kind == FINISHED {
            return self.finished(whole, body, check, out);
        }
        match (self.state, kind) {
            (State::ServerHello, SERVER_HELLO) => {
                return match Answer::read(body, check.suites)? {
                    Answer::Hello(hello) => self.server_hello(whole, hello),
                    Answer::Retry { suite, cookie } => self.retry(whole, suite, cookie, check, out),
                };
            }
            (State::EncryptedExtensions, ENCRYPTED_EXTENSIONS) => {
                let asked = Asked {
                    name: check.server.as_dns().is_some(),
                    receive: self.receive,
                };
                if let Some(limit) = message::encrypted_extensions(body, asked)? {
                    self.limit = limit;
                }
                self.state = State::Certificate;
            }
            (State::Certificate, CERTIFICATE_REQUEST) => {
                let scheme = check.identity.as_ref().map_or(0, |own| own.signer.scheme());
                self.requested = Some(message::certificate_request(body, scheme)?);
                self.state = State::CertificateOnly;
            }
            (State::Certificate | State::CertificateOnly, CERTIFICATE) => {
                self.certificate(body, check)?;
            }
            (State::CertificateVerify, CERTIFICATE_VERIFY) => self.state = State::Finished,
            // Named, because it is how a server without any proof looks.
            (State::Certificate | State::CertificateOnly, FINISHED) => {
                return Err(TlsError::NoCertificate);
            }
            (State::CertificateVerify, FINISHED) => return Err(TlsError::NoProof),
            _ => return Err(TlsError::UnexpectedMessage),
        }
        self.transcript.update(whole);
        Ok(())
    }

    /// One message of the server after its Finished (section 4.6).
    pub fn handle_open(&mut self, kind: u8, body: Reader<'_>, alone: bool) -> Result<(), TlsError> {
        match kind {
            // For a resumption that we never do.
            NEW_SESSION_TICKET => message::new_session_ticket(body),
            KEY_UPDATE if alone => self.key_update(body),
            _ => Err(TlsError::UnexpectedMessage),
        }
    }

    /// Says hello again with the server's cookie (section 4.1.4).
    #[inline(never)]
    fn retry(
        &mut self,
        whole: &[u8],
        suite: Suite,
        cookie: &[u8],
        check: &Check<'_, '_>,
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        if self.suite.replace(suite).is_some() {
            return Err(TlsError::UnexpectedMessage);
        }
        self.transcript.fold(suite.hash());
        self.transcript.update(whole);
        self.say_hello(check, cookie, out)
    }

    fn server_hello(&mut self, whole: &[u8], hello: ServerHello) -> Result<(), TlsError> {
        // The same as in the HelloRetryRequest, if there was one (section 4.1.4).
        if self.suite.is_some_and(|suite| suite != hello.suite) {
            return Err(TlsError::IllegalParameter);
        }
        self.suite = Some(hello.suite);
        self.transcript.update(whole);
        let own = self.ephemeral.take().ok_or(TlsError::NotOpen)?;
        let scalar = Zeroizing::new(own.to_nonzero_scalar());
        let shared = p256::ecdh::diffie_hellman(&*scalar, hello.key.as_affine());
        let hash = self.hash()?;
        let (keys, main) = handshake_keys(hello.suite, shared.raw_secret_bytes(), &hash);
        self.keys = Some(keys);
        self.main = main;
        self.state = State::EncryptedExtensions;
        Ok(())
    }

    #[inline(never)]
    fn certificate(&mut self, body: Reader<'_>, check: &Check<'_, '_>) -> Result<(), TlsError> {
        let chain = message::certificate(body)?;
        let leaf = chain.first().ok_or(VerifyError::NoCertificate)?;
        let key = match check.trust {
            Some(trust) => verify_server(&chain, check.server, trust)?,
            None => leaf_key(leaf)?,
        };
        self.leaf = Some(key);
        self.state = State::CertificateVerify;
        Ok(())
    }

    #[inline(never)]
    fn certificate_verify(
        &mut self,
        mut body: Reader<'_>,
        check: &Check<'_, '_>,
    ) -> Result<(), TlsError> {
        let scheme = body.u16()?;
        let signature = body.vector(2)?;
        body.end()?;
        let (message, len) = self.to_be_signed(SERVER_PROOF)?;
        let message = message.get(..len).unwrap_or_default();
        let leaf = self.leaf.as_ref().ok_or(TlsError::NoCertificate)?;
        leaf.verify(scheme, message, signature.0, check.algorithms)?;
        Ok(())
    }

    /// The server's Finished, and our answer to it.
    #[inline(never)]
    fn finished(
        &mut self,
        whole: &[u8],
        body: Reader<'_>,
        check: &mut Check<'_, '_>,
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        let hash = self.hash()?;
        let (Some(keys), Some(suite)) = (self.keys.as_mut(), self.suite) else {
            return Err(TlsError::NotOpen);
        };
        keys.read.check(&hash, body.0)?;
        self.transcript.update(whole);
        let application = application_keys(suite, &self.main, &self.hash()?);
        if let Some(usable) = self.requested {
            self.present(check.identity.as_deref_mut().filter(|_| usable), out)?;
        }
        let hash = self.hash()?;
        let keys = self.keys.as_mut().ok_or(TlsError::NotOpen)?;
        let verify_data = keys.write.verify_data(&hash);
        let mut body = |to: &mut Writer<'_>| {
            to.octets(suite.hash().cut(&verify_data));
            Ok(())
        };
        self.say(FINISHED, out, &mut body)?;
        self.keys = Some(application);
        self.main = Secret::new([0; MAX_HASH]);
        self.state = State::Open;
        Ok(())
    }

    /// Our certificate and the proof of its key; without an identity an empty one, and the server decides.
    #[inline(never)]
    fn present(
        &mut self,
        identity: Option<&mut Identity<'_>>,
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        let chain = identity.as_ref().map_or(&[][..], |own| own.chain);
        let mut body = |to: &mut Writer<'_>| {
            to.u8(0);
            let list = to.open(3);
            for der in chain {
                let entry = to.open(3);
                to.octets(der);
                to.close(entry);
                to.u16(0);
            }
            to.close(list);
            Ok(())
        };
        self.say(CERTIFICATE, out, &mut body)?;
        let Some(own) = identity else {
            return Ok(());
        };
        let (message, len) = self.to_be_signed(CLIENT_PROOF)?;
        let message = message.get(..len).unwrap_or_default();
        let signer = &mut own.signer;
        let mut body = |to: &mut Writer<'_>| {
            to.u16(signer.scheme());
            signer.sign(message, to)
        };
        self.say(CERTIFICATE_VERIFY, out, &mut body)
    }

    /// Sends a message of the handshake, sealed.
    fn say(
        &mut self,
        kind: u8,
        out: &mut Outgoing<'_>,
        body: &mut dyn FnMut(&mut Writer<'_>) -> Result<(), TlsError>,
    ) -> Result<(), TlsError> {
        let keys = self.keys.as_mut().ok_or(TlsError::NotOpen)?;
        let transcript = Some(&mut self.transcript);
        out.handshake(kind, self.limit, Some(&mut keys.write), transcript, body)
    }

    /// What a CertificateVerify signs (section 4.4.3), and how many octets that is.
    fn to_be_signed(
        &self,
        context: &[u8; 34],
    ) -> Result<([u8; 64 + 34 + MAX_HASH], usize), TlsError> {
        let hash = self.hash()?;
        let mut message = [0x20; 64 + 34 + MAX_HASH];
        let (_, rest) = message.split_at_mut(64);
        if let Some((place, rest)) = rest.split_first_chunk_mut() {
            *place = *context;
            rest.copy_from_slice(&hash);
        }
        let len = self.suite.map_or(MAX_HASH, |suite| suite.hash().len());
        Ok((message, len.saturating_add(64 + 34)))
    }

    /// Section 4.6.3. However often the server asks, one answer is owed, which goes before the next octets of ours.
    fn key_update(&mut self, mut body: Reader<'_>) -> Result<(), TlsError> {
        let wanted = body.u8()?;
        body.end()?;
        let keys = self.keys.as_mut().ok_or(TlsError::NotOpen)?;
        match wanted {
            0 => {}
            1 => {
                self.owed.get_or_insert(0);
            }
            _ => return Err(TlsError::IllegalParameter),
        }
        keys.read.update();
        self.asked = false;
        Ok(())
    }

    /// Asks for new keys when those of the server have protected many records (section 5.5), as soon as there is room.
    pub fn renew(&mut self, out: &mut Outgoing<'_>) -> Result<(), TlsError> {
        let Some(keys) = self.keys.as_ref().filter(|_| self.state == State::Open) else {
            return Ok(());
        };
        if keys.read.is_worn() && !self.asked {
            self.asked = true;
            self.owed = Some(1);
        }
        if self.owed == Some(1) {
            self.settle(out)?;
        }
        Ok(())
    }

    /// Sends the KeyUpdate that is owed, or that our own keys need (section 5.5). Whether nothing is owed any more: without room in
    /// the send buffer it is remembered.
    pub fn settle(&mut self, out: &mut Outgoing<'_>) -> Result<bool, TlsError> {
        let keys = self.keys.as_mut().ok_or(TlsError::NotOpen)?;
        if keys.write.is_worn() {
            self.owed.get_or_insert(0);
        }
        let Some(request) = self.owed else {
            return Ok(true);
        };
        if !out.has_room(KEY_UPDATE_LEN) {
            return Ok(false);
        }
        // Under the old keys; no transcript is kept any more.
        let mut body = |to: &mut Writer<'_>| {
            to.u8(request);
            Ok(())
        };
        out.handshake(
            KEY_UPDATE,
            self.limit,
            Some(&mut keys.write),
            None,
            &mut body,
        )?;
        keys.write.update();
        self.owed = None;
        Ok(true)
    }
}

/// A key pair for one connection. A source that gives nothing usable is not asked for ever.
fn draw_key(rng: &mut dyn CryptoRngCore) -> Result<SecretKey, TlsError> {
    let mut octets = Zeroizing::new([0; 32]);
    for _ in 0..DRAWS {
        rng.try_fill_bytes(&mut *octets)
            .map_err(|_| TlsError::NoEntropy)?;
        if let Ok(key) = SecretKey::from_slice(&*octets) {
            return Ok(key);
        }
    }
    Err(TlsError::NoEntropy)
}
