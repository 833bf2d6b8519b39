//! `ping`: whether a host answers.

use super::person::Screen;
use crate::app::{AppError, BootApp, Result};
use crate::observer::Observer;
use core::net::IpAddr;
use netboot_core::uri::UriError;
use netboot_core::{Coded, Console, Duration};
use netboot_ipxe::{INTERRUPTED, IpxeInterface};
use ocp_recovery::RegisterBus;

/// Octets of a request's payload, where the command says nothing else.
const OCTETS: u16 = 64;
/// Number of requests, where the command says nothing else.
const COUNT: u32 = 4;
/// Time from one request to the next, and how long an answer is waited for, where the command says nothing else.
const PATIENCE: Duration = Duration::from_secs(1);

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Sends echo requests, one after the other, and writes what comes of each. As in iPXE, the last one says whether the command has failed.
    #[inline(never)]
    pub(super) fn ping(
        &mut self,
        to: IpAddr,
        size: Option<u32>,
        count: Option<u32>,
        timeout: Option<Duration>,
        quiet: bool,
    ) -> Result {
        // One that is too long is longer than any path takes.
        let octets = size.map_or(OCTETS, |size| u16::try_from(size).unwrap_or(u16::MAX));
        let patience = timeout.unwrap_or(PATIENCE);
        let count = count.unwrap_or(COUNT).max(1);
        for nth in 1..=count {
            self.start_attempt()?;
            let next = self.net.now() + patience;
            // The number of one request is not that of another, which is all that it is for.
            let answer = self.net.ping(to, nth as u16, octets, patience);
            let Some(answer) = answer else {
                return Err(self.fail(AppError::NotSupported));
            };
            if !quiet && let Some(scripts) = &mut self.scripts {
                let mut out = Screen(scripts.terminal);
                let out: &mut dyn Console = &mut out;
                match &answer {
                    Ok(octets) => {
                        out.decimal((*octets).into());
                        out.text(" bytes from ");
                        out.ip(to);
                        out.text(": seq=");
                        out.decimal(nth.into());
                    }
                    Err(error) => {
                        out.text("seq=");
                        out.decimal(nth.into());
                        out.text(": ");
                        out.hex(error.code());
                    }
                }
                out.text("\n");
            }
            if let Err(error) = answer {
                let code = error.code();
                let failed = self.fail_net(error);
                if nth == count || code == INTERRUPTED {
                    return Err(failed);
                }
            }
            if nth < count {
                let now = self.net.now();
                if let Err(error) = self.net.sleep(next.since(now)) {
                    return Err(self.fail_net(error));
                }
            }
        }
        Ok(())
    }
}
