//! The UDP boot protocol (`docs/src/ubp.md`).
//!
//! Blocks stay where the device put them until the sink has taken them: those of a whole window at once, in any order. The client verifies each block
//! before an octet of it goes on, so a transfer may begin with any octet, and what it brings needs no other proof.

use super::carrier::{Carrier, Opened, Pumped, Start, Take};
use crate::board::Board;
use crate::error::NetError;
use crate::link::{Link, STASH, ip_of};
use crate::options::UbpOptions;
use crate::station::{Failed, Internal, Station, Step, resolve};
use log::debug;
use netboot_core::uri::Uri;
use netboot_core::{Coded, Device, Digest, Instant, Platform};
use netboot_ipxe::{Hasher, LEVELS};
use netboot_ubp::wire::{DATA_HEAD, REQUEST_MAX};
use netboot_ubp::{Client, Endpoint, Event, Frames, Output, Request, UbpError};
use rand_core::RngCore;

/// Frames of the receive ring that other traffic needs.
const SPARE: usize = 2;
/// Datagrams and blocks looked at in one call.
const BUDGET: usize = STASH + 8;
/// Digits of a verity digest.
const DIGITS: usize = 64;

/// The UDP boot protocol, for [`Network::use_ubp`](crate::Network::use_ubp), in some 4.5 KiB. `hasher` computes the hashes of the blocks.
///
/// A URI `ubp://server/path` names a file by its path. `ubp://server/` and the 64 hexadecimal digits of a verity digest name it by its content, and
/// nothing else is accepted.
pub struct Ubp<'h> {
    client: Client<&'h mut dyn Hasher, LEVELS>,
    options: UbpOptions,
    /// The station's port, while a transfer is open.
    port: Option<u16>,
    /// Verity digest of the file, once a server has told it.
    digest: Option<Digest>,
    /// Octets that were taken of the block that comes next.
    taken: usize,
    /// Set once blocks were asked for: the server hears how the transfer ended.
    begun: bool,
}

/// The datagrams that were put aside.
struct Aside<'l, 'w, D: Device>(&'l Link<'w, D>);

impl<D: Device> Frames for Aside<'_, '_, D> {
    fn datagram(&self, slot: u8) -> &[u8] {
        self.0.aside(slot)
    }
}

impl<'h> Ubp<'h> {
    /// Makes the carrier.
    #[inline(always)]
    pub fn new(hasher: &'h mut dyn Hasher, options: UbpOptions) -> Self {
        Self {
            client: Client::idle(hasher),
            options,
            port: None,
            digest: None,
            taken: 0,
            begun: false,
        }
    }

    /// Makes the request.
    #[inline(never)]
    fn request<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        server: Endpoint,
        uri: &Uri,
        start: Start<'_>,
    ) -> Result<(), NetError> {
        let path = uri.target();
        let named = path.get(1..).filter(|name| name.len() == DIGITS);
        let named = named.and_then(Digest::from_hex);
        // What the ring holds is never lost on a busy receiver. One frame is the one that is looked at.
        let ring = station.rx_ring().saturating_sub(SPARE);
        let held = B::Device::HELD_FRAMES.saturating_sub(1);
        let window = ring.min(held).clamp(1, STASH);
        let request = Request {
            path: if named.is_some() { "" } else { path },
            digest: named.or(start.digest),
            offset: start.offset,
            window: u8::try_from(window).unwrap_or(1),
            rate: self.options.rate,
            multicast: false,
        };
        let nonce = station.platform().rng().next_u64();
        let now = station.now();
        let timing = self.options.timing;
        self.client.restart(server, &request, timing, nonce, now)?;
        Ok(())
    }

    /// Lets the client see the datagram that lies in the device. What the file is, once the server has told it.
    #[inline(never)]
    fn look<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
    ) -> Internal<Option<(u64, Digest)>> {
        let link = &mut station.stack.link;
        // The client keeps no more frames than there are places.
        let place = link.free_place().unwrap_or(u8::MAX);
        let Some((address, port, datagram)) = link.datagram() else {
            return Ok(None);
        };
        let addr = ip_of(address);
        let handled = self
            .client
            .handle(now, Endpoint { addr, port }, datagram, place);
        match handled {
            Ok(Event::Kept) => link.put_aside(place),
            _ => link.release(),
        }
        match handled {
            Ok(Event::Opened { size, digest, .. }) => Ok(Some((size, digest))),
            Ok(_) => Ok(None),
            Err(error) => Err(self.failed(station, error)),
        }
    }

    #[inline(never)]
    fn poll_open<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
    ) -> Internal<Step<Opened>> {
        if let Some((size, digest)) = self.look(station, now)? {
            self.digest = Some(digest);
            return Ok(Step::Done(Opened {
                total: Some(size),
                first: self.client.first(),
            }));
        }
        self.timers(station, now)?;
        Ok(Step::Again(self.next_timeout()))
    }

    fn next_timeout(&self) -> Instant {
        self.client.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }

    #[inline(never)]
    fn failed<B: Board>(&mut self, station: &mut Station<'_, B>, error: UbpError) -> Failed {
        station.fail(error.into())
    }

    fn timers<B: Board>(&mut self, station: &mut Station<'_, B>, now: Instant) -> Internal {
        let result = self.client.handle_timeout(now);
        self.transmit(station, now);
        result.map_err(|error| self.failed(station, error))
    }

    /// Sends what the client has to send.
    #[inline(never)]
    fn transmit<B: Board>(&mut self, station: &mut Station<'_, B>, now: Instant) {
        let Some(port) = self.port.filter(|_| self.client.is_transmit_due()) else {
            return;
        };
        let mut buffer = [0; REQUEST_MAX];
        // What finds no room now is sent later, and not lost.
        while station.stack.link.can_send() {
            let Some((len, to)) = self.client.poll_transmit(now, &mut buffer) else {
                break;
            };
            let message = buffer.get(..len).unwrap_or_default();
            let (from, to) = ((None, port), (to.addr, to.port));
            station.stack.link.send_datagram(now, from, to, message);
        }
    }

    /// Gives `take` at most `max` octets of the verified block at this place. How many it took.
    fn hand_over<D: Device>(
        &mut self,
        link: &Link<'_, D>,
        (slot, len): (u8, u16),
        max: usize,
        take: Take<'_>,
    ) -> usize {
        let block = link.aside(slot).get(DATA_HEAD..).unwrap_or_default();
        let rest = block.get(self.taken..usize::from(len)).unwrap_or_default();
        let offered = rest.get(..max).unwrap_or(rest);
        match offered.is_empty() {
            true => 0,
            false => take(offered),
        }
    }

    fn pump_some<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        // Until somebody takes octets nothing is asked for.
        self.client.start(now);
        self.begun = true;
        self.look(station, now)?;
        for _ in 0..BUDGET {
            let link = &mut station.stack.link;
            match self.client.poll(now, &Aside(link)) {
                Ok(Output::Release { slot }) => link.release_aside(slot),
                Ok(Output::Data { slot, len, .. }) => {
                    let taken = self.hand_over(link, (slot, len), max, take);
                    self.taken = self.taken.saturating_add(taken);
                    if self.taken >= usize::from(len) {
                        self.taken = 0;
                        self.client.consumed(now);
                        link.release_aside(slot);
                        self.transmit(station, now);
                    }
                    return Ok(Pumped::Octets(taken));
                }
                Ok(Output::None) => break,
                Err(error) => return Err(self.failed(station, error)),
            }
        }
        if self.client.is_complete() {
            self.client.report(now, 0, 0);
            self.transmit(station, now);
            self.listen(station, None);
            return Ok(Pumped::Complete);
        }
        self.timers(station, now)?;
        Ok(Pumped::Nothing(self.next_timeout()))
    }

    /// Says by which port the transfer is reached.
    fn listen<B: Board>(&mut self, station: &mut Station<'_, B>, port: Option<u16>) {
        self.port = port;
        station.stack.link.port = port;
        station.stack.link.release();
    }
}

impl<B: Board> Carrier<B> for Ubp<'_> {
    #[inline(never)]
    fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &mut Uri,
        start: Start<'_>,
    ) -> Internal<Opened> {
        Carrier::<B>::close(self, station);
        let addr = resolve(station, uri)?;
        let port = uri.port();
        if let Err(error) = self.request(station, Endpoint { addr, port }, uri, start) {
            return Err(station.fail(error));
        }
        let port = station.ephemeral_port();
        self.listen(station, Some(port));
        let limit = Instant::FAR_FUTURE;
        let opened = station.run(limit, NetError::Stalled, |station, now| {
            self.poll_open(station, now)
        });
        if opened.is_err() {
            Carrier::<B>::close(self, station);
        }
        opened
    }

    #[inline(never)]
    fn pump(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        if self.port.is_none() && self.client.is_complete() {
            return Ok(Pumped::Complete);
        }
        self.pump_some(station, now, max, take)
    }

    fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Tells the server why no more is wanted, unless the file is complete.
    fn close(&mut self, station: &mut Station<'_, B>) {
        if self.port.is_some() {
            let now = station.now();
            if self.begun {
                let error = station.error().map_or(UbpError::Closed.code(), Coded::code);
                self.client.report(now, error, 0);
                self.transmit(station, now);
            }
            let stats = self.client.stats();
            debug!("ubp: {stats:?}");
            self.listen(station, None);
        }
        while let Some(slot) = self.client.give_up() {
            station.stack.link.release_aside(slot);
        }
        self.digest = None;
        self.taken = 0;
        self.begun = false;
    }
}
