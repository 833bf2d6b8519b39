//! A run's authorities: a root, the authorities below it, and what they issue.

use crate::authority::{Authority, Draft};
use crate::flaw::Flaw;
use crate::identity::{Identity, pem_of};
use crate::key::{Key, KeyKind, hash};
use crate::purpose::{Usage, Validity};
use anyhow::{Context, Result};
use rcgen::{CidrSubnet, GeneralSubtree, IsCa, NameConstraints};
use rustls_pki_types::CertificateDer;

/// A root and a line of authorities below it, the last of which issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pki {
    /// Of all keys.
    pub seed: u64,
    /// Authorities between the root and end entities.
    pub intermediates: u8,
    /// When all certificates are valid.
    pub validity: Validity,
    /// Keys of end entities.
    pub keys: KeyKind,
}

/// Common name of the root.
const ROOT: &str = "Test Root";

impl Pki {
    /// A root that issues to end entities itself.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            intermediates: 0,
            validity: Validity::default(),
            keys: KeyKind::P256,
        }
    }

    /// With one authority between root and end entities.
    pub fn with_intermediate(seed: u64) -> Self {
        Self {
            intermediates: 1,
            ..Self::new(seed)
        }
    }

    /// The same authorities, with end entities' keys of this kind.
    #[must_use]
    pub fn with_keys(self, keys: KeyKind) -> Self {
        Self { keys, ..self }
    }

    /// The root's certificate, DER.
    ///
    /// # Errors
    /// When it cannot be made: never with a validity that is one.
    pub fn root(&self) -> Result<CertificateDer<'static>> {
        Ok(self.root_authority()?.certificate)
    }

    /// The root's certificate, PEM.
    ///
    /// # Errors
    /// As with [`root`](Self::root).
    pub fn root_pem(&self) -> Result<String> {
        Ok(pem_of(&self.root()?))
    }

    /// SHA-256 of the root's SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// As with [`root`](Self::root).
    pub fn root_spki_sha256(&self) -> Result<[u8; 32]> {
        Ok(hash(&[&self.root_authority()?.spki()?]))
    }

    /// A server with these DNS names and IP addresses.
    ///
    /// # Errors
    /// When a name is no name.
    pub fn server(&self, names: &[&str]) -> Result<Identity> {
        let draft = Draft::end_entity("Test Server", names, Usage::Server, self.validity);
        self.issue(&draft, &self.line()?)
    }

    /// A server as [`server`](Self::server), whose chain goes on behind the root: with the certificate that an older authority has issued for the root,
    /// valid as `cross` says, and with the older authority's own, which ran out in 2020. Authorities do so while clients learn a new root.
    ///
    /// # Errors
    /// When a name is no name.
    pub fn cross_signed(&self, names: &[&str], cross: Validity) -> Result<Identity> {
        let mut identity = self.server(names)?;
        let over = Validity {
            from: (2000, 1, 1),
            to: (2020, 12, 31),
        };
        let old = Authority::root(&Draft::authority("Old Root", None, over), self.seed)?;
        let key = Key::new(KeyKind::P256, self.seed, ROOT)?;
        let crossed = old.issue(&Draft::authority(ROOT, None, cross), &key)?;
        identity.chain.extend([crossed, old.certificate]);
        Ok(identity)
    }

    /// A client with this common name.
    ///
    /// # Errors
    /// As with [`root`](Self::root).
    pub fn client(&self, name: &str) -> Result<Identity> {
        let draft = Draft::end_entity(name, &[], Usage::Client, self.validity);
        self.issue(&draft, &self.line()?)
    }

    /// Someone with this common name who signs data; the certificate is for `usage` and valid as `validity` says.
    ///
    /// # Errors
    /// As with [`root`](Self::root).
    pub fn signer(&self, name: &str, usage: Usage, validity: Validity) -> Result<Identity> {
        let draft = Draft::end_entity(name, &[], usage, validity);
        self.issue(&draft, &self.line()?)
    }

    /// A server with these names, and a chain with this flaw. Flaws of an intermediate authority bring one.
    ///
    /// # Errors
    /// When a name is no name.
    pub fn flawed(&self, names: &[&str], flaw: Flaw) -> Result<Identity> {
        let mut draft = Draft::end_entity("Flawed Server", names, Usage::Server, self.validity);
        let root = self.root_authority()?;
        let mut line = self.line()?;
        let own = |draft: &Draft<'_>| root.subordinate(draft, self.seed);
        match flaw {
            Flaw::Expired => draft.validity.to = (2020, 12, 31),
            Flaw::NotYetValid => draft.validity.from = (2049, 1, 1),
            Flaw::WrongName => draft.names = vec!["somebody-else.example".into()],
            Flaw::CommonNameOnly => {
                draft.names.clear();
                draft.subject = names.first().copied().unwrap_or_default();
            }
            Flaw::ClientUsage => draft.usage = Usage::Client,
            Flaw::UnknownCriticalExtension => draft.unknown_extension = true,
            Flaw::ExpiredIssuer => {
                let validity = Validity {
                    to: (2020, 12, 31),
                    ..self.validity
                };
                line = vec![own(&Draft::authority("Expired CA", Some(0), validity))?];
            }
            Flaw::LeafIssuer | Flaw::IssuerWithoutConstraints => {
                let subject = "Ordinary Server";
                let mut issuer = Draft::end_entity(subject, names, Usage::Server, self.validity);
                if flaw == Flaw::IssuerWithoutConstraints {
                    issuer.is_ca = IsCa::NoCa;
                }
                line = vec![own(&issuer)?];
            }
            Flaw::PathLenExceeded => {
                let last = own(&Draft::authority("Last CA", Some(0), self.validity))?;
                let excess = Draft::authority("Excess CA", None, self.validity);
                let excess = last.subordinate(&excess, self.seed)?;
                line = vec![last, excess];
            }
            Flaw::NameConstraintsViolated => {
                let mut issuer = Draft::authority("Constrained CA", Some(0), self.validity);
                issuer.constraints = Some(NameConstraints {
                    permitted_subtrees: vec![
                        GeneralSubtree::DnsName("permitted.example".into()),
                        GeneralSubtree::IpAddress(CidrSubnet::V4(
                            [192, 0, 2, 0],
                            [255, 255, 255, 0],
                        )),
                    ],
                    excluded_subtrees: vec![],
                });
                line = vec![own(&issuer)?];
            }
            Flaw::OtherCa => {
                let other = Draft::authority("Other Root", None, self.validity);
                return self.issue(&draft, &[Authority::root(&other, self.seed)?]);
            }
            Flaw::ForgedSignature => {
                let forged = Draft::authority(ROOT, None, self.validity);
                // The root's name on another key; its certificate is not sent.
                let forger = Authority::root(&forged, self.seed.wrapping_add(1))?;
                let key = self.key(&draft)?;
                return identity(vec![forger.issue(&draft, &key)?], &key);
            }
            Flaw::SelfSigned => {
                let key = self.key(&draft)?;
                return identity(vec![draft.self_signed(&key)?], &key);
            }
            Flaw::MissingIntermediate => {
                line = vec![own(&Draft::authority(
                    "Missing CA",
                    Some(0),
                    self.validity,
                ))?];
            }
            Flaw::CorruptSignature | Flaw::Truncated => {}
        }
        let mut identity = self.issue(&draft, &line)?;
        match flaw {
            Flaw::MissingIntermediate => identity.chain.truncate(1),
            Flaw::CorruptSignature | Flaw::Truncated => {
                let leaf = identity.chain.first_mut().context("a chain")?;
                let mut octets = leaf.to_vec();
                if flaw == Flaw::Truncated {
                    octets.truncate(octets.len() / 2);
                } else if let Some(last) = octets.last_mut() {
                    *last ^= 0x01;
                }
                *leaf = octets.into();
            }
            _ => {}
        }
        Ok(identity)
    }

    fn root_authority(&self) -> Result<Authority> {
        Authority::root(&Draft::authority(ROOT, None, self.validity), self.seed)
    }

    /// From the root, which is left out when there are others, to the authority that issues.
    fn line(&self) -> Result<Vec<Authority>> {
        let mut line = vec![self.root_authority()?];
        for number in 1..=self.intermediates {
            let subject = format!("Test CA {number}");
            let below = self.intermediates - number;
            let draft = Draft::authority(&subject, Some(below), self.validity);
            let last = line.last().context("a root")?;
            let next = last.subordinate(&draft, self.seed)?;
            line.push(next);
        }
        if line.len() > 1 {
            line.remove(0);
        }
        Ok(line)
    }

    fn key(&self, draft: &Draft<'_>) -> Result<Key> {
        let label = format!("{} {}", draft.subject, draft.names.join(" "));
        Key::new(self.keys, self.seed, &label)
    }

    /// Issues by the last of `line`; all of it is sent but a root.
    fn issue(&self, draft: &Draft<'_>, line: &[Authority]) -> Result<Identity> {
        let key = self.key(draft)?;
        let issuer = line.last().context("an issuer")?;
        let mut chain = vec![issuer.issue(draft, &key)?];
        let root = self.root()?;
        let sent = line.iter().rev().map(|one| one.certificate.clone());
        chain.extend(sent.filter(|one| *one != root));
        identity(chain, &key)
    }
}

fn identity(chain: Vec<CertificateDer<'static>>, key: &Key) -> Result<Identity> {
    Ok(Identity {
        chain,
        key: key.private_der()?,
        spki: key.spki()?,
    })
}
