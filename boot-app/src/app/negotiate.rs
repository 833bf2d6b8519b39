//! Asks a server which protocol it speaks, when nobody has told that.

use super::{AppError, BootApp};
use crate::observer::{Event, Observer};
use crate::sources::network::{by, find, is_bare};
use crate::sources::{Origin, is_directory};
use netboot_core::uri::UriError;
use netboot_ipxe::IpxeInterface;
use ocp_recovery::RegisterBus;

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Asks the server of the boot file by each protocol of the policy, until one answers with the file. The question is the request for the boot
    /// file, or in a directory for the first image, and its answer is used: a server that answers gets no further request for it. When no protocol
    /// does, the boot file stays what the network tells, which is TFTP.
    pub(super) fn negotiate(&mut self) {
        let policy = self.config.sources;
        // The bootstore tells a protocol with each place.
        let bare = self.sources.boot_origin() == Origin::Dhcp;
        let asks = bare && policy.uses_network() && self.net.config().is_some_and(is_bare);
        let Some(boot) = self.sources.boot.clone().filter(|_| asks) else {
            return;
        };
        for scheme in policy.protocols {
            let Ok(place) = by(*scheme, &boot) else {
                continue;
            };
            if !policy.allows(&place) {
                continue;
            }
            if self.start_attempt().is_err() {
                return;
            }
            let first = match is_directory(&place) {
                true => find(&place, self.config.names, 0),
                false => Some(Ok(place.clone())),
            };
            let Some(Ok(asked)) = first else {
                continue;
            };
            match self.net.probe(&asked, policy.probe_time) {
                Ok(server) => {
                    self.tell(&Event::Server {
                        uri: &asked,
                        server: &server,
                    });
                    self.report.server = Some(server);
                    self.sources.negotiated = place.scheme() != boot.scheme();
                    self.sources.boot = Some(place);
                    return;
                }
                Err(error) => {
                    self.report.error = Some(AppError::Network(error));
                    self.tell_failure(None);
                }
            }
        }
        self.report.error = None;
    }
}
