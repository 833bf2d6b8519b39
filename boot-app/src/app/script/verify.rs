//! `imgverify`: an image has to be what somebody who is trusted has signed.

use super::Reply;
use crate::app::{AppError, BootApp, Result};
use crate::observer::Observer;
use crate::script::{FileReader, PieceSink, Pieces};
use netboot_cms::{CmsError, Content, ContentDigest, ContentHasher, Message, Policy, oid};
use netboot_core::Digest;
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::IpxeInterface;
use netboot_x509::{Hash, Identity, Trust};
use ocp_recovery::RegisterBus;

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    Cms(CmsError),
    /// The signer has another name than the script wants.
    WrongSigner,
}

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Fetches a detached signature from `uri` and verifies it. The image `name` then has to have the digest that was signed, which is compared with
    /// what the device got before the image is activated.
    #[inline(never)]
    pub(super) fn verify(&mut self, name: &str, uri: &Uri, signer: Option<&str>) -> Result<Reply> {
        let trust = self.scripts.as_ref().and_then(|scripts| scripts.signers);
        let Some(trust) = trust else {
            return Err(self.fail(AppError::NoSigners));
        };
        let buffer = self.take_buffer()?;
        let judged = self.signed_digest(name, uri, signer, &trust, buffer);
        self.give_back(buffer);
        let digest = judged?;
        let found = self.sources.images.get_mut(name);
        let found = found.map(|image| image.sha256 = Some(digest));
        self.images(found)?;
        Ok(Reply::Done)
    }

    /// Fetches the signature into `buffer` and judges it. Gives the digest of what was signed.
    #[inline(never)]
    fn signed_digest(
        &mut self,
        name: &str,
        uri: &Uri,
        signer: Option<&str>,
        trust: &Trust<'_>,
        buffer: &mut [u8],
    ) -> Result<Digest> {
        self.start_attempt()?;
        let mut reader = FileReader::new(&mut *buffer, b"");
        self.read_into(uri, None, &mut reader)?;
        let message = match reader.finish() {
            Ok(len) => buffer.get(..len).unwrap_or_default(),
            Err(_) => return Err(self.fail(AppError::Signature(CmsError::TooLarge))),
        };
        let mut judged = judge(message, signer, trust, None);
        if judged == Err(Refused::Cms(CmsError::NeedsContent)) {
            // It is over the image itself. The image is read once for its digest, and once more for the device.
            let content = self.hash_image(name)?;
            judged = judge(message, signer, trust, Some(&content));
        }
        judged.map_err(|refused| {
            self.fail(match refused {
                Refused::Cms(error) => AppError::Signature(error),
                Refused::WrongSigner => AppError::WrongSigner,
            })
        })
    }

    /// Reads the image `name` from the first of its places that has it, and hashes it.
    #[inline(never)]
    fn hash_image(&mut self, name: &str) -> Result<ContentDigest> {
        let image = self.sources.images.get_mut(name);
        let part = image.ok().and_then(|image| image.part());
        let mut hasher = ContentHasher::new();
        self.at_places(name, &mut |app, uri| {
            app.start_attempt()?;
            let mut sink = PieceSink::new(ContentHasher::new());
            app.read_into(uri, part, &mut sink)?;
            hasher = sink.pieces;
            Ok(())
        })?;
        Ok(hasher.finish())
    }
}

/// Judges a signature, and gives the digest of what was signed: what the signature says, or what was seen of the image.
#[inline(never)]
fn judge(
    message: &[u8],
    signer: Option<&str>,
    trust: &Trust<'_>,
    content: Option<&ContentDigest>,
) -> core::result::Result<Digest, Refused> {
    let signed = Message::parse(message).and_then(Message::signed);
    let signed = signed.map_err(Refused::Cms)?;
    let claimed = match content {
        Some(content) => Some(&content.sha256()[..]),
        None => signed.claimed_digest(),
    };
    let claimed = claimed.ok_or(Refused::Cms(CmsError::NeedsContent))?;
    if signed.hash().map_err(Refused::Cms)? != Hash::Sha256 {
        return Err(Refused::Cms(CmsError::UnsupportedDigest));
    }
    let policy = Policy {
        trust: *trust,
        usage: Some(oid::CODE_SIGNING),
        content_types: &[oid::DATA],
    };
    let content = match content {
        Some(content) => Content::Hashed(content),
        None => Content::Digest(claimed),
    };
    let verified = signed.verify(content, &[], &policy);
    let verified = verified.map_err(Refused::Cms)?;
    let name = Identity::of(verified.signer).and_then(|identity| identity.common_name);
    if signer.is_some_and(|wanted| name != Some(wanted.as_bytes())) {
        return Err(Refused::WrongSigner);
    }
    let digest = <[u8; 32]>::try_from(claimed);
    digest
        .map(Digest)
        .map_err(|_| Refused::Cms(CmsError::WrongDigestLength))
}

impl Pieces for ContentHasher {
    fn push(&mut self, octets: &[u8]) {
        self.update(octets);
    }

    fn digest(&self) -> Option<Digest> {
        Some(Digest(*self.clone().finish().sha256()))
    }
}
