//! A protocol of somebody else's, added without touching the library: the scheme `x-noise` makes octets up.

use super::{Memory, Net, assert_delivered, configured};
use netboot::NetError;
use netboot::carrier::{Board, Carrier, Internal, Opened, Pumped, Start, Station, Take};
use netboot_core::{Duration, Instant, Uri};
use netboot_ipxe::{Delivery, ExecError, IpxeInterface, Part};

/// Octets of each file.
const SIZE: usize = 50_000;

fn noise(seed: u8) -> Vec<u8> {
    (0..SIZE)
        .map(|at| (at as u8).wrapping_mul(31) ^ seed ^ (at >> 8) as u8)
        .collect()
}

/// Makes files up. The path is the seed; `host` says how the transfer goes.
#[derive(Default)]
struct Noise {
    file: Vec<u8>,
    at: usize,
    /// Octets after which the transfer breaks, once.
    breaks_at: Option<usize>,
    opened: usize,
    closed: usize,
}

impl<B: Board> Carrier<B> for Noise {
    fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &mut Uri,
        _: Start<'_>,
    ) -> Internal<Opened> {
        assert_eq!(uri.scheme_name(), "x-noise");
        // A carrier may wait, with the network served.
        station.wait(Duration::from_millis(3))?;
        let seed = uri.path().trim_start_matches('/').parse();
        let Ok(seed) = seed else {
            return Err(station.fail(NetError::Unsupported));
        };
        self.file = noise(seed);
        self.at = 0;
        self.opened += 1;
        Ok(Opened {
            total: Some(SIZE as u64),
            first: 0,
        })
    }

    fn pump(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        if self.breaks_at.is_some_and(|at| self.at >= at) {
            self.breaks_at = None;
            return Err(station.fail(NetError::ConnectionReset));
        }
        let rest = &self.file[self.at..];
        if rest.is_empty() {
            return Ok(Pumped::Complete);
        }
        if max == 0 {
            return Ok(Pumped::Nothing(now + Duration::from_millis(1)));
        }
        let taken = take(&rest[..rest.len().min(max).min(777)]);
        self.at += taken;
        Ok(Pumped::Octets(taken))
    }

    fn close(&mut self, _: &mut Station<'_, B>) {
        self.closed += 1;
    }
}

fn station(carrier: Noise) -> Net {
    let (_, mut net) = configured(|_| ());
    net.use_carrier(Box::leak(Box::new(carrier)));
    net
}

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap()
}

#[test]
fn a_private_scheme_is_fetched_like_any_other() {
    let mut net = station(Noise::default());
    let mut delivery = Delivery::new(Memory::default());
    net.chain(&uri("x-noise://nowhere/17"), &mut delivery)
        .unwrap();
    assert_delivered(&mut delivery, &noise(17));
    let part = Part {
        offset: 10_000,
        len: 300,
    };
    let mut delivery = Delivery::new(Memory::default());
    net.sanboot(&uri("x-noise://nowhere/18"), part, &mut delivery)
        .unwrap();
    assert_delivered(&mut delivery, &noise(18)[10_000..10_300]);
}

#[test]
fn a_break_is_taken_up_again_by_comparing_the_prefix() {
    let mut net = station(Noise {
        breaks_at: Some(20_000),
        ..Noise::default()
    });
    let mut delivery = Delivery::new(Memory::default());
    net.chain(&uri("x-noise://nowhere/19"), &mut delivery)
        .unwrap();
    assert_delivered(&mut delivery, &noise(19));
    assert_eq!(delivery.resumes(), 1);
}

#[test]
fn its_errors_are_errors_of_the_library() {
    let mut net = station(Noise::default());
    let mut delivery = Delivery::new(Memory::default());
    let chained = net.chain(&uri("x-noise://nowhere/not-a-number"), &mut delivery);
    assert_eq!(chained, Err(ExecError::Transfer(NetError::Unsupported)));
}

#[test]
fn without_a_carrier_the_scheme_is_refused() {
    let (_, mut net) = configured(|_| ());
    let fetched = net.imgfetch(&uri("x-noise://nowhere/1"), None, None);
    assert_eq!(fetched.unwrap_err(), NetError::Unsupported);
}

#[test]
fn carriers_take_turns() {
    let mut net = station(Noise::default());
    for round in 0..3u8 {
        let mut delivery = Delivery::new(Memory::default());
        let noisy = format!("x-noise://nowhere/{round}");
        net.chain(&uri(&noisy), &mut delivery).unwrap();
        assert_delivered(&mut delivery, &noise(round));
        for scheme in ["tftp", "http"] {
            let mut delivery = Delivery::new(Memory::default());
            net.chain(&super::uri(scheme, "soc-manifest.bin"), &mut delivery)
                .unwrap();
            assert_delivered(&mut delivery, &testbed::Plan::default().images[1].bytes);
        }
    }
}
