//! Arbitrary records as a server, arbitrary pieces as a transport: before the handshake, and after an honest one.

use crate::connection::End;
use crate::verify::{DEFAULT_ALGORITHMS, ServerName};
use crate::{Channel, Config, Level, ProofOnly, Provisional, TlsError};
use netboot_core::fuzz::Random;

/// Octets that a stream may grow to.
const LONGEST: usize = 1 << 16;

/// Runs a handshake against what `data` describes: two octets for the seed of the cuts, then records. Nothing of it
/// can be honest, so it must never open.
///
/// # Panics
/// When an invariant is broken.
pub fn handshake(data: &[u8]) {
    let Some((seed, data)) = data.split_first_chunk() else {
        return;
    };
    let mut cuts = Cuts::new(*seed);
    let forged = Forger::new(&[]).run(data);
    let (mut receive, mut send) = ([0; 1024], [0; 512]);
    let mut channel = Channel::<Provisional>::new(&mut receive, &mut send);
    let mut config = Config::new(
        ServerName::Dns("boot.example"),
        ProofOnly(DEFAULT_ALGORITHMS),
    );
    let Ok(mut shake) = channel.start(&mut config, &mut Random(cuts.0.into())) else {
        panic!("a hello fits the send buffer");
    };
    shake.sent(usize::MAX);
    let result = drive(&mut shake, forged.made(), &mut cuts, &mut |shake, input| {
        shake.advance(input)
    });
    assert!(channel.plaintext().is_empty() && !channel.is_open());
    ended(&mut channel, result);
}

/// Feeds an open channel, whose server has sent `honest` records with the plaintext `plain`, what `data` makes of
/// them: two octets for the seed of the cuts, then what is dropped, repeated, changed or put between.
///
/// # Panics
/// When an invariant is broken: above all, when the channel shows an octet that is not the next one of `plain`.
pub fn opened<L: Level>(channel: &mut Channel<'_, L>, honest: &[u8], plain: &[u8], data: &[u8]) {
    let Some((seed, data)) = data.split_first_chunk() else {
        return;
    };
    assert!(channel.is_open());
    let mut cuts = Cuts::new(*seed);
    let forged = Forger::new(honest).run(data);
    let mut rest = plain;
    let result = drive(channel, forged.made(), &mut cuts, &mut |channel, input| {
        let taken = channel.receive(input)?;
        let shown = channel.plaintext();
        assert!(
            rest.starts_with(shown),
            "an octet that the server did not send"
        );
        if let Some(behind) = rest.get(shown.len()..) {
            rest = behind;
        }
        channel.consume(shown.len());
        Ok(taken)
    });
    assert_eq!(channel.plaintext().len(), 0);
    ended(channel, result);
}

/// Gives an end what has arrived; returns how much it took.
type Take<'t, E> = &'t mut dyn FnMut(&mut E, &[u8]) -> Result<usize, TlsError>;

/// Hands over `stream` piece by piece, to `take`; how it ended.
fn drive<E: End>(
    channel: &mut E,
    stream: &[u8],
    cuts: &mut Cuts,
    take: Take<'_, E>,
) -> Result<(), TlsError> {
    let mut start = 0;
    // Each call but those at a message's end takes an octet at least.
    for _ in 0..2 * stream.len() + 8 {
        let end = stream.len().min(start + cuts.next());
        let input = stream.get(start..end).unwrap_or_default();
        let taken = take(channel, input)?;
        assert!(taken <= input.len());
        start += taken;
        // Progress, or a reason.
        let waits = channel.is_finished() || !channel.pending().is_empty();
        assert!(taken > 0 || input.is_empty() || waits);
        channel.sent(usize::MAX);
        if channel.is_finished() || start == stream.len() {
            return channel.end_of_stream();
        }
    }
    panic!("no end of {} octets", stream.len())
}

/// What holds after the end, whatever it was.
fn ended<L: Level>(channel: &mut Channel<'_, L>, result: Result<(), TlsError>) {
    let Err(error) = result else {
        assert!(channel.is_finished());
        assert_eq!(channel.receive(b"more"), Ok(0));
        return;
    };
    assert!(!channel.is_open() && channel.plaintext().is_empty());
    assert_eq!(channel.write(b"more"), Err(TlsError::NotOpen));
    assert_eq!(channel.receive(b"more"), Err(error));
    assert_eq!(channel.end_of_stream(), Err(error));
}

/// A stream made of honest records and of others.
struct Forger<'h> {
    honest: &'h [u8],
    last: &'h [u8],
    stream: [u8; LONGEST],
    len: usize,
}

impl<'h> Forger<'h> {
    fn new(honest: &'h [u8]) -> Self {
        Self {
            honest,
            last: &[],
            stream: [0; LONGEST],
            len: 0,
        }
    }

    fn push(&mut self, octets: &[u8]) {
        let end = self.len + octets.len();
        if let Some(room) = self.stream.get_mut(self.len..end) {
            room.copy_from_slice(octets);
            self.len = end;
        }
    }

    /// A record's header, with whatever length it says.
    fn head(&mut self, kind: u8, length: u16) {
        let [high, low] = length.to_be_bytes();
        self.push(&[kind, 3, 3, high, low]);
    }

    /// The server's next record.
    fn next(&mut self) -> &'h [u8] {
        let length = match self.honest {
            [_, _, _, high, low, ..] => 5 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        let (record, rest) = self.honest.split_at(length.min(self.honest.len()));
        (self.last, self.honest) = (record, rest);
        record
    }

    /// Each instruction: what to do, two numbers, and what they call for.
    fn run(mut self, data: &[u8]) -> Self {
        let mut rest = data;
        while let Some((&[what, first, second], after)) = rest.split_first_chunk() {
            rest = after;
            let octets = after.get(..usize::from(second)).unwrap_or(after);
            match what % 12 {
                // As it is: most often, so that there is something to break.
                0..=4 => {
                    let record = self.next();
                    self.push(record);
                }
                5 => {
                    self.next();
                }
                6 => self.push(self.last),
                7 => {
                    let (at, record) = (self.len, self.next());
                    self.push(record);
                    let place = at + usize::from(first) * record.len() / 256;
                    if let Some(octet) = self.stream.get_mut(place) {
                        *octet ^= 1 << (second % 8);
                    }
                }
                8 => {
                    let record = self.next();
                    let cut = usize::from(first) * record.len() / 256;
                    self.push(record.get(..cut).unwrap_or_default());
                }
                9 => self.push(octets),
                10 => {
                    let kind = [20, 21, 22, 23, first][usize::from(first) % 5];
                    self.head(kind, octets.len() as u16);
                    self.push(octets);
                }
                _ => self.head(20 + first % 4, u16::from(second) << 7),
            }
            // What was written is read; the rest are instructions.
            rest = match what % 12 {
                9 | 10 => rest.get(octets.len()..).unwrap_or_default(),
                _ => rest,
            };
        }
        self
    }

    fn made(&self) -> &[u8] {
        self.stream.get(..self.len).unwrap_or_default()
    }
}

/// Lengths of pieces.
struct Cuts(u32);

impl Cuts {
    fn new([low, high]: [u8; 2]) -> Self {
        Self(u32::from(low) << 8 | u32::from(high) | 1)
    }

    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        match self.0 % 4 {
            0 => 1,
            1 => 1 + self.0 as usize / 4 % 8,
            2 => 1 + self.0 as usize / 4 % 2_000,
            _ => LONGEST,
        }
    }
}

#[cfg(test)]
mod tests;
