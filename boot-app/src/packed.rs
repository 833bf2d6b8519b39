//! Packed files, whose blocks are verified before they go into the device; in a build without the feature `verity`, files as they are.

#[cfg(feature = "verity")]
pub(crate) use with::Packed;
#[cfg(not(feature = "verity"))]
pub(crate) use without::Packed;

#[cfg(feature = "verity")]
mod with {
    use crate::check::Expected;
    use crate::error::AppError;
    use netboot_core::{Digest, ImageSink};
    use netboot_ipxe::{
        Deliver, Delivery, ExecError, Hasher, IpxeInterface, LoadedImage, StreamHash, UnpackError,
        Unpacker, Unpacking, Wanted,
    };
    use netboot_verity::VerityError;

    /// What is known of the image's file.
    #[derive(Default)]
    pub(crate) struct Packed<'c> {
        /// The board's memory for packed files. Without it files are delivered as they are.
        unpacker: Option<&'c mut Unpacker<&'c mut dyn Hasher>>,
    }

    impl<'c> Packed<'c> {
        pub fn with(unpacker: &'c mut Unpacker<&'c mut dyn Hasher>) -> Self {
            Self {
                unpacker: Some(unpacker),
            }
        }

        /// Forgets the file.
        pub fn reset(&mut self) {
            if let Some(unpacker) = &mut self.unpacker {
                unpacker.reset();
            }
        }

        /// Whether the size of a file says nothing of the image, as it may be packed.
        pub fn may_be(&self) -> bool {
            self.unpacker.is_some()
        }

        /// Says what the next source has to bring.
        ///
        /// # Errors
        /// A packed file is expected, and there is no memory for it.
        pub fn want<S: ImageSink, H: StreamHash, N>(
            &mut self,
            expected: &Expected,
            delivery: &mut Delivery<S, H>,
        ) -> Result<(), AppError<N>> {
            let known = expected.sha256.is_some();
            let Some(unpacker) = &mut self.unpacker else {
                return match expected.verity.is_some() && !known {
                    true => Err(AppError::Verity(VerityError::Unsupported)),
                    false => Ok(()),
                };
            };
            unpacker.want(Wanted {
                verity: expected.verity,
                size: expected.size,
                plain: expected.verity.is_none() || known,
                // A SHA-256 may be that of the packed file.
                hashed: known,
            });
            // Nothing is hashed twice, unless both digests are known.
            delivery.set_hashed(expected.verity.is_none() || known);
            Ok(())
        }

        /// Delivers the image of a file.
        ///
        /// # Errors
        /// As for [`IpxeInterface::imgexec`]. [`error`](Self::error) may say more.
        pub fn execute<N: IpxeInterface>(
            &mut self,
            net: &mut N,
            image: LoadedImage<'_>,
            delivery: &mut dyn Deliver,
        ) -> Result<(), ExecError<N::Error>> {
            match &mut self.unpacker {
                Some(unpacker) => net.imgexec(image, &mut Unpacking { delivery, unpacker }),
                None => net.imgexec(image, delivery),
            }
        }

        /// Why the file was refused, if the delivery has not failed itself.
        pub fn error<N>(&mut self, expected: &Expected) -> Option<AppError<N>> {
            let error = self.unpacker.as_mut()?.take_error()?;
            Some(match error {
                UnpackError::Verity(error) => AppError::Verity(error),
                UnpackError::Size { found } => AppError::SizeMismatch {
                    expected: expected.size.unwrap_or(0),
                    found,
                },
            })
        }

        /// The verity digest of what was delivered.
        pub fn digest(&self) -> Option<Digest> {
            self.unpacker.as_ref()?.digest()
        }

        /// The digest that is compared with the expected one: `sha256` is the image's, and that of the packed file does as well.
        pub fn compared(&self, expected: &Expected, sha256: Option<Digest>) -> Option<Digest> {
            let file = self.unpacker.as_ref().and_then(|one| one.file_digest());
            match file.is_some() && file == expected.sha256 {
                true => file,
                false => sha256,
            }
        }

        /// The file that was delivered is another one than is expected: an earlier source wanted it.
        pub fn other<N>(&self, expected: &Expected) -> Option<AppError<N>> {
            let found = self.digest()?;
            let other = expected.verity.is_some_and(|wanted| wanted != found);
            other.then_some(AppError::DigestMismatch { found })
        }
    }
}

#[cfg(not(feature = "verity"))]
mod without {
    use crate::check::Expected;
    use crate::error::AppError;
    use core::marker::PhantomData;
    use netboot_core::{Digest, ImageSink};
    use netboot_ipxe::{Deliver, Delivery, ExecError, IpxeInterface, LoadedImage, StreamHash};

    /// Nothing.
    #[derive(Default)]
    pub(crate) struct Packed<'c>(PhantomData<&'c ()>);

    impl Packed<'_> {
        pub fn reset(&mut self) {}

        pub fn may_be(&self) -> bool {
            false
        }

        #[inline(always)]
        pub fn want<S: ImageSink, H: StreamHash, N>(
            &mut self,
            _: &Expected,
            _: &mut Delivery<S, H>,
        ) -> Result<(), AppError<N>> {
            Ok(())
        }

        #[inline(always)]
        pub fn execute<N: IpxeInterface>(
            &mut self,
            net: &mut N,
            image: LoadedImage<'_>,
            delivery: &mut dyn Deliver,
        ) -> Result<(), ExecError<N::Error>> {
            net.imgexec(image, delivery)
        }

        pub fn error<N>(&mut self, _: &Expected) -> Option<AppError<N>> {
            None
        }

        pub fn compared(&self, _: &Expected, sha256: Option<Digest>) -> Option<Digest> {
            sha256
        }

        pub fn other<N>(&self, _: &Expected) -> Option<AppError<N>> {
            None
        }
    }
}
