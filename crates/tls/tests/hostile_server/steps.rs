//! Any steps in place of the answer, and any between the messages of the handshake: sealed under the right keys, so
//! that all of what lies behind the decryption is reached.

use crate::{Setup, good, memory};
use hostile_tls::script::{Epoch, Proof, Seal};
use hostile_tls::{Script, Step};
use netboot_tls::{Provisional, TlsError, Verified};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::LazyLock;

static SETUP: LazyLock<Setup> = LazyLock::new(Setup::new);

fn octets(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..most)
}

fn kind() -> impl Strategy<Value = u8> {
    prop_oneof![4 => 20_u8..25, 1 => any::<u8>()]
}

fn message() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => proptest::sample::select(&[1_u8, 2, 4, 8, 11, 13, 15, 20, 24][..]),
        1 => any::<u8>()
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => octets(300).prop_map(Step::Data),
        2 => (kind(), octets(40)).prop_map(|(kind, octets)| Step::Sealed(kind, octets)),
        1 => octets(40).prop_map(Step::SealedInner),
        2 => (message(), octets(80)).prop_map(|(kind, body)| Step::Handshake(kind, body)),
        1 => octets(40).prop_map(Step::HandshakeOctets),
        1 => Just(Step::NewSessionTicket(1)),
        1 => (0_u8..3).prop_map(Step::KeyUpdate),
        1 => (0_u8..3, any::<u8>()).prop_map(|(level, alert)| Step::Alert(level, alert)),
        1 => (kind(), octets(60)).prop_map(|(kind, octets)| Step::Plain(kind, octets)),
        1 => octets(40).prop_map(Step::Raw),
        1 => octets(40).prop_map(Step::BadTag),
        1 => Just(Step::Replay),
        1 => Just(Step::SkipSequence),
        1 => (0_usize..60).prop_map(Step::Fragment),
        1 => (0_usize..200).prop_map(Step::Padding),
        1 => Just(Step::Coalesce),
        1 => (0_usize..20).prop_map(Step::HoldBack),
        1 => proptest::sample::select(&[Epoch::Plain, Epoch::Handshake, Epoch::Application][..])
            .prop_map(Step::Keys),
        1 => Just(Step::Finished(Seal::Good)),
        1 => Just(Step::CertificateVerify(Proof::Good)),
        1 => Just(Step::Certificate(Default::default())),
        1 => Just(Step::EncryptedExtensions(vec![])),
    ]
}

/// Application data that the steps send under whatever keys.
fn sent(script: &Script) -> Vec<u8> {
    let pieces = script.steps.iter().map(|step| match step {
        Step::Data(octets) | Step::Sealed(23, octets) => octets.clone(),
        Step::SealedInner(inner) => {
            let end = inner.iter().rposition(|octet| *octet != 0);
            end.filter(|end| inner[*end] == 23)
                .map_or(vec![], |end| inner[..end].to_vec())
        }
        _ => vec![],
    });
    pieces.collect::<Vec<_>>().concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// After an honest handshake: what the client shows is what was sent, in its order, up to the first fault.
    #[test]
    fn any_steps_after_the_handshake(steps in vec(step(), 0..12), chunk in 1_usize..3_000) {
        let mut script = good();
        let at = script.steps.iter().position(|step| matches!(step, Step::Data(_))).unwrap();
        script.steps.splice(at..=at, steps);
        let got = memory::run::<Verified>(&SETUP, &script, chunk);
        prop_assert!(got.opened);
        prop_assert!(sent(&script).starts_with(&got.data), "{:?}", got);
    }

    /// In the handshake: it opens only if nothing of it was wrong, and says nothing before.
    #[test]
    fn any_step_in_the_handshake(step in step(), at in 1_usize..6, chunk in 1_usize..3_000) {
        let mut script = good();
        script.steps.insert(at, step.clone());
        let got = memory::run::<Provisional>(&SETUP, &script, chunk);
        if got.opened && got.result.is_ok() {
            // Shapes, what means nothing, and a Finished that the server has no key for yet.
            let unsaid = at == 1 && matches!(step, Step::Finished(_));
            let harmless = matches!(
                &step,
                Step::Fragment(_) | Step::Padding(_) | Step::Coalesce | Step::HoldBack(_)
                    | Step::Keys(_) | Step::SkipSequence | Step::Replay
                    | Step::Plain(20, _) | Step::Alert(_, 90)
            ) || matches!(
                &step,
                Step::Raw(octets) | Step::HandshakeOctets(octets) | Step::Data(octets) if octets.is_empty()
            );
            prop_assert!(harmless || unsaid, "{:?} {:?}", step, got);
        } else if !got.opened {
            prop_assert!(got.report.data.is_empty() && got.data.is_empty());
            prop_assert!(got.result.is_err() && got.result != Err(TlsError::NotOpen));
        }
    }
}
