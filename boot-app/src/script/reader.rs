//! Takes a small file from a transfer, and tells a script from other boot files.

use crate::toc::TocReader;
use netboot_core::Instant;
use netboot_ipxe::{Deliver, SinkFailed};

/// What a script begins with.
pub(crate) const SCRIPT: &[u8] = b"#!ipxe";

/// Why a transfer was ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The file does not begin as it should.
    Other,
    /// The file has more octets than the buffer.
    TooLong,
}

/// Takes a small file that begins with `magic` into a buffer.
pub(crate) struct FileReader<'b> {
    buffer: &'b mut [u8],
    magic: &'static [u8],
    len: usize,
    stop: Option<Stopped>,
}

impl<'b> FileReader<'b> {
    pub(crate) fn new(buffer: &'b mut [u8], magic: &'static [u8]) -> Self {
        Self {
            buffer,
            magic,
            len: 0,
            stop: None,
        }
    }

    /// The octets of the file, once it was delivered whole.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(crate) fn finish(&self) -> Result<usize, Stopped> {
        match self.stop {
            Some(stop) => Err(stop),
            None if self.len < self.magic.len() => Err(Stopped::Other),
            None => Ok(self.len),
        }
    }

    /// The octets that were kept.
    fn kept(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, data: &[u8]) -> Result<(), Stopped> {
        let rest = self.magic.get(self.len..).unwrap_or_default();
        let compared = rest.len().min(data.len());
        if rest.get(..compared) != data.get(..compared) {
            return Err(Stopped::Other);
        }
        let end = self.len.saturating_add(data.len());
        let room = self.buffer.get_mut(self.len..end);
        for (to, from) in room.ok_or(Stopped::TooLong)?.iter_mut().zip(data) {
            *to = *from;
        }
        self.len = end;
        Ok(())
    }
}

impl Deliver for FileReader<'_> {
    fn position(&self) -> u64 {
        self.len as u64
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn begin(&mut self, _: Instant, _: u64) -> Result<(), SinkFailed> {
        self.len = 0;
        self.stop = None;
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        true
    }

    fn window(&mut self, _: Instant) -> Result<usize, SinkFailed> {
        // One octet more than there is room for shows that the file is too long.
        Ok(self.buffer.len().saturating_sub(self.len).saturating_add(1))
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        self.push(data).map_err(|stop| {
            self.stop = Some(stop);
            SinkFailed
        })
    }

    fn end(&mut self, _: Instant) -> Result<(), SinkFailed> {
        Ok(())
    }
}

/// Takes a boot file: a script or a table of contents.
pub(crate) struct BootFileReader<'b> {
    pub toc: TocReader,
    /// `None` once the file is known to be no script.
    script: Option<FileReader<'b>>,
    /// The script is too long, so that nothing else is tried.
    too_long: bool,
}

impl<'b> BootFileReader<'b> {
    /// Makes a reader.
    pub(crate) fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            toc: TocReader::new(),
            script: Some(FileReader::new(buffer, SCRIPT)),
            too_long: false,
        }
    }

    /// The octets of the script, if the file is one and was delivered whole.
    ///
    /// # Errors
    /// [`Stopped`].
    pub(crate) fn script(&self) -> Result<usize, Stopped> {
        match &self.script {
            _ if self.too_long => Err(Stopped::TooLong),
            Some(script) => script.finish(),
            None => Err(Stopped::Other),
        }
    }
}

impl Deliver for BootFileReader<'_> {
    fn position(&self) -> u64 {
        match &self.script {
            Some(script) => script.position(),
            None => self.toc.position(),
        }
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn begin(&mut self, now: Instant, size: u64) -> Result<(), SinkFailed> {
        if let Some(script) = &mut self.script {
            script.begin(now, size)?;
        }
        self.toc.begin(now, size)
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        true
    }

    fn window(&mut self, now: Instant) -> Result<usize, SinkFailed> {
        match &mut self.script {
            Some(script) => script.window(now),
            None => self.toc.window(now),
        }
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        let Some(script) = &mut self.script else {
            return self.toc.write(now, data);
        };
        let Err(failed) = script.write(now, data) else {
            return Ok(());
        };
        if script.stop == Some(Stopped::TooLong) {
            self.too_long = true;
            return Err(failed);
        }
        // What looked like a script so far is the head of something else.
        let headed = self.toc.write(now, script.kept());
        self.script = None;
        headed?;
        self.toc.write(now, data)
    }

    fn end(&mut self, now: Instant) -> Result<(), SinkFailed> {
        match self.script() {
            Ok(_) => Ok(()),
            Err(_) => {
                if let Some(script) = self.script.take() {
                    self.toc.write(now, script.kept())?;
                }
                self.toc.end(now)
            }
        }
    }
}
