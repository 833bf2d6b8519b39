//! Scheme 1: TLS 1.3 in which both ends prove which board they are.
//!
//! A board's certificate, such as its IDevID (IEEE 802.1AR), carries its identifier as the `serialNumber` of the
//! subject. A peer is accepted if its certificate leads to a configured anchor and its identifier is on the list of
//! allowed boards. Its name in DNS or its address plays no part, as the network may be anything.

use crate::config::TlsFiles;
use anyhow::{Context, Result, anyhow, ensure};
use bootstore::Baseboard;
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, DistinguishedName, Error,
    RootCertStore, ServerConfig, SignatureScheme, version,
};
use std::path::Path;
use std::sync::Arc;
use x509_parser::oid_registry::OID_X509_SERIALNUMBER;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Both sides' configurations, and whom they let in.
#[derive(Clone, Debug)]
pub struct Tls {
    /// For connections that peers open.
    pub server: Arc<ServerConfig>,
    /// For connections that this node opens.
    pub client: Arc<ClientConfig>,
    allow: Arc<[Baseboard]>,
}

impl Tls {
    /// Reads certificates and key.
    ///
    /// # Errors
    /// A file cannot be read or is wrong, or the own certificate names another board than `own`.
    pub fn read(files: &TlsFiles, own: &Baseboard) -> Result<Self> {
        let chain = certificates(&files.certificate)?;
        let key = key(&files.key)?;
        let mut roots = RootCertStore::empty();
        for anchor in certificates(&files.anchors)? {
            roots
                .add(anchor)
                .with_context(|| format!("{} has a bad anchor", files.anchors.display()))?;
        }
        let leaf = chain.first().context("there is no certificate")?;
        let named = identifier(leaf).context("the own certificate is unusable")?;
        ensure!(
            named == own.identifier.as_str(),
            "{} is the certificate of `{named}`, and this board is `{}`",
            files.certificate.display(),
            own.identifier
        );
        let roots = Arc::new(roots);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let peers = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
            .build()
            .context("the anchors are unusable")?;
        let server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&version::TLS13])?
            .with_client_cert_verifier(peers)
            .with_single_cert(chain.clone(), key.clone_key())
            .context("certificate and key do not fit")?;
        let builder: ConfigBuilder<ClientConfig, WantsClientCert> =
            ClientConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(&[&version::TLS13])?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnchorVerifier { roots, provider }));
        let mut client = builder
            .with_client_auth_cert(chain, key)
            .context("certificate and key do not fit")?;
        client.enable_sni = false;
        Ok(Self {
            server: Arc::new(server),
            client: Arc::new(client),
            allow: files.allow.clone().into(),
        })
    }

    /// The board that a peer has proved to be.
    ///
    /// # Errors
    /// The certificate names no board, or one that is not allowed.
    pub fn proven(&self, chain: Option<&[CertificateDer<'_>]>) -> Result<Baseboard> {
        let leaf = chain
            .and_then(|chain| chain.first())
            .context("the peer showed no certificate")?;
        let named = identifier(leaf)?;
        self.allow
            .iter()
            .find(|board| board.identifier == named.as_str())
            .cloned()
            .ok_or_else(|| anyhow!("board `{named}` is not on the list of allowed boards"))
    }
}

/// The `serialNumber` of the subject.
fn identifier(certificate: &CertificateDer<'_>) -> Result<String> {
    let (_, certificate) = X509Certificate::from_der(certificate)
        .map_err(|error| anyhow!("the certificate cannot be read: {error}"))?;
    let mut named = certificate.subject().iter_by_oid(&OID_X509_SERIALNUMBER);
    let value = named
        .next()
        .context("the certificate's subject has no serialNumber")?;
    ensure!(
        named.next().is_none(),
        "the certificate's subject has two serialNumbers"
    );
    let value = value
        .as_str()
        .map_err(|error| anyhow!("the serialNumber is no text: {error}"))?;
    Ok(value.to_owned())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let octets = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let found: Vec<_> = pem::parse_many(octets)
        .with_context(|| format!("{} is no PEM", path.display()))?
        .into_iter()
        .filter(|item| item.tag() == "CERTIFICATE")
        .map(|item| CertificateDer::from(item.into_contents()))
        .collect();
    ensure!(!found.is_empty(), "{} has no certificate", path.display());
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let octets = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let item = pem::parse_many(octets)
        .with_context(|| format!("{} is no PEM", path.display()))?
        .into_iter()
        .find(|item| item.tag().ends_with("PRIVATE KEY"))
        .with_context(|| format!("{} has no private key", path.display()))?;
    PrivateKeyDer::try_from(item.into_contents())
        .map_err(|error| anyhow!("{} has an unusable key: {error}", path.display()))
}

/// Verifies a server's certificate up to an anchor, and leaves its name to [`Tls::proven`].
#[derive(Debug)]
struct AnchorVerifier {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnchorVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        rustls::client::verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // TLS 1.2 is not offered.
        Err(Error::InvalidCertificate(CertificateError::BadSignature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}
