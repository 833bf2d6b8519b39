//! `netboot-cms`: any message is read, and all that it says is taken. What hashes or computes on a curve is not called.

use crate::{Input, call, fail, take};
use netboot_cms::{CmsError, Message, Part, Plain};

/// Calls all of the crate but the verification.
pub fn run(input: &mut Input) {
    if let Some(mut message) = fail(Message::parse(input.octets())) {
        let message = call(&mut message);
        let certificates = message.certificates();
        take(certificates.is_empty());
        for certificate in certificates {
            take(certificate);
        }
        if let Message::Plain(Plain {
            content_type,
            content,
        }) = message
        {
            take((*content_type, *content));
        }
        if let Some(signed) = fail(message.signed()) {
            take((signed.content_type(), signed.is_detached()));
            take(signed.has_signed_attributes());
            fail(signed.hash());
        }
    }
    let error = match input.octet() {
        0 => CmsError::Malformed(Part::SignerInfo),
        1 => CmsError::BadSignature,
        _ => CmsError::NoSignerCertificate,
    };
    fail::<(), _>(Err(error));
}
