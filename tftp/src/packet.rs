//! Parses and writes the packets on the wire: RFC 1350 section 5, and the OACK of RFC 2347.
//!
//! [`Packet::parse`] checks every length once. Its result borrows from the datagram and needs no
//! further check. The codec has both directions, so that a server can be built from it too.

use core::fmt;

/// UDP port on which a server takes requests (RFC 1350 section 4).
pub const SERVER_PORT: u16 = 69;
/// `blksize` of a transfer without that option (RFC 1350 section 2).
pub const DEFAULT_BLKSIZE: u16 = 512;
/// Octets before the payload of a DATA packet: opcode and block number.
pub const DATA_HEADER_LEN: usize = 4;

const RRQ: u16 = 1;
const WRQ: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// The code of an ERROR packet (RFC 1350 section 5 and appendix, RFC 2347).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode(pub u16);

impl ErrorCode {
    /// The message says what is wrong.
    pub const UNDEFINED: Self = Self(0);
    /// The server has no such file.
    pub const FILE_NOT_FOUND: Self = Self(1);
    /// The server may not read the file.
    pub const ACCESS_VIOLATION: Self = Self(2);
    /// The disk is full, or an allocation is exceeded.
    pub const DISK_FULL: Self = Self(3);
    /// A packet makes no sense at this point.
    pub const ILLEGAL_OPERATION: Self = Self(4);
    /// The packet came from a port that is no part of the transfer.
    pub const UNKNOWN_TID: Self = Self(5);
    /// The file that was to be written exists already.
    pub const FILE_EXISTS: Self = Self(6);
    /// There is no such user (mail mode, obsolete).
    pub const NO_SUCH_USER: Self = Self(7);
    /// The two sides cannot agree on the options (RFC 2347).
    pub const OPTION_NEGOTIATION: Self = Self(8);

    /// The code's meaning in words.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            0 => "error without a code",
            1 => "file not found",
            2 => "access violation",
            3 => "disk full",
            4 => "illegal operation",
            5 => "unknown transfer id",
            6 => "file already exists",
            7 => "no such user",
            8 => "option negotiation failed",
            _ => "unknown error code",
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.as_str())
    }
}

/// A datagram that is no TFTP packet: too short, an unknown opcode, or text without its NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the datagram is no TFTP packet")
    }
}

impl core::error::Error for Malformed {}

/// One packet, borrowed from its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A request: RRQ (1) or, with `write`, WRQ (2).
    Request {
        /// Whether the request is a WRQ.
        write: bool,
        /// Name of the file without its NUL, in no particular character set.
        filename: &'a [u8],
        /// `octet` or `netascii`, in any case, without its NUL.
        mode: &'a [u8],
        /// The options that the client asks for.
        options: Options<'a>,
    },
    /// A block of the file: DATA (3).
    Data {
        /// Block number on the wire. It begins with 1 and rolls over to 0.
        block: u16,
        /// The octets of the block, `blksize` of them, and fewer in the last block.
        payload: &'a [u8],
    },
    /// An acknowledgement: ACK (4).
    Ack {
        /// Number of the last block that arrived in order. 0 acknowledges an OACK.
        block: u16,
    },
    /// An error: ERROR (5).
    Error {
        /// The reason.
        code: ErrorCode,
        /// Text for a person, without its NUL.
        message: &'a [u8],
    },
    /// An acknowledgement of options: OACK (6).
    Oack(Options<'a>),
}

impl<'a> Packet<'a> {
    /// Parses one datagram.
    ///
    /// An ERROR whose message lacks its NUL is accepted, because some servers send it so. Options are
    /// checked one by one while they are iterated.
    ///
    /// # Errors
    /// Fails with [`Malformed`] when the datagram is no TFTP packet.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let (opcode, rest) = split_u16(datagram)?;
        Ok(match opcode {
            RRQ | WRQ => {
                let (filename, rest) = split_text(rest)?;
                let (mode, rest) = split_text(rest)?;
                Packet::Request {
                    write: opcode == WRQ,
                    filename,
                    mode,
                    options: Options(rest),
                }
            }
            DATA => {
                let (block, payload) = split_u16(rest)?;
                Packet::Data { block, payload }
            }
            ACK => Packet::Ack {
                block: split_u16(rest)?.0,
            },
            ERROR => {
                let (code, text) = split_u16(rest)?;
                let message = split_text(text).map_or(text, |(message, _)| message);
                Packet::Error {
                    code: ErrorCode(code),
                    message,
                }
            }
            OACK => Packet::Oack(Options(rest)),
            _ => return Err(Malformed),
        })
    }

    /// Writes the packet to the start of `buf` and returns its length in octets. Returns `None` when it does not fit.
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        let mut out = Writer::new(buf);
        match *self {
            Packet::Request {
                write,
                filename,
                mode,
                options,
            } => {
                out.put_u16(if write { WRQ } else { RRQ })?;
                out.put_text(filename)?;
                out.put_text(mode)?;
                out.put(options.0)?;
            }
            Packet::Data { block, payload } => {
                out.put_u16(DATA)?;
                out.put_u16(block)?;
                out.put(payload)?;
            }
            Packet::Ack { block } => {
                out.put_u16(ACK)?;
                out.put_u16(block)?;
            }
            Packet::Error { code, message } => {
                out.put_u16(ERROR)?;
                out.put_u16(code.0)?;
                out.put_text(message)?;
            }
            Packet::Oack(options) => {
                out.put_u16(OACK)?;
                out.put(options.0)?;
            }
        }
        Some(out.len())
    }
}

/// The options of a request or an OACK, as on the wire: `{name NUL value NUL}*` (RFC 2347).
///
/// Iterates over `(name, value)`. Text that does not follow the form yields one `Err` and ends the iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// Makes an empty list of options.
    pub const NONE: Options<'static> = Options(&[]);

    /// Takes options that are already in wire form, such as those of an [`OptionsWriter`].
    pub const fn from_wire(octets: &'a [u8]) -> Self {
        Self(octets)
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let pair = split_text(self.0)
            .and_then(|(name, rest)| split_text(rest).map(|(value, rest)| (name, value, rest)));
        Some(match pair {
            Ok((name, value, rest)) => {
                self.0 = rest;
                Ok((name, value))
            }
            Err(malformed) => {
                self.0 = &[];
                Err(malformed)
            }
        })
    }
}

/// Builds options in wire form in a buffer of `N` octets. An option that does not fit is left out whole.
#[derive(Debug)]
pub struct OptionsWriter<const N: usize> {
    octets: [u8; N],
    len: usize,
}

impl<const N: usize> Default for OptionsWriter<N> {
    fn default() -> Self {
        Self {
            octets: [0; N],
            len: 0,
        }
    }
}

impl<const N: usize> OptionsWriter<N> {
    /// Appends an option with a decimal value. Returns `None` when it does not fit.
    pub fn put(&mut self, name: &str, value: u64) -> Option<()> {
        let mut out = Writer::new(self.octets.get_mut(self.len..)?);
        out.put_text(name.as_bytes())?;
        out.put_decimal(value)?;
        self.len = self.len.saturating_add(out.len());
        Some(())
    }

    /// The options that were appended so far.
    pub fn options(&self) -> Options<'_> {
        Options(self.octets.get(..self.len).unwrap_or(&[]))
    }
}

/// Reads an option's decimal value: digits only, no sign, no space, within `u64`.
pub fn parse_decimal(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |sum, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn split_u16(octets: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    match octets {
        [high, low, rest @ ..] => Ok((u16::from_be_bytes([*high, *low]), rest)),
        _ => Err(Malformed),
    }
}

/// Splits off a text that ends with NUL.
fn split_text(octets: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let end = octets
        .iter()
        .position(|octet| *octet == 0)
        .ok_or(Malformed)?;
    let (text, rest) = octets.split_at_checked(end).ok_or(Malformed)?;
    Ok((text, rest.get(1..).unwrap_or(&[])))
}

/// Appends to a slice. Each `put` fails instead of writing past the end.
struct Writer<'a> {
    rest: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    fn new(buf: &'a mut [u8]) -> Self {
        Self { rest: buf, len: 0 }
    }

    fn len(&self) -> usize {
        self.len
    }

    fn put(&mut self, octets: &[u8]) -> Option<()> {
        let rest = core::mem::take(&mut self.rest);
        let (head, tail) = rest.split_at_mut_checked(octets.len())?;
        for (to, from) in head.iter_mut().zip(octets) {
            *to = *from;
        }
        self.rest = tail;
        self.len = self.len.saturating_add(octets.len());
        Some(())
    }

    fn put_u16(&mut self, value: u16) -> Option<()> {
        self.put(&value.to_be_bytes())
    }

    fn put_text(&mut self, text: &[u8]) -> Option<()> {
        self.put(text)?;
        self.put(&[0])
    }

    fn put_decimal(&mut self, value: u64) -> Option<()> {
        let mut digits = [0; 20];
        let mut rest = value;
        let mut len = 0usize;
        for digit in digits.iter_mut().rev() {
            // Nearly all values are small, and a 64-bit division is a slow call on a 32-bit core.
            let remainder = match u32::try_from(rest) {
                Ok(small) => {
                    rest = u64::from(small / 10);
                    small % 10
                }
                Err(_) => {
                    let remainder = rest % 10;
                    rest /= 10;
                    remainder as u32
                }
            };
            *digit = b'0'.wrapping_add(remainder as u8);
            len = len.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        self.put_text(digits.get(digits.len().checked_sub(len)?..)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn request_as_atftp_sends_it() {
        let wire = b"\x00\x01caliptra.bin\0octet\0tsize\x000\0blksize\x001428\0";
        let Ok(Packet::Request {
            write: false,
            filename: b"caliptra.bin",
            mode: b"octet",
            options,
        }) = Packet::parse(wire)
        else {
            panic!("{:?}", Packet::parse(wire));
        };
        let options: Vec<_> = options.collect();
        assert_eq!(
            options,
            [Ok((&b"tsize"[..], &b"0"[..])), Ok((b"blksize", b"1428")),]
        );
    }

    #[test]
    fn packets_from_a_capture() {
        assert_eq!(
            Packet::parse(b"\x00\x03\xff\xffabc"),
            Ok(Packet::Data {
                block: 0xffff,
                payload: b"abc"
            })
        );
        assert_eq!(
            Packet::parse(b"\x00\x04\x00\x07"),
            Ok(Packet::Ack { block: 7 })
        );
        assert_eq!(
            Packet::parse(b"\x00\x05\x00\x01File not found\0"),
            Ok(Packet::Error {
                code: ErrorCode::FILE_NOT_FOUND,
                message: b"File not found"
            })
        );
        // Some embedded servers leave the NUL out.
        assert_eq!(
            Packet::parse(b"\x00\x05\x00\x00oops"),
            Ok(Packet::Error {
                code: ErrorCode::UNDEFINED,
                message: b"oops"
            })
        );
    }

    #[test]
    fn what_is_no_packet() {
        for wire in [
            &b""[..],
            b"\x00",
            b"\x00\x00",
            b"\x00\x03\x00",
            b"\x00\x04",
            b"\x00\x05\x00",
            b"\x00\x07\x00\x00",
            b"\x01\x03\x00\x01",
            b"\x00\x01name",
            b"\x00\x01name\0octet",
        ] {
            assert_eq!(Packet::parse(wire), Err(Malformed), "{wire:02x?}");
        }
    }

    #[test]
    fn options_without_their_nul_yield_one_error() {
        let cases: [(&[u8], usize); 4] = [
            (b"blksize", 0),
            (b"blksize\x001024", 0),
            (b"blksize\x001024\0tsize", 1),
            (b"blksize\x001024\0tsize\0", 1),
        ];
        for (wire, good) in cases {
            let seen: Vec<_> = Options::from_wire(wire).collect();
            assert_eq!(seen.len(), good + 1);
            assert_eq!(seen.last(), Some(&Err(Malformed)));
        }
    }

    #[test]
    fn decimals() {
        assert_eq!(parse_decimal(b"0"), Some(0));
        assert_eq!(parse_decimal(b"00042"), Some(42));
        assert_eq!(parse_decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in [
            &b""[..],
            b"18446744073709551616",
            b"-1",
            b"+1",
            b" 1",
            b"1 ",
            b"0x10",
            b"1e3",
        ] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_packet_that_does_not_fit_is_not_written() {
        let packet = Packet::Error {
            code: ErrorCode::UNKNOWN_TID,
            message: b"unknown",
        };
        let mut buf = [0; 12];
        assert_eq!(packet.emit(&mut buf), Some(12));
        assert_eq!(&buf, b"\x00\x05\x00\x05unknown\0");
        assert_eq!(packet.emit(&mut buf[..11]), None);
    }

    proptest! {
        #[test]
        fn decimal_round_trip(value: u64) {
            let mut writer = OptionsWriter::<64>::default();
            writer.put("tsize", value).unwrap();
            let (name, text) = writer.options().next().unwrap().unwrap();
            prop_assert_eq!(name, b"tsize");
            let digits = value.to_string();
            prop_assert_eq!(text, digits.as_bytes());
            prop_assert_eq!(parse_decimal(text), Some(value));
        }

        #[test]
        fn what_parses_is_emitted_unchanged(wire in proptest::collection::vec(any::<u8>(), 0..64), opcode in 1u8..7) {
            let mut wire = wire;
            wire.splice(0..0, [0, opcode]);
            if let Ok(packet) = Packet::parse(&wire) {
                let mut buf = [0; 128];
                let len = packet.emit(&mut buf).unwrap();
                // ACK and ERROR may have trailing octets that mean nothing.
                prop_assert_eq!(Packet::parse(&buf[..len]), Ok(packet));
            }
        }
    }
}
