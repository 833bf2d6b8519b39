//! How the HTTPS server behaves, and what rustls is told of it.

use crate::config::Redirect;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert, StoresServerSessions, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{CipherSuite, RootCertStore, version};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use test_pki::Identity;

/// How the HTTPS server behaves, beside what it has in common with HTTP
/// ([`HttpConfig`](crate::HttpConfig)).
#[derive(Clone, Debug)]
pub struct HttpsConfig {
    /// Port.
    pub port: u16,
    /// Connections that may wait to be accepted; 0 turns the server off.
    pub backlog: usize,
    /// Chain and key that it shows.
    pub identity: Identity,
    /// A second chain with its key, which goes before [`identity`](Self::identity) for clients that take signatures of its key: as with servers
    /// that have an RSA and an ECDSA certificate.
    pub preferred: Option<Identity>,
    /// Clients must show a certificate that this root has issued (mutual TLS).
    pub client_ca: Option<CertificateDer<'static>>,
    /// Versions of TLS.
    pub versions: Vec<TlsVersion>,
    /// Cipher suites, in order of preference; all that there are when empty.
    pub suites: Vec<CipherSuite>,
    /// Most octets of plaintext in one record, 32 or more; 16,384 when `None`.
    pub max_fragment: Option<usize>,
    /// NewSessionTicket messages after a TLS 1.3 handshake, for sessions that are not taken up again.
    pub tickets: usize,
    /// Redirects by path, in place of those of HTTP.
    pub redirects: BTreeMap<String, Redirect>,
    /// The server's clock, in seconds of UNIX time: for the clients' certificates.
    pub unix_time: u64,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    V12,
    /// TLS 1.3 (RFC 8446).
    V13,
}

impl HttpsConfig {
    /// A server at port 443 with TLS 1.3, records of up to 4,096 octets and no interest in the client's name.
    pub fn new(identity: Identity) -> Self {
        Self {
            port: 443,
            backlog: 4,
            identity,
            preferred: None,
            client_ca: None,
            versions: vec![TlsVersion::V13],
            suites: Vec::new(),
            max_fragment: Some(4_096),
            tickets: 2,
            redirects: BTreeMap::new(),
            // 2026-08-01.
            unix_time: 1_785_542_400,
        }
    }

    /// The same for rustls, showing `identity`.
    ///
    /// # Errors
    /// What rustls has against it, such as a key that does not fit its certificate.
    pub(super) fn for_rustls(
        &self,
        mut provider: CryptoProvider,
        identity: &Identity,
    ) -> Result<rustls::ServerConfig, rustls::Error> {
        if !self.suites.is_empty() {
            let all = std::mem::take(&mut provider.cipher_suites);
            let wanted = self.suites.iter();
            let found = wanted.filter_map(|one| all.iter().find(|suite| suite.suite() == *one));
            provider.cipher_suites = found.copied().collect();
        }
        let provider = Arc::new(provider);
        let versions: Vec<_> = self
            .versions
            .iter()
            .map(|version| match version {
                TlsVersion::V12 => &version::TLS12,
                TlsVersion::V13 => &version::TLS13,
            })
            .collect();
        let certified = [self.preferred.as_ref(), Some(identity)]
            .into_iter()
            .flatten()
            .map(|own| {
                CertifiedKey::from_der(own.chain.clone(), own.key.clone_key(), &provider)
                    .map(Arc::new)
            });
        let certified = Chosen(certified.collect::<Result<_, _>>()?);
        let builder = rustls::ServerConfig::builder_with_details(
            provider.clone(),
            Arc::new(Clock(self.unix_time)),
        )
        .with_protocol_versions(&versions)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root.clone())?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(|error| rustls::Error::General(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(certified));
        config.ignore_client_order = !self.suites.is_empty();
        // rustls counts the record's head, too.
        config.max_fragment_size = self.max_fragment.map(|limit| limit.saturating_add(5));
        config.send_tls13_tickets = self.tickets;
        // Tickets go out, but no session is resumed: each connection proves itself.
        config.session_storage = Arc::new(Forgetful);
        Ok(config)
    }
}

/// The chains of a server, of which the first is shown that the client can verify the signature of. The last one is shown in any case, and the
/// handshake then fails.
#[derive(Debug)]
struct Chosen(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Chosen {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let fits = |own: &&Arc<CertifiedKey>| own.key.choose_scheme(schemes).is_some();
        self.0.iter().find(fits).or(self.0.last()).cloned()
    }
}

/// Takes sessions, so that tickets for them go out, and has none of them when asked.
#[derive(Debug)]
struct Forgetful;

impl StoresServerSessions for Forgetful {
    fn put(&self, _: Vec<u8>, _: Vec<u8>) -> bool {
        true
    }

    fn get(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn take(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Clock(u64);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0)))
    }
}
