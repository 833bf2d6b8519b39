//! One echo request, and the answer to it.

use super::station::{Internal, Station};
use super::step::Step;
use crate::board::Board;
use crate::error::NetError;
use crate::link::{Echo, WAITING, echo_len};
use core::net::IpAddr;
use netboot_core::{Duration, Instant, Platform};
use rand_core::RngCore;

/// Time after which a request that could not wait for the neighbour's hardware address is sent again.
const AGAIN: Duration = Duration::from_millis(100);

/// Sends an echo request with `len` octets of payload to `to` and waits for the answer. Gives the octets of its payload.
///
/// # Errors
/// [`NetError::NoEcho`] when no answer came in `patience`; [`NetError::NoRoute`] and its like when `to` cannot be spoken to.
#[inline(never)]
pub(crate) fn ping<B: Board>(
    station: &mut Station<'_, B>,
    to: IpAddr,
    sequence: u16,
    len: u16,
    patience: Duration,
) -> Internal<u16> {
    station.await_lease()?;
    station.approach(to).map_err(|error| station.fail(error))?;
    let echo = Echo {
        to,
        id: station.platform.rng().next_u32() as u16,
        sequence,
        answer: None,
    };
    let start = station.now();
    station.stack.link.send_echo(start, echo, len);
    let mut again = match echo_len(to, len) > WAITING {
        true => start + AGAIN,
        false => Instant::FAR_FUTURE,
    };
    let limit = start + patience;
    let answer = station.run(limit, NetError::NoEcho, |station, now| {
        let link = &mut station.stack.link;
        if let Some(answer) = link.echo.and_then(|echo| echo.answer) {
            return Ok(Step::Done(answer));
        }
        if now >= again {
            again = Instant::FAR_FUTURE;
            link.send_echo(now, echo, len);
        }
        Ok(Step::Again(again))
    });
    station.stack.link.echo = None;
    answer
}
