//! A network of bootstrap servers, and an agent that goes through them.

use crate::people::{Device, NONCE, PEOPLE, Sent};
use netboot_core::Uri;
use netboot_sztp::{
    ASK_PATH, Action, Agent, End, MEDIA_TYPE, Named, Proof, REPORT_PATH, Step, SztpError, Verdict,
};

/// What a server does.
#[derive(Clone, Debug)]
pub enum Server {
    Silent,
    /// Answers with this status, media type and content.
    Answers(u16, &'static str, Vec<u8>),
}

impl Server {
    pub fn sends(sent: &Sent) -> Self {
        Server::Answers(200, MEDIA_TYPE, sent.body())
    }

    pub fn conveys(json: &str) -> Self {
        Self::sends(&Sent::unsigned(json))
    }
}

/// A network: what answers under a name, and which names prove themselves.
pub struct World<'w> {
    pub answer: &'w mut dyn FnMut(&Uri, &Proof<'_>) -> Server,
    /// Whether a server proves itself by a root that the device has, or by the one that a redirect told.
    pub proves: &'w dyn Fn(&Uri, &Proof<'_>) -> bool,
    /// Status of the answer to a report.
    pub takes: &'w dyn Fn(&str) -> u16,
    /// Whether a step can be carried out.
    pub works: &'w dyn Fn(Step) -> bool,
    /// What was done, a line each.
    pub log: Vec<String>,
}

impl World<'_> {
    /// Runs a round; how it ended.
    pub fn run(&mut self, agent: &mut Agent<'_, '_>) -> Result<End, SztpError> {
        for _ in 0..2_000 {
            match agent.poll(Some(NONCE)) {
                Action::Ask(exchange) => {
                    let (uri, proof) = (exchange.uri.clone(), exchange.proof);
                    assert_eq!(
                        (uri.path(), exchange.body.contains("nonce")),
                        (ASK_PATH, true)
                    );
                    let blind = proof == Proof::Provisional;
                    // Nobody learns what the device is who has not proved to be trusted.
                    assert_eq!(blind, exchange.body.contains("signed-data-preferred"));
                    assert_eq!(blind, !exchange.body.contains("model-x"));
                    let name = match proof {
                        Proof::Provisional => "blind",
                        Proof::Preconfigured => "root",
                        Proof::Anchor(_) => "anchor",
                    };
                    self.log.push(format!("ask {} {name}", uri.authority()));
                    if !blind && !(self.proves)(&uri, &proof) {
                        agent.failed(true);
                        continue;
                    }
                    match (self.answer)(&uri, &proof) {
                        Server::Silent => agent.failed(false),
                        Server::Answers(status, media_type, mut body) => {
                            match agent.answered(status, media_type, &mut body) {
                                Ok(Verdict::Redirected(servers)) => {
                                    self.log.push(format!("{servers} servers"))
                                }
                                Ok(Verdict::Onboarding(_)) => self.log.push("onboarding".into()),
                                Ok(other) => panic!("{other:?}"),
                                Err(error) => self.log.push(format!("{error:?}")),
                            }
                            assert!(!(agent.is_trusted() && blind));
                        }
                    }
                }
                Action::Report(progress, exchange) => {
                    assert_eq!(exchange.uri.path(), REPORT_PATH);
                    // Reports go to servers that have proved themselves, by the same proof.
                    assert_ne!(exchange.proof, Proof::Provisional);
                    assert!((self.proves)(&exchange.uri, &exchange.proof));
                    assert!(exchange.body.contains(progress.as_str()));
                    self.log.push(progress.as_str().into());
                    match (self.takes)(progress.as_str()) {
                        0 => agent.failed(false),
                        status => agent.reported(status),
                    }
                }
                Action::Do(step) => {
                    self.log.push(format!("do {}", step.as_str()));
                    agent.done((self.works)(step));
                }
                Action::Finished(end) => return Ok(end),
                Action::Exhausted(error) => return Err(error),
            }
        }
        panic!("the agent does not end: {:?}", self.log);
    }
}

/// Runs an agent whose servers are called `a`, `b` and so on.
pub fn run(
    sources: usize,
    has_anchors: bool,
    answer: &mut dyn FnMut(&Uri, &Proof<'_>) -> Server,
) -> (Result<End, SztpError>, Vec<String>) {
    let always = |_: &Uri, _: &Proof<'_>| true;
    let mut world = World {
        answer,
        proves: &always,
        takes: &|_| 204,
        works: &|_| true,
        log: vec![],
    };
    let result = with_agent(sources, has_anchors, |agent| world.run(agent));
    (result, world.log)
}

pub fn with_agent<R>(
    sources: usize,
    has_anchors: bool,
    work: impl FnOnce(&mut Agent<'_, '_>) -> R,
) -> R {
    let root: &[u8] = &PEOPLE.masa_root;
    let roots = [root];
    let mut octets = [0; 8192];
    let mut agent = Agent::new(Device::default().config(&roots, has_anchors), &mut octets);
    for source in 0..sources {
        let uri = format!("https://{}.example:8443", (b'a' + source as u8) as char);
        agent
            .add_server(&Uri::parse(&uri).unwrap(), Named::Dhcp)
            .unwrap();
    }
    work(&mut agent)
}

pub fn redirect(servers: &str) -> String {
    format!(
        r#"{{"ietf-sztp-conveyed-info:redirect-information":{{"bootstrap-server":[{servers}]}}}}"#
    )
}

/// Everything that the owner may demand, with an image that runs already.
pub const ALL: &str = r#"{"ietf-sztp-conveyed-info:onboarding-information":{"boot-image":{"os-name":"rom","os-version":"1","download-uri":["x"]},
    "pre-configuration-script":"","configuration-handling":"replace","configuration":"","post-configuration-script":""}}"#;
