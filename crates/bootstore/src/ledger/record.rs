//! The form of one record.

use crate::wire::WireError;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// Octets before the value.
pub const RECORD_HEAD: usize = 16;
/// Octets of a record beside its value.
pub const OVERHEAD: usize = RECORD_HEAD + CRC_LEN;
const CRC_LEN: usize = 4;

const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// It was never written.
    Blank,
    /// A write did not come to its end, or the medium lost octets.
    Torn,
    /// A whole record.
    Record(Found),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) generation: u64,
    pub(super) crc: u32,
}

fn split(octets: &[u8], magic: [u8; 4]) -> Option<(u64, &[u8], u32)> {
    let (head, rest) = octets.split_first_chunk::<4>()?;
    let (generation, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let value = rest.get(..length)?;
    let (crc, _) = rest.get(length..)?.split_first_chunk::<CRC_LEN>()?;
    let covered = octets.get(..RECORD_HEAD.checked_add(length)?)?;
    let crc = u32::from_be_bytes(*crc);
    let whole = *head == magic && CRC.checksum(covered) == crc;
    whole.then_some((u64::from_be_bytes(*generation), value, crc))
}

pub(super) fn examine(octets: &[u8], magic: [u8; 4]) -> Content {
    let blank = |erased| octets.iter().all(|octet| *octet == erased);
    match split(octets, magic) {
        Some((generation, _, crc)) => Content::Record(Found { generation, crc }),
        None if blank(0xff) || blank(0) => Content::Blank,
        None => Content::Torn,
    }
}

pub(super) fn value(octets: &[u8], magic: [u8; 4], found: Found) -> Option<&[u8]> {
    let (generation, value, crc) = split(octets, magic)?;
    (Found { generation, crc } == found).then_some(value)
}

pub(super) fn write(
    buffer: &mut [u8],
    magic: [u8; 4],
    generation: u64,
    value: impl FnOnce(&mut [u8]) -> Result<usize, WireError>,
) -> Result<usize, WireError> {
    let (head, body) = buffer
        .split_first_chunk_mut::<RECORD_HEAD>()
        .ok_or(WireError::Buffer)?;
    let length = value(body)?;
    let field = u32::try_from(length).map_err(|_| WireError::Buffer)?;
    let [a, b, c, d] = magic;
    let [e, f, g, h, i, j, k, l] = generation.to_be_bytes();
    let [m, n, o, p] = field.to_be_bytes();
    *head = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
    let end = RECORD_HEAD.saturating_add(length);
    let (covered, rest) = buffer.split_at_mut_checked(end).ok_or(WireError::Buffer)?;
    let crc = CRC.checksum(covered);
    let (to, _) = rest
        .split_first_chunk_mut::<CRC_LEN>()
        .ok_or(WireError::Buffer)?;
    *to = crc.to_be_bytes();
    Ok(end.saturating_add(CRC_LEN))
}
