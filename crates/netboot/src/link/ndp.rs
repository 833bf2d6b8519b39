//! Questions and answers about hardware addresses of IPv6 (RFC 4861).

use super::egress::Egress;
use super::ethernet::{Mac, is_group};
use super::ipv6::QUESTION;
use core::net::IpAddr;
use netboot_core::{Instant, TxSlot};
use netboot_ndp::address::is_host;
use netboot_ndp::neighbor::{self, Neighbor};
use netboot_ndp::wire::Envelope;

/// Learns from a message about a hardware address, and answers it if it asks for the station. `sender` is the hardware address that the frame came
/// from.
#[inline(never)]
pub(super) fn answer<T: TxSlot>(
    egress: &mut Egress<'_>,
    envelope: &Envelope,
    message: &[u8],
    sender: Mac,
    tx: T,
    now: Instant,
) {
    match Neighbor::parse(envelope, message) {
        Some(Neighbor::Solicitation { target, mac }) => {
            let asker = envelope.source;
            // A question from `::` is a probe: its sender would like to use the address (RFC 4862, section 5.4.3).
            if asker.is_unspecified() && egress.ipv6.note(target, sender) {
                return;
            }
            if !egress.ipv6.has(target) {
                return;
            }
            // A host that knows the station already need not tell its own.
            let mac = mac.unwrap_or(sender);
            if !is_group(mac) && is_host(asker) {
                egress.learn(now, IpAddr::V6(asker), mac, true);
            }
            let own = egress.mac;
            egress.send(tx, now, QUESTION, |packet| {
                neighbor::advertise(packet, own, target, asker)
            });
        }
        Some(Neighbor::Advertisement { target, mac }) => {
            let mac = mac.unwrap_or(sender);
            if !egress.ipv6.note(target, mac)
                && !egress.ipv6.has(target)
                && !is_group(mac)
                && is_host(target)
            {
                egress.learn(now, IpAddr::V6(target), mac, false);
            }
        }
        None => {}
    }
}
