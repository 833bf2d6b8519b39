//! The manufacturer, the owner, the device, and what they hold.

use netboot_sztp::{About, Artifacts, Assertion, Config, Credentials, Judged, SztpError, judge};
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};
use std::sync::LazyLock;
use test_pki::sztp::{self, VoucherFields};
use test_pki::{Identity, Pki};

/// 2025-01-01, when all certificates and vouchers are valid that are not made otherwise.
pub const NOW: u64 = 1_735_689_600;
pub const SERIAL: &str = "JADA123456789";
pub const NONCE: [u8; 16] = *b"sixteen octets..";
/// What is conveyed, if nothing else is.
pub const ONBOARDING: &str = r#"{"ietf-sztp-conveyed-info:onboarding-information":{"boot-image":{"os-name":"fw","os-version":"2","download-uri":["https://images.example/fw"]}}}"#;
pub const REDIRECT: &str = r#"{"ietf-sztp-conveyed-info:redirect-information":{"bootstrap-server":[{"address":"next.example","port":9090}]}}"#;

/// Everybody, made once: each signature is a run of OpenSSL.
pub static PEOPLE: LazyLock<People> = LazyLock::new(People::new);

pub struct People {
    /// Signs vouchers, below its own root.
    pub masa: Identity,
    pub masa_root: Vec<u8>,
    /// Root of the owner's domain: what vouchers pin.
    pub domain: Vec<u8>,
    pub owner: Identity,
    /// Has the same name and another root.
    pub stranger: Identity,
    pub stranger_domain: Vec<u8>,
    pub idevid: Vec<u8>,
}

impl People {
    fn new() -> Self {
        let (masa, masa_root) = sztp::signer(101, "MASA").unwrap();
        let (owner, domain) = sztp::signer(102, "Owner").unwrap();
        let (stranger, stranger_domain) = sztp::signer(103, "Owner").unwrap();
        let idevid = Pki::new(104).client(SERIAL).unwrap();
        Self {
            masa,
            masa_root,
            domain,
            owner,
            stranger,
            stranger_domain,
            idevid: idevid.chain[0].to_vec(),
        }
    }

    /// The fields of a good voucher.
    pub fn fields(&self) -> VoucherFields {
        VoucherFields::new(SERIAL, &self.domain)
    }
}

/// What a server sends.
#[derive(Clone, Debug)]
pub struct Sent {
    pub conveyed: Vec<u8>,
    pub ownership: Option<(Vec<u8>, Vec<u8>)>,
}

impl Sent {
    /// Conveyed information that nobody has signed.
    pub fn unsigned(json: &str) -> Self {
        Self {
            conveyed: sztp::unsigned(sztp::CONVEYED_JSON, json.as_bytes()).unwrap(),
            ownership: None,
        }
    }

    /// Conveyed information of the owner's, with a voucher of these fields.
    pub fn signed(json: &str, fields: &VoucherFields) -> Self {
        Self::by(&PEOPLE.owner, json, &PEOPLE.masa, fields)
    }

    pub fn by(owner: &Identity, json: &str, masa: &Identity, fields: &VoucherFields) -> Self {
        Self {
            conveyed: sztp::conveyed(owner, json).unwrap(),
            ownership: Some((
                certificate_of(owner),
                sztp::voucher(masa, &fields.json()).unwrap(),
            )),
        }
    }

    /// The content of the answer.
    pub fn body(&self) -> Vec<u8> {
        let ownership = self.ownership.as_ref();
        let ownership = ownership.map(|(certificate, voucher)| (&**certificate, &**voucher));
        sztp::answer(&self.conveyed, ownership).into_bytes()
    }

    pub fn judge(&self, device: &Device) -> Result<(Vec<u8>, bool), SztpError> {
        let mut body = self.body();
        let artifacts = Artifacts::parse(&mut body).unwrap();
        let root: &[u8] = &PEOPLE.masa_root;
        let roots = [root];
        let judged = judge(
            &artifacts,
            &device.credentials(&roots),
            device.nonce.as_ref().map(|nonce| &nonce[..]),
        );
        judged.map(|Judged { content, signed }| (content.to_vec(), signed))
    }
}

/// The owner certificate: the owner's own and those above it.
pub fn certificate_of(owner: &Identity) -> Vec<u8> {
    let chain: Vec<&[u8]> = owner.chain.iter().map(|der| &**der).collect();
    sztp::certificates_only(&chain).unwrap()
}

/// What the device is and knows.
#[derive(Clone, Debug)]
pub struct Device {
    pub serial: &'static str,
    pub time: TimePolicy,
    pub assertions: &'static [Assertion],
    pub nonce: Option<[u8; 16]>,
}

impl Default for Device {
    fn default() -> Self {
        Self {
            serial: SERIAL,
            time: TimePolicy::Trusted(NOW),
            assertions: &[Assertion::Verified, Assertion::Logged],
            nonce: Some(NONCE),
        }
    }
}

impl Device {
    pub fn credentials<'c>(&self, roots: &'c [&'c [u8]]) -> Credentials<'c> {
        Credentials {
            serial_number: self.serial,
            idevid: &PEOPLE.idevid,
            vouchers: Trust {
                policy: TrustPolicy::Pinned { roots, keys: &[] },
                time: self.time,
                algorithms: DEFAULT_ALGORITHMS,
                max_depth: MAX_DEPTH,
            },
            assertions: self.assertions,
        }
    }

    pub fn config<'c>(&self, roots: &'c [&'c [u8]], has_anchors: bool) -> Config<'c> {
        Config {
            credentials: self.credentials(roots),
            about: About {
                hw_model: "model-x",
                os_name: "rom",
                os_version: "1",
            },
            has_anchors,
        }
    }
}
