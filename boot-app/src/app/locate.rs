//! Looks into the boot file: it may be a table of contents.

use super::{AppError, BootApp, Result, Work};
use crate::observer::{Event, Observer};
use crate::sources::{Origin, boot_uri, is_directory, know_some};
use crate::toc::{Stop, TocError, TocReader};
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::{ExecError, IpxeInterface};
use ocp_recovery::RegisterBus;

/// Number of times that a boot file is looked for again before the fixed places are tried.
const LOCATE_RETRIES: u32 = 3;

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
        let has_others = know_some(&self.config);
        let most = if has_others { LOCATE_RETRIES } else { u32::MAX };
        let result = self.retry(Work::ReadToc, most);
        // The fixed places may still be good.
        if result.is_err() && self.retryable() && has_others {
            self.sources.unread = true;
            return Ok(());
        }
        result
    }

    /// Looks once more into a boot file that could not be read before. The last failure stays.
    pub(super) fn locate_again(&mut self) {
        if !self.sources.unread {
            return;
        }
        let last = self.report.error.take();
        if self.read_toc().is_ok() {
            self.sources.unread = false;
        } else {
            self.tell_failure(None);
        }
        self.report.error = last;
    }

    /// Looks into the boot file on each server that the network names, until one has it.
    #[inline(never)]
    pub(super) fn read_toc(&mut self) -> Result {
        for nth in 1.. {
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
        Ok(())
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
        let Some(boot) = &self.sources.boot else {
            return Ok(());
        };
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
                Some(Stop::Bad(TocError::NotToc)) => return Ok(()),
                Some(Stop::Bad(error)) => error,
                None => TocError::Truncated,
            },
            // `TocReader::end` fails, so a delivery cannot succeed.
            Ok(()) => TocError::Truncated,
        };
        Err(self.fail(AppError::Toc(error)))
    }
}
