//! Commands that name images, deliver them, and chain scripts.

use super::{Ending, Reply, Session};
use crate::app::{AppError, BootApp, Result};
use crate::observer::Observer;
use crate::script::{ImagesError, Next};
use crate::sources::{Origin, Place, boot_uri_of, networks};
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Console, Duration};
use netboot_ipxe::script::{Check, Command, Image};
use netboot_ipxe::{IpxeInterface, NAME_LEN, ServerInfo, short_name};
use ocp_recovery::RegisterBus;

/// Time that a server has for its first answer, where the script says nothing else.
const PATIENCE: Duration = Duration::from_secs(60);

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    pub(super) fn image_command(
        &mut self,
        command: Command<'_>,
        session: &Session<'_>,
    ) -> Result<Reply> {
        match command {
            Command::ImgFetch(image) => {
                self.fetch(&image, session.base)?;
            }
            Command::ImgSelect(image) => {
                let name = self.named(&image, session.base)?;
                let selected = self.sources.images.select(&name);
                self.images(selected)?;
            }
            Command::ImgExec(image) => return self.execute(&image, session.base),
            Command::Chain(image) => {
                let Some(source) = image.source else {
                    return self.execute(&image, session.base);
                };
                let next = if self.knows(source) {
                    Next::Image(self.named(&image, session.base)?)
                } else {
                    let uri = self.uri(source, session.base)?;
                    if image.replace {
                        // A script that cannot be fetched replaces nothing. The transfer is the one that the next `imgfetch` takes up.
                        self.ask(&uri, image.timeout)?;
                    }
                    Next::Place(uri)
                };
                if let Some(scripts) = &mut self.scripts {
                    scripts.next = Some(next);
                }
                return Ok(Reply::Chain {
                    replace: image.replace,
                });
            }
            Command::ImgArgs { image, arguments } => {
                if self.knows(image) {
                    let kept = self.sources.images.set_arguments(image, arguments);
                    self.images(kept)?;
                } else {
                    let image = fetched(image, arguments);
                    self.fetch(&image, session.base)?;
                }
            }
            Command::ImgStat => self.show_images(),
            Command::ImgFree { image: Some(name) } => {
                let freed = self.sources.images.free(name);
                self.images(freed)?;
            }
            Command::ImgFree { image: None } => self.sources.images.clear(),
            Command::ImgTrust { allow, permanent } => {
                let images = &mut self.sources.images;
                if !images.latched {
                    images.only_verified = !allow;
                    images.latched = permanent;
                }
                if allow && images.only_verified {
                    return Err(self.fail(AppError::TrustLatched));
                }
            }
            Command::ImgVerify {
                image,
                check: Check::Sha256(digest),
                ..
            } => {
                let found = self.sources.images.get_mut(image);
                let found = found.map(|image| image.sha256 = Some(digest));
                self.images(found)?;
            }
            #[cfg(feature = "verify")]
            Command::ImgVerify {
                image,
                check: Check::Signature { source, signer },
                ..
            } => {
                if !self.knows(image) {
                    return Err(self.fail(AppError::NoSuchImage));
                }
                let uri = self.uri(source, session.base)?;
                return self.verify(image, &uri, signer);
            }
            #[cfg(feature = "san")]
            Command::SanBoot {
                sources, filename, ..
            } => return self.san_boot(sources, filename, session),
            _ => return Err(self.fail(AppError::NotSupported)),
        }
        Ok(Reply::Done)
    }

    /// Turns an error of the table of images into the boot's.
    pub(super) fn images<T>(&mut self, result: core::result::Result<T, ImagesError>) -> Result<T> {
        result.map_err(|error| {
            self.fail(match error {
                ImagesError::Full => AppError::ImagesFull,
                ImagesError::NoSuchImage => AppError::NoSuchImage,
            })
        })
    }

    /// Whether an image has this name.
    fn knows(&self, name: &str) -> bool {
        self.sources.images.iter().any(|image| image.name == name)
    }

    /// Reads a URI, which may be relative to that of the script. The board's own script, and a line of the shell, have the one that the network names.
    #[inline(never)]
    pub(super) fn uri(&mut self, text: &str, base: Option<&Uri>) -> Result<Uri> {
        let named = match base {
            Some(_) => None,
            None => boot_uri_of(networks(&self.net), 0),
        };
        let uri = match base.or(named.as_ref()) {
            Some(base) => base.join(text),
            None => Uri::parse(text),
        };
        let uri = match uri {
            Ok(uri) => uri,
            Err(error) => return Err(self.fail_net(error.into())),
        };
        self.allow(&uri)?;
        Ok(uri)
    }

    /// Refuses a place that the policy does not allow.
    fn allow(&mut self, uri: &Uri) -> Result {
        match self.config.sources.allows(uri) {
            true => Ok(()),
            false => Err(self.fail(AppError::NotHttps {
                origin: Origin::Script,
            })),
        }
    }

    /// Asks a server for a file, and leaves the transfer open. Fails where the server does not have the file.
    #[inline(never)]
    pub(super) fn ask(&mut self, uri: &Uri, timeout: Option<Duration>) -> Result<ServerInfo> {
        self.start_attempt()?;
        match self.net.probe(uri, timeout.unwrap_or(PATIENCE)) {
            Ok(server) => Ok(server),
            Err(error) => Err(self.fail_net(error)),
        }
    }

    /// Asks a server for an image, and adds the place to those of the image.
    #[inline(never)]
    fn fetch(
        &mut self,
        image: &Image<'_>,
        base: Option<&Uri>,
    ) -> Result<heapless::String<NAME_LEN>> {
        let uri = self.uri(image.source.unwrap_or_default(), base)?;
        self.ask(&uri, image.timeout)?;
        let name = short_name(image.name.unwrap_or_else(|| uri.last_segment()));
        self.add_place(&name, &uri, image.arguments, image.autofree)?;
        #[cfg(feature = "verity")]
        if let (Some(digest), Ok(image)) = (image.verity, self.sources.images.get_mut(&name)) {
            image.verity = Some(digest);
        }
        Ok(name)
    }

    /// Adds a place to those of the image `name`.
    fn add_place(&mut self, name: &str, uri: &Uri, arguments: &str, autofree: bool) -> Result {
        let images = &mut self.sources.images;
        let added = images.add(name, uri, arguments, autofree);
        self.images(added)
    }

    /// Does work at the places of the image `name`, one after the other, until it is done at one of them.
    #[inline(never)]
    pub(super) fn at_places(
        &mut self,
        name: &str,
        work: &mut dyn FnMut(&mut Self, &Uri) -> Result,
    ) -> Result {
        let mut result = Err(self.fail(AppError::NoSuchImage));
        for nth in 0.. {
            let images = &self.sources.images;
            let image = images.iter().find(|image| image.name == name);
            let place = image.and_then(|image| images.place(image, nth));
            // It was a URI when it was named.
            let Some(Ok(uri)) = place.map(Uri::parse) else {
                break;
            };
            if nth > 0 {
                self.tell_failure(None);
            }
            result = work(self, &uri);
            if result.is_ok() || !self.retryable() {
                break;
            }
        }
        result
    }

    /// The image that a command means: one that has a name, or one that is fetched.
    #[inline(never)]
    fn named(
        &mut self,
        image: &Image<'_>,
        base: Option<&Uri>,
    ) -> Result<heapless::String<NAME_LEN>> {
        let source = image.source.unwrap_or_default();
        if !self.knows(source) {
            return self.fetch(image, base);
        }
        if !image.arguments.is_empty() {
            let kept = self.sources.images.set_arguments(source, image.arguments);
            self.images(kept)?;
        }
        if let Ok(named) = self.sources.images.get_mut(source) {
            named.autofree |= image.autofree;
        }
        Ok(source.try_into().unwrap_or_default())
    }

    /// `imgexec` and `boot`: answers the device's requests as long as there are images for them.
    #[inline(never)]
    fn execute(&mut self, image: &Image<'_>, base: Option<&Uri>) -> Result<Reply> {
        let name = match image.source {
            Some(_) => Some(self.named(image, base)?),
            None => None,
        };
        self.serve(name.as_deref())
    }

    /// Answers the device's requests with the images of the script, the present one with the image `wanted`. Ends when the device has booted, or
    /// asks for something that the script has not named yet.
    #[inline(never)]
    fn serve(&mut self, wanted: Option<&str>) -> Result<Reply> {
        let known = self.sources.images.want(wanted);
        self.images(known)?;
        let reply = self.by_script(Self::serve_all);
        let _ = self.sources.images.want(None);
        reply
    }

    /// Does work in which the device's requests, and what is opened ahead of them, are answered with what the script has named.
    pub(super) fn by_script(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<Reply>,
    ) -> Result<Reply> {
        self.sources.by_script = true;
        let reply = work(self);
        self.sources.by_script = false;
        reply
    }

    fn serve_all(&mut self) -> Result<Reply> {
        let mut served = false;
        loop {
            let Some(index) = self.next_request()? else {
                return Ok(Reply::Booted);
            };
            if !self.has_place(index) {
                return match served {
                    true => Ok(Reply::Done),
                    false => Err(self.fail(AppError::NoSource { index })),
                };
            }
            self.deliver_named(index)?;
            served = true;
        }
    }

    /// Delivers image `index` as the script has named it.
    #[inline(never)]
    pub(super) fn deliver_named(&mut self, index: u8) -> Result {
        self.deliver(index)?;
        self.sources.images.activated(index, self.config.names);
        Ok(())
    }

    /// Whether there is a place for image `index`, be it one that cannot be used.
    #[inline(never)]
    fn has_place(&self, index: u8) -> bool {
        let mut place = Place::default();
        let networks = networks(&self.net);
        let next = self.sources.next(&mut place, index, &self.config, networks);
        next.is_some()
    }

    /// Delivers what was chained and is no script: an image, or what lies at a place whose server has just shown it.
    #[inline(never)]
    pub(super) fn execute_next(&mut self, next: Next) -> Result<Ending> {
        let name = match next {
            Next::Image(name) => name,
            Next::Place(uri) => {
                let name = short_name(uri.last_segment());
                self.add_place(&name, &uri, "", false)?;
                name
            }
        };
        match self.serve(Some(&name))? {
            Reply::Booted => Ok(Ending::Booted),
            _ => Ok(Ending::Over),
        }
    }

    fn show_images(&mut self) {
        let images = &self.sources.images;
        let Some(scripts) = &mut self.scripts else {
            return;
        };
        let mut out = super::person::Screen(scripts.terminal);
        let out: &mut dyn Console = &mut out;
        for image in images.iter() {
            out.text(&image.name);
            if let Some(index) = images.index_of(image, self.config.names) {
                out.number("index", index.into());
            }
            for item in 0.. {
                let Some(place) = images.place(image, item) else {
                    break;
                };
                out.text(" ");
                out.text(place);
            }
            for (is_so, word) in [
                (image.is_verified(), " [VERIFIED]"),
                (image.activated.is_some(), " [ACTIVATED]"),
                (
                    images
                        .selected()
                        .is_some_and(|selected| selected.name == image.name),
                    " [SELECTED]",
                ),
            ] {
                if is_so {
                    out.text(word);
                }
            }
            let arguments = images.arguments(image);
            if !arguments.is_empty() {
                out.text(" \"");
                out.text(arguments);
                out.text("\"");
            }
            out.text("\n");
        }
    }
}

/// An image that is fetched without any options.
fn fetched<'a>(source: &'a str, arguments: &'a str) -> Image<'a> {
    Image {
        source: Some(source),
        arguments,
        ..Image::default()
    }
}
