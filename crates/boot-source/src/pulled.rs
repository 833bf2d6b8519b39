//! A provider that can be served.

use crate::clock::Clock;
use crate::error::BootSourceError;
use crate::feeder::pour;
use crate::id::FirmwareId;
use crate::message::{BootFlags, Cleanup};
use crate::provider::{BootSourceProvider, ImageMetadata, ImageSource};
use crate::status::Status;
use netboot_core::{Duration, Instant};
use netboot_ipxe::Deliver;

/// A provider whose streams are read into deliveries, so that it can be served.
#[derive(Debug)]
pub struct Pulled<P, C> {
    /// The provider.
    pub provider: P,
    /// The clock.
    pub clock: C,
    /// Size of the image whose metadata was asked for last, for the download that follows.
    known: Option<(FirmwareId, u32)>,
}

impl<P, C> Pulled<P, C> {
    /// Makes a source of `provider`, which waits by `clock`.
    pub const fn new(provider: P, clock: C) -> Self {
        Self {
            provider,
            clock,
            known: None,
        }
    }
}

impl<P, C> ImageSource for Pulled<P, C>
where
    P: BootSourceProvider<Error = BootSourceError>,
    C: Clock,
{
    type Error = BootSourceError;

    fn initiate_boot(&mut self, flags: BootFlags) -> Result<(), BootSourceError> {
        self.known = None;
        self.provider.initiate_boot(flags).map(|_| ())
    }

    fn image_metadata(&mut self, id: FirmwareId) -> Result<ImageMetadata, BootSourceError> {
        let metadata = self.provider.get_image_metadata(id)?;
        self.known = Some((id, metadata.size));
        Ok(metadata)
    }

    /// Delivers the image. It asks for the metadata only when the image is not the one whose metadata was asked for last. Nobody
    /// compares the checksum here: the receiver of the image does.
    fn download(
        &mut self,
        id: FirmwareId,
        delivery: &mut dyn Deliver,
    ) -> Result<(), BootSourceError> {
        let size = match self.known.take() {
            Some((known, size)) if known == id => size,
            _ => self.provider.get_image_metadata(id)?.size,
        };
        let stream = self.provider.download_image(id)?;
        pour(stream, u64::from(size), None, delivery, &mut self.clock)
    }

    fn finalize(&mut self, outcome: Status) -> Cleanup {
        self.provider.finalize(outcome).unwrap_or_default()
    }

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn idle(&mut self, span: Duration) {
        let until = self.clock.now() + span;
        self.clock.idle(until);
    }

    fn status_of(error: &BootSourceError) -> Status {
        match error {
            BootSourceError::Source(status) => *status,
            BootSourceError::IdNotOnWire { .. } => Status::INVALID_FIRMWARE_ID,
            BootSourceError::ChecksumMismatch => Status::CHECKSUM_MISMATCH,
            BootSourceError::Timeout(_) => Status::TRANSFER_TIMEOUT,
            _ => Status::UNSPECIFIED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::WaitFor;
    use crate::mailbox::Mailbox;
    use crate::remote::RemoteSource;

    /// A mailbox that nobody uses, and a clock that stands still.
    struct Nothing;

    impl Mailbox for Nothing {
        fn send(&mut self, _: &[u8]) -> bool {
            false
        }

        fn receive(&mut self, _: &mut [u8]) -> Option<usize> {
            None
        }

        fn capacity(&self) -> usize {
            0
        }
    }

    impl Clock for Nothing {
        fn now(&mut self) -> Instant {
            Instant::ZERO
        }

        fn idle(&mut self, _: Instant) {}
    }

    type Source = Pulled<RemoteSource<'static, 'static, Nothing, Nothing>, Nothing>;

    /// Each error goes on as the code of the protocol that means it.
    #[test]
    fn an_error_has_the_status_that_names_it() {
        use BootSourceError as E;
        for (error, status) in [
            (E::Source(Status::NOT_FOUND), 0x03),
            (E::Source(Status(0x42)), 0x42),
            (E::IdNotOnWire { id: 0x1234 }, 0x02),
            (E::ChecksumMismatch, 0x04),
            (E::Timeout(WaitFor::Chunk), 0x05),
            (E::Timeout(WaitFor::Start), 0x05),
            (E::Busy, 0xff),
            (E::Sink, 0xff),
        ] {
            let told = <Source as ImageSource>::status_of(&error);
            assert_eq!(told, Status(status), "{error:?}");
        }
    }
}
