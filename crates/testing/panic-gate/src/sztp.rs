//! `netboot-sztp`: any option, answer and artifact is read, and the agent is driven. What hashes or computes on a curve is not called: who has
//! signed something.

use crate::{Input, call, fail, take};
use core::hint::black_box;
use netboot_core::Uri;
use netboot_sztp::{
    About, Action, Agent, Artifact, Artifacts, Assertion, Config, Conveyed, Credentials,
    KeyAlgorithm, LocalKey, MAX_POINT, MAX_SIGNATURE, Named, Step, SztpError, Text, Voucher,
    Wanted, dhcp, local_certificate,
};
use netboot_x509::{TimePolicy, Trust, TrustPolicy};

/// Octets of an answer, and of the list of servers.
const SPACE: usize = 512;

/// A key that computes nothing.
struct AnyKey;

impl LocalKey for AnyKey {
    fn algorithm(&self) -> KeyAlgorithm {
        black_box(KeyAlgorithm::P256)
    }

    fn public_key(&mut self, point: &mut [u8; MAX_POINT]) -> Option<usize> {
        take(point.len());
        black_box(Some(MAX_POINT))
    }

    fn sign(&mut self, message: &[u8], signature: &mut [u8; MAX_SIGNATURE]) -> Option<usize> {
        take((message.len(), signature.len()));
        black_box(Some(MAX_SIGNATURE))
    }
}

/// Calls all of the crate but the verification.
pub fn run(input: &mut Input) {
    fail(dhcp::servers(input.octets(), &mut |uri| take(uri.port())));
    let mut space = [0; SPACE];
    for (to, from) in space.iter_mut().zip(input.octets()) {
        *to = *from;
    }
    if let Some(artifacts) = fail(Artifacts::parse(&mut space)) {
        take((artifacts.conveyed_information.len(), artifacts.verbose));
    }
    match fail(Conveyed::parse(input.octets())) {
        Some(Conveyed::Redirect(redirect)) => {
            for server in redirect.servers() {
                take(server.port);
                text(server.address);
            }
        }
        Some(Conveyed::Onboarding(all)) => {
            all.configuration.into_iter().for_each(text);
            if let Some(image) = all.boot_image {
                image.places().for_each(text);
                take(image.sha256);
            }
        }
        None => {}
    }
    if let Some(voucher) = fail(Voucher::parse(input.octets())) {
        take((
            voucher.created_on,
            voucher.expires_on,
            voucher.revocation_checks,
        ));
        text(voucher.serial_number);
    }
    if let Some(Some(found)) = fail(local_certificate(input.octets(), &mut AnyKey)) {
        take(found.len());
    }
    agent(input);
    let error = match input.octet() {
        0 => SztpError::Status(input.octet().into()),
        1 => SztpError::Xml(Artifact::Voucher),
        2 => SztpError::Step(Step::BootImage),
        _ => SztpError::Untrusted,
    };
    fail::<(), _>(Err(error));
}

fn text(text: Text<'_>) {
    let mut space = [0; SPACE];
    take((text.base64(&mut space), text.is("x"), text.place()));
    take(text.copy::<SPACE>().is_some());
}

fn agent(input: &mut Input) {
    let mut servers = [0; SPACE];
    let config = Config {
        credentials: Credentials {
            serial_number: "",
            idevid: &[],
            vouchers: Trust {
                policy: TrustPolicy::Pinned {
                    roots: &[],
                    keys: &[],
                },
                time: TimePolicy::None,
                algorithms: &[],
                max_depth: 0,
            },
            assertions: &[Assertion::Verified],
        },
        about: About::default(),
        has_anchors: input.flag(),
    };
    let mut agent = Agent::new(config, &mut servers);
    if let Ok(uri) = Uri::parse("https://a") {
        fail(agent.add_server(&uri, Named::Dhcp));
    }
    agent.offer_request(KeyAlgorithm::P384);
    while input.flag() {
        let agent = call(&mut agent);
        match agent.poll(None) {
            Action::Ask(exchange) | Action::Report(_, exchange) => take(exchange.body.len()),
            Action::Do(step) => take(step),
            Action::Finished(end) => take(end),
            Action::Exhausted(error) => {
                fail::<(), _>(Err(error));
            }
        }
        match input.octet() {
            0 => agent.failed(input.flag()),
            1 => agent.reported(input.octet().into()),
            2 => agent.done(input.flag()),
            3 => {
                let mut space = [0; SPACE];
                for (to, from) in space.iter_mut().zip(input.octets()) {
                    *to = *from;
                }
                if let Some(Some(wanted)) = fail(Wanted::parse(&mut space, AnyKey.algorithm())) {
                    fail(agent.certify(&wanted, &mut AnyKey));
                    fail(wanted.request(input.octets(), &mut AnyKey));
                }
            }
            4 => agent.begin(),
            _ => agent.restart(),
        }
        take((
            agent.rounds(),
            agent.asked(),
            agent.is_trusted(),
            agent.origin(),
            agent.is_signed(),
            agent.server().is_some(),
        ));
    }
}
