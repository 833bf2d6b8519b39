//! Packed images: the flash layout, header version 3, little endian.

use anyhow::{Result, ensure};

const HEADER: usize = 12;
const ENTRY: usize = 84;

fn number(octets: &[u8], at: usize) -> Option<u32> {
    octets
        .get(at..at.checked_add(4)?)?
        .try_into()
        .ok()
        .map(u32::from_le_bytes)
}

/// Octets summed up; a checksum is 0 minus this.
fn sum(octets: &[u8]) -> u32 {
    octets
        .iter()
        .fold(0, |sum: u32, octet| sum.wrapping_add(u32::from(*octet)))
}

/// Whether a file begins as the flash layout does: version 3, one to 127 images, and the header's checksum.
pub fn is_packed(octets: &[u8]) -> bool {
    let Some(header) = octets.get(..HEADER) else {
        return false;
    };
    let (version, count) = header.split_at(4).0.split_at(2);
    let count = u16::from_le_bytes([count[0], count[1]]);
    let stored = number(header, 8).unwrap_or(0);
    version == [3, 0] && (1..128).contains(&count) && stored == 0u32.wrapping_sub(sum(&header[..8]))
}

/// The images for the device's requests 0, 1, 2 ..., by their identifiers.
pub fn unpack(octets: &[u8]) -> Result<Vec<Vec<u8>>> {
    ensure!(is_packed(octets), "the file is not a packed one");
    let count = usize::from(u16::from_le_bytes([octets[2], octets[3]]));
    let mut images: Vec<(u32, Vec<u8>)> = vec![];
    for index in 0..count {
        let at = HEADER + index * ENTRY;
        let entry = octets.get(at..at + ENTRY);
        let entry =
            entry.ok_or_else(|| anyhow::anyhow!("the packed file ends inside its table"))?;
        let field = |at| number(entry, at).unwrap_or(0);
        let (id, offset, size) = (field(0), field(4), field(8));
        let (image_sum, info_sum) = (field(76), field(80));
        let right = 0u32.wrapping_sub(sum(&entry[..80]));
        ensure!(
            info_sum == right,
            "entry {index} of the packed file is damaged: its checksum is wrong"
        );
        let range = (offset as usize)..(offset as usize).saturating_add(size as usize);
        let image = octets.get(range);
        let image = image.ok_or_else(|| {
            anyhow::anyhow!("image {id} reaches beyond the end of the packed file")
        })?;
        ensure!(
            image_sum == 0u32.wrapping_sub(sum(image)),
            "image {id} of the packed file is damaged: its checksum is wrong"
        );
        images.push((id, image.to_vec()));
    }
    images.sort_by_key(|(id, _)| *id);
    // The recovery asks for 0, 1 and 2; images of the SoC have other numbers, which only the firmware asks for.
    let wanted = images
        .into_iter()
        .enumerate()
        .take_while(|(index, (id, _))| *id as usize == *index);
    let images: Vec<_> = wanted.map(|(_, (_, image))| image).collect();
    ensure!(!images.is_empty(), "the packed file has no image 0");
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(images: &[(u32, &[u8])]) -> Vec<u8> {
        let start = HEADER + images.len() * ENTRY;
        let mut header = vec![3, 0, images.len() as u8, 0];
        header.extend((start as u32).to_le_bytes());
        let check = 0u32.wrapping_sub(sum(&header));
        header.extend(check.to_le_bytes());
        let mut offset = start;
        for (id, image) in images {
            let mut entry = vec![];
            entry.extend(id.to_le_bytes());
            entry.extend((offset as u32).to_le_bytes());
            entry.extend((image.len() as u32).to_le_bytes());
            entry.extend([0; 64]);
            entry.extend(0u32.wrapping_sub(sum(image)).to_le_bytes());
            let check = 0u32.wrapping_sub(sum(&entry));
            entry.extend(check.to_le_bytes());
            header.extend(entry);
            offset += image.len();
        }
        images.iter().for_each(|(_, image)| header.extend(*image));
        header
    }

    #[test]
    fn images_come_by_their_numbers() {
        let file = packed(&[
            (2, b"mcu"),
            (0, b"caliptra"),
            (1, b"manifest"),
            (0x1000_0000, b"soc"),
        ]);
        assert_eq!(
            unpack(&file).unwrap(),
            [&b"caliptra"[..], b"manifest", b"mcu"]
        );
        assert!(!is_packed(b"an image"));
    }

    #[test]
    fn damage_is_found_and_no_octet_makes_it_panic() {
        let file = packed(&[(0, b"caliptra"), (1, b"manifest")]);
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x80;
            assert!(unpack(&damaged).is_err(), "octet {at}");
            let _ = unpack(&file[..at]);
        }
        assert!(unpack(&packed(&[(1, b"x")])).is_err());
    }
}
