//! Arbitrary options, answers and artifacts, and operations on the agent in any order.

use crate::{
    Action, Agent, Artifacts, Assertion, Config, Conveyed, Credentials, MAX_ASKED, Named, Proof,
    Step, Verdict, Voucher, dhcp,
};
use netboot_core::Uri;
use netboot_x509::{DEFAULT_ALGORITHMS, MAX_DEPTH, TimePolicy, Trust, TrustPolicy};

/// Octets that an answer may have here.
const ANSWER: usize = 4096;

/// Reads `data` as whatever its first octet says, and asserts what must hold.
///
/// # Panics
/// When an invariant is broken.
pub fn run(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    match choice % 5 {
        0 => option(rest),
        1 => answer(rest),
        2 => conveyed(rest),
        3 => voucher(rest),
        _ => agent(rest),
    }
}

fn option(data: &[u8]) {
    let mut taken = 0_u8;
    let found = dhcp::servers(data, &mut |uri| {
        assert!(!uri.has_credentials() && matches!(uri.target(), "" | "/"));
        taken = taken.saturating_add(1);
    });
    match found {
        Ok(found) => assert!(found.taken == taken && taken != 0 && found.shortened <= taken),
        Err(_) => assert_eq!(taken, 0),
    }
}

fn answer(data: &[u8]) {
    let mut space = [0; ANSWER];
    let len = data.len().min(ANSWER);
    space[..len].copy_from_slice(&data[..len]);
    if let Ok(artifacts) = Artifacts::parse(&mut space[..len]) {
        let all = artifacts
            .ownership
            .map_or(0, |both| both.owner_certificate.len() + both.voucher.len());
        // Base64 takes more room than what it stands for.
        assert!((artifacts.conveyed_information.len() + all) / 3 * 4 <= len);
    }
    #[cfg(feature = "csr")]
    certificates::request(&data[..len]);
}

/// What has to do with a certificate of the device's own.
#[cfg(feature = "csr")]
mod certificates {
    use crate::{Csr, KeyAlgorithm, LocalKey, MAX_POINT, MAX_SIGNATURE, Wanted};

    /// A key that signs whatever it gets, and remembers it.
    #[derive(Default)]
    pub struct Key(Csr);

    impl LocalKey for Key {
        fn algorithm(&self) -> KeyAlgorithm {
            KeyAlgorithm::P256
        }

        fn public_key(&mut self, point: &mut [u8; MAX_POINT]) -> Option<usize> {
            point[..65].fill(4);
            Some(65)
        }

        fn sign(&mut self, message: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Option<usize> {
            self.0 = Csr::from_slice(message).ok()?;
            signature[..8].copy_from_slice(&[0x30, 6, 2, 1, 1, 2, 1, 1]);
            Some(8)
        }
    }

    /// Whatever a server wants signed, only a request for the device's own key is.
    pub fn request(errors: &[u8]) {
        let mut space = [0; super::ANSWER];
        space[..errors.len()].copy_from_slice(errors);
        let body = &mut space[..errors.len()];
        let Ok(Some(wanted)) = Wanted::parse(body, KeyAlgorithm::P256) else {
            return;
        };
        let mut key = Key::default();
        if wanted.request(&[], &mut key).is_ok() {
            assert!(key.0.windows(65).any(|point| point == [4; 65]));
        }
    }
}

fn conveyed(data: &[u8]) {
    let mut space = [0; ANSWER];
    #[cfg(feature = "csr")]
    if let Ok(Some(found)) = crate::local_certificate(data, &mut certificates::Key::default()) {
        assert!(found.windows(65).any(|point| point == [4; 65]));
    }
    match Conveyed::parse(data) {
        Ok(Conveyed::Redirect(redirect)) => {
            let servers = redirect.servers().count();
            assert!((1..=usize::from(crate::MAX_REDIRECTS)).contains(&servers));
        }
        Ok(Conveyed::Onboarding(all)) => {
            assert_eq!(all.handling.is_some(), all.configuration.is_some());
            for text in [
                all.pre_configuration_script,
                all.configuration,
                all.post_configuration_script,
            ] {
                let _ = text.and_then(|text| text.base64(&mut space));
            }
            if let Some(image) = all.boot_image {
                let places = image.places().count();
                assert!((1..=usize::from(crate::MAX_IMAGE_PLACES)).contains(&places));
            }
        }
        Err(_) => {}
    }
}

fn voucher(data: &[u8]) {
    if let Ok(voucher) = Voucher::parse(data) {
        let text = voucher.serial_number;
        assert!(text.copy::<ANSWER>().is_none_or(|copy| text.is(&copy)));
    }
}

/// Each octet is an operation; answers take octets behind it.
fn agent(data: &[u8]) {
    let mut octets = [0; 512];
    let roots: [&[u8]; 0] = [];
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let config = Config {
        credentials: Credentials {
            serial_number: "S",
            idevid: &[],
            vouchers: Trust {
                policy: TrustPolicy::Pinned {
                    roots: &roots,
                    keys: &[],
                },
                time: TimePolicy::None,
                algorithms: DEFAULT_ALGORITHMS,
                max_depth: MAX_DEPTH,
            },
            assertions: &[Assertion::Verified],
        },
        about: crate::About::default(),
        has_anchors: first & 1 != 0,
    };
    let mut agent = Agent::new(config, &mut octets);
    if let Ok(uri) = Uri::parse("https://a.example") {
        for _ in 0..(first >> 1 & 3) {
            let _ = agent.add_server(&uri, Named::Dhcp);
        }
    }
    // Set from an accepted onboarding on, until its end.
    let mut onboards = false;
    while let Some((operation, behind)) = rest.split_first() {
        rest = behind;
        assert!(agent.asked() <= MAX_ASKED);
        match agent.poll(None) {
            Action::Ask(exchange) => {
                onboards = false;
                let blind = exchange.proof == Proof::Provisional;
                assert_eq!(blind, exchange.body.contains("signed-data-preferred"));
                if operation & 1 != 0 {
                    agent.failed(operation & 2 != 0);
                    continue;
                }
                let len = usize::from(operation >> 2) * 16;
                let (body, behind) = rest.split_at(len.min(rest.len()));
                rest = behind;
                let mut space = [0; 64 * 16];
                space[..body.len()].copy_from_slice(body);
                let answered = agent.answered(200, crate::MEDIA_TYPE, &mut space[..body.len()]);
                if let Ok(Verdict::Onboarding(_)) = answered {
                    // Nobody here can sign for the owner.
                    onboards = true;
                    assert!(!blind && agent.is_trusted());
                }
            }
            Action::Report(_, exchange) => {
                assert_ne!(exchange.proof, Proof::Provisional);
                match operation & 3 {
                    0 => agent.failed(false),
                    1 => agent.reported(500),
                    _ => agent.reported(204),
                }
            }
            Action::Do(step) => {
                assert!(onboards && agent.is_trusted());
                let worked = operation & 1 != 0;
                agent.done(worked);
                onboards = worked && step != Step::BootImage;
            }
            Action::Finished(_) | Action::Exhausted(_) => {
                onboards = false;
                agent.restart();
            }
        }
    }
}
