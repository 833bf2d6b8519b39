//! The Network Boot Library as a boot source.

use crate::error::BootSourceError;
use crate::id::FirmwareId;
use crate::message::{BootFlags, Cleanup};
use crate::provider::{ImageMetadata, ImageSource};
use crate::status::Status;
use core::fmt;
use netboot_core::uri::Uri;
use netboot_core::{Blame, Coded, Console, Digest, Duration, Instant, NetworkConfig};
use netboot_ipxe::{Deliver, DhcpGoal, ExecError, ImageHandle, IpxeInterface, Part};

/// Where an image is, and what it has to be.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub uri: Uri,
    /// The part of the file that the image is; `None` for all of it.
    pub part: Option<Part>,
    /// What the octets have to be, for the metadata. The receiver compares.
    pub sha256: Option<Digest>,
    /// Version for the metadata; 0 where none is known.
    pub version: u32,
}

/// An error of the network source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError<N> {
    /// The network failed.
    Network(N),
    /// The exchange with the MCU ROM failed.
    Exchange(BootSourceError),
    /// Nothing says where the image is.
    NoPlace,
}

impl<N: fmt::Display> fmt::Display for NetworkError<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(error) => error.fmt(f),
            Self::Exchange(error) => error.fmt(f),
            Self::NoPlace => f.write_str("nothing says where the image is"),
        }
    }
}

impl<N: fmt::Debug + fmt::Display> core::error::Error for NetworkError<N> {}

impl<N: Coded + fmt::Display> Coded for NetworkError<N> {
    fn code(&self) -> u32 {
        match self {
            Self::Network(error) => error.code(),
            Self::Exchange(error) => error.code(),
            Self::NoPlace => BootSourceError::Source(Status::NOT_FOUND).code(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            Self::Network(error) => error.blame(),
            Self::Exchange(error) => error.blame(),
            Self::NoPlace => Blame::Configuration,
        }
    }

    fn facts(&self, out: &mut dyn Console) {
        match self {
            Self::Network(error) => error.facts(out),
            Self::Exchange(error) => error.facts(out),
            Self::NoPlace => {}
        }
    }
}

/// The commands of the Network Boot Library (`imgfetch`, `imgload`, `imgexec`) as a source of images.
///
/// `places` says where an image is. It is told what DHCP said, so that it can look for boot files there.
#[derive(Debug)]
pub struct NetworkSource<N, F> {
    net: N,
    places: F,
    /// The transfer that the request for metadata opened, for the download that follows it.
    open: Option<(FirmwareId, ImageHandle)>,
    /// How often one image is tried; 3 by default. The MCU ROM gives the image up when it gets no octets for its
    /// [`answer_timeout`](crate::RequesterConfig::answer_timeout), however many attempts are left.
    pub attempts: u8,
    /// How long the network may take to get ready, and how long one attempt at an image may take; 110 s by default. The requester's
    /// [`ready_timeout`](crate::RequesterConfig::ready_timeout) has to be longer, so that the MCU ROM is told what failed.
    pub deadline: Duration,
    /// How long it may take to open an image and learn its size; 25 s by default. The requester's
    /// [`answer_timeout`](crate::RequesterConfig::answer_timeout) has to be longer, for the same reason.
    pub metadata_deadline: Duration,
}

type Failed<N> = NetworkError<<N as IpxeInterface>::Error>;

impl<N, F> NetworkSource<N, F>
where
    N: IpxeInterface,
    F: FnMut(FirmwareId, Option<&NetworkConfig>) -> Option<Place>,
{
    /// Makes a source of `net`, whose images are where `places` says.
    pub fn new(net: N, places: F) -> Self {
        Self {
            net,
            places,
            open: None,
            attempts: 3,
            deadline: Duration::from_secs(110),
            metadata_deadline: Duration::from_secs(25),
        }
    }

    /// The network, for what comes after the boot.
    pub fn network(&mut self) -> &mut N {
        &mut self.net
    }

    /// Gives what follows at most `span`.
    fn start(&mut self, span: Duration) {
        let until = self.net.now() + span;
        self.net.set_deadline(until);
    }

    fn place(&mut self, id: FirmwareId) -> Result<Place, Failed<N>> {
        (self.places)(id, self.net.config()).ok_or(NetworkError::NoPlace)
    }

    fn fetch(&mut self, place: &Place) -> Result<ImageHandle, Failed<N>> {
        let fetched = self.net.imgfetch(&place.uri, None, place.part);
        fetched.map_err(NetworkError::Network)
    }

    /// One attempt at an image, with the transfer that is open or a new one.
    fn attempt(
        &mut self,
        id: FirmwareId,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Failed<N>>> {
        self.start(self.deadline);
        let handle = match self.open.take() {
            Some((open, handle)) if open == id => handle,
            _ => {
                let place = self.place(id).map_err(ExecError::Transfer)?;
                self.fetch(&place).map_err(ExecError::Transfer)?
            }
        };
        let transfer = |error| ExecError::Transfer(NetworkError::Network(error));
        let image = self.net.imgload(&handle).map_err(transfer)?;
        self.net
            .imgexec(image, delivery)
            .map_err(|error| match error {
                ExecError::Transfer(error) => transfer(error),
                ExecError::Refused(error) => ExecError::Refused(NetworkError::Network(error)),
                ExecError::Sink => ExecError::Sink,
            })
    }
}

impl<N, F> ImageSource for NetworkSource<N, F>
where
    N: IpxeInterface,
    N::Error: fmt::Display,
    F: FnMut(FirmwareId, Option<&NetworkConfig>) -> Option<Place>,
{
    type Error = Failed<N>;

    /// Gets an address and the boot files by DHCP, unless the board has set an address. Flash write-back is the MCU ROM's.
    fn initiate_boot(&mut self, _flags: BootFlags) -> Result<(), Failed<N>> {
        self.start(self.deadline);
        if self.net.config().is_some() {
            return Ok(());
        }
        let leased = self.net.dhcp(DhcpGoal::BootFiles).map(|_| ());
        leased.map_err(NetworkError::Network)
    }

    /// Opens the transfer to learn the size.
    fn image_metadata(&mut self, id: FirmwareId) -> Result<ImageMetadata, Failed<N>> {
        self.start(self.metadata_deadline);
        let place = self.place(id)?;
        let handle = self.fetch(&place)?;
        let size = match handle.size {
            Some(size) => size,
            None => {
                let loaded = self.net.imgload(&handle);
                loaded.map_err(NetworkError::Network)?.size
            }
        };
        self.open = Some((id, handle));
        let unsupported = BootSourceError::SizeUnsupported { size };
        let size = u32::try_from(size).map_err(|_| NetworkError::Exchange(unsupported))?;
        Ok(ImageMetadata {
            size,
            checksum: place.sha256,
            version: place.version,
            flags: 0,
        })
    }

    /// Delivers the image. A transfer that breaks is taken up where it was, from the same place.
    fn download(&mut self, id: FirmwareId, delivery: &mut dyn Deliver) -> Result<(), Failed<N>> {
        let mut left = self.attempts.max(1);
        loop {
            left = left.saturating_sub(1);
            match self.attempt(id, delivery) {
                Ok(()) => return Ok(()),
                Err(ExecError::Sink) => {
                    return Err(NetworkError::Exchange(BootSourceError::Sink));
                }
                Err(ExecError::Transfer(error) | ExecError::Refused(error)) if left == 0 => {
                    return Err(error);
                }
                Err(_) => {}
            }
        }
    }

    fn finalize(&mut self, _outcome: Status) -> Cleanup {
        self.open = None;
        self.net.exit();
        Cleanup(Cleanup::RESET_CONNECTION)
    }

    fn now(&mut self) -> Instant {
        self.net.now()
    }

    fn idle(&mut self, span: Duration) {
        let until = self.net.now() + span + span;
        self.net.set_deadline(until);
        // An error of the network shows in the next command.
        let _ = self.net.sleep(span);
    }

    fn status_of(error: &Failed<N>) -> Status {
        match error {
            NetworkError::NoPlace => Status::NOT_FOUND,
            NetworkError::Exchange(BootSourceError::SizeUnsupported { .. }) => {
                Status::INSUFFICIENT_SPACE
            }
            NetworkError::Exchange(_) => Status::UNSPECIFIED,
            NetworkError::Network(error) => match error.blame() {
                Blame::Server => Status::NOT_FOUND,
                Blame::Network => Status::TRANSFER_TIMEOUT,
                Blame::Configuration => Status::INVALID_PARAMETERS,
                Blame::Peer => Status::CORRUPTED_DATA,
                Blame::Caller | Blame::Device => Status::UNSPECIFIED,
            },
        }
    }
}
