//! Looks into the boot file: it may be a table of contents.

use super::{AppError, BootApp, Result, Work, say};
use crate::observer::{Event, Observer};
#[cfg(feature = "script")]
use crate::script::{BootFileReader, BootScript, Read, Stopped};
use crate::sources::{Origin, is_directory, know_some, networks};
use crate::toc::{Stop, TocError, TocReader};
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Blame, Coded, Module};
#[cfg(feature = "script")]
use netboot_ipxe::LoadedImage;
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
        let order = self.config.sources.order;
        #[cfg(feature = "script")]
        let scripts = self.may_run_boot_file();
        #[cfg(not(feature = "script"))]
        let scripts = false;
        if !(scripts || order.contains(&Origin::Toc))
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
            // What is done next is for the script to say.
            #[cfg(feature = "script")]
            Work::Image(_) if self.sources.by_script => 0,
            _ => u32::MAX,
        }
    }

    /// Whether the last failure is a server's answer that it has no such file for this station.
    fn is_absent(&self) -> bool {
        #[cfg(feature = "script")]
        if self.sources.is_script {
            return false;
        }
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
        // A script answers the device's requests itself, and one of them is being answered.
        #[cfg(feature = "script")]
        {
            if self.sources.is_script {
                return;
            }
            self.sources.delivers = true;
        }
        let last = self.report.error.take();
        let read = self.read_toc();
        #[cfg(feature = "script")]
        {
            self.sources.delivers = false;
        }
        if read.is_ok() {
            self.sources.unread = false;
            self.sources.absent = false;
        } else {
            self.tell_failure(None);
        }
        self.report.error = last;
    }

    /// Looks into the boot file of another configuration than the one before. The last failure stays.
    #[cfg(feature = "bootstore")]
    pub(super) fn locate_anew(&mut self) {
        self.sources.toc = None;
        self.sources.absent = false;
        let is_file = |boot: &Uri| !is_directory(boot);
        let order = self.config.sources.order;
        self.sources.unread =
            order.contains(&Origin::Toc) && self.sources.boot.as_ref().is_some_and(is_file);
        self.locate_again();
    }

    /// Looks into the boot file on each server that the network names, until one has it.
    #[inline(never)]
    pub(super) fn read_toc(&mut self) -> Result {
        let mut nth = 0;
        loop {
            nth += 1;
            let result = self.read_boot_file();
            #[cfg(feature = "script")]
            let result = match result {
                Ok(()) => self.run_boot_file(),
                failed => failed,
            };
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
        let other = self.sources.boot_at(nth, networks(&self.net));
        other.filter(|uri| self.config.sources.allows(uri))
    }

    #[inline(never)]
    pub(super) fn read_boot_file(&mut self) -> Result {
        self.start_attempt()?;
        let Some(boot) = &self.sources.boot else {
            return Ok(());
        };
        let event = Event::BootFile { uri: boot };
        say(&mut self.net, &mut self.observer, &event);
        let handle = match self.net.imgfetch(boot, None, None) {
            Ok(handle) => handle,
            Err(error) => return Err(self.fail_net(error)),
        };
        let image = match self.net.imgload(&handle) {
            Ok(image) => image,
            Err(error) => return Err(self.fail_net(error)),
        };
        #[cfg(feature = "script")]
        if self.may_run_boot_file() {
            return self.read_any(image);
        }
        let mut reader = TocReader::new();
        let executed = self.net.imgexec(image, &mut reader);
        self.take_toc(&handle.uri, executed, reader)
    }

    /// Takes a boot file that is a script or anything else. A script is kept for [`run_boot_file`](Self::run_boot_file).
    #[cfg(feature = "script")]
    #[inline(never)]
    fn read_any(&mut self, image: LoadedImage<'_>) -> Result {
        let buffer = self.take_buffer()?;
        let uri = &image.handle.uri;
        let limit = buffer.len();
        let mut reader = BootFileReader::new(&mut *buffer);
        let executed = self.net.imgexec(image, &mut reader);
        let (script, toc) = (reader.script(), reader.toc);
        match script {
            Ok(len) if executed.is_ok() => {
                self.sources.is_script = true;
                let script = Read {
                    len,
                    uri: uri.clone(),
                    verified: false,
                };
                if let Some(scripts) = &mut self.scripts {
                    scripts.boot_file = Some(BootScript { buffer, script });
                }
                return Ok(());
            }
            Err(Stopped::TooLong) => self.sources.is_script = true,
            _ => {}
        }
        self.give_back(buffer);
        match script {
            Err(Stopped::TooLong) => Err(self.script_too_long(limit)),
            _ => self.take_toc(uri, executed, toc),
        }
    }

    /// Whether a boot file may be a table of contents. What a bootstrap server names always may.
    fn takes_tables(&self) -> bool {
        #[cfg(feature = "sztp")]
        if self.sources.provisioned.is_some() {
            return true;
        }
        self.config.sources.order.contains(&Origin::Toc)
    }

    /// Takes what was read of a boot file that really is at `uri`.
    #[inline(never)]
    fn take_toc(
        &mut self,
        uri: &Uri,
        executed: core::result::Result<(), ExecError<N::Error>>,
        reader: TocReader,
    ) -> Result {
        let error = match executed {
            Err(ExecError::Transfer(error) | ExecError::Refused(error)) => {
                return Err(self.fail_net(error));
            }
            Err(ExecError::Sink) => match reader.stop() {
                // A table is looked for, or a script was.
                Some(Stop::Done) if self.takes_tables() => {
                    let toc = self.sources.toc.insert(reader.into_toc());
                    let images = toc.image_count;
                    self.tell(&Event::Toc { images });
                    return Ok(());
                }
                // Some other boot file: the images lie beside it.
                Some(Stop::Done | Stop::Bad(TocError::NotToc)) => {
                    // Some servers send nothing for a directory.
                    self.sources.absent = reader.position() == 0;
                    // Others add the final slash by a redirect.
                    if is_directory(uri) {
                        self.sources.boot = Some(uri.clone());
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
