//! Says what the result of a probe does to the client (RFC 8415 section 18.2.8).

use super::{Client, Event, State};
use crate::config::AfterDeclines;
use crate::v6::error::Dhcp6Error;
use crate::v6::packet::MessageType;
use netboot_core::Instant;
use rand_core::RngCore;

impl Client {
    /// Takes the caller's answer to [`Event::ProbeAddress`]: the hardware address of another user of the address, if there is one.
    /// At any other point it does nothing.
    ///
    /// The client reports a conflict to the server (Decline), and starts over when the server has replied. It declines
    /// [`Config::declines`](crate::v6::Config::declines) addresses at the most, however often it is started, so that no pool is emptied by a
    /// host that claims every address. What it does then, [`Config::after_declines`](crate::v6::Config::after_declines) says.
    pub fn probe_result(
        &mut self,
        now: Instant,
        rng: &mut impl RngCore,
        conflict: Option<[u8; 6]>,
    ) {
        let State::Probing { .. } = self.state else {
            return;
        };
        let Some(mac) = conflict else {
            self.bind();
            return;
        };
        self.declined = self.declined.saturating_add(1);
        if let Some(address) = self.lease.as_ref().and_then(|lease| lease.address) {
            self.problem = Dhcp6Error::Conflict { address, mac };
        }
        let again = self.after_declines == AfterDeclines::Use || !self.has_declined_enough();
        if !again {
            self.event = Some(Event::Failed(self.problem));
        }
        self.leave(now, rng, MessageType::Decline, again);
    }

    /// Whether the client has declined as many addresses as it may.
    pub fn has_declined_enough(&self) -> bool {
        self.declined >= self.declines
    }
}
