//! The handshake's state machine (RFC 8446, appendix A.1), strict: one message is allowed at each step, but for the
//! CertificateRequest, which may be left out.

use crate::TlsError;
use crate::flight::Outgoing;
use crate::hello::{ClientHello, ServerHello};
use crate::identity::Identity;
use crate::message::{
    self, Asked, CERTIFICATE, CERTIFICATE_REQUEST, CERTIFICATE_VERIFY, CLIENT_HELLO,
    ENCRYPTED_EXTENSIONS, FINISHED, KEY_UPDATE, NEW_SESSION_TICKET, SERVER_HELLO,
};
use crate::record::Stage;
use crate::schedule::{HASH, Hash, KeyPair, Secret, application_keys, handshake_keys};
use crate::suite::Suite;
use crate::verify::{LeafKey, ServerName, Trust, leaf_key, verify_server};
use crate::wire::{Reader, Writer};
use p256::SecretKey;
use rand_core::CryptoRngCore;
use rustls_pki_types::SignatureVerificationAlgorithm;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Tries at drawing a key: more than one is as likely as a working random source is to be wrong.
const DRAWS: usize = 8;
/// Before what the server signs, and before what we sign (section 4.4.3).
const SERVER_PROOF: &[u8; 34] = b"TLS 1.3, server CertificateVerify\0";
const CLIENT_PROOF: &[u8; 34] = b"TLS 1.3, client CertificateVerify\0";

/// What the server has to be and what we offer it: a [`Config`](crate::Config) without its type, so that the machinery exists
/// once.
pub(crate) struct Check<'c, 'a> {
    pub server: &'c ServerName<'c>,
    pub trust: Option<&'c Trust<'a>>,
    pub algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
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
    transcript: Sha256,
    ephemeral: Option<SecretKey>,
    suite: Option<Suite>,
    keys: Option<KeyPair>,
    main: Secret,
    leaf: Option<LeafKey>,
    /// The server wants our certificate, and whether it can check our signature.
    requested: Option<bool>,
    /// Octets of the receive buffer, as the ClientHello told.
    receive: usize,
    /// The server takes no more plaintext in a record, content type included.
    pub limit: u16,
}

impl Handshake {
    pub fn new() -> Self {
        Self {
            state: State::Idle,
            transcript: Sha256::new(),
            ephemeral: None,
            suite: None,
            keys: None,
            main: Zeroizing::default(),
            leaf: None,
            requested: None,
            receive: 0,
            limit: u16::MAX,
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

    fn hash(&self) -> Hash {
        self.transcript.clone().finalize().into()
    }

    /// Sends the ClientHello.
    #[inline(never)]
    pub fn start(
        &mut self,
        server: &ServerName<'_>,
        suites: &[Suite],
        receive: usize,
        rng: &mut dyn CryptoRngCore,
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        let ephemeral = draw_key(rng)?;
        let mut random = [0; 32];
        rng.try_fill_bytes(&mut random)
            .map_err(|_| TlsError::NoEntropy)?;
        let hello = ClientHello {
            random,
            key: &ephemeral.public_key(),
            suites,
            server,
            receive,
        };
        let mut body = |to: &mut Writer<'_>| {
            hello.write(to);
            Ok(())
        };
        out.handshake(CLIENT_HELLO, None, &mut self.transcript, &mut body)?;
        self.ephemeral = Some(ephemeral);
        self.receive = receive;
        self.state = State::ServerHello;
        Ok(())
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
                self.transcript.update(whole);
                return self.server_hello(body, check.suites);
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
    pub fn handle_open(
        &mut self,
        kind: u8,
        body: Reader<'_>,
        alone: bool,
        out: &mut Outgoing<'_>,
    ) -> Result<(), TlsError> {
        match kind {
            // For a resumption that we never do.
            NEW_SESSION_TICKET => Ok(()),
            KEY_UPDATE if alone => self.key_update(body, out),
            _ => Err(TlsError::UnexpectedMessage),
        }
    }

    fn server_hello(&mut self, body: Reader<'_>, offered: &[Suite]) -> Result<(), TlsError> {
        let hello = ServerHello::read(body, offered)?;
        let own = self.ephemeral.take().ok_or(TlsError::NotOpen)?;
        let shared = p256::ecdh::diffie_hellman(own.to_nonzero_scalar(), hello.key.as_affine());
        let (keys, main) = handshake_keys(hello.suite, shared.raw_secret_bytes(), &self.hash());
        self.keys = Some(keys);
        self.main = main;
        self.suite = Some(hello.suite);
        self.state = State::EncryptedExtensions;
        Ok(())
    }

    #[inline(never)]
    fn certificate(&mut self, body: Reader<'_>, check: &Check<'_, '_>) -> Result<(), TlsError> {
        let chain = message::certificate(body)?;
        let leaf = chain.first().ok_or(TlsError::NoCertificate)?;
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
        let message = to_be_signed(SERVER_PROOF, &self.hash());
        let leaf = self.leaf.as_ref().ok_or(TlsError::NoCertificate)?;
        leaf.verify(scheme, &message, signature.0, check.algorithms)?;
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
        let hash = self.hash();
        let (Some(keys), Some(suite)) = (self.keys.as_mut(), self.suite) else {
            return Err(TlsError::NotOpen);
        };
        keys.read.check(&hash, body.0)?;
        self.transcript.update(whole);
        let application = application_keys(suite, &self.main, &self.hash());
        if let Some(usable) = self.requested {
            self.present(check.identity.as_deref_mut().filter(|_| usable), out)?;
        }
        let hash = self.hash();
        let Some(keys) = self.keys.as_mut() else {
            return Err(TlsError::NotOpen);
        };
        let verify_data = keys.write.verify_data(&hash);
        let mut body = |to: &mut Writer<'_>| {
            to.octets(&verify_data);
            Ok(())
        };
        out.handshake(
            FINISHED,
            Some(&mut keys.write),
            &mut self.transcript,
            &mut body,
        )?;
        *keys = application;
        self.main = Secret::default();
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
        let keys = self.keys.as_mut().ok_or(TlsError::NotOpen)?;
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
        out.handshake(
            CERTIFICATE,
            Some(&mut keys.write),
            &mut self.transcript,
            &mut body,
        )?;
        let Some(own) = identity else {
            return Ok(());
        };
        let message = to_be_signed(CLIENT_PROOF, &self.hash());
        let keys = self.keys.as_mut().ok_or(TlsError::NotOpen)?;
        let signer = &mut own.signer;
        let mut body = |to: &mut Writer<'_>| {
            to.u16(signer.scheme());
            signer.sign(&message, to)
        };
        out.handshake(
            CERTIFICATE_VERIFY,
            Some(&mut keys.write),
            &mut self.transcript,
            &mut body,
        )
    }

    /// Section 4.6.3.
    fn key_update(&mut self, mut body: Reader<'_>, out: &mut Outgoing<'_>) -> Result<(), TlsError> {
        let wanted = body.u8()?;
        body.end()?;
        let keys = self.keys.as_mut().ok_or(TlsError::NotOpen)?;
        match wanted {
            0 => {}
            1 => {
                // Under the old keys; no transcript is kept any more.
                let mut nowhere = Sha256::new();
                let mut body = |to: &mut Writer<'_>| {
                    to.u8(0);
                    Ok(())
                };
                out.handshake(KEY_UPDATE, Some(&mut keys.write), &mut nowhere, &mut body)?;
                keys.write.update();
            }
            _ => return Err(TlsError::IllegalParameter),
        }
        keys.read.update();
        Ok(())
    }
}

/// What a CertificateVerify signs (section 4.4.3).
fn to_be_signed(context: &[u8; 34], hash: &Hash) -> [u8; 64 + 34 + HASH] {
    let mut message = [0x20; 64 + 34 + HASH];
    let (_, rest) = message.split_at_mut(64);
    if let Some((place, rest)) = rest.split_first_chunk_mut() {
        *place = *context;
        rest.copy_from_slice(hash);
    }
    message
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
