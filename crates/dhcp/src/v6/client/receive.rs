//! Says what an arriving message does to the client.

use super::{Client, Event, Extension, State};
use crate::client::LostReason;
use crate::raw::Taken;
use crate::retry::{PROBE_DEADLINE, REFUSED_DELAY, jitter};
use crate::v6::boot;
use crate::v6::config::{DUID_MAX, Mode};
use crate::v6::error::{Dhcp6Error, Ignored, MessageError, status};
use crate::v6::ia::{Address, IdentityAssociation, span};
use crate::v6::lease::{Lease, ServerId, copy_id};
use crate::v6::offer::{AT_ONCE, Offer, rank};
use crate::v6::options::{Options, code};
use crate::v6::packet::{MessageType, Packet};
use core::net::Ipv6Addr;
use netboot_core::{Instant, ServerMessage};
use rand_core::RngCore;

/// The legal values of SOL_MAX_RT and INF_MAX_RT, in seconds (RFC 8415 sections 21.24 and 21.25).
const MAX_RT_RANGE: core::ops::RangeInclusive<u32> = 60..=86_400;

/// A message that has passed the checks of RFC 8415 section 16.
struct Message<'a> {
    from: Ipv6Addr,
    server_id: &'a [u8],
    options: Options<'a>,
    /// The client's identity association.
    association: Option<IdentityAssociation<'a>>,
}

impl<'a> Message<'a> {
    /// Status and words of the message, or else of the association.
    fn status(&self) -> (u16, &'a [u8]) {
        let of_message = self.options.status();
        match &self.association {
            Some(association) if of_message.0 == status::SUCCESS => association.status(),
            _ => of_message,
        }
    }

    /// The address that the client takes, with a valid lifetime of zero when the message takes it away.
    fn address(&self, wanted: Option<Ipv6Addr>) -> Option<Address> {
        self.association.as_ref()?.choose(wanted)
    }
}

impl Client {
    #[inline(never)]
    pub(super) fn receive(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        from: Ipv6Addr,
        datagram: &[u8],
    ) -> Result<Taken, Ignored> {
        let packet = Packet::parse(datagram).map_err(MessageError::from)?;
        let options = packet.options;
        let message = Message {
            from,
            server_id: self.accept(&packet)?,
            options,
            association: IdentityAssociation::find(&options, self.identity.iaid),
        };
        self.obey_limits(&options);
        match (&self.state, packet.message, self.mode) {
            (State::Asking { .. }, MessageType::Advertise, Mode::Stateful) => {
                self.offered(now, rng, &message)
            }
            (State::Asking { .. }, MessageType::Reply, Mode::Stateful) => {
                // A Reply to a Solicit has to say that it is one (RFC 8415 section 18.2.1).
                let rapid = options.find(code::RAPID_COMMIT).is_some();
                if !rapid || !self.identity.rapid_commit {
                    return Err(MessageError::Unexpected.into());
                }
                self.granted(now, &message)
            }
            (State::Asking { .. }, MessageType::Reply, Mode::Stateless) => {
                self.informed(now, &message)?;
                self.bind();
                Ok(Taken::Lease)
            }
            (State::Requesting { .. }, MessageType::Reply, _) => {
                of_server(&message, self.asked())?;
                match message.status() {
                    (status::NO_ADDRS_AVAIL | status::NO_BINDING | status::NOT_ON_LINK, _) => {
                        let _ = self.success(&message);
                        self.offer = None;
                        self.state = State::Waiting {
                            until: now + jitter(REFUSED_DELAY, rng),
                        };
                        Ok(Taken::Nothing)
                    }
                    _ => self.granted(now, &message),
                }
            }
            (State::Extending { how, .. }, MessageType::Reply, _) => {
                let how = *how;
                self.extended(now, rng, &message, how)
            }
            (State::Leaving { again, .. }, MessageType::Reply, _) => {
                let again = *again;
                of_server(&message, self.lease.as_ref().map(|lease| &lease.server_id))?;
                self.left(now, rng, again);
                Ok(Taken::Nothing)
            }
            _ => Err(MessageError::Unexpected.into()),
        }
    }

    /// Checks what RFC 8415 section 16 wants of a message to a client, and returns the server's identifier.
    #[inline(never)]
    fn accept<'a>(&self, packet: &Packet<'a>) -> Result<&'a [u8], MessageError> {
        match packet.message {
            MessageType::Advertise | MessageType::Reply => {}
            MessageType::Reconfigure => return Err(MessageError::Reconfigure),
            _ => return Err(MessageError::NotForClients),
        }
        // An exchange that has sent nothing has no answer.
        if self.began.is_none() || packet.xid != self.xid {
            return Err(MessageError::OtherTransaction);
        }
        match packet.options.find(code::CLIENT_ID) {
            None => return Err(MessageError::NoClientId),
            Some(id) if *id != *self.identity.duid => return Err(MessageError::OtherClient),
            Some(_) => {}
        }
        let id = packet.options.find(code::SERVER_ID).unwrap_or_default();
        match id.len() {
            1..=DUID_MAX => Ok(id),
            _ => Err(MessageError::NoServerId),
        }
    }

    /// Takes the longest times between repetitions from a server. A time out of range does not count.
    fn obey_limits(&mut self, options: &Options<'_>) {
        let limits = [
            (code::SOL_MAX_RT, &mut self.sol_max_rt),
            (code::INF_MAX_RT, &mut self.inf_max_rt),
        ];
        for (option, limit) in limits {
            if let Some(secs) = options.long(option)
                && MAX_RT_RANGE.contains(&secs)
            {
                *limit = span(secs);
            }
        }
        let stateful = self.mode == Mode::Stateful;
        match &mut self.state {
            State::Asking { retry, .. } if stateful => retry.limit(self.sol_max_rt),
            State::Asking { retry, .. } => retry.limit(self.inf_max_rt),
            State::Extending {
                how: Extension::Refresh,
                retry,
            } => retry.limit(self.inf_max_rt),
            _ => {}
        }
    }

    /// Takes an Advertise (RFC 8415 section 18.2.9).
    fn offered(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        message: &Message<'_>,
    ) -> Result<Taken, Ignored> {
        self.success(message)?;
        let address = message.address(None).ok_or(MessageError::NoAddress)?;
        let preference = match message.options.find(code::PREFERENCE) {
            Some([preference]) => *preference,
            _ => 0,
        };
        let names_boot_file = boot::is_known_in(&message.options);
        let rank = rank(preference, names_boot_file);
        let State::Asking { retry, decide_at } = &mut self.state else {
            return Err(MessageError::Unexpected.into());
        };
        // When the client holds an offer it need not ask again.
        retry.due = false;
        let window = match self.offer_window {
            Some(window) => now + window,
            // The first valid offer that comes after the first time is taken at once.
            None if retry.count > 0 => now,
            None => retry.at,
        };
        let at = *decide_at.get_or_insert(window);
        // Whoever sets a window waits for boot information.
        let complete = names_boot_file && self.offer_window.is_some();
        let at_once = now >= at || preference == AT_ONCE || complete;
        let held = self.offer.as_ref();
        let taken = held.is_none_or(|held| rank > held.rank);
        if taken {
            self.hold(message, address.address, rank);
        }
        if at_once {
            self.request(now, rng);
        }
        Ok(if taken { Taken::Offer } else { Taken::Nothing })
    }

    /// Holds `address` of a server that will be asked for it.
    fn hold(&mut self, message: &Message<'_>, address: Ipv6Addr, rank: [u8; 3]) {
        let offer = self.offer.get_or_insert_with(Offer::none);
        offer.rank = rank;
        offer.address = address;
        offer.from = message.from;
        copy_id(&mut offer.server_id, message.server_id);
    }

    /// The server that was asked for the address that it offered.
    fn asked(&self) -> Option<&ServerId> {
        self.offer.as_ref().map(|offer| &offer.server_id)
    }

    /// Takes a Reply that gives an address for the first time (RFC 8415 section 18.2.10.1).
    fn granted(&mut self, now: Instant, message: &Message<'_>) -> Result<Taken, Ignored> {
        self.success(message)?;
        let wanted = self.offer.as_ref().map(|offer| offer.address);
        let offered = message.address(wanted).filter(|found| found.valid != 0);
        // A server may take its offer back, and give another address.
        let address = offered.or_else(|| message.address(None));
        let address = address.ok_or(MessageError::NoAddress)?;
        self.keep(now, message, Some(&address));
        if self.probe && !self.has_declined_enough() {
            self.state = State::Probing {
                until: now + PROBE_DEADLINE,
            };
            self.event = Some(Event::ProbeAddress(address.address));
        } else {
            self.bind();
        }
        Ok(Taken::Lease)
    }

    /// Takes a Reply to an Information-request (RFC 8415 section 18.2.10.4).
    fn informed(&mut self, now: Instant, message: &Message<'_>) -> Result<(), Ignored> {
        self.success(message)?;
        self.keep(now, message, None);
        Ok(())
    }

    /// Takes a Reply while the lease is in use.
    fn extended(
        &mut self,
        now: Instant,
        rng: &mut dyn RngCore,
        message: &Message<'_>,
        how: Extension,
    ) -> Result<Taken, Ignored> {
        let Some(lease) = &self.lease else {
            return Err(MessageError::Unexpected.into());
        };
        let Some(held) = lease.address else {
            self.informed(now, message)?;
            self.renewed();
            return Ok(Taken::Lease);
        };
        match how {
            Extension::Renew => of_server(message, Some(&lease.server_id))?,
            Extension::Restore => of_server(message, self.asked())?,
            Extension::Rebind | Extension::Refresh => {}
        }
        match message.status().0 {
            // The server that has no record is asked to make one. The address stays in use until then.
            status::NO_BINDING if how != Extension::Restore => {
                self.hold(message, held, [0; 3]);
                self.extend(now, rng, Extension::Restore);
                return Ok(Taken::Nothing);
            }
            status::NO_BINDING | status::NO_ADDRS_AVAIL | status::NOT_ON_LINK => {
                self.lose(now, rng, LostReason::Refused);
                return Ok(Taken::Nothing);
            }
            _ => self.success(message)?,
        }
        let found = message.address(Some(held));
        match found.filter(|found| found.address == held) {
            // A Reply without the address leaves it as it is (RFC 8415 section 18.2.10.1).
            None => Err(MessageError::NoAddress.into()),
            Some(Address { valid: 0, .. }) => {
                self.lose(now, rng, LostReason::Refused);
                Ok(Taken::Nothing)
            }
            Some(found) => {
                self.keep(now, message, Some(&found));
                self.renewed();
                Ok(Taken::Lease)
            }
        }
    }

    /// Checks that neither the message nor the association has a status of failure, and notes what a server says of a failure.
    #[inline(never)]
    fn success(&mut self, message: &Message<'_>) -> Result<(), Ignored> {
        let (status, words) = message.status();
        if status == status::SUCCESS {
            return Ok(());
        }
        self.problem = Dhcp6Error::Refused {
            status,
            message: ServerMessage::new(words),
        };
        Err(Ignored::Refused)
    }

    /// Makes the lease of a Reply.
    #[inline(never)]
    fn keep(&mut self, now: Instant, message: &Message<'_>, address: Option<&Address>) {
        let given = message.association.as_ref().zip(address);
        let obtained = self.began.unwrap_or(now);
        Lease::read(
            &mut self.lease,
            &message.options,
            given,
            message.from,
            obtained,
        );
    }

    /// Goes back to the lease that is in use.
    fn renewed(&mut self) {
        self.settle();
        // A caller that has not heard of the lease yet will find the rest in it.
        if self.event != Some(Event::Bound) {
            self.event = Some(Event::Renewed);
        }
    }
}

/// Checks that the message is of the server that was asked.
fn of_server(message: &Message<'_>, asked: Option<&ServerId>) -> Result<(), MessageError> {
    match asked {
        Some(id) if *message.server_id == **id => Ok(()),
        _ => Err(MessageError::WrongServer),
    }
}
