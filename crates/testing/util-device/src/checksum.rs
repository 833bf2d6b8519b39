//! The checksum of requests and answers.

/// 0 minus the octets of the command and of the data.
pub(crate) fn checksum(command: u32, data: &[u8]) -> u32 {
    command
        .to_le_bytes()
        .iter()
        .chain(data)
        .fold(0, |sum: u32, octet| sum.wrapping_sub(u32::from(*octet)))
}

/// Writes an answer's checksum.
pub(crate) fn seal(answer: &mut [u8]) {
    if let Some((head, rest)) = answer.split_first_chunk_mut::<4>() {
        *head = checksum(0, rest).to_le_bytes();
    }
}
