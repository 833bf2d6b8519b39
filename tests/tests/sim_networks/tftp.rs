//! TFTP servers that use their ports in another way than RFC 1350 says, or say things twice.

use super::{boot, plan};
use e2e::wire::{from_server, is_udp_to, mend, tftp_opcode};
use netboot_core::{Blame, Duration};
use netsim::{Middle, Side};
use std::collections::BTreeMap;
use testbed::Protocol;

/// Where the ports of a UDP datagram stand in its frame.
const FROM: std::ops::Range<usize> = 34..36;
const TO: std::ops::Range<usize> = 36..38;
/// Opcodes of RFC 1350 and RFC 2347.
const RRQ: u16 = 1;
const OACK: u16 = 6;
const PORT: [u8; 2] = 69u16.to_be_bytes();

/// The server takes requests, acknowledgements and everything else on port 69, and answers from there.
fn one_port_for_all() -> Middle {
    // The server's own port, by the station's.
    let mut ports = BTreeMap::new();
    Box::new(move |_, from, mut frame, out| {
        if let Some(opcode) = tftp_opcode(&frame) {
            let [own, other]: [[u8; 2]; 2] =
                [FROM, TO].map(|at| frame[at].try_into().expect("a port"));
            match from {
                Side::Server => {
                    ports.insert(other, own);
                    frame[FROM].copy_from_slice(&PORT);
                }
                Side::Client if opcode != RRQ => {
                    assert_eq!(other, PORT);
                    frame[TO].copy_from_slice(&ports[&own]);
                }
                Side::Client => {}
            }
            mend(&mut frame);
        }
        out.push((from, frame));
    })
}

#[test]
fn a_server_that_answers_everything_from_port_69() {
    let plan = plan(Protocol::Tftp);
    let boot = boot(&plan, |_| (), one_port_for_all());
    boot.assert_booted(&plan);
    for file in testbed::plan::FILE_NAMES {
        let asked = boot.served(image_server::Protocol::Tftp, file);
        assert_eq!(asked.len(), 1, "{file}");
    }
    assert!(boot.took() < Duration::from_secs(4), "{}", boot.took());
}

/// Each OACK comes twice. The second one is acknowledged or ignored, and no block is lost or taken twice.
#[test]
fn an_oack_that_comes_twice() {
    for pause in [false, true] {
        for options in [16, 0] {
            let plan = plan(Protocol::Tftp);
            let mut held = None;
            let middle = from_server(move |_, frame| {
                let oack = tftp_opcode(&frame) == Some(OACK) && !is_udp_to(&frame, 69);
                let mut out = vec![frame.clone()];
                match pause {
                    false if oack => out.push(frame),
                    // The second one comes behind the first block.
                    true if oack => held = Some(frame),
                    true => out.extend(held.take()),
                    false => {}
                }
                out
            });
            let boot = boot(&plan, |server| server.tftp.max_windowsize = options, middle);
            boot.assert_booted(&plan);
            assert!(boot.took() < Duration::from_secs(4), "{}", boot.took());
        }
    }
}

/// Options that nobody asked for are refused (RFC 2347), and the server is told to be the culprit.
#[test]
fn an_oack_with_options_that_nobody_asked_for() {
    for (option, value) in [("rollover", "0"), ("msftwindow", "31416")] {
        let plan = plan(Protocol::Tftp);
        let options = vec![
            ("blksize".into(), "1000".into()),
            (option.into(), value.into()),
        ];
        let fault = image_server::TftpFault::Oack(options);
        let boot = boot(
            &plan,
            |server| server.faults.tftp.always(fault),
            super::wire(),
        );
        boot.assert_failed(&plan, 0x0002_0011, Blame::Peer);
    }
}
