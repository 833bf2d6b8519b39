//! Looks into the boot file: it may be a table of contents.

use super::{AppError, BootApp, Result, Work};
use crate::observer::{Event, Observer};
use crate::sources::{Origin, boot_uri, is_directory, know_some};
use crate::toc::{Stop, TocError, TocReader};
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Blame, Coded, Module};
use netboot_ipxe::{Deliver, ExecError, IpxeInterface};
use ocp_recovery::RegisterBus;

/// Number of times that a boot file is looked for again before the fixed places are tried.
const LOCATE_RETRIES: u32 = 3;
/// Number of a TFTP server's ERROR without a code of its own, as dnsmasq answers for a directory: "cannot read firmware".
const TFTP_UNREADABLE: u32 = Module::Tftp.code(0x20);

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Finds out whether the boot file is a table of contents.
    pub(super) fn locate(&mut self) -> Result {
        if !self.config.sources.order.contains(&Origin::Toc)
            || self.sources.boot.as_ref().is_none_or(is_directory)
        {
            return Ok(());
        }
        let result = self.retry(Work::ReadToc);
        if result.is_err() && self.retryable() && self.can_go_without() {
            self.sources.unread = true;
            self.sources.absent |= self.is_absent();
            return Ok(());
        }
        result
    }

    /// Whether there are places for the images beside those that the boot file may list.
    fn can_go_without(&self) -> bool {
        know_some(&self.config) || self.is_absent()
    }

    /// Number of times that `work` is done again.
    #[inline(never)]
    pub(super) fn most_retries(&self, work: Work) -> u32 {
        match work {
            Work::ReadToc if self.can_go_without() => LOCATE_RETRIES,
            _ => u32::MAX,
        }
    }

    /// Whether the last failure is a server's answer that it has no such file for this station.
    fn is_absent(&self) -> bool {
        matches!(
            &self.report.error,
            Some(AppError::Network(error))
                if error.blame() == Blame::Configuration || error.code() == TFTP_UNREADABLE
        )
    }

    /// Looks once more into a boot file that could not be read before. The last failure stays.
    pub(super) fn locate_again(&mut self) {
        if !self.sources.unread {
            return;
        }
        let last = self.report.error.take();
        if self.read_toc().is_ok() {
            self.sources.unread = false;
            self.sources.absent = false;
        } else {
            self.tell_failure(None);
        }
        self.report.error = last;
    }

    /// Looks into the boot file on each server that the network names, until one has it.
    #[inline(never)]
    pub(super) fn read_toc(&mut self) -> Result {
        let mut nth = 0;
        loop {
            nth += 1;
            let result = self.read_boot_file();
            if result.is_ok() || !matches!(self.report.error, Some(AppError::Network(_))) {
                return result;
            }
            let next = self.other_server(nth);
            let found = next.is_some();
            self.sources.boot = next.or_else(|| self.other_server(0));
            if !found {
                return result;
            }
            self.tell_failure(None);
        }
    }

    /// The boot file on the `nth` server that the network names, if it may be used.
    #[inline(never)]
    fn other_server(&mut self, nth: usize) -> Option<Uri> {
        let other = boot_uri(self.net.config()?, nth).ok().flatten();
        other.filter(|uri| self.config.sources.allows(uri))
    }

    #[inline(never)]
    fn read_boot_file(&mut self) -> Result {
        self.start_attempt()?;
        let now = self.net.now();
        let Some(boot) = &self.sources.boot else {
            return Ok(());
        };
        self.observer.event(now, &Event::BootFile { uri: boot });
        let handle = match self.net.imgfetch(boot, None, None) {
            Ok(handle) => handle,
            Err(error) => return Err(self.fail_net(error)),
        };
        let image = match self.net.imgload(&handle) {
            Ok(image) => image,
            Err(error) => return Err(self.fail_net(error)),
        };
        let mut reader = TocReader::new();
        let error = match self.net.imgexec(image, &mut reader) {
            Err(ExecError::Transfer(error) | ExecError::Refused(error)) => {
                return Err(self.fail_net(error));
            }
            Err(ExecError::Sink) => match reader.stop() {
                Some(Stop::Done) => {
                    let toc = self.sources.toc.insert(reader.into_toc());
                    let images = toc.image_count;
                    self.tell(&Event::Toc { images });
                    return Ok(());
                }
                // Some other boot file: the images lie beside it.
                Some(Stop::Bad(TocError::NotToc)) => {
                    // Some servers send nothing for a directory.
                    self.sources.absent = reader.position() == 0;
                    // Others add the final slash by a redirect.
                    if is_directory(&handle.uri) {
                        self.sources.boot = Some(handle.uri.clone());
                    }
                    return Ok(());
                }
                Some(Stop::Bad(error)) => error,
                None => TocError::Truncated,
            },
            // `TocReader::end` fails, so a delivery cannot succeed.
            Ok(()) => TocError::Truncated,
        };
        Err(self.fail(AppError::Toc(error)))
    }
}
