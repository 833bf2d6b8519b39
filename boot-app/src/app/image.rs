//! Delivers one image, from whichever sources have it.

use super::{AppError, BootApp, Failed, Result, Work};
use crate::check::{Expected, Watch, Watched};
use crate::observer::{Event, Observer};
use crate::report::{ImageReport, Outcome};
use crate::sources::{Candidate, Place, Round, SourceError, networks};
use netboot_core::ImageSink;
use netboot_core::uri::UriError;
use netboot_ipxe::{Deliver, ExecError, IpxeInterface};
use ocp_recovery::{RecoveryError, RegisterBus};

/// How an attempt at an image failed.
enum Attempt {
    /// The image is activated.
    Activated,
    /// This source has another file than the one that the device holds the first octets of.
    Refused,
    /// Anything else failed.
    Failed,
}

impl<N, B, O> BootApp<'_, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Delivers and activates image `index`, from whichever source has it.
    #[inline(never)]
    pub(super) fn deliver(&mut self, index: u8) -> Result {
        let requested = self.net.now();
        #[cfg(feature = "script")]
        let again = self.unfinished() == Some(index);
        #[cfg(not(feature = "script"))]
        let again = false;
        if !again {
            self.observer.event(requested, &Event::Requested { index });
            if self.report.images.push(ImageReport::new(index)).is_err() {
                return Err(self.fail(AppError::TooManyImages));
            }
            self.reset_delivery();
            #[cfg(feature = "toc")]
            let with_sum = self.sources.toc.is_some() || cfg!(feature = "san");
            #[cfg(not(feature = "toc"))]
            let with_sum = false;
            self.watch = Watch::new(with_sum);
        }
        let result = self.retry(Work::Image(index));
        let now = self.net.now();
        if let Some(image) = self.report.images.last_mut() {
            image.duration = now.since(requested);
            if result.is_err() {
                image.error = self.report.error;
            }
        }
        result
    }

    /// The image that was tried last, if it was not activated. A script may go on with it by another command, and so may whatever comes after a script.
    #[cfg(feature = "script")]
    pub(super) fn unfinished(&self) -> Option<u8> {
        let last = self.report.images.last();
        let last = last.filter(|image| image.outcome == Outcome::NotActivated);
        last.map(|image| image.index)
    }

    /// Makes one round over all sources; the error of the last one is the round's. A place that cannot be used is left out; it is
    /// the error if nothing else is left.
    #[inline(never)]
    pub(super) fn try_sources(&mut self, index: u8) -> Result {
        self.report.error = Some(AppError::NoSource { index });
        let mut tried = 0;
        let mut all_refused = true;
        let mut round = Round::new(&self.sources.penalties, index);
        let mut place = Place::default();
        loop {
            let next = self
                .sources
                .next(&mut place, index, &self.config, networks(&self.net));
            let Some(candidate) = next else {
                if !round.turn() {
                    break;
                }
                place = Place::default();
                continue;
            };
            if !round.takes() {
                continue;
            }
            let candidate = match candidate {
                Ok(candidate) => candidate,
                Err(_) if tried > 0 => continue,
                Err(SourceError::Uri(error)) => {
                    self.fail_net(error.into());
                    continue;
                }
                Err(SourceError::NotHttps(origin)) => {
                    self.fail(AppError::NotHttps { origin });
                    self.tell_failure(Some(index));
                    continue;
                }
                #[cfg(feature = "script")]
                Err(SourceError::NotVerified) => {
                    self.fail(AppError::NotVerified);
                    continue;
                }
                #[cfg(feature = "script")]
                Err(SourceError::Digests(found)) => {
                    self.fail(AppError::DigestMismatch { found });
                    continue;
                }
            };
            if tried > 0 {
                self.tell_failure(Some(index));
            }
            if self.image().is_some_and(|image| image.uri.is_some()) {
                self.device_still_wants(index)?;
                if let Some(image) = self.image() {
                    image.retries += 1;
                }
            }
            self.sources.penalties.attempt(index, &round);
            match self.attempt(index, &candidate) {
                Attempt::Activated => return Ok(()),
                Attempt::Refused => self.sources.penalties.give(),
                Attempt::Failed => all_refused = false,
            }
            let useless = self.delivery.is_complete();
            self.stuck |= useless;
            if useless || matches!(self.report.error, Some(AppError::SizeMismatch { .. })) {
                self.sources.penalties.give();
            }
            if !self.retryable() {
                return Err(Failed);
            }
            tried += 1;
            if tried >= self.config.sources.attempts {
                break;
            }
        }
        // The device waits for the rest of a file that nobody has.
        self.stuck |= tried > 0 && all_refused;
        #[cfg(feature = "toc")]
        self.locate_again();
        Err(Failed)
    }

    fn image(&mut self) -> Option<&mut ImageReport<N::Error>> {
        self.report.images.last_mut()
    }

    /// Before another attempt: waits until the device asks for the same image or, where it holds part of it already, sees that it
    /// has not failed.
    fn device_still_wants(&mut self, index: u8) -> Result {
        if self.delivery.has_begun() {
            let now = self.net.now();
            return match self.agent().poll(now) {
                Ok(_) => Ok(()),
                Err(error) => Err(self.fail_recovery(error)),
            };
        }
        if self.poll_device()? == Some(index) {
            return Ok(());
        }
        Err(self.fail_recovery(RecoveryError::RequestWithdrawn { index }))
    }

    /// Tries one source: fetches, delivers, checks and activates.
    #[inline(never)]
    fn attempt(&mut self, index: u8, candidate: &Candidate) -> Attempt {
        if self.start_attempt().is_err() {
            return Attempt::Failed;
        }
        let uri = &candidate.uri;
        self.tell(&Event::Fetching {
            index,
            uri,
            origin: candidate.origin,
        });
        if let Some(image) = self.image() {
            image.uri = Some(uri.clone());
        }
        let mut refused = false;
        let result = self.transfer(index, candidate, &mut refused);
        match result {
            Ok(()) => Attempt::Activated,
            Err(Failed) if refused => Attempt::Refused,
            Err(Failed) => Attempt::Failed,
        }
    }

    #[inline(never)]
    fn transfer(&mut self, index: u8, candidate: &Candidate, refused: &mut bool) -> Result {
        let expected = &candidate.expected;
        let handle = match self.net.imgfetch(&candidate.uri, None, candidate.part) {
            Ok(handle) => handle,
            Err(error) => return Err(self.fail_net(error)),
        };
        // Redirects may have led elsewhere.
        if let Some(image) = self.image() {
            image.uri = Some(handle.uri.clone());
        }
        // A packed file has another size than its image, which its head tells.
        if let Some(size) = handle.size
            && !self.packed.may_be()
        {
            self.check_size(expected, size)?;
        }
        let image = match self.net.imgload(&handle) {
            Ok(image) => image,
            Err(error) => return Err(self.fail_net(error)),
        };
        let size = image.size;
        if !self.packed.may_be() {
            self.check_size(expected, size)?;
        }
        self.tell(&Event::Opened {
            index,
            size,
            uri: &image.handle.uri,
        });
        if let Err(error) = self.packed.want(expected, &mut self.delivery) {
            return Err(self.fail(error));
        }
        let mut delivery = Watched {
            delivery: &mut self.delivery,
            watch: &mut self.watch,
            observer: &mut self.observer,
            index,
        };
        let executed = self.packed.execute(&mut self.net, image, &mut delivery);
        let (octets, resumes) = (self.delivery.position(), self.delivery.resumes());
        if let Some(image) = self.image() {
            image.octets = octets;
            image.resumes = resumes;
        }
        match executed {
            Ok(()) => {}
            Err(ExecError::Transfer(error)) => return Err(self.fail_net(error)),
            Err(ExecError::Refused(error)) => {
                *refused = true;
                return Err(self.fail_net(error));
            }
            Err(ExecError::Sink) => {
                if let Some(error) = self.packed.error(expected) {
                    return Err(self.fail(error));
                }
                let error = self.delivery.take_error();
                return Err(self.fail_recovery(error.unwrap_or(RecoveryError::NotOpen)));
            }
        }
        let sha256 = self.delivery.digest();
        #[cfg(feature = "verity")]
        let verity = self.packed.digest();
        let duration = self.delivery.duration();
        if let Some(image) = self.image() {
            image.sha256 = sha256;
            #[cfg(feature = "verity")]
            {
                image.verity = verity;
            }
            image.transfer = duration;
        }
        // Activation waits for this.
        self.check_size(expected, self.delivery.position())?;
        let found = self.packed.compared(expected, sha256);
        let wrong = expected.content_error(found, self.watch.sum());
        if let Some(error) = wrong.or(self.packed.other(expected)) {
            return Err(self.fail(error));
        }
        self.tell(&Event::Verified {
            index,
            sha256: sha256.as_ref(),
            #[cfg(feature = "verity")]
            verity: verity.as_ref(),
            expected: expected.is_known(),
        });
        self.activate(index)
    }

    #[inline(never)]
    fn check_size(&mut self, expected: &Expected, found: u64) -> Result {
        match expected.size_error(found) {
            Some(error) => Err(self.fail(error)),
            None => Ok(()),
        }
    }

    /// Waits until the device has drained the image, and has it activated: everything is right.
    #[inline(never)]
    fn activate(&mut self, index: u8) -> Result {
        loop {
            let now = self.net.now();
            let agent = self.agent();
            let activated = match agent.poll_ready(now) {
                Ok(true) => agent.activate(now),
                Ok(false) => {
                    self.idle(now)?;
                    continue;
                }
                Err(error) => Err(error),
            };
            if let Err(error) = activated {
                return Err(self.fail_recovery(error));
            }
            break;
        }
        // The image is the device's now.
        self.reset_delivery();
        self.tell(&Event::Activated { index });
        if let Some(image) = self.image() {
            image.outcome = Outcome::Activated;
        }
        Ok(())
    }
}
