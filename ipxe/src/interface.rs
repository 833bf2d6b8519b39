//! The commands.

use crate::{Delivery, ImageHandle, LoadedImage, NetworkConfig, Part, Route};
use core::fmt;
use netboot_core::uri::Uri;
use netboot_core::{Blame, Coded, Duration, ImageSink, Instant};

/// iPXE's commands, made fit for a ROM: names and URIs are borrowed or of bounded size, and images
/// are streams that end in an [`ImageSink`].
///
/// Every command that waits ends by the [deadline](IpxeInterface::set_deadline) and keeps the network
/// alive meanwhile.
pub trait IpxeInterface {
    /// What can go wrong.
    type Error: Coded;

    /// The time now, on the clock that deadlines are on.
    fn now(&mut self) -> Instant;

    /// All commands from now on end by `deadline`, with an error if they are not done.
    fn set_deadline(&mut self, deadline: Instant);

    /// Configures the interface by DHCP. The configuration stays renewed while commands run.
    ///
    /// # Errors
    /// When no usable lease was offered in time.
    fn dhcp(&mut self) -> Result<NetworkConfig, Self::Error>;

    /// Configures the interface by hand. A lease is given up.
    ///
    /// # Errors
    /// When an address or the prefix is not usable.
    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), Self::Error>;

    /// Adds a route, or replaces the one to the same destination.
    ///
    /// # Errors
    /// When the table is full or the gateway is not on the own network.
    fn route(&mut self, route: Route) -> Result<(), Self::Error>;

    /// Opens the transfer of `uri`, or of a part of it, and learns name, size and protocol. No octet
    /// of the image flows yet. An earlier transfer that is still open is closed.
    ///
    /// # Errors
    /// When the server cannot be found or reached, or does not have the file.
    fn imgfetch(
        &mut self,
        uri: &Uri,
        name: Option<&str>,
        part: Option<Part>,
    ) -> Result<ImageHandle, Self::Error>;

    /// Opens the transfer that the next [`imgfetch`](Self::imgfetch) is likely to be for, so that it finds it open. A hint for a caller
    /// with time to spare: it takes half a second at most, a failure is not told, and an `imgfetch` for anything else, or much
    /// later, does not mind. An earlier transfer that is still open is closed. Does nothing unless the library says otherwise.
    fn prefetch(&mut self, uri: &Uri, part: Option<Part>) {
        let _ = (uri, part);
    }

    /// Readies an image. With a `staging` buffer the whole image is read into it; without one, an
    /// image of unknown size is read once to learn its size, and then opened anew.
    ///
    /// # Errors
    /// When the transfer fails, or the image is larger than the buffer.
    fn imgload<'s>(
        &mut self,
        handle: ImageHandle,
        staging: Option<&'s mut [u8]>,
    ) -> Result<LoadedImage<'s>, Self::Error>;

    /// Drains an image into `sink`: `begin`, as many `write`s as it takes, `end`. A transfer that
    /// breaks is resumed. Activation stays with the caller, who knows what the digest has to be.
    ///
    /// # Errors
    /// When the transfer or the sink fails; the caller then aborts the sink.
    fn imgexec<S: ImageSink>(
        &mut self,
        image: LoadedImage<'_>,
        sink: &mut S,
    ) -> Result<Delivery, ExecError<Self::Error, S::Error>>;

    /// Fetches `uri` and delivers it into `sink` in one go.
    ///
    /// # Errors
    /// As for the three commands that it stands for.
    fn chain<S: ImageSink>(
        &mut self,
        uri: &Uri,
        sink: &mut S,
    ) -> Result<Delivery, ExecError<Self::Error, S::Error>> {
        let handle = self
            .imgfetch(uri, None, None)
            .map_err(ExecError::Transfer)?;
        let image = self.imgload(handle, None).map_err(ExecError::Transfer)?;
        self.imgexec(image, sink)
    }

    /// Boots one part of a remote disk image: for a Caliptra device, a part of a whole flash image
    /// that is read in place.
    ///
    /// # Errors
    /// As for [`chain`](Self::chain).
    fn sanboot<S: ImageSink>(
        &mut self,
        uri: &Uri,
        part: Part,
        sink: &mut S,
    ) -> Result<Delivery, ExecError<Self::Error, S::Error>> {
        let handle = self
            .imgfetch(uri, None, Some(part))
            .map_err(ExecError::Transfer)?;
        let image = self.imgload(handle, None).map_err(ExecError::Transfer)?;
        self.imgexec(image, sink)
    }

    /// Prints a message.
    fn echo(&mut self, message: &str);

    /// Waits; the network is polled meanwhile.
    ///
    /// # Errors
    /// When the deadline comes first.
    fn sleep(&mut self, span: Duration) -> Result<(), Self::Error>;

    /// Ends all transfers and gives the network up.
    fn exit(&mut self);
}

/// A borrowed library is a library: it may lie in a static of its own.
impl<T: IpxeInterface> IpxeInterface for &mut T {
    type Error = T::Error;

    fn now(&mut self) -> Instant {
        (**self).now()
    }

    fn set_deadline(&mut self, deadline: Instant) {
        (**self).set_deadline(deadline);
    }

    fn dhcp(&mut self) -> Result<NetworkConfig, T::Error> {
        (**self).dhcp()
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), T::Error> {
        (**self).ifconfig(config)
    }

    fn route(&mut self, route: Route) -> Result<(), T::Error> {
        (**self).route(route)
    }

    fn imgfetch(
        &mut self,
        uri: &Uri,
        name: Option<&str>,
        part: Option<Part>,
    ) -> Result<ImageHandle, T::Error> {
        (**self).imgfetch(uri, name, part)
    }

    fn prefetch(&mut self, uri: &Uri, part: Option<Part>) {
        (**self).prefetch(uri, part);
    }

    fn imgload<'s>(
        &mut self,
        handle: ImageHandle,
        staging: Option<&'s mut [u8]>,
    ) -> Result<LoadedImage<'s>, T::Error> {
        (**self).imgload(handle, staging)
    }

    fn imgexec<S: ImageSink>(
        &mut self,
        image: LoadedImage<'_>,
        sink: &mut S,
    ) -> Result<Delivery, ExecError<T::Error, S::Error>> {
        (**self).imgexec(image, sink)
    }

    fn echo(&mut self, message: &str) {
        (**self).echo(message);
    }

    fn sleep(&mut self, span: Duration) -> Result<(), T::Error> {
        (**self).sleep(span)
    }

    fn exit(&mut self) {
        (**self).exit();
    }
}

/// Why a delivery failed: on which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecError<N, S> {
    /// Fetching failed.
    Transfer(N),
    /// The consumer failed.
    Sink(S),
}

impl<N: fmt::Display, S: fmt::Display> fmt::Display for ExecError<N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecError::Transfer(error) => fmt::Display::fmt(error, f),
            ExecError::Sink(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl<N: Coded, S: Coded> Coded for ExecError<N, S> {
    fn code(&self) -> u32 {
        match self {
            ExecError::Transfer(error) => error.code(),
            ExecError::Sink(error) => error.code(),
        }
    }

    fn blame(&self) -> Blame {
        match self {
            ExecError::Transfer(error) => error.blame(),
            ExecError::Sink(error) => error.blame(),
        }
    }
}
