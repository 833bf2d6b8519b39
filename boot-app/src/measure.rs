//! A first pass over a file with a table of contents: the digest of the whole file, and of each image in it.
//!
//! The owner tells the digest of the whole file, and the device takes its images one by one and activates each before the next. So the file is read twice: the
//! first time nothing is delivered, and the digests of the images are computed; once the whole file is right, these are, and each image is compared with its own.

use crate::MAX_IMAGES;
use crate::toc::{Stop, Toc, TocReader};
use heapless::Vec;
use netboot_core::hasher::Sha256;
use netboot_core::{Digest, Instant};
use netboot_ipxe::{Deliver, SinkFailed};

/// Octets that are taken at once.
const WINDOW: usize = 4096;

/// An image in the file.
#[derive(Clone)]
struct Part {
    index: u8,
    start: u64,
    end: u64,
    hash: Sha256,
}

/// Takes a file and keeps its digests.
pub(crate) struct Measure {
    reader: TocReader,
    toc: Option<Toc>,
    parts: Vec<Part, MAX_IMAGES>,
    whole: Sha256,
    position: u64,
    size: Option<u64>,
    source: u32,
}

/// What a file turned out to be.
pub(crate) struct Measured {
    /// SHA-256 of the whole file.
    pub whole: Digest,
    /// Its table of contents. `None` when it has none, or a damaged one.
    pub toc: Option<Toc>,
    /// SHA-256 of the images in it, by recovery image index.
    pub parts: Vec<(u8, Digest), MAX_IMAGES>,
}

impl Measure {
    pub fn new() -> Self {
        Self {
            reader: TocReader::new(),
            toc: None,
            parts: Vec::new(),
            whole: Sha256::new(),
            position: 0,
            size: None,
            source: 0,
        }
    }

    pub fn finish(self) -> Measured {
        let parts = self.parts.into_iter();
        let digests = parts.map(|part| (part.index, part.hash.finish()));
        Measured {
            whole: self.whole.finish(),
            toc: self.toc,
            parts: digests.collect(),
        }
    }

    fn push(&mut self, data: &[u8]) {
        self.whole.update(data);
        if self.toc.is_none() && self.reader.push(data) == Err(Stop::Done) {
            let reader = core::mem::take(&mut self.reader);
            let toc = self.toc.insert(reader.into_toc());
            for index in 0..MAX_IMAGES as u8 {
                let entry = toc.find(u32::from(index));
                // The others are files of their own.
                if let Some(entry) = entry.filter(|entry| entry.filename.is_empty()) {
                    let start = u64::from(entry.offset);
                    // There is room for one of each index.
                    let _ = self.parts.push(Part {
                        index,
                        start,
                        end: start.saturating_add(u64::from(entry.size)),
                        hash: Sha256::new(),
                    });
                }
            }
        }
        let begin = self.position;
        self.position = begin.saturating_add(data.len() as u64);
        for part in &mut self.parts {
            let from = part.start.max(begin).saturating_sub(begin);
            let to = part.end.min(self.position).saturating_sub(begin);
            let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
            let inside = range.and_then(|(from, to)| data.get(from..to));
            part.hash.update(inside.unwrap_or_default());
        }
    }
}

impl Deliver for Measure {
    fn position(&self) -> u64 {
        self.position
    }

    fn size(&self) -> Option<u64> {
        self.size
    }

    fn begin(&mut self, _: Instant, size: u64) -> Result<(), SinkFailed> {
        self.size = Some(size);
        Ok(())
    }

    fn withdraw(&mut self, _: Instant) -> bool {
        *self = Self::new();
        true
    }

    fn window(&mut self, _: Instant) -> Result<usize, SinkFailed> {
        Ok(WINDOW)
    }

    fn write(&mut self, _: Instant, data: &[u8]) -> Result<(), SinkFailed> {
        self.push(data);
        Ok(())
    }

    fn end(&mut self, _: Instant) -> Result<(), SinkFailed> {
        match self.size {
            Some(size) if size == self.position => Ok(()),
            _ => Err(SinkFailed),
        }
    }

    fn digest(&self) -> Option<Digest> {
        Some(self.whole.digest())
    }

    fn source(&self) -> u32 {
        self.source
    }

    fn set_source(&mut self, source: u32) {
        self.source = source;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toc::{FILENAME, RawEntry, RawHeader, checksum};
    use zerocopy::IntoBytes;

    fn sha256(octets: &[u8]) -> Digest {
        netboot_ipxe::sha256(octets).unwrap()
    }

    /// A file with these images behind its table.
    fn bundle(images: &[&[u8]]) -> std::vec::Vec<u8> {
        let start = size_of::<RawHeader>() + images.len() * size_of::<RawEntry>();
        let mut header = RawHeader {
            version: 3.into(),
            image_count: (images.len() as u16).into(),
            payload_offset: (start as u32).into(),
            header_checksum: 0.into(),
        };
        header.header_checksum = checksum(&header.as_bytes()[..8]).into();
        let mut file = header.as_bytes().to_vec();
        let mut offset = start;
        for (identifier, image) in (0_u32..).zip(images) {
            let mut entry = RawEntry {
                identifier: identifier.into(),
                offset: (offset as u32).into(),
                size: (image.len() as u32).into(),
                filename: [0; FILENAME],
                image_checksum: checksum(image).into(),
                info_checksum: 0.into(),
            };
            let octets = entry.as_bytes().len() - 4;
            entry.info_checksum = checksum(&entry.as_bytes()[..octets]).into();
            file.extend(entry.as_bytes());
            offset += image.len();
        }
        file.extend(images.concat());
        file
    }

    #[test]
    fn a_file_and_its_images_are_measured_whatever_its_pieces_are() {
        let images = [vec![1; 700], vec![2; 33], vec![3; 5000]];
        let borrowed: [&[u8]; 3] = [&images[0], &images[1], &images[2]];
        let file = bundle(&borrowed);
        for piece in [1, 7, 128, 1000, file.len()] {
            let mut measure = Measure::new();
            measure.begin(Instant::ZERO, file.len() as u64).unwrap();
            for data in file.chunks(piece) {
                measure.write(Instant::ZERO, data).unwrap();
            }
            measure.end(Instant::ZERO).unwrap();
            let found = measure.finish();
            assert_eq!(found.whole, sha256(&file));
            let right: Vec<(u8, Digest), MAX_IMAGES> = images
                .iter()
                .zip(0..)
                .map(|(image, index)| (index, sha256(image)))
                .collect();
            assert_eq!(found.parts, right);
            assert_eq!(found.toc.unwrap().image_count, 3);
        }
    }

    #[test]
    fn a_part_that_is_not_wholly_there_has_another_digest() {
        let image = vec![9; 100];
        let file = bundle(&[&image]);
        let mut measure = Measure::new();
        measure.push(&file[..file.len() - 1]);
        assert_ne!(measure.finish().parts[0].1, sha256(&image));
        let mut measure = Measure::new();
        measure.begin(Instant::ZERO, 10).unwrap();
        measure.push(b"no table");
        assert!(measure.end(Instant::ZERO).is_err());
        let found = measure.finish();
        assert!(found.toc.is_none() && found.parts.is_empty());
        assert_eq!(found.whole, sha256(b"no table"));
    }
}
