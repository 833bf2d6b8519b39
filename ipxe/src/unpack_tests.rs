//! Packed files on their way into a delivery: whatever a source sends, only verified octets are delivered, in order.

use crate::unpack::{UnpackError, Unpacker, Unpacking, Wanted};
use crate::{Deliver, Delivery, SinkFailed, sha256};
use netboot_core::{AbortReason, Digest, ImageSink, Instant};
use netboot_verity::{Software, Tree, VerityError};
use proptest::prelude::*;

pub const NOW: Instant = Instant::ZERO;

/// A device that takes a few octets at a time, and keeps them.
#[derive(Default)]
pub struct Device {
    pub size: Option<u64>,
    pub octets: Vec<u8>,
    /// Octets that it takes at a time, one after the other; then 256 again and again.
    pub windows: Vec<usize>,
    pub refuses: bool,
}

impl ImageSink for Device {
    type Error = netboot_core::uri::UriError;

    fn begin(&mut self, _: Instant, size: u64) -> Result<(), Self::Error> {
        if self.refuses {
            return Err(netboot_core::uri::UriError::TooLong);
        }
        assert!(self.octets.is_empty());
        self.size = Some(size);
        Ok(())
    }

    fn window(&mut self, _: Instant) -> Result<usize, Self::Error> {
        assert!(self.size.is_some());
        Ok(self.windows.pop().unwrap_or(256))
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), Self::Error> {
        self.octets.extend_from_slice(data);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), Self::Error> {
        assert_eq!(self.size, Some(self.octets.len() as u64));
        Ok(())
    }

    fn poll_ready(&mut self, _: Instant) -> Result<bool, Self::Error> {
        Ok(true)
    }

    fn activate(&mut self, _: Instant) -> Result<(), Self::Error> {
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        let unused = self.octets.is_empty();
        if unused {
            self.size = None;
        }
        unused
    }

    fn abort(&mut self, _: Instant, _: AbortReason) {}
}

/// A file, its packed form and its verity digest.
pub fn packed(size: usize) -> (Vec<u8>, Vec<u8>, Digest) {
    let data: Vec<u8> = (0..size).map(|at| (at * 7 + at / 256) as u8).collect();
    let tree = Tree::of(&data);
    let packed = tree.pack(&data).unwrap();
    (data, packed, tree.digest())
}

/// A delivery and its unpacker.
pub struct Board {
    pub delivery: Delivery<Device>,
    pub unpacker: Unpacker<Software>,
}

impl Board {
    pub fn new(wanted: Wanted) -> Self {
        let mut unpacker = Unpacker::new(Software::new());
        unpacker.want(wanted);
        Self {
            delivery: Delivery::new(Device::default()),
            unpacker,
        }
    }

    pub fn unpacking(&mut self) -> Unpacking<'_, Software> {
        Unpacking {
            delivery: &mut self.delivery,
            unpacker: &mut self.unpacker,
        }
    }

    /// Takes the octets of a source from where it stands, in pieces of `step`, as long as they are right. `true` at the end of the file.
    fn take(&mut self, file: &[u8], step: usize) -> Result<bool, SinkFailed> {
        let mut to = self.unpacking();
        if to.size().is_some_and(|size| size != file.len() as u64) {
            to.withdraw(NOW);
        }
        to.begin(NOW, file.len() as u64)?;
        let mut at = to.position() as usize;
        for _ in 0..1_000_000 {
            if at == file.len() {
                break;
            }
            let window = to.window(NOW)?;
            let len = window.min(step).min(file.len() - at);
            if len == 0 {
                continue;
            }
            to.write(NOW, &file[at..at + len])?;
            at += len;
            if (to.position() as usize) < at {
                return Ok(false);
            }
        }
        while !to.flush(NOW)? {}
        to.end(NOW)?;
        Ok(true)
    }

    pub fn octets(&mut self) -> &[u8] {
        &self.delivery.sink().octets
    }
}

fn known(verity: Digest) -> Wanted {
    Wanted {
        verity: Some(verity),
        ..Wanted::default()
    }
}

#[test]
fn a_packed_file_arrives_whatever_pieces_it_comes_in() {
    for size in [0, 1, 1023, 1024, 1025, 40_000, 1 << 20] {
        let (data, file, digest) = packed(size);
        for step in [1, 7, 1460, 4096] {
            if size > 100_000 && step < 1000 {
                continue;
            }
            for windows in [vec![], vec![0, 1, 3, 0, 1000]] {
                let mut board = Board::new(known(digest));
                board.delivery.sink().windows = windows;
                assert_eq!(board.take(&file, step), Ok(true), "{size} {step}");
                assert_eq!(board.octets(), data);
                assert_eq!(board.unpacker.digest(), Some(digest));
                assert_eq!(board.delivery.digest(), sha256(&data));
            }
        }
    }
}

#[test]
fn other_files_go_through_where_they_may() {
    for size in [1, 7, 8, 9, 5000] {
        let (data, ..) = packed(size);
        let mut board = Board::new(Wanted {
            plain: true,
            ..Wanted::default()
        });
        assert_eq!(board.take(&data, 3), Ok(true));
        assert_eq!(board.octets(), data);
        assert_eq!(
            (board.unpacker.digest(), board.unpacker.file_digest()),
            (None, None)
        );
        // Where the digest is known, and it is that of a packed file.
        let mut board = Board::new(known(Digest([1; 32])));
        assert_eq!(board.take(&data, 3), Err(SinkFailed));
        let error = board.unpacker.take_error();
        assert_eq!(error, Some(UnpackError::Verity(VerityError::NotPacked)));
        assert!(board.octets().is_empty() && !board.delivery.has_begun());
    }
}

#[test]
fn a_refused_head_leaves_nothing_and_another_source_begins_anew() {
    let (data, file, digest) = packed(5_000);
    let (_, other, other_digest) = packed(9_000);
    let mut longer = file.clone();
    longer.push(0);
    let mut version = file.clone();
    version[8] = 2;
    for (bad, error) in [
        (&other, VerityError::WrongHead),
        (&longer, VerityError::WrongHead),
        (&version, VerityError::Unsupported),
    ] {
        let mut board = Board::new(known(digest));
        assert_eq!(board.take(bad, 100), Err(SinkFailed));
        assert_eq!(
            board.unpacker.take_error(),
            Some(UnpackError::Verity(error))
        );
        assert!(!board.delivery.has_begun());
        assert_eq!(board.take(&file, 100), Ok(true));
        assert_eq!(board.octets(), data);
    }
    // Another size than the image has to have.
    let mut board = Board::new(Wanted {
        size: Some(5_001),
        ..known(digest)
    });
    assert_eq!(board.take(&file, 100), Err(SinkFailed));
    let found = 5_000;
    assert_eq!(
        board.unpacker.take_error(),
        Some(UnpackError::Size { found })
    );
    // A device that is not ready.
    let mut board = Board::new(known(digest));
    board.delivery.sink().refuses = true;
    assert_eq!(board.take(&file, 100), Err(SinkFailed));
    assert_eq!(board.unpacker.take_error(), None);
    board.delivery.sink().refuses = false;
    assert_eq!(board.take(&file, 100), Ok(true));
    // Nobody knows the digest: any packed file does.
    let mut board = Board::new(Wanted::default());
    assert_eq!(board.take(&other, 100), Ok(true));
    assert_eq!(board.unpacker.digest(), Some(other_digest));
}

#[test]
fn the_packed_file_is_hashed_where_that_is_asked_for() {
    let (data, file, _) = packed(5_000);
    let mut board = Board::new(Wanted {
        hashed: true,
        plain: true,
        ..Wanted::default()
    });
    let mut damaged = file.clone();
    damaged[3_000] ^= 1;
    assert_eq!(board.take(&damaged, 500), Ok(false));
    assert_eq!(board.take(&file, 500), Ok(true));
    assert_eq!(board.octets(), data);
    assert_eq!(board.unpacker.file_digest(), sha256(&file));
}

#[test]
fn a_file_that_is_cut_off_does_not_end() {
    let (data, file, digest) = packed(5_000);
    let mut board = Board::new(known(digest));
    let mut to = board.unpacking();
    to.begin(NOW, file.len() as u64).unwrap();
    assert_eq!(to.end(NOW), Err(SinkFailed));
    assert_eq!(board.take(&file, 500), Ok(true));
    assert_eq!(board.octets(), data);
}

proptest! {
    /// Sources that damage, repeat and leave out octets, one after the other, and a good one at last.
    #[test]
    fn no_wrong_octet_is_ever_delivered(
        size in 1usize..40_000,
        sources in prop::collection::vec((any::<u64>(), 1u8..=255, 1usize..3000, any::<bool>()), 0..6),
        windows in prop::collection::vec(0usize..600, 0..40),
        step in 1usize..3000,
        is_known in any::<bool>(),
    ) {
        let (data, file, digest) = packed(size);
        let mut board = Board::new(Wanted {
            verity: is_known.then_some(digest),
            plain: !is_known,
            ..Wanted::default()
        });
        board.delivery.sink().windows = windows;
        for (at, change, step, ends) in sources {
            let mut bad = file.clone();
            // The head is believed where nobody knows the digest.
            let from = if is_known { 0 } else { 1024 };
            let at = from + at as usize % (bad.len() - from).max(1);
            match ends {
                true => bad.truncate(at),
                false => bad[at.min(file.len() - 1)] ^= change,
            }
            let ended = board.take_some(&bad, file.len(), step);
            if ended == Ok(true) {
                // What was wrong lay where octets had been delivered before.
                prop_assert_eq!(board.octets(), &data[..]);
                return Ok(());
            }
            let got = board.octets();
            prop_assert!(data.starts_with(got), "{} octets", got.len());
        }
        prop_assert_eq!(board.take(&file, step), Ok(true));
        prop_assert_eq!(board.octets(), &data[..]);
    }
}

impl Board {
    /// Takes what there is of a file of `len` octets, which may end early.
    fn take_some(&mut self, file: &[u8], len: usize, step: usize) -> Result<bool, SinkFailed> {
        if file.len() == len {
            return self.take(file, step);
        }
        let mut to = self.unpacking();
        to.begin(NOW, len as u64)?;
        let mut at = to.position() as usize;
        while at < file.len() {
            let window = to.window(NOW)?;
            let len = window.min(step).min(file.len() - at);
            if len > 0 {
                to.write(NOW, &file[at..at + len])?;
                at += len;
            }
            if (to.position() as usize) < at {
                break;
            }
        }
        Ok(false)
    }
}
