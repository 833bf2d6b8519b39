//! Decodes the chunked transfer coding, RFC 9112 section 7.1.
//!
//! The decoder goes octet by octet, so that input may be cut anywhere, and stores nothing. It skips extensions and trailer fields
//! within limits. Lines end with CR LF and nothing else.

use crate::error::Fault;
use crate::syntax::is_text;

/// Greatest number of octets in a chunk size line beside the size itself.
const MAX_LINE: u16 = 256;

/// Greatest number of octets in the trailer section.
const MAX_TRAILER: u16 = 2048;

/// Greatest number of hexadecimal digits in a chunk size, leading zeros included.
const MAX_DIGITS: u8 = 16;

/// Tells what comes next in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// More input has to come before that is known.
    NeedInput,
    /// This many octets of the chunk come next.
    Data(u64),
    /// Nothing comes next, because the body is complete.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The decoder is before or within the size.
    Size,
    /// The decoder is in white space after the size.
    Pad,
    Extension,
    /// The decoder has seen the CR of a size line.
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The decoder is at the start of a trailer line, or of the blank line that ends the body.
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

/// The state of a chunked body.
#[derive(Clone, Debug)]
pub(crate) struct Chunked {
    state: State,
    /// The size as far as it was read; after that, the octets left of the chunk.
    left: u64,
    digits: u8,
    /// Number of octets that the line or section may still have.
    budget: u16,
}

impl Chunked {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Size,
            left: 0,
            digits: 0,
            budget: MAX_LINE,
        }
    }

    /// Takes framing from the start of `input`, and returns how many octets it took.
    pub(crate) fn advance(&mut self, input: &[u8]) -> Result<(usize, Next), Fault> {
        for (at, octet) in input.iter().enumerate() {
            match self.state {
                State::Data => return Ok((at, Next::Data(self.left))),
                State::End => return Ok((at, Next::End)),
                _ => self.octet(*octet)?,
            }
        }
        let next = match self.state {
            State::End => Next::End,
            _ => Next::NeedInput,
        };
        Ok((input.len(), next))
    }

    /// Notes that octets of the chunk's data were taken, no more than [`Next::Data`] said.
    pub(crate) fn taken(&mut self, count: u64) {
        self.left = self.left.saturating_sub(count);
        if self.left == 0 && self.state == State::Data {
            self.state = State::DataCr;
        }
    }

    fn octet(&mut self, octet: u8) -> Result<(), Fault> {
        self.state = match (self.state, octet) {
            (State::Size, b'\r' | b';' | b' ' | b'\t') if self.digits == 0 => {
                return Err(Fault::BadChunk);
            }
            (State::Size | State::Pad | State::Extension, b'\r') => State::SizeLf,
            (State::Size | State::Pad, b';') => self.spend(State::Extension)?,
            (State::Size | State::Pad, b' ' | b'\t') => self.spend(State::Pad)?,
            (State::Size, octet) => return self.size_digit(octet),
            (State::Extension, octet) if is_text(octet) => self.spend(State::Extension)?,
            (State::SizeLf, b'\n') => {
                self.digits = 0;
                if self.left == 0 {
                    self.budget = MAX_TRAILER;
                    State::TrailerStart
                } else {
                    self.budget = MAX_LINE;
                    State::Data
                }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size,
            (State::TrailerStart, b'\r') => State::EndLf,
            // A line that begins with white space would be a folded one.
            (State::TrailerStart, octet) if octet.is_ascii_graphic() => {
                self.spend(State::Trailer)?
            }
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::Trailer, octet) if is_text(octet) => self.spend(State::Trailer)?,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::End,
            _ => return Err(Fault::BadChunk),
        };
        Ok(())
    }

    fn size_digit(&mut self, octet: u8) -> Result<(), Fault> {
        let digit = char::from(octet).to_digit(16).ok_or(Fault::BadChunk)?;
        if self.digits >= MAX_DIGITS {
            return Err(Fault::BadChunk);
        }
        self.digits += 1;
        self.left = (self.left << 4) | u64::from(digit);
        Ok(())
    }

    fn spend(&mut self, next: State) -> Result<State, Fault> {
        self.budget = self.budget.checked_sub(1).ok_or(Fault::ChunkTooLong)?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::HttpError;

    /// Decodes `input` handed over in pieces of `piece` octets, taking `take` octets at a time.
    fn decode(input: &[u8], piece: usize, take: usize) -> Result<(Vec<u8>, bool), HttpError> {
        let mut chunked = Chunked::new();
        let mut body = Vec::new();
        let mut pending = Vec::new();
        for piece in input.chunks(piece) {
            pending.extend_from_slice(piece);
            loop {
                let (consumed, next) = chunked.advance(&pending)?;
                pending.drain(..consumed);
                match next {
                    Next::NeedInput => {
                        assert!(pending.is_empty());
                        break;
                    }
                    Next::Data(left) => {
                        let count = pending.len().min(take).min(usize::try_from(left).unwrap());
                        body.extend(pending.drain(..count));
                        chunked.taken(count as u64);
                    }
                    Next::End => return Ok((body, true)),
                }
            }
        }
        Ok((body, false))
    }

    fn all_ways(input: &[u8]) -> Result<(Vec<u8>, bool), HttpError> {
        let whole = decode(input, usize::MAX, usize::MAX);
        for piece in 1..input.len().min(40) {
            for take in [1, 2, 3, usize::MAX] {
                assert_eq!(decode(input, piece, take), whole, "{piece} {take}");
            }
        }
        whole
    }

    #[test]
    fn well_formed() {
        for (input, body) in [
            (&b"0\r\n\r\n"[..], &b""[..]),
            (b"4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n", b"Wikipedia"),
            (b"00a\r\n0123456789\r\n000\r\n\r\n", b"0123456789"),
            (
                b"A;x=y;z=\"q s\"\r\n0123456789\r\n0;last\r\n\r\n",
                b"0123456789",
            ),
            (b"3  \r\nabc\r\n1 \t;x\r\nd\r\n0\r\n\r\n", b"abcd"),
            (b"1\r\na\r\n0\r\nDigest: x\r\nOther:\t\xe9\r\n\r\n", b"a"),
            (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n"),
        ] {
            assert_eq!(all_ways(input), Ok((body.to_vec(), true)));
        }
    }

    #[test]
    fn malformed() {
        for input in [
            &b"\r\n\r\n"[..],
            b";x\r\n",
            b" 4\r\n",
            b"g\r\n",
            b"-1\r\n",
            b"+1\r\n",
            b"0x1\r\n",
            b"4\nWiki\r\n",
            b"4\r\rWiki",
            b"4\rWiki",
            b"4 4\r\n",
            b"4;\x00\r\n",
            b"4;a\nb\r\n",
            b"4\r\nWikix\r\n",
            b"4\r\nWiki\n",
            b"4\r\nWiki\rx",
            b"0\r\n\n",
            b"0\r\n\rx",
            b"0\r\n folded\r\n",
            b"0\r\nA: b\n\r\n",
            b"0\r\nA: b\rc\r\n",
            b"0\r\nA: \x00\r\n",
            b"10000000000000000\r\n",
            b"00000000000000001\r\n",
        ] {
            let text = input.escape_ascii();
            assert_eq!(all_ways(input), Err(HttpError::BadChunk), "{text}");
        }
    }

    #[test]
    fn unfinished_is_never_complete() {
        let whole = b"4;x\r\nWiki\r\n0\r\nT: x\r\n\r\n";
        for end in 0..whole.len() {
            assert!(!all_ways(&whole[..end]).unwrap().1, "{end}");
        }
        assert!(all_ways(whole).unwrap().1);
    }

    #[test]
    fn limits() {
        let line = |octets: usize| [b"1;", "x".repeat(octets).as_bytes(), b"\r\na\r\n"].concat();
        let most = usize::from(MAX_LINE) - 1;
        // The budget is for each line, however many there are.
        let many = [line(most).repeat(50), b"0\r\n\r\n".to_vec()].concat();
        assert_eq!(decode(&many, 7, 7), Ok((vec![b'a'; 50], true)));
        assert_eq!(decode(&line(most + 1), 7, 7), Err(HttpError::ChunkTooLong));

        let field = [b"T:", "x".repeat(98).as_bytes(), b"\r\n"].concat();
        let trailers = |count: usize| [b"0\r\n", &field.repeat(count)[..], b"\r\n"].concat();
        assert_eq!(decode(&trailers(20), 7, 7), Ok((vec![], true)));
        assert_eq!(decode(&trailers(21), 7, 7), Err(HttpError::ChunkTooLong));
    }

    #[test]
    fn the_greatest_chunk() {
        let mut chunked = Chunked::new();
        let input = b"FFFFFFFFFFFFFFFF\r\nx";
        assert_eq!(chunked.advance(input), Ok((18, Next::Data(u64::MAX))));
        chunked.taken(1);
        assert_eq!(chunked.advance(b"x"), Ok((0, Next::Data(u64::MAX - 1))));
    }
}
