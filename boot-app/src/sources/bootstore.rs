//! The boot servers that the bootstore's network configuration names, and the question to its nodes.

use super::network;
use super::network::FileNames;
use bootstore::board::{AnswerError, Client, DATAGRAM_LEN, PORT};
use bootstore::board_error::BoardError;
use bootstore::early::EarlyNetConfig;
use bootstore::stored::read_early;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use netboot_core::uri::{Uri, UriError};
use netboot_core::{Duration, Instant};
use netboot_ipxe::Conversation;

/// Where a question goes unless the board knows its nodes: to every node on the link, by either family of addresses.
const EVERYBODY: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::BROADCAST),
];

/// How a board uses the bootstore, where [`Origin::Bootstore`](crate::Origin::Bootstore) is among its sources.
#[derive(Clone, Copy, Debug)]
pub struct BootstoreConfig<'c> {
    /// Whether nodes are asked when the board's own ledger has no configuration, or the boot by it has failed. A board that must not take its
    /// network from an answer that nobody has authenticated leaves it off.
    pub ask: bool,
    /// The nodes that are asked, each with its UDP port. Empty for every node on the link, by multicast and broadcast to port 12346.
    pub nodes: &'c [SocketAddr],
    /// Longest time for one question and its answers. Questions are repeated after 0.5, 1.5, 3.5 and 7.5 s, and 15.5 s is as long as it takes
    /// without this limit.
    pub patience: Duration,
}

impl Default for BootstoreConfig<'_> {
    fn default() -> Self {
        Self {
            ask: false,
            nodes: &[],
            patience: Duration::from_secs(16),
        }
    }
}

/// Who told a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// The board's own ledger.
    Ledger,
    /// The node with this address. Nobody has authenticated it.
    Node(IpAddr),
}

/// What the bootstore says of the images.
#[derive(Clone, Debug)]
pub(crate) struct Early {
    /// The configuration. Its anchors are those of the board's own ledger, never those of a node.
    pub config: EarlyNetConfig,
    /// Generation of the ledger's configuration; 0 when the ledger has none.
    pub have: u64,
    /// Set when a slot of the ledger is of no use.
    pub damaged: bool,
    /// Set while the boot file is one of the servers'.
    pub leads: bool,
    /// Set while the station has another address than the configuration's: DHCP or the board's settings gave it.
    pub borrowed: bool,
    /// Who told the configuration, and its generation.
    pub told: Option<(Teller, u64)>,
    /// Nodes' configurations are taken below this generation only: that of a configuration by which the boot has failed.
    pub below: u64,
}

impl Default for Early {
    fn default() -> Self {
        Self {
            config: EarlyNetConfig::default(),
            have: 0,
            damaged: false,
            leads: false,
            borrowed: false,
            told: None,
            below: u64::MAX,
        }
    }
}

impl Early {
    /// Takes note of who told the configuration.
    pub fn take(&mut self, teller: Teller) {
        self.told = Some((teller, self.config.generation));
        if let Teller::Node(_) = teller {
            self.config.anchors.clear();
        }
    }

    /// Notes that the boot by the present configuration has failed. If a node told it, nodes are believed below its generation only.
    pub fn give_up(&mut self) {
        if let Some((Teller::Node(_), generation)) = self.told {
            self.below = generation;
        }
    }

    /// The boot file or directory on server number `nth`.
    pub fn server(&self, nth: usize) -> Option<Result<Uri, UriError>> {
        Some(Uri::parse(self.config.servers.get(nth)?))
    }

    /// The file of image `index` beside the boot file on server number `nth`.
    pub fn find(
        &self,
        nth: usize,
        names: FileNames<'_>,
        index: u8,
    ) -> Option<Result<Uri, UriError>> {
        match self.server(nth)? {
            Ok(server) => network::find(&server, names, index),
            Err(error) => Some(Err(error)),
        }
    }
}

/// One question to the nodes.
pub(crate) struct Question<'c, 'e> {
    client: Client,
    query: [u8; DATAGRAM_LEN],
    nodes: &'c [SocketAddr],
    /// Which of the addresses gets the query next.
    next: usize,
    until: Instant,
    /// The node that gave the best answer.
    from: IpAddr,
    /// Why the last answer that was of no use was ignored.
    error: Option<AnswerError>,
    /// Where answers are read, and at the end the best one.
    config: &'e mut EarlyNetConfig,
}

impl<'c, 'e> Question<'c, 'e> {
    /// Makes a question for a configuration of a generation above `have` and below `below`. `nonce` is random. The answer is read into `config`.
    // Inlined, so that it is made where it will lie and not on the stack first.
    #[inline(always)]
    pub fn new(
        now: Instant,
        nonce: [u8; 16],
        (have, below): (u64, u64),
        settings: &BootstoreConfig<'c>,
        config: &'e mut EarlyNetConfig,
    ) -> Self {
        let mut question = Self {
            client: Client::new(now, nonce, have),
            query: [0; DATAGRAM_LEN],
            nodes: settings.nodes,
            next: usize::MAX,
            until: now + settings.patience,
            from: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            error: None,
            config,
        };
        question.client.take_below(below);
        question
    }

    /// Reads the best answer's configuration, and says whose it is.
    ///
    /// # Errors
    /// Why there is none.
    #[inline(never)]
    pub fn outcome(&mut self) -> Result<IpAddr, BoardError> {
        let Some(best) = self.client.best() else {
            return Err(match (self.client.is_answered(), self.error) {
                (true, _) => BoardError::NothingNewer,
                (false, Some(error)) => BoardError::Answer(error),
                (false, None) => BoardError::NoAnswer,
            });
        };
        match read_early(best.generation, &best.blob, self.config) {
            Ok(()) => Ok(self.from),
            // The client has read it before.
            Err(_) => Err(BoardError::NoAnswer),
        }
    }

    /// The generation of the best answer.
    fn generation(&self) -> Option<u64> {
        self.client.best().map(|best| best.generation)
    }

    /// The address that comes after `nth` others.
    fn target(&self, nth: usize) -> Option<(IpAddr, u16)> {
        match self.nodes.is_empty() {
            true => EVERYBODY.get(nth).map(|address| (*address, PORT)),
            false => {
                let node = self.nodes.get(nth)?;
                Some((node.ip(), node.port()))
            }
        }
    }
}

impl Conversation for Question<'_, '_> {
    fn poll_transmit(&mut self, now: Instant) -> Option<((IpAddr, u16), &[u8])> {
        if self.target(self.next).is_none() {
            self.client.poll_transmit(now, &mut self.query)?;
            self.next = 0;
        }
        let to = self.target(self.next)?;
        self.next = self.next.saturating_add(1);
        Some((to, &self.query))
    }

    fn handle(&mut self, now: Instant, from: (IpAddr, u16), datagram: &[u8]) {
        let before = self.generation();
        match self.client.handle(now, datagram, self.config) {
            Ok(()) if self.generation() != before => self.from = from.0,
            Ok(()) => {}
            Err(error) => self.error = Some(error),
        }
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let over = self.client.is_over(now) || now >= self.until;
        let sends = self.target(self.next).is_some();
        let at = if sends {
            now
        } else {
            self.client.poll_timeout().min(self.until)
        };
        (!over).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bootstore::NetworkConfig;
    use bootstore::board::answer;
    use heapless::Vec;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn config(generation: u64) -> NetworkConfig {
        let early = EarlyNetConfig {
            generation,
            ..EarlyNetConfig::default()
        };
        let mut octets = [0; 64];
        let len = early.encode(&mut octets).unwrap();
        NetworkConfig::new(generation, &octets[..len]).unwrap()
    }

    fn question<'c>(nodes: &'c [SocketAddr], place: &'c mut EarlyNetConfig) -> Question<'c, 'c> {
        let config = BootstoreConfig {
            ask: true,
            nodes,
            patience: Duration::from_secs(2),
        };
        Question::new(at(0), [1; 16], (3, u64::MAX), &config, place)
    }

    fn sent(question: &mut Question<'_, '_>, now: Instant) -> std::vec::Vec<std::string::String> {
        let mut all = std::vec::Vec::new();
        while let Some(((address, port), query)) = question.poll_transmit(now) {
            assert_eq!(query.len(), DATAGRAM_LEN);
            all.push(std::format!("{address} {port}"));
        }
        all
    }

    #[test]
    fn every_node_is_asked_again_and_again_until_the_patience_is_over() {
        let all = ["ff02::1 12346", "255.255.255.255 12346"];
        let mut place = EarlyNetConfig::default();
        let mut one = question(&[], &mut place);
        assert_eq!(sent(&mut one, at(0)), all);
        assert_eq!(one.poll_timeout(at(0)), Some(at(500)));
        assert!(sent(&mut one, at(499)).is_empty());
        assert_eq!(sent(&mut one, at(500)), all);
        assert_eq!(sent(&mut one, at(1_500)), all);
        assert_eq!(one.poll_timeout(at(1_500)), Some(at(2_000)));
        assert_eq!(one.poll_timeout(at(2_000)), None);
        assert_eq!(one.outcome(), Err(BoardError::NoAnswer));
        let nodes = [
            "[fe80::1]:7".parse().unwrap(),
            "10.0.2.3:8".parse().unwrap(),
        ];
        let mut known = question(&nodes, &mut place);
        assert_eq!(sent(&mut known, at(0)), ["fe80::1 7", "10.0.2.3 8"]);
    }

    #[test]
    fn the_node_with_the_best_answer_is_told_and_a_useless_answer_is_named() {
        let mut place = EarlyNetConfig::default();
        let mut one = question(&[], &mut place);
        let mut query = [0; DATAGRAM_LEN];
        query.copy_from_slice(one.poll_transmit(at(0)).unwrap().1);
        let give = |question: &mut Question<'_, '_>, from: u8, config: &NetworkConfig| {
            let mut reply = [0; DATAGRAM_LEN];
            let len = answer(Some(config), &query, &mut reply).unwrap();
            question.handle(at(1), ([10, 0, 2, from].into(), 12_346), &reply[..len]);
        };
        let mut bad = config(9);
        bad.generation = 10;
        give(&mut one, 1, &bad);
        let useless = AnswerError::Generation { found: 9 };
        assert_eq!(one.outcome(), Err(BoardError::Answer(useless)));
        give(&mut one, 2, &config(5));
        give(&mut one, 3, &config(7));
        give(&mut one, 4, &config(6));
        assert_eq!(one.outcome(), Ok([10, 0, 2, 3].into()));
        assert_eq!(place.generation, 7);
    }

    #[test]
    fn anchors_come_from_the_ledger_alone() {
        let config = EarlyNetConfig {
            generation: 4,
            anchors: Vec::from_slice(&[[7; 32]]).unwrap(),
            ..EarlyNetConfig::default()
        };
        let mut early = Early {
            config,
            ..Early::default()
        };
        early.take(Teller::Ledger);
        assert_eq!(early.config.anchors, [[7; 32]]);
        early.take(Teller::Node([10, 0, 2, 3].into()));
        assert!(early.config.anchors.is_empty());
    }
}
