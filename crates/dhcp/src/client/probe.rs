//! Says what the result of a probe does to the client (RFC 5227; RFC 2131 section 3.1, step 5).

use super::{Client, DECLINE_DELAY, Event, Farewell, State};
use crate::config::AfterDeclines;
use crate::error::DhcpError;
use crate::packet::MessageType;
use netboot_core::Instant;

impl Client {
    /// Takes the caller's answer to [`Event::ProbeAddress`]: the hardware address of another user of the address, if there is one.
    /// At any other point it does nothing.
    ///
    /// The client reports a conflict to the server (DHCPDECLINE), and starts over after 10 s. It declines
    /// [`Config::declines`](crate::Config::declines) addresses at the most, however often it is started, so that no pool is emptied by a host that claims
    /// every address. What it does then, [`Config::after_declines`](crate::Config::after_declines) says.
    pub fn probe_result(&mut self, now: Instant, conflict: Option<[u8; 6]>) {
        let State::Probing { .. } = self.state else {
            return;
        };
        if !cfg!(feature = "robust") {
            return;
        }
        let Some(mac) = conflict else {
            self.bind(now);
            return;
        };
        self.declined = self.declined.saturating_add(1);
        if let Some(lease) = self.lease.take() {
            self.problem = DhcpError::Conflict {
                address: lease.address,
                mac,
            };
            self.farewell = Some(Farewell {
                message: MessageType::Decline,
                xid: self.xid,
                address: lease.address,
                server: lease.server_id,
            });
        }
        self.state = match self.after_declines {
            AfterDeclines::Fail if self.has_declined_enough() => {
                self.event = Some(Event::Failed(self.problem));
                State::Idle
            }
            _ => State::Waiting {
                until: now + DECLINE_DELAY,
            },
        };
    }

    /// Whether the client has declined as many addresses as it may.
    pub fn has_declined_enough(&self) -> bool {
        self.declined >= self.declines
    }
}
