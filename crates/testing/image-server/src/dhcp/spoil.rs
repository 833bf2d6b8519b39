//! What goes wrong with an answer.

use super::blank;
use super::message::{Reply, Request, kind, option};
use crate::faults::{DhcpDamage, DhcpFault};
use crate::shared::Shared;
use rand_core::RngCore as _;
use std::net::Ipv4Addr;

/// Applies the faults that change what the answer says.
pub(super) fn spoil(
    faults: &[DhcpFault],
    answered: &mut u8,
    reply: &mut Reply,
    request: &Request,
    ip: Ipv4Addr,
) {
    for fault in faults {
        match fault {
            DhcpFault::Nak if request.kind == kind::REQUEST => {
                *answered = kind::NAK;
                let refusal = [
                    (option::MESSAGE_TYPE, vec![kind::NAK]),
                    (option::SERVER_ID, ip.octets().to_vec()),
                ];
                *reply = blank(request);
                reply.ciaddr = Ipv4Addr::UNSPECIFIED;
                reply.options.extend(refusal);
            }
            DhcpFault::NoBootInfo => {
                const KEPT: [u8; 7] = [
                    option::MESSAGE_TYPE,
                    option::SERVER_ID,
                    option::LEASE_TIME,
                    option::SUBNET_MASK,
                    option::ROUTERS,
                    option::DNS,
                    option::CLIENT_ID,
                ];
                reply.options.retain(|(code, _)| KEPT.contains(code));
                reply.siaddr = Ipv4Addr::UNSPECIFIED;
                reply.file.clear();
                reply.sname.clear();
            }
            DhcpFault::BootFile(name) => {
                reply.options.retain(|(c, _)| *c != option::BOOT_FILE);
                let value = name.as_bytes().to_vec();
                reply.options.push((option::BOOT_FILE, value));
                reply.file.clear();
            }
            DhcpFault::WrongXid => reply.xid[0] ^= 0xFF,
            DhcpFault::WrongChaddr => reply.chaddr[5] ^= 0xFF,
            DhcpFault::Address(address) => reply.yiaddr = *address,
            DhcpFault::NoServerId => reply.options.retain(|(c, _)| *c != option::SERVER_ID),
            DhcpFault::NoLeaseTime => reply.options.retain(|(c, _)| *c != option::LEASE_TIME),
            DhcpFault::MessageType(kind) => {
                for (code, value) in &mut reply.options {
                    if *code == option::MESSAGE_TYPE {
                        *value = vec![*kind];
                    }
                }
            }
            _ => {}
        }
    }
}

/// Applies damage to the octets of an answer.
pub(super) fn spoil_octets(damage: DhcpDamage, message: &mut Vec<u8>, shared: &mut Shared) {
    match damage {
        DhcpDamage::Cookie => message[236] ^= 0xFF,
        DhcpDamage::Short => message.truncate(100),
        DhcpDamage::Overrun => {
            message.truncate(end_of_options(message));
            message.extend_from_slice(&[option::BOOT_FILE, 200, b'x']);
        }
        DhcpDamage::NoEnd => message.truncate(end_of_options(message)),
        DhcpDamage::Opcode => message[0] = 1,
        DhcpDamage::Noise => shared.rng.fill_bytes(message),
        DhcpDamage::OptionLengths => {}
    }
}

/// Where the END option stands in a message that this server made.
fn end_of_options(message: &[u8]) -> usize {
    let mut at = 240;
    loop {
        match message.get(at..) {
            Some([option::END, ..] | [] | [_]) | None => return at.min(message.len()),
            Some([option::PAD, ..]) => at += 1,
            Some([_, length, ..]) => at += 2 + usize::from(*length),
        }
    }
}
