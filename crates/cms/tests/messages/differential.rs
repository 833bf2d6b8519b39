//! OpenSSL as a judge: what this crate accepts, OpenSSL accepts, whichever octet of the message was changed.

use crate::forge::{self, Forge};
use crate::openssl;
use crate::people::{Asked, CONTENT, root, signer};
use netboot_cms::Content;
use proptest::prelude::*;
use std::sync::OnceLock;

/// A message that is accepted, and whether its content is in it.
struct Sample {
    what: &'static str,
    message: Vec<u8>,
    attached: bool,
    /// Octets at the end that nobody signs and this crate ignores: the value of an unsigned attribute.
    ignored: usize,
}

fn samples() -> &'static [Sample] {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let signer = signer();
        let mut samples = vec![];
        for (what, arguments, attached) in [
            ("attached", &["-md", "sha256", "-nodetach"][..], true),
            ("detached", &["-md", "sha256"], false),
            ("key", &["-md", "sha256", "-nodetach", "-keyid"], true),
            ("plain", &["-md", "sha256", "-nodetach", "-noattr"], true),
            ("other hash", &["-md", "sha384", "-nodetach"], true),
        ] {
            samples.push(Sample {
                what,
                message: openssl::sign(&[&signer], CONTENT, arguments),
                attached,
                ignored: 0,
            });
        }
        let mut forged = Forge::honest(&signer, CONTENT);
        let attribute = forge::attribute(forge::UNKNOWN, &[vec![4, 1, 7]]);
        forged.unsigned = Some(vec![attribute]);
        samples.push(Sample {
            what: "unsigned attributes",
            message: forged.der(),
            attached: true,
            ignored: 3,
        });
        samples
    })
}

/// Whether a message is accepted. If it is, OpenSSL has to accept it, with the same content.
fn check(sample: &Sample, message: &[u8]) -> bool {
    let (content, apart) = match sample.attached {
        true => (Content::Encapsulated, None),
        false => (Content::Octets(CONTENT), Some(CONTENT)),
    };
    let Ok(told) = Asked::default().of(message, content) else {
        return false;
    };
    if sample.attached {
        assert_eq!(told.content.as_deref(), Some(CONTENT), "{}", sample.what);
    }
    // OpenSSL reads also what is ignored here.
    let (kept, _) = message.split_at(message.len() - sample.ignored);
    let (_, ignored) = sample.message.split_at(kept.len());
    let restored = [kept, ignored].concat();
    let opinion = openssl::verify(&restored, apart, &[root()], &[]);
    assert_eq!(opinion.as_deref(), Ok(CONTENT), "{}", sample.what);
    true
}

/// One bit of each octet, which bit depends on the place.
#[test]
fn a_bit_of_each_octet() {
    for sample in samples() {
        assert!(check(sample, &sample.message), "{}", sample.what);
    }
    for sample in [&samples()[0], &samples()[5]] {
        let mut accepted = 0;
        for at in 0..sample.message.len() {
            let mut changed = sample.message.clone();
            changed[at] ^= 1 << (at % 8);
            accepted += usize::from(check(sample, &changed));
        }
        // Nearly all that is in a message is signed, names its signer, or says how to read it.
        assert!(accepted <= 12, "{}: {accepted}", sample.what);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_octet(which in 0..6_usize, at: prop::sample::Index, octet: u8) {
        let sample = &samples()[which];
        let mut changed = sample.message.clone();
        let at = at.index(changed.len());
        changed[at] = octet;
        check(sample, &changed);
    }

    /// Two octets, of which one may mend what the other breaks.
    #[test]
    fn any_two_octets(
        which in 0..6_usize,
        at: [prop::sample::Index; 2],
        octets: [u8; 2],
    ) {
        let sample = &samples()[which];
        let mut changed = sample.message.clone();
        for (at, octet) in at.iter().zip(octets) {
            let at = at.index(changed.len());
            changed[at] = octet;
        }
        check(sample, &changed);
    }
}
