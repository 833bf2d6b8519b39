//! Both ends of HTTPS: the certificates of the simulated server, and what a boot on this machine's processor trusts.

use crate::addresses::{SERVER, SERVER6};
use crate::rom::HttpsRom;
use image_server::HttpsConfig;
use netboot::Tls;
use netboot_tls::channel::{LARGE_RECORDS, SEND, SMALL_RECORDS};
use netboot_tls::verify::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use netboot_tls::{Identity, Signer};
use p256::ecdsa::SigningKey;
use p256::pkcs8::DecodePrivateKey as _;
use test_pki::Pki;

/// Name of the simulated server, beside its address.
pub const NAME: &str = "images.example";

/// HTTPS in a plan.
#[derive(Clone, Debug)]
pub struct Https {
    /// The certification authority that the client trusts.
    pub pki: Pki,
    /// What the server shows in place of the right certificate.
    pub shown: Option<test_pki::Identity>,
    /// The server wants a certificate of the client.
    pub mutual: bool,
    /// The client has one.
    pub client: bool,
    /// The client's certificate and key; one of the authority's without.
    pub own: Option<test_pki::Identity>,
    /// What the client knows of the time.
    pub time: TimePolicy,
    /// The client trusts the authority; without it nobody.
    pub trusted: bool,
    /// The root of another authority, DER, which the client trusts in its place.
    pub other_root: Option<Vec<u8>>,
    /// What the ROM trusts in place of the authority: the text of a file as `NETBOOT_TRUST` names it.
    pub trust: Option<String>,
    /// The client has random numbers for keys.
    pub entropy: bool,
    /// Octets of the client's receive buffer.
    pub records: usize,
    /// Most octets of plaintext in one record of the server.
    pub max_fragment: Option<usize>,
}

impl Https {
    /// A server that is right, and records of any size.
    pub fn new(pki: Pki) -> Self {
        Self {
            pki,
            shown: None,
            mutual: false,
            client: false,
            own: None,
            time: TimePolicy::None,
            trusted: true,
            other_root: None,
            trust: None,
            entropy: true,
            records: LARGE_RECORDS,
            max_fragment: None,
        }
    }

    /// The DER of the root that the client trusts.
    pub fn root(&self) -> Vec<u8> {
        let own = || self.pki.root().expect("a root").to_vec();
        self.other_root.clone().unwrap_or_else(own)
    }

    /// The ROM that is such a client, but for a certificate of its own, which the ROM under QEMU never has.
    pub fn rom(&self) -> HttpsRom {
        HttpsRom {
            trust: match (&self.trust, self.trusted) {
                (Some(text), _) => text.clone(),
                (None, true) => test_pki::pem_of(&self.root().into()),
                (None, false) => String::new(),
            },
            small_records: self.records == SMALL_RECORDS,
        }
    }

    /// What the server shows when it is right.
    pub fn identity(&self) -> test_pki::Identity {
        let right = self
            .pki
            .server(&[NAME, &SERVER.to_string(), &SERVER6.to_string()]);
        right.expect("a certificate")
    }

    /// What the client shows when it has something to show.
    pub fn station(&self) -> test_pki::Identity {
        if let Some(own) = &self.own {
            return own.clone();
        }
        self.pki.client("station").expect("a certificate")
    }

    /// The server's side.
    pub(crate) fn server(&self) -> HttpsConfig {
        let shown = self.shown.clone();
        let identity = shown.unwrap_or_else(|| self.identity());
        HttpsConfig {
            client_ca: self.mutual.then(|| self.pki.root().expect("a root")),
            max_fragment: self.max_fragment,
            ..HttpsConfig::new(identity)
        }
    }

    /// The client's side. Its buffers live as long as the process, as they do in a ROM's statics.
    pub fn client(&self) -> &'static mut Tls<'static> {
        let root: &'static [u8] = self.root().leak();
        let roots: &'static [&'static [u8]] = match self.trusted {
            true => vec![root].leak(),
            false => &[],
        };
        let trust = Trust {
            policy: TrustPolicy::Pinned { roots, keys: &[] },
            time: self.time,
            algorithms: DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        };
        let identity = self.client.then(|| {
            let own = self.station();
            let chain = own.chain.iter().map(|der| &*der.to_vec().leak());
            let key = SigningKey::from_pkcs8_der(own.key.secret_der()).expect("a P-256 key");
            Identity {
                chain: chain.collect::<Vec<_>>().leak(),
                signer: Signer::P256(Box::leak(Box::new(key))),
            }
        });
        let receive = vec![0; self.records].leak();
        let send = vec![0; SEND + 2048].leak();
        Box::leak(Box::new(Tls::new(receive, send, trust, identity)))
    }
}
