//! One connection of the server, sans-IO.

use crate::hello::ClientHello;
use crate::keys::{Pair, Protection, Schedule, Secret, finished, hash};
use crate::messages;
use crate::report::Report;
use crate::script::{Epoch, Script, Seal, ServerHello, Step};
use crate::wire::{AES_128_GCM, CHACHA20_POLY1305, P256, content, handshake, message, record};
use p256::pkcs8::DecodePrivateKey as _;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use std::collections::VecDeque;
use std::time::Duration;
use test_pki::Identity;

/// Most octets of plaintext in a record (section 5.1).
const LONGEST: usize = 16_384;
/// Octets given at a time; [`Server::feed`] without octets goes on.
const PORTION: usize = 64 * 1024;
/// Octets that may wait for the script; a client that says more is not heard.
const MOST_WAITING: usize = 1 << 20;

/// How the script ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// In order.
    Cut,
    /// By a reset.
    Reset,
}

/// One connection.
pub struct Server {
    identity: Identity,
    key: p256::ecdsa::SigningKey,
    steps: VecDeque<Step>,
    suite: Option<u16>,
    rng: ChaCha20Rng,
    report: Report,
    end: Option<End>,
    pause: Option<Duration>,
    /// Octets received and not yet read as records.
    inbox: Vec<u8>,
    /// Handshake octets received and not yet read as messages.
    incoming: Vec<u8>,
    awaited_hellos: usize,
    awaited_requests: usize,
    /// All handshake messages so far; of the client's after Finished none.
    transcript: Vec<u8>,
    /// The same before Certificate.
    before_certificate: Secret,
    schedule: Option<Schedule>,
    handshake: Option<Pair>,
    application: Option<Pair>,
    /// Hash of everything up to the server's Finished.
    server_finished: Option<Secret>,
    reads: Option<Protection>,
    epoch: Epoch,
    writes: Option<Protection>,
    /// Handshake octets to be sent.
    outgoing: Vec<u8>,
    coalesce: bool,
    hold_back: usize,
    held: Vec<u8>,
    fragment: usize,
    padding: usize,
    last_record: Vec<u8>,
    out: Vec<u8>,
}

impl Server {
    /// A connection that goes by `script`, with chance from `seed`.
    ///
    /// # Panics
    /// When the identity's key is none on P-256: the server signs with nothing else.
    pub fn new(identity: &Identity, script: &Script, seed: u64) -> Self {
        let key = p256::ecdsa::SigningKey::from_pkcs8_der(identity.key.secret_der())
            .expect("an identity with a key on P-256");
        Self {
            identity: identity.clone(),
            key,
            steps: script.steps.iter().cloned().collect(),
            suite: script.suite,
            rng: ChaCha20Rng::seed_from_u64(seed),
            report: Report::default(),
            end: None,
            pause: None,
            inbox: Vec::new(),
            incoming: Vec::new(),
            awaited_hellos: 0,
            awaited_requests: 0,
            transcript: Vec::new(),
            before_certificate: hash(b""),
            schedule: None,
            handshake: None,
            application: None,
            server_finished: None,
            reads: None,
            epoch: Epoch::Plain,
            writes: None,
            outgoing: Vec::new(),
            coalesce: false,
            hold_back: 0,
            held: Vec::new(),
            fragment: 0,
            padding: 0,
            last_record: Vec::new(),
            out: Vec::new(),
        }
    }

    /// Takes octets of the client and gives octets for it. While [`wants_more`](Self::wants_more), call it
    /// again, with or without octets.
    pub fn feed(&mut self, octets: &[u8]) -> Vec<u8> {
        self.hear(octets);
        self.pause = None;
        while self.out.len() < PORTION && self.end.is_none() && self.pause.is_none() {
            if !self.step() {
                break;
            }
            // New keys may open what has waited.
            self.read();
        }
        self.report.complete = self.steps.is_empty();
        std::mem::take(&mut self.out)
    }

    /// Takes octets of the client and does nothing: during a [`pause`](Self::pause).
    pub fn hear(&mut self, octets: &[u8]) {
        if self.inbox.len() < MOST_WAITING {
            self.inbox.extend_from_slice(octets);
        }
        self.read();
    }

    /// Whether the script goes on without the client: at once, or after [`pause`](Self::pause).
    pub fn wants_more(&self) -> bool {
        self.end.is_none() && self.steps.front().is_some_and(|step| !self.must_wait(step))
    }

    /// How long to wait before the next [`feed`](Self::feed), if the script says so.
    pub fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// How the connection is to end, now that everything before was given out.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// What the client did so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    // What comes in.

    /// Reads the records that are there whole.
    fn read(&mut self) {
        while let [kind, _, _, high, low, ..] = self.inbox[..] {
            let length = usize::from(u16::from_be_bytes([high, low]));
            // What the client sends before the script has made its keys waits for them.
            let early = kind == content::DATA && self.reads.is_none();
            if self.inbox.len() < 5 + length || early || self.report.error.is_some() {
                return;
            }
            let rest = self.inbox.split_off(5 + length);
            let record = std::mem::replace(&mut self.inbox, rest);
            let (head, body) = record.split_at(5);
            match (kind, &mut self.reads) {
                (content::CCS, _) => {}
                (content::DATA, Some(reads)) => match reads.open(head, body) {
                    Some(inner) => self.inner(&inner),
                    None => self.report.error = Some("a record that is not genuine"),
                },
                (content::ALERT, _) => self.alert(body, false),
                (content::HANDSHAKE, None) => self.handshake(body),
                _ => self.report.error = Some("a record of no use here"),
            }
        }
    }

    fn inner(&mut self, inner: &[u8]) {
        let Some(end) = inner.iter().rposition(|octet| *octet != 0) else {
            self.report.error = Some("a record without a type");
            return;
        };
        let (body, kind) = (&inner[..end], inner[end]);
        self.report.largest = self.report.largest.max(body.len());
        match kind {
            content::HANDSHAKE => self.handshake(body),
            content::DATA => self.report.data.extend_from_slice(body),
            content::ALERT => self.alert(body, true),
            _ => self.report.error = Some("a record of an unknown type"),
        }
    }

    fn alert(&mut self, body: &[u8], sealed: bool) {
        match body {
            [level, description] => self.report.alerts.push((*level, *description, sealed)),
            _ => self.report.error = Some("an alert that is none"),
        }
    }

    fn handshake(&mut self, octets: &[u8]) {
        self.incoming.extend_from_slice(octets);
        while let Some((kind, body, length)) = messages::first_message(&self.incoming) {
            let body = body.to_vec();
            let whole: Vec<u8> = self.incoming.drain(..length).collect();
            let sealed = self.reads.is_some();
            if sealed {
                self.report.handshake.push(kind);
            }
            match (kind, sealed) {
                (handshake::CLIENT_HELLO, false) => match ClientHello::parse(&body) {
                    Some(hello) => self.report.hellos.push(hello),
                    None => self.report.error = Some("a ClientHello that is none"),
                },
                (handshake::FINISHED, true) => self.finished(&body),
                (handshake::CERTIFICATE, true) => self.report.certificate = Some(body),
                (handshake::KEY_UPDATE, true) => {
                    if let Some(reads) = &mut self.reads {
                        reads.update();
                    }
                    continue;
                }
                _ => {}
            }
            self.transcript.extend_from_slice(&whole);
        }
    }

    /// The client's Finished: right or wrong, its application keys follow.
    fn finished(&mut self, body: &[u8]) {
        let Some(pair) = self.handshake else { return };
        let right = finished(&pair.client, &hash(&self.transcript));
        self.report.finished = Some(body == right);
        if let Some(pair) = self.application {
            self.reads = Some(Protection::new(self.suite(), pair.client));
        }
    }

    // What goes out.

    fn must_wait(&self, step: &Step) -> bool {
        match step {
            Step::AwaitHello => self.report.hellos.len() <= self.awaited_hellos,
            Step::AwaitFinished => self.report.finished.is_none(),
            Step::AwaitRequest => self.report.requests() <= self.awaited_requests,
            _ => false,
        }
    }

    /// Does the next step, unless it has to wait.
    fn step(&mut self) -> bool {
        let Some(step) = self.steps.front() else {
            self.flush();
            return false;
        };
        if self.must_wait(step) {
            self.flush();
            return false;
        }
        let Some(step) = self.steps.pop_front() else {
            return false;
        };
        if let Step::Repeat(times, inner) = step {
            if times > 1 {
                self.steps
                    .push_front(Step::Repeat(times - 1, inner.clone()));
            }
            if times > 0 {
                self.steps.push_front(*inner);
            }
            return true;
        }
        self.report.steps += 1;
        self.act(step);
        true
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::AwaitHello => self.awaited_hellos += 1,
            Step::AwaitRequest => self.awaited_requests += 1,
            Step::AwaitFinished | Step::Repeat(..) => {}
            Step::ServerHello(fields) => self.server_hello(&fields),
            Step::HelloRetryRequest(fields) => {
                // Section 4.4.1: the first hello is in the transcript as its hash.
                let hello = message(handshake::MESSAGE_HASH, &hash(&self.transcript));
                self.transcript = hello;
                let body = messages::hello_retry(&fields, &self.hello(), self.suite());
                self.say(handshake::SERVER_HELLO, &body);
            }
            Step::EncryptedExtensions(list) => {
                let body = crate::wire::extensions(&list);
                self.say(handshake::ENCRYPTED_EXTENSIONS, &body);
            }
            Step::CertificateRequest {
                context,
                extensions,
            } => {
                let list = crate::wire::extensions(&extensions);
                let body = [crate::wire::vector(1, &context), list].concat();
                self.say(handshake::CERTIFICATE_REQUEST, &body);
            }
            Step::Certificate(fields) => {
                self.before_certificate = hash(&self.transcript);
                let body = messages::certificate(&fields, &self.identity);
                self.say(handshake::CERTIFICATE, &body);
            }
            Step::CertificateVerify(proof) => {
                let (now, before) = (hash(&self.transcript), self.before_certificate);
                let body = messages::certificate_verify(&proof, &self.key, &now, &before);
                self.say(handshake::CERTIFICATE_VERIFY, &body);
            }
            Step::Finished(seal) => self.say_finished(seal),
            Step::NewSessionTicket(lifetime) => {
                let body = messages::new_session_ticket(lifetime);
                self.queue(&message(handshake::NEW_SESSION_TICKET, &body));
            }
            Step::KeyUpdate(request) => {
                self.queue(&message(handshake::KEY_UPDATE, &[request]));
                self.flush();
                if let Some(writes) = &mut self.writes {
                    writes.update();
                }
            }
            Step::Handshake(kind, body) => self.say(kind, &body),
            Step::HandshakeOctets(octets) => self.queue(&octets),
            Step::Coalesce => self.coalesce = true,
            Step::HoldBack(octets) => self.hold_back = octets,
            Step::Fragment(octets) => self.fragment = octets,
            Step::Padding(octets) => self.padding = octets,
            other => {
                self.flush();
                self.act_on_records(other);
            }
        }
    }

    /// The steps that are no handshake messages.
    fn act_on_records(&mut self, step: Step) {
        match step {
            Step::Data(octets) => self.send(content::DATA, &octets),
            Step::Alert(level, description) => self.send(content::ALERT, &[level, description]),
            Step::Sealed(kind, octets) => self.seal(&[&octets[..], &[kind]].concat()),
            Step::SealedInner(inner) => self.seal(&inner),
            Step::SealedAs {
                kind,
                version,
                content,
            } => {
                let inner = [&content[..], &[content::HANDSHAKE]].concat();
                self.seal_as(kind, version, &inner);
            }
            Step::BadTag(octets) => {
                self.seal(&[&octets[..], &[content::DATA]].concat());
                let copies = [self.out.last_mut(), self.last_record.last_mut()];
                copies.into_iter().flatten().for_each(|last| *last ^= 1);
            }
            Step::Plain(kind, octets) => self.give(record(kind, 0x0303, &octets)),
            Step::Raw(octets) => self.out.extend_from_slice(&octets),
            Step::Replay => self.out.extend_from_slice(&self.last_record),
            Step::SkipSequence => {
                if let Some(writes) = &mut self.writes {
                    writes.sequence += 1;
                }
            }
            Step::Keys(epoch) => self.switch(epoch),
            Step::Pause(span) => self.pause = Some(span),
            Step::Cut => self.end = Some(End::Cut),
            Step::Reset => self.end = Some(End::Reset),
            _ => {}
        }
    }

    fn hello(&self) -> ClientHello {
        self.report.hellos.last().cloned().unwrap_or_default()
    }

    /// The suite that keys are made for.
    fn suite(&self) -> u16 {
        self.suite.unwrap_or_else(|| {
            let known = |suite: &u16| matches!(*suite, AES_128_GCM | CHACHA20_POLY1305);
            let offered = self.hello().suites;
            offered.into_iter().find(known).unwrap_or(AES_128_GCM)
        })
    }

    fn server_hello(&mut self, fields: &ServerHello) {
        let hello = self.hello();
        let mut chance = [0; 32];
        self.rng.fill_bytes(&mut chance);
        let secret = p256::ecdh::EphemeralSecret::random(&mut self.rng);
        let share = secret.public_key();
        let body = messages::server_hello(fields, &hello, self.suite(), chance, &share);
        let coalesce = std::mem::replace(&mut self.coalesce, true);
        self.say(handshake::SERVER_HELLO, &body);
        if !fields.behind.is_empty() {
            self.queue(&fields.behind);
        }
        self.coalesce = coalesce;
        // A client without a share on P-256 gets keys that it cannot have.
        let peer = hello.share(P256);
        let peer = peer.and_then(|octets| p256::PublicKey::from_sec1_bytes(octets).ok());
        let shared = secret.diffie_hellman(&peer.unwrap_or(share));
        let schedule = Schedule::new(shared.raw_secret_bytes());
        let pair = schedule.handshake(&hash(&self.transcript));
        self.schedule = Some(schedule);
        self.handshake = Some(pair);
        self.reads = Some(Protection::new(self.suite(), pair.client));
        self.switch(Epoch::Handshake);
    }

    fn say_finished(&mut self, seal: Seal) {
        let Some(pair) = self.handshake else { return };
        let secret = match seal {
            Seal::ClientKey => &pair.client,
            _ => &pair.server,
        };
        let mut body = finished(secret, &hash(&self.transcript)).to_vec();
        match seal {
            Seal::Corrupt => body[0] ^= 1,
            Seal::Short => body.truncate(31),
            Seal::Good | Seal::ClientKey => {}
        }
        self.say(handshake::FINISHED, &body);
        if self.server_finished.is_none()
            && let Some(schedule) = &self.schedule
        {
            let transcript = hash(&self.transcript);
            self.server_finished = Some(transcript);
            self.application = Some(schedule.application(&transcript));
            self.switch(Epoch::Application);
        }
    }

    /// Goes on under the keys of `epoch`, as far as they are there.
    fn switch(&mut self, epoch: Epoch) {
        self.flush();
        self.epoch = epoch;
        let secret = match epoch {
            Epoch::Plain => None,
            Epoch::Handshake => self.handshake.map(|pair| pair.server),
            Epoch::Application => self.application.map(|pair| pair.server),
        };
        self.writes = secret.map(|secret| Protection::new(self.suite(), secret));
    }

    /// A handshake message that counts.
    fn say(&mut self, kind: u8, body: &[u8]) {
        let whole = message(kind, body);
        self.transcript.extend_from_slice(&whole);
        self.queue(&whole);
    }

    fn queue(&mut self, octets: &[u8]) {
        self.outgoing.append(&mut self.held);
        let now = octets
            .len()
            .saturating_sub(std::mem::take(&mut self.hold_back));
        let (now, later) = octets.split_at(now);
        self.outgoing.extend_from_slice(now);
        self.held = later.to_vec();
        if !self.coalesce {
            self.flush();
        }
    }

    /// Sends the handshake octets that wait.
    fn flush(&mut self) {
        let octets = std::mem::take(&mut self.outgoing);
        if !octets.is_empty() {
            self.send(content::HANDSHAKE, &octets);
        }
    }

    /// Sends content in as many records as it takes, under the present keys.
    fn send(&mut self, kind: u8, octets: &[u8]) {
        let size = match self.fragment {
            _ if kind == content::ALERT => LONGEST,
            0 => LONGEST,
            size => size,
        };
        for piece in octets.chunks(size) {
            if self.writes.is_none() {
                self.give(record(kind, 0x0303, piece));
            } else {
                self.seal(&[piece, &[kind][..]].concat());
            }
        }
    }

    fn seal(&mut self, inner: &[u8]) {
        self.seal_as(content::DATA, 0x0303, inner);
    }

    fn seal_as(&mut self, kind: u8, version: u16, inner: &[u8]) {
        let mut inner = inner.to_vec();
        inner.resize(inner.len() + self.padding, 0);
        let Some(writes) = &mut self.writes else {
            // Without keys a sealed record is one that nobody can open.
            return self.give(record(kind, version, &inner));
        };
        let length = (inner.len() + 16) as u16;
        let mut head = vec![kind];
        head.extend(version.to_be_bytes());
        head.extend(length.to_be_bytes());
        let sealed = writes.seal(&head, &inner);
        self.give([head, sealed].concat());
    }

    fn give(&mut self, record: Vec<u8>) {
        self.out.extend_from_slice(&record);
        self.last_record = record;
    }
}
