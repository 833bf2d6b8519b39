//! `sanboot`: the images are parts of one disk or flash image in the network.

use super::{Reply, Session};
use crate::app::{AppError, BootApp, Result};
use crate::observer::Observer;
use crate::script::{KNOWN_NAMES, PieceSink, Pieces};
use crate::toc::{Stop, TocError, TocReader};
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::san::{GptError, GptReader, GptStep, Selector};
use netboot_ipxe::script::Arguments;
use netboot_ipxe::{IpxeInterface, Part};
use ocp_recovery::RegisterBus;

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Answers the device's requests with parts of the disk that lies at the first of `sources` which can be read; the others are for when that one
    /// fails. `filename` names the partition for the present request.
    #[inline(never)]
    pub(super) fn san_boot(
        &mut self,
        sources: Arguments<'_>,
        filename: Option<&str>,
        session: &Session<'_>,
    ) -> Result<Reply> {
        let mut result = Err(self.fail(AppError::NotSupported));
        for nth in 0..sources.len() {
            let source = sources.get(nth).unwrap_or_default();
            let uri = match self.uri(source, session.base) {
                Ok(uri) => uri,
                Err(failed) => {
                    result = Err(failed);
                    continue;
                }
            };
            result = self.by_script(|app| app.boot_disk(&uri, filename));
            if result.is_ok() || !self.retryable() {
                break;
            }
            self.tell_failure(None);
        }
        result
    }

    fn boot_disk(&mut self, uri: &Uri, filename: Option<&str>) -> Result<Reply> {
        let Some(size) = self.ask(uri, None)?.size else {
            return Err(self.fail(AppError::NotSupported));
        };
        let mut served = false;
        loop {
            let Some(index) = self.next_request()? else {
                return Ok(Reply::Booted);
            };
            // The next partition is for the script to name.
            if served && filename.is_some() {
                return Ok(Reply::Done);
            }
            let name = filename.or_else(|| KNOWN_NAMES.get(usize::from(index)).copied());
            let name = name.unwrap_or_default();
            let (part, checksum) = self.partition(uri, size, name, index)?;
            let added = self.sources.images.set_part(index, uri, part, checksum);
            self.images(added)?;
            self.deliver_named(index)?;
            served = true;
        }
    }

    /// Finds the partition that a name says, on a disk of `size` octets: its label, or its unique GUID. Of a flash image it is the part for `index`, with
    /// the checksum of the table of contents.
    #[inline(never)]
    fn partition(
        &mut self,
        uri: &Uri,
        size: u64,
        name: &str,
        index: u8,
    ) -> Result<(Part, Option<u32>)> {
        self.start_attempt()?;
        let selector = Selector::unique(name).or_else(|_| Selector::label(name));
        let mut reader = match selector {
            Ok(selector) => GptReader::new(size, selector),
            Err(error) => return Err(self.fail(AppError::Gpt(error))),
        };
        loop {
            let wanted = match reader.poll() {
                Ok(GptStep::Found(part)) => return Ok((part, None)),
                Ok(GptStep::Read(wanted)) => wanted,
                Err(GptError::NoTable) => return self.part_of_flash_image(uri, index),
                Err(error) => return Err(self.fail(AppError::Gpt(error))),
            };
            let mut sink = PieceSink::new(&mut reader);
            self.read_into(uri, Some(wanted), &mut sink)?;
        }
    }

    /// Finds the part of a flash image that is image `index`, by the table of contents at its start.
    #[inline(never)]
    fn part_of_flash_image(&mut self, uri: &Uri, index: u8) -> Result<(Part, Option<u32>)> {
        let mut reader = TocReader::new();
        self.read_into(uri, None, &mut reader)?;
        let toc = match reader.stop() {
            Some(Stop::Done) => reader.into_toc(),
            Some(Stop::Bad(TocError::NotToc)) | None => {
                return Err(self.fail(AppError::Gpt(GptError::NoTable)));
            }
            Some(Stop::Bad(error)) => return Err(self.fail(AppError::Toc(error))),
        };
        let entry = toc.find(index.into());
        let Some(entry) = entry.filter(|entry| entry.filename.is_empty()) else {
            return Err(self.fail(AppError::NoSource { index }));
        };
        let part = Part {
            offset: entry.offset.into(),
            len: entry.size.into(),
        };
        Ok((part, Some(entry.checksum)))
    }
}

impl Pieces for &mut GptReader {
    fn push(&mut self, octets: &[u8]) {
        (**self).push(octets);
    }
}
