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
use bootstore::early::{EarlyNetConfig, V4, V6};
use bootstore::stored::{self, BoardLedger};
use core::net::IpAddr;
use heapless::Vec;
use netboot_core::uri::{Uri, UriError};
use netboot_ipxe::{IpxeInterface, NetworkConfig};
use ocp_recovery::RegisterBus;

impl<'c, N, B, O> BootApp<'c, N, B, O>
where
    N: IpxeInterface,
    N::Error: Copy + From<UriError>,
    B: RegisterBus,
    O: Observer,
{
    /// Gives the boot the board's own ledger, out of which [`Origin::Bootstore`] reads a network configuration. The boot never writes to it:
    /// [`bootstore::stored::store`] does, for whoever has authenticated a new configuration.
    pub fn use_ledger(&mut self, ledger: &'c mut BoardLedger<'c>) {
        self.ledger = Some(ledger);
    }

    /// The SHA-256 digests of trust anchors' SubjectPublicKeyInfo in the configuration that the boot uses. They are those of the board's own
    /// ledger: what a node answers has none. They can narrow what a board trusts, and must not widen it.
    pub fn bootstore_anchors(&self) -> &[[u8; 32]] {
        &self.sources.early.anchors
    }

    /// Gets an address by the sources of the policy's order that have one: DHCP and the bootstore.
    pub(super) fn configure(&mut self) -> Result {
        let order = self.config.sources.order;
        let place = |wanted: &[Origin]| order.iter().position(|origin| wanted.contains(origin));
        let dhcp = place(&[Origin::Dhcp, Origin::Toc]);
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
        if let Some(config) = self.load() {
            self.note(&config, Teller::Ledger);
        } else if !led && !know_some(&self.config) && self.config.bootstore.ask {
            let asked = self.ask_nodes(0).map(|(config, from)| {
                self.note(&config, Teller::Node(from));
            });
            if asked.is_err() {
                self.tell_failure(None);
            }
        }
        if !led && !self.sources.early.servers.is_empty() && self.lead().is_err() {
            self.tell_failure(None);
        }
        Ok(())
    }

    /// Gets address and boot servers from the bootstore.
    #[inline(never)]
    fn by_bootstore(&mut self) -> Result {
        self.start_attempt()?;
        let mut have = 0;
        if let Some(config) = self.load() {
            have = config.generation;
            if self.apply(&config, Teller::Ledger).is_ok() {
                return Ok(());
            }
            self.next_way()?;
        }
        self.by_node(have)
    }

    /// Asks the nodes, and uses their answer.
    #[inline(never)]
    fn by_node(&mut self, have: u64) -> Result {
        // The nodes are in the board's own VLAN.
        self.net.use_vlan(None);
        let (config, from) = self.ask_nodes(have)?;
        self.apply(&config, Teller::Node(from))
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
        let early = &mut self.sources.early;
        if !early.leads || !(has_dhcp || self.config.bootstore.ask) || self.is_late() {
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
        let have = self.load().map_or(0, |config| config.generation);
        if self.sources.early.borrowed {
            let (config, from) = self.ask_nodes(have)?;
            self.note(&config, Teller::Node(from));
            return self.lead();
        }
        if self.by_node(have).is_ok() {
            return Ok(());
        }
        if !has_dhcp {
            return Err(Failed);
        }
        self.next_way()?;
        self.net.use_vlan(None);
        self.configure_by_dhcp()
    }

    /// Reads the board's ledger. What is wrong with it is told.
    #[inline(never)]
    fn load(&mut self) -> Option<EarlyNetConfig> {
        let mut bad: Vec<BoardError, 3> = Vec::new();
        let ledger = self.ledger.as_mut()?;
        let config = stored::load(&mut **ledger, &mut |slot, error| {
            let _ = bad.push(BoardError::Slot { slot, error });
        });
        for error in bad {
            self.fail(AppError::Bootstore(error));
            self.tell_failure(None);
        }
        config
    }

    /// Asks the nodes for a configuration of a generation above `have`.
    #[inline(never)]
    fn ask_nodes(&mut self, have: u64) -> Result<(EarlyNetConfig, IpAddr)> {
        if !self.config.bootstore.ask {
            return Err(self.fail(AppError::Bootstore(BoardError::NoConfig)));
        }
        let mut nonce = [0; 16];
        for word in nonce.as_chunks_mut::<4>().0 {
            *word = self.net.random().to_be_bytes();
        }
        let now = self.net.now();
        let range = (have, self.sources.early.below);
        let mut question = Question::new(now, nonce, range, &self.config.bootstore);
        match self.net.converse(&mut question) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(self.fail_net(error)),
            None => return Err(self.fail(AppError::Bootstore(BoardError::NoConfig))),
        }
        let (config, from) = match question.outcome() {
            Ok(found) => found,
            Err(error) => return Err(self.fail(AppError::Bootstore(error))),
        };
        match stored::read_early(config.generation, &config.blob) {
            Ok(early) => Ok((early, from)),
            // The client has read it before.
            Err(_) => Err(self.fail(AppError::Bootstore(BoardError::NoAnswer))),
        }
    }

    /// Sets the interface up as `config` says, and has the boot go by its servers.
    #[inline(never)]
    fn apply(&mut self, config: &EarlyNetConfig, teller: Teller) -> Result {
        self.sources.early.leads = false;
        self.net.use_vlan(config.vlan);
        let mac = self
            .net
            .interface()
            .map_or([0; 6], |interface| interface.mac);
        self.report.error = Some(AppError::Bootstore(BoardError::NoAddress));
        let v4 = config.v4.as_ref();
        let by_v4 = v4.is_some_and(|v4| match v4.address(mac) {
            Some(address) => self.ifconfig_v4(v4, address.into()),
            None => false,
        });
        let v6 = config.v6.as_ref();
        let by_v6 = v6.is_some_and(|v6| self.ifconfig_v6(v6, v6.address(mac).into()));
        if !by_v4 && !by_v6 {
            return Err(Failed);
        }
        self.is_configured()?;
        self.note(config, teller);
        self.sources.early.borrowed = false;
        self.lead()
    }

    fn ifconfig_v4(&mut self, v4: &V4, address: IpAddr) -> bool {
        let router = v4.router.map(IpAddr::V4);
        let dns = v4.dns.iter().map(|server| IpAddr::V4(*server));
        self.ifconfig(address, v4.prefix_len, router, dns)
    }

    fn ifconfig_v6(&mut self, v6: &V6, address: IpAddr) -> bool {
        let router = v6.router.map(IpAddr::V6);
        let dns = v6.dns.iter().map(|server| IpAddr::V6(*server));
        self.ifconfig(address, 64, router, dns)
    }

    /// Sets one family of the interface up; says whether that was possible.
    #[inline(never)]
    fn ifconfig(
        &mut self,
        address: IpAddr,
        prefix_len: u8,
        router: Option<IpAddr>,
        dns: impl Iterator<Item = IpAddr>,
    ) -> bool {
        let mut config = NetworkConfig::new(address, prefix_len);
        config.routers.extend(router);
        config.dns.extend(dns);
        match self.net.ifconfig(&config) {
            Ok(()) => true,
            Err(error) => {
                self.fail_net(error);
                false
            }
        }
    }

    /// Takes note of a configuration, and tells of it.
    fn note(&mut self, config: &EarlyNetConfig, teller: Teller) {
        self.sources.early.take(config, teller);
        self.sources.early.borrowed = true;
        self.tell(&Event::Bootstore {
            generation: config.generation,
            teller,
            servers: config.servers.len() as u8,
            sztp: config.sztp,
        });
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
