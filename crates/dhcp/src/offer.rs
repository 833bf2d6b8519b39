//! Decides which offers are kept, and which is taken.
//!
//! At most two offers are held: the best with an address, and the best without (ProxyDHCP: `yiaddr` 0, class
//! `PXEClient` or `HTTPClient`). An offer with boot information beats one without. Among equals the
//! first one wins, because its server is the fastest.

use crate::boot;
use crate::error::DhcpError;
use crate::options::code;
use crate::packet::Packet;
#[cfg(feature = "robust")]
use crate::pxe::Menu;
use crate::raw::Taken;
use core::net::Ipv4Addr;
use netboot_core::boot::{BootInfo, BootOrigin};
use netboot_core::net::is_host;

/// An offer of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub address: Ipv4Addr,
    pub server_id: Ipv4Addr,
    boot: BootInfo,
    /// Whom to ask on port 4011, if this is an offer of a PXE server.
    pxe: Option<PxeServer>,
}

/// A server to ask on port 4011.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PxeServer {
    pub address: Ipv4Addr,
    /// Type of the boot service to ask for; `None` where there is no menu, or no service in it.
    pub service: Option<u16>,
    /// Set when the server has shown a menu.
    pub menu: bool,
}

impl PxeServer {
    /// The server to ask after an offer of `server`; `None` when that is no PXE server.
    #[inline(never)]
    fn after(packet: &Packet<'_>, server: Ipv4Addr) -> Option<Self> {
        if !boot::is_of_pxe_server(packet) {
            return None;
        }
        let plain = Self {
            address: server,
            service: None,
            menu: false,
        };
        plain.next(packet).or(Some(plain))
    }

    /// What to ask after this server has answered with a menu in place of a boot file: the first service of the menu, or this server as before
    /// when the menu has none. `None` when there is no menu, or the question was for a service already.
    pub fn next(self, packet: &Packet<'_>) -> Option<Self> {
        #[cfg(feature = "robust")]
        if self.service.is_none() {
            return Menu::of(packet).map(|menu| {
                let server = menu.first.and_then(|service| service.server);
                Self {
                    address: server.unwrap_or(self.address),
                    service: menu.first.map(|service| service.kind),
                    menu: true,
                }
            });
        }
        let _ = packet;
        None
    }
}

/// An offer of boot information only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ProxyOffer {
    boot: BootInfo,
    /// Whom to ask on port 4011, if this is an offer of a PXE server.
    pxe: Option<PxeServer>,
}

/// The offers that are held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offers {
    best: Option<Offer>,
    proxy: Option<ProxyOffer>,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::UNSPECIFIED,
            server_id: Ipv4Addr::UNSPECIFIED,
            boot: BootInfo::default(),
            pxe: None,
        }
    }
}

impl Offers {
    /// Takes an offer, if it is better than the one of its kind that is held. Tells what the message was taken for.
    pub fn add(&mut self, from: Ipv4Addr, packet: &Packet<'_>) -> Result<Taken, DhcpError> {
        if packet.header.yiaddr.is_unspecified() {
            return self.add_proxy(from, packet);
        }
        let address = packet.header.yiaddr;
        if !is_host(address) {
            return Err(DhcpError::WrongAddress { address });
        }
        let server_id = packet
            .options
            .address(code::SERVER_ID)
            .filter(|server| is_host(*server))
            .ok_or(DhcpError::WrongServer)?;
        if better(packet, self.best.as_ref().map(|held| &held.boot)) {
            let best = self.best.get_or_insert_default();
            best.address = address;
            best.server_id = server_id;
            best.pxe = PxeServer::after(packet, server_id);
            boot::read(&mut best.boot, packet, from, BootOrigin::Dhcp);
            return Ok(Taken::Offer);
        }
        Ok(Taken::Nothing)
    }

    /// Takes an offer without an address.
    pub fn add_proxy(&mut self, from: Ipv4Addr, packet: &Packet<'_>) -> Result<Taken, DhcpError> {
        let address = packet.header.yiaddr;
        if !address.is_unspecified() || !boot::is_of_boot_server(packet) {
            return Err(DhcpError::WrongAddress { address });
        }
        let server = packet
            .options
            .address(code::SERVER_ID)
            .filter(|server| is_host(*server))
            .unwrap_or(from);
        if better(packet, self.proxy.as_ref().map(|held| &held.boot)) {
            let proxy = self.proxy.get_or_insert_default();
            proxy.pxe = PxeServer::after(packet, server);
            boot::read(&mut proxy.boot, packet, from, BootOrigin::Proxy);
            return Ok(Taken::Proxy);
        }
        Ok(Taken::Nothing)
    }

    /// The best offer of an address.
    pub fn best(&self) -> Option<&Offer> {
        self.best.as_ref()
    }

    /// Whether no better offer can come, because there is an address and boot information.
    pub fn is_complete(&self) -> bool {
        let known = |boot: &BootInfo| boot.is_known();
        self.best.as_ref().is_some_and(|best| known(&best.boot))
            || self.best.is_some() && self.proxy.as_ref().is_some_and(|proxy| known(&proxy.boot))
    }

    /// Completes the boot information of an acknowledgement. Its own counts first, then that of the offer that it
    /// belongs to, then that of the proxy. They are never mixed, because the server of one does not have
    /// the file of another.
    pub fn complete(&mut self, acknowledged: &mut BootInfo) {
        let offered = self.best.as_mut().map(|best| &mut best.boot);
        let proxied = self.proxy.as_mut().map(|proxy| &mut proxy.boot);
        for boot in [offered, proxied].into_iter().flatten() {
            if !acknowledged.is_known() && boot.is_known() {
                core::mem::swap(acknowledged, boot);
            }
        }
    }

    /// The PXE server that the client asks on port 4011 when nobody has named a boot file.
    pub fn pxe_server(&self) -> Option<PxeServer> {
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.pxe);
        proxy.or(self.best.as_ref().and_then(|best| best.pxe))
    }
}

/// Whether the boot information of `packet` is better than what is held.
fn better(packet: &Packet<'_>, held: Option<&BootInfo>) -> bool {
    held.is_none_or(|held| !held.is_known() && boot::is_known_in(packet))
}
