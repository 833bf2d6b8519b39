//! The agent against a table of registers: registers that refuse, statuses in odd mixtures, and what the agent writes.

use super::*;
use crate::command::Command;
use crate::fields::RecIntfCfg;
use crate::reason::Reason;
use netboot_core::{AbortReason, ImageSink};
use std::collections::HashMap;

/// Registers that hold what the test puts there; writes change only what `sticky` does not name.
pub(super) struct Table {
    pub words: HashMap<u32, u32>,
    pub sticky: Vec<u32>,
    pub writes: Vec<(u32, u32)>,
}

impl RegisterBus for Table {
    fn read32(&mut self, offset: u32) -> u32 {
        self.words.get(&offset).copied().unwrap_or(0)
    }

    fn write32(&mut self, offset: u32, value: u32) {
        self.writes.push((offset, value));
        if !self.sticky.contains(&offset) {
            self.words.insert(offset, value);
        }
    }
}

pub(super) const DEVICE_STATUS_0: u32 = 0x130;
pub(super) const RECOVERY_CTRL: u32 = 0x13C;
pub(super) const RECOVERY_STATUS: u32 = 0x140;
pub(super) const FIFO_STATUS_0: u32 = 0x150;
const FIFO_SIZE: u32 = 0x15C;
const MAX_TRANSFER: u32 = 0x160;
const REC_INTF_CFG: u32 = 0x30C;

/// A core of the newer generation whose device asks for image 0.
pub(super) fn table() -> Table {
    Table {
        words: HashMap::from([
            (0x40, 0x100),
            (0x100, 0x20C0),
            (0x180, 0x2012),
            (0x200, 0x40C4),
            (0x300, 0x1AC1),
            (0x368, 0x0202),
            (0x370, 0x0100),
            (0x104, 0x2050_434F),
            (0x108, 0x5643_4552),
            (0x10C, 0x1AB1_0101),
            (DEVICE_STATUS_0, 0x0012_0003),
            (RECOVERY_STATUS, 0x01),
            (FIFO_STATUS_0, 1),
            (FIFO_SIZE, 64),
            (MAX_TRANSFER, 64),
        ]),
        sticky: vec![],
        writes: vec![],
    }
}

pub(super) const T0: Instant = Instant::ZERO;

pub(super) fn agent(table: Table) -> RecoveryAgent<Table> {
    RecoveryAgent::new(table, AgentConfig::default(), T0).unwrap()
}

impl RecoveryAgent<Table> {
    pub(super) fn set(&mut self, registers: &[(u32, u32)]) {
        self.bus_mut().words.extend(registers.iter().copied());
    }

    /// Delivers an image of 4 octets and activates it.
    pub(super) fn deliver(&mut self, index: u8) {
        let status = 1 | u32::from(index) << 4;
        self.set(&[(DEVICE_STATUS_0, 0x0012_0003), (RECOVERY_STATUS, status)]);
        assert_eq!(self.poll(T0), Ok(AgentEvent::ImageRequested { index }));
        self.begin(T0, 4).unwrap();
        assert_eq!(self.window(T0), Ok(4));
        self.write(T0, b"abcd").unwrap();
        self.end(T0).unwrap();
        assert_eq!(self.poll_ready(T0), Ok(false));
        self.set(&[(DEVICE_STATUS_0, 0x0012_0004)]);
        assert_eq!(self.poll_ready(T0), Ok(true));
        self.activate(T0).unwrap();
    }
}

#[test]
fn registers_of_another_core_are_refused() {
    let mut other = table();
    other.words.insert(0x108, 0);
    assert_eq!(
        RecoveryAgent::new(other, AgentConfig::default(), T0).err(),
        Some(RecoveryError::BadMagic {
            found: [0x2050_434F, 0]
        })
    );
    let mut other = table();
    other.sticky.push(REC_INTF_CFG);
    assert_eq!(
        RecoveryAgent::new(other, AgentConfig::default(), T0).err(),
        Some(RecoveryError::BypassRefused { config: 0 })
    );
}

#[test]
fn no_word_is_written_when_the_window_cannot_be_opened() {
    let mut agent = agent(table());
    agent.poll(T0).unwrap();
    for (register, value, expected) in [
        (
            REC_INTF_CFG,
            3,
            RecoveryError::PayloadDoneStuck { config: 3 },
        ),
        (REC_INTF_CFG, 0, RecoveryError::BypassRefused { config: 0 }),
        (
            MAX_TRANSFER,
            0,
            RecoveryError::FifoGeometry {
                fifo_size: 64,
                max_transfer: 0,
            },
        ),
        (
            FIFO_SIZE,
            0,
            RecoveryError::FifoGeometry {
                fifo_size: 0,
                max_transfer: 64,
            },
        ),
        (
            RECOVERY_CTRL,
            0x000F_0000,
            RecoveryError::RequestWithdrawn { index: 0 },
        ),
        (
            RECOVERY_STATUS,
            0x11,
            RecoveryError::RequestWithdrawn { index: 0 },
        ),
    ] {
        let before = agent.bus_mut().read32(register);
        agent.set(&[(register, value)]);
        agent.bus_mut().sticky = vec![register];
        assert_eq!(agent.begin(T0, 4), Err(expected));
        assert!(agent.window(T0).is_err());
        agent.bus_mut().sticky.clear();
        agent.set(&[(register, before)]);
        assert_eq!(agent.poll(T0), Ok(AgentEvent::ImageRequested { index: 0 }));
    }
    let writes = &agent.bus_mut().writes;
    assert!(writes.iter().all(|(offset, _)| *offset == REC_INTF_CFG));
}

#[test]
fn a_burst_is_no_longer_than_the_fifo_and_never_absurd() {
    for (fifo_size, max_transfer, window) in [
        (64, 64, 256),
        (64, 16, 64),
        (16, 64, 64),
        (u32::MAX, u32::MAX, 4096),
    ] {
        let mut agent = agent(table());
        agent.set(&[(FIFO_SIZE, fifo_size), (MAX_TRANSFER, max_transfer)]);
        agent.poll(T0).unwrap();
        agent.begin(T0, 4 * u64::from(u32::MAX)).unwrap();
        assert_eq!(agent.window(T0), Ok(window));
        assert!(agent.bus_mut().writes.contains(&(0x14C, u32::MAX)));
    }
}

#[test]
fn a_reason_that_comes_after_the_status_is_waited_for() {
    for stale in [0x0000_000E, 0x0011_000E, 0x0012_000E] {
        let mut agent = agent(table());
        agent.deliver(0);
        agent.set(&[(DEVICE_STATUS_0, stale), (RECOVERY_STATUS, 0x0D)]);
        assert_eq!(agent.poll(T0), Ok(AgentEvent::Waiting));
        let later = T0 + Duration::from_millis(499);
        assert_eq!(agent.poll_timeout(), Some(T0 + Duration::from_millis(500)));
        agent.set(&[(DEVICE_STATUS_0, 0x0085_000E)]);
        assert_eq!(
            agent.poll(later),
            Err(RecoveryError::DeviceRefused {
                index: 0,
                device_status: 0xE,
                recovery_status: 0x0D,
                reason: Some(Reason(0x85)),
            })
        );
        // Final, whatever the registers show.
        agent.set(&[(DEVICE_STATUS_0, 0x0012_0003), (RECOVERY_STATUS, 0x01)]);
        assert!(agent.poll(later).is_err() && agent.begin(later, 4).is_err());
        agent.abort(later, AbortReason::Cancelled);
        assert_eq!(agent.state(), AgentState::Failed);
    }
}

#[test]
fn settling_starts_again_with_each_change_but_not_with_a_protocol_error() {
    let mut agent = agent(table());
    agent.deliver(2);
    let second = |n: u64| T0 + Duration::from_secs(n);
    let verifying = Ok(AgentEvent::Verifying { index: 2 });
    // Not yet booting.
    assert_eq!(agent.poll(second(1)), verifying);
    agent.set(&[(RECOVERY_STATUS, 0x22), (RECOVERY_CTRL, 0x000F_0000)]);
    assert_eq!(agent.poll(second(10)), verifying);
    agent.set(&[(RECOVERY_CTRL, 0x0001_0000)]);
    assert_eq!(agent.poll(second(12)), verifying);
    assert_eq!(agent.poll(second(14)), verifying);
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0404)]);
    assert_eq!(agent.poll(second(15)), Ok(AgentEvent::Complete));
    let command = Command::RecoveryCtrl.code();
    let shown = Some(ProtocolError { command, code: 4 });
    assert_eq!(agent.status().protocol_error, shown);
    // A later failure is not hidden by the earlier success.
    agent.set(&[(DEVICE_STATUS_0, 0x000C_000E), (RECOVERY_STATUS, 0x2D)]);
    assert!(matches!(
        agent.poll(second(16)),
        Err(RecoveryError::DeviceRefused { .. })
    ));
}

#[test]
fn documented_ends_are_recognised_for_any_image() {
    for (device, recovery) in [
        (0x0012_0001, 0x02),
        (0x0012_0005, 0x02),
        (0x0012_0004, 0x03),
    ] {
        let mut agent = agent(table());
        agent.deliver(0);
        assert_eq!(agent.poll(T0), Ok(AgentEvent::Verifying { index: 0 }));
        agent.set(&[(DEVICE_STATUS_0, device), (RECOVERY_STATUS, recovery)]);
        assert_eq!(agent.poll(T0), Ok(AgentEvent::Complete));
    }
}

/// Begins an image of 1000 octets and writes the first `octets` of it, in whole bursts.
pub(super) fn begun(agent: &mut RecoveryAgent<Table>, octets: usize) {
    assert_eq!(agent.poll(T0), Ok(AgentEvent::ImageRequested { index: 0 }));
    agent.begin(T0, 1000).unwrap();
    let mut left = octets;
    while left != 0 {
        let len = agent.window(T0).unwrap().min(left);
        agent.write(T0, &[0; 256][..len]).unwrap();
        left -= len;
    }
}

const RESET: RecoveryError = RecoveryError::ResetRequired {
    index: 0,
    octets: 256,
};

#[test]
fn a_device_that_was_reset_and_asks_again_is_not_taken_for_the_same() {
    let mut agent = agent(table());
    begun(&mut agent, 256);
    // The same statuses as before, but the core is back in I3C mode.
    agent.set(&[(REC_INTF_CFG, 0)]);
    assert!(matches!(
        agent.window(T0),
        Err(RecoveryError::DeviceLeft { index: 0, .. })
    ));
    agent.abort(T0, AbortReason::TransferFailed);
    assert_eq!(agent.poll(T0), Err(RESET));
    assert_eq!(agent.device_was_reset(T0), Ok(()));
    assert_eq!(agent.poll(T0), Ok(AgentEvent::ImageRequested { index: 0 }));
    assert_eq!(agent.begin(T0, 1000), Ok(()));
    assert_eq!(agent.window(T0), Ok(256));
}

#[test]
fn an_unused_image_is_taken_back_and_leaves_nothing_behind() {
    for octets in [0, 1, 3, 4, 255] {
        for give_up in [false, true] {
            let mut agent = agent(table());
            begun(&mut agent, octets);
            agent.bus_mut().writes.clear();
            if give_up {
                agent.abort(T0, AbortReason::TransferFailed);
                assert_eq!(agent.state(), AgentState::Awaiting);
                assert_eq!(agent.poll(T0), Ok(AgentEvent::ImageRequested { index: 0 }));
            } else {
                assert!(agent.withdraw(T0));
                assert_eq!(agent.state(), AgentState::Requested { index: 0 });
            }
            // PAYLOAD_DONE, the transmit queue, then the FIFO that it feeds.
            assert_eq!(
                agent.bus_mut().writes[..3],
                [(REC_INTF_CFG, 1), (0x20C, 8), (0x310, 0x0001_0000)]
            );
            assert_eq!(agent.window(T0), Err(RecoveryError::NotOpen));
            agent.bus_mut().writes.clear();
            agent.begin(T0, 7).unwrap();
            assert_eq!(agent.window(T0), Ok(7));
            agent.write(T0, &[1, 2, 3, 4, 5, 6, 7]).unwrap();
            assert_eq!(words(&mut agent), [0x0403_0201, 0x0007_0605]);
        }
    }
}

#[test]
fn a_request_that_is_gone_after_a_withdrawal_is_not_served() {
    let mut agent = agent(table());
    begun(&mut agent, 100);
    assert!(agent.withdraw(T0));
    agent.set(&[(RECOVERY_STATUS, 0x11)]);
    assert_eq!(
        agent.begin(T0, 1000),
        Err(RecoveryError::RequestWithdrawn { index: 0 })
    );
}

#[test]
fn a_used_image_is_never_begun_again() {
    for whole in [false, true] {
        let mut agent = agent(table());
        if whole {
            assert_eq!(agent.poll(T0), Ok(AgentEvent::ImageRequested { index: 0 }));
            agent.begin(T0, 4).unwrap();
            agent.window(T0).unwrap();
            agent.write(T0, b"abcd").unwrap();
            agent.end(T0).unwrap();
        } else {
            begun(&mut agent, 256);
        }
        let before = agent.state();
        let writes = agent.bus_mut().writes.len();
        assert!(!agent.withdraw(T0));
        assert_eq!(agent.state(), before);
        assert_eq!(agent.bus_mut().writes.len(), writes, "nothing changes");
        agent.abort(T0, AbortReason::DigestMismatch);
        assert_eq!(agent.state(), AgentState::Stuck { index: 0 });
        assert_eq!(agent.bus_mut().writes.len(), writes, "nothing changes");
        let octets = if whole { 4 } else { 256 };
        let error = RecoveryError::ResetRequired { index: 0, octets };
        // The device still shows its request, and nothing that the agent is asked for serves it.
        assert_eq!(agent.poll(T0), Err(error));
        assert_eq!(agent.begin(T0, 1000), Err(error));
        assert_eq!(agent.window(T0), Err(error));
        assert_eq!(agent.poll_ready(T0), Err(error));
        assert_eq!(agent.write(T0, &[0]), Err(RecoveryError::NotOpen));
        assert_eq!(agent.end(T0), Err(RecoveryError::NotOpen));
        assert_eq!(agent.activate(T0), Err(RecoveryError::NotReady));
        assert!(!agent.withdraw(T0));
        agent.abort(T0, AbortReason::Cancelled);
        assert_eq!(agent.poll_timeout(), None);
        assert_eq!(agent.state(), AgentState::Stuck { index: 0 });
        assert_eq!(agent.bus_mut().writes.len(), writes);
        // A failure that the device shows itself wins.
        agent.set(&[(DEVICE_STATUS_0, 0x0085_000E), (RECOVERY_STATUS, 0x0D)]);
        assert!(matches!(
            agent.poll(T0),
            Err(RecoveryError::DeviceRefused { index: 0, .. })
        ));
        assert_eq!(agent.state(), AgentState::Failed);
    }
}

#[test]
fn a_reset_ends_every_state_and_begins_anew() {
    let later = T0 + Duration::from_secs(100);
    let mut agent = agent(table());
    for round in 0..4 {
        match round {
            0 => {}
            1 => begun(&mut agent, 600),
            2 => {
                begun(&mut agent, 600);
                agent.abort(T0, AbortReason::TransferFailed);
            }
            _ => {
                agent.deliver(0);
                agent.set(&[(DEVICE_STATUS_0, 0x0085_000E), (RECOVERY_STATUS, 0x0D)]);
                assert!(agent.poll(T0).is_err());
            }
        }
        agent.set(&[
            (REC_INTF_CFG, 0),
            (0x10C, 0),
            (DEVICE_STATUS_0, 0),
            (RECOVERY_STATUS, 0),
            (RECOVERY_CTRL, 0),
        ]);
        assert_eq!(agent.device_was_reset(later), Ok(()));
        assert_eq!(agent.state(), AgentState::Capabilities);
        assert_eq!(agent.status(), StatusSnapshot::default());
        assert!(RecIntfCfg(agent.bus_mut().read32(REC_INTF_CFG)).bypass());
        let limit = later + AgentConfig::default().request_timeout;
        assert_eq!(agent.poll_timeout(), Some(limit));
        assert_eq!(agent.poll(later), Ok(AgentEvent::Waiting));
        agent.set(&[
            (0x10C, 0x1AB1_0101),
            (DEVICE_STATUS_0, 0x0012_0003),
            (RECOVERY_STATUS, 0x01),
        ]);
    }
    agent.deliver(0);
}

#[test]
fn a_reset_that_the_register_does_not_show_changes_nothing() {
    for (config, error) in [
        (0, RecoveryError::BypassRefused { config: 0 }),
        (3, RecoveryError::PayloadDoneStuck { config: 3 }),
    ] {
        let mut agent = agent(table());
        begun(&mut agent, 256);
        agent.abort(T0, AbortReason::TransferFailed);
        agent.set(&[(REC_INTF_CFG, config)]);
        agent.bus_mut().sticky.push(REC_INTF_CFG);
        assert_eq!(agent.device_was_reset(T0), Err(error));
        assert_eq!(agent.poll(T0), Err(RESET));
    }
}

#[test]
fn a_pause_does_not_count_but_a_full_fifo_does() {
    let late = T0 + Duration::from_secs(3600);
    let mut agent = agent(table());
    begun(&mut agent, 256);
    // An hour between two sources; the device has long drained the burst.
    assert_eq!(agent.poll(late), Ok(AgentEvent::Waiting));
    assert_eq!(agent.window(late), Ok(256));
    agent.write(late, &[0; 256]).unwrap();
    agent.set(&[(FIFO_STATUS_0, 2)]);
    let limit = late + AgentConfig::default().drain_timeout;
    assert_eq!(agent.window(limit - Duration::from_micros(1)), Ok(0));
    assert!(matches!(
        agent.window(limit),
        Err(RecoveryError::Timeout {
            wait: WaitFor::Drain,
            ..
        })
    ));
    // The device goes on after all, and so does the image.
    agent.set(&[(FIFO_STATUS_0, 1)]);
    assert_eq!(agent.window(limit), Ok(256));
}

/// A word to a core that is no longer in bypass stalls the bus for good. So no call trusts what an earlier call saw.
#[test]
fn a_reset_inside_a_burst_is_noticed_before_the_next_word() {
    // The image ends in the burst, at its last word, or long after it; the rest comes in octets, words or at once.
    for (written, rest) in [
        (1, 1),
        (3, 1),
        (4, 4),
        (255, 1),
        (257, 255),
        (300, 212),
        (999, 1),
    ] {
        let mut agent = agent(table());
        begun(&mut agent, written);
        let room = agent.window(T0).unwrap();
        let left = Err(RecoveryError::DeviceLeft {
            index: 0,
            device_status: 3,
            recovery_status: 1,
        });
        // The core is back in I3C mode, and the device asks for the same image: nothing else tells.
        agent.set(&[(REC_INTF_CFG, 0)]);
        let writes = agent.bus_mut().writes.len();
        assert_eq!(agent.write(T0, &[7; 256][..rest]), left, "{written}");
        assert_eq!(agent.window(T0).map(|_| ()), left);
        assert_eq!(agent.bus_mut().writes.len(), writes, "nothing is written");
        // What was refused was not taken: the very same octets are still to come.
        agent.set(&[(REC_INTF_CFG, 1)]);
        assert_eq!(agent.window(T0), Ok(room));
        assert_eq!(agent.write(T0, &[7; 256][..rest]), Ok(()));
    }
}

#[test]
fn a_device_that_leaves_inside_a_burst_is_noticed_by_the_next_window() {
    for (register, value) in [(DEVICE_STATUS_0, 0x0012_0001), (RECOVERY_STATUS, 0x11)] {
        let mut agent = agent(table());
        begun(&mut agent, 300);
        agent.set(&[(register, value)]);
        assert!(matches!(
            agent.window(T0),
            Err(RecoveryError::DeviceLeft { index: 0, .. })
        ));
    }
}

#[test]
fn a_reset_is_noticed_before_the_end_and_before_the_activation() {
    let left = |result: Result<(), RecoveryError>| {
        matches!(result, Err(RecoveryError::DeviceLeft { index: 0, .. }))
    };
    // The core is back in I3C mode, and the device asks for the same image: nothing else tells.
    for moment in 0..3 {
        let mut agent = agent(table());
        agent.poll(T0).unwrap();
        agent.begin(T0, 4).unwrap();
        agent.window(T0).unwrap();
        agent.write(T0, b"abcd").unwrap();
        if moment > 0 {
            agent.end(T0).unwrap();
        }
        if moment > 1 {
            agent.set(&[(DEVICE_STATUS_0, 0x0012_0004)]);
            assert_eq!(agent.poll_ready(T0), Ok(true));
        }
        agent.set(&[(REC_INTF_CFG, 0), (DEVICE_STATUS_0, 0x0012_0003)]);
        let writes = agent.bus_mut().writes.len();
        assert!(left(match moment {
            0 => agent.end(T0),
            1 => agent.poll_ready(T0).map(|_| ()),
            _ => agent.activate(T0),
        }));
        assert_eq!(agent.bus_mut().writes.len(), writes);
    }
}

fn words(agent: &mut RecoveryAgent<Table>) -> Vec<u32> {
    let writes = agent.bus_mut().writes.iter();
    writes
        .filter_map(|(offset, value)| (*offset == 0x27C).then_some(*value))
        .collect()
}

#[test]
fn protocol_errors_are_kept_until_the_next_image() {
    let mut agent = agent(table());
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0203)]);
    agent.poll(T0).unwrap();
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0003)]);
    agent.poll(T0).unwrap();
    let shown = |command, code| Some(ProtocolError { command, code });
    assert_eq!(agent.status().protocol_error, shown(0, 2));
    agent.begin(T0, 4).unwrap();
    assert_eq!(agent.status().protocol_error, None);
    // Each belongs to the command behind the register that was written before it.
    agent.set(&[(DEVICE_STATUS_0, 0x0012_0303)]);
    agent.window(T0).unwrap();
    let seen = agent.status().protocol_error;
    assert_eq!(seen, shown(Command::IndirectFifoCtrl.code(), 3));
    agent.write(T0, &[1, 2, 3, 4]).unwrap();
    agent.set(&[(DEVICE_STATUS_0, 0x0012_FF03)]);
    agent.window(T0).unwrap();
    agent.poll(T0).unwrap();
    let seen = agent.status().protocol_error;
    assert_eq!(seen, shown(Command::IndirectFifoData.code(), 0xFF));
}

#[test]
fn words_are_little_endian_and_the_tail_is_padded() {
    let mut agent = agent(table());
    agent.poll(T0).unwrap();
    agent.begin(T0, 7).unwrap();
    assert_eq!(agent.window(T0), Ok(7));
    agent.write(T0, &[1]).unwrap();
    assert_eq!(agent.window(T0), Ok(6));
    agent.write(T0, &[2, 3, 4, 5, 6, 7]).unwrap();
    agent.end(T0).unwrap();
    assert_eq!(words(&mut agent), [0x0403_0201, 0x0007_0605]);
    assert!(agent.bus_mut().writes.contains(&(0x14C, 2)));
    assert_eq!(agent.bus_mut().writes.last(), Some(&(REC_INTF_CFG, 3)));
}
