//! Gets address and boot servers from the bootstore: from the board's own ledger, or from a node.
//!
//! The ledger comes first, because an answer from the network is authenticated by nobody. Nodes are asked when the ledger has no configuration, and
//! when the boot by the ledger's has failed. Of their answers only generations above the ledger's are taken, and after the boot by a node's
//! configuration has failed, only generations below that one.

use super::{AppError, BootApp, Failed, Result};
use crate::observer::{Event, Observer};
use crate::sources::bootstore::{Question, Teller};
use crate::sources::{Origin, know_some};
use bootstore::board_error::BoardError;
#[cfg(feature = "sztp")]
use bootstore::network_config::BLOB_MAX;
#[cfg(feature = "sztp")]
use bootstore::stored::StoreError;
use bootstore::stored::{self, BoardLedger};
use core::net::{IpAddr, Ipv4Addr};
use heapless::Vec;
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::{IpxeInterface, NetworkConfig};
use ocp_recovery::RegisterBus;

/// Puts as many addresses into a list as it has room for.
fn put<A: Into<IpAddr>, const N: usize>(
    list: &mut Vec<IpAddr, N>,
    addresses: impl Iterator<Item = A>,
) {
    for address in addresses {
        let _ = list.push(address.into());
    }
}

/// Length of the prefix of an address of IPv6.
const PREFIX_LEN: u8 = 64;

impl<'c, N, B, O> BootApp<'c, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Gives the boot the board's own ledger, out of which [`Origin::Bootstore`] reads a network configuration. A boot with provisioning stores there what
    /// the owner conveys as `configuration`, if it is a network configuration; otherwise a boot writes nothing to it.
    pub fn use_ledger(&mut self, ledger: &'c mut BoardLedger<'c>) {
        self.ledger = Some(ledger);
    }

    /// Stores the network configuration in `encoded`, which is base64 and comes from the owner; whether the ledger has it now.
    #[cfg(feature = "sztp")]
    #[inline(never)]
    pub(super) fn store_configuration(&mut self, encoded: netboot_sztp::Text<'_>) -> bool {
        let Some(ledger) = &mut self.ledger else {
            return false;
        };
        let mut octets = [0; BLOB_MAX];
        let len = encoded.base64(&mut octets);
        let blob = len.and_then(|len| octets.get(..len));
        match blob.map(|blob| stored::store(&mut **ledger, blob)) {
            Some(Ok(())) => true,
            // It was stored in an earlier boot.
            Some(Err(StoreError::Stale(stale))) => stale.current == stale.tried,
            _ => false,
        }
    }

    /// The SHA-256 digests of trust anchors' SubjectPublicKeyInfo in the configuration that the boot uses. They are those of the board's own
    /// ledger: what a node answers has none. They can narrow what a board trusts, and must not widen it.
    pub fn bootstore_anchors(&self) -> &[[u8; 32]] {
        &self.sources.early.config.anchors
    }

    /// Gets an address by the sources of the policy's order that have one: DHCP and the bootstore.
    pub(super) fn configure(&mut self) -> Result {
        let order = self.config.sources.order;
        let place = |wanted: &[Origin]| order.iter().position(|origin| wanted.contains(origin));
        let dhcp = place(&[
            Origin::Dhcp,
            Origin::Toc,
            // DHCP names its servers.
            #[cfg(feature = "sztp")]
            Origin::Sztp,
        ]);
        let is_static = self.config.address.is_some();
        let Some(bootstore) = place(&[Origin::Bootstore]) else {
            return self.configure_by_dhcp();
        };
        match dhcp {
            _ if is_static => self.by_dhcp_with_servers(),
            None => self.by_bootstore(),
            Some(dhcp) if dhcp < bootstore => {
                if self.by_dhcp_with_servers().is_ok() {
                    return Ok(());
                }
                // A board that has nothing of a bootstore fails as it would without one.
                if !self.has_any() {
                    return Err(Failed);
                }
                self.next_way()?;
                self.by_bootstore()
            }
            Some(_) => self.by_bootstore_or_dhcp(),
        }
    }

    fn by_bootstore_or_dhcp(&mut self) -> Result {
        if self.by_bootstore().is_ok() {
            return Ok(());
        }
        self.next_way()?;
        self.net.use_vlan(None);
        self.configure_by_dhcp()
    }

    /// Goes on to the next way to an address, unless the last failure ends the boot.
    fn next_way(&mut self) -> Result {
        if self.is_late() || !self.retryable() {
            return Err(Failed);
        }
        self.tell_failure(None);
        Ok(())
    }

    /// Gets an address by DHCP or from the board's settings. The bootstore's servers are used beside it: they lead the boot where the network
    /// names no boot file.
    fn by_dhcp_with_servers(&mut self) -> Result {
        self.net.use_vlan(None);
        self.configure_by_dhcp()?;
        let led = self.sources.boot.is_some();
        if self.load(true) {
            self.note(Teller::Ledger);
        } else if !led && !know_some(&self.config) && self.config.bootstore.ask {
            match self.ask_nodes() {
                Ok(from) => self.note(Teller::Node(from)),
                Err(_) => self.tell_failure(None),
            }
        }
        self.sources.early.borrowed = true;
        if !led && !self.sources.early.config.servers.is_empty() && self.lead().is_err() {
            self.tell_failure(None);
        }
        Ok(())
    }

    /// Gets address and boot servers from the bootstore.
    fn by_bootstore(&mut self) -> Result {
        self.start_attempt()?;
        if self.load(true) {
            if self.apply(Teller::Ledger).is_ok() {
                return Ok(());
            }
            self.next_way()?;
        }
        self.by_node()
    }

    /// Asks the nodes, and uses their answer.
    fn by_node(&mut self) -> Result {
        // The nodes are in the board's own VLAN.
        self.net.use_vlan(None);
        let from = self.ask_nodes()?;
        self.apply(Teller::Node(from))
    }

    /// After a round of sources has failed: goes on with another configuration than the bootstore's present one, if that is what the boot goes by.
    /// Says whether it did. The last failure stays.
    #[inline(never)]
    pub(super) fn bootstore_again(&mut self) -> bool {
        let order = self.config.sources.order;
        let mut behind = order
            .iter()
            .skip_while(|origin| **origin != Origin::Bootstore);
        let has_dhcp = behind.any(|origin| matches!(origin, Origin::Dhcp | Origin::Toc));
        let (early, asks) = (&self.sources.early, self.config.bootstore.ask);
        let has_other = asks || has_dhcp && !early.borrowed;
        if !early.leads || !has_other || self.is_late() {
            return false;
        }
        self.sources.early.give_up();
        let last = self.report.error.take();
        let mut gone_on = self.start_attempt().and_then(|()| self.go_on(has_dhcp));
        if gone_on.is_err() {
            self.tell_failure(None);
            // All that there is has failed once, and may be there again.
            self.sources.early.below = u64::MAX;
            if !self.sources.early.borrowed {
                gone_on = self.by_bootstore();
            }
        }
        self.report.error = last;
        gone_on.is_ok()
    }

    /// Goes on with what comes behind the present configuration: one of a node, and then DHCP. A station whose address is not the configuration's
    /// keeps it.
    fn go_on(&mut self, has_dhcp: bool) -> Result {
        if self.sources.early.borrowed {
            let from = self.ask_nodes()?;
            self.note(Teller::Node(from));
            return self.lead();
        }
        if self.config.bootstore.ask {
            let asked = self.by_node();
            if asked.is_ok() || !has_dhcp {
                return asked;
            }
            self.next_way()?;
        }
        self.net.use_vlan(None);
        self.configure_by_dhcp()
    }

    /// Whether there is anything to ask: a node, or a ledger that was ever written.
    fn has_any(&mut self) -> bool {
        self.config.bootstore.ask || self.load(false) || self.sources.early.damaged
    }

    /// Reads the board's ledger, and says whether it has a configuration. What is wrong with it is told with `aloud`.
    #[inline(never)]
    fn load(&mut self, aloud: bool) -> bool {
        let mut bad: Vec<BoardError, 3> = Vec::new();
        let early = &mut self.sources.early;
        let found = match &mut self.ledger {
            Some(ledger) => stored::load(&mut **ledger, &mut early.config, &mut |slot, error| {
                let _ = bad.push(BoardError::Slot { slot, error });
            }),
            None => {
                early.config.clear();
                false
            }
        };
        early.have = early.config.generation;
        early.damaged = !bad.is_empty();
        for error in bad.iter().filter(|_| aloud) {
            self.fail(AppError::Bootstore(*error));
            self.tell_failure(None);
        }
        found
    }

    /// Asks the nodes for a newer configuration than that of the ledger, which was read before. After a failure the ledger's is there again.
    fn ask_nodes(&mut self) -> Result<IpAddr> {
        let asked = self.question();
        if asked.is_err() {
            self.load(false);
        }
        asked
    }

    #[inline(never)]
    fn question(&mut self) -> Result<IpAddr> {
        if !self.config.bootstore.ask {
            return Err(self.fail(AppError::Bootstore(BoardError::NoConfig)));
        }
        let mut nonce = [0; 16];
        for word in nonce.as_chunks_mut::<4>().0 {
            *word = self.net.random().to_be_bytes();
        }
        let now = self.net.now();
        let early = &mut self.sources.early;
        let (range, settings) = ((early.have, early.below), &self.config.bootstore);
        let mut question = Question::new(now, nonce, range, settings, &mut early.config);
        match self.net.converse(&mut question) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(self.fail_net(error)),
            None => return Err(self.fail(AppError::Bootstore(BoardError::NoConfig))),
        }
        match question.outcome() {
            Ok(from) => Ok(from),
            Err(error) => Err(self.fail(AppError::Bootstore(error))),
        }
    }

    /// Sets the interface up as the configuration says, and has the boot go by its servers.
    fn apply(&mut self, teller: Teller) -> Result {
        self.sources.early.leads = false;
        self.net.use_vlan(self.sources.early.config.vlan);
        self.report.error = Some(AppError::Bootstore(BoardError::NoAddress));
        // IPv6 is set beside IPv4, and not the other way round.
        let by_v4 = self.ifconfig(false);
        let by_v6 = self.ifconfig(true);
        if !by_v4 && !by_v6 {
            return Err(Failed);
        }
        self.is_configured()?;
        self.note(teller);
        self.sources.early.borrowed = false;
        self.lead()
    }

    /// Sets one family of the interface up; says whether that was possible.
    #[inline(never)]
    fn ifconfig(&mut self, ipv6: bool) -> bool {
        let mac = self
            .net
            .interface()
            .map_or([0; 6], |interface| interface.mac);
        let early = &self.sources.early.config;
        let mut config = NetworkConfig::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PREFIX_LEN);
        match (&early.v4, &early.v6) {
            (Some(v4), _) if !ipv6 => {
                let Some(address) = v4.address(mac) else {
                    return false;
                };
                config.address = address.into();
                config.prefix_len = v4.prefix_len;
                put(&mut config.routers, v4.router.iter().copied());
                put(&mut config.dns, v4.dns.iter().copied());
            }
            (_, Some(v6)) if ipv6 => {
                config.address = v6.address(mac).into();
                put(&mut config.routers, v6.router.iter().copied());
                put(&mut config.dns, v6.dns.iter().copied());
            }
            _ => return false,
        }
        match self.net.ifconfig(&config) {
            Ok(()) => true,
            Err(error) => {
                self.fail_net(error);
                false
            }
        }
    }

    /// Takes note of who told the configuration, and tells of it.
    fn note(&mut self, teller: Teller) {
        let early = &mut self.sources.early;
        early.take(teller);
        let event = Event::Bootstore {
            generation: early.config.generation,
            teller,
            servers: early.config.servers.len() as u8,
            sztp: early.config.sztp,
        };
        self.tell(&event);
    }

    /// Has the boot go by the first server of the bootstore that may be used.
    ///
    /// # Errors
    /// When there is none, and no place of an image is fixed either.
    fn lead(&mut self) -> Result {
        let mut refused = AppError::Bootstore(BoardError::NoServer);
        let mut found: Option<Uri> = None;
        let mut nth = 0;
        while let Some(server) = self.sources.early.server(nth) {
            nth += 1;
            match server {
                Ok(uri) if self.config.sources.allows(&uri) => {
                    found = Some(uri);
                    break;
                }
                Ok(_) => {
                    refused = AppError::NotHttps {
                        origin: Origin::Bootstore,
                    };
                }
                Err(error) => refused = AppError::Network(error.into()),
            }
        }
        self.sources.early.leads = true;
        let has_one = found.is_some();
        self.sources.boot = found;
        if has_one {
            return Ok(());
        }
        let failed = self.fail(refused);
        match know_some(&self.config) {
            true => {
                self.tell_failure(None);
                Ok(())
            }
            false => Err(failed),
        }
    }
}
