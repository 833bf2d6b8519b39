//! How a board without a network configuration asks a node of the rack for it: one UDP exchange.
//!
//! The board sends a query, by multicast, broadcast or to a node that it knows. Every node that has a newer
//! configuration answers. The board takes the highest generation that comes within a short time.
//!
//! ```text
//! query   "BSQ1" ‖ nonce 16 ‖ generation that the board has u64 (0: none) ‖ zeros up to 1,320 octets
//! answer  "BSA1" ‖ nonce 16 ‖ generation u64 ‖ length u16 ‖ configuration   (nothing newer: length 0)
//! ```
//!
//! A board believes no answer whose configuration it cannot read, or whose configuration says another generation than the answer: such a datagram
//! is ignored, and another node's answer is waited for. A configuration that is not newer than the board's own never wins.
//!
//! A query is as long as the longest answer, so that nodes cannot be used to multiply traffic. Answers are not
//! authenticated, as in scheme V0: what a board does with a configuration must be safe if a neighbour made it up.

use crate::early::EarlyNetConfig;
use crate::error::number;
use crate::network_config::{BLOB_MAX, NetworkConfig};
use crate::stored::{Mismatch, read_early};
use crate::wire::WireError;
use core::fmt;
use heapless::Vec;
use netboot_core::{Blame, Coded, Console, Duration, Instant};

/// UDP port of nodes, the same number as the TCP port between nodes.
pub const PORT: u16 = 12346;
/// Octets of a query, and of the longest answer; one Ethernet frame over IPv4 or IPv6.
pub const DATAGRAM_LEN: usize = HEAD + BLOB_MAX;

const QUERY: &[u8; 4] = b"BSQ1";
const ANSWER: &[u8; 4] = b"BSA1";
const NONCE_LEN: usize = 16;
const HEAD: usize = 40;
/// Octets of an answer before the configuration.
const ANSWER_HEAD: usize = 4 + NONCE_LEN + 8 + 2;

/// Number of times that a query is sent.
const TRIES: u8 = 5;
/// Time until the second query; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Time in which further answers are taken after the first one.
const SETTLE: Duration = Duration::from_millis(200);

/// Why a datagram is no answer to the query. The board ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnswerError {
    /// The octets are no answer, or are cut short.
    Malformed,
    /// The answer is to another query.
    Nonce,
    /// The exchange is over.
    Late,
    /// What the node gives is no configuration that this version can read.
    Config(WireError),
    /// The configuration says that it has this generation, and the answer another one.
    Generation {
        /// The generation that the configuration itself has.
        found: u64,
    },
    /// The board has tried a configuration of this generation, and it did not lead to a boot.
    Tried {
        /// The generation of the answer.
        generation: u64,
    },
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the datagram is no answer to a configuration query"),
            Self::Nonce => f.write_str("the answer is to another board's query"),
            Self::Late => f.write_str("the answer came after the exchange was over"),
            Self::Config(_) => {
                f.write_str("a node's answer holds no configuration that can be read")
            }
            Self::Generation { found } => write!(
                f,
                "a node's answer holds the configuration of generation {found}, and says another one"
            ),
            Self::Tried { generation } => write!(
                f,
                "a node's answer has generation {generation}, which did not lead to a boot"
            ),
        }
    }
}

impl core::error::Error for AnswerError {}

impl Coded for AnswerError {
    fn code(&self) -> u32 {
        number(match self {
            Self::Malformed => 0x81,
            Self::Nonce => 0x82,
            Self::Late => 0x83,
            Self::Config(_) => 0x84,
            Self::Generation { .. } => 0x85,
            Self::Tried { .. } => 0x86,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Peer
    }

    fn facts(&self, out: &mut dyn Console) {
        if let Self::Generation { found: generation } | Self::Tried { generation } = self {
            out.number("generation", *generation);
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocator to box the configuration with"
)]
pub enum Outcome {
    /// The newest configuration that a node has.
    Config(NetworkConfig),
    /// Nodes answered, and none has a newer configuration than the board.
    UpToDate,
    /// No node answered within 15.5 s.
    NoAnswer,
}

/// A board's side of the exchange, sans-IO.
///
/// After [`new`](Self::new), send what [`poll_transmit`](Self::poll_transmit) gives, feed datagrams to
/// [`handle`](Self::handle), and call again when [`poll_timeout`](Self::poll_timeout) has passed, until
/// [`poll`](Self::poll) returns an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    nonce: [u8; NONCE_LEN],
    have: u64,
    /// Answers of this generation and above are not taken.
    below: u64,
    sent: u8,
    next_send: Instant,
    /// When the exchange ends: the last query's time, or shortly after the first answer.
    deadline: Option<Instant>,
    answered: bool,
    best: Option<NetworkConfig>,
}

impl Client {
    /// Starts an exchange. `nonce` is random; `have` is the generation that the board has, 0 for none.
    pub const fn new(now: Instant, nonce: [u8; NONCE_LEN], have: u64) -> Self {
        Self {
            nonce,
            have,
            below: u64::MAX,
            sent: 0,
            next_send: now,
            deadline: None,
            answered: false,
            best: None,
        }
    }

    /// Has the exchange take generations below this one only. A board whose boot by a configuration failed looks so for an earlier one, because
    /// whoever answered may have made it up.
    pub const fn take_below(&mut self, generation: u64) {
        self.below = generation;
    }

    /// Writes the next query, if its time has come, and returns its length. A board that asks several addresses sends the same query to each.
    ///
    /// `buffer` needs [`DATAGRAM_LEN`] octets; a smaller one gives `None`.
    pub fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<usize> {
        if self.answered || self.sent >= TRIES || now < self.next_send {
            return None;
        }
        let query = buffer.get_mut(..DATAGRAM_LEN)?;
        query.fill(0);
        let (magic, rest) = query.split_first_chunk_mut::<4>()?;
        let (nonce, rest) = rest.split_first_chunk_mut::<NONCE_LEN>()?;
        let (have, _) = rest.split_first_chunk_mut::<8>()?;
        *magic = *QUERY;
        *nonce = self.nonce;
        *have = self.have.to_be_bytes();
        let wait = FIRST_WAIT * (1u32 << self.sent.min(TRIES));
        self.sent = self.sent.saturating_add(1);
        self.next_send = now + wait;
        self.deadline = Some(now + wait);
        Some(DATAGRAM_LEN)
    }

    /// Takes a datagram that came to the port the query was sent from. `scratch` is memory in which its configuration is read, to see whether it
    /// can be; what it holds afterwards means nothing.
    ///
    /// # Errors
    /// [`AnswerError`]; the datagram is ignored.
    #[inline(never)]
    pub fn handle(
        &mut self,
        now: Instant,
        datagram: &[u8],
        scratch: &mut EarlyNetConfig,
    ) -> Result<(), AnswerError> {
        let (nonce, generation, blob) = parse_answer(datagram).ok_or(AnswerError::Malformed)?;
        if nonce != self.nonce || self.sent == 0 {
            return Err(AnswerError::Nonce);
        }
        if self.is_over(now) {
            return Err(AnswerError::Late);
        }
        let newest = self.best.as_ref().map_or(self.have, |best| best.generation);
        if !blob.is_empty() && generation > newest {
            if generation >= self.below {
                return Err(AnswerError::Tried { generation });
            }
            match read_early(generation, blob, scratch) {
                Ok(()) => self.keep(generation, blob),
                Err(Mismatch::Wire(error)) => return Err(AnswerError::Config(error)),
                Err(Mismatch::Generation { found }) => {
                    return Err(AnswerError::Generation { found });
                }
            }
        }
        if !self.answered {
            self.answered = true;
            self.deadline = Some(now + SETTLE);
        }
        Ok(())
    }

    /// Keeps a configuration that is better than the one before.
    fn keep(&mut self, generation: u64, blob: &[u8]) {
        let best = self.best.get_or_insert(NetworkConfig {
            generation,
            blob: Vec::new(),
        });
        best.generation = generation;
        best.blob.clear();
        // An answer has no room for more than fits.
        let _ = best.blob.extend_from_slice(blob);
    }

    /// The end of the exchange, once it is there.
    pub fn poll(&mut self, now: Instant) -> Option<Outcome> {
        self.is_over(now).then(|| self.finish())
    }

    fn finish(&mut self) -> Outcome {
        match (self.best.take(), self.answered) {
            (Some(config), _) => Outcome::Config(config),
            (None, true) => Outcome::UpToDate,
            (None, false) => Outcome::NoAnswer,
        }
    }

    /// The best configuration that has come so far; `None` while there is none.
    pub fn best(&self) -> Option<&NetworkConfig> {
        self.best.as_ref()
    }

    /// Whether a node has answered.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// When the next query or the end is due.
    pub fn poll_timeout(&self) -> Instant {
        match self.deadline {
            Some(deadline) if self.answered || self.sent >= TRIES => deadline,
            _ => self.next_send,
        }
    }

    /// Whether the exchange is over, so that [`poll`](Self::poll) has its outcome.
    pub fn is_over(&self, now: Instant) -> bool {
        (self.answered || self.sent >= TRIES)
            && self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

fn parse_answer(datagram: &[u8]) -> Option<([u8; NONCE_LEN], u64, &[u8])> {
    let (magic, rest) = datagram.split_first_chunk::<4>()?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
    let (generation, rest) = rest.split_first_chunk::<8>()?;
    let (length, blob) = rest.split_first_chunk::<2>()?;
    let whole = usize::from(u16::from_be_bytes(*length)) == blob.len() && blob.len() <= BLOB_MAX;
    (magic == ANSWER && whole).then_some((*nonce, u64::from_be_bytes(*generation), blob))
}

/// A node's side: writes the answer to a query and returns its length, or `None` when there is nothing to answer.
///
/// A node without a configuration is silent, and so is everybody to a datagram that is no query.
pub fn answer(config: Option<&NetworkConfig>, query: &[u8], buffer: &mut [u8]) -> Option<usize> {
    if query.len() != DATAGRAM_LEN {
        return None;
    }
    let (magic, rest) = query.split_first_chunk::<4>()?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
    let (have, _) = rest.split_first_chunk::<8>()?;
    if magic != QUERY {
        return None;
    }
    let config = config?;
    let blob = if config.generation > u64::from_be_bytes(*have) {
        config.blob.as_slice()
    } else {
        &[]
    };
    let length = u16::try_from(blob.len()).ok()?;
    let total = ANSWER_HEAD.checked_add(blob.len())?;
    let out = buffer.get_mut(..total)?;
    let (a, rest) = out.split_first_chunk_mut::<4>()?;
    let (b, rest) = rest.split_first_chunk_mut::<NONCE_LEN>()?;
    let (c, rest) = rest.split_first_chunk_mut::<8>()?;
    let (d, e) = rest.split_first_chunk_mut::<2>()?;
    *a = *ANSWER;
    *b = *nonce;
    *c = config.generation.to_be_bytes();
    *d = length.to_be_bytes();
    e.copy_from_slice(blob);
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// A configuration of this generation, with room taken up by anchors.
    fn config(generation: u64) -> NetworkConfig {
        let early = EarlyNetConfig {
            generation,
            anchors: heapless::Vec::from_slice(&[[generation as u8; 32]; 4]).unwrap(),
            ..EarlyNetConfig::default()
        };
        let mut blob = [0; BLOB_MAX];
        let len = early.encode(&mut blob).unwrap();
        NetworkConfig::new(generation, &blob[..len]).unwrap()
    }

    fn ask(client: &mut Client, now: Instant, node: Option<&NetworkConfig>) -> bool {
        let (mut query, mut reply) = ([0; DATAGRAM_LEN], [0; DATAGRAM_LEN]);
        let Some(len) = client.poll_transmit(now, &mut query) else {
            return false;
        };
        if let Some(len) = answer(node, &query[..len], &mut reply) {
            client
                .handle(now, &reply[..len], &mut EarlyNetConfig::default())
                .unwrap();
        }
        true
    }

    #[test]
    fn the_highest_generation_of_those_who_answer_is_taken() {
        let configs = [3u64, 9, 5].map(config);
        let mut client = Client::new(at(0), [1; 16], 0);
        let (mut query, mut reply) = ([0; DATAGRAM_LEN], [0; DATAGRAM_LEN]);
        let len = client.poll_transmit(at(0), &mut query).unwrap();
        for (index, config) in configs.iter().enumerate() {
            let len = answer(Some(config), &query[..len], &mut reply).unwrap();
            assert!(len <= DATAGRAM_LEN);
            client
                .handle(
                    at(10 * index as u64),
                    &reply[..len],
                    &mut EarlyNetConfig::default(),
                )
                .unwrap();
            assert_eq!(client.poll(at(150)), None);
        }
        assert_eq!(client.poll_timeout(), at(200));
        let len = answer(Some(&configs[1]), &query[..len], &mut reply).unwrap();
        assert_eq!(
            client.handle(at(200), &reply[..len], &mut EarlyNetConfig::default()),
            Err(AnswerError::Late)
        );
        assert_eq!(
            client.poll(at(200)),
            Some(Outcome::Config(configs[1].clone()))
        );
    }

    #[test]
    fn a_board_that_has_the_newest_stays_with_it() {
        let config = config(4);
        let mut client = Client::new(at(0), [1; 16], 4);
        assert!(ask(&mut client, at(0), Some(&config)));
        assert_eq!(client.poll(at(200)), Some(Outcome::UpToDate));
    }

    #[test]
    fn silence_ends_after_five_queries() {
        let mut client = Client::new(at(0), [1; 16], 0);
        let (mut now, mut queries) = (at(0), 0);
        let outcome = loop {
            queries += u32::from(ask(&mut client, now, None));
            if let Some(outcome) = client.poll(now) {
                break outcome;
            }
            assert!(client.poll_timeout() > now);
            now = client.poll_timeout();
        };
        assert_eq!((outcome, queries, now), (Outcome::NoAnswer, 5, at(15_500)));
    }

    #[test]
    fn a_lost_answer_is_asked_for_again() {
        let config = config(4);
        let mut client = Client::new(at(0), [1; 16], 0);
        assert!(ask(&mut client, at(0), None));
        assert!(!ask(&mut client, at(499), Some(&config)));
        assert!(ask(&mut client, at(500), Some(&config)));
        assert_eq!(client.poll(at(700)), Some(Outcome::Config(config)));
    }

    /// A node that lies, one that is damaged, and one that has an old configuration do not keep the board from a good answer.
    #[test]
    fn what_cannot_be_believed_is_named_and_waited_past() {
        let mut client = Client::new(at(0), [1; 16], 3);
        client.take_below(9);
        let (mut query, mut reply) = ([0; DATAGRAM_LEN], [0; DATAGRAM_LEN]);
        let len = client.poll_transmit(at(0), &mut query).unwrap();
        let query = &query[..len];
        let mut give = |client: &mut Client, config: &NetworkConfig| {
            let len = answer(Some(config), query, &mut reply).unwrap();
            client.handle(at(1), &reply[..len], &mut EarlyNetConfig::default())
        };
        let mut lie = config(5);
        lie.generation = 7;
        let error = give(&mut client, &lie);
        assert_eq!(error, Err(AnswerError::Generation { found: 5 }));
        let mut damaged = config(7);
        damaged.blob[0] ^= 1;
        let error = give(&mut client, &damaged);
        assert!(matches!(error, Err(AnswerError::Config(_))), "{error:?}");
        for generation in [9, 10, u64::MAX] {
            let error = give(&mut client, &config(generation));
            assert_eq!(error, Err(AnswerError::Tried { generation }));
        }
        assert!(!client.answered);
        // An answer twice is one.
        assert_eq!(give(&mut client, &config(4)), Ok(()));
        assert_eq!(give(&mut client, &config(4)), Ok(()));
        // An older one than the board has, made up although the query said so.
        let mut octets = [0; DATAGRAM_LEN];
        let mut old = Client::new(at(0), [1; 16], 0);
        let len = old.poll_transmit(at(0), &mut octets).unwrap();
        let mut told = [0; DATAGRAM_LEN];
        let len = answer(Some(&config(2)), &octets[..len], &mut told).unwrap();
        assert_eq!(
            client.handle(at(2), &told[..len], &mut EarlyNetConfig::default()),
            Ok(())
        );
        let taken = client.poll(at(201));
        assert_eq!(taken, Some(Outcome::Config(config(4))));
    }

    #[test]
    fn strangers_are_ignored() {
        let config = config(4);
        let mut client = Client::new(at(0), [1; 16], 0);
        let (mut query, mut reply) = ([0; DATAGRAM_LEN], [0; DATAGRAM_LEN]);
        let len = client.poll_transmit(at(0), &mut query).unwrap();
        let len = answer(Some(&config), &query[..len], &mut reply).unwrap();
        let mut other = reply;
        other[4] ^= 1;
        assert_eq!(
            client.handle(at(1), &other[..len], &mut EarlyNetConfig::default()),
            Err(AnswerError::Nonce)
        );
        for cut in 0..len {
            assert_eq!(
                client.handle(at(1), &reply[..cut], &mut EarlyNetConfig::default()),
                Err(AnswerError::Malformed)
            );
        }
        assert_eq!(client.poll(at(100)), None);
        // Nodes answer no datagram that is shorter than the answer.
        assert_eq!(answer(Some(&config), &query[..100], &mut reply), None);
        query[0] = b'X';
        assert_eq!(answer(Some(&config), &query, &mut reply), None);
    }
}
