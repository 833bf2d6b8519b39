//! A TFTP transfer on its UDP socket.
//!
//! A DATA packet stays in the socket's buffer until the sink has taken all of it; only then is it
//! acknowledged. So a slow sink slows the server, and no block is copied a second time.

use super::{Opened, Pumped, Take};
use crate::NetError;
use crate::stack::{Stack, Step};
use core::net::IpAddr;
use netboot_core::uri::Uri;
use netboot_core::{Device, Instant, Platform};
use netboot_tftp::client::{FILENAME_MAX, TRANSMIT_MAX};
use netboot_tftp::{Client, Endpoint, ErrorCode, Event, Request};
use smoltcp::socket::udp;
use smoltcp::wire::{IpAddress, IpEndpoint};

/// Octets before a DATA packet's payload: opcode and block number.
const DATA_HEADER: usize = 4;
/// Datagrams looked at in one call.
const BUDGET: usize = 32;

/// One transfer.
pub(crate) struct TftpTransfer {
    client: Client,
    /// Payload of the DATA packet at the head of the socket's buffer that is still to be taken.
    held: Option<Held>,
}

/// Offsets inside a datagram.
#[derive(Clone, Copy)]
struct Held {
    from: usize,
    to: usize,
}

impl TftpTransfer {
    /// Asks for the file and waits for the server's answer.
    pub fn open<D: Device, P: Platform>(
        stack: &mut Stack<'_, D, P>,
        uri: &Uri,
    ) -> Result<(Self, Opened), NetError> {
        let address = stack.resolve(uri)?;
        let mut name = [0; FILENAME_MAX];
        let filename = uri.decode_path(&mut name)?;
        let blksize = stack.options.tftp_blksize;
        // The window has to fit the socket's buffer, with one block to spare: the ring keeps blocks
        // in one piece, so a part of its end may lie idle.
        let room =
            stack.tftp().payload_recv_capacity() / (usize::from(blksize) + DATA_HEADER).max(1);
        let windowsize = u16::try_from(room.saturating_sub(1)).unwrap_or(u16::MAX);
        let request = Request {
            filename,
            blksize,
            windowsize: stack.options.tftp_windowsize.min(windowsize).max(1),
            timeout: None,
            tsize: true,
        };
        let server = Endpoint {
            addr: IpAddr::V4(address),
            port: uri.port(),
        };
        let now = stack.platform.now();
        let client = Client::new(server, &request, stack.options.tftp_timing, now)?;
        let port = stack.ephemeral_port();
        let socket = stack.tftp();
        socket.close();
        // A port other than 0 on a closed socket: cannot fail.
        let _ = socket.bind(port);
        let mut transfer = Self { client, held: None };
        let limit = Instant::FAR_FUTURE;
        let opened = stack.run(limit, NetError::Stalled, |stack, now| {
            transfer.poll_open(stack, now)
        });
        if opened.is_err() {
            transfer.close(stack);
        }
        Ok((transfer, opened?))
    }

    fn poll_open<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
    ) -> Result<Step<Opened>, NetError> {
        for _ in 0..BUDGET {
            let Some(event) = self.look(stack, now) else {
                break;
            };
            if let Outcome::Opened { total, again } = event? {
                if !again {
                    drop_datagram(stack.tftp());
                }
                self.client.start(now);
                return Ok(Step::Done(Opened { total, first: 0 }));
            }
            drop_datagram(stack.tftp());
        }
        self.timers(stack, now)?;
        Ok(Step::Again(self.next_timeout()))
    }

    /// Lets the client see the datagram at the head of the buffer, which stays there.
    fn look<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
    ) -> Option<Result<Outcome, NetError>> {
        let (datagram, meta) = stack.tftp().peek().ok()?;
        let IpAddress::Ipv4(address) = meta.endpoint.addr;
        let from = Endpoint {
            addr: IpAddr::V4(address),
            port: meta.endpoint.port,
        };
        let outcome = self.client.handle(now, from, datagram);
        let outcome = outcome.map(|event| match event {
            Event::None => Outcome::Nothing,
            Event::Opened { options, again } => Outcome::Opened {
                total: options.tsize,
                again,
            },
            Event::Data { payload, .. } => Outcome::Data(payload.len()),
        });
        Some(outcome.map_err(NetError::from))
    }

    /// See [`Transfer::pump`](super::Transfer::pump).
    pub fn pump<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        max: usize,
        take: Take<'_>,
    ) -> Result<Pumped, NetError> {
        for _ in 0..BUDGET {
            if let Some(held) = self.held {
                return self.hand_over(stack, now, held, max, take);
            }
            if self.client.is_complete() {
                self.transmit(stack, now);
                return Ok(Pumped::Complete);
            }
            let Some(outcome) = self.look(stack, now) else {
                break;
            };
            match outcome {
                Ok(Outcome::Data(len)) => {
                    self.held = Some(Held {
                        from: DATA_HEADER,
                        to: DATA_HEADER.saturating_add(len),
                    });
                }
                Ok(_) => drop_datagram(stack.tftp()),
                Err(error) => {
                    drop_datagram(stack.tftp());
                    self.transmit(stack, now);
                    return Err(error);
                }
            }
        }
        self.timers(stack, now)?;
        Ok(Pumped::Nothing(self.next_timeout()))
    }

    fn next_timeout(&self) -> Instant {
        self.client.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
    }

    /// Gives the sink what it wants of the held payload, and acknowledges it when it is used up.
    fn hand_over<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
        held: Held,
        max: usize,
        take: Take<'_>,
    ) -> Result<Pumped, NetError> {
        let socket = stack.tftp();
        let Ok((datagram, _)) = socket.peek() else {
            return Err(NetError::StaleHandle);
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
        drop_datagram(socket);
        self.client.data_consumed(now);
        self.transmit(stack, now);
        if self.client.is_complete() && taken == 0 {
            return Ok(Pumped::Complete);
        }
        Ok(Pumped::Octets(taken))
    }

    fn timers<D: Device, P: Platform>(
        &mut self,
        stack: &mut Stack<'_, D, P>,
        now: Instant,
    ) -> Result<(), NetError> {
        let mut result = Ok(());
        if self.client.poll_timeout().is_some_and(|at| at <= now) {
            result = self.client.handle_timeout(now);
        }
        self.transmit(stack, now);
        result.map_err(NetError::from)
    }

    /// Sends what the client has to send.
    fn transmit<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>, now: Instant) {
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
            if self.look(stack, now).is_none() {
                break;
            }
            drop_datagram(stack.tftp());
        }
        self.transmit(stack, now);
    }

    /// Tells the server that no more is wanted, unless the file is complete.
    pub fn close<D: Device, P: Platform>(&mut self, stack: &mut Stack<'_, D, P>) {
        let now = stack.platform.now();
        if !self.client.is_complete() {
            self.client
                .abort(ErrorCode::UNDEFINED, "transfer abandoned");
        }
        self.transmit(stack, now);
        // A packet that waits for the server's hardware address goes with the socket.
        stack.tftp().close();
    }
}

/// An [`Event`] without its borrow.
enum Outcome {
    Nothing,
    Opened { total: Option<u64>, again: bool },
    Data(usize),
}

fn drop_datagram(socket: &mut udp::Socket<'_>) {
    let _ = socket.recv();
}
