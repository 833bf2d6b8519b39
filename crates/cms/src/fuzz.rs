//! Arbitrary octets as a message.

use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy, VerifyError};

use crate::{CmsError, Content, ContentHasher, MAX_CERTIFICATES, Message, Policy, SignedData, oid};

/// Reads a message and verifies it in several ways, and asserts what must hold whatever it is.
///
/// Octet 0 chooses what is asked of the message, which is the rest.
///
/// # Panics
/// When an invariant is broken.
pub fn run(data: &[u8]) {
    let Some((choice, der)) = data.split_first() else {
        return;
    };
    let Ok(message) = Message::parse(der) else {
        return;
    };
    let certificates = message.certificates();
    assert!(certificates.iter().count() <= MAX_CERTIFICATES);
    assert!(certificates.iter().all(|one| !one.is_empty()));
    assert_eq!(
        certificates.is_empty(),
        certificates.into_iter().next().is_none()
    );
    let signed = match message.signed() {
        Ok(signed) => signed,
        Err(error) => {
            assert!(matches!(error, CmsError::NotSigned | CmsError::NoSigner));
            return;
        }
    };
    let mut hasher = ContentHasher::new();
    hasher.update(der);
    let hashed = hasher.finish();
    let content = match choice & 3 {
        0 => Content::Encapsulated,
        1 => Content::Octets(der),
        2 => Content::Digest(&[7; 32]),
        _ if choice & 8 == 0 => Content::Digest(&[7; 48]),
        _ => Content::Hashed(&hashed),
    };
    let usage = match choice & 4 {
        0 => None,
        _ => Some(oid::CODE_SIGNING),
    };
    // The most that a message can hope for: that it carries what is pinned.
    let roots = [certificates.iter().last().unwrap_or_default()];
    let _ = judge(&signed, content, usage, &roots);
    // Nobody is trusted.
    let verdict = judge(&signed, content, usage, &[]);
    assert!(verdict.is_err());
    if let Err(CmsError::Signer(error)) = verdict {
        assert_eq!(error, VerifyError::NoTrust);
    }
}

fn judge(
    signed: &SignedData<'_>,
    content: Content<'_>,
    usage: Option<&'static [u8]>,
    roots: &[&[u8]],
) -> Result<(), CmsError> {
    let content_types = [signed.content_type()];
    let mut policy = Policy {
        trust: Trust {
            policy: TrustPolicy::Pinned { roots, keys: &[] },
            time: TimePolicy::None,
            algorithms: DEFAULT_ALGORITHMS,
            max_depth: MAX_DEPTH,
        },
        usage,
        content_types: &content_types,
    };
    let verdict = signed.verify(content, &[], &policy);
    if let Ok(verified) = verdict {
        let encapsulated = matches!(content, Content::Encapsulated);
        assert_eq!(verified.content.is_some(), encapsulated);
        assert_eq!(signed.is_detached(), !encapsulated);
        assert!(signed.hash().is_ok());
        let signer = signed
            .certificates()
            .iter()
            .find(|one| *one == verified.signer);
        assert!(signer.is_some(), "a signer that the message has not");
    }
    policy.content_types = &[];
    assert_eq!(
        signed.verify(content, &[], &policy),
        Err(CmsError::WrongContentType)
    );
    verdict.map(|_| ())
}
