//! An exchange of datagrams that the caller of the library has with other machines.

use super::station::{Internal, Station};
use super::step::Step;
use crate::board::Board;
#[cfg(feature = "ipv6")]
use crate::error::NetError;
use crate::link::ip_of;
use netboot_core::Instant;
use netboot_ipxe::Conversation;

/// Datagrams that are sent in one step.
const BUDGET: usize = 8;

impl<B: Board> Station<'_, B> {
    /// Sends and receives for `with` until it is over. No transfer is open meanwhile.
    ///
    /// # Errors
    /// [`NetError::NotConfigured`](crate::NetError::NotConfigured) when the station has no address, and speaks no IPv6 in which it could make
    /// one; [`NetError::NoRouter`](crate::NetError::NoRouter) when others use every address that it tried to make;
    /// [`NetError::Deadline`](crate::NetError::Deadline).
    #[inline(never)]
    pub(crate) fn converse(&mut self, with: &mut dyn Conversation) -> Internal {
        #[cfg(feature = "ipv6")]
        let made = self.make_local()?;
        #[cfg(not(feature = "ipv6"))]
        if self.config().is_none() {
            return Err(self.fail(crate::error::NetError::NotConfigured));
        }
        let port = self.ephemeral_port();
        self.stack.link.release();
        self.stack.link.port = Some(port);
        let late = crate::error::NetError::Deadline;
        let result = self.run(Instant::FAR_FUTURE, late, |station, now| {
            let link = &mut station.stack.link;
            if let Some((from, from_port, payload)) = link.datagram() {
                with.handle(now, (ip_of(from), from_port), payload);
            }
            link.release();
            for _ in 0..BUDGET {
                if !link.can_send() {
                    break;
                }
                let Some((to, datagram)) = with.poll_transmit(now) else {
                    break;
                };
                link.send_datagram(now, (None, port), to, datagram);
            }
            Ok(match with.poll_timeout(now) {
                Some(at) => Step::Again(at),
                None => Step::Done(()),
            })
        });
        self.stack.link.port = None;
        self.stack.link.release();
        #[cfg(feature = "ipv6")]
        if made {
            self.end_ipv6();
        }
        result
    }

    /// Makes an address of IPv6 that is valid on the link, where the station speaks IPv6 and has none. Says whether it has made one.
    #[cfg(feature = "ipv6")]
    fn make_local(&mut self) -> Internal<bool> {
        let has_other = self.config().is_some();
        if !self.options.families.has_ipv6() {
            return match has_other {
                true => Ok(false),
                false => Err(self.fail(NetError::NotConfigured)),
            };
        }
        if self.ipv6.has_local() {
            return Ok(false);
        }
        self.start_ipv6_alone();
        let made = self.run(Instant::FAR_FUTURE, NetError::Deadline, |station, _| {
            if station.ipv6.has_local() {
                return Ok(Step::Done(true));
            }
            match station.ipv6.has_failed() {
                // The address of the other family has to do.
                true if has_other => Ok(Step::Done(false)),
                true => Err(station.fail(NetError::NoRouter)),
                false => Ok(Step::WAIT),
            }
        });
        if !matches!(made, Ok(true)) {
            self.end_ipv6();
        }
        made
    }
}
