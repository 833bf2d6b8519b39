//! One packet, from the link to smoltcp.

use super::phy::{Rx, timestamp};
use crate::link::{TakePacket, Tx};
use netboot_core::{Instant, TxSlot};
use smoltcp::iface::{Interface, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities};

/// Lets smoltcp take in packets.
pub(super) struct Ingest<'s, 'a> {
    pub iface: &'s mut Interface,
    pub sockets: &'s mut SocketSet<'a>,
}

impl TakePacket for Ingest<'_, '_> {
    // Its frame on the stack is large, and nothing of ours is called from here.
    #[inline(never)]
    fn take<T: TxSlot>(&mut self, now: Instant, packet: &[u8], tx: Tx<'_, '_, T>) {
        let mut ingress = Ingress(Some((Rx(packet), tx)));
        self.iface
            .poll_ingress_single(timestamp(now), &mut ingress, self.sockets);
    }
}

/// One packet on its way to smoltcp, with a buffer for the answer.
struct Ingress<'f, 'w, T>(Option<(Rx<'f>, Tx<'f, 'w, T>)>);

impl<'f, 'w, T: TxSlot> phy::Device for Ingress<'f, 'w, T> {
    type RxToken<'a>
        = Rx<'f>
    where
        Self: 'a;
    type TxToken<'a>
        = Tx<'f, 'w, T>
    where
        Self: 'a;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Rx<'f>, Tx<'f, 'w, T>)> {
        self.0.take()
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Tx<'f, 'w, T>> {
        None
    }

    fn capabilities(&self) -> DeviceCapabilities {
        // smoltcp keeps those of the device that the interface was made with.
        DeviceCapabilities::default()
    }
}
