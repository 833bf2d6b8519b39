//! The commands.

#[cfg(feature = "bootstore")]
use crate::conversation::Conversation;
use crate::delivery::Deliver;
#[cfg(feature = "script")]
use crate::script::Configurator;
use crate::{ImageHandle, LoadedImage, Part, ServerInfo};
#[cfg(feature = "post")]
use crate::{Post, Posted};
use core::fmt;
#[cfg(feature = "script")]
use core::net::IpAddr;
#[cfg(feature = "script")]
use netboot_core::Module;
use netboot_core::net::{NetworkConfig, Route};
use netboot_core::uri::Uri;
use netboot_core::{Coded, Console, Duration, Instant};

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

    /// Gives a random number, with which a caller spreads its waits. It need not be a secret.
    fn random(&mut self) -> u32;

    /// Sets the time by which all commands from now on end, with an error if they are not done.
    fn set_deadline(&mut self, deadline: Instant);

    /// Configures the interface by DHCP. The configuration stays renewed while commands run.
    ///
    /// # Errors
    /// When no usable lease was offered in time.
    fn dhcp(&mut self, goal: DhcpGoal) -> Result<&NetworkConfig, Self::Error>;

    /// Configures the interface by hand, routes included. A lease is given up. A library with the feature `bootstore` takes an address of IPv6
    /// too, beside one of IPv4 that was set by hand before it; others refuse it.
    ///
    /// # Errors
    /// When an address or the prefix is not usable, or a route cannot be set.
    fn ifconfig(&mut self, config: &NetworkConfig) -> Result<(), Self::Error>;

    /// The present configuration of the interface; `None` while it has no address.
    fn config(&self) -> Option<&NetworkConfig>;

    /// The configuration of the other family of addresses, when the station speaks both.
    fn other_config(&self) -> Option<&NetworkConfig> {
        None
    }

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

    /// Asks a server for a file, and gives what it offers. The transfer may stay open: an [`imgfetch`](Self::imgfetch) of the same place that follows
    /// then costs no further request. The default needs as long as `imgfetch` does, and tells no more than that.
    ///
    /// # Errors
    /// As for `imgfetch`, and when the server has not answered within `patience`.
    fn probe(&mut self, uri: &Uri, patience: Duration) -> Result<ServerInfo, Self::Error> {
        let _ = patience;
        let handle = self.imgfetch(uri, None, None)?;
        Ok(ServerInfo {
            size: handle.size,
            ..ServerInfo::new(handle.uri.scheme())
        })
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

    /// The station's interface. `None` for a library that cannot tell.
    #[cfg(any(feature = "script", feature = "bootstore"))]
    fn interface(&mut self) -> Option<InterfaceInfo> {
        None
    }

    /// Exchanges datagrams of UDP with others until the conversation is over. An open transfer is closed. A station that has no address speaks
    /// with one that is valid on the link only, where it speaks IPv6. `None` for a library that cannot do it.
    ///
    /// # Errors
    /// When the station has no address to speak with, or the deadline comes first.
    #[cfg(feature = "bootstore")]
    fn converse(&mut self, with: &mut dyn Conversation) -> Option<Result<(), Self::Error>> {
        let _ = with;
        None
    }

    /// Has the station send and take frames of this VLAN (IEEE 802.1Q) from now on, or of the one that its options name. Where that is another one
    /// than before, the interface loses its addresses. Says whether the library can do it.
    #[cfg(feature = "bootstore")]
    fn use_vlan(&mut self, vlan: Option<u16>) -> bool {
        let _ = vlan;
        false
    }

    /// Finds the address of a host, which is a name or an address. `None` for a library that cannot do it.
    ///
    /// # Errors
    /// When the name has no address, or nobody answers.
    #[cfg(feature = "script")]
    fn nslookup(&mut self, host: &str) -> Option<Result<IpAddr, Self::Error>> {
        let _ = host;
        None
    }

    /// Neighbour number `nth` on the link that the station has spoken to: its address and its hardware address. `None` when there is none.
    #[cfg(feature = "script")]
    fn neighbor(&self, nth: usize) -> Option<(IpAddr, [u8; 6])> {
        let _ = nth;
        None
    }

    /// Sends an echo request (RFC 792; RFC 4443, section 4.1) with this number in its sequence and `octets` of payload, and waits for the answer. Gives the octets of
    /// the answer's payload. `None` for a library that cannot do it, and for a request that is longer than the path takes.
    ///
    /// # Errors
    /// When no answer came in `patience`, or the address cannot be spoken to.
    #[cfg(feature = "script")]
    fn ping(
        &mut self,
        to: IpAddr,
        sequence: u16,
        octets: u16,
        patience: Duration,
    ) -> Option<Result<u16, Self::Error>> {
        let _ = (to, sequence, octets, patience);
        None
    }

    /// The octets of a DHCP option. `None` when the server sent none, and for a library that keeps none.
    #[cfg(feature = "dhcp-options")]
    fn dhcp_option(&self, scope: OptionScope, code: u16) -> Option<&[u8]> {
        let _ = (scope, code);
        None
    }

    /// Says whether a person may end the commands from now on, which they cannot at first. A command that a person ends fails with an error of the number
    /// [`INTERRUPTED`].
    #[cfg(feature = "script")]
    fn interruptible(&mut self, yes: bool) {
        let _ = yes;
    }

    /// Has [`dhcp`](Self::dhcp) use one family of addresses from now on, or all that the station speaks. Says whether it speaks that family.
    #[cfg(feature = "script")]
    fn use_family(&mut self, only: Option<Configurator>) -> bool {
        only != Some(Configurator::Ipv6)
    }

    /// Sends a request by POST, and reads the whole answer into `answer`. Redirects are not followed. `None` for a library that cannot do it.
    ///
    /// # Errors
    /// When the server cannot be reached or has not proved what it has to, when its answer cannot be read, or is longer than `answer`. A status that means failure
    /// is no error: the answer has it.
    #[cfg(feature = "post")]
    fn post(
        &mut self,
        request: &Post<'_>,
        answer: &mut [u8],
    ) -> Option<Result<Posted, Self::Error>> {
        let _ = (request, answer);
        None
    }

    /// Says whether files may come from `https` servers that have proved nothing, which they may not at first. A caller says yes that knows the digest of what it
    /// fetches, and compares it before it uses the file (RFC 8572, section 7.3, `download-uri`).
    #[cfg(feature = "post")]
    fn accept_any_server(&mut self, yes: bool) {
        let _ = yes;
    }

    /// Fills `octets` with random numbers that nobody can guess. `false` for a platform that has none.
    #[cfg(feature = "post")]
    fn secret(&mut self, octets: &mut [u8]) -> bool {
        let _ = octets;
        false
    }

    /// Prints a message.
    fn echo(&mut self, message: &str);

    /// Sends a line to the server that takes the log, when there is one (RFC 5424, RFC 5426). `write` writes its text, which it is given a
    /// configuration of the interface for. A line too many is dropped, and so is one that cannot be sent at once: a log never holds a boot up.
    fn syslog(&mut self, line: Severity, id: &str, write: WriteLine<'_>) {
        let _ = (line, id, write);
    }

    /// Waits; the network is polled meanwhile.
    ///
    /// # Errors
    /// When the deadline comes first.
    fn sleep(&mut self, span: Duration) -> Result<(), Self::Error>;

    /// Ends all transfers and gives the network up.
    fn exit(&mut self);
}

/// Number of the error with which a command fails that a person has ended.
#[cfg(feature = "script")]
pub const INTERRUPTED: u32 = Module::Network.code(29);

/// What a station knows of its interface.
#[cfg(any(feature = "script", feature = "bootstore"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// The hardware address.
    pub mac: [u8; 6],
    /// The largest IP packet in octets.
    pub mtu: u16,
    /// Whether there is a link, as far as the device can tell.
    pub link: Option<bool>,
}

/// Whose options are read.
#[cfg(feature = "dhcp-options")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionScope {
    /// Those of the DHCP server that gave the address.
    Dhcp,
    /// Those of a ProxyDHCP or PXE server.
    Proxy,
    /// Those of the DHCPv6 server.
    Dhcp6,
}

/// Writes the text of a line for the log, with the interface's configuration at hand.
pub type WriteLine<'w> = &'w mut dyn FnMut(&mut dyn Console, Option<&NetworkConfig>);

/// How much somebody should care about a line of the log (RFC 5424, section 6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The boot has failed.
    Error = 3,
    /// Something failed that others may make good.
    Warning = 4,
    /// The boot has ended well.
    Notice = 5,
    /// The boot goes on.
    Informational = 6,
}

/// A borrowed library is a library: it may lie in a static of its own.
impl<T: IpxeInterface + ?Sized> IpxeInterface for &mut T {
    type Error = T::Error;

    fn now(&mut self) -> Instant {
        (**self).now()
    }

    fn random(&mut self) -> u32 {
        (**self).random()
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

    fn other_config(&self) -> Option<&NetworkConfig> {
        (**self).other_config()
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

    fn probe(&mut self, uri: &Uri, patience: Duration) -> Result<ServerInfo, T::Error> {
        (**self).probe(uri, patience)
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

    #[cfg(any(feature = "script", feature = "bootstore"))]
    fn interface(&mut self) -> Option<InterfaceInfo> {
        (**self).interface()
    }

    #[cfg(feature = "bootstore")]
    fn converse(&mut self, with: &mut dyn Conversation) -> Option<Result<(), T::Error>> {
        (**self).converse(with)
    }

    #[cfg(feature = "bootstore")]
    fn use_vlan(&mut self, vlan: Option<u16>) -> bool {
        (**self).use_vlan(vlan)
    }

    #[cfg(feature = "script")]
    fn nslookup(&mut self, host: &str) -> Option<Result<IpAddr, T::Error>> {
        (**self).nslookup(host)
    }

    #[cfg(feature = "script")]
    fn neighbor(&self, nth: usize) -> Option<(IpAddr, [u8; 6])> {
        (**self).neighbor(nth)
    }

    #[cfg(feature = "script")]
    fn ping(
        &mut self,
        to: IpAddr,
        sequence: u16,
        octets: u16,
        patience: Duration,
    ) -> Option<Result<u16, T::Error>> {
        (**self).ping(to, sequence, octets, patience)
    }

    #[cfg(feature = "dhcp-options")]
    fn dhcp_option(&self, scope: OptionScope, code: u16) -> Option<&[u8]> {
        (**self).dhcp_option(scope, code)
    }

    #[cfg(feature = "script")]
    fn interruptible(&mut self, yes: bool) {
        (**self).interruptible(yes);
    }

    #[cfg(feature = "script")]
    fn use_family(&mut self, only: Option<Configurator>) -> bool {
        (**self).use_family(only)
    }

    #[cfg(feature = "post")]
    fn post(&mut self, request: &Post<'_>, answer: &mut [u8]) -> Option<Result<Posted, T::Error>> {
        (**self).post(request, answer)
    }

    #[cfg(feature = "post")]
    fn accept_any_server(&mut self, yes: bool) {
        (**self).accept_any_server(yes);
    }

    #[cfg(feature = "post")]
    fn secret(&mut self, octets: &mut [u8]) -> bool {
        (**self).secret(octets)
    }

    fn echo(&mut self, message: &str) {
        (**self).echo(message);
    }

    fn syslog(&mut self, line: Severity, id: &str, write: WriteLine<'_>) {
        (**self).syslog(line, id, write);
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
