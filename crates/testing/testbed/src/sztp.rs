//! Secure zero-touch provisioning: who the device is, and what its owner's servers say.

use crate::https::Https;
use crate::rom::SztpRom;
use image_server::Post;
use netboot_app::provisioning::{ANSWER, Provisioning, SERVERS, Store};
use netboot_core::Uri;
use netboot_sztp::{ASK_PATH, About, Assertion, Config, Credentials, MEDIA_TYPE, REPORT_PATH};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use p256::ecdsa::SigningKey;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use test_pki::sztp::{self, VoucherFields};
use test_pki::{Identity, Pki};

/// Serial number of the device.
pub const SERIAL: &str = "JADA123456789";
/// 2025-01-01: the manufacturer's vouchers are of this time.
pub const NOW: u64 = 1_735_689_600;

/// The device in a plan.
#[derive(Clone, Debug)]
pub struct Sztp {
    /// The root of the manufacturer's authority that signs vouchers, in DER.
    pub voucher_root: Vec<u8>,
    /// The device's certificate in DER.
    pub idevid: Vec<u8>,
    /// What the device knows of the time.
    pub time: TimePolicy,
    /// Whether the device trusts bootstrap servers below the roots that its TLS has.
    pub has_anchors: bool,
    /// What the device remembers of its provisioning, if it remembers anything.
    pub store: Option<SharedStore>,
    /// The device's own key, for which it asks its owner for a certificate.
    pub local_key: Option<SigningKey>,
    /// Bootstrap servers that the device knows of itself.
    pub servers: Vec<String>,
    /// What the web server of the plan answers, one after the other, as the bootstrap server that DHCP names. Empty for a plan whose server is made
    /// one otherwise.
    pub answers: Vec<Vec<u8>>,
    /// The device's chain and key as the ROM has them, in PEM.
    pub identity: String,
}

/// Memory that a boot with provisioning lends.
pub struct SztpSpace {
    answers: Vec<u8>,
    servers: Vec<u8>,
    idevid: Vec<u8>,
    root: Vec<u8>,
    store: Option<SharedStore>,
    local_key: Option<SigningKey>,
    configuration: Vec<u8>,
}

/// What a device remembers of its provisioning, in memory that several boots share.
#[derive(Clone, Debug)]
pub struct SharedStore {
    enabled: Arc<AtomicBool>,
    certificate: Arc<Mutex<Vec<u8>>>,
}

impl SharedStore {
    /// The store of a device on which provisioning is enabled, or not.
    pub fn new(enabled: bool) -> Self {
        Self {
            enabled: Arc::new(AtomicBool::new(enabled)),
            certificate: Arc::default(),
        }
    }

    /// The certificate that the device has kept; empty without one.
    pub fn certificate(&self) -> Vec<u8> {
        let certificate = self.certificate.lock();
        certificate.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Store for SharedStore {
    fn is_enabled(&mut self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    fn set_enabled(&mut self, enabled: bool) -> bool {
        self.enabled.store(enabled, Ordering::Relaxed);
        true
    }

    fn keep_certificate(&mut self, certificate: &[u8]) -> bool {
        let mut kept = self
            .certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *kept = certificate.to_vec();
        true
    }
}

impl Sztp {
    /// The device of a test, which trusts vouchers of [`People`]'s manufacturer.
    pub fn new() -> Self {
        let people = People::new();
        Self {
            voucher_root: people.masa_root,
            idevid: people.idevid,
            time: TimePolicy::Trusted(NOW),
            has_anchors: false,
            store: None,
            local_key: None,
            servers: Vec::new(),
            answers: Vec::new(),
            identity: people.idevid_pem,
        }
    }

    /// The device whose certificate `https` has issued, for servers that want to see one. With `trusted` the server is one that the device trusts, and sends
    /// what nobody has signed; otherwise the owner has signed it. The image is the file at `place` with this SHA-256.
    pub fn offered(https: &Https, trusted: bool, place: &str, sha256: &str) -> Self {
        let station = https.station();
        let demands = onboarding(&[place], Some(sha256));
        Self {
            idevid: station.chain[0].to_vec(),
            identity: station.chain_pem() + &station.key_pem(),
            has_anchors: trusted,
            answers: vec![match trusted {
                true => unsigned(&demands),
                false => People::new().signed(&demands),
            }],
            ..Self::new()
        }
    }

    /// The ROM of this device.
    pub fn rom(&self) -> SztpRom {
        SztpRom {
            vouchers: test_pki::pem_of(&self.voucher_root.as_slice().into()),
            idevid: self.identity.clone(),
        }
    }

    /// Lines of the settings that tell the board who it is.
    pub fn settings_text(&self) -> String {
        let servers = self.servers.iter().map(|server| format!("sztp {server}\n"));
        format!(
            "serial {SERIAL}\nproduct model-x\n{}",
            servers.collect::<String>()
        )
    }

    /// Memory for one boot.
    pub fn space(&self) -> SztpSpace {
        SztpSpace {
            answers: vec![0; ANSWER],
            servers: vec![0; SERVERS],
            idevid: self.idevid.clone(),
            root: self.voucher_root.clone(),
            store: self.store.clone(),
            local_key: self.local_key.clone(),
            configuration: vec![0; 4096],
        }
    }

    /// What the boot application needs. `roots` is a place for the list of roots.
    ///
    /// # Panics
    /// When a server of the plan is no URI.
    pub fn provisioning<'s>(
        &self,
        space: &'s mut SztpSpace,
        roots: &'s mut Vec<&'s [u8]>,
    ) -> Provisioning<'s> {
        let SztpSpace {
            answers,
            servers,
            idevid,
            root,
            store,
            local_key,
            configuration,
        } = space;
        roots.push(root);
        let config = Config {
            credentials: Credentials {
                serial_number: SERIAL,
                idevid,
                vouchers: Trust {
                    policy: TrustPolicy::Pinned { roots, keys: &[] },
                    time: self.time,
                    algorithms: DEFAULT_ALGORITHMS,
                    max_depth: MAX_DEPTH,
                },
                assertions: &[Assertion::Verified, Assertion::Logged],
            },
            about: About {
                hw_model: "model-x",
                os_name: "caliptra-mcu-rom",
                os_version: "1.0",
            },
            has_anchors: self.has_anchors,
        };
        let mut provisioning = Provisioning::new(config, answers, servers);
        if let Some(store) = store {
            provisioning.use_store(store);
        }
        if let Some(key) = local_key {
            provisioning.use_local_key(key, configuration);
        }
        for server in &self.servers {
            let uri = Uri::parse(server).expect("the URI of a bootstrap server");
            provisioning.add_server(&uri).expect("room for a server");
        }
        provisioning
    }
}

impl Default for Sztp {
    fn default() -> Self {
        Self::new()
    }
}

/// A key of a device's own, the same at each call.
///
/// # Panics
/// Never: the number is one of the group's.
pub fn local_key() -> SigningKey {
    SigningKey::from_slice(&[9; 32]).expect("a key")
}

/// Everybody who signs something.
#[derive(Clone, Debug)]
pub struct People {
    /// Signs vouchers.
    pub masa: Identity,
    /// The root above it, in DER.
    pub masa_root: Vec<u8>,
    /// Signs what the owner conveys.
    pub owner: Identity,
    /// The root of the owner's domain, in DER: what vouchers pin.
    pub domain: Vec<u8>,
    /// The device's certificate in DER.
    pub idevid: Vec<u8>,
    /// The same with its key, in PEM.
    pub idevid_pem: String,
}

impl People {
    /// Makes everybody; the same at each call.
    ///
    /// # Panics
    /// Never with the seeds that are used here.
    pub fn new() -> Self {
        let signer = |seed, name| sztp::signer(seed, name).expect("a signer");
        let (masa, masa_root) = signer(301, "MASA");
        let (owner, domain) = signer(302, "Owner");
        let idevid = Pki::new(303).client(SERIAL).expect("a certificate");
        Self {
            masa,
            masa_root,
            owner,
            domain,
            idevid: idevid.chain[0].to_vec(),
            idevid_pem: idevid.chain_pem() + &idevid.key_pem(),
        }
    }

    /// The content of an answer with `json`, signed by the owner, and a voucher for the device.
    ///
    /// # Panics
    /// When OpenSSL is not installed.
    pub fn signed(&self, json: &str) -> Vec<u8> {
        let fields = VoucherFields::new(SERIAL, &self.domain);
        let voucher = sztp::voucher(&self.masa, &fields.json()).expect("a voucher");
        let chain: Vec<&[u8]> = self.owner.chain.iter().map(|der| &**der).collect();
        let certificate = sztp::certificates_only(&chain).expect("an owner certificate");
        let conveyed = sztp::conveyed(&self.owner, json).expect("conveyed information");
        sztp::answer(&conveyed, Some((&certificate, &voucher))).into_bytes()
    }
}

impl Default for People {
    fn default() -> Self {
        Self::new()
    }
}

/// The content of an answer with `json` that nobody has signed.
///
/// # Panics
/// When `json` is very long.
pub fn unsigned(json: &str) -> Vec<u8> {
    let conveyed = sztp::unsigned(sztp::CONVEYED_JSON, json.as_bytes()).expect("a message");
    sztp::answer(&conveyed, None).into_bytes()
}

/// Onboarding information with a boot image at these places, and the digest of its file.
pub fn onboarding(places: &[&str], sha256: Option<&str>) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("\"{place}\"")).collect();
    let hash = sha256.map(|hex| {
        let pairs: Vec<&str> = (0..32).map(|at| &hex[2 * at..2 * at + 2]).collect();
        format!(
            r#","image-verification":[{{"hash-algorithm":"ietf-sztp-conveyed-info:sha-256","hash-value":"{}"}}]"#,
            pairs.join(":")
        )
    });
    format!(
        r#"{{"ietf-sztp-conveyed-info:onboarding-information":{{"boot-image":{{"os-name":"fw","os-version":"2","download-uri":[{}]{}}}}}}}"#,
        places.join(","),
        hash.unwrap_or_default()
    )
}

/// Makes a web server a bootstrap server that gives these answers, one after the other, the last one again and again, and accepts all reports.
pub fn serve(posts: &mut BTreeMap<String, Post>, answers: &[Vec<u8>]) {
    let mut post = None;
    for answer in answers.iter().rev() {
        post = Some(Box::new(Post {
            status: 200,
            media_type: MEDIA_TYPE.into(),
            accept: Some(MEDIA_TYPE.into()),
            content: Some(answer.clone()),
            then: post,
        }));
    }
    if let Some(post) = post {
        posts.insert(ASK_PATH.into(), *post);
    }
    posts.insert(
        REPORT_PATH.into(),
        Post {
            status: 204,
            media_type: String::new(),
            accept: None,
            content: Some(Vec::new()),
            then: None,
        },
    );
}

/// The value of DHCP's option 143 with this server.
pub fn option(uri: &str) -> (u8, Vec<u8>) {
    let mut value = u16::try_from(uri.len())
        .expect("a short URI")
        .to_be_bytes()
        .to_vec();
    value.extend(uri.as_bytes());
    (143, value)
}
