//! Bounds: what is just within is accepted, and one more is refused by name; and nothing panics.

use crate::forge::{self, Forge, attribute, der};
use crate::people::{Asked, CONTENT, judge, pki, signer};
use netboot_cms::{
    CmsError, Content, MAX_ATTRIBUTES, MAX_CERTIFICATES, MAX_CRLS, MAX_DIGEST_ALGORITHMS,
    MAX_MESSAGE, MAX_SIGNED_ATTRIBUTES, Message, Part,
};
use proptest::prelude::*;
use test_pki::{Usage, Validity};

/// An attribute that nobody knows, with a value of this many octets.
fn unknown(number: usize, octets: usize) -> Vec<u8> {
    let kind = format!("1.3.6.1.4.1.32473.{number}");
    attribute(&kind, &[der(0x04, &vec![7; octets])])
}

fn with(change: impl FnOnce(&mut Forge)) -> Result<(), CmsError> {
    let mut forge = Forge::honest(&signer(), CONTENT);
    change(&mut forge);
    judge(&forge.der()).map(|_| ())
}

#[test]
fn digest_algorithms() {
    let list = |count| with(|f| f.listed.resize(count, forge::algorithm(forge::SHA1)));
    assert_eq!(list(MAX_DIGEST_ALGORITHMS), Ok(()));
    let more = list(MAX_DIGEST_ALGORITHMS + 1);
    assert_eq!(more, Err(CmsError::TooManyAlgorithms));
}

#[test]
fn revocation_lists() {
    let list = |count| with(|f| f.crls = vec![vec![0x30, 0]; count]);
    assert_eq!(list(MAX_CRLS), Ok(()));
    assert_eq!(list(MAX_CRLS + 1), Err(CmsError::TooManyCrls));
}

#[test]
fn certificates() {
    let more: Vec<Vec<u8>> = (0..MAX_CERTIFICATES)
        .map(|number| {
            let name = format!("Bystander {number}");
            let one = pki().signer(&name, Usage::None, Validity::default());
            one.unwrap().chain[0].to_vec()
        })
        .collect();
    // Two are there.
    let list = |count: usize| with(|f| f.certificates.extend_from_slice(&more[..count]));
    assert_eq!(list(MAX_CERTIFICATES - 2), Ok(()));
    let too_many = Err(CmsError::TooManyCertificates);
    assert_eq!(list(MAX_CERTIFICATES - 1), too_many);
    // Those of the message and those that are given are counted together.
    let message = Forge::honest(&signer(), CONTENT).der();
    let given = |count: usize| {
        let asked = Asked {
            certificates: more[..count].to_vec(),
            ..Asked::default()
        };
        asked.attached(&message).map(|_| ())
    };
    assert_eq!(given(MAX_CERTIFICATES - 2), Ok(()));
    assert_eq!(given(MAX_CERTIFICATES - 1), too_many);
    // An attribute certificate is counted, and is not handed out.
    let mut forge = Forge::honest(&signer(), CONTENT);
    forge.certificates.push(vec![0xA1, 0]);
    let message = forge.der();
    let parsed = Message::parse(&message).unwrap();
    assert_eq!(parsed.certificates().iter().count(), 2);
    assert!(judge(&message).is_ok());
}

#[test]
fn attributes() {
    let signed = |count: usize| {
        with(|f| {
            let all = f.attributes.as_mut().unwrap();
            all.extend((2..count).map(|number| unknown(number, 1)));
            all.sort();
        })
    };
    assert_eq!(signed(MAX_ATTRIBUTES), Ok(()));
    assert_eq!(signed(MAX_ATTRIBUTES + 1), Err(CmsError::TooManyAttributes));
    let unsigned =
        |count| with(|f| f.unsigned = Some((0..count).map(|one| unknown(one, 1)).collect()));
    assert_eq!(unsigned(MAX_ATTRIBUTES), Ok(()));
    let too_many = Err(CmsError::TooManyAttributes);
    assert_eq!(unsigned(MAX_ATTRIBUTES + 1), too_many);
    // The same attribute twice, which nobody knows, is in order.
    let twice = with(|f| {
        let all = f.attributes.as_mut().unwrap();
        all.extend([unknown(1, 1), unknown(1, 1)]);
        all.sort();
    });
    assert_eq!(twice, Ok(()));
    // A set is there for what is in it.
    let none = Err(CmsError::Malformed(Part::UnsignedAttributes));
    assert_eq!(unsigned(0), none);
}

#[test]
fn octets_of_signed_attributes() {
    let signed = |total: usize| {
        with(|f| {
            let all = f.attributes.as_mut().unwrap();
            let more = total - all.concat().len();
            let least = unknown(1, 256).len() - 256;
            all.push(unknown(1, more - least));
            assert_eq!(all.concat().len(), total);
            all.sort();
        })
    };
    assert_eq!(signed(MAX_SIGNED_ATTRIBUTES), Ok(()));
    let longer = signed(MAX_SIGNED_ATTRIBUTES + 1);
    assert_eq!(longer, Err(CmsError::AttributesTooLong));
}

#[test]
fn octets_of_a_message() {
    let sized = |total: usize| {
        let least = Forge::honest(&signer(), &vec![7; 40_000]).der().len() - 40_000;
        // A signature is 70 to 72 octets.
        let signature = 4;
        let content = vec![7; total - least - signature];
        let message = Forge::honest(&signer(), &content).der();
        judge(&message).map(|_| message.len())
    };
    let largest = sized(MAX_MESSAGE).unwrap();
    assert!(largest > MAX_MESSAGE - 12, "{largest}");
    assert_eq!(sized(MAX_MESSAGE + 12), Err(CmsError::TooLarge));
    let long = vec![0x30; MAX_MESSAGE + 1];
    assert_eq!(judge(&long), Err(CmsError::TooLarge));
    let malformed = Err(CmsError::Malformed(Part::Message));
    assert_eq!(judge(&long[1..]), malformed, "not for its length");
}

/// Something behind each part of a message.
#[test]
fn nothing_follows() {
    let message = Forge::honest(&signer(), CONTENT).der();
    let longer = [&message[..], &[5, 0]].concat();
    let malformed = Err(CmsError::Malformed(Part::Message));
    assert_eq!(judge(&longer), malformed);
    let signer = |change: fn(&mut Forge)| with(change);
    let refused = signer(|f| f.signature.extend([5, 0]));
    assert_eq!(refused, Err(CmsError::Malformed(Part::SignerInfo)));
    // What is no value in the place of the signer.
    let refused = signer(|f| (f.signers, f.stray) = (0, vec![0x30]));
    assert_eq!(refused, Err(CmsError::Malformed(Part::SignerInfo)));
    let refused = signer(|f| f.content_type.extend([5, 0]));
    assert!(refused.is_err());
    let refused = signer(|f| f.signer = der(0x30, &[&f.signer[2..], &[5, 0]].concat()));
    assert_eq!(refused, Err(CmsError::Malformed(Part::SignerInfo)));
}

proptest! {
    #[test]
    fn no_octets_panic(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        netboot_cms::fuzz::run(&octets);
    }

    /// Octets of a good message changed, taken out and put in.
    #[test]
    fn no_message_panics(
        choice: u8,
        detached: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3_usize, any::<u8>()), 0..6),
    ) {
        let mut forge = Forge::honest(&signer(), CONTENT);
        if detached {
            forge.content = None;
        }
        let mut message = forge.der();
        for (at, kind, octet) in changes {
            let at = at.index(message.len());
            match kind {
                0 => message[at] = octet,
                1 => message.insert(at, octet),
                _ => drop(message.remove(at)),
            }
        }
        message.insert(0, choice);
        netboot_cms::fuzz::run(&message);
    }
}

/// A digest is not taken for content that is there.
#[test]
fn a_digest_for_content_that_is_there() {
    let message = Forge::honest(&signer(), CONTENT).der();
    let digest = forge::sha256(CONTENT);
    let verdict = Asked::default().of(&message, Content::Digest(&digest));
    assert_eq!(verdict, Err(CmsError::Attached));
}
