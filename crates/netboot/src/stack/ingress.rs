//! One packet, from the link to smoltcp.

use super::{Rx, timestamp};
use crate::link::Tx;
use netboot_core::{Instant, TxSlot};
use smoltcp::iface::{Interface, SocketSet};
use smoltcp::phy::{self, DeviceCapabilities};

/// Lets smoltcp take in one packet. Its frame on the stack is large, and nothing of ours is called from here.
#[inline(never)]
pub(super) fn ingest<T: TxSlot>(
    iface: &mut Interface,
    sockets: &mut SocketSet<'_>,
    now: Instant,
    packet: &[u8],
    tx: Tx<'_, '_, T>,
) {
    let mut ingress = Ingress(Some((Rx(packet), tx)));
    iface.poll_ingress_single(timestamp(now), &mut ingress, sockets);
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
