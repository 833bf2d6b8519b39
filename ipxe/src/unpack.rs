//! Verified streaming: a packed file on its way into a delivery, block by block (`docs/src/verity.md`).
//!
//! A device does not begin an image anew once it has taken the first burst. So each block of a packed file is verified before the first octet of it is
//! delivered. A wrong block is asked for again, here or at another source, and any source may bring any block. A file that is not packed goes through
//! as it is, and so does a file whose source verifies the blocks itself.

use crate::delivery::{Deliver, SinkFailed};
use crate::hash::{self, Hash};
use core::fmt;
use netboot_core::{Digest, Instant};
use netboot_verity::{HEAD, Hasher, Head, Layout, Reader, VerityError};

/// Levels of the tree that there is memory for: files up to 32 MiB.
pub const LEVELS: usize = 3;
/// Octets by which a packed file is told from others.
const FIRST: usize = 8;

/// Whether an image may go on in another form of its file. Without it, the file is refused for its size.
const FORMS: bool = cfg!(feature = "verified-source");

/// What the file has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The verity digest, if it is known. Without it the blocks are proved to belong together, and nothing else.
    pub verity: Option<Digest>,
    /// Octets of the image, if known.
    pub size: Option<u64>,
    /// Whether a file may come that is not packed.
    pub plain: bool,
    /// Whether the packed file itself is hashed, as it comes.
    pub hashed: bool,
}

/// Why a file is not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnpackError {
    /// The file, or its head, is not what it has to be.
    Verity(VerityError),
    /// The file has another size than the image.
    Size {
        /// Octets of the image in the file.
        found: u64,
    },
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnpackError::Verity(error) => error.fmt(f),
            UnpackError::Size { found } => {
                write!(f, "the image in the file has another size: {found} octets")
            }
        }
    }
}

impl core::error::Error for UnpackError {}

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Its first octets have not come.
    Unknown,
    Plain,
    Packed,
    /// The source verifies it, and sends the image itself.
    Verified,
}

/// What is known of a file while it is delivered, in some 4.5 KiB. It outlives the sources of the file, as the delivery does.
///
/// `H` computes the hashes of the blocks; a board's accelerator may do so.
#[derive(Debug)]
pub struct Unpacker<H> {
    wanted: Wanted,
    kind: Kind,
    /// Octets of the file as the source has it, once the delivery was begun.
    size: Option<u64>,
    /// It also holds the first octets of a file that is not packed, until they were delivered.
    reader: Reader<H, LEVELS>,
    /// Octets of the first ones, or of the present block, that were delivered.
    delivered: usize,
    /// Octets of the image that come again, because an earlier source had the file in another form.
    again: u64,
    /// Hash of the packed file, where it is wanted.
    hash: Option<Hash>,
    error: Option<UnpackError>,
}

impl<H: Hasher> Unpacker<H> {
    /// Makes an unpacker that has seen nothing. It may lie in a static.
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub const fn new(hasher: H) -> Self {
        Self {
            wanted: Wanted {
                verity: None,
                size: None,
                plain: false,
                hashed: false,
            },
            kind: Kind::Unknown,
            size: None,
            reader: Reader::idle(hasher),
            delivered: 0,
            again: 0,
            hash: None,
            error: None,
        }
    }

    /// Forgets the file. The delivery is reset at the same time.
    pub fn reset(&mut self) {
        self.kind = Kind::Unknown;
        self.size = None;
        self.delivered = 0;
        self.again = 0;
        self.hash = None;
        self.error = None;
        self.reader.restart(None);
    }

    /// Says what the next source has to bring. A file of which octets were delivered stays the one that it was.
    pub fn want(&mut self, wanted: Wanted) {
        self.error = None;
        self.wanted = wanted;
    }

    /// The verity digest of what is delivered: that of a packed file whose head has come, or of a file that its source verifies.
    pub fn digest(&self) -> Option<Digest> {
        let is_proved = matches!(self.kind, Kind::Packed | Kind::Verified);
        self.reader.digest().filter(|_| is_proved)
    }

    /// SHA-256 of the packed file, if [`Wanted::hashed`] asked for it.
    pub fn file_digest(&self) -> Option<Digest> {
        self.hash.as_ref().map(hash::digest)
    }

    /// Why the last source was not accepted, behind a [`SinkFailed`] of an [`Unpacking`]. `None` when the delivery itself failed.
    pub fn take_error(&mut self) -> Option<UnpackError> {
        self.error.take()
    }

    /// What is ready to be delivered, and was not yet.
    fn ready(&self) -> &[u8] {
        let ready = match self.kind {
            Kind::Unknown | Kind::Verified => None,
            Kind::Plain => Some(self.reader.partial()),
            Kind::Packed => self.reader.data(),
        };
        ready
            .and_then(|ready| ready.get(self.delivered..))
            .unwrap_or_default()
    }
}

/// A delivery that takes a file as a source has it, packed or not, and passes the image on.
pub struct Unpacking<'d, H> {
    /// Where the image goes.
    pub delivery: &'d mut dyn Deliver,
    /// How far the file is.
    pub unpacker: &'d mut Unpacker<H>,
}

impl<H: Hasher> Unpacking<'_, H> {
    /// Refuses the source. What has come of it is forgotten, unless the image was begun.
    fn refuse<T>(&mut self, error: UnpackError) -> Result<T, SinkFailed> {
        self.forget();
        self.unpacker.error = Some(error);
        Err(SinkFailed)
    }

    /// Forgets what has come of a file whose image was not begun, or of a head that is not that of the image.
    fn forget(&mut self) {
        let unpacker = &mut *self.unpacker;
        if self.delivery.size().is_none() {
            unpacker.reset();
        } else if FORMS && unpacker.kind == Kind::Packed && unpacker.reader.size().is_none() {
            unpacker.kind = Kind::Unknown;
            unpacker.reader.retry();
        }
    }

    /// Begins the image, whose size is known now, unless an earlier source has begun it.
    fn begin_image(&mut self, now: Instant, found: u64) -> Result<(), SinkFailed> {
        if FORMS && let Some(begun) = self.delivery.size() {
            return match begun == found {
                true => Ok(()),
                false => self.refuse(UnpackError::Size { found }),
            };
        }
        if self.unpacker.wanted.size.is_some_and(|size| size != found) {
            return self.refuse(UnpackError::Size { found });
        }
        let begun = self.delivery.begin(now, found);
        self.forget();
        begun
    }

    /// The file is not packed.
    fn is_plain(&mut self, now: Instant) -> Result<(), SinkFailed> {
        let begun = FORMS && self.delivery.size().is_some();
        if begun || !self.unpacker.wanted.plain {
            return self.refuse(UnpackError::Verity(VerityError::NotPacked));
        }
        self.begin_image(now, self.unpacker.size.unwrap_or(0))?;
        self.unpacker.kind = Kind::Plain;
        Ok(())
    }

    /// Goes on with an image of which verified octets were delivered, by a source that has the file in another form: packed or not.
    fn change_form(&mut self, image: u64, size: u64) -> Result<(), SinkFailed> {
        let packed = Layout::new(image).map(|layout| layout.packed().saturating_add(HEAD as u64));
        let kind = match size == image {
            // It is compared with what was delivered. A packed file is longer.
            true if self.unpacker.wanted.plain => Kind::Plain,
            true => return self.refuse(UnpackError::Verity(VerityError::NotPacked)),
            // Its head shows whether it is the file.
            false if packed == Ok(size) => Kind::Unknown,
            false => return self.refuse(UnpackError::Verity(VerityError::WrongHead)),
        };
        let again = self.delivery.position();
        let unpacker = &mut *self.unpacker;
        unpacker.reader.restart(unpacker.reader.digest());
        unpacker.kind = kind;
        unpacker.size = Some(size);
        unpacker.again = again;
        unpacker.delivered = 0;
        Ok(())
    }

    /// Takes octets of which it is not known yet whether they are a packed file's.
    fn take_first(&mut self, now: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        let unpacker = &mut *self.unpacker;
        if unpacker.reader.partial().is_empty() {
            let digest = match self.delivery.size() {
                Some(_) if FORMS => unpacker.reader.digest(),
                _ => unpacker.wanted.verity,
            };
            unpacker.reader.restart(digest);
            unpacker.hash = hash::new().filter(|_| unpacker.wanted.hashed);
        }
        // What is no head is told from one below.
        let pushed = unpacker.reader.push(data);
        let first = match unpacker.reader.whole() {
            Some(head) => head,
            None => unpacker.reader.partial(),
        };
        if first.len() < FIRST {
            return Ok(());
        }
        if !Head::is_packed(first) {
            return self.is_plain(now);
        }
        unpacker.kind = Kind::Packed;
        self.pushed(now, false, pushed)
    }

    /// Takes octets of a packed file, not beyond the end of the present block.
    fn take_packed(&mut self, now: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        let had_head = self.unpacker.reader.size().is_some();
        let pushed = self.unpacker.reader.push(data);
        self.pushed(now, had_head, pushed)
    }

    /// Goes on with what the reader made of octets.
    fn pushed(
        &mut self,
        now: Instant,
        had_head: bool,
        pushed: Result<usize, VerityError>,
    ) -> Result<(), SinkFailed> {
        let unpacker = &mut *self.unpacker;
        match pushed {
            Ok(_) => unpacker.error = None,
            Err(error) if had_head => {
                // The same block comes again, from here or from elsewhere.
                unpacker.reader.retry();
                unpacker.error = Some(UnpackError::Verity(error));
                return Ok(());
            }
            Err(error) => return self.refuse(UnpackError::Verity(error)),
        }
        let Some(block) = unpacker.reader.whole() else {
            return Ok(());
        };
        if let Some(hash) = &mut unpacker.hash {
            hash::update(hash, block);
        }
        unpacker.delivered = 0;
        if FORMS && let Some(data) = unpacker.reader.data() {
            let again = unpacker.again.min(data.len() as u64);
            unpacker.again = unpacker.again.saturating_sub(again);
            unpacker.delivered = again as usize;
        }
        if !had_head {
            // A file of this head has one size.
            if unpacker.size != unpacker.reader.packed() {
                return self.refuse(UnpackError::Verity(VerityError::WrongHead));
            }
            let size = unpacker.reader.size().unwrap_or(0);
            self.begin_image(now, size)?;
        }
        self.flush(now).map(drop)
    }
}

impl<H: Hasher> Deliver for Unpacking<'_, H> {
    fn position(&self) -> u64 {
        let unpacker = &*self.unpacker;
        match unpacker.kind {
            Kind::Unknown => unpacker.reader.partial().len() as u64,
            Kind::Plain => {
                let held = unpacker.ready().len() as u64;
                self.delivery.position().saturating_add(held)
            }
            Kind::Packed => unpacker.reader.offset(),
            Kind::Verified => self.delivery.position(),
        }
    }

    fn size(&self) -> Option<u64> {
        self.unpacker.size
    }

    fn begin(&mut self, now: Instant, size: u64) -> Result<(), SinkFailed> {
        let kind = self.unpacker.kind;
        if self.unpacker.size == Some(size) && (!FORMS || kind != Kind::Verified) {
            return Ok(());
        }
        if FORMS
            && let Some(image) = self.delivery.size()
            && kind != Kind::Plain
        {
            return self.change_form(image, size);
        }
        self.unpacker.size = Some(size);
        match size < FIRST as u64 {
            true => self.is_plain(now),
            false => Ok(()),
        }
    }

    #[cfg(feature = "verified-source")]
    fn begin_verified(
        &mut self,
        now: Instant,
        size: u64,
        digest: &Digest,
    ) -> Result<(), SinkFailed> {
        let wrong = UnpackError::Verity(VerityError::WrongHead);
        let unpacker = &mut *self.unpacker;
        if unpacker
            .wanted
            .verity
            .is_some_and(|wanted| wanted != *digest)
        {
            return self.refuse(wrong);
        }
        if self.delivery.size().is_some() {
            let is_plain = unpacker.kind == Kind::Plain;
            let is_same = !is_plain && unpacker.reader.digest() == Some(*digest);
            // Before an octet was used, any file may take the place of the first one.
            if !is_same && !self.withdraw(now) {
                return match is_plain {
                    // It is compared with what was delivered.
                    true => self.begin(now, size),
                    false => self.refuse(wrong),
                };
            }
        }
        self.begin_image(now, size)?;
        let unpacker = &mut *self.unpacker;
        unpacker.reader.restart(Some(*digest));
        unpacker.kind = Kind::Verified;
        unpacker.size = Some(size);
        unpacker.delivered = 0;
        Ok(())
    }

    fn withdraw(&mut self, now: Instant) -> bool {
        let withdrawn = self.delivery.size().is_none() || self.delivery.withdraw(now);
        if withdrawn {
            self.unpacker.reset();
        }
        withdrawn
    }

    fn window(&mut self, now: Instant) -> Result<usize, SinkFailed> {
        if !self.flush(now)? {
            return Ok(0);
        }
        match self.unpacker.kind {
            Kind::Plain | Kind::Verified => self.delivery.window(now),
            Kind::Unknown | Kind::Packed => Ok(self.unpacker.reader.wanted().unwrap_or(0)),
        }
    }

    fn write(&mut self, now: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        match self.unpacker.kind {
            Kind::Unknown => self.take_first(now, data),
            Kind::Plain | Kind::Verified => self.delivery.write(now, data),
            Kind::Packed => self.take_packed(now, data),
        }
    }

    fn end(&mut self, now: Instant) -> Result<(), SinkFailed> {
        let unpacker = &*self.unpacker;
        let whole = match unpacker.kind {
            Kind::Unknown => false,
            Kind::Plain | Kind::Verified => true,
            Kind::Packed => unpacker.reader.is_complete(),
        };
        match whole {
            true => self.delivery.end(now),
            false => self.refuse(UnpackError::Verity(VerityError::NotPacked)),
        }
    }

    fn digest(&self) -> Option<Digest> {
        let unpacker = &*self.unpacker;
        match unpacker.kind {
            Kind::Unknown => hash::sha256(unpacker.reader.partial()),
            Kind::Plain if unpacker.ready().is_empty() => self.delivery.digest(),
            // Octets are held that the delivery has not hashed: they are the first ones.
            Kind::Plain => hash::sha256(unpacker.reader.partial()),
            Kind::Packed | Kind::Verified => None,
        }
    }

    fn source(&self) -> u32 {
        self.delivery.source()
    }

    fn set_source(&mut self, source: u32) {
        self.delivery.set_source(source);
    }

    fn proves_itself(&self) -> bool {
        match self.unpacker.kind {
            Kind::Packed | Kind::Verified => true,
            Kind::Plain => false,
            Kind::Unknown => FORMS && self.delivery.size().is_some(),
        }
    }

    fn flush(&mut self, now: Instant) -> Result<bool, SinkFailed> {
        loop {
            let ready = self.unpacker.ready();
            if ready.is_empty() {
                return Ok(true);
            }
            let window = self.delivery.window(now)?;
            let part = ready.get(..window.min(ready.len())).unwrap_or_default();
            if part.is_empty() {
                return Ok(false);
            }
            self.delivery.write(now, part)?;
            let len = part.len();
            self.unpacker.delivered = self.unpacker.delivered.saturating_add(len);
        }
    }

    fn resumed(&mut self) {
        self.delivery.resumed();
    }
}
