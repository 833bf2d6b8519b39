//! The commands.

use crate::delivery::Deliver;
use crate::{ImageHandle, LoadedImage, Part};
use core::fmt;
use netboot_core::net::{NetworkConfig, Route};
use netboot_core::uri::Uri;
use netboot_core::{Coded, Duration, Instant};

/// What a caller of [`dhcp`](IpxeInterface::dhcp) wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DhcpGoal {
    /// An address. The caller knows where its images are, so the first offer is good enough.
    Address,
    /// An address, and where the boot files are. Offers are collected for a while, and PXE servers are asked.
    BootFiles,
}

/// iPXE's commands, made fit for a ROM: names and URIs are borrowed or of bounded size, and images are streams that end in a
/// [`Deliver`].
///
/// Every command that waits ends by the [deadline](Self::set_deadline) and keeps the network alive meanwhile. The trait can be
/// used as `dyn IpxeInterface<Error = E>`.
pub trait IpxeInterface {
    /// What can go wrong.
    type Error: Coded;

    /// Tells the time, on the clock that deadlines are on.
    fn now(&mut self) -> Instant;

    /// Sets the time by which all commands from now on end, with an error if they are not done.
    fn set_deadline(&mut self, deadline: Instant);

    /// Configures the interface by DHCP. The configuration stays renewed while commands run.
    ///
    /// # Errors
    /// When no usable lease was offered in time.
    fn dhcp(&mut self, goal: DhcpGoal) -> Result<&NetworkConfig, Self::Error>;

    /// Configures the interface by hand, routes included. A lease is given up.
    ///
    /// # Errors
    /// When an address or the prefix is not usable, or a route cannot be set.
    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), Self::Error>;

    /// The present configuration of the interface; `None` while it has no address.
    fn config(&self) -> Option<&NetworkConfig>;

    /// Adds a route, or replaces the one to the same destination. A new configuration of the interface removes it.
    ///
    /// # Errors
    /// When the interface has no address, the table is full, or the gateway is not on the own network.
    fn route(&mut self, route: &Route) -> Result<(), Self::Error>;

    /// Opens the transfer of `uri`, or of a part of it, and learns name, size and final address. No octet of the image flows
    /// yet. An earlier transfer that is still open is closed.
    ///
    /// # Errors
    /// When the server cannot be found or reached, or does not have the file.
    fn imgfetch(
        &mut self,
        uri: &Uri,
        name: Option<&str>,
        part: Option<Part>,
    ) -> Result<ImageHandle, Self::Error>;

    /// Opens the transfer that the next [`imgfetch`](Self::imgfetch) is likely to ask for, so that `imgfetch` finds it open.
    ///
    /// This is a hint for a caller with time to spare. It takes half a second at most, and a failure is not reported. An
    /// `imgfetch` for another URI, or one that comes too late, ignores the prefetched transfer. An earlier transfer that is still
    /// open is closed. A library that cannot do it does nothing.
    fn prefetch(&mut self, uri: &Uri, part: Option<Part>) {
        let _ = (uri, part);
    }

    /// Readies an image. An image of unknown size is read once to learn its size, and then opened anew.
    ///
    /// # Errors
    /// When the transfer fails.
    fn imgload<'h>(&mut self, handle: &'h ImageHandle) -> Result<LoadedImage<'h>, Self::Error>;

    /// Delivers an image: `begin`, as many `write`s as it takes, `end`. A transfer that breaks is resumed. Activation stays with
    /// the caller, who knows what the digest has to be.
    ///
    /// The command may fail in mid-image and be called again with another image and the same delivery. The library then proves
    /// that the other source has the same octets up to the delivery's position, or refuses the source. It begins anew only while
    /// the sink can [take back](Deliver::withdraw) what it has.
    ///
    /// # Errors
    /// When the transfer or the sink fails. The delivery stays where it is.
    fn imgexec(
        &mut self,
        image: LoadedImage<'_>,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Self::Error>>;

    /// Fetches `uri` and delivers it in one go.
    ///
    /// # Errors
    /// As for the three commands that it stands for.
    fn chain(
        &mut self,
        uri: &Uri,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Self::Error>> {
        let handle = self
            .imgfetch(uri, None, None)
            .map_err(ExecError::Transfer)?;
        let image = self.imgload(&handle).map_err(ExecError::Transfer)?;
        self.imgexec(image, delivery)
    }

    /// Boots one part of a remote disk image: for a Caliptra device, a part of a whole flash image that is read in place.
    ///
    /// # Errors
    /// As for [`chain`](Self::chain).
    fn sanboot(
        &mut self,
        uri: &Uri,
        part: Part,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<Self::Error>> {
        let handle = self
            .imgfetch(uri, None, Some(part))
            .map_err(ExecError::Transfer)?;
        let image = self.imgload(&handle).map_err(ExecError::Transfer)?;
        self.imgexec(image, delivery)
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
impl<T: IpxeInterface + ?Sized> IpxeInterface for &mut T {
    type Error = T::Error;

    fn now(&mut self) -> Instant {
        (**self).now()
    }

    fn set_deadline(&mut self, deadline: Instant) {
        (**self).set_deadline(deadline);
    }

    fn dhcp(&mut self, goal: DhcpGoal) -> Result<&NetworkConfig, T::Error> {
        (**self).dhcp(goal)
    }

    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), T::Error> {
        (**self).ifconfig(config)
    }

    fn config(&self) -> Option<&NetworkConfig> {
        (**self).config()
    }

    fn route(&mut self, route: &Route) -> Result<(), T::Error> {
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

    fn imgload<'h>(&mut self, handle: &'h ImageHandle) -> Result<LoadedImage<'h>, T::Error> {
        (**self).imgload(handle)
    }

    fn imgexec(
        &mut self,
        image: LoadedImage<'_>,
        delivery: &mut dyn Deliver,
    ) -> Result<(), ExecError<T::Error>> {
        (**self).imgexec(image, delivery)
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
pub enum ExecError<E> {
    /// Fetching failed.
    Transfer(E),
    /// The source has another file than the one whose first octets were delivered. Nothing of it was delivered; only a source
    /// with the same octets can go on.
    Refused(E),
    /// The consumer failed; the error lies with the delivery.
    Sink,
}

impl<E: fmt::Display> fmt::Display for ExecError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExecError::Transfer(error) => error.fmt(f),
            ExecError::Refused(error) => write!(f, "the source has another file: {error}"),
            ExecError::Sink => f.write_str("the sink of the image failed"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for ExecError<E> {}
