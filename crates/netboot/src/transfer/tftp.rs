//! TFTP on its UDP port (RFC 1350, 2347 to 2349, 7440).
//!
//! A DATA packet stays where the device put it until the sink has taken all of it; only then is it acknowledged. So a slow
//! sink slows the server, and no block is copied.

use super::carrier::{Carrier, Opened, Pumped, Start, Take};
use crate::board::Board;
use crate::error::NetError;
use crate::link::ip_of;
use crate::options::TftpOptions;
use crate::station::{Internal, Station, Step, resolve};
use log::{Level, debug, log_enabled};
use netboot_core::Instant;
use netboot_core::uri::Uri;
#[cfg(feature = "negotiate")]
use netboot_ipxe::ServerInfo;
use netboot_tftp::client::{FILENAME_MAX, TRANSMIT_MAX};
use netboot_tftp::{Client, Endpoint, ErrorCode, Event, Packet, Request};

/// Octets of the headers of IPv4, UDP and TFTP before a block.
const OVERHEAD: u16 = 32;
/// Octets that the header of IPv6 has more.
#[cfg(feature = "ipv6")]
const LONGER: u16 = 20;
/// Octets before a DATA packet's payload: opcode and block number.
const DATA_HEADER: usize = 4;
/// Datagrams looked at in one call.
const BUDGET: usize = 32;

/// The TFTP carrier.
pub(crate) struct Tftp {
    options: TftpOptions,
    /// The windowsize to ask for: what the last transfer showed to fit, at most the option's.
    windowsize: u16,
    /// The transfer that is open. It lies here from its start, so that it is never moved.
    transfer: Option<Transfer>,
}

/// One transfer.
struct Transfer {
    /// The station's port.
    port: u16,
    client: Client,
    /// Payload of the DATA packet in the device that is still to be taken.
    held: Option<Held>,
}

/// Offsets inside a datagram.
#[derive(Clone, Copy)]
struct Held {
    from: usize,
    to: usize,
}

/// An [`Event`] without its borrow.
enum Outcome {
    /// No datagram is there.
    Empty,
    /// The datagram changed nothing that the caller has to know.
    Nothing,
    /// The server accepted the request. With `again` the datagram is the first DATA packet, and is looked at once more.
    Opened { total: Option<u64>, again: bool },
    /// The datagram has this many octets of the file.
    Data(usize),
}

impl Tftp {
    /// Makes the carrier.
    pub fn new(options: TftpOptions) -> Self {
        Self {
            options,
            windowsize: options.windowsize,
            transfer: None,
        }
    }

    /// Makes the client of a transfer.
    #[inline(never)]
    fn request(
        &mut self,
        ring: usize,
        mtu: u16,
        server: Endpoint,
        uri: &Uri,
        now: Instant,
    ) -> Result<(), NetError> {
        let mut name = [0; FILENAME_MAX];
        let filename = uri.decode_path(&mut name)?;
        // A window that the device's ring holds is never lost on a busy receiver.
        let ring = u16::try_from(ring).unwrap_or(u16::MAX);
        let request = Request {
            filename,
            // A block that fits one packet of the path is never cut into fragments.
            blksize: self.options.blksize.min(mtu.saturating_sub(OVERHEAD)),
            windowsize: self.windowsize.min(ring).max(1),
            timeout: None,
            tsize: true,
        };
        let client = Client::new(server, &request, self.options.timing, now)?;
        self.transfer = Some(Transfer {
            port: 0,
            client,
            held: None,
        });
        Ok(())
    }
}

impl<B: Board> Carrier<B> for Tftp {
    /// Asks for the file and waits for the server's answer. TFTP has no offsets: the transfer begins at the first octet.
    #[inline(never)]
    fn open(
        &mut self,
        station: &mut Station<'_, B>,
        uri: &mut Uri,
        _: Start<'_>,
    ) -> Internal<Opened> {
        Carrier::<B>::close(self, station);
        let addr = resolve(station, uri)?;
        let now = station.now();
        let port = uri.port();
        let ring = station.rx_ring();
        let mtu = station.stack.mtu();
        #[cfg(feature = "ipv6")]
        let mtu = match addr.is_ipv6() {
            true => mtu.saturating_sub(LONGER),
            false => mtu,
        };
        if let Err(error) = self.request(ring, mtu, Endpoint { addr, port }, uri, now) {
            return Err(station.fail(error));
        }
        let Some(transfer) = &mut self.transfer else {
            return Err(station.fail(NetError::Internal));
        };
        let port = station.ephemeral_port();
        transfer.port = port;
        station.stack.link.port = Some(port);
        let limit = Instant::FAR_FUTURE;
        let opened = station.run(limit, NetError::Stalled, |station, now| {
            transfer.poll_open(station, now)
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
        let Some(transfer) = &mut self.transfer else {
            return Err(station.fail(NetError::Internal));
        };
        transfer.pump(station, now, max, take)
    }

    /// A server that missed the last ACK sends its last block again.
    fn linger(&mut self, station: &mut Station<'_, B>, now: Instant) {
        if let Some(transfer) = &mut self.transfer {
            transfer.linger(station, now);
        }
    }

    #[cfg(feature = "negotiate")]
    fn offer(&self, info: &mut ServerInfo) {
        if let Some(transfer) = &self.transfer {
            let (blksize, windowsize) = transfer.client.agreed();
            info.blksize = Some(blksize);
            info.windowsize = Some(windowsize);
        }
    }

    /// Tells the server that no more is wanted, unless the file is complete.
    fn close(&mut self, station: &mut Station<'_, B>) {
        let Some(transfer) = &mut self.transfer else {
            return;
        };
        let now = station.now();
        let client = &mut transfer.client;
        #[cfg(feature = "robust")]
        {
            self.windowsize = client.next_windowsize(self.windowsize, self.options.windowsize);
        }
        if !client.is_complete() {
            client.abort(ErrorCode::UNDEFINED, "transfer abandoned");
        }
        transfer.transmit(station, now);
        station.stack.link.port = None;
        station.stack.link.release();
        self.transfer = None;
    }
}

impl Transfer {
    #[inline(never)]
    fn poll_open<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
    ) -> Internal<Step<Opened>> {
        for _ in 0..BUDGET {
            let outcome = self.look(station, now)?;
            if let Outcome::Empty = outcome {
                break;
            }
            if let Outcome::Opened { total, again } = outcome {
                if !again {
                    station.stack.link.release();
                }
                return Ok(Step::Done(Opened { total, first: 0 }));
            }
            station.stack.link.release();
        }
        self.timers(station, now)?;
        Ok(Step::Again(self.next_timeout()))
    }

    /// Lets the client see the datagram that lies in the device, and stays there.
    #[inline(never)]
    fn look<B: Board>(&mut self, station: &mut Station<'_, B>, now: Instant) -> Internal<Outcome> {
        let Some((address, port, datagram)) = station.stack.link.datagram() else {
            return Ok(Outcome::Empty);
        };
        let addr = ip_of(address);
        let from = Endpoint { addr, port };
        match self.client.handle(now, from, datagram) {
            Ok(Event::None) => {
                // A build without a log does not read the packet again.
                if log_enabled!(Level::Debug) {
                    if addr != self.client.server().addr {
                        debug!("tftp: packet from {addr} ignored: it was not asked");
                    } else if Packet::parse(datagram).is_err() {
                        debug!("tftp: packet from {addr} ignored: it is damaged");
                    }
                }
                Ok(Outcome::Nothing)
            }
            Ok(Event::Opened { options, again }) => Ok(Outcome::Opened {
                total: options.tsize,
                again,
            }),
            Ok(Event::Data { payload, .. }) => Ok(Outcome::Data(payload.len())),
            Err(error) => {
                station.stack.link.release();
                self.transmit(station, now);
                Err(station.fail(error.into()))
            }
        }
    }

    fn pump<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        // Until somebody takes octets the server is kept waiting; it sees no time-out of ours.
        self.client.start(now);
        for _ in 0..BUDGET {
            if let Some(held) = self.held {
                return self.hand_over(station, now, held, max, take);
            }
            if self.client.is_complete() {
                self.transmit(station, now);
                return Ok(Pumped::Complete);
            }
            match self.look(station, now)? {
                Outcome::Empty => break,
                Outcome::Data(len) => {
                    self.held = Some(Held {
                        from: DATA_HEADER,
                        to: DATA_HEADER.saturating_add(len),
                    });
                }
                Outcome::Nothing | Outcome::Opened { .. } => station.stack.link.release(),
            }
        }
        self.timers(station, now)?;
        Ok(Pumped::Nothing(self.next_timeout()))
    }

    fn next_timeout(&self) -> Instant {
        self.client.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }

    /// Gives the sink what it wants of the held payload, and acknowledges it when it is used up.
    #[inline(never)]
    fn hand_over<B: Board>(
        &mut self,
        station: &mut Station<'_, B>,
        now: Instant,
        held: Held,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        let Some((_, _, datagram)) = station.stack.link.datagram() else {
            return Err(station.fail(NetError::Internal));
        };
        let rest = datagram.get(held.from..held.to).unwrap_or_default();
        let offered = rest.get(..max).unwrap_or(rest);
        let taken = if offered.is_empty() { 0 } else { take(offered) };
        let from = held.from.saturating_add(taken);
        if from < held.to {
            self.held = Some(Held { from, ..held });
            return Ok(Pumped::Octets(taken));
        }
        self.held = None;
        station.stack.link.release();
        self.client.data_consumed(now);
        self.transmit(station, now);
        Ok(Pumped::Octets(taken))
    }

    fn timers<B: Board>(&mut self, station: &mut Station<'_, B>, now: Instant) -> Internal {
        let mut result = Ok(());
        if self.client.poll_timeout().is_some_and(|at| at <= now) {
            result = self.client.handle_timeout(now);
        }
        self.transmit(station, now);
        result.map_err(|error| station.fail(error.into()))
    }

    /// Sends what the client has to send.
    #[inline(never)]
    fn transmit<B: Board>(&mut self, station: &mut Station<'_, B>, now: Instant) {
        if !self.client.is_transmit_due() {
            return;
        }
        let mut buffer = [0; TRANSMIT_MAX];
        for _ in 0..BUDGET {
            // What finds no room now is sent later, and not lost.
            if !station.stack.link.can_send() {
                break;
            }
            let Some((len, to)) = self.client.poll_transmit(now, &mut buffer) else {
                break;
            };
            let packet = buffer.get(..len).unwrap_or_default();
            let (from, to) = ((None, self.port), (to.addr, to.port));
            station.stack.link.send_datagram(now, from, to, packet);
        }
    }

    fn linger<B: Board>(&mut self, station: &mut Station<'_, B>, now: Instant) {
        if !self.client.is_complete() {
            return;
        }
        for _ in 0..BUDGET {
            match self.look(station, now) {
                Ok(Outcome::Empty) | Err(_) => break,
                Ok(_) => station.stack.link.release(),
            }
        }
        self.transmit(station, now);
    }
}
