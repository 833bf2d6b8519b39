//! `imgverify`: an image has to be what somebody who is trusted has signed.

use super::Reply;
use crate::app::{AppError, BootApp, Result};
use crate::observer::Observer;
use crate::script::FileReader;
use netboot_cms::{CmsError, Content, Message, Policy, oid};
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
        self.start_attempt()?;
        let buffer = self.take_buffer()?;
        let mut reader = FileReader::new(&mut *buffer, b"");
        let read = self.read_into(uri, None, &mut reader);
        let judged = match reader.finish() {
            Ok(len) => judge(buffer.get(..len).unwrap_or_default(), signer, &trust),
            Err(_) => Err(Refused::Cms(CmsError::TooLarge)),
        };
        self.give_back(buffer);
        read?;
        let digest = match judged {
            Ok(digest) => digest,
            Err(Refused::Cms(error)) => return Err(self.fail(AppError::Signature(error))),
            Err(Refused::WrongSigner) => return Err(self.fail(AppError::WrongSigner)),
        };
        let found = self.sources.images.get_mut(name);
        let found = found.map(|image| image.sha256 = Some(digest));
        self.images(found)?;
        Ok(Reply::Done)
    }
}

/// Judges a signature, and gives the digest of what was signed.
#[inline(never)]
fn judge(
    message: &[u8],
    signer: Option<&str>,
    trust: &Trust<'_>,
) -> core::result::Result<Digest, Refused> {
    let signed = Message::parse(message).and_then(Message::signed);
    let signed = signed.map_err(Refused::Cms)?;
    let Some(claimed) = signed.claimed_digest() else {
        // The signature is over the image itself, which is held nowhere.
        return Err(Refused::Cms(CmsError::NeedsContent));
    };
    if signed.hash().map_err(Refused::Cms)? != Hash::Sha256 {
        return Err(Refused::Cms(CmsError::UnsupportedDigest));
    }
    let policy = Policy {
        trust: *trust,
        usage: Some(oid::CODE_SIGNING),
        content_types: &[oid::DATA],
    };
    let verified = signed.verify(Content::Digest(claimed), &[], &policy);
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
