//! The version in the head of a Caliptra firmware bundle, read while the bundle passes.
//!
//! A bundle begins with an image manifest (caliptra-sw, `image/types`): the marker "CMAN" and the size of the manifest, 32 bits
//! each. The manifest ends with two entries of 104 octets, the one of the FMC and the one of the runtime firmware. An entry has
//! identifier, type, the 20 octets of the commit, and the version, whose highest octet is the major number, the next one the minor
//! number, and the lower 16 bits the patch. The sizes of keys and signatures in between differ from generation to generation, so
//! the entry is looked for at the end. All numbers are little endian.

/// "CMAN" as a number.
const MARKER: u32 = 0x4E41_4D43;
/// Octets of an entry of the table of contents.
const ENTRY: u32 = 104;
/// Identifier of the runtime firmware's entry, and the type of an executable.
const RUNTIME: (u32, u32) = (2, 1);
/// Octets of a manifest: it has at least its own head and both entries, and is smaller than the firmware behind it.
const SIZES: core::ops::RangeInclusive<u32> = 12 + 2 * ENTRY..=128 * 1024;

/// The version of the runtime firmware in a Caliptra firmware bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleVersion {
    /// Major number.
    pub major: u8,
    /// Minor number.
    pub minor: u8,
    /// Patch number.
    pub patch: u16,
    /// The commit that the firmware was built from; zeros when the builder did not say.
    pub commit: [u8; 20],
}

/// Reads a manifest that comes in pieces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manifest {
    position: u32,
    /// Marker and size.
    head: [u8; 8],
    /// Identifier, type, commit and version of the runtime firmware's entry.
    entry: [u8; 32],
}

impl Manifest {
    pub(crate) const fn new() -> Self {
        Self {
            position: 0,
            head: [0; 8],
            entry: [0; 32],
        }
    }

    /// Takes the next octets of the bundle.
    pub(crate) fn update(&mut self, octets: &[u8]) {
        copy(&mut self.head, 0, self.position, octets);
        if let Some(at) = self.entry_at() {
            copy(&mut self.entry, at, self.position, octets);
        }
        let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        self.position = self.position.saturating_add(len);
    }

    /// Place of the runtime firmware's entry. `None` for octets that are no bundle.
    fn entry_at(&self) -> Option<u32> {
        let [a, b, c, d, size @ ..] = self.head;
        let size = u32::from_le_bytes(size);
        (u32::from_le_bytes([a, b, c, d]) == MARKER && SIZES.contains(&size)).then(|| size - ENTRY)
    }

    /// The version, if what came is a bundle whose whole entry came.
    pub(crate) fn version(&self) -> Option<BundleVersion> {
        let end = self.entry_at()?.checked_add(ENTRY)?;
        let (words, _) = self.entry.as_chunks::<4>();
        let [identifier, kind, .., version] = words else {
            return None;
        };
        let pair = (u32::from_le_bytes(*identifier), u32::from_le_bytes(*kind));
        if self.position < end || pair != RUNTIME {
            return None;
        }
        let mut commit = [0; 20];
        copy(&mut commit, 8, 0, &self.entry);
        let [low, high, minor, major] = *version;
        Some(BundleVersion {
            major,
            minor,
            patch: u16::from_le_bytes([low, high]),
            commit,
        })
    }
}

/// Fills `to`, which lies at `at` of the bundle, with those of `octets`, which lie at `position`, that belong there.
fn copy(to: &mut [u8], at: u32, position: u32, octets: &[u8]) {
    for (place, to) in (at..).zip(to) {
        let index = place
            .checked_sub(position)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(octet) = index.and_then(|index| octets.get(index)) {
            *to = *octet;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A bundle whose manifest has `size` octets, with firmware behind it.
    fn bundle(size: u32, version: u32) -> Vec<u8> {
        let mut octets = vec![0xA5; size as usize + 500];
        let mut put = |at: u32, from: &[u8]| {
            octets[at as usize..][..from.len()].copy_from_slice(from);
        };
        put(0, b"CMAN");
        put(4, &size.to_le_bytes());
        let at = size - ENTRY;
        put(at, &2u32.to_le_bytes());
        put(at + 4, &1u32.to_le_bytes());
        put(at + 8, &[0xC0; 20]);
        put(at + 28, &version.to_le_bytes());
        octets
    }

    fn read(octets: &[u8], piece: usize) -> Option<BundleVersion> {
        let mut manifest = Manifest::new();
        octets
            .chunks(piece)
            .for_each(|piece| manifest.update(piece));
        manifest.version()
    }

    #[test]
    fn the_version_is_read_however_the_pieces_are_cut() {
        let wanted = BundleVersion {
            major: 2,
            minor: 1,
            patch: 0x0203,
            commit: [0xC0; 20],
        };
        // The smallest one, and the ones of two generations.
        for size in [220, 6_840, 16_952] {
            let octets = bundle(size, 0x0201_0203);
            for piece in [4, 12, 256, 1_000, 100_000] {
                assert_eq!(read(&octets, piece), Some(wanted), "{size} {piece}");
            }
        }
    }

    #[test]
    fn what_is_no_bundle_has_no_version() {
        let good = bundle(1_000, 1);
        assert_eq!(read(&good[..999], 4), None, "the manifest is not whole");
        for (at, what) in [
            (0, "marker"),
            (7, "size"),
            (896, "identifier"),
            (900, "type"),
        ] {
            let mut other = good.clone();
            other[at] ^= 1;
            assert_eq!(read(&other, 64), None, "{what}");
        }
        assert_eq!(read(b"CMAN", 4), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_survived(
            marker in any::<bool>(),
            size in prop_oneof![any::<u32>(), 0u32..300],
            octets in prop::collection::vec(any::<u8>(), 0..400),
            piece in 1usize..50,
        ) {
            let mut all = if marker { b"CMAN".to_vec() } else { vec![] };
            all.extend(size.to_le_bytes());
            all.extend(octets);
            read(&all, piece);
        }
    }
}
