//! A TFTP transfer on its UDP socket.
//!
//! A DATA packet stays where the device put it until the sink has taken all of it; only then is it acknowledged. So a slow
//! sink slows the server, and no block is copied. The socket only sends.

use super::{Opened, Pumped, Take};
use crate::NetError;
use crate::stack::{Internal, Stack, Step};
use core::net::IpAddr;
use netboot_core::uri::Uri;
use netboot_core::{Device, Instant, Platform};
use netboot_tftp::client::{FILENAME_MAX, TRANSMIT_MAX};
use netboot_tftp::{Client, Endpoint, ErrorCode, Event, Request};
use smoltcp::wire::{IpAddress, IpEndpoint};

/// Octets before a DATA packet's payload: opcode and block number.
const DATA_HEADER: usize = 4;
/// Datagrams looked at in one call.
const BUDGET: usize = 32;

/// One transfer.
pub(crate) struct TftpTransfer {
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

impl TftpTransfer {
    /// Asks for the file and waits for the server's answer; the transfer is made in `slot`.
    #[inline(never)]
    pub fn open<D: Device, P: Platform>(
        slot: &mut Option<Self>,
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
    ) -> Internal<Opened> {
        let address = stack.resolve(uri)?;
        let now = stack.platform.now();
        let server = Endpoint {
            addr: IpAddr::V4(address),
            port: uri.port(),
        };
        let transfer = match request(stack, server, uri, now) {
            Ok(client) => slot.insert(Self { client, held: None }),
            Err(error) => return Err(stack.fail(error)),
        };
        let port = stack.ephemeral_port();
        let socket = stack.tftp();
        socket.close();
        // A port other than 0 on a closed socket: cannot fail.
        let _ = socket.bind(port);
        stack.link.port = Some(port);
        let limit = Instant::FAR_FUTURE;
        let opened = stack.run(limit, NetError::Stalled, |stack, now| {
            transfer.poll_open(stack, now)
        });
        if opened.is_err() {
            transfer.close(stack);
        }
        opened
    }

    #[inline(never)]
    fn poll_open<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
    ) -> Internal<Step<Opened>> {
        for _ in 0..BUDGET {
            let outcome = self.look(stack, now)?;
            if let Outcome::Empty = outcome {
                break;
            }
            if let Outcome::Opened { total, again } = outcome {
                if !again {
                    stack.link.release();
                }
                return Ok(Step::Done(Opened { total, first: 0 }));
            }
            stack.link.release();
        }
        self.timers(stack, now)?;
        Ok(Step::Again(self.next_timeout()))
    }

    /// Lets the client see the datagram that lies in the device, and stays there.
    #[inline(never)]
    fn look<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
    ) -> Internal<Outcome> {
        let Some((address, port, datagram)) = stack.link.datagram() else {
            return Ok(Outcome::Empty);
        };
        let addr = IpAddr::V4(address);
        let from = Endpoint { addr, port };
        match self.client.handle(now, from, datagram) {
            Ok(Event::None) => Ok(Outcome::Nothing),
            Ok(Event::Opened { options, again }) => Ok(Outcome::Opened {
                total: options.tsize,
                again,
            }),
            Ok(Event::Data { payload, .. }) => Ok(Outcome::Data(payload.len())),
            Err(error) => {
                stack.link.release();
                self.transmit(stack, now);
                Err(stack.fail(error.into()))
            }
        }
    }

    /// See [`Transfer::pump`](super::Transfer::pump).
    #[inline(never)]
    pub fn pump<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        // Until somebody takes octets the server is kept waiting: of that it sees no time-out of ours.
        self.client.start(now);
        for _ in 0..BUDGET {
            if let Some(held) = self.held {
                return self.hand_over(stack, now, held, max, take);
            }
            if self.client.is_complete() {
                self.transmit(stack, now);
                return Ok(Pumped::Complete);
            }
            match self.look(stack, now)? {
                Outcome::Empty => break,
                Outcome::Data(len) => {
                    self.held = Some(Held {
                        from: DATA_HEADER,
                        to: DATA_HEADER.saturating_add(len),
                    });
                }
                Outcome::Nothing | Outcome::Opened { .. } => stack.link.release(),
            }
        }
        self.timers(stack, now)?;
        Ok(Pumped::Nothing(self.next_timeout()))
    }

    fn next_timeout(&self) -> Instant {
        self.client.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }

    /// Gives the sink what it wants of the held payload, and acknowledges it when it is used up.
    #[inline(never)]
    fn hand_over<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        held: Held,
        max: usize,
        take: Take<'_>,
    ) -> Internal<Pumped> {
        let Some((_, _, datagram)) = stack.link.datagram() else {
            return Err(stack.fail(NetError::StaleHandle));
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
        stack.link.release();
        self.client.data_consumed(now);
        self.transmit(stack, now);
        Ok(Pumped::Octets(taken))
    }

    fn timers<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
    ) -> Internal {
        let mut result = Ok(());
        if self.client.poll_timeout().is_some_and(|at| at <= now) {
            result = self.client.handle_timeout(now);
        }
        self.transmit(stack, now);
        result.map_err(|error| stack.fail(error.into()))
    }

    /// Sends what the client has to send.
    #[inline(never)]
    fn transmit<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>, now: Instant) {
        if !self.client.is_transmit_due() {
            return;
        }
        let mut buffer = [0; TRANSMIT_MAX];
        for _ in 0..BUDGET {
            // A packet that waits for a hardware address needs no repetition behind it.
            if stack.tftp().send_queue() > 0 {
                break;
            }
            let Some((len, to)) = self.client.poll_transmit(now, &mut buffer) else {
                break;
            };
            if let (Some(packet), IpAddr::V4(address)) = (buffer.get(..len), to.addr) {
                let endpoint = IpEndpoint::new(IpAddress::Ipv4(address), to.port);
                // A full buffer is a lost packet: the protocol sends it again.
                let _ = stack.tftp().send_slice(packet, endpoint);
                stack.flush();
            }
        }
    }

    /// See [`Transfer::linger`](super::Transfer::linger).
    pub fn linger<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>, now: Instant) {
        if !self.client.is_complete() {
            return;
        }
        for _ in 0..BUDGET {
            match self.look(stack, now) {
                Ok(Outcome::Empty) | Err(_) => break,
                Ok(_) => stack.link.release(),
            }
        }
        self.transmit(stack, now);
    }

    /// Tells the server that no more is wanted, unless the file is complete.
    pub fn close<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        let now = stack.platform.now();
        #[cfg(feature = "resume")]
        {
            let most = stack.options.tftp_windowsize;
            stack.windowsize = self.client.next_windowsize(stack.windowsize, most);
        }
        if !self.client.is_complete() {
            self.client
                .abort(ErrorCode::UNDEFINED, "transfer abandoned");
        }
        self.transmit(stack, now);
        stack.link.port = None;
        stack.link.release();
        // A packet that waits for the server's hardware address goes with the socket.
        stack.tftp().close();
    }
}

/// The client of a transfer.
#[inline(never)]
fn request<D: Device, P: Platform>(
    stack: &mut Stack<'_, D, P>,
    server: Endpoint,
    uri: &Uri,
    now: Instant,
) -> Result<Client, NetError> {
    let mut name = [0; FILENAME_MAX];
    let filename = uri.decode_path(&mut name)?;
    // A window that the device's ring holds is never lost on a busy receiver.
    let ring = u16::try_from(stack.link.device().info().rx_ring).unwrap_or(u16::MAX);
    #[cfg(feature = "resume")]
    let windowsize = stack.windowsize;
    #[cfg(not(feature = "resume"))]
    let windowsize = stack.options.tftp_windowsize;
    let request = Request {
        filename,
        blksize: stack.options.tftp_blksize,
        windowsize: windowsize.min(ring).max(1),
        timeout: None,
        tsize: true,
    };
    let client = Client::new(server, &request, stack.options.tftp_timing, now)?;
    Ok(client)
}

/// An [`Event`] without its borrow.
enum Outcome {
    /// No datagram is there.
    Empty,
    Nothing,
    Opened {
        total: Option<u64>,
        again: bool,
    },
    Data(usize),
}
