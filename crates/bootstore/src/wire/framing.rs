//! Frames: four octets of length in network order, then the content.
//!
//! The length is checked before anything is read or reserved for the content, so a peer cannot make a node
//! reserve more than [`FRAME_MAX`] octets.

use super::error::WireError;

/// Octets of a frame's length field.
pub const LENGTH_LEN: usize = 4;
/// Greatest number of octets of a frame's content.
///
/// The largest message is `Init` for a rack of two with long names, which takes less than 30,000 octets.
pub const FRAME_MAX: usize = 32 * 1024;
/// Greatest number of octets of a frame's content before the peer has identified itself.
pub const HANDSHAKE_FRAME_MAX: usize = 512;

/// Number of octets of the content that follows a length field.
///
/// # Errors
/// [`WireError::FrameLength`] when it is zero or above `limit`.
pub fn content_length(field: [u8; LENGTH_LEN], limit: usize) -> Result<usize, WireError> {
    let length = u32::from_be_bytes(field);
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    if length == 0 || length > limit {
        return Err(WireError::FrameLength { length, limit });
    }
    Ok(length as usize)
}

/// Writes a frame: `content` writes into the buffer and returns the number of octets.
///
/// Returns the length of the whole frame.
///
/// # Errors
/// [`WireError::Buffer`], [`WireError::FrameLength`] for an empty frame, and those of `content`.
pub fn write_frame(
    buffer: &mut [u8],
    content: impl FnOnce(&mut [u8]) -> Result<usize, WireError>,
) -> Result<usize, WireError> {
    let (head, body) = buffer
        .split_first_chunk_mut::<LENGTH_LEN>()
        .ok_or(WireError::Buffer)?;
    let length = content(body)?;
    let field = u32::try_from(length)
        .map_err(|_| WireError::Buffer)?
        .to_be_bytes();
    content_length(field, FRAME_MAX)?;
    *head = field;
    Ok(length.saturating_add(LENGTH_LEN))
}

/// Cuts a stream of octets into frames, in a buffer that the caller lends.
///
/// It is for a node that reads from a transport without waiting. Feed octets with [`push`](Self::push), then
/// take whole frames with [`next_frame`](Self::next_frame) until there is none.
#[derive(Debug)]
pub struct Deframer<'b> {
    buffer: &'b mut [u8],
    /// Octets in the buffer.
    filled: usize,
    /// Octets at the front that belong to the frame that was taken last.
    taken: usize,
}

impl<'b> Deframer<'b> {
    /// A deframer over `buffer`, which bounds the frames that it takes.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            filled: 0,
            taken: 0,
        }
    }

    /// Takes as many octets as there is room for, and returns their number.
    ///
    /// It takes none only when a whole frame waits to be taken, or `octets` is empty.
    pub fn push(&mut self, octets: &[u8]) -> usize {
        self.discard_taken();
        let room = self.buffer.get_mut(self.filled..).unwrap_or(&mut []);
        let count = room.len().min(octets.len());
        if let (Some(room), Some(octets)) = (room.get_mut(..count), octets.get(..count)) {
            room.copy_from_slice(octets);
            self.filled = self.filled.saturating_add(count);
        }
        count
    }

    /// The content of the next frame, or `None` until more octets come. `limit` bounds the content.
    ///
    /// # Errors
    /// [`WireError::FrameLength`] when the frame is empty, above `limit`, or can never fit into the buffer.
    pub fn next_frame(&mut self, limit: usize) -> Result<Option<&[u8]>, WireError> {
        self.discard_taken();
        let filled = self.buffer.get(..self.filled).unwrap_or(&[]);
        let Some(field) = filled.first_chunk::<LENGTH_LEN>() else {
            return Ok(None);
        };
        let room = self.buffer.len().saturating_sub(LENGTH_LEN);
        let end = content_length(*field, limit.min(room))?.saturating_add(LENGTH_LEN);
        if end > self.filled {
            return Ok(None);
        }
        self.taken = end;
        Ok(self.buffer.get(LENGTH_LEN..end))
    }

    fn discard_taken(&mut self) {
        if self.taken > 0 {
            self.buffer.copy_within(self.taken..self.filled, 0);
            self.filled = self.filled.saturating_sub(self.taken);
            self.taken = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn frames_come_out_whole_whatever_the_pieces() {
        let mut stream = Vec::new();
        let contents: [&[u8]; 3] = [b"a", b"0123456789", b"xyz"];
        for content in contents {
            stream.extend((content.len() as u32).to_be_bytes());
            stream.extend(content);
        }
        for piece in 1..=stream.len() {
            let mut buffer = [0; 16];
            let mut deframer = Deframer::new(&mut buffer);
            let mut seen = Vec::new();
            for mut octets in stream.chunks(piece) {
                loop {
                    let taken = deframer.push(octets);
                    octets = &octets[taken..];
                    match deframer.next_frame(12).unwrap() {
                        Some(frame) => seen.push(frame.to_vec()),
                        None if octets.is_empty() => break,
                        None => assert!(taken > 0, "no progress"),
                    }
                }
            }
            assert_eq!(seen, contents);
        }
    }

    #[test]
    fn lengths_are_refused_before_the_content_comes() {
        for (length, limit) in [(0, 12), (13, 12), (u32::MAX, FRAME_MAX), (15, 100)] {
            let mut buffer = [0; 16];
            let mut deframer = Deframer::new(&mut buffer);
            deframer.push(&length.to_be_bytes());
            assert!(matches!(
                deframer.next_frame(limit),
                Err(WireError::FrameLength { .. })
            ));
        }
    }
}
