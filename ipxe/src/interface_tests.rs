//! What the interface does for a library that has only what it must have, and what goes through a borrowed one.

use crate::{
    Deliver, Delivery, Digest, Duration, ExecError, ImageHandle, ImageSink, Instant, IpxeInterface,
    LoadedImage, NetworkConfig, Part, Route, Uri, UriError,
};
use crate::{DhcpGoal, SinkFailed};
use core::net::Ipv4Addr;
use netboot_core::{AbortReason, Coded};

/// A library whose only file has these octets, and which notes its commands.
#[derive(Default)]
struct Library {
    said: Vec<String>,
    config: Option<NetworkConfig>,
}

const FILE: &[u8] = b"0123456789";

impl Library {
    fn say(&mut self, what: impl Into<String>) {
        self.said.push(what.into());
    }
}

impl IpxeInterface for Library {
    type Error = UriError;

    fn now(&mut self) -> Instant {
        Instant::from_millis(7)
    }

    fn random(&mut self) -> u32 {
        9
    }

    fn set_deadline(&mut self, deadline: Instant) {
        self.say(format!("deadline {}", deadline.as_millis()));
    }

    fn dhcp(&mut self, goal: DhcpGoal) -> Result<&NetworkConfig, UriError> {
        self.say(format!("dhcp {goal:?}"));
        self.config.as_ref().ok_or(UriError::NoHost)
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), UriError> {
        self.say(format!("ifconfig {}", config.address));
        self.config = Some(config.clone());
        Ok(())
    }

    fn config(&self) -> Option<&NetworkConfig> {
        self.config.as_ref()
    }

    fn route(&mut self, route: &Route) -> Result<(), UriError> {
        self.say(format!("route /{}", route.destination.len));
        Ok(())
    }

    fn imgfetch(
        &mut self,
        uri: &Uri,
        name: Option<&str>,
        part: Option<Part>,
    ) -> Result<ImageHandle, UriError> {
        self.say(format!("imgfetch {uri} {part:?}"));
        Ok(ImageHandle {
            name: crate::short_name(name.unwrap_or(uri.last_segment())),
            uri: uri.clone(),
            size: Some(FILE.len() as u64),
            id: 1,
        })
    }

    fn imgload<'h>(&mut self, handle: &'h ImageHandle) -> Result<LoadedImage<'h>, UriError> {
        self.say("imgload");
        let size = FILE.len() as u64;
        Ok(LoadedImage { handle, size })
    }

    fn imgexec(
        &mut self,
        image: LoadedImage<'_>,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<UriError>> {
        self.say("imgexec");
        let now = self.now();
        let deliver = |delivery: &mut dyn Deliver| {
            delivery.begin(now, image.size)?;
            delivery.write(now, FILE)?;
            delivery.end(now)
        };
        deliver(delivery).map_err(|SinkFailed| ExecError::Sink)
    }

    fn echo(&mut self, message: &str) {
        self.say(format!("echo {message}"));
    }

    fn sleep(&mut self, span: Duration) -> Result<(), UriError> {
        self.say(format!("sleep {}", span.as_millis()));
        Ok(())
    }

    fn exit(&mut self) {
        self.say("exit");
    }
}

/// A sink that keeps what it gets, and takes no image of another size than ten octets.
#[derive(Default)]
struct Kept(Vec<u8>);

impl ImageSink for Kept {
    type Error = UriError;

    fn begin(&mut self, _: Instant, size: u64) -> Result<(), UriError> {
        self.0.clear();
        match size {
            10 => Ok(()),
            _ => Err(UriError::TooLong),
        }
    }

    fn window(&mut self, _: Instant) -> Result<usize, UriError> {
        Ok(10 - self.0.len())
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), UriError> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), UriError> {
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, UriError> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), UriError> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        self.0.len() < 5
    }

    fn abort(&mut self, _: Instant, _: AbortReason) {}
}

fn place() -> Uri {
    Uri::parse("tftp://10.0.2.2/a/b.bin").unwrap()
}

const PART: Part = Part { offset: 3, len: 4 };

/// All commands, by a library that may be borrowed.
fn all(mut library: impl IpxeInterface<Error = UriError>) {
    let deadline = Instant::from_millis(5);
    assert_eq!((library.now().as_millis(), library.random()), (7, 9));
    library.set_deadline(deadline);
    assert_eq!(library.dhcp(DhcpGoal::Address), Err(UriError::NoHost));
    assert_eq!(library.config(), None);
    let config = NetworkConfig::new(Ipv4Addr::new(10, 0, 2, 15).into(), 24);
    library.ifconfig(&config).unwrap();
    assert_eq!(library.config(), Some(&config));
    assert_eq!(library.other_config(), None);
    assert_eq!(library.dhcp(DhcpGoal::BootFiles), Ok(&config));
    let destination = netboot_core::net::Prefix {
        address: Ipv4Addr::UNSPECIFIED.into(),
        len: 8,
    };
    let gateway = None;
    let route = Route {
        destination,
        gateway,
    };
    library.route(&route).unwrap();
    library.prefetch(&place(), None);
    let offer = library.probe(&place(), Duration::from_secs(1)).unwrap();
    assert_eq!(offer.size, Some(10));
    let mut delivery = Delivery::new(Kept::default());
    library.chain(&place(), &mut delivery).unwrap();
    assert_eq!(delivery.into_sink().0, FILE);
    let mut delivery = Delivery::new(Kept::default());
    library.sanboot(&place(), PART, &mut delivery).unwrap();
    assert_eq!(delivery.into_sink().0, FILE);
    library.echo("text");
    library.syslog(crate::Severity::Error, "id", &mut |_, _| {});
    library.sleep(Duration::from_millis(3)).unwrap();
    #[cfg(feature = "script")]
    {
        use crate::OptionScope;
        use crate::script::Configurator;
        let server = Ipv4Addr::new(10, 0, 2, 2).into();
        assert_eq!(library.interface(), None);
        assert!(library.nslookup("host").is_none());
        assert_eq!(library.neighbor(0), None);
        assert!(library.ping(server, 1, 64, Duration::ZERO).is_none());
        assert_eq!(library.dhcp_option(OptionScope::Dhcp, 1), None);
        library.interruptible(true);
        assert!(library.use_family(None));
        assert!(library.use_family(Some(Configurator::Dhcp)));
        assert!(!library.use_family(Some(Configurator::Ipv6)));
    }
    library.exit();
}

#[test]
fn each_command_reaches_the_library_once() {
    let fetch = "imgfetch tftp://10.0.2.2/a/b.bin None";
    let part = "imgfetch tftp://10.0.2.2/a/b.bin Some(Part { offset: 3, len: 4 })";
    let expected = [
        "deadline 5",
        "dhcp Address",
        "ifconfig 10.0.2.15",
        "dhcp BootFiles",
        "route /8",
        fetch,
        fetch,
        "imgload",
        "imgexec",
        part,
        "imgload",
        "imgexec",
        "echo text",
        "sleep 3",
        "exit",
    ];
    let mut library = Library::default();
    all(&mut library);
    assert_eq!(library.said, expected);
    let mut library = Library::default();
    all(&mut &mut library);
    assert_eq!(library.said, expected);
}

#[test]
fn a_delivery_outlives_its_sources() {
    let at = Instant::from_millis;
    let mut delivery = Delivery::new(Kept::default());
    assert!(!delivery.has_begun());
    let refused = delivery.begin(at(1), 11);
    assert_eq!(refused, Err(SinkFailed));
    assert_eq!(delivery.take_error(), Some(UriError::TooLong));
    assert_eq!(delivery.take_error(), None);
    assert_eq!((delivery.size(), delivery.resumes()), (None, 0));
    delivery.begin(at(2), 10).unwrap();
    delivery.write(at(3), b"0123").unwrap();
    delivery.resumed();
    delivery.set_source(5);
    assert_eq!((delivery.position(), delivery.resumes()), (4, 1));
    assert_eq!((delivery.source(), delivery.window(at(3))), (5, Ok(6)));
    assert_eq!(delivery.digest(), digest(b"0123"));
    // What was begun with the same size goes on.
    delivery.begin(at(4), 10).unwrap();
    assert_eq!(delivery.position(), 4);
    // The sink has used nothing yet, so that all begins anew; the troubles still count.
    assert!(delivery.withdraw(at(5)));
    assert_eq!((delivery.position(), delivery.size()), (0, None));
    assert_eq!((delivery.resumes(), delivery.source()), (1, 0));
    delivery.begin(at(6), 10).unwrap();
    delivery.write(at(7), FILE).unwrap();
    assert!(!delivery.withdraw(at(8)), "the sink has used some of it");
    assert_eq!(delivery.position(), 10);
    assert!(!delivery.is_complete());
    assert_eq!(delivery.duration(), Duration::ZERO);
    delivery.end(at(9)).unwrap();
    assert!(delivery.is_complete() && delivery.has_begun());
    assert_eq!(delivery.duration(), Duration::from_millis(3));
    assert_eq!(delivery.digest(), digest(FILE));
    delivery.reset();
    assert!(!delivery.is_complete() && !delivery.has_begun());
    assert_eq!((delivery.position(), delivery.resumes()), (0, 0));
    assert_eq!(delivery.digest(), digest(b""));
    assert_eq!(delivery.into_sink().0, FILE);
    let unhashed = Delivery::unhashed(Kept::default());
    assert_eq!(unhashed.digest(), None);
}

/// What a delivery of these octets has for a digest.
fn digest(octets: &[u8]) -> Option<Digest> {
    let digest = crate::sha256(octets);
    assert_eq!(digest.is_some(), cfg!(feature = "sha256"));
    if octets.is_empty() && digest.is_some() {
        let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest, Digest::from_hex(known));
    }
    digest
}

#[test]
fn the_side_that_failed_is_in_the_text() {
    let fetch = ExecError::Transfer(UriError::NoHost);
    assert_eq!(fetch.to_string(), UriError::NoHost.to_string());
    let refused = ExecError::Refused(UriError::NoHost).to_string();
    assert!(refused.starts_with("the source has another file: "));
    let sink: ExecError<UriError> = ExecError::Sink;
    assert_eq!(sink.to_string(), "the sink of the image failed");
    assert!(SinkFailed.to_string().contains("sink"));
    assert_ne!(UriError::NoHost.code(), 0);
}
