//! Negotiates options: says which OACK is a valid answer to a request (RFC 2347, 2348, 2349, 7440).
//!
//! The server may leave out any option and may lower `blksize` and `windowsize`. It may not raise
//! them, change `timeout`, or name an option that was not asked for. An OACK that breaks these rules ends
//! the transfer with ERROR 8.

use crate::packet::{DEFAULT_BLKSIZE, Malformed, Options, OptionsWriter, parse_decimal};
use core::fmt;

/// Least `blksize` (RFC 2348).
pub const MIN_BLKSIZE: u16 = 8;
/// Greatest `blksize` (RFC 2348).
pub const MAX_BLKSIZE: u16 = 65464;

const BLKSIZE: &str = "blksize";
const TIMEOUT: &str = "timeout";
const TSIZE: &str = "tsize";
const WINDOWSIZE: &str = "windowsize";

/// Octets of all four options with their longest values.
pub(crate) const OPTIONS_LEN: usize = 64;

/// The options that the request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Payload octets of a block. 512 means that the request does not ask.
    pub blksize: u16,
    /// Blocks between two ACKs. 1 means that the request does not ask.
    pub windowsize: u16,
    pub timeout: Option<u8>,
    pub tsize: bool,
}

impl Asked {
    /// A request of RFC 1350, without options.
    pub const NOTHING: Self = Self {
        blksize: DEFAULT_BLKSIZE,
        windowsize: 1,
        timeout: None,
        tsize: false,
    };

    /// The options of the RRQ.
    pub fn to_options(self) -> OptionsWriter<OPTIONS_LEN> {
        let mut writer = OptionsWriter::default();
        // The buffer holds all four options at their longest, so none is left out.
        if self.blksize != DEFAULT_BLKSIZE {
            let _ = writer.put(BLKSIZE, u64::from(self.blksize));
        }
        if self.windowsize != 1 {
            let _ = writer.put(WINDOWSIZE, u64::from(self.windowsize));
        }
        if let Some(timeout) = self.timeout {
            let _ = writer.put(TIMEOUT, u64::from(timeout));
        }
        if self.tsize {
            let _ = writer.put(TSIZE, 0);
        }
        writer
    }
}

/// The options that both sides agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Payload octets of each block but the last: 8 to 65464.
    pub blksize: u16,
    /// Number of blocks between two acknowledgements, from 1 (RFC 7440).
    pub windowsize: u16,
    /// Seconds after which the server sends again, if it said so (RFC 2349).
    pub timeout: Option<u8>,
    /// Octets of the file, if the server said so (RFC 2349). An answer of 0 counts as not known, because
    /// servers that cannot tell echo the 0 of the request.
    pub tsize: Option<u64>,
}

impl Negotiated {
    /// A transfer of RFC 1350, with a server that ignores options.
    pub const DEFAULT: Self = Self {
        blksize: DEFAULT_BLKSIZE,
        windowsize: 1,
        timeout: None,
        tsize: None,
    };
}

/// Why an OACK cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// A text lacks its NUL, or a name lacks its value.
    Malformed,
    /// An option was not asked for, whether this client knows it or not.
    NotRequested,
    /// The same option came twice.
    Duplicate,
    /// `blksize` is below 8, above what was asked for, or no number.
    Blksize,
    /// `windowsize` is 0, above what was asked for, or no number.
    Windowsize,
    /// `timeout` is another than what was asked for.
    Timeout,
    /// `tsize` is no number below 2^64.
    Tsize,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OptionError::Malformed => "a text of the OACK lacks its NUL, or a name its value",
            OptionError::NotRequested => "the OACK has an option that was not asked for",
            OptionError::Duplicate => "the OACK has an option twice",
            OptionError::Blksize => {
                "the blksize of the OACK is below 8, above what was asked for, or no number"
            }
            OptionError::Windowsize => {
                "the windowsize of the OACK is 0, above what was asked for, or no number"
            }
            OptionError::Timeout => "the timeout of the OACK is another than what was asked for",
            OptionError::Tsize => "the tsize of the OACK is no number below 2^64",
        })
    }
}

impl core::error::Error for OptionError {}

/// Reads an OACK that answers `asked`.
pub(crate) fn negotiate(asked: &Asked, oack: Options<'_>) -> Result<Negotiated, OptionError> {
    let mut agreed = Negotiated::DEFAULT;
    let (mut blksize, mut windowsize, mut timeout, mut tsize) = (false, false, false, false);
    for option in oack {
        let (name, value) = option.map_err(|Malformed| OptionError::Malformed)?;
        let number = parse_decimal(value);
        if is(name, BLKSIZE) && asked.blksize != DEFAULT_BLKSIZE {
            once(&mut blksize)?;
            agreed.blksize =
                within(number, MIN_BLKSIZE, asked.blksize).ok_or(OptionError::Blksize)?;
        } else if is(name, WINDOWSIZE) && asked.windowsize != 1 {
            once(&mut windowsize)?;
            agreed.windowsize =
                within(number, 1, asked.windowsize).ok_or(OptionError::Windowsize)?;
        } else if is(name, TIMEOUT) && asked.timeout.is_some() {
            once(&mut timeout)?;
            if number != asked.timeout.map(u64::from) {
                return Err(OptionError::Timeout);
            }
            agreed.timeout = asked.timeout;
        } else if is(name, TSIZE) && asked.tsize {
            once(&mut tsize)?;
            let size = number.ok_or(OptionError::Tsize)?;
            agreed.tsize = Some(size).filter(|size| *size != 0);
        } else {
            return Err(OptionError::NotRequested);
        }
    }
    // By RFC 2347 a server that accepts no option sends DATA 1 or ERROR. atftpd sends an OACK without
    // options and waits for ACK 0: both sides agree on no option.
    Ok(agreed)
}

/// Option names have no case (RFC 2347).
fn is(name: &[u8], known: &str) -> bool {
    name.eq_ignore_ascii_case(known.as_bytes())
}

fn once(seen: &mut bool) -> Result<(), OptionError> {
    if core::mem::replace(seen, true) {
        Err(OptionError::Duplicate)
    } else {
        Ok(())
    }
}

fn within(number: Option<u64>, least: u16, most: u16) -> Option<u16> {
    let number = u16::try_from(number?).ok()?;
    (least <= number && number <= most).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Asked = Asked {
        blksize: 1468,
        windowsize: 16,
        timeout: Some(2),
        tsize: true,
    };

    fn answer(asked: &Asked, wire: &[u8]) -> Result<Negotiated, OptionError> {
        negotiate(asked, Options::from_wire(wire))
    }

    #[test]
    fn request_names_what_is_asked_for() {
        let writer = ALL.to_options();
        assert_eq!(
            writer.options(),
            Options::from_wire(b"blksize\x001468\0windowsize\x0016\0timeout\x002\0tsize\x000\0")
        );
        assert_eq!(Asked::NOTHING.to_options().options(), Options::NONE);
        let longest = Asked {
            blksize: MAX_BLKSIZE,
            windowsize: u16::MAX,
            timeout: Some(255),
            tsize: true,
        };
        assert_eq!(longest.to_options().options().count(), 4);
    }

    #[test]
    fn what_a_server_may_answer() {
        assert_eq!(answer(&ALL, b""), Ok(Negotiated::DEFAULT));
        assert_eq!(
            answer(&ALL, b"tsize\x00123456\0"),
            Ok(Negotiated {
                tsize: Some(123_456),
                ..Negotiated::DEFAULT
            })
        );
        assert_eq!(
            answer(
                &ALL,
                b"BlkSize\x001024\0WINDOWSIZE\x001\0timeout\x002\0tSize\x000\0"
            ),
            Ok(Negotiated {
                blksize: 1024,
                windowsize: 1,
                timeout: Some(2),
                tsize: None,
            })
        );
        assert_eq!(
            answer(&ALL, b"blksize\x008\0").map(|agreed| agreed.blksize),
            Ok(8)
        );
    }

    #[test]
    fn what_a_server_may_not_answer() {
        let cases: [(&[u8], OptionError); 19] = [
            (b"blksize", OptionError::Malformed),
            (b"blksize\0", OptionError::Malformed),
            (b"blksize\x001024", OptionError::Malformed),
            (b"blksize\x007\0", OptionError::Blksize),
            (b"blksize\x001469\0", OptionError::Blksize),
            (b"blksize\x0066560\0", OptionError::Blksize),
            (b"blksize\0\0", OptionError::Blksize),
            (b"blksize\x00many\0", OptionError::Blksize),
            (b"windowsize\x000\0", OptionError::Windowsize),
            (b"windowsize\x0017\0", OptionError::Windowsize),
            (b"timeout\x003\0", OptionError::Timeout),
            (b"timeout\0x\0", OptionError::Timeout),
            (b"tsize\x00-1\0", OptionError::Tsize),
            (b"tsize\x0018446744073709551616\0", OptionError::Tsize),
            (b"tsize\x0012k\0", OptionError::Tsize),
            (b"tsize\x001\0TSIZE\x001\0", OptionError::Duplicate),
            (b"multicast\0,,1\0", OptionError::NotRequested),
            (b"\0\0", OptionError::NotRequested),
            (b"blksize2\x001024\0", OptionError::NotRequested),
        ];
        for (wire, error) in cases {
            assert_eq!(answer(&ALL, wire), Err(error), "{wire:?}");
        }
        for wire in [
            &b"blksize\x00512\0"[..],
            b"windowsize\x001\0",
            b"timeout\x001\0",
            b"tsize\x000\0",
        ] {
            assert_eq!(
                answer(&Asked::NOTHING, wire),
                Err(OptionError::NotRequested)
            );
        }
    }

    proptest! {
        #[test]
        fn never_more_than_asked(wire in "((blksize|windowsize|timeout|tsize|x)\0[0-9]{0,6}\0){0,5}") {
            if let Ok(agreed) = answer(&ALL, wire.as_bytes()) {
                prop_assert!((MIN_BLKSIZE..=ALL.blksize).contains(&agreed.blksize));
                prop_assert!((1..=ALL.windowsize).contains(&agreed.windowsize));
                prop_assert!(agreed.timeout.is_none() || agreed.timeout == ALL.timeout);
            }
        }
    }
}
